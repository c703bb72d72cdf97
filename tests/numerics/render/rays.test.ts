import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../sim-bridge/sims/manipulation/render/renderer.ts";
import { RayCamera } from "../../support/render/engine.ts";
import type { RayImage } from "../../support/render/engine.ts";
import { ARM_POSE, tabletopXml } from "../../support/render/scenes.mjs";

const SIZE = 128;

interface Agreement {
  readonly equalShare: number;
  readonly depthP50M: number;
  readonly depthP99M: number;
}

/** Share of equal labels, and depth errors where the labels are equal; hits before `nearM` do not count. */
function compare(
  images: { segmentation: Uint16Array; depth: Float32Array },
  rays: RayImage,
  nearM: number,
): Agreement {
  let counted = 0;
  let equal = 0;
  const errors: number[] = [];
  rays.geomIds.forEach((geomId, pixel) => {
    if (geomId >= 0 && rays.depth[pixel]! <= nearM) return;
    counted++;
    if (images.segmentation[pixel] !== geomId + 1) return;
    equal++;
    if (geomId >= 0) errors.push(Math.abs(images.depth[pixel]! - rays.depth[pixel]!));
  });
  errors.sort((a, b) => a - b);
  return {
    equalShare: equal / counted,
    depthP50M: errors[Math.floor(errors.length * 0.5)]!,
    depthP99M: errors[Math.floor(errors.length * 0.99)]!,
  };
}

describe("the renderer against rays cast by MuJoCo", () => {
  let scene: RayCamera;
  beforeAll(async () => {
    scene = await RayCamera.open(tabletopXml(), [...ARM_POSE]);
  });
  afterAll(() => scene.close());

  const look = (
    camera: string,
    samples: 1 | 4,
  ): { segmentation: Uint16Array; depth: Float32Array } => {
    const renderer = createCameraRenderer(scene.model, { width: SIZE, height: SIZE, samples });
    const outputs = { rgb: false, depth: true, segmentation: true };
    const { segmentation, depth } = renderer.render(camera, scene.poses, outputs);
    renderer.dispose();
    return { segmentation: segmentation!, depth: depth! };
  };

  it.each(["front", "top", "low", "wrist"])(
    "sees the same geoms at the same depths: %s",
    (camera) => {
      const nearM = scene.model.znear * scene.model.extent;
      const agreement = compare(look(camera, 1), scene.cast(camera, SIZE, SIZE), nearM);
      if (process.env["RENDER_REPORT"] !== undefined) console.log(camera, agreement);
      expect(agreement.equalShare).toBeGreaterThanOrEqual(0.99);
      expect(agreement.depthP50M).toBeLessThanOrEqual(1e-6); // float32 of about a metre
      expect(agreement.depthP99M).toBeLessThanOrEqual(2e-3); // facets instead of round shapes
    },
  );

  it("gives labels and depths at pixel centres whatever the number of colour samples", () => {
    expect(look("front", 4)).toEqual(look("front", 1));
  });

  it("shows the table top up to the camera, through the near plane", () => {
    const { segmentation, depth } = look("low", 1);
    // The camera is 2 cm above the table's plane, 10 cm outside its edge: the lowest row looks at it.
    const labels = new Set(segmentation.subarray(SIZE * (SIZE - 1)));
    expect(labels.has(0)).toBe(false);
    expect(Math.min(...depth)).toBeGreaterThan(scene.model.znear * scene.model.extent);
  });
});
