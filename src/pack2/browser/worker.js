// The worker: paints a page that was shown before at once, and asks the server about it meanwhile.
//
// Rules. Pages stay in this worker's memory: nothing is written to disk, and all of it goes with the worker. All pages
// belong to one session; one is painted only after /pack2/who gave that session's key for the cookie that the browser
// holds now. Whatever is not a GET empties everything, before and after. What the server does not mark is never kept.
const WHO = "/pack2/who";
const KNOWN_AGAIN_MS = 30_000;
const WRITTEN_LATELY_MS = 2_000;
const LEFT_AGAIN_MS = 100;
const LEFT_TRIES = 50;
const ASKING = { headers: { Accept: "text/html", "Pack2-Browser": "1" }, cache: "no-cache" };
const STARTED_AT = Date.now();
const STATIC = ["font", "image", "manifest", "script", "style"];
const SHEET = /<link rel="stylesheet" href="([^"]+)" data-pack2="inline">/;
const MAX_SHEETS = 8;
const FIRST_PART = "<!-- pack2:first -->";
const REST_AT_MOST_MS = 300;

const pages = new Map(); // address → page or redirection, the least recently used first
const sheets = new Map(); // address → style sheet that may stand inside a page, or undefined
const news = new Map(); // client → promise of what the server says about the page that it was given
const painting = new Map(); // client → lets the rest of its page follow
let heldBytes = 0;
let generation = 0;
let confirmedAt = 0;
let emptiedAt = 0;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(passStaticBy(event));
});

addEventListener("activate", (event) => event.waitUntil(Promise.all([clients.claim(), askEarly()])));

addEventListener("fetch", (event) => {
  const { request } = event;
  if (new URL(request.url).origin !== location.origin) return;
  if (!["GET", "HEAD"].includes(request.method)) event.respondWith(write(event));
  else if (request.mode === "navigate" && request.destination === "document") event.respondWith(navigate(event));
});

addEventListener("message", (event) => {
  const { type, tags } = event.data ?? {};
  if (type === "expire") expire(tags);
  else if (type === "painted") painting.get(event.source.id)?.();
  else if (type === "shown") event.waitUntil(shown(event.source, event.data.isRedirected));
  else if (type === "returned") event.ports[0].postMessage({ isCurrent: Math.max(emptiedAt, STARTED_AT) < event.data.since });
});

// Files that never change need no worker: the browser goes past it where it can.
async function passStaticBy(event) {
  const condition = { or: STATIC.map((requestDestination) => ({ requestDestination })) };
  try {
    await event.addRoutes?.({ condition, source: "network" });
  } catch {
    // An older browser: the worker lets them pass.
  }
}

// The browser asks the server for a page while it still starts this worker; the header says who asks.
async function askEarly() {
  await registration.navigationPreload?.enable();
  await registration.navigationPreload?.setHeaderValue("pack2");
}

async function write(event) {
  empty();
  try {
    return await fetch(event.request);
  } finally {
    empty();
    tellAll({ type: "check" });
  }
}

async function navigate(event) {
  const address = event.request.url.split("#")[0];
  const isAsked = ["reload", "no-cache", "no-store"].includes(event.request.cache);
  const page = isAsked ? undefined : pages.get(address);
  const asked = ask(event, address);
  asked.catch(() => {});
  event.waitUntil(asked.catch(() => {}));
  if (page && isHeld(page.to ?? address) && (await who()) === page.key) {
    if (pages.get(address) === page && isHeld(page.to ?? address)) return repeat(event, address, page, asked);
  }
  return first(event, address, asked);
}

function isHeld(address) {
  const page = pages.get(address);
  return page?.html !== undefined && Date.now() - page.confirmedAt < page.keepMs;
}

// The browser's early answer is not taken where it may be older than the last write: it may have been asked for before
// that, and one that goes back in its history gets what the browser's own cache has.
function ask(event, address) {
  const began = generation;
  const isLate = event.request.cache === "force-cache" || Date.now() - emptiedAt < WRITTEN_LATELY_MS;
  return (async () => {
    const early = await event.preloadResponse?.catch(() => undefined);
    const response = (isLate ? undefined : early) ?? (await fetch(address, { ...ASKING, redirect: "manual" }));
    return { response, began };
  })();
}

// A page that was shown before: what is held, while the server says what has become of it.
function repeat(event, address, page, asked) {
  pages.delete(address);
  pages.set(address, page);
  if (page.to) {
    event.waitUntil(learn(address));
    return Response.redirect(page.to, 303);
  }
  const told = compare(address, page, asked);
  news.set(event.resultingClientId, told);
  if (news.size > SETTINGS.max_pages) news.delete(news.keys().next().value);
  event.waitUntil(told.then(({ type }) => type === "gone" && leave(event.resultingClientId)));
  const [html, init] = painted(page);
  return new Response(inParts(html, event.resultingClientId), init);
}

// A page that says where its first part ends is given in two, so that the first paint has little to do: the rest follows
// once the page says that it is painted, or after a moment.
function inParts(html, client) {
  const end = html.indexOf(FIRST_PART);
  if (end < 0) return html;
  const encoder = new TextEncoder();
  const isPainted = new Promise((resolve) => {
    painting.set(client, resolve);
    setTimeout(resolve, REST_AT_MOST_MS);
  });
  return new ReadableStream({
    async start(body) {
      body.enqueue(encoder.encode(html.slice(0, end)));
      await isPainted;
      painting.delete(client);
      body.enqueue(encoder.encode(html.slice(end + FIRST_PART.length)));
      body.close();
    },
  });
}

// A held page with its style sheet inside it, so that nothing has to be asked for before the first paint.
function painted({ html, headers, sheet }) {
  const held = sheets.get(sheet);
  const policy = headers.get("content-security-policy");
  if (!held || (policy && !/(^|; *)style-src /.test(policy))) return [html, { headers }];
  const own = new Headers(headers);
  if (policy) own.set("content-security-policy", policy.replace(/(^|; *)style-src /, `$&'sha256-${held.digest}' `));
  return [html.replace(SHEET, () => `<style>${held.text}</style>`), { headers: own }];
}

// Learns the style sheet of a page that asks for it to be put inside; one with addresses in it would lose its place.
async function learnSheet(href) {
  if (!href || sheets.has(href)) return;
  if (sheets.size === MAX_SHEETS) sheets.clear();
  try {
    const answer = await fetch(href);
    const text = await answer.text();
    if (!answer.ok || answer.redirected || /url\(|@import|<\/style/i.test(text)) return sheets.set(href, undefined);
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    sheets.set(href, { text, digest: btoa(String.fromCharCode(...bytes)) });
  } catch {
    // The server is away: the page asks for it itself.
  }
}

async function first(event, address, asked) {
  const { response, began } = await asked;
  if (response.type === "opaqueredirect" && mayRedirect(address)) event.waitUntil(learn(address));
  else if (isKept(response)) event.waitUntil(keep(address, response.clone(), began));
  return response;
}

// What to tell the page that was painted from what is held.
async function compare(address, page, asked) {
  const { response, began } = await asked.catch(() => ({}));
  if (!response || response.status >= 500) {
    if (Date.now() - page.confirmedAt < page.staleMs) return { type: "same" };
    remove(address);
    return { type: "gone" };
  }
  if (!isKept(response) || response.headers.get("pack2-key") !== page.key) {
    empty();
    await confirm();
    return { type: "gone" };
  }
  const now = await keep(address, response, began);
  if (Date.now() - confirmedAt > 500 * SETTINGS.session_seconds) await confirm();
  return now.html === page.html ? { type: "same" } : { type: "newer", before: page.html, html: now.html };
}

// Where an address leads that redirects, and the page there.
async function learn(address) {
  const held = pages.get(address);
  if (held?.learnedAt > Date.now() - KNOWN_AGAIN_MS) return;
  const began = generation;
  const response = await fetch(address, ASKING).catch(() => undefined);
  if (!response || response.status >= 500) return;
  if (!isKept(response)) {
    if (held) {
      empty();
      await confirm();
    }
    return;
  }
  const to = response.url;
  const { key } = await keep(to, response, began);
  if (generation === began && to !== address) insert(address, { to, key, tags: [], size: address.length, learnedAt: Date.now() });
  if (held && held.to !== to) tellAll({ type: "go", from: held.to, to: address });
}

// What a redirection says is hidden from scripts: the server's policies say which of them may be kept.
function mayRedirect(address) {
  const { pathname } = new URL(address);
  return SETTINGS.redirects.some((route) => new RegExp(`^${route}$`).test(pathname));
}

function isKept(response) {
  return response.status === 200 && response.headers.has("pack2-key");
}

// Holds an answer, unless something was expired since it was asked for.
async function keep(address, response, began) {
  const html = await response.text();
  const headers = [...response.headers].filter(([name]) => !/^(content-(encoding|length)|pack2-.*|server-timing)$/.test(name));
  const [keepMs, staleMs] = response.headers.get("pack2-keep").split(" ").map((seconds) => 1000 * seconds);
  const sheet = SHEET.exec(html)?.[1];
  await learnSheet(sheet);
  const page = {
    html,
    sheet,
    headers: new Headers([...headers, ["server-timing", "browser;desc=hit"]]),
    tags: response.headers.get("pack2-tags").split(" ").filter(Boolean),
    key: response.headers.get("pack2-key"),
    size: 2 * html.length + 1000,
    keepMs,
    staleMs,
    confirmedAt: Date.now(),
  };
  if (generation === began) insert(address, page);
  return page;
}

function insert(address, page) {
  const [other] = pages.values();
  if (other && other.key !== page.key) {
    empty();
    tellAll({ type: "check" });
  }
  remove(address);
  if (page.size > SETTINGS.max_bytes) return;
  pages.set(address, page);
  heldBytes += page.size;
  for (const oldest of pages.keys()) {
    if (pages.size <= SETTINGS.max_pages && heldBytes <= SETTINGS.max_bytes) break;
    remove(oldest);
  }
}

function remove(address) {
  heldBytes -= pages.get(address)?.size ?? 0;
  pages.delete(address);
}

function empty() {
  generation += 1;
  emptiedAt = Date.now();
  pages.clear();
  heldBytes = 0;
}

function expire(tags) {
  if (tags.includes("*")) return empty();
  generation += 1;
  for (const [address, page] of pages) if (page.tags.some((tag) => tags.includes(tag))) remove(address);
}

// The key of the session whose cookie the browser holds. The browser's own cache repeats the server's answer for a
// while, but only to the same cookie (`Vary: Cookie`); without it or the server nobody is known.
async function who(cache = "default") {
  try {
    const answer = await fetch(WHO, { cache });
    return answer.ok ? await answer.text() : "";
  } catch {
    return "";
  }
}

async function confirm() {
  confirmedAt = Date.now();
  await who("reload");
  await tellAll({ type: "check" });
}

// A page is there: it hears what is newer, or, where it came from the server before this worker was there, is kept.
async function shown(client, isRedirected) {
  const told = await news.get(client.id);
  news.delete(client.id);
  if (told) return client.postMessage(told);
  const address = client.url.split("#")[0];
  if (!pages.has(address)) await learn(address);
  if (!isRedirected) return;
  for (const entrance of SETTINGS.entrances) {
    const from = new URL(entrance, location.origin).href;
    if (!pages.has(from)) await learn(from);
  }
}

// The page that was painted is not to stay: its scripts may not run, since the server may be gone. A page that has only
// just begun may stay although the browser says that it was led away, so it is looked for until it is no longer there.
async function leave(id) {
  let isSeen = false;
  for (let tries = 0; tries < LEFT_TRIES; tries += 1) {
    const client = await clients.get(id);
    if (client) await client.navigate(client.url).catch(() => {});
    else if (isSeen) return;
    isSeen ||= client !== undefined;
    await new Promise((resolve) => setTimeout(resolve, LEFT_AGAIN_MS));
  }
}

async function tellAll(message) {
  for (const client of await clients.matchAll({ type: "window", includeUncontrolled: true })) client.postMessage(message);
}
