/** The page in a real browser: what a person does with it, from the list to the last frame. */
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "playwright-core";
import sirv from "sirv";
import { describe, expect, it } from "vitest";
import { synthesiseEpisode } from "../support/synthetic-episode.ts";
import {
  startSyntheticEpisode,
  writeSteps,
  writeSyntheticEpisode,
} from "../support/synthetic-files.ts";
import { BROWSER_ABSENT, useViewer } from "../support/use-viewer.ts";
import type { PageOptions, WatchedPage } from "../support/viewer-page.ts";
import { difference, distinctColors, dropFile, pictureOf, settle } from "../support/viewer-page.ts";

/** Software rendering on a busy machine draws few frames. */
const SLOW = { timeout: 30_000 };

describe.skipIf(BROWSER_ABSENT !== undefined)("the viewer's page", () => {
  const viewer = useViewer(async ({ episodes }) => {
    const write = (
      name: string,
      options: Parameters<typeof writeSyntheticEpisode>[1],
    ): Promise<unknown> => writeSyntheticEpisode(join(episodes, name), options);
    await write("plate-1.mcap", { seed: 1, steps: 88 });
    await write("plate-2.mcap", { seed: 2, steps: 60, outcome: "failure", images: false });
    await write("drawer-3.mcap", { seed: 3, steps: 40, task: "open_drawer", images: false });
    await write("drawer-4.mcap", {
      seed: 4,
      steps: 30,
      task: "open_drawer",
      outcome: "crash",
      images: false,
    });
  });

  /** Opens the page; at the end of a test it must not have complained. */
  async function visit(hash = "", options: PageOptions = {}): Promise<WatchedPage> {
    const watched = await viewer.open(`${viewer.url}${hash}`, options);
    await watched.page.locator("#title-words h1").waitFor();
    return watched;
  }
  const rows = (page: Page): Promise<string[]> =>
    page
      .locator(".episode")
      .evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset["path"] ?? ""));
  const PLATE = "#episode=plate-1.mcap";

  it("lists the episodes with outcome by shape and word, and filters them", async () => {
    const { page, complaints } = await visit(PLATE);
    expect(await rows(page)).toEqual([
      "drawer-3.mcap",
      "drawer-4.mcap",
      "plate-1.mcap",
      "plate-2.mcap",
    ]);
    const standings = await page
      .locator(".episode")
      .evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset["standing"]));
    expect(standings).toEqual(["success", "crash", "success", "failure"]);
    const shapes = await page
      .locator(".episode svg")
      .evaluateAll((all) => all.map((svg) => svg.innerHTML));
    expect(new Set(shapes).size).toBe(3);

    await page.keyboard.press("/");
    await page.keyboard.type("drawer");
    expect(await rows(page)).toEqual(["drawer-3.mcap", "drawer-4.mcap"]);
    await page.keyboard.press("Escape");
    await page.locator('.chip[data-standing="failure"]').click();
    expect(await rows(page)).toEqual(["plate-2.mcap"]);
    await page.locator('.chip[data-standing="failure"]').click();
    await page.getByLabel("min steps").fill("60");
    expect(await rows(page)).toEqual(["plate-1.mcap", "plate-2.mcap"]);
    await page.getByLabel("min steps").fill("");
    await page.getByLabel("Task", { exact: true }).selectOption("open_drawer");
    expect(await rows(page)).toEqual(["drawer-3.mcap", "drawer-4.mcap"]);
    await page.locator("#summary tr", { hasText: "put red cube" }).click();
    await page.getByLabel("Task", { exact: true }).selectOption("");
    expect(await rows(page)).toEqual(["plate-1.mcap", "plate-2.mcap"]);
    await page.getByLabel("Filter episodes").fill("nothing like this");
    expect(await page.locator(".list-count").textContent()).toBe("0 of 4 episodes");
    expect(complaints).toEqual([]);
  });

  it("summarises success by task, crashes apart", async () => {
    const { page } = await visit(PLATE);
    const lines = await page.locator("#summary tr").allTextContents();
    expect(lines).toEqual(["open drawer1/1 +1!", "put red cube on plate1/2", "all2/3 +1!"]);
  });

  it("opens an episode by click and by arrow keys", async () => {
    const { page, complaints } = await visit(PLATE);
    await page.locator('.episode[data-path="drawer-4.mcap"]').click();
    await page.locator("#title-words .outcome.crash").waitFor();
    await page.keyboard.press("ArrowUp");
    await page.locator('.episode[data-path="drawer-3.mcap"][aria-selected="true"]').waitFor();
    expect(await page.locator("#title-words .outcome").textContent()).toBe("success at step 40");
    expect(complaints).toEqual([]);
  });

  it("moves in time by keyboard and mouse, and everything moves together", async () => {
    const { page, step, complaints } = await visit(PLATE);
    expect(await step()).toBe(0);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    expect(await step()).toBe(11);
    await page.keyboard.press("ArrowLeft");
    expect(await step()).toBe(10);
    await page.locator('.camera[data-camera="front"][data-step="10"]').waitFor();
    await page.keyboard.press("End");
    expect(await step()).toBe(88);
    await page.locator('.camera[data-camera="wrist"][data-step="88"]').waitFor();
    await page.keyboard.press("Home");
    expect(await step()).toBe(0);

    const box = (await page.locator(".scrub").boundingBox())!;
    await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
    await page.mouse.down();
    expect(await step()).toBe(22);
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    expect(await step()).toBe(44);
    await page.locator('.camera[data-camera="front"][data-step="44"]').waitFor();
    expect(await page.locator(".thoughts-heading").textContent()).toContain("made at step 40");
    expect(complaints).toEqual([]);
  });

  it("plays, pauses, and plays backwards", async () => {
    const { page, step } = await visit(`${PLATE}&t=2`);
    await page.keyboard.press("Space");
    await expect.poll(step, SLOW).toBeGreaterThan(45);
    await page.keyboard.press("k");
    const paused = await step();
    await page.keyboard.press("j");
    await expect.poll(step, SLOW).toBeLessThan(paused - 1);
    await page.keyboard.press("k");
    await step();
    expect(await page.getByRole("button", { name: "Play", exact: true }).count()).toBe(1);
  });

  it("shows the image of the step", async () => {
    const { page } = await visit(PLATE);
    await page.locator('.camera[data-camera="front"][data-step="0"]').waitFor();
    const first = await pictureOf(page, '.camera[data-camera="front"]');
    await page.keyboard.press("End");
    await page.locator('.camera[data-camera="front"][data-step="88"]').waitFor();
    const last = await pictureOf(page, '.camera[data-camera="front"]');
    expect(distinctColors(first)).toBeGreaterThan(50);
    expect(difference(first, last)).toBeGreaterThan(0.01);
  });

  it("enlarges a camera image and brings it back", async () => {
    const { page } = await visit(PLATE);
    const camera = page.locator('.camera[data-camera="wrist"]');
    await camera.and(page.locator("[data-step]")).waitFor();
    const before = (await camera.boundingBox())!;
    await page.keyboard.press("2");
    const large = (await camera.boundingBox())!;
    expect(large.height).toBeGreaterThan(before.height * 1.5);
    await page.keyboard.press("Escape");
    expect(await camera.boundingBox()).toEqual(before);
  });

  it("draws the scene in 3D and moves it with time", async () => {
    const { page, ready, complaints } = await visit(PLATE);
    await ready();
    const first = await pictureOf(page, "#scene canvas");
    expect(distinctColors(first)).toBeGreaterThan(200);
    await page.keyboard.press("End");
    await settle(page);
    const last = await pictureOf(page, "#scene canvas");
    expect(difference(first, last)).toBeGreaterThan(0.005);
    expect(complaints).toEqual([]);
  });

  it("turns the scene with the mouse and keeps the view in the link", async () => {
    const { page, ready } = await visit(PLATE);
    await ready();
    const box = (await page.locator("#scene").boundingBox())!;
    await page.mouse.move(box.x + 200, box.y + 150);
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y + 170, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => page.url(), SLOW).toContain("view=");
    await page.keyboard.press("r");
    await expect.poll(() => page.url(), SLOW).not.toContain("view=");
  });

  /** Number of pixels in a lane's layer that are drawn. */
  const drawnPixels = (page: Page, lane: string, layer: string): Promise<number> =>
    page.locator(`.lane[data-lane="${lane}"] .${layer}`).evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement)
        .getContext("2d")!
        .getImageData(0, 0, width, height);
      let drawn = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i]! > 0) drawn++;
      return drawn;
    });

  it("draws executed actions, every predicted chunk, and the one in force", async () => {
    const { page, step } = await visit(PLATE);
    expect(await drawnPixels(page, "delta_position x", "lane-base")).toBeGreaterThan(500);
    expect(await drawnPixels(page, "delta_position x", "lane-moment")).toBeGreaterThan(20);
    const digest = (): Promise<string> =>
      page
        .locator('.lane[data-lane="delta_position x"] .lane-moment')
        .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const before = await digest();
    await page.keyboard.press("ArrowRight");
    expect(await step()).toBe(1);
    expect(await digest()).toBe(before);
    await page.keyboard.press("Shift+ArrowRight");
    expect(await step()).toBe(11);
    expect(await digest()).not.toBe(before);
  });

  it("reads out a plot under the pointer and seeks to where it is clicked", async () => {
    const { page, step } = await visit(PLATE);
    const box = (await page.locator('.lane[data-lane="energy"] .lane-plot').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 10);
    expect(await page.locator(".hover-label").textContent()).toMatch(/^\d.* step 44 · 2\.20 s$/);
    expect(await step()).toBe(0);
    await page.mouse.click(box.x + box.width / 2, box.y + 10);
    expect(await step()).toBe(44);
  });

  it("leads from a thought to where it was made", async () => {
    const { page, step } = await visit(`${PLATE}&t=4`);
    await page.locator(".thoughts-earlier button", { hasText: "lower onto" }).click();
    expect(await step()).toBe(32);
    expect(await page.locator(".thoughts-now").textContent()).toContain("lower onto the red cube");
    const box = (await page.locator('.lane[data-lane="subtask"] .lane-plot').boundingBox())!;
    await page.mouse.click(box.x + (box.width * 20) / 88, box.y + 10);
    expect(await step()).toBe(0);
  });

  it("folds groups of lanes and zooms the time axis", async () => {
    const { page, step } = await visit(PLATE);
    const lane = page.locator('.lane[data-lane="delta_position x"]');
    await page.locator('.group[data-group="action"]').click();
    expect(await lane.isVisible()).toBe(false);
    await expect.poll(() => page.url(), SLOW).toContain("folded=proprio,action");
    await page.locator('.group[data-group="action"]').click();
    const box = (await page.locator(".scrub").boundingBox())!;
    await page.mouse.move(box.x, box.y + 10);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -400);
    await page.keyboard.up("Control");
    await page.mouse.click(box.x + box.width - 1, box.y + 10);
    expect(await step()).toBeLessThan(60);
    await page.locator(".scrub").dblclick({ position: { x: 5, y: 10 } });
    await page.mouse.click(box.x + box.width - 1, box.y + 10);
    expect(await step()).toBe(88);
  });

  it("restores episode and time from a link, and writes them into it", async () => {
    const { page, step } = await visit("#episode=plate-2.mcap&t=1.25");
    expect(await step()).toBe(25);
    await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(() => page.url(), SLOW).toMatch(/#episode=plate-2\.mcap&t=1\.75$/);
    await page.reload();
    await page.locator("#title-words h1").waitFor();
    await expect.poll(step, SLOW).toBe(35);
    await page.goto(`${viewer.url}#episode=plate-1.mcap&t=0.5&folded=`);
    await page.locator('.episode[data-path="plate-1.mcap"][aria-selected="true"]').waitFor();
    await expect.poll(step, SLOW).toBe(10);
  });

  it("shows all keys", async () => {
    const { page } = await visit(PLATE);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    expect(await page.getByRole("dialog").locator("dt").count()).toBeGreaterThan(10);
    await page.keyboard.press("Escape");
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  it("says what is wrong with a link, and goes on", async () => {
    const { page, complaints } = await viewer.open(`${viewer.url}#episode=absent.mcap`);
    await page.locator("#notice").waitFor();
    expect(await page.locator("#notice").textContent()).toMatch(/^Cannot /);
    // Written anew, the address still asks for what could not be opened.
    await page.getByLabel("Filter episodes").fill("plate");
    await page.waitForFunction(() => location.hash.includes("filter="), undefined, SLOW);
    expect(page.url()).toContain("episode=absent.mcap");
    await page.reload();
    await page.locator("#notice").waitFor();
    await page.locator('.episode[data-path="plate-1.mcap"]').click();
    await page.locator("#title-words h1").waitFor();
    expect(await page.locator("#notice").isVisible()).toBe(false);
    expect(complaints.filter((complaint) => !complaint.includes("404"))).toEqual([]);
  });

  it("keeps saying what is wrong with a link when the list comes later", async () => {
    const { page } = await viewer.open(viewer.url);
    // Loaded anew: a page that is there may write its own link over this one.
    await page.goto("about:blank");
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/api/episodes", async (route) => {
      await released;
      await route.continue();
    });
    await page.goto(`${viewer.url}#episode=absent.mcap`);
    await page.locator("#notice").waitFor();
    release();
    await page.locator(".episode").first().waitFor();
    await settle(page);
    expect(await page.locator("#notice").textContent()).toMatch(/^Cannot /);
    expect(await page.locator("#title-words h1").count()).toBe(0);
  });

  it("opens a file that is dropped, and one that is chosen", async () => {
    const { page, step, complaints } = await visit(PLATE);
    await dropFile(page, join(viewer.folder.episodes, "drawer-3.mcap"), "mine.mcap");
    await expect
      .poll(() => page.locator("#title-words .outcome").textContent(), SLOW)
      .toBe("success at step 40");
    await page.keyboard.press("End");
    expect(await step()).toBe(40);
    await page.locator(".file-input").setInputFiles(join(viewer.folder.episodes, "plate-2.mcap"));
    await page.locator("#title-words .outcome.failure").waitFor();
    await dropFile(page, join(viewer.folder.episodes, "plate-2.mcap"), "notes.txt");
    expect(await page.locator("#notice").textContent()).toMatch(/must be an \.mcap file$/);
    expect(complaints).toEqual([]);
  });

  it("is dark and light by the system's choice, plots included", async () => {
    const { page } = await visit(PLATE);
    const brightness = async (selector: string): Promise<number> => {
      const { data, channels } = await pictureOf(page, selector);
      let sum = 0;
      for (let i = 0; i < data.length; i += channels) sum += data[i]! + data[i + 1]! + data[i + 2]!;
      return sum / ((data.length / channels) * 3 * 255);
    };
    expect(await brightness("#library")).toBeGreaterThan(0.8);
    const light = await page
      .locator('.lane[data-lane="gripper"] .lane-base')
      .evaluate((c) => (c as HTMLCanvasElement).toDataURL());
    await page.emulateMedia({ colorScheme: "dark" });
    await settle(page);
    expect(await brightness("#library")).toBeLessThan(0.25);
    expect(await brightness("#lanes")).toBeLessThan(0.35);
    const dark = await page
      .locator('.lane[data-lane="gripper"] .lane-base')
      .evaluate((c) => (c as HTMLCanvasElement).toDataURL());
    expect(dark).not.toBe(light);
  });

  it("follows a live episode to its end", async () => {
    const { page, step, complaints } = await visit(PLATE);
    const episode = synthesiseEpisode({ seed: 9, steps: 50, task: "live_task" });
    const writer = await startSyntheticEpisode(join(viewer.folder.episodes, "live.mcap"), episode);
    await writeSteps(writer, episode, { from: 0, to: 12 });
    await writer.flush();
    const row = page.locator('.episode[data-path="live.mcap"]');
    await row.waitFor();
    expect(await row.getAttribute("data-standing")).toBe("running");
    await row.click();
    await expect.poll(step, SLOW).toBe(11);
    await writeSteps(writer, episode, { from: 12, to: 30 });
    await writer.flush();
    await expect.poll(step, SLOW).toBe(29);
    await page.locator('.camera[data-camera="front"][data-step="29"]').waitFor();
    // Whoever looks at an earlier moment is left there.
    await page.keyboard.press("Home");
    await writeSteps(writer, episode, { from: 30, to: 51 });
    await writer.end(episode.outcome);
    await page.locator("#title-words .outcome.success").waitFor();
    expect(await step()).toBe(0);
    await expect
      .poll(() => page.getByRole("slider").getAttribute("aria-valuemax"), SLOW)
      .toBe("50");
    await expect.poll(() => row.getAttribute("data-standing"), SLOW).toBe("success");
    expect(complaints).toEqual([]);
  });

  it("works as a static page, without any server of ours", async () => {
    const files = sirv(viewer.folder.appFolder, { dev: true });
    const server: Server = createServer((request, response) =>
      files(request, response, () => {
        response.writeHead(404).end();
      }),
    );
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    try {
      const { page, ready, complaints } = await viewer.open(url);
      await page.getByText("Drop an episode here").waitFor();
      await dropFile(page, join(viewer.folder.episodes, "plate-1.mcap"), "plate-1.mcap");
      await page.locator("#title-words .outcome.success").waitFor();
      await ready();
      expect(distinctColors(await pictureOf(page, "#scene canvas"))).toBeGreaterThan(200);
      expect(complaints.filter((complaint) => !complaint.includes("404"))).toEqual([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
