// The month axis that charts share is seen in each of them, and its names stand under their ticks.

/** How far a month's name may stand from its tick, in pixels. */
const APART = 3;

export async function months(subject, finding) {
  await subject.open({ deviceScaleFactor: 1 }, async (page) => {
    const chart = await page.$("svg.chart:has(use)");
    if (!chart) return;
    const wrong = await page.evaluate(() => [...document.querySelectorAll("svg.chart use")].flatMap((use) => {
      const [axis, frame] = [use.getBoundingClientRect(), use.closest("svg").getBoundingClientRect()];
      const within = axis.left >= frame.left && axis.right <= frame.right && axis.top >= frame.top && axis.bottom <= frame.bottom + 1;
      const label = use.closest("svg").getAttribute("aria-label");
      return within && axis.width > frame.width / 2 && axis.height > 20 ? [] : [`the months of “${label}” are not in the chart`];
    }));
    wrong.forEach(finding);

    // What is shared has no boxes of its own to measure: a copy in its place must look alike, and is measured.
    const shared = await chart.screenshot();
    const apart = await chart.evaluate((svg) => {
      const use = svg.querySelector("use");
      const copy = document.getElementById(use.getAttribute("href").slice(1)).cloneNode(true);
      copy.removeAttribute("id");
      use.replaceWith(copy);
      const path = copy.querySelector("path").getAttribute("d");
      const across = svg.getScreenCTM();
      const ticks = [];
      let x = 0;
      // The axis is level strokes and ticks, all relative but the first point.
      for (const [, letter, numbers] of path.matchAll(/([a-zA-Z])([^a-zA-Z]*)/g)) {
        const [first, second] = numbers.match(/-?\d+(\.\d+)?/g)?.map(Number) ?? [];
        if (letter === "M") x = first;
        else if ("mlh".includes(letter)) x += first;
        if (letter === "v" || (letter === "l" && second)) ticks.push(x * across.a + across.e);
      }
      const named = [...copy.querySelectorAll("tspan, text")].filter((text) => /^[A-Z][a-z]{2}$/.test(text.textContent));
      return { ticks: ticks.length, names: named.map((text) => {
        const range = document.createRange();
        range.selectNodeContents(text);
        const box = range.getBoundingClientRect();
        const centre = (box.left + box.right) / 2;
        return { name: text.textContent, off: Math.min(...ticks.map((tick) => Math.abs(tick - centre))) };
      }) };
    });
    if (!shared.equals(await chart.screenshot())) finding("the shared months look unlike a copy of them");
    if (!apart.ticks || !apart.names.some(({ name }) => name === "Jan")) finding("the month axis has no ticks or no January");
    for (const { name, off } of apart.names) {
      if (off > APART) finding(`${name} stands ${off.toFixed(1)} px beside its tick`);
    }
  });
}
