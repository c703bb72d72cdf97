/** Exported policies that drive worlds in the page: engine, package and simulator in one worker. */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { shippedActPackage } from "../../policies/act/index.ts";
import { shippedEnergyPackage } from "../../policies/energy/index.ts";
import { differenceFromNode, playInWorker } from "../support/played-in-worker.ts";
import { BROWSER_ABSENT, useViewer } from "../support/use-viewer.ts";
import type { WatchedPage } from "../support/viewer-page.ts";

/** Two engines are 24 MB, and pictures are drawn in software. */
const SLOW = { timeout: 90_000 };

describe.skipIf(BROWSER_ABSENT !== undefined)("policies that drive in the page", () => {
  const viewer = useViewer(async ({ root }) => {
    const changed = join(root, "changed");
    await cp(shippedEnergyPackage(), changed, { recursive: true });
    const graph = await readFile(join(changed, "model.onnx"));
    graph[graph.length >> 1]! ^= 1;
    await writeFile(join(changed, "model.onnx"), graph);
    const policyFolders = {
      ...{ act: shippedActPackage(), energy: shippedEnergyPackage(), changed },
      "energy-lift": shippedEnergyPackage("lift"),
    };
    return { policyFolders };
  });

  /** A page that shows what a link says, and what it asked the server for. */
  async function play(hash: string): Promise<WatchedPage & { fetched: string[] }> {
    const watched = await viewer.open(viewer.url, { width: 900, height: 640 });
    const { page } = watched;
    const fetched: string[] = [];
    page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
    await page.goto("about:blank");
    await page.goto(`${viewer.url}${hash}`);
    return { ...watched, fetched };
  }
  const status = (page: Page) => page.locator("#play [role=status]");
  const driver = (page: Page) => page.getByRole("combobox", { name: "Who drives" });
  const shownStep = async (page: Page): Promise<number> =>
    Number(await page.getByRole("slider").getAttribute("aria-valuenow"));
  const isPolicys = (path: string): boolean => /policies\/|onnx|ort-wasm|\/policy-/.test(path);

  it("the shipped policy lifts the cube, looking through the world's cameras", async () => {
    const { page, fetched, complaints } = await play(
      "#play=tabletop/lift_red_cube&state=3&drive=policy:act",
    );
    await expect.poll(() => status(page).textContent(), SLOW).toMatch(/^success, step \d+$/);
    expect(await shownStep(page)).toBeGreaterThan(20);
    expect(await driver(page).inputValue()).toBe("policy:act");
    for (const camera of ["front", "wrist"]) {
      expect(await page.locator("#cameras").getByText(camera).count()).toBe(1);
    }
    const files = fetched.filter((path) => path.startsWith("/policies/")).sort();
    expect(files).toEqual([
      "/policies/act/manifest.json",
      "/policies/act/model.onnx",
      "/policies/act/statistics.safetensors",
    ]);
    expect(complaints).toEqual([]);
  });

  it("one that thinks goes round the disc, and its thoughts are shown beside", async () => {
    const { page, complaints } = await play("#play=detour/detour&state=1&drive=policy:energy");
    await expect.poll(() => status(page).textContent(), SLOW).toMatch(/^success, step \d+$/);
    await page.keyboard.press("Home");
    await expect.poll(() => shownStep(page), SLOW).toBe(0);
    await page
      .locator("#thoughts")
      .getByText(/energy|refinement|descent/i)
      .first()
      .waitFor(SLOW);
    await page.keyboard.press("Backspace");
    await expect.poll(() => shownStep(page), SLOW).toBeGreaterThan(2);
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Go on" }).waitFor(SLOW);
    expect(complaints).toEqual([]);
  });

  it.each([
    ["act", "tabletop", "lift_red_cube", shippedActPackage()],
    ["energy", "detour", "detour", shippedEnergyPackage()],
    ["energy-lift", "tabletop", "lift_red_cube", shippedEnergyPackage("lift")],
  ])("acts as in Node: %s", async (name, world, task, packageFolder) => {
    const { page } = await play("");
    const { decisions } = await playInWorker(page, { world, task, initialState: 4, policy: name });
    expect(decisions.length).toBeGreaterThan(3);
    expect(await differenceFromNode(packageFolder, { task, decisions })).toBeLessThan(1e-5);
  });

  it("one that does not fit is refused before its engine or graph is fetched; keys still drive", async () => {
    const { page, fetched } = await play("#play=tabletop/press_button&drive=policy:energy");
    await page
      .getByText(/Cannot let "energy" drive "tabletop": .*observation component "position"/)
      .waitFor(SLOW);
    expect(fetched.filter((path) => /\.onnx|ort-wasm/.test(path))).toEqual([]);
    await driver(page).selectOption("keyboard");
    await expect.poll(() => shownStep(page), SLOW).toBeGreaterThan(1);
  });

  it("refuses a graph that was changed after packing", async () => {
    const { page } = await play("#play=detour/detour&drive=policy:changed");
    await page.getByText(/model\.onnx has hash .* \(it was changed after packing/).waitFor(SLOW);
  });

  it("loads nothing of a policy where none drives", async () => {
    const { page, fetched } = await play("#play=detour/detour&drive=expert");
    await expect.poll(() => status(page).textContent(), SLOW).toMatch(/^success, step \d+$/);
    const names = await driver(page).locator("option").allTextContents();
    expect(names).toEqual(
      expect.arrayContaining(["Keyboard", "Scripted expert", "Policy act", "Policy energy"]),
    );
    expect(fetched).toContain("/api/policies");
    expect(fetched.filter(isPolicys).filter((path) => path !== "/api/policies")).toEqual([]);
  });
});
