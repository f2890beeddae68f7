import { journey, pick, pickZipf } from "../../../../src/pack2/loadtest/journey.js";

const ROUTES = [
  { name: "GET /api/often", kind: "api", weight: 70, request: (account, [u], p) => `/api/often?item=${pickZipf(p.items, u)}` },
  { name: "GET /api/seldom", kind: "api", weight: 24, request: (account, [u], p) => `/api/seldom?item=${pick(p.items, u)}` },
  { name: "GET /rare", kind: "page", weight: 1, request: () => "/rare" },
  { name: "POST /api/write", kind: "write", weight: 5, request: (account, [u]) => ({ path: "/api/write", body: { u } }) },
];

const run = journey({
  routes: ROUTES,
  discover: (get, accounts) => ({ accounts, items: get(["/api/items"], accounts[0])[0] }),
  headers: (kind, account) => ({ Authorization: `Bearer ${account.token}` }),
  batch: (parameters, n) => ({ n: "POST /api/bars", k: "ingest", p: "/api/bars", b: { batch: n }, token: "operator" }),
});
export const options = run.options;
export const setup = run.setup;
export const ingest = run.ingest;
export const handleSummary = run.summary;
export const nothing = () => {};
export default run.request;
