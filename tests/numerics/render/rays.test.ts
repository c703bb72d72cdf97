import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../sim-bridge/sims/manipulation/render/renderer.ts";
import { compareWithRays } from "../../support/render/agreement.ts";
import { RayCamera } from "../../support/render/engine.ts";
import { ARM_POSE, tabletopXml } from "../../support/render/scenes.mjs";

const SIZE = 128;

describe("the renderer against rays cast by MuJoCo", () => {
  let scene: RayCamera;
  beforeAll(async () => {
    scene = await RayCamera.open({ xml: tabletopXml(), qpos: ARM_POSE });
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
      const agreement = compareWithRays(look(camera, 1), scene.cast(camera, SIZE, SIZE), nearM);
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
