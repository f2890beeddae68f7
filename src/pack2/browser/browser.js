// What a page needs of the browser's cache: it registers the worker, hears what is newer, and hides what is no longer its user's.
//
// start({ tagsEvent }): `tagsEvent` names the document's event whose detail is an array of expired tags. A page that was painted from the
// worker and has changed since hears `pack2:newer` on the document, with { before, html }; whoever changes the page calls preventDefault().
const ALIVE_MS = 20_000;

let key = null;
let isLeaving = false;
let hiddenAt = 0;

export async function start({ tagsEvent }) {
  const container = navigator.serviceWorker;
  if (!container) return;
  container.addEventListener("message", hear);
  addEventListener("pagehide", hide);
  addEventListener("pageshow", show);
  document.addEventListener("visibilitychange", () => document.hidden || check());
  document.addEventListener(tagsEvent, ({ detail }) => send({ type: "expire", tags: detail }));
  addEventListener("submit", submitted);
  // What renews the page may replace the place where the rest of its style sheet stands.
  for (const rest of document.querySelectorAll('style[data-pack2="rest"]')) document.head.append(rest);
  document.documentElement.dataset.pack2 = "watched"; // From here on, what comes back from the browser's memory is looked at.
  try {
    await container.register("/pack2/worker.js", { scope: "/", updateViaCache: "none" });
  } catch {
    return; // Storage is full or forbidden: pages come from the server, as ever.
  }
  container.startMessages();
  const { active } = await container.ready;
  active.postMessage({ type: "shown" });
  key = await who();
  setInterval(() => document.hidden || send({ type: "here" }), ALIVE_MS);
}

function hear({ data }) {
  if (data.type === "check") check();
  else if (data.type === "gone") document.documentElement.style.visibility = "hidden"; // The worker leads to another.
  else if (data.type === "newer") {
    const event = new CustomEvent("pack2:newer", { detail: data, cancelable: true });
    if (document.dispatchEvent(event)) location.reload();
  }
}

async function send(message) {
  const registration = await navigator.serviceWorker.getRegistration("/");
  registration?.active?.postMessage(message);
}

async function who() {
  try {
    const answer = await fetch("/pack2/who");
    return answer.ok ? await answer.text() : "";
  } catch {
    return null;
  }
}

// Whether this page is still its user's; without an answer it stays.
async function check() {
  const now = await who();
  key ??= now;
  if (now !== null && now !== key) reload();
}

function hide(event) {
  hiddenAt = Date.now();
  if (event.persisted) document.documentElement.style.visibility = "hidden";
}

// A page that comes back from the browser's memory stays hidden until it is known to be its user's, and older than no own write.
async function show(event) {
  isLeaving = false;
  if (!event.persisted) return;
  const [now, isCurrent] = await Promise.all([who(), isUnwritten()]);
  if (now === key && now && isCurrent) document.documentElement.style.visibility = "";
  else reload();
}

function isUnwritten() {
  const worker = navigator.serviceWorker.controller;
  if (!worker) return false;
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data.isCurrent);
    worker.postMessage({ type: "returned", since: hiddenAt }, [port2]);
  });
}

// A form that leads to another page does that itself; reloading would stop it.
function reload() {
  document.documentElement.style.visibility = "hidden";
  if (!isLeaving) location.reload();
}

// A page that was loaded past the worker (a forced reload) writes past it too.
function submitted(event) {
  isLeaving = !event.defaultPrevented;
  if (navigator.serviceWorker.controller) return;
  send({ type: "expire", tags: ["*"] });
  addEventListener("pagehide", () => send({ type: "expire", tags: ["*"] }), { once: true });
}
