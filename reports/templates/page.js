"use strict";
// Sorting and filtering; without it the page says the same.
(() => {
  const number = (text) => {
    const found = text.replace(/,/g, "").replace(/\u2212/g, "-").match(/-?\d+(\.\d+)?/);
    return found ? Number(found[0]) : null;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.classList.contains("still")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const key = (row) => {
          if (head.dataset.by) return Number(row.dataset[head.dataset.by]);
          const text = row.cells[column].textContent.trim();
          return column === 0 ? text.toLowerCase() : number(text) ?? text;
        };
        const kept = [...body.rows].filter((row) => row.classList.contains("overall"));
        const rows = [...body.rows].filter((row) => !row.classList.contains("overall"));
        const keys = new Map(rows.map((row) => [row, key(row)]));
        rows.sort((one, other) => {
          const [a, b] = [keys.get(one), keys.get(other)];
          // What has no number stands last, whichever way.
          if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
          const order = typeof a === "number" ? a - b : a.localeCompare(b);
          return up ? order : -order;
        });
        body.append(...kept, ...rows);
      });
    });
  }
  const form = document.getElementById("filters");
  const summary = document.getElementById("summary");
  if (!form || !summary) return;
  form.hidden = false;
  const rows = [...summary.tBodies[0].rows];
  const show = () => {
    const { family, text, signals } = form.elements;
    const words = text.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = (!family.value || row.querySelector("small span").textContent === family.value)
        && (!signals.checked || row.classList.contains("attention"))
        && (!words || row.textContent.toLowerCase().includes(words));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
      const section = document.getElementById(row.querySelector("a").hash.slice(1));
      if (section) section.hidden = !fits;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} measures`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
