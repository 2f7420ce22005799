// Links lead somewhere, and ids are unique.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Every reference of the page has its target, and every id stands once. */
export async function links(subject, finding) {
  const { wrong, others } = await subject.open({}, (page) => page.evaluate(() => {
    const wrong = [];
    const others = [];
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
    wrong.push(...twice.map((id) => `the id ${id} stands twice`));
    for (const element of document.querySelectorAll("[href]")) {
      const href = element.getAttribute("href");
      if (/^\w+\.html(#|$)/.test(href)) others.push(href);
      else if (!href.startsWith("#") || !document.getElementById(decodeURIComponent(href.slice(1)))) {
        wrong.push(`the link ${href} leads nowhere`);
      }
    }
    for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
      for (const element of document.querySelectorAll(`[${name}]`)) {
        for (const id of element.getAttribute(name).split(/\s+/)) {
          if (!document.getElementById(id)) wrong.push(`${name}=${id} names nothing`);
        }
      }
    }
    return { wrong, others };
  }));
  wrong.forEach(finding);
  for (const href of new Set(others)) {
    const [name, id] = href.split("#");
    const path = join(dirname(subject.path), name);
    // The pages are ours: an id stands in quotes or bare.
    const there = existsSync(path) && (!id || new RegExp(` id="?${decodeURIComponent(id).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}[" >]`).test(readFileSync(path, "utf8")));
    if (!there) finding(`the link ${href} to another page leads nowhere`);
  }

  // A link to what is folded away or filtered out shows it.
  await subject.open({}, async (page) => {
    const folded = page.locator('a[href="#reading"]').first();
    if (await folded.count()) {
      await folded.click();
      if (!await page.locator("#reading").evaluate((element) => element.open)) finding("a link to a folded part leaves it folded");
    }
    const search = page.locator("#filters input[type=search]");
    if (!await search.count()) return;
    await search.fill("no measure is called so");
    await page.locator('#limits a[href^="#measure-"]').first().click();
    const target = new URL(page.url()).hash;
    if (!await page.locator(`[id="${target.slice(1)}"]`).isVisible()) finding(`the link to ${target}, filtered out, shows nothing`);
  });
}
