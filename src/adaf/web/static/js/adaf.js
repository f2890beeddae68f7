// The entry of every page; what an element needs comes when it is there.
import "./theme-toggle.js";
import "./sortable.js";
import "./panel.js";
import "./search-box.js";
import { wake } from "./wake.js";

wake(document);

// In a navigation wider than the screen, the current page is in sight.
const nav = document.querySelector(".nav");
const here = nav?.querySelector("[aria-current]");
if (here) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
