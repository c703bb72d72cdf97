/**
 * The page of `efference view --play libero/object/0 --policy act-libero-object`: MuJoCo, the renderer and the policy that comes
 * with the project, in one worker of a real browser. Not skipped without a browser: nothing of this suite is.
 */
import { describe, expect, it } from "vitest";
import { shippedActPackage } from "../../policies/act/index.ts";
import { differenceFromNode, playInWorker } from "../support/played-in-worker.ts";
import { useViewer } from "../support/use-viewer.ts";
import { DATA_FOLDER, TASKS } from "./sides.ts";

/** Both engines are 24 MB, and pictures are drawn in software. */
const SLOW = { timeout: 240_000 };
const POLICY = "act-libero-object";

describe("LIBERO in the page, driven by the policy learned from its pictures", () => {
  const viewer = useViewer(() =>
    Promise.resolve({
      worldFolders: { libero: DATA_FOLDER },
      policyFolders: { [POLICY]: shippedActPackage("libero-object") },
    }),
  );

  it("succeeds from official state 0, shown as it goes", { timeout: 300_000 }, async () => {
    const hash = `#play=libero/object/0&state=0&drive=policy:${POLICY}`;
    const { page, step, complaints } = await viewer.open(`${viewer.url}${hash}`, { width: 900 });
    const status = page.locator("#play [role=status]");
    await expect.poll(() => status.textContent(), SLOW).toMatch(/^success, step \d+$/);
    expect(await step()).toBeGreaterThan(50);
    expect(await page.getByRole("combobox", { name: "Who drives" }).inputValue()).toBe(
      `policy:${POLICY}`,
    );
    for (const camera of ["agentview", "robot0_eye_in_hand"]) {
      expect(await page.locator(`.camera[data-camera="${camera}"]`).count()).toBe(1);
    }
    expect(complaints).toEqual([]);
  });

  it("acts as in Node on the same observations", { timeout: 300_000 }, async () => {
    const { page } = await viewer.open(viewer.url);
    const task = TASKS.find((name) => name.startsWith("object/"))!;
    const request = { world: "libero", task, initialState: 0, policy: POLICY };
    const { decisions, outcome } = await playInWorker(page, request);
    expect(outcome).toBe("success");
    expect(decisions.length).toBeGreaterThan(3);
    const packageFolder = shippedActPackage("libero-object");
    expect(await differenceFromNode(packageFolder, { task, decisions })).toBeLessThan(1e-5);
  });
});
