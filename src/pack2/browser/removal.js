// Served in place of browser.js where the browser's cache is off: removes the worker of an earlier time.
export async function start() {
  const registration = await navigator.serviceWorker?.getRegistration("/");
  if (registration?.active?.scriptURL.endsWith("/pack2/worker.js")) await registration.unregister();
}
