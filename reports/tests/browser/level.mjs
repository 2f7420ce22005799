// The summary of one organization: what the tables in the sections say, and nothing of everyone. By keyboard too.

import { violations } from "./access.mjs";
import { WIDTHS } from "./layout.mjs";

export async function level(subject, finding) {
  await subject.open({}, async (page) => {
    const named = await page.evaluate(tables);
    const select = page.locator("#filters select[name=level]");
    if (!named.length || !await select.count()) {
      if (named.length || await select.count()) finding("the choice of an organization stands where there is none, or is missing");
      return;
    }
    const names = await select.locator("option").evaluateAll((options) => options.slice(1).map((option) => option.textContent));
    const once = [...new Set(named.map((row) => row.name))].filter((name) => !named.some((row) => row.name === name && row.twice));
    if (names.toSorted().join("|") !== once.toSorted().join("|")) finding(`the choice is between ${names}, not ${once}`);

    const text = () => page.locator("#summary").evaluate((table) => table.innerText + table.className);
    const before = await text();
    let unknown = 0;
    for (const name of names) {
      await select.selectOption({ label: name });
      const { rows, caption, said } = await page.evaluate(summary);
      if (!caption.includes(name) || !caption.includes("everyone")) finding(`${name}: the table does not say whose values it shows: “${caption}”`);
      for (const row of rows) {
        const wanted = named.find((one) => one.name === name && one.section === row.section);
        const where = `${name}, ${row.section}`;
        if (row.others) finding(`${where}: what is about everyone is shown`);
        if (!wanted) {
          if (row.words !== "no value") finding(`${where}: “${row.words}” without a row in the table`);
        } else if (wanted.value === "—") {
          if (row.value !== undefined || !row.words.startsWith(wanted.state)) finding(`${where}: “${row.words}” for ${wanted.state}`);
        } else if (row.value !== wanted.value || ![wanted.interval, wanted.period, wanted.state, wanted.counts].every((part) => row.words.includes(part))) {
          finding(`${where}: “${row.words}” for ${Object.values(wanted).join(", ")}`);
        }
        unknown += wanted && wanted.value !== "—" ? 0 : 1;
      }
      const known = rows.filter((row) => row.value !== undefined).length;
      if (!said.startsWith(`${rows.length} of ${rows.length} `) || !said.includes(`${known} with a value of ${name}`)) finding(`${name}: it says “${said}”`);
    }
    if (!unknown) finding("no measure lacks a value of an organization, so that nothing was tested of it");

    // Signals are everyone's; sorting and searching go by what is shown.
    const signals = page.locator("#filters input[type=checkbox]");
    if (!await signals.isDisabled()) finding("signals of everyone can be asked for beside the values of one organization");
    const hidden = await page.locator("#summary .badge").first().evaluate((badge) => badge.textContent);
    const search = page.locator("#filters input[type=search]");
    await search.fill(hidden);
    if (await page.locator("#summary tbody tr:visible").count()) finding(`a search for “${hidden}” finds words that are hidden`);
    await search.fill("");
    const head = page.locator("#summary thead button").nth(1);
    await head.click();
    const sorted = await page.locator("#summary tbody tr").evaluateAll((rows) => rows.map((row) => parseFloat(row.cells[1].querySelector("b")?.textContent.replace(/[$,]/g, "") ?? "Infinity")));
    if (sorted.some((value, place) => place && value < sorted[place - 1])) finding(`values of an organization sort as ${sorted}`);

    // Everyone again, by keyboard.
    await select.focus();
    await page.keyboard.press("Home");
    if (await select.evaluate((one) => one.selectedIndex) !== 0) finding("the keyboard does not choose everyone");
    if (await page.locator("#summary thead [aria-sort]").count()) finding("the order of an organization's values is told as everyone's");
    await page.locator("#summary thead button").nth(2).click();
    await page.locator("#summary thead [aria-sort]").evaluate((one) => one.removeAttribute("aria-sort"));
    if (await text() !== before) finding("the way back to everyone is not the table of before");
    await page.keyboard.press("Tab");
    await select.focus();
    await page.keyboard.press("ArrowDown");
    if (!(await page.evaluate(summary)).caption.includes(names[0])) finding("the keyboard does not choose an organization");
    const link = page.locator('#limits a[href^="#measure-"]').first();
    await search.fill("no measure is called so");
    await link.click();
    if (await text() !== before) finding("a link to what is filtered out does not bring everyone back");
  });
  for (const width of WIDTHS) {
    await subject.open({ viewport: { width, height: 900 } }, async (page) => {
      const select = page.locator("#filters select[name=level]");
      if (!await select.count()) return;
      await select.selectOption({ index: 1 });
      const wide = await page.evaluate(() => [document.scrollingElement, document.getElementById("summary").closest(".scroll")].some((box) => box.scrollWidth > box.clientWidth + 1));
      if (wide) finding(`at ${width} px the summary of an organization is wider than the window`);
      (await violations(subject, page)).forEach((text) => finding(`${width} px: ${text}`));
    });
  }
}

/** Within the page: what the tables of organizations say, everyone left out. */
function tables() {
  return [...document.querySelectorAll("article.measure")].flatMap((section) => {
    const part = [...section.querySelectorAll("details")].find((one) => one.querySelector("summary").textContent.startsWith("By organization, "));
    if (!part) return [];
    const [, period, usual] = part.querySelector("caption").textContent.match(/^By organization, (\S+): (\S+) unless/);
    const rows = [...part.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
    const columns = part.querySelectorAll("thead th").length;
    return rows.slice(1).map((cells) => ({
      section: section.id,
      name: cells[0],
      twice: rows.filter((other) => other[0] === cells[0]).length > 1,
      value: cells[1],
      interval: cells[2],
      period,
      counts: cells[columns - 2],
      state: cells[columns - 1] ?? usual,
    }));
  });
}

/** Within the page: what the summary says. */
function summary() {
  const table = document.getElementById("summary");
  return {
    caption: table.caption.textContent,
    said: document.querySelector("#filters output").textContent,
    rows: [...table.tBodies[0].rows].map((row) => ({
      section: row.querySelector("a").hash.slice(1),
      value: row.cells[1].querySelector("b")?.textContent,
      words: row.cells[1].innerText.replace(/\s+/g, " ").trim(),
      others: [...row.cells].slice(2).some((cell) => cell.checkVisibility())
        || [...table.tHead.rows[0].cells].slice(2).some((cell) => cell.checkVisibility())
        || parseFloat(getComputedStyle(row.cells[0]).borderLeftWidth) > 0,
    })),
  };
}
