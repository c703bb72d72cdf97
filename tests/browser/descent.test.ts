/** A descent in a real browser: the fan of candidates in the scene, and the plots beside it. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { writeSyntheticEpisode } from "../support/synthetic-files.ts";
import { BROWSER_ABSENT, useViewer } from "../support/use-viewer.ts";
import type { WatchedPage } from "../support/viewer-page.ts";
import { distinctColors, pictureOf, settle } from "../support/viewer-page.ts";

/** Software rendering on a busy machine draws few frames. */
const PATIENT = { timeout: 90_000 };

type Picture = Awaited<ReturnType<typeof pictureOf>>;

/** Pixels of the second picture that are redder, against blue, than in the first. */
function redder(before: Picture, after: Picture): Set<number> {
  const found = new Set<number>();
  const { channels } = after;
  const warmth = ({ data }: Picture, at: number): number => data[at]! - data[at + 2]!;
  for (let at = 0; at < after.data.length; at += channels) {
    if (warmth(after, at) - warmth(before, at) > 30) found.add(at);
  }
  return found;
}

describe.skipIf(BROWSER_ABSENT !== undefined)("a descent on the page", () => {
  const viewer = useViewer(async ({ episodes }) => {
    const same = { seed: 1, steps: 40, images: false };
    await writeSyntheticEpisode(join(episodes, "plain.mcap"), same);
    await writeSyntheticEpisode(join(episodes, "descent.mcap"), { ...same, descent: true });
  });

  async function visit(episode: string): Promise<WatchedPage> {
    const watched = await viewer.open(`${viewer.url}#episode=${episode}.mcap&t=0.1`);
    await watched.page.locator("#title-words h1").waitFor(PATIENT);
    await watched.ready();
    return watched;
  }
  /** The scene in full resolution, as it is drawn after a moment of rest. */
  async function scene(page: Page): Promise<Picture> {
    await page.locator("#scene:not(.coarse)").waitFor(PATIENT);
    await settle(page);
    return pictureOf(page, "#scene canvas");
  }

  /** The scene at two decisions. */
  async function scenes(episode: string): Promise<readonly [Picture, Picture]> {
    const { page, step, complaints, close } = await visit(episode);
    const first = await scene(page);
    await page.keyboard.press("Shift+ArrowRight");
    expect(await step()).toBe(12);
    const second = await scene(page);
    expect(complaints).toEqual([]);
    await close();
    return [first, second];
  }

  it("draws the candidates as a fan that changes with the decision in force", async () => {
    const plain = await scenes("plain");
    const descent = await scenes("descent");
    const fans = descent.map((picture, i) => redder(plain[i]!, picture));
    for (const [i, fan] of fans.entries()) {
      expect(fan.size).toBeGreaterThan(200);
      // Candidates turn from the warm end of the scale to the accent, and are thin: the rest of the frame is the same.
      const cold = redder(descent[i]!, plain[i]!);
      expect(cold.size).toBeGreaterThan(200);
      const pixels = plain[i]!.data.length / plain[i]!.channels;
      expect(fan.size + cold.size).toBeLessThan(0.1 * pixels);
    }
    const [first, second] = fans as [Set<number>, Set<number>];
    const common = [...first].filter((at) => second.has(at)).length;
    expect(common).toBeLessThan(0.7 * first.size);
  });

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
