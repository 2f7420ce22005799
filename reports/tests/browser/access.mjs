// Rules of WCAG 2.0 to 2.2, levels A and AA, and good practice, as axe checks them.

import { WIDTHS, unfold } from "./layout.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function access(subject, finding) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of WIDTHS) {
      await subject.open({ colorScheme, viewport: { width, height: 900 } }, async (page) => {
        for (const open of await page.locator("details").count() ? [false, true] : [false]) {
          await unfold(page, open);
          (await violations(subject, page)).forEach((text) => finding(`${colorScheme}, ${width} px, ${open ? "unfolded" : "folded"}: ${text}`));
        }
      });
    }
  }
}

/** What axe says against the page as it stands, a sentence for each rule. */
export async function violations(subject, page) {
  // As a tool of the browser, which the page's policy does not concern.
  await page.evaluate(subject.axe);
  return page.evaluate(async (tags) => {
    const options = { runOnly: { type: "tag", values: tags }, rules: { "target-size": { enabled: true } }, resultTypes: ["violations"], preload: false };
    const { violations, passes } = await globalThis.axe.run(document, options);
    if (passes.length < 10) throw new Error(`axe has checked ${passes.length} rules only`);
    return violations.map(({ id, help, nodes: [first, ...more] }) => {
      const why = first.failureSummary.split("\n").slice(1).join(" ").trim();
      return `${id} (${help}): ${more.length + 1} times, first ${first.target.join(" ")}: ${why}`;
    });
  }, TAGS);
}
