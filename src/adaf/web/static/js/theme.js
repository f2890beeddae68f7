// Runs before the first paint, so that a chosen theme never flashes. A classic script: modules would be deferred.
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
