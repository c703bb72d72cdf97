/** Worlds that run in the page: simulated in a worker, driven by an expert and by keys. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { LIBERO_ABSENT, liberoTaskNames, writeLiberoFolder } from "../support/libero-files.ts";
import { BROWSER_ABSENT, useViewer } from "../support/use-viewer.ts";
import type { WatchedPage } from "../support/viewer-page.ts";

/** The engine is 10 MB, and pictures are drawn in software. */
const SLOW = { timeout: 90_000 };
const LIBERO_TASK = "object/pick_up_the_alphabet_soup_and_place_it_in_the_basket";
if (LIBERO_ABSENT !== undefined) process.stderr.write(`LIBERO is not played: ${LIBERO_ABSENT}\n`);

describe.skipIf(BROWSER_ABSENT !== undefined)("playing in the page", () => {
  const viewer = useViewer(async ({ root }) => {
    if (LIBERO_ABSENT !== undefined) return {};
    const libero = join(root, "libero");
    await writeLiberoFolder(libero, LIBERO_TASK);
    return { worldFolders: { libero } };
  });

  const play = (hash: string): Promise<WatchedPage> =>
    viewer.open(`${viewer.url}${hash}`, { width: 900, height: 640 });
  const status = (page: Page) => page.locator("#play [role=status]");
  const shownStep = async (page: Page): Promise<number> =>
    Number(await page.getByRole("slider").getAttribute("aria-valuenow"));

  it("an expert succeeds, and the episode can be looked at like any other", async () => {
    const { page, complaints } = await play("#play=tabletop/press_button&state=2&drive=expert");
    await expect.poll(() => status(page).textContent(), SLOW).toMatch(/^success, step \d+$/);
    await expect
      .poll(() => page.locator("#title-words").textContent(), SLOW)
      .toMatch(/success at step/);
    const last = await shownStep(page);
    expect(last).toBeGreaterThan(10);
    await page.keyboard.press("Home");
    await expect.poll(() => shownStep(page), SLOW).toBe(0);
    expect(await page.locator("#cameras canvas").count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  it("held keys move the hand; Backspace starts again", async () => {
    const { page, complaints } = await play("#play=tabletop/lift_red_cube");
    await expect.poll(() => shownStep(page), SLOW).toBeGreaterThan(1);
    await page.keyboard.down("a");
    const lane = page.locator("#lanes").getByText("delta position y").locator("..");
    await expect.poll(() => lane.textContent(), SLOW).toMatch(/0\.4/);
    await page.keyboard.up("a");
    const before = await shownStep(page);
    await page.keyboard.press("Backspace");
    await expect.poll(() => shownStep(page), SLOW).toBeLessThan(before);
    expect(await page.evaluate(() => location.hash)).toContain("#play=tabletop/lift_red_cube");
    expect(complaints).toEqual([]);
  });

  it.skipIf(LIBERO_ABSENT !== undefined)(
    `an expert succeeds in LIBERO, of which only its own task is fetched (${LIBERO_ABSENT ?? "data present"})`,
    async () => {
      const { page, complaints } = await play("");
      const fetched: string[] = [];
      const loading: string[] = [];
      page.on("request", (request) => {
        const [, path] = request.url().split("/worlds/libero/");
        if (path !== undefined) fetched.push(path);
      });
      await page.exposeFunction("sayLoading", (words: string) => loading.push(words));
      await page.addInitScript(() => {
        const say = (window as unknown as { sayLoading: (words: string) => void }).sayLoading;
        new MutationObserver(() => {
          const bar = document.querySelector<HTMLProgressElement>("#play progress");
          const note = document.querySelector("#play [role=status]")?.textContent ?? "";
          if (bar !== null && !bar.hidden) say(`${note}, ${bar.position.toFixed(2)}`);
        }).observe(document, {
          subtree: true,
          childList: true,
          attributes: true,
          characterData: true,
        });
      });
      await page.goto("about:blank");
      await page.goto(`${viewer.url}#play=libero/object/0&state=0&drive=expert`);
      await expect.poll(() => status(page).textContent(), SLOW).toMatch(/^success, step \d+$/);
      expect(await shownStep(page)).toBeGreaterThan(80);
      const tasks = page.getByRole("combobox", { name: "Task to play" });
      expect(await tasks.inputValue()).toBe(LIBERO_TASK);
      expect(await tasks.locator("option").count()).toBe(liberoTaskNames().length);
      // Index, scene, problem, names, initial states, and the arm's nine meshes.
      expect(fetched.filter((path) => path.startsWith("tasks/")).length).toBe(4);
      expect(fetched.length).toBeLessThanOrEqual(14);
      // Both come with their length, so that their bars have an end.
      const said = (pattern: RegExp) => loading.filter((words) => pattern.test(words)).length;
      expect(said(/^Loading the physics engine: [\d.]+ .*B, (?:0\.\d\d|1\.00)/)).toBeGreaterThan(0);
      expect(said(/^Loading the scene: [\d.]+ .*B, (?:0\.\d\d|1\.00)/)).toBeGreaterThan(0);
      expect(complaints).toEqual([]);
    },
    150_000,
  );

  it("says what cannot be played", async () => {
    const { page } = await play("#play=tabletop/fly");
    await page.getByText("Cannot play fly: there is no such task in tabletop").waitFor(SLOW);
    await page.goto("about:blank");
    await page.goto(`${viewer.url}#play=moon/landing`);
    await page.getByText(/Cannot play "moon": it does not run in a browser/).waitFor(SLOW);
  });
});
