// <live-updates src="/api/live">: while the page is visible, what happens on the server arrives here (docs/live.md).
//
// Prices in the page change in place. Everybody else hears events of the document: `adaf:quotes` (an array of quotes) and
// `adaf:tags` (an array of the cache's tags that expired, `*` for all of them, which is also what follows an interruption).
const SOONEST_MS = 500;
const LATEST_MS = 30_000;

class LiveUpdates extends HTMLElement {
  #source = null;
  #timer = 0;
  #wait = SOONEST_MS;
  #mayHaveMissed = false;

  connectedCallback() {
    document.addEventListener("visibilitychange", this);
    addEventListener("pagehide", this);
    addEventListener("pageshow", this);
    this.#listen();
  }

  handleEvent(event) {
    if (document.hidden || event.type === "pagehide") this.#close();
    else if (!this.#source) this.#listen();
  }

  #listen() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    const source = (this.#source = new EventSource(this.getAttribute("src")));
    source.addEventListener("ready", () => this.#ready());
    source.addEventListener("quotes", ({ data }) => show(JSON.parse(data)));
    source.addEventListener("changed", ({ data }) => tell("adaf:tags", JSON.parse(data).tags));
    source.addEventListener("end", ({ data }) => this.#end(JSON.parse(data).reason));
    source.addEventListener("error", () => this.#lost());
  }

  #ready() {
    this.#wait = SOONEST_MS;
    this.dataset.state = "live";
    if (this.#mayHaveMissed) tell("adaf:tags", ["*"]);
    this.#mayHaveMissed = true;
  }

  #end(reason) {
    if (reason === "signed-out") {
      this.#close();
      location.reload();
    } else this.#lost();
  }

  // Not left to EventSource, which gives up for ever at an answer such as 503.
  #lost() {
    this.#close();
    this.#timer = setTimeout(() => this.#listen(), this.#wait * (0.5 + Math.random()));
    this.#wait = Math.min(LATEST_MS, this.#wait * 2);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.dataset.state = "lost";
  }
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

// What stands in [data-quote="BTC"]: a cell with `data-live` price or change takes the server's own text.
function show(quotes) {
  for (const quote of quotes) {
    for (const place of document.querySelectorAll(`[data-quote="${CSS.escape(quote.symbol)}"]`)) {
      write(place.querySelector('[data-live="price"]'), quote.price, quote.price_text);
      write(place.querySelector('[data-live="change"]'), quote.change_24h_ratio, ...signed(quote.change_text));
    }
  }
  tell("adaf:quotes", quotes);
}

function write(cell, value, ...content) {
  const text = content.map((part) => part.textContent ?? part).join("");
  if (!cell || cell.textContent === text) return;
  cell.replaceChildren(...content);
  if (cell.dataset.value !== undefined) cell.dataset.value = value;
  cell.classList.remove("ticked");
  requestAnimationFrame(() => cell.classList.add("ticked"));
}

// As the server's templates write a change: its colour and its triangle go with its sign.
function signed(text) {
  const [style, mark] = { "+": ["up", "▲"], "−": ["down", "▼"] }[text[0]] ?? ["", ""];
  const all = document.createElement("span");
  all.className = style;
  if (mark) {
    const arrow = document.createElement("span");
    arrow.className = "arrow";
    arrow.ariaHidden = "true";
    arrow.textContent = mark;
    all.append(arrow);
  }
  all.append(text);
  return [all];
}

customElements.define("live-updates", LiveUpdates);
