// <trade-form>: a panel-form that says what a trade would cost, and gives each form one reference.
import { PanelForm } from "./panel-form.js";

class TradeForm extends PanelForm {
  connectedCallback() {
    this.addEventListener("input", this);
    super.connectedCallback();
  }

  handleEvent(event) {
    if (event.type !== "input") {
      super.handleEvent(event);
      return;
    }
    event.target.setCustomValidity?.("");
    this.#estimate();
  }

  // One reference a form: however often it is sent, the trade is recorded once.
  prepare() {
    super.prepare();
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
}

// crypto.randomUUID exists on secure origins only.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

customElements.define("trade-form", TradeForm);
