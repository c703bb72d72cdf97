/** Training runs on the page: the curves, their values, and a run that goes on. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { writeSyntheticEpisode } from "../support/synthetic-files.ts";
import {
  appendRows,
  syntheticRows,
  writeSyntheticTraining,
} from "../support/synthetic-training.ts";
import { BROWSER_ABSENT, useViewer } from "../support/use-viewer.ts";
import type { WatchedPage } from "../support/viewer-page.ts";
import { difference, pictureOf } from "../support/viewer-page.ts";

describe.skipIf(BROWSER_ABSENT !== undefined)("training runs on the page", () => {
  const viewer = useViewer(async ({ episodes }) => {
    const at = (name: string): string => join(episodes, name);
    writeSyntheticTraining(at("sweep/seed-0"), { seed: 0, until: 3000 });
    writeSyntheticTraining(at("sweep/seed-1"), { seed: 1, until: 2000 });
    writeSyntheticTraining(at("old"), { name: "old", until: 200, steps: 200, elapsed: false });
    await writeSyntheticEpisode(at("e.mcap"), { steps: 20, images: false });
  });

  const visit = (hash: string): Promise<WatchedPage> => viewer.open(`${viewer.url}${hash}`);
  /** A busy machine takes its time. */
  const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 30_000 });
  const SEED_0 = "#training=sweep/seed-0";
  const reading = (page: Page, chart: string): Promise<string[]> =>
    page.locator(`[data-chart="${chart}"] .chart-reading span`).allTextContents();
  const lossOf = (seed: number, step: number): number =>
    syntheticRows({ seed }, { to: step }).findLast(({ kind }) => kind === "train")![
      "loss"
    ] as number;

  it("lists them beside the episodes, and turns between the two", async () => {
    const { page, complaints } = await visit("#episode=e.mcap");
    await page.locator("#title-words h1").waitFor();
    await page.getByRole("button", { name: "Training 3" }).click();
    const paths = await page
      .locator(".run")
      .evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset["path"]));
    expect(paths).toEqual(["old", "sweep/seed-0", "sweep/seed-1"]);
    await page.locator('.run[data-path="sweep/seed-1"] .run-words').click();
    await eventually(() => page.url()).toContain("#training=sweep/seed-1");
    expect(await page.locator(".training-title h1").textContent()).toBe("act-lift seed-1");
    await page.keyboard.press("t");
    await page.locator("#scene").waitFor();
    expect(await page.locator("#training").isVisible()).toBe(false);
    await eventually(() => page.url()).toContain("#episode=e.mcap");
    expect(complaints).toEqual([]);
  });

  it("reads out every curve at the place pointed at", async () => {
    const { page, complaints } = await visit(`${SEED_0}&smooth=0`);
    // The newest values first.
    await eventually(() => reading(page, "loss")).toEqual([
      expect.stringContaining(lossOf(0, 3000).toFixed(3)),
    ]);
    const box = (await page.locator('[data-chart="loss"] .chart-plot').boundingBox())!;
    // The plot lies between margins of 46 and 16 pixels; updates go from 0 to 3,000.
    await page.mouse.move(box.x + 46 + (box.width - 62) * (1500 / 3000), box.y + 40);
    expect(await page.locator(".place").textContent()).toMatch(/^update 1,(49\d|50\d)$/);
    const [words] = await reading(page, "loss");
    expect(words).toContain(lossOf(0, 1500).toFixed(3));
    expect(words).toMatch(/ · held out 0\.\d+$/);
    expect(await reading(page, "success")).toEqual([
      expect.stringMatching(/^\d+ % · \d+\/28 · \d+–\d+ %$/),
    ]);
    expect(await reading(page, "time")).toEqual([
      expect.stringMatching(/^\d+ ms · \d+ % waiting$/),
    ]);
    await page.keyboard.press("Home");
    expect(await page.locator(".place").textContent()).toBe("update 20");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator(".place").textContent()).toBe("update 240");
    expect(await reading(page, "loss")).toEqual([
      expect.stringContaining(lossOf(0, 240).toFixed(3)),
    ]);
    await page.keyboard.press("Escape");
    expect(await page.locator(".place").textContent()).toBe("newest: update 3,000");
    expect(complaints).toEqual([]);
  });

  it("lays the seeds of a sweep over each other and says in what they differ", async () => {
    const { page, complaints } = await visit(SEED_0);
    await page.locator(".facts-card").waitFor();
    await page.keyboard.press("a");
    await eventually(() => reading(page, "loss")).toHaveLength(2);
    const settings = await page.locator(".facts-card > .settings").allTextContents();
    expect(settings).toEqual(["seed0", "seed1"]);
    await eventually(() => page.url()).toContain("training=sweep/seed-0&training=sweep/seed-1");
    await page.locator('.run[data-path="sweep/seed-0"] .run-mark').click();
    await eventually(() => reading(page, "loss")).toHaveLength(1);
    expect(await page.locator(".training-title h1").textContent()).toBe("act-lift seed-1");
    expect(complaints).toEqual([]);
  });

  it("changes axis, scale and smoothing, and keeps them in the link", async () => {
    const { page, complaints } = await visit(SEED_0);
    await page.locator('[data-chart="loss"] .chart-reading span').waitFor();
    const plot = '[data-chart="loss"] .chart-plot';
    const linear = await pictureOf(page, plot);
    await page.keyboard.press("l");
    const log = await pictureOf(page, plot);
    expect(difference(linear, log)).toBeGreaterThan(0.01);
    await page.keyboard.press("x");
    expect(await page.locator(".place").textContent()).toMatch(/^newest: epoch 2\.1/);
    await page.keyboard.press("x");
    expect(await page.locator(".place").textContent()).toMatch(/^newest: 20\.50 min$/);
    await page.getByRole("button", { name: "Raw" }).click();
    await eventually(() => page.url()).toMatch(/#training=sweep\/seed-0&axis=time&log=1&smooth=0$/);
    // A run that did not write its time is shown over updates.
    await page.locator('.run[data-path="old"] .run-words').click();
    await eventually(() => page.locator(".place").textContent()).toBe("newest: update 200");
    expect(await page.getByRole("button", { name: "Time", exact: true }).isDisabled()).toBe(true);
    expect(complaints).toEqual([]);
  });

  it("is light or dark as the system is", async () => {
    const { page, complaints } = await visit(SEED_0);
    await page.locator('[data-chart="loss"] .chart-reading span').waitFor();
    const light = await pictureOf(page, '[data-chart="loss"]');
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await pictureOf(page, '[data-chart="loss"]');
    const mean = ({ data }: { data: Uint8Array }): number =>
      data.reduce((sum, value) => sum + value, 0) / data.length;
    expect(mean(light)).toBeGreaterThan(200);
    expect(mean(dark)).toBeLessThan(110);
    expect(complaints).toEqual([]);
  });

  it("follows a run as it goes on, also where a resume has cut it", async () => {
    const run = join(viewer.folder.episodes, "live");
    writeSyntheticTraining(run, { name: "live", until: 400, steps: 2000 });
    const { page, complaints } = await visit("#training=live&smooth=0");
    await eventually(() => page.locator(".place").textContent()).toBe("newest: update 400");
    appendRows(run, syntheticRows({}, { from: 400, to: 620 }));
    await eventually(() => page.locator(".place").textContent()).toBe("newest: update 620");
    expect(await reading(page, "loss")).toEqual([
      expect.stringContaining(lossOf(0, 620).toFixed(3)),
    ]);
    await eventually(() =>
      page.locator('.run[data-path="live"] .run-detail').textContent(),
    ).toContain("620 / 2,000");
    // Seed 5 writes other numbers: what was cut off must not stay.
    writeSyntheticTraining(join(viewer.folder.episodes, "other"), { seed: 5, until: 1000 });
    await copyFile(join(viewer.folder.episodes, "other/metrics.jsonl"), join(run, "metrics.jsonl"));
    await eventually(() => page.locator(".place").textContent()).toBe("newest: update 1,000");
    await page.keyboard.press("Home");
    expect(await reading(page, "loss")).toEqual([
      expect.stringContaining(lossOf(5, 20).toFixed(3)),
    ]);
    expect(complaints).toEqual([]);
  });

  it("says so where a link names a run that is not there", async () => {
    const { page, complaints } = await visit("#training=gone");
    await page.getByText("Cannot show training run gone").waitFor();
    await page.locator('.run[data-path="old"] .run-words').click();
    await page.locator('[data-chart="loss"]').waitFor();
    expect(complaints).toEqual([]);
  });
});
