// On paper nothing is cut: charts and tables fit the width of A4 and Letter, unfolded parts are whole, and folded ones are left out.

import { unfold } from "./layout.mjs";

/** Paper and its margins in millimetres, as the style sheet's @page says. */
const PAPERS = { A4: [210, 297], Letter: [215.9, 279.4] };
const MARGIN = { across: 14, down: 16 };
const PIXELS = 96 / 25.4;

export async function print(subject, finding) {
  for (const [format, [width, height]] of Object.entries(PAPERS)) {
    const sheet = {
      width: Math.floor((width - 2 * MARGIN.across) * PIXELS),
      height: Math.floor((height - 2 * MARGIN.down) * PIXELS),
    };
    await subject.open({ viewport: sheet }, async (page) => {
      await page.emulateMedia({ media: "print" });
      (await page.evaluate(printedThoughFolded)).forEach((text) => finding(`${format}: ${text}`));
      await unfold(page);
      (await page.evaluate(cut, sheet)).forEach((text) => finding(`${format}: ${text}`));
    });
  }
  await subject.open({ colorScheme: "dark" }, async (page) => {
    for (const format of Object.keys(PAPERS)) {
      const folded = sheets(await page.pdf({ format, preferCSSPageSize: false }));
      await unfold(page);
      const unfolded = sheets(await page.pdf({ format, preferCSSPageSize: false }));
      await unfold(page, false);
      const parts = await page.evaluate(() => document.querySelectorAll("details").length);
      if (parts > 20 && folded >= unfolded) finding(`${format}: ${folded} sheets folded, ${unfolded} unfolded: what is folded is printed`);
      if (await page.evaluate(() => document.body.classList.contains("board")) && folded !== 1) {
        finding(`${format}: the sheet for the board takes ${folded} sheets`);
      }
    }
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const ink = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    if (ink !== "rgb(255, 255, 255)") finding(`a dark screen prints on ${ink}`);
  });
}

/** Sheets of a PDF. */
function sheets(pdf) {
  return pdf.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
}

/** Folded parts that are printed all the same. */
function printedThoughFolded() {
  const shown = [...document.querySelectorAll("details:not([open])")].filter((part) => part.checkVisibility());
  return shown.map((part) => `“${part.textContent.trim().slice(0, 60)}” is printed though it is folded`);
}

/** Within the page as it is printed: what does not fit, may be torn apart, or is missing. */
function cut(sheet) {
  const wrong = [];
  const name = (element) => (element.getAttribute("aria-label") ?? element.caption?.textContent ?? element.textContent).trim().slice(0, 60);
  for (const element of document.querySelectorAll("svg.chart:not(.shared), table, pre, h1, h2, h3, p")) {
    const { left, right, width } = element.getBoundingClientRect();
    if (width && (left < -1 || right > sheet.width + 1)) {
      wrong.push(`“${name(element)}” is ${Math.round(right - sheet.width)} px wider than the sheet`);
    }
  }
  for (const head of document.querySelectorAll("tbody th")) {
    const { width } = head.getBoundingClientRect();
    if (width && width < 60 && head.textContent.trim().length > 12) wrong.push(`“${name(head)}” is only ${Math.round(width)} px wide`);
  }
  for (const box of document.querySelectorAll(".figure, .chart-box")) {
    const style = getComputedStyle(box);
    if (style.breakInside !== "avoid") wrong.push("a chart may be torn apart");
    if (box.getBoundingClientRect().height > sheet.height) wrong.push(`“${name(box)}” is higher than a sheet`);
    if (box.matches(".chart-box") && (style.overflowX !== "visible" || box.scrollWidth > box.clientWidth + 1)) wrong.push("a chart is cut by its box");
  }
  for (const part of document.querySelectorAll("details")) {
    for (const element of part.children) {
      if (!element.checkVisibility() || element.getBoundingClientRect().height === 0) wrong.push(`“${name(part)}” stays folded`);
    }
  }
  for (const element of document.querySelectorAll("#filters, nav, .skip")) {
    if (element.checkVisibility() && element.id === "filters") wrong.push("the filters are printed");
  }
  return wrong;
}
