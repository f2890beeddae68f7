import { journey, pick } from "../../../../src/pack2/loadtest/journey.js";

const ROUTES = [
  { name: "GET /api/items/{item}", kind: "api", weight: 40, request: (account, [u], p) => `/api/items/${pick(p.items, u)}` },
  { name: "GET /api/slow", kind: "api", weight: 50, request: () => "/api/slow" },
  { name: "POST /api/items", kind: "write", weight: 10, request: (account, [u]) => ({ path: "/api/items", body: { u } }) },
];

function visit({ ask, json, watch, until, offers }) {
  ask("calculation", "POST /api/items", "/api/items", {});
  if (offers("GET /api/live")) watch("GET /api/live", "/api/live", 1, "event: ready");
  const started = Date.now();
  const asked = json("api", "POST /api/reports", "/api/reports", {});
  until("report ready", "report", "GET /api/reports/{id}", `/api/reports/${asked.id}`, (row) => row.status === "done", { started, every: 0.05 });
}

const run = journey({
  routes: ROUTES,
  discover: (get, accounts) => ({ accounts, offers: ["GET /api/live"], items: get(["/api/items"], accounts[0])[0] }),
  headers: (kind, account) => ({ Authorization: `Bearer ${account.token}`, "Content-Type": "application/json" }),
  signIn: (ask, account, password) => ask("sign-in", "POST /sign-in", "/sign-in", { email: account.email, password }).json("token"),
  visit,
});
export const options = run.options;
export const setup = run.setup;
export const oneVisit = run.oneVisit;
export const handleSummary = run.summary;
export const nothing = () => {};
export default run.request;
