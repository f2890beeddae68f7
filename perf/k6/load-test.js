// The dashboard's users, for k6: who asks for what, how often. Weights are requests in a thousand.
//
//   SCENARIO=discover BASE_URL=http://127.0.0.1:8000 TOKENS_FILE=tokens.json PARAMETERS_FILE=parameters.json k6 run perf/k6/load-test.js
//   SCENARIO=latency RATE=20 DURATION=60 VUS=100 BASE_URL=… PARAMETERS_FILE=parameters.json k6 run perf/k6/load-test.js
//
// The journey: sign in (done before, once an account), the overview and its panels, the portfolio, the market's quotes
// and candles, strategies, signals, alerts and search; a trade in every ninety requests and an alert marked
// as read about as often. A few accounts and symbols are
// asked for most (Zipf), as on any dashboard. `pack2 prove` runs this same file; `pack2 loadtest` adds whole sessions (`visit`).
import { journey, pick, pickZipf, zipf } from "../../src/pack2/loadtest/journey.js";

const own = (template) => (account, [u]) => template.replace("{portfolio_id}", pickZipf(account.portfolios, u));
const symbol = (template) => (account, [u], p) => template.replace("{symbol}", pickZipf(p.symbols, u));
const strategy = (template) => (account, [u], p) => template.replace("{strategy_id}", pickZipf(p.strategies, u));
const fixed = (path) => () => path;

function correlation(account, [u, v, w], p) {
  const size = p.symbols.length;
  const first = zipf(u, size);
  const chosen = [first, (first + 1 + Math.floor(v * 5)) % size, (first + 6 + Math.floor(w * 5)) % size];
  return `/api/market/correlation?symbols=${chosen.map((index) => p.symbols[index]).join(",")}&days=30`;
}

function compare(account, [u, v], p) {
  const first = zipf(u, p.strategies.length);
  const second = (first + 1 + Math.floor(v * 5)) % p.strategies.length;
  return `/api/strategies/compare?ids=${p.strategies[first]},${p.strategies[second]}&days=90`;
}

// Nine dollars a trade, so that no account runs out of cash; one in four sells a hundred-thousandth of what is held.
function trade(account, [u, v, w], p) {
  const portfolio = account.portfolios[0];
  const held = account.held || [];
  const sells = w < 0.25 && held.length > 0;
  const traded = sells ? pick(held, v).symbol : pickZipf(p.symbols, v);
  const quantity = sells ? pick(held, v).quantity * 1e-5 : 9 / p.prices[traded];
  return { path: `/api/portfolios/${portfolio}/transactions`,
    body: { symbol: traded, side: sells ? "sell" : "buy", quantity: Math.max(1e-8, quantity).toFixed(8) } };
}

const readAlert = (account, [u]) => ({ path: `/api/alerts/${pick(account.alerts, u)}/read`, body: {} });

const api = (weight, route, request) => ({ name: `GET ${route}`, kind: "api", weight, request: request || fixed(route) });
const page = (weight, route, request) => ({ name: `GET ${route}`, kind: "page", weight, request: request || fixed(route) });
const mine = (weight, route, query = "") => api(weight, route, own(route + query));

const candles = (weight, timeframe) => api(weight, `/api/market/candles/{symbol}?timeframe=${timeframe}`,
  symbol(`/api/market/candles/{symbol}?timeframe=${timeframe}&limit=200`));

const ROUTES = [
  api(50, "/api/overview"), api(25, "/api/overview/nav", fixed("/api/overview/nav?days=30")), api(15, "/api/overview/allocation"),
  api(15, "/api/overview/movers"), api(10, "/api/overview/activity"), api(25, "/api/portfolios"),
  mine(20, "/api/portfolios/{portfolio_id}"), mine(75, "/api/portfolios/{portfolio_id}/positions"),
  mine(15, "/api/portfolios/{portfolio_id}/allocation"), mine(50, "/api/portfolios/{portfolio_id}/performance", "?days=90"),
  mine(55, "/api/portfolios/{portfolio_id}/transactions", "?limit=50"), mine(25, "/api/portfolios/{portfolio_id}/summary", "?months=12"),
  api(25, "/api/market/assets"), api(20, "/api/market/assets/{symbol}", symbol("/api/market/assets/{symbol}")),
  api(70, "/api/market/quotes"), api(60, "/api/market/quotes/{symbol}", symbol("/api/market/quotes/{symbol}")),
  candles(15, "1m"), candles(35, "5m"), candles(40, "1h"), candles(25, "1d"),
  api(25, "/api/market/movers", fixed("/api/market/movers?limit=10")), api(10, "/api/market/correlation", correlation),
  api(8, "/api/market/volume", fixed("/api/market/volume?days=30")),
  api(25, "/api/strategies"), api(15, "/api/strategies/{strategy_id}", strategy("/api/strategies/{strategy_id}")),
  api(8, "/api/strategies/compare", compare),
  api(15, "/api/strategies/{strategy_id}/performance", strategy("/api/strategies/{strategy_id}/performance?days=90")),
  api(8, "/api/strategies/{strategy_id}/runs", strategy("/api/strategies/{strategy_id}/runs")),
  api(12, "/api/strategies/leaderboard", fixed("/api/strategies/leaderboard?days=30")),
  api(30, "/api/signals", (account, [u, v], p) => (v < 0.5 ? "/api/signals" : `/api/signals?symbol=${pickZipf(p.symbols, u)}`)),
  api(8, "/api/signals/{signal_id}", (account, [u], p) => `/api/signals/${pickZipf(p.signals, u)}`),
  api(25, "/api/alerts", (account, [u]) => (u < 0.5 ? "/api/alerts" : "/api/alerts?unread=true")),
  api(20, "/api/search", (account, [u], p) => `/api/search?q=${encodeURIComponent(pickZipf(p.terms, u))}`),
  api(15, "/api/research", (account, [u], p) => `/api/research?symbol=${pickZipf(p.symbols, u)}`),
  page(30, "/"), page(15, "/market"), page(12, "/market/{symbol}", symbol("/market/{symbol}")),
  page(18, "/portfolio/{portfolio_id}", own("/portfolio/{portfolio_id}")),
  { name: "POST /api/portfolios/{portfolio_id}/transactions", kind: "write", weight: 11, request: trade },
  { name: "POST /api/alerts/{alert_id}/read", kind: "write", weight: 12, request: readAlert },
];

const items = (answer) => answer.items || answer;

// What the accounts own and what can be asked for, found through the API as a client would.
function discover(get, signedIn) {
  const traders = signedIn.filter((account) => account.role !== "operator");
  const [assets, quotes, strategies, signals, api] = ["/api/market/assets?limit=100", "/api/market/quotes", "/api/strategies",
    "/api/signals", "/api/openapi.json"].map((path) => items(get([path], traders[0])[0]));
  const accounts = traders.map((account) => {
    const portfolios = items(get(["/api/portfolios"], account)[0]).map((portfolio) => portfolio.id);
    if (portfolios.length === 0) return null;
    const held = items(get([`/api/portfolios/${portfolios[0]}/positions`], account)[0])
      .filter((position) => Number(position.quantity) > 0.01)
      .map((position) => ({ symbol: position.symbol, quantity: Number(position.quantity) }));
    const alerts = items(get(["/api/alerts?limit=50"], account)[0]).map((alert) => alert.id);
    if (alerts.length === 0) return null;
    return { email: account.email, token: account.token, portfolios, alerts, held: held.slice(0, 5) };
  }).filter(Boolean);
  const operator = signedIn.find((account) => account.role === "operator");
  const priced = quotes.filter((quote) => assets.some((asset) => asset.symbol === quote.symbol));
  const offers = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((name) => /^(GET|POST) .api.(live$|reports)/.test(name));
  return { accounts, offers, operator: operator ? operator.token : null,
    symbols: priced.map((quote) => quote.symbol), terms: searchTerms(assets),
    prices: Object.fromEntries(priced.map((quote) => [quote.symbol, Number(quote.price)])),
    market_ts: quotes.map((quote) => quote.ts).sort().pop(),
    strategies: strategies.map((row) => row.id), signals: signals.map((row) => row.id) };
}

const searchTerms = (assets) => assets.slice(0, 40).flatMap((asset) => [asset.symbol.toLowerCase(), asset.name.split(" ")[0]]);

// The operator's next minute of bars for every symbol; a gentle seeded walk around the last price.
function batch(parameters, n) {
  if (!parameters.operator) return null;
  const ts = new Date(Date.parse(parameters.market_ts) + (n + 1) * 60000).toISOString();
  const bars = parameters.symbols.map((name, index) => {
    const open = parameters.prices[name] * (1 + 0.001 * Math.sin(n + index));
    const close = open * (1 + 0.0005 * Math.cos(n * 1.7 + index));
    return { symbol: name, ts, open, high: Math.max(open, close) * 1.0002, low: Math.min(open, close) * 0.9998, close, volume: 5 + index };
  });
  return { n: "POST /api/market/bars", k: "ingest", p: "/api/market/bars", b: { bars }, token: parameters.operator };
}

// A whole session, as the guide tells it. `pack2 loadtest` sends some of these beside the requests above; `pack2 prove` none.
function visit({ account, parameters: p, ask, json, watch, until, offers, pause }) {
  const portfolio = account.portfolios[0];
  const symbol = p.symbols[portfolio % p.symbols.length];
  ask("page", "GET /", "/");
  ask("api", "GET /api/overview", "/api/overview");
  ask("api", "GET /api/strategies", "/api/strategies");
  pause(0.2);
  const own = items(json("api", "GET /api/strategies/own", "/api/strategies/own") || []);
  const strategy = own.length > 0 ? own[0].id : p.strategies[portfolio % p.strategies.length];
  ask("calculation", "POST /api/strategies/{strategy_id}/runs", `/api/strategies/${strategy}/runs`, {});
  ask("page", "GET /portfolio/{portfolio_id}", `/portfolio/${portfolio}`);
  ask("api", "GET /api/portfolios/{portfolio_id}/positions", `/api/portfolios/${portfolio}/positions`);
  ask("api", "GET /api/market/quotes", "/api/market/quotes");
  ask("api", "GET /api/market/candles/{symbol}?timeframe=1h", `/api/market/candles/${symbol}?timeframe=1h&limit=200`);
  if (offers("GET /api/live")) watch("GET /api/live", "/api/live", 3, "event: ready");
  ask("api", "GET /api/search", `/api/search?q=${symbol.toLowerCase()}`);
  if (offers("POST /api/reports")) report(portfolio, { ask, json, until });
}

function report(portfolio, { ask, json, until }) {
  const started = Date.now();
  const asked = json("api", "POST /api/reports", "/api/reports", { portfolio_id: portfolio, kind: "statement", format: portfolio % 2 ? "pdf" : "csv" });
  if (asked === null) return;
  const made = until("report ready", "report", "GET /api/reports/{report_id}", `/api/reports/${asked.id}`,
    (row) => ["done", "failed"].includes(row.status), { started });
  if (made.status === "done") ask("report", "GET /api/reports/{report_id}/download", `/api/reports/${asked.id}/download`);
}

function signIn(ask, account, password) {
  const answer = ask("sign-in", "POST /api/auth/sign-in", "/api/auth/sign-in", { email: account.email, password });
  return answer.status < 300 ? answer.json("token") : null;
}

function headers(kind, account) {
  if (kind === "page") return { Cookie: `adaf_session=${account.token}` };
  const bearer = { Authorization: `Bearer ${account.token}` };
  return kind === "api" ? bearer : { ...bearer, "Content-Type": "application/json" };
}

const run = journey({ routes: ROUTES, discover, headers, batch, signIn, visit });
export const options = run.options;
export const setup = run.setup;
export const ingest = run.ingest;
export const oneVisit = run.oneVisit;
export const handleSummary = run.summary;
export const nothing = () => {};
export default run.request;
