// Opens a report from disk in headless Chromium, without a network, and looks at it as people do: light, dark, on paper, by
// mouse, by keyboard and with a screen reader's eyes. Fails on any message in the console, any request, any chart that draws
// less than its data, and any violation that axe finds.
//
//     node check.mjs REPORT.html [--pictures FOLDER]

import { createRequire } from "node:module";
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pictures: { type: "string" }, browser: { type: "string", default: "/usr/bin/chromium" } },
});
if (positionals.length !== 1) {
  console.error("usage: node check.mjs REPORT.html [--pictures FOLDER] [--browser CHROMIUM]");
  process.exit(2);
}
const address = pathToFileURL(resolve(positionals[0])).href;
if (values.pictures) mkdirSync(values.pictures, { recursive: true });

let failed = 0;
let passed = 0;
function check(what, good, found = "") {
  if (good) passed += 1;
  else {
    failed += 1;
    console.error(`FAILED: ${what}${found === "" ? "" : `: ${JSON.stringify(found)}`}`);
  }
}

const browser = await chromium.launch({
  executablePath: values.browser,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function open(options, context = {}) {
  const own = await browser.newContext({ viewport: { width: 1280, height: 900 }, offline: true, ...options, ...context });
  const page = await own.newPage();
  const heard = [];
  page.on("console", (message) => heard.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => heard.push(String(error)));
  page.on("request", (request) => { if (request.url() !== address) heard.push(`request: ${request.url()}`); });
  await page.goto(address);
  return { page, heard, close: () => own.close() };
}

// What each chart draws: elements in a colour of a series, spikes' or lines', beside what its data say that it should.
const drawn = (page) => page.evaluate(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colours = new Set([...document.querySelectorAll("#series .swatch path")].map((path) => path.getAttribute("stroke")));
  return [...document.querySelectorAll("figure[data-figure]")].map((figure) => {
    const { title, chart } = data.sections[figure.dataset.section].figures[figure.dataset.figure];
    const selects = [...figure.querySelectorAll("select")];
    const chosen = selects.map((select) => select.selectedIndex);
    let expected;
    if (chart.kind === "curves") expected = chosen[0] ? 1 : chart.series.reduce((sum, one) => sum + one.points.length, 0);
    if (chart.kind === "profiles") {
      const values = chart.choices[chosen[0] ?? chart.first].series.flatMap((one) => one.values);
      expected = values.filter((value) => value !== null && (!chart.y.log || value > 0)).length;
    }
    if (chart.kind === "rasters") {
      const [series, variant, sample] = selects.map((select) => select.value);
      const choice = chart.choices.find((one) => one.series === series && one.variant === variant && one.sample === sample);
      // no such choice: the nearest is shown, whose spikes are not counted here
      expected = choice ? choice.layers.flatMap((layer) => layer.rows).reduce((sum, [, train]) => sum + train.filter(([, value]) => value > 0).length, 0) : 0;
    }
    const marks = [...figure.querySelectorAll(".chart svg [fill], .chart svg [stroke]")].filter((mark) =>
      colours.has(mark.getAttribute("fill")) || colours.has(mark.getAttribute("stroke")));
    const box = figure.querySelector(".chart svg")?.getBoundingClientRect();
    return { title, kind: chart.kind, expected, marks: marks.length, faded: marks.filter((mark) => mark.matches("[stroke-opacity='0.1'], [fill-opacity='0.1'], [opacity='0.1']")).length,
      width: box?.width ?? 0, height: box?.height ?? 0 };
  });
});

async function checkDrawn(page, when) {
  const charts = await drawn(page);
  check(`${when}: the report has charts`, charts.length > 0);
  for (const chart of charts) {
    check(`${when}: "${chart.title}" draws its data`, chart.marks > 0 && chart.marks >= chart.expected, chart);
    check(`${when}: "${chart.title}" has a size`, chart.width > 200 && chart.height > 100, chart);
  }
  return charts;
}

for (const colorScheme of ["light", "dark"]) {
  const { page, heard, close } = await open({ colorScheme });
  await checkDrawn(page, colorScheme);
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).map(Number));
  check(`${colorScheme}: the paper is ${colorScheme}`, (Math.max(...paper) < 80) === (colorScheme === "dark"), paper);
  if (values.pictures) await page.screenshot({ path: `${values.pictures}/${colorScheme}.png`, fullPage: true });
  check(`${colorScheme}: the console is silent and nothing is fetched`, heard.length === 0, heard);
  await close();
}

{
  const { page, heard, close } = await open({ colorScheme: "light" });
  // a theme that changes while the page is open
  await page.emulateMedia({ colorScheme: "dark" });
  await checkDrawn(page, "turned dark");
  await page.emulateMedia({ colorScheme: "light" });

  const buttons = page.locator("#series button");
  if (await buttons.count() > 1) {
    await buttons.first().click();
    check("a click lets a series stand alone", await buttons.first().getAttribute("aria-pressed") === "true");
    check("the others step back", (await drawn(page)).filter((chart) => chart.kind !== "rasters").every((chart) => chart.faded > 0), await drawn(page));
    if (values.pictures) await page.locator("figure").first().screenshot({ path: `${values.pictures}/alone.png` });
    await buttons.first().press("Enter");
    check("and all come back", (await drawn(page)).every((chart) => chart.faded === 0), await drawn(page));
    await page.mouse.move(0, 0);
    await buttons.last().hover();
    const pointed = () => drawn(page).then((charts) => charts.some((chart) => chart.faded > 0));
    check("the others fade while one is pointed at", await pointed());
    await page.mouse.move(0, 0);
    check("and no longer", !await pointed());
    await checkDrawn(page, "after series stood alone");
  }

  for (const select of await page.locator("figure select").all()) {
    for (let i = (await select.locator("option").count()) - 1; i >= 0; i -= 1) {
      await select.selectOption({ index: i });
      await checkDrawn(page, `option ${i} of ${await select.evaluate((one) => one.parentElement.textContent)}`);
    }
  }

  for (const chart of await page.locator(".chart").all()) {
    await page.locator("#spoken").evaluate((spoken) => { spoken.textContent = ""; });
    await chart.focus();
    await chart.press("ArrowRight");
    const first = await page.locator("#spoken").textContent();
    check("an arrow key tells a point", first.length > 0);
    await chart.press("ArrowDown");
    await chart.press("ArrowRight");
    check("the next one another", await page.locator("#spoken").textContent() !== "");
  }

  for (const details of await page.locator("details.data").all()) {
    await details.locator("summary").click();
    await details.locator("tbody tr").first().waitFor();
    check("a chart's figures are listed", await details.locator("tbody tr").count() > 0 && await details.locator("thead th").count() > 1);
  }
  check("the console stays silent", heard.length === 0, heard);
  await close();
}

{
  // axe is put into the page, which its own policy forbids
  const { page, close } = await open({ bypassCSP: true });
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => axe.run());
    check(`${colorScheme}: axe finds nothing`, violations.length === 0,
      violations.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200), nodes[0].failureSummary]));
  }
  await close();
}

{
  const { page, heard, close } = await open({ colorScheme: "dark" });
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  await checkDrawn(page, "on paper");
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  check("paper is white", paper === "rgb(255, 255, 255)", paper);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  await page.emulateMedia({ media: null });
  const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
  check("it prints", pdf.length > 20000, pdf.length);
  if (values.pictures) writeFileSync(`${values.pictures}/print.pdf`, pdf);
  check("in silence", heard.length === 0, heard);
  await checkDrawn(page, "after printing");
  await close();
}

{
  const { page, close } = await open({ viewport: { width: 390, height: 800 } });
  await checkDrawn(page, "on a phone");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check("a phone does not scroll sideways", overflow <= 0, overflow);
  if (values.pictures) await page.screenshot({ path: `${values.pictures}/phone.png` });
  await close();
}

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
