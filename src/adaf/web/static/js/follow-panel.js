// <follow-panel seconds="2">: its panel is asked for again, until the server leaves it out.
class FollowPanel extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    const again = () => {
      if (document.hidden) this.#timer = setTimeout(again, 1000);
      else this.closest("adaf-panel")?.load();
    };
    this.#timer = setTimeout(again, Number(this.getAttribute("seconds")) * 1000);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }
}

customElements.define("follow-panel", FollowPanel);
