/** Formulas of the proprio that a policy reads beside it: the same numbers in training and in the package. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diffusionTrainable, parseDiffusionConfig } from "../../../policies/diffusion/index.ts";
import type { Observation } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { imitatedOf } from "../../../src/imitation/index.ts";
import { derivedColumns } from "../../../src/imitation/derived.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import { storedParameters } from "../../../src/onnx/layers/index.ts";
import { loadPolicy, writePolicyPackage } from "../../../src/package/index.ts";
import { openSession } from "../../../src/session/index.ts";
import { freshOf, worldBatch, worldData } from "../../support/imitation.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-derived-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const DERIVED = [
  "cos(state_2) * (state_0 - 3) / 2",
  "tanh(5 * sin(state_2 - pi / 4))",
  "min(state_0, state_1)^2",
];
const oracle = ([x = NaN, y = NaN, angle = NaN]: readonly number[]): number[] => [
  (Math.cos(angle) * (x - 3)) / 2,
  Math.tanh(5 * Math.sin(angle - Math.PI / 4)),
  Math.min(x, y) ** 2,
];

const CONFIG = {
  kind: "diffusion",
  objective: "regression",
  horizon: 4,
  executeHorizon: 4,
  width: 8,
  heads: 2,
  layers: 1,
};
const configured = (derived?: readonly string[], own: object = {}) =>
  parseDiffusionConfig({ ...CONFIG, ...own, ...(derived === undefined ? {} : { derived }) });
/** States far from 0, so that a formula of what is normalised would be wrong. */
const DATA = worldData({ stateRange: [2, 9] });
const STATES = Array.from({ length: 5 }, (_, i) => {
  const rng = seeded("derived").split(i);
  return Array.from({ length: 3 }, () => 2 + 7 * rng.uniform());
});

const columns = (derived: readonly string[]) => {
  const imitated = imitatedOf("diffusion", configured(derived), DATA);
  const g = new GraphBuilder("derived");
  const proprio = g.input("proprio", "float64", [STATES.length, 3]);
  const made = derivedColumns(g, proprio, imitated);
  return { g, made, affine: imitated.affine.proprio };
};

describe("derived features", () => {
  it("are the formulas' values at what was observed, in physical units", async () => {
    const { g, made, affine } = columns(DERIVED);
    g.output("derived", g.concat([...made], 1));
    await using session = await openSession(writeModel(g.build()));
    const data = Float64Array.from(STATES.flat(), (value, i) => {
      return (value - affine.offset[i % 3]!) / affine.scale[i % 3]!;
    });
    const feeds = { proprio: { dtype: "float64", shape: [STATES.length, 3], data } as const };
    const { outputs } = await session.run(feeds);
    const found = Array.from(outputs["derived"]!.data, Number);
    const expected = STATES.flatMap(oracle);
    for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 9);
  });

  it.each([1, 2])("are read by the package as in training, of %i frames", async (frames) => {
    const config = configured(DERIVED, { observeHorizon: frames });
    const trainable = diffusionTrainable(config, DATA);
    const parameters = freshOf(trainable);
    expect(parameters["observation/lift/weight"]?.shape).toContain(3 + DERIVED.length);
    const path = join(folder, `package-${frames}`);
    await writePolicyPackage(path, trainable.toPackage(parameters, {}));
    const policy = await loadPolicy(path);
    const { observation } = policy.spec;
    // Nothing but what was recorded is asked for.
    expect(observation).toMatchObject({ proprio: [{ name: "state", shape: [3] }] });
    const { g, objectives } = trainable.lossGraph({
      batchSize: 1,
      parameters: storedParameters(parameters),
    });
    g.output("loss", objectives["action"]!);
    await using session = await openSession(writeModel(g.build()));
    await policy.reset({ task: "", instruction: "", seed: 0, spec: undefined as never });
    for (const [decision, state] of STATES.entries()) {
      const { chunk } = await policy.decide(observed(state, decision));
      const window = Array.from({ length: frames }, (_, i) => {
        return STATES[Math.max(0, decision - frames + 1 + i)]!;
      });
      const batch = worldBatch({
        ...{ size: 1, horizon: 4, frames, actions: chunk.data },
        state: Float32Array.from(window.flat()),
      });
      const { outputs } = await session.run(trainable.feeds(batch, seeded(0)));
      expect(Number(outputs["loss"]!.data[0])).toBeLessThan(1e-9);
    }
    await policy.close?.();
  });

  it("that are wrong are errors that name them and what they must be", () => {
    const making = (text: string) => () => columns([text]);
    expect(making("sin(speed)")).toThrow(
      /Cannot read derived feature "sin\(speed\)": "speed" is not known, must be one of state_0, state_1, state_2, pi, e/,
    );
    expect(making("state_0 +")).toThrow(/derived feature "state_0 \+": .*must be a formula/);
    expect(making("2 * pi")).toThrow(/is the number 6\.28.* whatever is observed, must use one of/);
    expect(making("state_0 / state_1")).toThrow(
      /Cannot use derived feature .*a quotient by what may be 0/,
    );
    expect(() => configured([])).toThrow(/policy\.derived/);
  });
});

function observed(state: readonly number[], step: number): Observation {
  const data = Float32Array.from(state);
  return {
    images: {},
    proprio: { state: { dtype: "float32", shape: [3], data } },
    texts: {},
    instruction: "",
    step,
    stampNs: 0n,
  };
}
