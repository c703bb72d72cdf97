/**
 * The viewer: bytes to load, time to the first list and the first 3D frame, scrubbing through 300 steps, and
 * the index of 1,000 episodes. Browser figures are taken under software rendering, which is the floor.
 */
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { serveViewer } from "../../dist/src/viewer/server/serve.js";
import { launchChromium } from "../support/browser.mjs";

const STEPS = 300;
const SEEKS = 120;
const VISITS = 5;
const EPISODES = 1000;

export default {
  name: "viewer",
  title: "viewer: load, first frame, scrubbing, index",
  run,
};

async function run(print) {
  const root = await mkdtemp(join(tmpdir(), "efference-bench-"));
  try {
    const { module } = await runnerImport(
      fileURLToPath(new URL("../support/synthetic-files.ts", import.meta.url)),
    );
    const index = await measureIndex(print, {
      folder: join(root, "many"),
      write: module.writeSyntheticEpisode,
    });
    const folder = join(root, "one");
    await module.writeSyntheticEpisode(join(folder, "long.mcap"), { steps: STEPS, imagePx: 128 });
    const launched = await launchChromium({ log: print });
    if ("unavailable" in launched) {
      print(`browser figures left out: ${launched.unavailable}`);
      return { index };
    }
    const viewer = await serveViewer({ folder });
    try {
      const page = await measurePage(print, { browser: launched.browser, url: viewer.url });
      return { index, page };
    } finally {
      await launched.browser.close();
      await viewer.close();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function measureIndex(print, { folder, write }) {
  await mkdir(folder, { recursive: true });
  const first = join(folder, "e0.mcap");
  await write(first, { steps: 100, images: false });
  for (let i = 1; i < EPISODES; i++) await copyFile(first, join(folder, `e${i}.mcap`));
  const viewer = await serveViewer({ folder });
  const ask = async () => {
    const started = performance.now();
    const response = await fetch(new URL("api/episodes", viewer.url));
    const { episodes } = await response.json();
    if (episodes.length !== EPISODES) throw new Error(`the index has ${episodes.length} episodes`);
    return performance.now() - started;
  };
  try {
    const coldMs = await ask();
    const warm = [];
    for (let i = 0; i < 10; i++) warm.push(await ask());
    const walk = [];
    for (let i = 0; i < 10; i++) walk.push(await walkMs(folder));
    const [warmMs, walkedMs] = [percentile(warm, 0.5), percentile(walk, 0.5)];
    print(`index of ${EPISODES} episodes     first ${ms(coldMs)}, again ${ms(warmMs)}`);
    print(
      `  floor: list and stat the files ${ms(walkedMs)}; first ${(coldMs / walkedMs).toFixed(1)}x, again ${(warmMs / walkedMs).toFixed(1)}x`,
    );
    return { episodes: EPISODES, coldMs, warmMs, floorMs: walkedMs };
  } finally {
    await viewer.close();
  }
}

async function walkMs(folder) {
  const started = performance.now();
  const names = await readdir(folder);
  await Promise.all(names.map((name) => stat(join(folder, name))));
  return performance.now() - started;
}

async function measurePage(print, { browser, url }) {
  const loads = [];
  let bytes = 0;
  let scrub;
  for (let i = 0; i < VISITS; i++) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const scripts = [];
    page.on("requestfinished", (request) => {
      if (/\.(js|css)$/.test(request.url())) scripts.push(request.sizes());
    });
    await page.goto(`${url}#episode=long.mcap`);
    await page.locator("#scene[data-ready]").waitFor({ timeout: 120_000 });
    loads.push(
      await page.evaluate(async () => {
        const markOf = (name) => performance.getEntriesByName(name)[0]?.startTime;
        while (markOf("efference:first-3d-frame") === undefined) {
          await new Promise((done) => globalThis.requestAnimationFrame(done));
        }
        return { list: markOf("efference:first-list"), frame: markOf("efference:first-3d-frame") };
      }),
    );
    const sizes = await Promise.all(scripts);
    bytes = sizes.reduce((sum, { responseBodySize }) => sum + responseBodySize, 0);
    if (i === VISITS - 1) scrub = await measureScrub(print, page);
    await page.close();
  }
  print(`scripts and styles transferred ${(bytes / 1000).toFixed(0)} kB (gzip; budget 1000 kB)`);
  const middle = (key) =>
    percentile(
      loads.map((load) => load[key]),
      0.5,
    );
  const [listMs, frameMs] = [middle("list"), middle("frame")];
  print(`first list                     ${ms(listMs)} after navigation (median of ${VISITS})`);
  print(`first 3D frame                 ${ms(frameMs)} after navigation (median of ${VISITS})`);
  return { bytes, listMs, frameMs, scrub };
}

async function measureScrub(print, page) {
  const { seeks, idle } = await page.evaluate(scrubInPage, { seeks: SEEKS });
  const [p50, p95] = [percentile(seeks, 0.5), percentile(seeks, 0.95)];
  const floor = percentile(idle, 0.5);
  print(
    `scrub, ${STEPS} steps               p50 ${ms(p50)}, p95 ${ms(p95)} from pointer to scene, lanes and both images`,
  );
  print(`  floor: one frame of the browser ${ms(floor)}; p95 ${(p95 / floor).toFixed(1)}x`);
  return { p50Ms: p50, p95Ms: p95, floorMs: floor };
}

/** Runs in the page: seeks to spread-out steps and waits until scene, lanes and images all show them. */
async function scrubInPage({ seeks: count }) {
  const frame = () => new Promise((done) => globalThis.requestAnimationFrame(done));
  const scrub = document.querySelector(".scrub");
  const scene = document.querySelector("#scene");
  const cameras = [...document.querySelectorAll(".camera")];
  const box = scrub.getBoundingClientRect();
  const last = Number(scrub.getAttribute("aria-valuemax"));
  const idle = [];
  for (let i = 0; i < 30; i++) {
    const started = performance.now();
    await frame();
    idle.push(performance.now() - started);
  }
  const seeks = [];
  for (let i = 0; i < count; i++) {
    // A stride without a common divisor visits every part and never its neighbour.
    const step = (i * 83) % (last + 1);
    const started = performance.now();
    const clientX = box.left + (step / last) * box.width;
    const event = { clientX, clientY: box.top + 5, button: 0, pointerId: 1, bubbles: true };
    scrub.dispatchEvent(new globalThis.PointerEvent("pointerdown", event));
    do await frame();
    while (
      Number(scrub.getAttribute("aria-valuenow")) !== step ||
      [scene, ...cameras].some((part) => Number(part.dataset.step) !== step)
    );
    seeks.push(performance.now() - started);
  }
  return { seeks, idle };
}

function percentile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

function ms(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
