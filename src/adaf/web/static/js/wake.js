// Loads the module of a custom element when the first one appears.
const MODULES = {
  "line-chart": "./line-chart.js",
  "candle-chart": "./candle-chart.js",
  "panel-form": "./panel-form.js",
  "trade-form": "./trade-form.js",
  "follow-panel": "./follow-panel.js",
  "live-updates": "./live.js",
};

export function wake(root) {
  for (const [name, module] of Object.entries(MODULES)) {
    if (!customElements.get(name) && root.querySelector(name)) import(module);
  }
}
