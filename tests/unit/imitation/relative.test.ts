/** Actions told from where something is: what is learned of them, and what a package makes of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diffusionTrainable, parseDiffusionConfig } from "../../../policies/diffusion/index.ts";
import {
  composeEnergyPackage,
  energyTrainable,
  parseEnergyConfig,
} from "../../../policies/energy/index.ts";
import type { ComponentSpec, Decision } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { imitatedOf, originOf, physicalChunks, placed } from "../../../src/imitation/index.ts";
import { learnedChunks, originsOf, relativeStatistics } from "../../../src/imitation/relative.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import { storedParameters } from "../../../src/onnx/layers/index.ts";
import { denormalise, writePolicyPackage } from "../../../src/package/index.ts";
import { openSession } from "../../../src/session/index.ts";
import type { EpisodeNumbers, TrainingData } from "../../../src/train/index.ts";
import { decideOnce } from "../../support/decide.ts";
import { freshOf, worldBatch, worldData } from "../../support/imitation.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-relative-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const HORIZON = 4;
const RELATIVE = { move_0: "state_1", move_1: "state_0" };
const SIZES = { horizon: HORIZON, executeHorizon: 3, width: 8, heads: 2, layers: 1 };

/** A point that wanders over hundreds of units, drawn to places a few units ahead of it, and a third number of the state. */
function wandering(length: number, seed: string): EpisodeNumbers {
  const rng = seeded(seed);
  const [actions, proprio] = [new Float32Array(length * 2), new Float32Array(length * 3)];
  let [x, y] = [300 * rng.uniform(), 300 * rng.uniform()];
  for (let step = 0; step < length; step++) {
    proprio.set([y, x, rng.normal()], step * 3);
    const target = [x + 5 * rng.normal(), y + 9 * rng.normal()] as const;
    actions.set(target, step * 2);
    [x, y] = [x + (target[0] - x) / 2, y + (target[1] - y) / 2];
  }
  return { actions, proprio };
}

function wanderingData(lengths: readonly number[] = [30, 12]): TrainingData {
  const data = worldData({ actionRange: [0, 300], stateRange: [0, 300] });
  return { ...data, episodes: lengths.map((length, i) => wandering(length, `episode ${i}`)) };
}

function numbersOf(actions: "min_max" | "mean_std", data = wanderingData()) {
  const config = parseDiffusionConfig({
    ...{ kind: "diffusion", objective: "regression", ...SIZES },
    ...{ actions, relative: RELATIVE },
  });
  return imitatedOf("diffusion", config, data);
}

describe("what is learned", () => {
  it.each(["min_max", "mean_std"] as const)(
    "lies around 0, every row by its own measure: %s",
    (mode) => {
      const data = wanderingData();
      const numbers = numbersOf(mode, data);
      const rows = Array.from({ length: HORIZON * 2 }, () => [] as number[]);
      for (const { actions, proprio } of data.episodes) {
        const length = actions.length / 2;
        for (let step = 0; step + HORIZON <= length; step++) {
          const learned = learnedChunks(numbers, {
            chunks: actions.slice(step * 2, (step + HORIZON) * 2),
            proprio: proprio.slice(step * 3, step * 3 + 3),
          });
          for (const [i, value] of learned.entries()) rows[i]!.push(value);
        }
      }
      for (const values of rows) {
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const deviation = Math.hypot(...values.map((value) => value - mean)) / values.length ** 0.5;
        const most = Math.max(...values.map(Math.abs));
        if (mode === "min_max") {
          expect(most).toBeLessThan(1 + 1e-4);
          expect(most).toBeGreaterThan(0.9);
        } else {
          // Windows at the end of an episode count for the rows that they have.
          expect(Math.abs(mean)).toBeLessThan(0.2);
          expect(Math.abs(deviation - 1)).toBeLessThan(0.15);
        }
      }
    },
  );

  it("has the statistics of all windows that have the row, and of the row before where none has", () => {
    const data = wanderingData([3, 2]);
    const proprio = data.spec.proprio;
    const origins = originsOf(RELATIVE, { action: data.spec.action.components, proprio });
    expect(origins).toEqual([1, 0]);
    const found = relativeStatistics(data, { horizon: HORIZON, origins, proprio });
    for (let row = 0; row < HORIZON; row++) {
      for (const [i, origin] of origins.entries()) {
        const values = data.episodes.flatMap(({ actions, proprio: seen }) => {
          const windows = actions.length / 2 - Math.min(row, 2);
          return Array.from({ length: Math.max(0, windows) }, (_, step) => {
            return actions[(step + Math.min(row, 2)) * 2 + i]! - seen[step * 3 + origin!]!;
          });
        });
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const at = row * 2 + i;
        expect(found.mean[at]).toBeCloseTo(mean, 8);
        expect(found.std[at]).toBeCloseTo(
          Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length),
          8,
        );
        expect([found.min[at], found.max[at]]).toEqual([Math.min(...values), Math.max(...values)]);
      }
    }
  });

  it("becomes what it was again, here and in a graph", async () => {
    const numbers = numbersOf("min_max");
    const g = new GraphBuilder("placed");
    const seen = g.input("proprio", "float32", [1, 3]);
    const chunk = g.input("chunk", "float32", [1, HORIZON, 2]);
    g.output("placed", placed(g, chunk, { origin: originOf(g, seen, numbers), numbers }));
    await using session = await openSession(writeModel(g.build()));
    const place = fc.double({ min: -300, max: 600, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(place, { minLength: HORIZON * 2, maxLength: HORIZON * 2 }),
        fc.array(place, { minLength: 3, maxLength: 3 }),
        async (targets, state) => {
          const [chunks, proprio] = [Float32Array.from(targets), Float32Array.from(state)];
          const learned = learnedChunks(numbers, { chunks, proprio });
          const again = physicalChunks(numbers, { chunks: learned, proprio });
          const normalised = Float32Array.from(proprio, (value, i) => {
            const { offset, scale } = numbers.affine.proprio;
            return (value - offset[i]!) / scale[i]!;
          });
          const { outputs } = await session.run({
            proprio: { dtype: "float32", shape: [1, 3], data: normalised },
            chunk: { dtype: "float32", shape: [1, HORIZON, 2], data: learned },
          });
          const made = outputs["placed"]!.data as Float32Array;
          const physical = denormalise(made, numbers.affine.action);
          for (const [i, target] of chunks.entries()) {
            expect(Math.abs(again[i]! - target)).toBeLessThan(1e-3);
            expect(Math.abs(physical[i]! - target)).toBeLessThan(2e-3);
          }
        },
      ),
    );
  });

  it("leaves entries alone that are told from nothing", () => {
    const data = wanderingData();
    const config = parseDiffusionConfig({
      ...{ kind: "diffusion", objective: "regression", ...SIZES },
      relative: { move_0: "state_1" },
    });
    const numbers = imitatedOf("diffusion", config, data);
    const chunks = Float32Array.from({ length: HORIZON * 2 }, (_, i) => 10 * i);
    const at = (y: number): Float32Array =>
      learnedChunks(numbers, { chunks, proprio: Float32Array.of(y, 50, 0) });
    expect(at(1)).toEqual(at(200));
  });
});

describe("what a configuration may say", () => {
  const component = (name: string, size: number, format: ComponentSpec["format"] = "raw") =>
    ({ name, format, dtype: "float32", shape: [size] }) as const;
  const of = (relative: Record<string, string>) =>
    originsOf(relative, {
      action: [component("joint_position", 3, "joint_position"), component("grip", 1)],
      proprio: [
        component("quat", 4, "quat_wxyz"),
        component("arm/q", 3, "joint_position"),
        component("opening", 1),
      ],
    });

  it("whole components, or entries", () => {
    expect(of({ joint_position: "arm/q" })).toEqual([4, 5, 6, undefined]);
    expect(of({ joint_position_2: "arm_q_0", grip: "opening" })).toEqual([
      ...[undefined, undefined, 4, 7],
    ]);
  });

  it.each([
    [{ joints: "arm/q" }, /there is no action "joints", must be one of .*joint_position, grip/],
    [{ grip: "speed" }, /there is no proprio "speed", must be one of .*opening/],
    [{ joint_position: "opening" }, /they have 3 and 1 numbers, must have equally many/],
    [{ grip: "quat_0" }, /"quat_0" is of format quat_wxyz, must be numbers that may be subtracted/],
    [
      { joint_position: "arm/q", joint_position_1: "opening" },
      /entry 1 of the action is told from two, must be from one/,
    ],
  ])("nothing else: %j", (relative, message) => {
    expect(() => of(relative as unknown as Record<string, string>)).toThrow(message);
  });
});

const STATE = [120, 230, 0.4];

const decide = (path: string): Promise<Decision> =>
  decideOnce(path, { state: STATE, seed: "decide" });

describe("a package", () => {
  it.each([1, 2])("decides what training would predict; frames: %i", async (frames) => {
    const config = parseDiffusionConfig({
      ...{ kind: "diffusion", objective: "regression", ...SIZES },
      ...{ observeHorizon: frames, relative: RELATIVE },
    });
    const trainable = diffusionTrainable(config, wanderingData());
    const parameters = freshOf(trainable);
    const path = join(folder, `regression-${frames}`);
    await writePolicyPackage(path, trainable.toPackage(parameters, {}));
    const { chunk } = await decide(path);
    const { g, objectives } = trainable.lossGraph({
      batchSize: 1,
      parameters: storedParameters(parameters),
    });
    g.output("loss", objectives["action"]!);
    await using session = await openSession(writeModel(g.build()));
    const batch = worldBatch({
      ...{ size: 1, horizon: HORIZON, frames, actions: chunk.data },
      state: Float32Array.from(Array.from({ length: frames }, () => STATE).flat()),
    });
    const { outputs } = await session.run(trainable.feeds(batch, seeded(0)));
    expect(Number(outputs["loss"]!.data[0])).toBeLessThan(1e-8);
  });

  it("of an energy tells its descent where it acts, and adds energies there", async () => {
    const config = parseEnergyConfig({
      ...{ kind: "energy", ...SIZES, relative: RELATIVE },
      infer: { rate: 0.1, steps: 40, samples: 2 },
    });
    const trainable = energyTrainable(config, wanderingData());
    const path = join(folder, "energy");
    await writePolicyPackage(path, trainable.toPackage(freshOf(trainable), {}));
    const plain = await decide(path);
    const descent = plain.thoughts.find((thought) => thought.kind === "refinement")!;
    expect(descent.chunks.at(-1)).toEqual([...plain.chunk.data]);
    // It begins with noise around where the point is, not around the middle of the workspace.
    for (const [i, value] of descent.chunks[0]!.entries()) {
      expect(Math.abs(value - STATE[1 - (i % 2)]!)).toBeLessThan(150);
    }
    const composed = join(folder, "composed");
    const terms = [{ name: "there", formula: "(move_0 - 222)^2", weight: 0.02 }];
    await writePolicyPackage(composed, await composeEnergyPackage(path, { terms }));
    const { chunk } = await decide(composed);
    for (let row = 0; row < HORIZON; row++) {
      expect(Math.abs(chunk.data[row * 2]! - 222)).toBeLessThan(2);
    }
  });
});
