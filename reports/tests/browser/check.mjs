// Opens a report's pages in Chromium and says what is wrong with them: `node check.mjs report/index.html …`. Each finding
// is a line; the exit code is 1 where there is one, and 3 where there is no browser. CARECOORD_BROWSER_TOOLS names the
// folder of the packages (`.ci/browser-tools` prints it), CARECOORD_CHROMIUM a browser that does not stand in the path.
import { createRequire } from "node:module";
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { access } from "./access.mjs";
import { filters } from "./filters.mjs";
import { layout } from "./layout.mjs";
import { level } from "./level.mjs";
import { links } from "./links.mjs";
import { months } from "./months.mjs";
import { print } from "./print.mjs";
import { sorting } from "./sorting.mjs";
import { withoutScript } from "./without_script.mjs";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
/** Findings of one kind that are printed; the rest is counted. */
const PRINTED = 12;
/** Milliseconds that one step may take on a busy machine. */
const PATIENCE = 30_000;

const CHECKS = { links, layout, months, sorting, filters, level, withoutScript, print, access };

function chromium() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env.PATH ?? "").split(":");
  const found = [process.env.CARECOORD_CHROMIUM, ...names.flatMap((name) => folders.map((folder) => join(folder, name)))]
    .find((path) => path && existsSync(path) && statSync(path).isFile());
  return found ?? without("no Chromium: install it, or name it in CARECOORD_CHROMIUM");
}

/** Ends where something is missing that the checks need. */
function without(what) {
  console.log(what);
  process.exit(3);
}

/** One page of a report, and the windows in which checks open it. */
class Subject {
  constructor(browser, path, axe) {
    Object.assign(this, { browser, axe, path, url: pathToFileURL(resolve(path)).href, findings: new Map() });
  }

  /** Notes what is wrong. */
  finding(check, text) {
    const texts = this.findings.get(check) ?? this.findings.set(check, new Set()).get(check);
    texts.add(text.replace(/\s+/g, " "));
  }

  /** Opens the page in a window of its own, hands it to `work`, and closes it; whatever it complains of is a finding. */
  async open(options, work) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.finding("quiet", `${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.finding("quiet", `script: ${error.message}`));
    page.on("request", (request) => {
      if (request.url().split("#")[0] !== this.url) this.finding("quiet", `requests ${request.url()}`);
    });
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`policy ${event.violatedDirective} forbids ${event.blockedURI || event.sample}`);
      });
    });
    await page.goto(this.url);
    try {
      return await work(page);
    } finally {
      await context.close();
    }
  }
}

const tools = process.env.CARECOORD_BROWSER_TOOLS || without("CARECOORD_BROWSER_TOOLS must name the folder that .ci/browser-tools prints");
const installed = createRequire(join(resolve(tools), "package.json"));
const { chromium: engine } = installed("playwright-core");
const { source: axe } = installed("axe-core");

const browser = await engine.launch({ executablePath: chromium(), args: FLAGS, timeout: PATIENCE });
console.log(`Chromium ${browser.version()}`);
let found = 0;
for (const path of process.argv.slice(2)) {
  const subject = new Subject(browser, path, axe);
  for (const [name, check] of Object.entries(CHECKS)) {
    const begun = Date.now();
    try {
      await check(subject, (text) => subject.finding(name, text));
    } catch (error) {
      subject.finding(name, `the check itself failed: ${error.stack}`);
    }
    if (process.env.CARECOORD_BROWSER_TIMES) console.log(`${name}: ${Date.now() - begun} ms`);
  }
  const where = join(basename(dirname(resolve(path))), basename(path));
  for (const [check, texts] of subject.findings) {
    for (const text of [...texts].slice(0, PRINTED)) console.log(`${where}: ${check}: ${text}`);
    if (texts.size > PRINTED) console.log(`${where}: ${check}: and ${texts.size - PRINTED} more`);
    found += texts.size;
  }
  if (subject.findings.size === 0) console.log(`${where}: nothing found`);
}
await browser.close();
process.exitCode = found ? 1 : 0;
