// <search-box>: a search field with suggestions, a combobox with a list (ARIA). Without scripts it is a GET form.
// Arrow keys choose, Enter opens what is chosen or searches, Escape closes the list.
const WAIT_MS = 120;

class SearchBox extends HTMLElement {
  #timer = 0;
  #running = null;

  connectedCallback() {
    this.input = this.querySelector("input");
    this.list = this.querySelector("[role=listbox]");
    Object.assign(this.input, { role: "combobox", ariaAutoComplete: "list" });
    this.input.setAttribute("aria-controls", this.list.id);
    this.#close();
    for (const name of ["input", "keydown", "focusout", "mousedown", "click"]) this.addEventListener(name, this);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#running?.abort();
  }

  handleEvent(event) {
    const option = event.target.closest?.("[role=option]");
    if (event.type === "input") this.#later();
    else if (event.type === "keydown" && event.target === this.input) this.#key(event);
    else if (event.type === "focusout" && !this.contains(event.relatedTarget)) this.#close();
    else if (event.type === "mousedown" && option) event.preventDefault();
    else if (event.type === "click" && option) location.assign(option.dataset.href);
  }

  get #options() {
    return [...this.list.children];
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), WAIT_MS);
  }

  async #ask() {
    this.#running?.abort();
    const text = this.input.value.trim();
    if (!text) return this.#close();
    const run = (this.#running = new AbortController());
    try {
      const answer = await fetch(`${this.getAttribute("src")}?${new URLSearchParams({ q: text })}`, {
        headers: { Accept: "text/html" },
        signal: run.signal,
      });
      const found = answer.ok && !answer.redirected ? await answer.text() : "";
      if (run !== this.#running || document.activeElement !== this.input) return;
      this.list.innerHTML = found;
      this.#choose(null);
      this.#show(this.list.childElementCount > 0);
    } catch {
      if (run === this.#running) this.#close(); // the form still searches
    }
  }

  #key(event) {
    if (event.isComposing) return;
    const options = this.#options;
    const open = !this.list.hidden;
    const now = options.findIndex((option) => option.id === this.input.getAttribute("aria-activedescendant"));
    if (event.key === "Escape" && open) this.#close();
    else if (event.key === "Enter" && open && now >= 0) location.assign(options[now].dataset.href);
    else if (event.key === "ArrowDown" && open) this.#choose(options[(now + 1) % options.length]);
    else if (event.key === "ArrowUp" && open) this.#choose(options[(now <= 0 ? options.length : now) - 1]);
    else if (event.key === "ArrowDown") this.#later();
    else return;
    event.preventDefault();
  }

  #choose(option) {
    for (const other of this.#options) other.ariaSelected = other === option;
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    else this.input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  #show(shown) {
    this.list.hidden = !shown;
    this.input.ariaExpanded = shown;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#running?.abort();
    this.#running = null;
    this.#choose(null);
    this.#show(false);
  }
}

customElements.define("search-box", SearchBox);
