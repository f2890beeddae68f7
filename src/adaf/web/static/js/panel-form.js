// <panel-form>: sends its form without leaving the page; the server answers with the same form, with errors or a notice.
// Attributes: changes (the name of the `adaf:changed` event that follows a success), lost (what to say when no answer came).
const ANSWERED = [200, 201, 400, 409, 422, 503];

export class PanelForm extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", this);
    this.prepare();
  }

  handleEvent(event) {
    event.preventDefault();
    this.#send();
  }

  // Called whenever a form has come.
  prepare() {
    this.form = this.querySelector("form");
  }

  async #send() {
    const button = this.form.querySelector("button[type=submit]");
    if (button.disabled) return;
    button.disabled = true;
    this.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(this.form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(this.form)),
        headers: { Accept: "text/html", "Adaf-Panel": this.getAttribute("changes") },
      });
      if (answer.redirected || !ANSWERED.includes(answer.status)) {
        location.reload();
        return;
      }
      this.innerHTML = await answer.text();
      this.prepare();
      if (answer.ok) document.dispatchEvent(new CustomEvent("adaf:changed", { detail: this.getAttribute("changes") }));
      this.querySelector('[aria-invalid="true"], [role="alert"], [role="status"]')?.focus();
    } catch {
      button.disabled = false;
      this.#tell(this.getAttribute("lost"));
    } finally {
      this.removeAttribute("aria-busy");
    }
  }

  #tell(text) {
    this.querySelector(".notice")?.remove();
    const look = { className: "notice notice-bad", role: "alert", textContent: text };
    this.form.before(Object.assign(document.createElement("p"), look));
  }
}

customElements.define("panel-form", PanelForm);
