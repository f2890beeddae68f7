// <sortable-table>: headers marked `data-sort` become buttons that sort the rows by each cell's `data-value` or its text.
class SortableTable extends HTMLElement {
  connectedCallback() {
    for (const header of this.querySelectorAll("th[data-sort]")) {
      if (header.querySelector("button")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => this.#sort(header));
    }
  }

  #sort(header) {
    const { ariaSort, cellIndex, dataset } = header;
    this.sortBy(cellIndex, ariaSort ? ariaSort === "ascending" : dataset.sort === "number");
  }

  sortBy(column, down) {
    const header = this.querySelector("thead tr").cells[column];
    for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const compare = header.dataset.sort === "number" ? (a, b) => a - b : (a, b) => String(a).localeCompare(b);
    const value = (row) => {
      const cell = row.cells[header.cellIndex];
      const text = cell.dataset.value ?? cell.textContent.trim();
      return header.dataset.sort === "number" ? Number(text) || 0 : text;
    };
    const body = this.querySelector("tbody");
    const rows = [...body.rows].sort((a, b) => (down ? compare(value(b), value(a)) : compare(value(a), value(b))));
    body.append(...rows);
  }
}

customElements.define("sortable-table", SortableTable);
