// <adaf-panel src="/panels/…">: a part of the page that the server renders, now and again.
//
// Links and GET forms with `data-panel` change what it shows; without scripts the same links load the whole page.
// Attributes: load (the page came without its content), refresh-seconds (while the page is visible), refresh-on (names of `adaf:changed` events),
// refresh-tags (tags of the cache: `adaf:tags` says that they expired).
import { wake } from "./wake.js";

class Panel extends HTMLElement {
  #running = null;
  #timer = 0;
  #isOutdated = false;

  connectedCallback() {
    this.addEventListener("click", this);
    document.addEventListener("adaf:changed", this);
    document.addEventListener("adaf:tags", this);
    if (this.hasAttribute("load")) this.load();
    const seconds = Number(this.getAttribute("refresh-seconds"));
    if (seconds > 0) {
      this.#timer = setInterval(() => document.hidden || this.#running || this.load(), seconds * 1000);
    }
  }

  disconnectedCallback() {
    document.removeEventListener("adaf:changed", this);
    document.removeEventListener("adaf:tags", this);
    clearInterval(this.#timer);
    this.#running?.abort();
  }

  handleEvent(event) {
    if (event.type === "adaf:changed") {
      if (this.#names("refresh-on").includes(event.detail)) this.load();
      return;
    }
    if (event.type === "adaf:tags") {
      this.#expire(event.detail);
      return;
    }
    const link = event.target.closest?.("a[data-panel]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.show(link.dataset.panel, link.href);
  }

  #names(attribute) {
    return this.getAttribute(attribute)?.split(" ") ?? [];
  }

  // Changes that come faster than answers never keep an answer from being shown.
  #expire(tags) {
    const own = this.#names("refresh-tags");
    if (!own.some((tag) => tags.includes(tag) || tags.includes("*"))) return;
    if (this.#running) this.#isOutdated = true;
    else this.load();
  }

  // Shows another fragment; `address` is the page that would show the same.
  async show(source, address) {
    this.setAttribute("src", source);
    if (!(await this.load())) location.assign(address);
    else history.replaceState(null, "", address);
  }

  // Fetches the fragment again; false when the server refused it.
  async load() {
    this.#running?.abort();
    const run = (this.#running = new AbortController());
    this.#isOutdated = false;
    this.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(this.getAttribute("src"), {
        headers: { Accept: "text/html" },
        signal: run.signal,
        cache: "no-cache",
      });
      if (answer.redirected || answer.status === 401) location.reload();
      if (!answer.ok) return false;
      const text = await answer.text();
      if (run === this.#running) this.#replace(text);
      return true;
    } catch (error) {
      if (error.name === "AbortError") return true;
      return navigator.onLine === false;
    } finally {
      if (run === this.#running) {
        this.#running = null;
        this.removeAttribute("aria-busy");
        if (this.#isOutdated && this.isConnected) this.load();
      }
    }
  }

  // Shows content that came otherwise; an answer that is under way is newer.
  renew(text) {
    if (!this.#running) this.#replace(text);
  }

  #replace(text) {
    const focused = this.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = this.querySelector(".scroll")?.scrollLeft ?? 0;
    const { cellIndex, ariaSort } = this.querySelector("th[aria-sort]") ?? {};
    const chosen = [...this.querySelectorAll("input:checked")];
    this.innerHTML = text;
    wake(this);
    if (ariaSort) this.querySelector("sortable-table")?.sortBy(cellIndex, ariaSort === "descending");
    for (const box of this.querySelectorAll("input[type=checkbox]")) {
      box.checked ||= chosen.some((old) => old.name === box.name && old.value === box.value);
    }
    if (scrolled) this.querySelector(".scroll")?.scrollTo(scrolled, 0);
    if (focused) this.#focusLike(focused);
  }

  // Keyboard users stay where they were: the same link in the new content, else the panel's heading.
  #focusLike(old) {
    const links = [...this.querySelectorAll("a[data-panel], th button")];
    const same = links.find((link) => link.textContent === old.textContent);
    const heading = this.querySelector("h2");
    if (!same) heading?.setAttribute("tabindex", "-1");
    (same ?? heading)?.focus({ preventScroll: true });
  }
}

// <form data-panel="/panels/…" data-target="id">: a GET form that filters a panel while one types.
function filterPanel(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const suffix = query.size ? `?${query}` : "";
  document.getElementById(form.dataset.target)?.show(form.dataset.panel + suffix, form.action + suffix);
}

let typing = 0;
document.addEventListener("input", ({ target }) => {
  const form = target.form;
  if (!form?.dataset.panel) return;
  clearTimeout(typing);
  typing = setTimeout(filterPanel, 150, form);
});
document.addEventListener("submit", (event) => {
  if (!event.target.dataset.panel) return;
  event.preventDefault();
  clearTimeout(typing);
  filterPanel(event.target);
});

customElements.define("adaf-panel", Panel);
