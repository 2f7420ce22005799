"use strict";
// Sorting, filtering and values of one organization; without it the page says the same.
(() => {
  // A month, a number at the start, or words: what a reader takes a cell for. A cell that says the usual is left out.
  const { group = ",", decimal = ".", months = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec", month: written = "{month} {year}" } = document.documentElement.dataset;
  const escape = (text) => text.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  const names = months.split("|");
  const month = new RegExp(`^${escape(written).replace("{month}", `(?<month>${names.map(escape).join("|")})`).replace("{year}", "(?<year>\\d{4})")}$`);
  const read = (cell, isName) => {
    const words = (cell?.querySelector("a,b,i") ?? cell)?.textContent.trim() ?? "";
    const date = month.exec(words)?.groups;
    if (date) return Number(date.year) * 12 + names.indexOf(date.month);
    const number = words.replaceAll(group, "").replace(/^([A-Z]{3}\u00a0|\$)/, "").replace(decimal, ".").replace("\u2212", "-").match(/^-?\d+(\.\d+)?/);
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
  const sectionOf = (row) => document.getElementById(row.querySelector("a").hash.slice(1));
  // What stands there about everyone, to come back to.
  const head = summary.tHead.rows[0].cells[1];
  const headText = head.querySelector("button").firstChild;
  const own = new Map([summary.caption, ...rows.map((row) => row.cells[1])].map((one) => [one, [...one.childNodes]]));
  const latest = headText.data;
  const made = (name, words) => Object.assign(document.createElement(name), { textContent: words });
  // An organization's value, from the table in the measure's section.
  const valueOf = (row, name) => {
    for (const table of sectionOf(row)?.querySelectorAll(".sortable") ?? []) {
      const [, period, usual] = /^By organization, (.+): (\w+) /.exec(table.caption.textContent) ?? [];
      const found = period && [...table.tBodies[0].rows].find((one) => one.cells[0].textContent === name);
      if (!found) continue;
      const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
      // Some have a column that is drawn.
      const [value, interval, counts, state] = [1, 2, heads.length - 2, heads.length - 1].map((column) => found.cells[column]?.textContent.trim());
      const none = "\u2014";
      if (value === none) return [made("i", state || usual), made("small", period)];
      const unit = /\((.+)\)/.exec(heads[1]);
      const units = heads.at(-2).replace("Over ", "").replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
      return [
        made("b", value), unit ? ` ${unit[1]}` : "", interval === none ? "" : made("small", interval),
        made("small", `${period}, ${state || usual}${counts === none ? "" : `: ${counts} ${units}`}`),
      ];
    }
    return [made("i", sectionOf(row)?.querySelector(".part") ? "not in the page’s table" : "no value")];
  };
  let level = "";
  const showLevel = (name) => {
    level = name;
    summary.classList.toggle("one", name);
    for (const row of rows) row.cells[1].replaceChildren(...name ? valueOf(row, name) : own.get(row.cells[1]));
    summary.caption.replaceChildren(...name ? [`Values of ${name}, each of the year that stands with it.${rows[0]?.cells.length > 2 ? " Months, signals and sentences are about everyone, so they are not shown." : ""}`] : own.get(summary.caption));
    headText.data = name ? "Value" : latest;
    head.removeAttribute("aria-sort");
  };
  const show = () => {
    const { family, text, signals, level: levels } = form.elements;
    const name = levels?.selectedIndex > 0 ? levels.selectedOptions[0].textContent : "";
    if (name !== level) showLevel(name);
    if (signals) signals.disabled = !!name;
    const words = text.value.trim().toLowerCase();
    let shown = 0;
    let known = 0;
    for (const row of rows) {
      const said = name ? row.cells[0].textContent + row.cells[1].textContent : row.textContent;
      const fits = (!family.value || row.querySelector("small span").textContent === family.value)
        && (name || !signals?.checked || row.classList.contains("attention"))
        && (!words || said.toLowerCase().includes(words));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
      known += fits && row.cells[1].querySelector("b") ? 1 : 0;
      const section = sectionOf(row);
      if (section) section.hidden = !fits;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} measures${name ? `, ${known} with a value of ${name}` : ""}`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  showAll = () => {
    form.reset();
    show();
  };
  show();
})();
