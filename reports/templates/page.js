"use strict";
// Sorting and filtering; without it the page says the same.
(() => {
  // A month, a number at the start, or words: what a reader takes a cell for. A cell that says the usual is left out.
  const read = (cell, isName) => {
    const words = (cell?.querySelector("a,b,i") ?? cell)?.textContent.trim() ?? "";
    if (/^[A-Z][a-z]{2} \d{4}$/.test(words)) return Date.parse(`1 ${words}`);
    const number = words.replace(/[,$]/g, "").replace("\u2212", "-").match(/^-?\d+(\.\d+)?/);
    return number && !isName ? Number(number[0]) : words.toLowerCase();
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
        const key = (row) => head.dataset.by ? Number(row.dataset[head.dataset.by]) : read(row.cells[column], column === 0);
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
  // A link to what is filtered out or folded away shows it.
  let showAll;
  document.addEventListener("click", (event) => {
    const target = document.getElementById(event.target.closest("a")?.hash.slice(1));
    if (target?.hidden) showAll();
    if (target?.tagName === "DETAILS") target.open = true;
  });
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
        && (!signals?.checked || row.classList.contains("attention"))
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
  showAll = () => {
    form.reset();
    show();
  };
  show();
})();
