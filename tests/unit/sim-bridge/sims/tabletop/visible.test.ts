import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Environment } from "../../../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../../../src/core/index.ts";
import { parseBddl } from "../../../../../sim-bridge/sims/manipulation/bddl.ts";
import { createTabletop, tasks } from "../../../../../sim-bridge/sims/tabletop/index.ts";

let environment: Environment;
beforeAll(async () => {
  environment = await createTabletop();
});
afterAll(() => environment.close());

describe("the front camera", () => {
  it.each(tasks().map((task) => [task.name, task] as const))(
    "sees what %s speaks of",
    async (task, { bddl }) => {
      const want = { ...WANT_NOTHING, images: ["front"], privileged: true };
      const { first } = await environment.reset({ task, seed: 0, initialState: 9, want });
      const { images, privileged } = first.observation;
      expect(images["front"]!.shape).toEqual([128, 128, 3]);
      for (const name of parseBddl(bddl).objectsOfInterest) {
        const entity = privileged!.entities.find((one) => one.name === name)!;
        const box = entity.boxes["front"]!;
        // Room enough to be recognised, not cut off to a sliver.
        expect(box.xMax - box.xMin, name).toBeGreaterThanOrEqual(4);
        expect(box.yMax - box.yMin, name).toBeGreaterThanOrEqual(4);
      }
    },
  );
});
