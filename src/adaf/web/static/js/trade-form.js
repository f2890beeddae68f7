// <trade-form>: sends the trade without leaving the page; the server answers with the same form, with errors or a notice.
class TradeForm extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", this);
    this.addEventListener("input", this);
    this.#prepare();
  }

  handleEvent(event) {
    if (event.type === "input") {
      event.target.setCustomValidity?.("");
      this.#estimate();
      return;
    }
    event.preventDefault();
    this.#send();
  }

  // One reference a form: however often it is sent, the trade is recorded once.
  #prepare() {
    this.form = this.querySelector("form");
    if (!this.form) return;
    this.form.elements.client_reference.value ||= uuid();
    this.#estimate();
  }

  #estimate() {
    const { quantity, price, symbol, side } = this.form.elements;
    const output = this.querySelector("output");
    const option = this.querySelector(`datalist option[value="${CSS.escape(symbol.value.trim().toUpperCase())}"]`);
    const each = Number(price.value) || Number(option?.dataset.price);
    const total = Number(quantity.value) * each;
    const currency = this.form.dataset.currency;
    output.textContent =
      total > 0 && Number.isFinite(total)
        ? `${side.value === "sell" ? "Proceeds" : "Cost"} before fee: about ${new Intl.NumberFormat("en-US", { style: "currency", currency }).format(total)}`
        : "";
  }

  async #send() {
    const button = this.form.querySelector("button[type=submit]");
    if (button.disabled) return;
    button.disabled = true;
    try {
      const answer = await fetch(this.form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(this.form)),
        headers: { Accept: "text/html", "Adaf-Panel": "trade" },
      });
      if (answer.redirected || ![200, 201, 400, 409, 422].includes(answer.status)) {
        location.reload();
        return;
      }
      this.innerHTML = await answer.text();
      this.#prepare();
      if (answer.ok) document.dispatchEvent(new CustomEvent("adaf:changed", { detail: "trade" }));
      const focus = this.querySelector('[aria-invalid="true"], [role="alert"], [role="status"]');
      focus?.focus();
    } catch {
      button.disabled = false;
      const notice = document.createElement("p");
      notice.className = "notice notice-bad";
      notice.setAttribute("role", "alert");
      notice.textContent = "The server did not answer. Nothing is lost: send it again, it is recorded once.";
      this.querySelector(".notice")?.remove();
      this.form.before(notice);
    }
  }
}

// crypto.randomUUID exists on secure origins only; the dashboard may be served on a plain local address.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

customElements.define("trade-form", TradeForm);
