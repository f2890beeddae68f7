// <candle-chart>: the server's candles become a chart that scrolls back through all of history, drawn by Lightweight Charts.
// Data: {"candles": [[unix seconds, open, high, low, close, volume], …], "decimals": 2} in a JSON block inside.
import { alpha, colours } from "./colours.js";

const SECONDS = { "1m": 60, "5m": 300, "1h": 3600, "1d": 86_400 };

class CandleChart extends HTMLElement {
  #chart = null;
  #loading = false;
  #complete = false;

  async connectedCallback() {
    const { candles, decimals } = JSON.parse(this.querySelector("script").textContent);
    this.rows = candles;
    this.decimals = decimals;
    this.price = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    this.library = await import(this.dataset.library);
    if (!this.isConnected) return;
    this.#create();
    document.addEventListener("adaf:theme", this);
    document.addEventListener("adaf:quotes", this);
  }

  disconnectedCallback() {
    document.removeEventListener("adaf:theme", this);
    document.removeEventListener("adaf:quotes", this);
    this.#chart?.remove();
  }

  handleEvent(event) {
    if (event.type === "adaf:quotes") {
      this.#tick(event.detail.find((quote) => quote.symbol === this.dataset.symbol));
      return;
    }
    this.#chart.applyOptions(this.#look());
    this.candles.applyOptions(this.#candleLook());
    this.#show();
  }

  // The last candle goes with the price, or a new one begins; what really was comes with the next refresh.
  #tick(quote) {
    const last = this.rows.at(-1);
    const seconds = SECONDS[this.dataset.timeframe];
    const time = quote && Math.floor((quote.ts - 60) / seconds) * seconds; // a quote is known when its minute ends
    if (!quote || time < last[0] || quote.price === last[4]) return;
    const [, open, high, low, , volume] = time === last[0] ? last : [time, last[4], last[4], last[4], last[4], 0];
    const row = [time, open, Math.max(high, quote.price), Math.min(low, quote.price), quote.price, volume];
    this.rows.splice(time === last[0] ? -1 : this.rows.length, 1, row);
    this.candles.update({ time, open, high: row[2], low: row[3], close: quote.price });
  }

  #create() {
    const { createChart, CandlestickSeries, HistogramSeries } = this.library;
    const frame = Object.assign(document.createElement("div"), { className: "candles-frame" });
    this.append(frame);
    this.classList.add("chart-live");
    this.#chart = createChart(frame, this.#look());
    this.candles = this.#chart.addSeries(CandlestickSeries, this.#candleLook());
    this.volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.#show();
    this.#chart.timeScale().setVisibleLogicalRange({ from: Math.max(0, this.rows.length - 120), to: this.rows.length + 2 });
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => range?.from < 10 && this.#older());
  }

  #look() {
    const [muted, line] = colours(this, ["muted", "line"]);
    return {
      autoSize: true,
      layout: {
        background: { type: "solid", color: "transparent" },
        textColor: muted,
        fontSize: 11,
        fontFamily: "system-ui, sans-serif",
        attributionLogo: false, // its inline style sheet is refused; the notice is text below the chart
      },
      grid: { vertLines: { visible: false }, horzLines: { color: line } },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.06, bottom: 0.2 } },
      timeScale: { borderColor: line, timeVisible: this.dataset.timeframe !== "1d", secondsVisible: false, minBarSpacing: 1 },
      crosshair: { mode: 0 },
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false },
      localization: { locale: "en-GB" },
    };
  }

  #candleLook() {
    const [up, down] = colours(this, ["up", "down"]);
    return {
      upColor: "transparent", // hollow rises and solid falls: told apart without colour
      borderUpColor: up,
      wickUpColor: up,
      downColor: down,
      borderDownColor: down,
      wickDownColor: down,
      priceFormat: { type: "custom", formatter: this.price.format, minMove: 10 ** -this.decimals },
    };
  }

  #show() {
    const [up, down] = colours(this, ["up", "down"]).map((colour) => alpha(colour, 0.35));
    this.candles.setData(this.rows.map(([time, open, high, low, close]) => ({ time, open, high, low, close })));
    this.volume.setData(
      this.rows.map(([time, open, , , close, value]) => ({ time, value, color: close < open ? down : up })),
    );
  }

  async #older() {
    if (this.#loading || this.#complete) return;
    this.#loading = true;
    const before = new Date(this.rows[0][0] * 1000).toISOString();
    const query = new URLSearchParams({ timeframe: this.dataset.timeframe, before, limit: "200" });
    try {
      const answer = await fetch(`/api/market/candles/${this.dataset.symbol}?${query}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const first = this.rows[0][0];
      const older = (await answer.json()).items
        .map((row) => [Date.parse(row.ts ?? row.bucket) / 1000, row.open, row.high, row.low, row.close, row.volume])
        .filter(([time]) => time < first)
        .sort((a, b) => a[0] - b[0]);
      this.#complete = older.length === 0;
      this.rows = [...older, ...this.rows];
      if (this.isConnected) this.#show();
    } catch {
      this.#complete = true;
    } finally {
      this.#loading = false;
    }
  }
}

customElements.define("candle-chart", CandleChart);
