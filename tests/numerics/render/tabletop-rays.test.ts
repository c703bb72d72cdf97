import { afterAll, describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../sim-bridge/sims/manipulation/render/renderer.ts";
import { tabletopWorld } from "../../../sim-bridge/sims/tabletop/index.ts";
import { compareWithRays } from "../../support/render/agreement.ts";
import { RayCamera } from "../../support/render/engine.ts";

const SIZE = 128;
const world = tabletopWorld();
// One task of each suite: between them they show every kind of fixture.
const tasks = [...new Map(world.tasks.map((task) => [task.suite, task.name])).values()];

describe("the tabletop's cameras against rays cast by MuJoCo", () => {
  const open: RayCamera[] = [];
  afterAll(() => open.forEach((scene) => scene.close()));

  it.each(tasks)("sees the same geoms at the same depths: %s", async (task) => {
    const { xml, files } = world.buildScene(task);
    const { qpos } = world.initialState(task, { index: 0 });
    const scene = await RayCamera.open({ xml, files, qpos });
    open.push(scene);
    const size = { width: SIZE, height: SIZE, samples: 1 } as const;
    const renderer = createCameraRenderer(scene.model, size);
    for (const { name } of world.images) {
      const outputs = { rgb: false, depth: true, segmentation: true };
      const { segmentation, depth } = renderer.render(name, scene.poses, outputs);
      const nearM = scene.model.znear * scene.model.extent;
      const images = { segmentation: segmentation!, depth: depth! };
      const agreement = compareWithRays(images, scene.cast(name, SIZE, SIZE), nearM);
      expect(agreement.equalShare, name).toBeGreaterThanOrEqual(0.99);
      expect(agreement.depthP50M, name).toBeLessThanOrEqual(1e-6);
      expect(agreement.depthP99M, name).toBeLessThanOrEqual(2e-3);
    }
    renderer.dispose();
  });
});
