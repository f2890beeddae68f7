// The worker: paints a page that was shown before at once, and then asks the server about it.
//
// Rules. Pages stay in this worker's memory: nothing is written to disk, and all of it goes with the worker. All pages
// belong to one session; one is painted only after /pack2/who gave that session's key for the cookie that the browser
// holds now. Whatever is not a GET empties everything, before and after. What the server does not mark is never kept.
const WHO = "/pack2/who";
const LEFT_AGAIN_MS = 100;
const LEFT_TRIES = 50;
const ASKING = { headers: { Accept: "text/html", "Pack2-Browser": "1" }, cache: "no-cache" };
const STARTED_AT = Date.now();
const STATIC = ["font", "image", "manifest", "script", "style"];
const SHEET = /<link rel="stylesheet" href="([^"]+)" data-pack2="inline">/;
const MAX_SHEETS = 8;
const FIRST_PART = "<!-- pack2:first -->";
const FIRST_STYLES = "/* pack2:first";
const PAINTED_AT_MOST_MS = 1_000;

const pages = new Map(); // address → page, the least recently used first
const sheets = new Map(); // address → style sheet that may stand inside a page, or undefined
const news = new Map(); // client → promise of what the server says about the page that it was given
const painting = new Map(); // client → what to call when its page is painted
let heldBytes = 0;
let generation = 0;
let confirmedAt = 0;
let emptiedAt = 0;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(passStaticBy(event));
});

addEventListener("activate", (event) => event.waitUntil(clients.claim()));

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
  else if (type === "shown") event.waitUntil(shown(event.source));
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
  if (page && isFresh(page) && (await who()) === page.key) {
    if (pages.get(address) === page && isFresh(page)) return repeat(event, address, page);
  }
  return first(event, address);
}

function isFresh(page) {
  return Date.now() - page.confirmedAt < page.keepMs;
}

async function ask(address) {
  const began = generation;
  const response = await fetch(address, { ...ASKING, redirect: "manual" });
  return { response, began };
}

// A page that was shown before: what is held. The server is asked what has become of it once it is painted, since asking
// would take processor and network from the paint.
function repeat(event, address, page) {
  pages.delete(address);
  pages.set(address, page);
  const client = event.resultingClientId;
  const isPainted = paintOf(client);
  const told = isPainted.then(() => compare(address, page));
  news.set(client, told);
  if (news.size > SETTINGS.max_pages) news.delete(news.keys().next().value);
  event.waitUntil(told.then(({ type }) => type === "gone" && leave(client)));
  const [html, init] = painted(page);
  return new Response(inParts(html, isPainted), init);
}

// Settled when the page says that it is painted, or after a moment: a hidden one is not, and an older browser is silent.
async function paintOf(client) {
  await new Promise((resolve) => {
    painting.set(client, resolve);
    setTimeout(resolve, PAINTED_AT_MOST_MS);
  });
  painting.delete(client);
}

// A page that says where its first part ends is given in two, so that the first paint has little to do.
function inParts(html, isPainted) {
  const end = html.indexOf(FIRST_PART);
  if (end < 0) return html;
  const encoder = new TextEncoder();
  return new ReadableStream({
    async start(body) {
      body.enqueue(encoder.encode(html.slice(0, end)));
      await isPainted;
      body.enqueue(encoder.encode(html.slice(end + FIRST_PART.length)));
      body.close();
    },
  });
}

// A held page with its style sheet inside it, so that nothing has to be asked for before the first paint; where the sheet says
// which of its rules the first part of a page needs, the others stand behind that part.
function painted({ html, headers, sheet }) {
  const held = sheets.get(sheet);
  const policy = headers.get("content-security-policy");
  if (!held || (policy && !/(^|; *)style-src /.test(policy))) return [html, { headers }];
  const own = new Headers(headers);
  if (policy) own.set("content-security-policy", policy.replace(/(^|; *)style-src /, `$&${held.digests} `));
  const isSplit = held.rest && html.includes(FIRST_PART);
  const inside = html.replace(SHEET, () => `<style>${held.first}${isSplit ? "" : held.rest}</style>`);
  const rest = () => `${FIRST_PART}<style hidden data-pack2="rest">${held.rest}</style>`;
  return [isSplit ? inside.replace(FIRST_PART, rest) : inside, { headers: own }];
}

// Learns the style sheet of a page that asks for it to be put inside; one with addresses in it would lose its place.
async function learnSheet(href) {
  if (!href || sheets.has(href)) return;
  if (sheets.size === MAX_SHEETS) sheets.clear();
  try {
    const answer = await fetch(href);
    const text = await answer.text();
    if (!answer.ok || answer.redirected || /url\(|@import|<\/style/i.test(text)) return sheets.set(href, undefined);
    const end = text.includes(FIRST_STYLES) ? text.indexOf(FIRST_STYLES) : text.length;
    const [first, rest] = [text.slice(0, end), text.slice(end)];
    const digests = await Promise.all([text, first, rest].map(digest));
    sheets.set(href, { first, rest, digests: digests.join(" ") });
  } catch {
    // The server is away: the page asks for it itself.
  }
}

async function digest(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `'sha256-${btoa(String.fromCharCode(...bytes))}'`;
}

async function first(event, address) {
  const { response, began } = await ask(address);
  if (isKept(response)) event.waitUntil(keep(address, response.clone(), began));
  return response;
}

// What to tell the page that was painted from what is held.
async function compare(address, page) {
  const { response, began } = await ask(address).catch(() => ({}));
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
async function shown(client) {
  const told = await news.get(client.id);
  news.delete(client.id);
  if (told) return client.postMessage(told);
  const address = client.url.split("#")[0];
  if (pages.has(address)) return;
  const { response, began } = await ask(address).catch(() => ({}));
  if (response && isKept(response)) await keep(address, response, began);
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
