// Runs before the first paint, so that a chosen theme never flashes. A classic script: modules would be deferred.
try {
  const theme = localStorage.getItem("adaf-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's preference then decides.
}
