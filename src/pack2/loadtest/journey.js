// The arrival side of a proof: turns an application's table of routes into a seeded, stratified sequence of requests.
//
// Why not random weights: one rare two-second query drawn once more or less swings a whole run. Here each deck of
// DECK_SIZE requests has the same composition, and each route's accounts and subjects are drawn by strata (Latin
// hypercube), so that every slice of a proof asks for the same mixture. Why another part of the sequence for warm-up:
// replaying the warm-up would turn misses into hits. `OFFSET` says where in the endless sequence this run starts.
//
// The whole sequence of a run is computed once, in a SharedArray; an iteration only sends one request and logs one line.
import exec from "k6/execution";
import http from "k6/http";
import { SharedArray } from "k6/data";
import { sleep } from "k6";

const DECK_SIZE = 500;
const DIMENSIONS = 5;                                   // independent uniform numbers a request: account first
const scenario = __ENV.SCENARIO || "smoke";
const rate = Number(__ENV.RATE || 10);                  // requests a second
const duration = Number(__ENV.DURATION || 10);          // seconds
const seed = Number(__ENV.SEED || 7);
const offset = Number(__ENV.OFFSET || 0);               // position in the sequence
const ingestFrom = Number(__ENV.INGEST_FROM || 0);      // batches that this database has already received
const ingestSeconds = Number(__ENV.INGEST_SECONDS || 60); // between two batches
const ingestAfter = Number(__ENV.INGEST_AFTER || 0);    // seconds until the first one
const vus = Number(__ENV.VUS || 10);
const stages = JSON.parse(__ENV.STAGES || "null");      // [[seconds, rate], …]: arrivals that rise and fall; the first is the start
const visitSeconds = Number(__ENV.VISIT_SECONDS || 0);  // between two visits; 0: none
const visitors = Number(__ENV.VISITORS || 10);          // virtual users for visits, each signed in once
const wanted = Number(__ENV.REQUESTS || 0);             // length of the sequence where STAGES decide it

// mulberry32: 32 bits of state are plenty to order a deck.
function generator(...parts) {
  let state = 0x9e3779b9;
  for (const part of parts) state = Math.imul(state ^ (part + 0x7f4a7c15), 0x85ebca6b) ^ (state >>> 13);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// `count` numbers in [0, 1), one from each of `count` equal strata, in random order.
function strata(count, random) {
  const values = Array.from({ length: count }, (_, k) => (k + random()) / count);
  for (let k = count - 1; k > 0; k--) {
    const other = Math.floor(random() * (k + 1));
    [values[k], values[other]] = [values[other], values[k]];
  }
  return values;
}

// Cards a deck for each route: largest remainder, at least one.
function cardCounts(routes) {
  const total = routes.reduce((sum, route) => sum + route.weight, 0);
  const exact = routes.map((route) => (route.weight * DECK_SIZE) / total);
  const counts = exact.map((value) => Math.max(1, Math.floor(value)));
  const order = exact.map((value, i) => [value - Math.floor(value), i]).sort((a, b) => b[0] - a[0]);
  let left = DECK_SIZE - counts.reduce((sum, count) => sum + count, 0);
  for (let k = 0; left > 0; k = (k + 1) % order.length, left--) counts[order[k][1]]++;
  for (; left < 0; left++) counts[counts.indexOf(Math.max(...counts))]--;
  return counts;
}

// One deck: every route's cards spread evenly over it, with seeded jitter. Rows: [route index, uniform numbers].
function deck(counts, cycle) {
  const cards = [];
  counts.forEach((count, route) => {
    const random = generator(seed, cycle, route);
    const numbers = Array.from({ length: DIMENSIONS }, () => strata(count, random));
    const shift = random();
    for (let k = 0; k < count; k++) {
      cards.push([(k + (shift + random()) / 2) / count, route, numbers.map((column) => column[k])]);
    }
  });
  return cards.sort((a, b) => a[0] - b[0]).map(([, route, numbers]) => [route, numbers]);
}

// Index 0 … size-1 with probability proportional to 1/(rank + 1): inverse of the cumulative distribution at `u`.
const cumulative = {};
export function zipf(u, size) {
  if (!cumulative[size]) {
    let sum = 0;
    cumulative[size] = Array.from({ length: size }, (_, rank) => (sum += 1 / (rank + 1)));
  }
  const sums = cumulative[size];
  const target = u * sums[size - 1];
  let low = 0;
  let high = size - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

export const pick = (list, u) => list[Math.min(list.length - 1, Math.floor(u * list.length))];
export const pickZipf = (list, u) => list[zipf(u, list.length)];

// The requests from position `first` on. Each: {n: name, k: kind, p: path, a: account's index, b: body}.
export function sequence(routes, parameters, first, length) {
  const counts = cardCounts(routes);
  const requests = [];
  for (let cycle = Math.floor(first / DECK_SIZE); requests.length < length; cycle++) {
    const cards = deck(counts, cycle).slice(cycle === Math.floor(first / DECK_SIZE) ? first % DECK_SIZE : 0);
    for (const [index, numbers] of cards.slice(0, length - requests.length)) {
      requests.push(draw(routes[index], parameters, numbers));
    }
  }
  return requests;
}

function draw(route, parameters, [u, ...numbers]) {
  const account = zipf(u, parameters.accounts.length);
  const made = route.request(parameters.accounts[account], numbers, parameters);
  return { n: route.name, k: route.kind || "api", p: made.path || made, a: account, b: made.body };
}

// Three GETs of every route, spread over accounts and subjects: what the proof compares between the variants.
function samples(routes, parameters) {
  return routes.filter((route) => route.name.startsWith("GET ")).flatMap((route, index) =>
    [0, 1, 2].map((part) => {
      const random = generator(seed, 1e6 + part, index);
      const numbers = Array.from({ length: DIMENSIONS }, (_, k) => (k ? random() : (part + random()) / 3));
      const request = draw(route, parameters, numbers);
      return { name: request.n, kind: request.k, path: request.p, account: request.a };
    }));
}

function constantRate(extra) {
  return { executor: "constant-arrival-rate", timeUnit: "10s", preAllocatedVUs: vus, maxVUs: vus, duration: `${duration}s`,
    rate: Math.max(1, Math.round(rate * 10)), gracefulStop: "10s", ...extra };
}

// Arrivals that follow STAGES instead of one rate.
function risingRate() {
  const tenths = (rate) => Math.max(1, Math.round(rate * 10));
  const [[, first], ...rest] = stages;
  return { executor: "ramping-arrival-rate", timeUnit: "10s", preAllocatedVUs: vus, maxVUs: vus, startRate: tenths(first),
    stages: rest.map(([seconds, rate]) => ({ duration: `${seconds}s`, target: tenths(rate) })), gracefulStop: "10s" };
}

const visits = () => ({ executor: "constant-arrival-rate", rate: 1, timeUnit: `${visitSeconds}s`, preAllocatedVUs: visitors,
  maxVUs: visitors, duration: `${duration}s`, gracefulStop: "45s", exec: "oneVisit" });

function scenarios(withIngest) {
  const once = { executor: "shared-iterations", vus: 1, iterations: 1, maxDuration: "300s" };
  if (scenario === "discover") return { discover: { ...once, exec: "nothing" } };
  if (scenario === "smoke") return { smoke: { ...once, iterations: DECK_SIZE } };
  if (scenario === "estimate") return { estimate: { executor: "constant-vus", vus, duration: `${duration}s`, gracefulStop: "10s" } };
  const ingest = { executor: "constant-arrival-rate", rate: 1, timeUnit: `${ingestSeconds}s`, preAllocatedVUs: 1, maxVUs: 1,
    startTime: `${ingestAfter}s`, duration: `${Math.max(1, duration - ingestAfter)}s`, gracefulStop: "10s", exec: "ingest" };
  if (scenario === "writes") return { writes: constantRate() };
  return { [scenario]: stages ? risingRate() : constantRate(), ...(withIngest ? { ingest } : {}),
    ...(visitSeconds ? { visit: visits() } : {}) };
}

// One line a request; `records.py` reads it back.
function line(position, name, kind, status, milliseconds, headers) {
  const cache = headers["Cache-Status"] || "-";
  const outcome = cache === "-" ? "-" : cache.includes("; hit") ? "hit" : "miss";
  const timing = headers["Server-Timing"] || "";
  const found = (pattern) => (pattern.exec(timing) || ["", "-"])[1];
  console.log(`r|${Date.now()}|${position}|${name}|${kind}|${status}|${milliseconds.toFixed(3)}|${outcome}|` +
    `${found(/db;dur=([0-9.]+)/)}|${found(/cache;desc=\w+;dur=([0-9.]+)/)}|${found(/queries;desc="(\d+)/)}`);
}

const log = (position, request, response) => line(position, request.n, request.k, response.status,
  response.timings.duration + response.timings.blocked, response.headers);

const signedIn = {};                                    // of this virtual user: account's index → its own copy, with a token

// What a script's `visit(user)` may do: one person's whole session, step by step. Each step is logged with its own kind.
function visitor(account, parameters, headers) {
  const ask = (kind, name, path, body, options = {}) => {
    const asked = http.request(name.split(" ", 1)[0], __ENV.BASE_URL + path, body === undefined ? null : JSON.stringify(body),
      { headers: headers(kind === "page" ? kind : body === undefined ? "api" : "write", account), tags: { name }, timeout: "60s",
        redirects: 0, responseType: "text", ...options });
    if (!options.silent) log(-1, { n: name, k: kind }, asked);
    return asked;
  };
  return {
    account, parameters, ask, pause: sleep,
    offers: (name) => (parameters.offers || []).includes(name),
    json: (kind, name, path, body) => {
      const answer = ask(kind, name, path, body);
      return answer.status >= 200 && answer.status < 300 ? answer.json() : null;
    },
    // k6 has no stream reader: the request is cut off after `seconds`, its time to the first byte is what counts, and what
    // had arrived by then tells whether the stream was alive. → bytes received
    watch: (name, path, seconds, alive) => {
      const cut = ask("live", name, path, undefined, { timeout: `${seconds}s`, silent: true });
      const body = cut.body || "";
      const streamed = cut.error_code === 1050 && body.includes(alive);
      line(-1, name, "live", streamed ? 200 : cut.status, streamed ? cut.timings.waiting : cut.timings.duration, {});
      return body.length;
    },
    // Ask until `done(answer)` is true; the whole waiting time, from `started` (ms), becomes one record called `what`.
    until: (what, kind, name, path, done, { started, seconds = 20, every = 0.5 }) => {
      let answer = null;
      while (Date.now() - started < seconds * 1000) {
        answer = (ask("poll", name, path)).json();
        if (done(answer)) break;
        sleep(every);
      }
      line(-1, what, kind, answer !== null && done(answer) ? 200 : 0, Date.now() - started, {});
      return answer;
    },
  };
}

// `routes`: [{name: "METHOD /template", kind: "api" | "page" | "write", weight, request(account, numbers, parameters)}];
// `discover(get, accounts)` → parameters (with `accounts`); `headers(kind, account)`; `batch(parameters, n)` → ingestion or null;
// `signIn(ask, account, password)` → token, `visit(user)`: one whole session, only where VISIT_SECONDS asks for it.
export function journey({ routes: all, discover, headers, batch, signIn, visit }) {
  const routes = scenario === "writes" ? all.filter((route) => route.kind === "write") : all;
  const discovering = scenario === "discover";
  const counted = ["estimate"].includes(scenario) ? 20000 : scenario === "smoke" ? DECK_SIZE
    : wanted || Math.ceil(rate * duration) + 20;
  const load = () => JSON.parse(open(__ENV.PARAMETERS_FILE));
  const requests = discovering ? [] : new SharedArray("requests", () => sequence(routes, load(), offset, counted));
  const accounts = discovering ? [] : new SharedArray("accounts", () => load().accounts);
  const batches = discovering ? [] : new SharedArray("batches", () => {
    const parameters = load();
    const count = Math.max(0, Math.ceil((duration - ingestAfter) / ingestSeconds));
    return Array.from({ length: count }, (_, n) => batch && batch(parameters, ingestFrom + n)).filter(Boolean);
  });
  const everything = visitSeconds && !discovering ? new SharedArray("everything", () => [load()]) : [];
  const tokens = discovering ? JSON.parse(open(__ENV.TOKENS_FILE)) : null;
  const send = (position, request, account) => {
    const [method, name] = [request.n.split(" ", 1)[0], request.n];
    const body = request.b === undefined ? null : JSON.stringify(request.b);
    const response = http.request(method, __ENV.BASE_URL + request.p, body,
      { headers: headers(request.k, account), tags: { name }, timeout: "30s", redirects: 0 });
    log(position, request, response);
  };
  return {
    options: { scenarios: scenarios(batches.length > 0), discardResponseBodies: !discovering, setupTimeout: "300s",
      systemTags: ["name", "status"], summaryTrendStats: ["p(50)", "p(95)", "max"], userAgent: "pack2-k6" },
    setup: () => {
      if (!discovering) return null;
      const get = (paths, account) => http.batch(paths.map((path) => ({ method: "GET", url: __ENV.BASE_URL + path,
        params: { headers: headers("api", account), tags: { name: "discover" }, timeout: "60s" } })))
        .map((response, index) => {
          if (response.status !== 200) throw new Error(`GET ${paths[index]} answered ${response.status}: ${(response.body || "").slice(0, 200)}`);
          return response.json();
        });
      const parameters = discover(get, tokens);
      return { ...parameters, samples: samples(routes, parameters), mix: mixture(routes), visits: Boolean(visit && signIn) };
    },
    request: () => {
      const position = exec.scenario.iterationInTest;
      const request = requests[position % requests.length];
      send(offset + position, request, accounts[request.a]);
    },
    ingest: () => {
      const request = batches[exec.scenario.iterationInTest % batches.length];
      send(-1, request, { token: request.token });
    },
    oneVisit: () => {
      const index = (exec.vu.idInTest - 1) % accounts.length;
      if (!signedIn[index]) {
        const account = { ...accounts[index] };
        const door = visitor(account, {}, () => ({ "Content-Type": "application/json" }));
        account.token = signIn(door.ask, account, __ENV.ACCOUNT_PASSWORD) || account.token;
        signedIn[index] = visitor(account, everything[0], headers);
      }
      visit(signedIn[index]);
    },
    summary: (data) => {
      const files = {};
      if (discovering && __ENV.PARAMETERS_FILE) files[__ENV.PARAMETERS_FILE] = JSON.stringify(data.setup_data);
      if (__ENV.SUMMARY_FILE) files[__ENV.SUMMARY_FILE] = JSON.stringify({ metrics: data.metrics });
      return files;
    },
  };
}

function mixture(routes) {
  const counts = cardCounts(routes);
  return routes.map((route, index) => ({ name: route.name, kind: route.kind || "api", share: counts[index] / DECK_SIZE }));
}
