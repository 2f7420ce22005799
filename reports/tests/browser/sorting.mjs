// Tables sort by their heads: by pointer and keyboard, words as words, numbers as numbers, what is not shown last.

import { unfold } from "./layout.mjs";

export async function sorting(subject, finding) {
  await subject.open({}, async (page) => {
    await unfold(page);
    const wrong = await page.evaluate(clickEveryHead);
    wrong.forEach(finding);
  });
  await subject.open({}, async (page) => {
    const heads = page.locator("#summary thead button");
    if (!await heads.count()) return;
    const order = () => page.locator("#summary tbody th").allInnerTexts();
    const sorted = () => page.locator("#summary thead th").first().getAttribute("aria-sort");
    await page.locator("#filters input[type=checkbox]").focus();
    // From the filters to the first head: the table's box, which scrolls, stands between.
    for (let presses = 0; presses < 3 && !await heads.first().evaluate((head) => head === document.activeElement); presses += 1) {
      await page.keyboard.press("Tab");
    }
    if (!await heads.first().evaluate((head) => head === document.activeElement)) return finding("Tab does not reach the head of a table");
    const outline = await heads.first().evaluate((head) => getComputedStyle(head).outlineStyle);
    if (outline === "none") finding("the head that has the focus does not show it");
    const before = await order();
    await page.keyboard.press("Enter");
    if (await sorted() !== "ascending") finding("Enter does not sort");
    const up = await order();
    await page.keyboard.press("Space");
    if (await sorted() !== "descending") finding("Space does not sort the other way");
    if (new Set(before).size > 1 && up.join() === (await order()).join()) finding("the other way is the same order");
  });
}

/** Within the page: sorts every table by every head, both ways, and says where rows are out of order. */
function clickEveryHead() {
  const wrong = [];
  /** What a reader takes the cell for: a number or a month, else words. */
  const read = (cell) => {
    const words = (cell?.querySelector("b, i") ?? cell)?.textContent.trim() ?? "";
    if (/^[A-Z][a-z]{2} \d{4}$/.test(words)) return Date.parse(`1 ${words}`);
    const number = words.replace(/[$,]/g, "").replace("−", "-").match(/^-?\d+(\.\d+)?/);
    return number ? Number(number[0]) : words.toLowerCase();
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const caption = table.caption.textContent.slice(0, 40);
    const count = table.tBodies[0].rows.length;
    const heads = [...table.tHead.rows[0].cells];
    for (const [column, head] of heads.entries()) {
      const button = head.querySelector("button");
      if (!button) {
        if (!head.classList.contains("still")) wrong.push(`“${caption}” cannot be sorted by “${head.textContent}”`);
        continue;
      }
      for (const way of ["ascending", "descending"]) {
        const where = `“${caption}” by “${head.textContent}”, ${way}`;
        button.click();
        if (head.getAttribute("aria-sort") !== way) wrong.push(`${where}: aria-sort is ${head.getAttribute("aria-sort")}`);
        if (heads.filter((one) => one.hasAttribute("aria-sort")).length !== 1) wrong.push(`${where}: more than one head is sorted by`);
        const rows = [...table.tBodies[0].rows];
        if (rows.length !== count) wrong.push(`${where}: ${count} rows became ${rows.length}`);
        const first = rows.findIndex((row) => !row.classList.contains("overall"));
        if (rows.slice(first).some((row) => row.classList.contains("overall"))) wrong.push(`${where}: the row of all does not stand first`);
        const sortable = rows.slice(first);
        // Urgency has an order of its own, which the row tells.
        const keys = head.dataset.by ? sortable.map((row) => Number(row.dataset[head.dataset.by]))
          : sortable.map((row) => read(column ? row.cells[column] : row.cells[0].querySelector("a") ?? row.cells[0]));
        const numbers = keys.filter((key) => typeof key === "number");
        // A name may begin with a number; a column of values may hold words.
        const words = column === 0 && numbers.length < keys.length;
        if (!words && keys.findIndex((key) => typeof key === "string") >= 0
          && keys.findIndex((key) => typeof key === "string") < numbers.length) wrong.push(`${where}: what has no value does not stand last`);
        const inOrder = words ? keys.map(String) : numbers.length ? numbers : keys;
        for (const [place, key] of inOrder.slice(1).entries()) {
          const order = typeof key === "number" ? inOrder[place] - key : inOrder[place].localeCompare(key);
          if (way === "ascending" ? order > 0 : order < 0) {
            wrong.push(`${where}: “${inOrder[place]}” stands before “${key}”`);
            break;
          }
        }
      }
    }
  }
  return wrong;
}
