// The entry of every page: what all pages need at once, and what an element needs when it is there.
import "./theme-toggle.js";
import "./sortable.js";
import "./panel.js";
import "./search-box.js";
import { wake } from "./wake.js";

wake(document);

// Where the navigation is wider than the screen, the page that one is on is in sight.
const nav = document.querySelector(".nav");
const here = nav?.querySelector("[aria-current]");
if (here) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;

// The browser's cache comes last.
import("./browser-cache.js");
