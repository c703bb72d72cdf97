/**
 * How near our pictures come to the original's own renderer: 36 states of six tasks (table, floor, two kitchens, living
 * room), both cameras, 128 px. Prints the table of the README. Poses are the original's, so that nothing but drawing counts.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readIndex } from "../../sim-bridge/sims/libero/index.ts";
import type { QualityLevel } from "../../sim-bridge/sims/libero/index.ts";
import { DRAWN_WITH, readLevels } from "../../sim-bridge/sims/libero/visual/levels.ts";
import { VisualReader } from "../../sim-bridge/sims/libero/visual/read.ts";
import { taskName } from "../../sim-bridge/sims/libero/world.ts";
import { createCameraRenderer } from "../../sim-bridge/sims/manipulation/render/renderer.ts";
import type { OriginalPicture } from "../support/libero-pictures.ts";
import { psnr, readPictures, sameLabels, ssim } from "../support/libero-pictures.ts";
import { IMAGE_LEVELS } from "./image-levels.ts";
import { ASSETS, DATA, PYTHON } from "./sides.ts";

const TASKS = ["spatial/0", "object/0", "goal/3", "90/20", "90/34", "90/50"];
const SIZE = 128;
/** A software renderer draws them: minutes on a busy machine. */
const TASK_MS = 600_000;
const SCRIPT = fileURLToPath(new URL("pictures.py", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "efference-pictures-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** PSNR (dB), SSIM and share of equal labels of one picture. */
type Score = readonly [number, number, number];
const mean = (scores: readonly Score[]): Score => {
  const at = (i: 0 | 1 | 2): number =>
    scores.reduce((sum, score) => sum + score[i], 0) / scores.length;
  return [at(0), at(1), at(2)];
};
const words = ([db, similarity, labels]: Score): string =>
  `${db.toFixed(1)} dB, SSIM ${similarity.toFixed(3)}, ${(100 * labels).toFixed(2)} % of labels`;

describe("pictures", () => {
  let pictures: readonly OriginalPicture[];
  beforeAll(async () => {
    const drawn: OriginalPicture[] = [];
    for (const [i, task] of TASKS.entries()) {
      const out = join(folder, String(i));
      await promisify(execFile)(PYTHON, [SCRIPT, ...ASSETS, "--task", task, "--out", out], {
        env: { MUJOCO_GL: "egl", ...process.env },
        timeout: TASK_MS,
      });
      drawn.push(...readPictures(out));
    }
    pictures = drawn;
  }, TASKS.length * TASK_MS);

  async function scores(level: QualityLevel): Promise<ReadonlyMap<string, readonly Score[]>> {
    const index = await readIndex(DATA);
    const reader = new VisualReader(DATA, await readLevels(DATA, index), level);
    const found = new Map<string, Score[]>();
    for (const task of index.tasks) {
      const theirs = pictures.filter((picture) => picture.task === taskName(task));
      const [first] = theirs;
      if (first === undefined) continue;
      const visuals = await reader.read({ name: taskName(task), folder: task.folder });
      const weldId = new Int32Array(first.bodies.length).fill(1);
      const model = visuals.drawn!({ id: (name) => first.bodies.indexOf(name), weldId });
      const options = { width: SIZE, height: SIZE, ...DRAWN_WITH[level] };
      const renderer = createCameraRenderer(model, options);
      for (const { camera, xpos, xmat, rgb, labels } of theirs) {
        const poses = { bodyXpos: xpos, bodyXmat: xmat };
        const ours = renderer.render(camera, poses, { segmentation: true });
        const key = `${taskName(task).slice(0, 32).padEnd(33)}${camera}`;
        const score = [psnr(ours.rgb, rgb), ssim(ours.rgb, rgb, SIZE)] as const;
        found.set(key, [
          ...(found.get(key) ?? []),
          [...score, sameLabels(ours.segmentation!, labels)],
        ]);
      }
      renderer.dispose();
    }
    return found;
  }

  it("are 72, of 36 states", () => {
    expect(pictures).toHaveLength(72);
  });

  it.each(IMAGE_LEVELS)("of level $level are as near as they must be", async (limits) => {
    const found = await scores(limits.level);
    const all = mean([...found.values()].flat());
    const lines = [...found].map(([name, list]) => `  ${name.padEnd(54)}${words(mean(list))}`);
    process.stdout.write(`${limits.level}: ${words(all)}\n${lines.join("\n")}\n`);
    expect(all[0]).toBeGreaterThanOrEqual(limits.psnrDb);
    expect(all[1]).toBeGreaterThanOrEqual(limits.ssim);
    expect(all[2]).toBeGreaterThanOrEqual(limits.labels);
  });
});
