// Rules of WCAG 2.0 to 2.2, levels A and AA, and good practice, as axe checks them.

import { WIDTHS, unfold } from "./layout.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function access(subject, finding) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of WIDTHS) {
      await subject.open({ colorScheme, viewport: { width, height: 900 } }, async (page) => {
        // As a tool of the browser, which the page's policy does not concern.
        await page.evaluate(subject.axe);
        for (const open of await page.locator("details").count() ? [false, true] : [false]) {
          await unfold(page, open);
          const violations = await page.evaluate(async (tags) => {
            const options = { runOnly: { type: "tag", values: tags }, rules: { "target-size": { enabled: true } }, resultTypes: ["violations"], preload: false };
            const { violations, passes } = await globalThis.axe.run(document, options);
            if (passes.length < 10) throw new Error(`axe has checked ${passes.length} rules only`);
            return violations.map(({ id, help, nodes }) => ({ id, help, count: nodes.length, target: nodes[0].target.join(" "), why: nodes[0].failureSummary.split("\n").slice(1).join(" ").trim() }));
          }, TAGS);
          for (const { id, help, count, target, why } of violations) {
            finding(`${id} (${help}), ${colorScheme}, ${width} px, ${open ? "unfolded" : "folded"}: ${count} times, first ${target}: ${why}`);
          }
        }
      });
    }
  }
}
