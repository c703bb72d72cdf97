/**
 * Takes the pictures of the viewer for the README.
 *
 *     node tests/browser/screenshots.mjs <folder | viewer's address> [--episode PATH] [--at SECONDS] [--name NAME] [--training PATH]... [--out FOLDER]
 *
 * Needs `npm run build` and a Chromium. Without --episode it takes the longest successful one, without
 * --at a moment at 45 % of it. With --name it takes one picture of that name, with --training the curves of those runs
 * instead.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launchChromium } from "../support/browser.mjs";

const DEFAULT_OUT = fileURLToPath(new URL("../../src/viewer/screenshots", import.meta.url));

/** Name, size in CSS pixels and system's choice of colours. */
const SHOTS = [
  { name: "light", width: 1440, height: 900, colorScheme: "light" },
  { name: "dark", width: 1440, height: 900, colorScheme: "dark" },
  { name: "laptop", width: 1280, height: 720, colorScheme: "light" },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    episode: { type: "string" },
    at: { type: "string" },
    name: { type: "string" },
    out: { type: "string" },
    training: { type: "string", multiple: true },
  },
});
const [source] = positionals;
if (source === undefined) throw new Error("Cannot take pictures: no folder or address is given");
const out = values.out ?? DEFAULT_OUT;

const isAddress = /^https?:/.test(source);
const { serveViewer } = await import("../../dist/src/viewer/server/serve.js");
const viewer = isAddress ? undefined : await serveViewer({ folder: source });
const url = viewer?.url ?? source;

async function chooseEpisode() {
  const { episodes } = await (await fetch(new URL("api/episodes", url))).json();
  const readable = episodes.filter(({ summary }) => summary !== undefined);
  const chosen =
    values.episode === undefined
      ? readable
          .filter(({ summary }) => summary.outcome?.kind === "success")
          .sort((a, b) => b.summary.steps - a.summary.steps)[0]
      : readable.find(({ path }) => path === values.episode);
  if (chosen === undefined) throw new Error(`Cannot take pictures: ${source} has no such episode`);
  return chosen;
}

/** Waits until what was asked for has been drawn. */
function drawn(page) {
  return page.evaluate(
    () =>
      new Promise((done) =>
        globalThis.requestAnimationFrame(() => globalThis.requestAnimationFrame(done)),
      ),
  );
}

async function takeEpisode(page) {
  const { path, summary } = await chooseEpisode();
  const t = Number(values.at ?? (summary.durationS * 0.45).toFixed(2));
  await page.goto(`${url}#episode=${path}&t=${t}`);
  await page.locator("#scene[data-ready], #stage.no-scene").first().waitFor({ timeout: 60_000 });
  await drawn(page);
  for (const camera of await page.locator(".camera").all()) {
    await camera.and(page.locator("[data-step]")).waitFor();
  }
}

async function takeTraining(page) {
  const query = values.training.map((path) => `training=${encodeURIComponent(path)}`);
  await page.goto(`${url}#${[...query, "log=1"].join("&")}`);
  await page.locator('[data-chart="loss"] .chart-reading span').first().waitFor();
  const plot = await page.locator('[data-chart="loss"] .chart-plot').boundingBox();
  await page.mouse.move(plot.x + 0.62 * plot.width, plot.y + plot.height / 2);
  await drawn(page);
}

const launched = await launchChromium({ log: console.error });
if ("unavailable" in launched) throw new Error(`Cannot take pictures: ${launched.unavailable}`);
const { browser } = launched;
const training = values.training !== undefined;
const only = training ? "training" : values.name;
const shots =
  only === undefined ? SHOTS : [{ name: only, width: 1440, height: 900, colorScheme: "light" }];
try {
  await mkdir(out, { recursive: true });
  for (const { name, width, height, colorScheme } of shots) {
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme,
      deviceScaleFactor: 1,
    });
    await (training ? takeTraining(page) : takeEpisode(page));
    const file = join(out, `${name}.png`);
    await page.screenshot({ path: file });
    console.log(file);
    await page.close();
  }
} finally {
  await browser.close();
  await viewer?.close();
}
