// <line-chart>: the server's SVG curve becomes one that answers to pointer and arrow keys; drag to enlarge a span, double
// click to see all. Data in a JSON block inside: {"days": ["2025-03-14", …], "values": […]}, an amount of data-currency a
// day; or {"days": […], "names": ["…", …], "curves": [[…], …]}, ratios that are shown in percent.
import { alpha, colours } from "./colours.js";

const GUTTER = 54;
const DAY = 86400;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

class LineChart extends HTMLElement {
  #plot = null;
  #sizes = new ResizeObserver(() => this.#fit());

  async connectedCallback() {
    const { days, values, names = [""], curves = [values] } = JSON.parse(this.querySelector("script").textContent);
    this.seconds = days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
    this.names = names;
    this.curves = curves;
    this.exact = this.#format({ maximumFractionDigits: 2, minimumFractionDigits: 2 }, true);
    this.uPlot = (await import(this.dataset.library)).default;
    await styleSheet(this.dataset.style);
    if (!this.isConnected) return;
    document.addEventListener("adaf:theme", this);
    this.addEventListener("keydown", this);
    this.addEventListener("blur", this);
    this.#draw();
    this.#sizes.observe(this);
  }

  disconnectedCallback() {
    document.removeEventListener("adaf:theme", this);
    this.#sizes.disconnect();
    this.#plot?.destroy();
  }

  handleEvent(event) {
    if (event.type === "adaf:theme") this.#draw();
    else if (event.type === "blur") this.#plot.setCursor({ left: -10, top: -10 });
    else this.#step(event);
  }

  // As the server writes numbers: a minus sign that is as wide as a plus sign.
  #format(digits, signed = false) {
    const { currency } = this.dataset;
    const style = currency ? { style: "currency", currency } : { style: "percent", signDisplay: signed ? "exceptZero" : "auto" };
    const made = new Intl.NumberFormat("en-US", { ...style, ...digits });
    return (value) => made.format(value).replace("-", "−");
  }

  #draw() {
    const [muted, line, panel, ...shades] = colours(this, ["muted", "line", "panel", "accent", ...Array.from("01234567", (n) => `c${n}`)]);
    const strokes = this.curves.length === 1 ? shades : shades.slice(1);
    const axis = {
      stroke: muted,
      font: "11px system-ui, sans-serif",
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
    };
    this.#plot?.destroy();
    this.readout?.remove();
    this.#plot = new this.uPlot(
      {
        width: this.clientWidth,
        height: this.clientHeight,
        padding: [8, 16, 0, 0],
        legend: { show: false },
        tzDate: (seconds) => this.uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        cursor: { y: false, points: { size: 8, fill: (_, index) => strokes[index - 1], stroke: panel, width: 2 }, drag: { x: true, y: false } },
        scales: { y: { range: (_, low, high) => padded(low, high) } },
        axes: [
          { ...axis, size: 26, gap: 8, space: 90, grid: { show: false }, values: (_, ticks) => ticks.map((tick) => (tick % DAY ? "" : dayName(tick))) },
          { ...axis, size: GUTTER, gap: 8, space: this.clientHeight < 160 ? 28 : 46, values: (_, ticks, __, ___, step) => this.#axis(ticks, step) },
        ],
        series: [
          {},
          ...this.curves.map((_, index) => ({
            stroke: strokes[index],
            width: 1.75,
            fill: this.dataset.currency ? alpha(strokes[index], 0.1) : undefined,
            spanGaps: true,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [(plot) => this.#read(plot.cursor.idx)] },
      },
      [this.seconds, ...this.curves],
      this,
    );
    this.readout = Object.assign(document.createElement("p"), { className: "readout", role: "status", hidden: true });
    this.append(this.readout);
    this.setAttribute("role", "group");
    this.classList.add("chart-live");
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this;
    if (width && (width !== this.#plot.width || height !== this.#plot.height)) this.#plot.setSize({ width, height });
  }

  // The same unit for all ticks, and as many decimals as ticks that are `step` apart need.
  #axis(ticks, step) {
    const { currency } = this.dataset;
    const largest = currency ? Math.max(...ticks.map(Math.abs)) : 0;
    const [unit, letter] = [[1e9, "B"], [1e6, "M"], [1e3, "K"]].find(([size]) => largest >= size) ?? [1, ""];
    const shown = (step / unit) * (currency ? 1 : 100);
    const digits = Math.max(0, ...[0, 1, 2, 3].filter((n) => Math.abs(shown * 10 ** (n - 1) - Math.round(shown * 10 ** (n - 1))) > 1e-6));
    const format = this.#format({ minimumFractionDigits: digits, maximumFractionDigits: digits });
    return ticks.map((tick) => format(tick / unit) + letter);
  }

  #read(index) {
    if (!this.readout) return;
    this.readout.hidden = index == null;
    if (index == null) return;
    const day = new Date(this.seconds[index] * 1000);
    this.readout.replaceChildren(...this.#values(index), `${dayName(this.seconds[index])} ${day.getUTCFullYear()}`);
    const at = GUTTER + this.#plot.valToPos(this.seconds[index], "x");
    const width = this.readout.offsetWidth;
    this.readout.style.left = `${at + 12 + width > this.clientWidth ? at - 12 - width : at + 12}px`;
  }

  // One value in bold; of several curves each with its colour and its name.
  #values(index) {
    return this.curves.flatMap((curve, place) => {
      if (curve[index] == null) return [];
      const value = document.createElement("strong");
      value.textContent = this.exact(curve[index]);
      if (this.curves.length > 1) {
        const swatch = document.createElement("span");
        swatch.className = `swatch s${place}`;
        value.prepend(swatch);
        value.append(` ${this.names[place]}`);
      }
      return [value];
    });
  }

  #step(event) {
    const last = this.seconds.length - 1;
    const now = this.#plot.cursor.idx ?? last + (event.key === "ArrowLeft" ? 1 : 0);
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const index = Math.min(last, Math.max(0, next));
    this.#plot.setCursor({ left: this.#plot.valToPos(this.seconds[index], "x"), top: 10 });
  }
}

// As adaf.web.charts pads: nothing moves when this replaces it.
function padded(low, high) {
  const padding = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
  return [low - padding, high + padding];
}

function dayName(seconds) {
  const day = new Date(seconds * 1000);
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
}

function styleSheet(address) {
  if (document.querySelector(`link[href="${address}"]`)) return undefined;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

customElements.define("line-chart", LineChart);
