import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../../../src/core/index.ts";
import { createTabletop } from "../../../../../sim-bridge/sims/tabletop/index.ts";

const STEPS = 40;
const want = {
  ...WANT_NOTHING,
  images: "all",
  imagesAt: "every",
  depth: true,
  segmentation: true,
} as const;

/** The hand circles over the table, up and down. */
function circlingActions(): Float32Array {
  const data = new Float32Array(7 * STEPS);
  for (let step = 0; step < STEPS; step++) {
    const t = step / 8;
    data.set([Math.sin(t) / 2, Math.cos(1.3 * t) / 2, Math.sin(2 * t) / 3], 7 * step);
    data[7 * step + 5] = Math.sin(0.7 * t) / 2;
    data[7 * step + 6] = step % 20 < 10 ? -1 : 1;
  }
  return data;
}

/** SHA-256 of the arrays of every camera, frame after frame. */
function hashOf(frames: readonly (Readonly<Record<string, NdArray>> | undefined)[]): string {
  const hash = createHash("sha256");
  for (const frame of frames) {
    for (const { data } of Object.values(frame!)) {
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

describe("createTabletop(): images, depth and segmentation of 240 frames, bit for bit", () => {
  it.each([
    ["lift_red_cube", [40, "7c055ab35f655ddb", "08ff06b1302e0e0c", "efd081849a89f2d6"]],
    [
      "put_red_cube_in_bottom_drawer",
      [40, "cdad76d3ec6b5b9f", "2b9b80fcc1fb1624", "700e1b1e61f6477c"],
    ],
    ["stack_three_cubes", [40, "3e9db74f435a462e", "c75908173ad7239b", "e944f6e293dbb07e"]],
  ])("of %s", async (task, golden) => {
    const environment = await createTabletop();
    try {
      await environment.reset({ task, seed: 3, maxSteps: STEPS + 1, want });
      const chunk = { data: circlingActions(), horizon: STEPS, actionDim: 7 };
      const steps = await environment.step(chunk, want);
      const { images, depth, segmentation } = {
        images: steps.map(({ observation }) => observation.images),
        depth: steps.map(({ observation }) => observation.depth),
        segmentation: steps.map(({ observation }) => observation.segmentation),
      };
      expect([steps.length, ...[images, depth, segmentation].map(hashOf)]).toEqual(golden);
    } finally {
      await environment.close();
    }
  });
});
