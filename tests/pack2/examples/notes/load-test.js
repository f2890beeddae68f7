import { journey, pickZipf } from "../../../../src/pack2/loadtest/journey.js";

const ROUTES = [
  { name: "GET /api/notes", kind: "api", weight: 60, request: () => "/api/notes" },
  { name: "GET /api/notes/{note_id}", kind: "api", weight: 20, request: (account, [u], p) => `/api/notes/${pickZipf(p.notes, u)}` },
  { name: "GET /", kind: "page", weight: 10, request: () => "/" },
  { name: "POST /api/notes", kind: "write", weight: 10, request: () => ({ path: "/api/notes", body: { body: "written" } }) },
];

const run = journey({
  routes: ROUTES,
  discover: (get, accounts) => ({ accounts, notes: get(["/api/notes"], accounts[0])[0].items.map((note) => note.id) }),
  headers: (kind, account) => (kind === "page" ? { Cookie: `notes=${account.token}` }
    : { Authorization: `Bearer ${account.token}`, "Content-Type": "application/json" }),
});
export const options = run.options;
export const setup = run.setup;
export const handleSummary = run.summary;
export const nothing = () => {};
export default run.request;
