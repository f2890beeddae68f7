// The script inside the page, classic so that nothing defers it: a chosen theme never flashes, modules come after the first paint.
try {
  const theme = localStorage.getItem("adaf-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's preference then decides.
}

// A page that was left before its modules ran comes back from the browser's memory hidden, and is loaded again.
addEventListener("pagehide", (event) => {
  if (event.persisted) document.documentElement.style.visibility = "hidden";
});
addEventListener("pageshow", (event) => {
  if (event.persisted && document.documentElement.dataset.pack2 !== "watched") location.reload();
});

// Before the page is painted, modules would take the processor and the network from it.
{
  const { modules } = document.currentScript.dataset;
  const load = () => setTimeout(() => import(modules));
  const whenPainted = () => (document.hidden ? load() : requestAnimationFrame(load));
  if (modules) addEventListener("DOMContentLoaded", whenPainted);
}
