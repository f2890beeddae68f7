// Served in place of worker.js where the browser's cache is off: a browser that updates its worker thereby removes it.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(registration.unregister()));
