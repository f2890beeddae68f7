// <theme-toggle>: light or dark, kept in this browser; until one is chosen the system's preference counts.
const system = matchMedia("(prefers-color-scheme: dark)");

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.#choose(this.#shown() === "dark" ? "light" : "dark"));
    system.addEventListener("change", () => this.#tell());
    this.#tell();
  }

  #shown() {
    return document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");
  }

  #choose(theme) {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("adaf-theme", theme);
    } catch {
      // Without storage the choice lasts for this page.
    }
    this.#tell();
  }

  #tell() {
    this.button.dataset.shown = this.#shown();
    this.button.ariaPressed = this.#shown() === "dark";
    document.dispatchEvent(new Event("adaf:theme"));
  }
}

customElements.define("theme-toggle", ThemeToggle);
