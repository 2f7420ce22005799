// Without scripts the page says the same: tables and sections are there, and what would not work is not.

export async function withoutScript(subject, finding) {
  const read = (page) => page.evaluate(() => ({
    filters: document.getElementById("filters")?.checkVisibility() ?? false,
    buttons: document.querySelectorAll("thead button").length,
    hidden: [...document.querySelectorAll("main section, article.measure, main table")]
      .filter((element) => !element.closest("details") && !element.checkVisibility()).length,
    tables: [...document.querySelectorAll("main table")].map((table) => table.rows.length),
    charts: document.querySelectorAll("svg.chart").length,
  }));
  const off = await subject.open({ javaScriptEnabled: false }, async (page) => {
    const found = await read(page);
    // Folded parts unfold by themselves.
    const part = page.locator("details").first();
    if (await part.count()) {
      await part.locator("summary").first().click();
      if (!await part.evaluate((element) => element.open)) finding("a folded part does not unfold");
    }
    return found;
  });
  const on = await subject.open({}, read);
  if (off.filters || off.buttons) finding("filters or heads that do nothing are shown");
  if (off.hidden) finding(`${off.hidden} parts of the page are hidden`);
  if (off.tables.join() !== on.tables.join() || off.charts !== on.charts) finding("tables or charts are missing");
}
