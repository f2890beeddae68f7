// <live-updates src="/api/live">: while the page is visible, what happens on the server arrives here (docs/live.md).
//
// Prices in the page change in place. Everybody else hears events of the document: `adaf:quotes` (an array of quotes) and
// `adaf:tags` (an array of the cache's tags that expired, `*` for all of them, which is also what follows an interruption).
const SOONEST_MS = 500;
const LATEST_MS = 30_000;
const NOTICED_MS = 2000;
const LONGEST_MS = 86_400_000;
const SILENT_MS = 40_000; // the server's heart beats every 15 seconds
const LEAVING_MS = 300;
const HEARD = "adaf:heard"; // when a page of this browser last listened, for what outlives pages

class LiveUpdates extends HTMLElement {
  #source = null;
  #timer = 0;
  #wait = SOONEST_MS;
  #heard = 0; // up to when the page knows everything

  connectedCallback() {
    const asked = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.requestStart ?? 0);
    this.#heard = Math.min(asked, localStorage.getItem(HEARD) ?? asked);
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
    const age = Math.min(LONGEST_MS, Math.max(0, Math.round(Date.now() - this.#heard)));
    const source = (this.#source = new EventSource(`${this.getAttribute("src")}?age_ms=${age}`));
    source.addEventListener("ready", () => this.#ready());
    source.addEventListener("heartbeat", () => this.#hear());
    source.addEventListener("changed", ({ data }) => {
      tell("adaf:tags", JSON.parse(data).tags);
      this.#hear();
    });
    source.addEventListener("quotes", ({ data }) => {
      show(JSON.parse(data));
      this.#hear();
    });
    source.addEventListener("end", ({ data }) => this.#end(JSON.parse(data).reason));
    source.addEventListener("error", () => this.#lost());
    this.#watch();
  }

  // The page knows all that was before what came.
  #hear() {
    this.#heard = Date.now();
    localStorage.setItem(HEARD, this.#heard);
    this.#watch();
  }

  #watch() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(), SILENT_MS);
  }

  #ready() {
    this.#wait = SOONEST_MS;
    this.dataset.state = "live";
    this.textContent = "";
  }

  // The page on which one signs out is leaving already.
  #end(reason) {
    this.#lost();
    if (reason === "signed-out") {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => location.reload(), LEAVING_MS);
    }
  }

  // Not left to EventSource, which gives up for ever at an answer such as 503.
  #lost() {
    this.#close();
    this.#timer = setTimeout(() => this.#listen(), this.#wait * (0.5 + Math.random()));
    this.#wait = Math.min(LATEST_MS, this.#wait * 2);
    if (this.#wait >= NOTICED_MS) this.textContent = "Not live at the moment: connecting again …";
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

// Places inside [data-quote="BTC"] take the server's own words: data-live="price", "change", "bid", "ask" or "moment".
function show(quotes) {
  for (const { symbol, price, change_24h_ratio, words } of quotes) {
    for (const cell of document.querySelectorAll(`[data-quote="${CSS.escape(symbol)}"] [data-live]`)) {
      const name = cell.dataset.live;
      if (name === "change") write(cell, signed(words.change), change_24h_ratio);
      else write(cell, words[name], price);
    }
  }
  tell("adaf:quotes", quotes);
}

function write(cell, content, value) {
  if (cell.textContent === (content.textContent ?? content)) return;
  cell.replaceChildren(content);
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
    all.append(Object.assign(document.createElement("span"), { className: "arrow", ariaHidden: "true", textContent: mark }));
  }
  all.append(text);
  return all;
}

customElements.define("live-updates", LiveUpdates);
