// Filters hide rows and sections, say how many are left, and change nothing else.

export async function filters(subject, finding) {
  await subject.open({}, async (page) => {
    const form = page.locator("#filters");
    if (!await form.count()) return;
    const state = () => page.evaluate(() => {
      const rows = [...document.querySelectorAll("#summary tbody tr")].map((row) => ({
        shown: row.checkVisibility(),
        family: row.querySelector("small span").textContent,
        words: row.textContent.toLowerCase(),
        signal: row.classList.contains("attention"),
        section: document.getElementById(row.querySelector("a").hash.slice(1)).checkVisibility(),
      }));
      return { rows, said: document.querySelector("#filters output").textContent, others: [...document.querySelectorAll("main > section > h2")].filter((head) => head.checkVisibility()).length };
    });
    const all = await state();
    const expect = async (what, fits) => {
      const { rows, said, others } = await state();
      const wanted = rows.filter(fits).length;
      if (rows.length !== all.rows.length) finding(`${what}: rows are gone, not hidden`);
      if (rows.some((row) => row.shown !== fits(row))) finding(`${what}: the wrong rows are hidden`);
      if (rows.some((row) => row.shown !== row.section)) finding(`${what}: sections and rows differ`);
      if (!said.startsWith(`${wanted} of ${rows.length} `)) finding(`${what}: it says “${said}”, not ${wanted}`);
      if (others !== all.others) finding(`${what}: other parts of the page are hidden`);
    };
    if (!all.rows.every((row) => row.shown && row.section)) finding("rows are hidden without a filter");
    const family = all.rows.at(-1).family;
    await form.locator("select[name=family]").selectOption({ label: family });
    await expect(`family ${family}`, (row) => row.family === family);
    await form.locator("select[name=family]").selectOption("");
    const word = all.rows[0].words.split(/\s+/).find((word) => word.length > 5);
    await form.locator("input[type=search]").fill(word.toUpperCase());
    await expect(`text ${word}`, (row) => row.words.includes(word));
    await form.locator("input[type=checkbox]").check();
    await expect(`text ${word}, signals`, (row) => row.words.includes(word) && row.signal);
    await form.locator("input[type=search]").fill("");
    await expect("signals", (row) => row.signal);
    await form.locator("input[type=search]").press("Enter");
    if (new URL(page.url()).search) finding("Enter in the text field loads the page again");
    await form.locator("input[type=checkbox]").uncheck();
    await expect("all filters taken away", () => true);
    if (await form.locator("output").evaluate((output) => !["status", null].includes(output.getAttribute("role")))) {
      finding("the number of measures is not announced");
    }
  });
}
