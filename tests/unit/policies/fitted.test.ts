/**
 * The fitted policy on a world made for the purpose: a point gripper above a table with coloured
 * patches, and an expert that goes to the patch that is named. Fast, exact, and nothing but core's words.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectDemonstration, graspStep } from "../../../policies/fitted/demonstrations.ts";
import { distinctWords } from "../../../policies/fitted/fit-lift.ts";
import type { Fit } from "../../../policies/fitted/index.ts";
import { buildFittedModel, fitLift, fittedPackage } from "../../../policies/fitted/index.ts";
import { chunkOf, locate, stateOf } from "../../../policies/fitted/reference.ts";
import { seeded } from "../../../src/core/index.ts";
import { writeModel } from "../../../src/onnx/index.ts";
import { loadPolicy, writePolicyPackage } from "../../../src/package/index.ts";
import { openSession } from "../../../src/session/index.ts";
import { PatchWorld, patchExpert } from "../../support/patch-world.ts";

const CONFIG = {
  imageHeight: 32,
  imageWidth: 32,
  paletteSize: 10,
  fourierFeatures: 128,
  horizon: 4,
} as const;
const options = { demonstrations: 60, disturbance: 0.1, config: CONFIG };

let environment: PatchWorld;
let fit: Fit;
let root: string;
beforeAll(async () => {
  environment = new PatchWorld();
  fit = await fitLift({ environment, expert: patchExpert(), ...options });
  root = await mkdtemp(join(tmpdir(), "efference-fitted-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("fitLift()", () => {
  it("finds the patches to within a pixel", () => {
    // One pixel of the 32 is 0.6 m / 32 = 19 mm; centroids do far better than that.
    for (const error of Object.values(fit.report.positionErrorM)) expect(error).toBeLessThan(0.006);
  });

  it("locates a patch in a picture it has not seen", () => {
    const { parameters } = fit;
    const given = { perception: parameters.perception, config: parameters.config, targets: 2 };
    for (let seed = 0; seed < 10; seed++) {
      const { image, patches } = environment.layout(seed);
      for (const [target, patch] of patches.entries()) {
        const [x, y] = locate(image, target, given);
        expect(Math.hypot(x - patch.x, y - patch.y)).toBeLessThan(0.012);
      }
    }
  });

  it("is deterministic to the bit, and depends on the seed", async () => {
    const again = await fitLift({
      environment: new PatchWorld(),
      expert: patchExpert(),
      ...options,
    });
    expect(writeModel(buildFittedModel(again.parameters))).toEqual(
      writeModel(buildFittedModel(fit.parameters)),
    );
    expect(again.report).toEqual(fit.report);
    const other = await fitLift({ environment, expert: patchExpert(), ...options, seed: 1 });
    expect(other.parameters.action.weights).not.toEqual(fit.parameters.action.weights);
  });

  it("says so when the expert cannot do a task", async () => {
    const hopeless = { ...patchExpert(), decide: () => patchExpert().decide(environment.still()) };
    await expect(fitLift({ environment, expert: hopeless, ...options })).rejects.toThrow(
      "must do it more often",
    );
  });
});

describe("the graph", () => {
  it("computes what the float64 reference computes, for every target and a whole episode", async () => {
    const { parameters } = fit;
    const { config, perception, graspHeights, words } = parameters;
    await using session = await openSession(writeModel(buildFittedModel(parameters)));
    const rng = seeded(5);
    let memory: readonly number[] = [0, 0, 0, 0];
    let expected: { x: number; y: number; opening: number } | undefined;
    for (let step = 0; step < 8; step++) {
      const target = 1;
      const { image } = environment.layout(step);
      const turn = 0.3 * rng.normal();
      const proprio = [
        ...[rng.normal() * 0.1, rng.normal() * 0.1, 0.1 * rng.uniform()],
        ...[Math.cos(turn), Math.sin(turn), 0.02, 0.01, rng.uniform()],
      ].map(Math.fround);
      const { outputs } = await session.run({
        image: { ...image, shape: [1, ...image.shape] },
        proprio: { dtype: "float32", shape: [1, 8], data: Float32Array.from(proprio) },
        words: { dtype: "float32", shape: [1, words.length], data: Float32Array.of(0, 1) },
        memory: { dtype: "float32", shape: [1, 4], data: Float32Array.from(memory) },
      });
      const [x, y] =
        expected === undefined
          ? locate(image, target, { perception, config, targets: words.length })
          : [expected.x, expected.y];
      const opening = proprio[7] ?? 0;
      const previous = expected?.opening ?? opening;
      const graspHeight = graspHeights[target] ?? 0;
      const chunk = chunkOf(stateOf(proprio, { x, y, graspHeight }, previous), parameters);
      const action = Array.from(outputs["action"]?.data ?? [], Number);
      // float32 pictures and features against float64 ones, through 128 cosines.
      expect(action).toEqual([...chunk].map((v) => expect.closeTo(v, 3)));
      expected = { x, y, opening };
      memory = Array.from(outputs["next_memory"]?.data ?? [], Number);
      expect(memory).toEqual([
        1,
        expect.closeTo(x, 4),
        expect.closeTo(y, 4),
        expect.closeTo(opening, 6),
      ]);
    }
  });

  it("gives each member of a batch what it gives it alone", async () => {
    await using session = await openSession(writeModel(buildFittedModel(fit.parameters)));
    const images = [0, 1, 2].map((seed) => environment.layout(seed).image);
    const feeds = (members: readonly number[]) => ({
      image: {
        dtype: "uint8" as const,
        shape: [members.length, 32, 32, 3],
        data: Uint8Array.from(members.flatMap((i) => [...(images[i]?.data ?? [])].map(Number))),
      },
      proprio: batch(members.map((i) => [0.01 * i, 0, 0.1, 1, 0, 0, 0, 1])),
      words: batch(members.map((i) => [i % 2, 1 - (i % 2)])),
      memory: batch(members.map((i) => [i === 2 ? 1 : 0, 0.1, 0.2, 0.5])),
    });
    const joined = Array.from(
      (await session.run(feeds([0, 1, 2]))).outputs["action"]?.data ?? [],
      Number,
    );
    for (const i of [0, 1, 2]) {
      const alone = Array.from(
        (await session.run(feeds([i]))).outputs["action"]?.data ?? [],
        Number,
      );
      const mine = joined.slice(i * alone.length, (i + 1) * alone.length);
      expect(mine).toEqual(alone.map((v) => expect.closeTo(v, 4)));
    }
  });
});

function batch(rows: readonly (readonly number[])[]) {
  const data = Float32Array.from(rows.flat());
  return { dtype: "float32" as const, shape: [rows.length, rows[0]?.length ?? 0], data };
}

describe("the package", () => {
  it("loads as a policy that does the tasks, episode after episode", async () => {
    const folder = join(root, "pack");
    await writePolicyPackage(folder, fittedPackage(fit, { name: "fitted_patches", environment }));
    const policy = await loadPolicy(folder);
    let done = 0;
    for (let seed = 100; seed < 110; seed++) {
      for (const { name } of environment.tasks) {
        const start = await environment.reset({ task: name, seed, want: environment.want });
        await policy.reset({
          task: name,
          instruction: start.instruction,
          seed,
          spec: environment.spec,
        });
        let now = start.first;
        while (now.kind !== "last") {
          const { chunk } = await policy.decide(now.observation);
          now = (await environment.step(chunk)).at(-1) ?? now;
        }
        if (now.success === true) done++;
      }
    }
    await policy.close?.();
    // 20 tries; the world is easy, and what memory keeps from one episode must not reach the next.
    expect(done).toBeGreaterThanOrEqual(18);
  });

  it("says where it comes from", () => {
    const own = fittedPackage(fit, { name: "n", environment, provenance: { command: "c" } })
      .manifest.efference;
    expect(own?.provenance).toMatchObject({
      command: "c",
      fit: { seed: 0, words: ["red", "blue"] },
    });
  });
});

describe("demonstrations", () => {
  it("record what the expert wanted, not what the disturbance made of it", async () => {
    const base = { environment, expert: patchExpert(), task: "lift_red", seed: 3, camera: "front" };
    const quiet = await collectDemonstration({ ...base, rng: seeded(1), disturbance: 0 });
    const pushed = await collectDemonstration({ ...base, rng: seeded(1), disturbance: 0.15 });
    if (quiet === undefined || pushed === undefined) throw new Error("must succeed");
    expect(pushed.steps).not.toEqual(quiet.steps);
    const { patches } = environment.layout(3);
    const at = graspStep(pushed).proprio;
    expect(
      Math.hypot((at[0] ?? 0) - (patches[0]?.x ?? 1), (at[1] ?? 0) - (patches[0]?.y ?? 1)),
    ).toBeLessThan(0.01);
    // The expert never asks for more than 0.4; the pushes on top of it often do.
    for (const { action } of pushed.steps) {
      for (const v of action.subarray(0, 6))
        expect(Math.abs(v)).toBeLessThanOrEqual(Math.fround(0.4));
    }
  });
});

describe("distinctWords()", () => {
  it("takes the first word that no other instruction has", () => {
    expect(distinctWords(["lift the red cube", "lift the soup can", "lift the blue cube"])).toEqual(
      ["red", "soup", "blue"],
    );
  });

  it("refuses instructions that differ in nothing", () => {
    expect(() => distinctWords(["lift it", "lift it"])).toThrow("has no word of its own");
  });
});
