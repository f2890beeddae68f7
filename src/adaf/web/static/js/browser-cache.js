// What the server has newer than a page painted from the browser's cache is renewed in place.
import { wake } from "./wake.js";

const PARTS = "adaf-panel, panel-form, trade-form";

document.addEventListener("pack2:newer", (event) => {
  const [before, now] = [event.detail.before, event.detail.html].map((text) => new DOMParser().parseFromString(text, "text/html"));
  const { title } = now;
  before.title = now.title = "";
  if (before.head.innerHTML !== now.head.innerHTML) return; // Another version: the page is loaded again.
  event.preventDefault();
  document.title = title;
  const main = document.querySelector("main");
  if (frame(before) === frame(now) || document.activeElement?.closest("main form")) renewParts(before, now);
  else {
    main.replaceWith(document.adoptNode(now.querySelector("main")));
    renewParts(before, now, "header ");
    wake(document);
  }
});

function frame(page) {
  const copy = page.body.cloneNode(true);
  for (const part of copy.querySelectorAll(PARTS)) part.replaceChildren();
  return copy.innerHTML;
}

// What somebody chose or is filling in stays.
function renewParts(before, now, within = "") {
  const [old, next, live] = [before, now, document].map((page) => [...page.querySelectorAll(PARTS)]);
  old.forEach((part) => {
    const newer = next.find((one) => isSame(one, part));
    if (!newer || newer.innerHTML === part.innerHTML) return;
    const shown = live.find((one) => isSame(one, part));
    if (!shown || (within && !shown.closest(within))) return;
    if (shown.renew) shown.renew(newer.innerHTML);
    else if (!shown.contains(document.activeElement)) shown.replaceWith(document.adoptNode(newer));
  });
}

function isSame(one, other) {
  return one.localName === other.localName && one.getAttribute("src") === other.getAttribute("src");
}

try {
  const { start } = await import("/pack2/browser.js");
  await start({ tagsEvent: "adaf:tags" });
} catch {
  // Nobody serves it.
}
