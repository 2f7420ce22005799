// Nothing is cut or lies on top of something else, at the width of a desk, a tablet and a phone.

export const WIDTHS = [1440, 768, 390];

/** Opens all folded parts. */
export function unfold(page, open = true) {
  return page.evaluate((open) => document.querySelectorAll("details").forEach((one) => { one.open = open; }), open);
}

/** The page does not scroll sideways; what is wider than the page scrolls in a box that the keyboard reaches. */
export async function layout(subject, finding) {
  for (const width of WIDTHS) {
    await subject.open({ viewport: { width, height: 900 } }, async (page) => {
      for (const open of [false, true]) {
        await unfold(page, open);
        const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
        if (wide > 0) finding(`at ${width} px the page is ${wide} px wider than the window${open ? ", all unfolded" : ""}`);
      }
      const wrong = await page.evaluate(boxes);
      wrong.forEach((text) => finding(`at ${width} px ${text}`));
      if (width === WIDTHS[0]) (await page.evaluate(charts)).forEach(finding);
    });
  }
}

/** Within the page: what is wider than its box, and columns of words too narrow to read. */
function boxes() {
  const wrong = [];
  const name = (element) => `${element.tagName.toLowerCase()} “${element.textContent.trim().slice(0, 40)}”`;
  for (const element of document.querySelectorAll("h1, h2, h3, h4, p, dt, dd, summary, li, caption, label, nav, tbody th")) {
    if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) wrong.push(`words of ${name(element)} stick out`);
    const { width } = element.getBoundingClientRect();
    if (width > 0 && width < 100 && element.textContent.trim().length > 30) wrong.push(`${name(element)} is only ${Math.round(width)} px wide`);
  }
  for (const element of document.querySelectorAll("table, pre, svg.chart:not(.shared)")) {
    const box = element.closest(".scroll, .chart-box");
    const scrolls = element.getBoundingClientRect().width > document.documentElement.clientWidth;
    if (scrolls && (!box || box.tabIndex !== 0)) wrong.push(`${name(element)} does not scroll by keyboard`);
  }
  // A summary is read at a glance: never sideways.
  const summary = document.getElementById("summary")?.closest(".scroll");
  if (summary && summary.scrollWidth > summary.clientWidth + 1) wrong.push("the summary is wider than the window");
  return wrong;
}

/** Within the page: texts of charts lie in their chart and not on one another. */
function charts() {
  const wrong = [];
  for (const chart of document.querySelectorAll("svg.chart:not(.shared)")) {
    const frame = chart.getBoundingClientRect();
    const texts = [...chart.querySelectorAll("tspan, text")].filter((text) => !text.querySelector("tspan")).map((text) => {
      const range = document.createRange();
      range.selectNodeContents(text);
      return { words: text.textContent, box: range.getBoundingClientRect() };
    });
    for (const { words, box } of texts) {
      const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
      if (box.width === 0 || out > 2) wrong.push(`the words “${words}” stick out of “${chart.getAttribute("aria-label").slice(0, 60)}”`);
    }
    for (const [place, one] of texts.entries()) {
      for (const other of texts.slice(place + 1)) {
        const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (across > 1 && down > 4) wrong.push(`“${one.words}” and “${other.words}” overlap in “${chart.getAttribute("aria-label").slice(0, 60)}”`);
      }
    }
  }
  return wrong;
}
