/** A descent in a real browser: the fan of candidates in the scene, and the plots beside it. */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ViewerServer } from "../../src/viewer/server/serve.ts";
import { serveViewer } from "../../src/viewer/server/serve.ts";
import { writeSyntheticEpisode } from "../support/synthetic-files.ts";
import type { TestFolder, WatchedPage } from "../support/viewer-page.ts";
import {
  buildViewer,
  difference,
  distinctColors,
  openPage,
  pictureOf,
  settle,
  startBrowser,
} from "../support/viewer-page.ts";

const found = await startBrowser();
if ("unavailable" in found) process.stderr.write(`browser tests skipped: ${found.unavailable}\n`);

/** Software rendering on a busy machine draws few frames. */
const PATIENT = { timeout: 90_000 };

type Picture = Awaited<ReturnType<typeof pictureOf>>;

/** Pixels nearer to the fan's warm end than anything else in the synthetic scene is. */
function warmPixels({ data, channels }: Picture): number {
  let count = 0;
  for (let i = 0; i < data.length; i += channels) {
    const [red, green, blue] = [data[i]!, data[i + 1]!, data[i + 2]!];
    if (red > 150 && green > 50 && green < 0.75 * red && blue < 0.55 * red && green > blue) count++;
  }
  return count;
}

describe.skipIf("unavailable" in found)("a descent on the page", () => {
  const browser = (found as { browser: Browser }).browser;
  let folder: TestFolder;
  let viewer: ViewerServer;
  let open: WatchedPage | undefined;

  beforeAll(async () => {
    folder = await buildViewer();
    const same = { seed: 1, steps: 40, images: false };
    await writeSyntheticEpisode(join(folder.episodes, "plain.mcap"), same);
    await writeSyntheticEpisode(join(folder.episodes, "descent.mcap"), { ...same, descent: true });
    viewer = await serveViewer({ folder: folder.episodes, appFolder: folder.appFolder });
  });
  afterAll(async () => {
    await browser.close();
    await viewer?.close();
    await folder?.remove();
  });
  afterEach(async () => {
    await open?.close();
    open = undefined;
  });

  async function visit(episode: string): Promise<WatchedPage> {
    open = await openPage(browser, `${viewer.url}#episode=${episode}.mcap&t=0.1`);
    await open.page.locator("#title-words h1").waitFor(PATIENT);
    await open.ready();
    return open;
  }
  /** The scene in full resolution, as it is drawn after a moment of rest. */
  async function scene(page: Page): Promise<Picture> {
    await page.locator("#scene:not(.coarse)").waitFor(PATIENT);
    await settle(page);
    return pictureOf(page, "#scene canvas");
  }

  it("draws the candidates as a fan that other episodes do not have, and changes it with time", async () => {
    const plain = await scene((await visit("plain")).page);
    await open?.close();
    const { page, complaints, step } = await visit("descent");
    const first = await scene(page);
    expect(warmPixels(first)).toBeGreaterThan(warmPixels(plain) + 200);
    expect(difference(plain, first)).toBeGreaterThan(0.002);

    // Within one decision the fan stays: what moves is the arm and the point in time.
    await page.keyboard.press("Shift+ArrowRight");
    expect(await step()).toBe(12);
    const next = await scene(page);
    expect(warmPixels(next)).toBeGreaterThan(warmPixels(plain) + 200);
    expect(fanMask(first, next)).toBeGreaterThan(200);
    expect(complaints).toEqual([]);
  });

  /** Warm pixels of one picture that are not warm in another. */
  function fanMask(a: Picture, b: Picture): number {
    let count = 0;
    const one = (picture: Picture, at: number): Picture => ({
      ...picture,
      data: picture.data.subarray(at, at + picture.channels),
    });
    for (let i = 0; i < a.data.length; i += a.channels) {
      if (warmPixels(one(a, i)) === 1 && warmPixels(one(b, i)) === 0) count++;
    }
    return count;
  }

  it("plots energy and slope of every step, the line, and the plane around the choice", async () => {
    const { page, complaints } = await visit("descent");
    const steps = page.locator('.thought-plot[data-plot="steps"]');
    expect(await steps.locator("figcaption").allTextContents()).toEqual([
      "energy by step: 1 → 0.004",
      "slope by step: 2 → 0.125",
    ]);
    expect(await steps.first().locator("circle").count()).toBe(5);
    // Downhill: every dot lower than the one before, and of another colour.
    const dots = await steps
      .first()
      .locator("circle")
      .evaluateAll((all) => all.map((dot) => [dot.getAttribute("cy"), dot.getAttribute("fill")]));
    const heights = dots.map(([y]) => Number(y));
    for (let i = 1; i < heights.length; i++) {
      expect(heights[i]).toBeGreaterThan(heights[i - 1]!);
    }
    expect(new Set(dots.map(([, fill]) => fill)).size).toBe(5);
    const line = page.locator('.thought-plot[data-plot="curve"]');
    expect(await line.locator("polyline").getAttribute("points")).toMatch(/^5\.0,5\.0 .* \S+,\S+$/);
    expect(await page.locator(".thoughts-now").textContent()).toContain("5 steps");

    const map = page.locator('.thought-plot[data-plot="map"]');
    await map.scrollIntoViewIfNeeded();
    const middle = await map.locator("canvas").evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement)
        .getContext("2d")!
        .getImageData(0, 0, width, height);
      const at = (x: number, y: number): number[] => [
        ...data.slice(4 * (y * width + x)).slice(0, 3),
      ];
      return { width, height, low: at(8, 8), high: at(0, 0) };
    });
    expect(middle).toMatchObject({ width: 17, height: 17 });
    expect(middle.low).toEqual([0x00, 0x72, 0xb2]);
    expect(middle.high).toEqual([0xd5, 0x5e, 0x00]);
    expect(distinctColors(await pictureOf(page, ".heat"))).toBeGreaterThan(50);
    expect(complaints).toEqual([]);
  });
});
