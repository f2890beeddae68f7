// The entry of every page: what all pages need at once, and what an element needs when it is there.
import "./theme-toggle.js";
import "./sortable.js";
import "./panel.js";
import { wake } from "./wake.js";

wake(document);
