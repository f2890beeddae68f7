// Inside the page, classic so that nothing defers it: a chosen theme never flashes, modules come after the first paint.
try {
  const theme = localStorage.getItem("adaf-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's preference decides.
}

// A page left before its modules ran comes back from the browser's memory hidden, and is loaded again.
addEventListener("pagehide", (event) => {
  if (event.persisted) document.documentElement.style.visibility = "hidden";
});
addEventListener("pageshow", (event) => {
  if (event.persisted && document.documentElement.dataset.pack2 !== "watched") location.reload();
});

// The browser's cache holds the rest of a page back until its first part is painted.
new PerformanceObserver(() => navigator.serviceWorker?.controller?.postMessage({ type: "painted" })).observe({ type: "paint" });

// Modules would take processor and network from the first paint.
{
  const { modules } = document.currentScript.dataset;
  const load = () => setTimeout(() => modules.split(" ").forEach((module) => import(module).catch(() => {})));
  const whenPainted = () => (document.hidden ? load() : requestAnimationFrame(load));
  if (modules) addEventListener("DOMContentLoaded", whenPainted);
}
