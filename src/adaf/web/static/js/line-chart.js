// <line-chart>: the server's SVG curve becomes one that answers to pointer and arrow keys; drag to enlarge a span, double
// click to see all. Data: {"days": ["2025-03-14", …], "values": […]} in a JSON block inside.
import { colours } from "./colours.js";

const GUTTER = 54;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]; // as the server writes them

class LineChart extends HTMLElement {
  #plot = null;
  #sizes = new ResizeObserver(() => this.#fit());

  async connectedCallback() {
    const { days, values } = JSON.parse(this.querySelector("script").textContent);
    this.seconds = days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
    this.values = values;
    const currency = this.dataset.currency;
    this.exact = new Intl.NumberFormat("en-US", { style: "currency", currency });
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

  #draw() {
    const [accent, muted, line, panel] = colours(this, ["accent", "muted", "line", "panel"]);
    const axis = {
      stroke: muted,
      font: "11px Liberation Sans, Arial, sans-serif",
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
        cursor: { y: false, points: { size: 8, fill: accent, stroke: panel, width: 2 }, drag: { x: true, y: false } },
        scales: { y: { range: (_, low, high) => padded(low, high) } },
        axes: [
          { ...axis, size: 26, gap: 8, space: 90, grid: { show: false }, values: (_, ticks) => ticks.map(dayName) },
          { ...axis, size: GUTTER, gap: 8, space: 46, values: (_, ticks) => this.#axis(ticks) },
        ],
        series: [{}, { stroke: accent, width: 1.75, fill: alpha(accent), points: { show: false } }],
        hooks: { setCursor: [(plot) => this.#read(plot.cursor.idx)] },
      },
      [this.seconds, this.values],
      this,
    );
    this.readout = document.createElement("p");
    this.readout.className = "readout";
    this.readout.setAttribute("role", "status");
    this.readout.hidden = true;
    this.append(this.readout);
    this.setAttribute("role", "group");
    this.classList.add("chart-live");
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this;
    if (width && (width !== this.#plot.width || height !== this.#plot.height)) this.#plot.setSize({ width, height });
  }

  // The same unit for all ticks, and as many decimals as keep them apart.
  #axis(ticks) {
    const largest = Math.max(...ticks.map(Math.abs));
    const [unit, letter] = [[1e9, "B"], [1e6, "M"], [1e3, "K"]].find(([size]) => largest >= size) ?? [1, ""];
    const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) / unit : 1;
    const digits = Math.max(0, ...[0, 1, 2, 3].filter((n) => Math.abs(step * 10 ** (n - 1) - Math.round(step * 10 ** (n - 1))) > 1e-6));
    const format = new Intl.NumberFormat("en-US", {
      style: "currency",
      currency: this.dataset.currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    return ticks.map((tick) => format.format(tick / unit) + letter);
  }

  #read(index) {
    if (!this.readout) return;
    this.readout.hidden = index == null;
    if (index == null) return;
    const value = document.createElement("strong");
    value.textContent = this.exact.format(this.values[index]);
    const day = new Date(this.seconds[index] * 1000);
    this.readout.replaceChildren(value, `${dayName(this.seconds[index])} ${day.getUTCFullYear()}`);
    const at = GUTTER + this.#plot.valToPos(this.seconds[index], "x");
    const width = this.readout.offsetWidth;
    this.readout.style.left = `${at + 12 + width > this.clientWidth ? at - 12 - width : at + 12}px`;
  }

  #step(event) {
    const last = this.values.length - 1;
    const now = this.#plot.cursor.idx ?? last + (event.key === "ArrowLeft" ? 1 : 0);
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const index = Math.min(last, Math.max(0, next));
    this.#plot.setCursor({ left: this.#plot.valToPos(this.seconds[index], "x"), top: 10 });
  }
}

// As the server pads its curve (adaf.web.charts), so that nothing moves when the one replaces the other.
function padded(low, high) {
  const padding = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
  return [low - padding, high + padding];
}

function dayName(seconds) {
  const day = new Date(seconds * 1000);
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
}

function alpha(colour) {
  return colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.1)");
}

function styleSheet(address) {
  if (document.querySelector(`link[href="${address}"]`)) return undefined;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

customElements.define("line-chart", LineChart);
