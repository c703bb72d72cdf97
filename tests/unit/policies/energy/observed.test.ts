/** Added energies that look at what is observed: in the loop, step by step, on landscapes, in packages. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EnergyTerm, ObservedValues } from "../../../../policies/energy/compose.ts";
import { addedEnergy } from "../../../../policies/energy/compose.ts";
import { actingGraph } from "../../../../policies/energy/descend.ts";
import {
  composeEnergyPackage,
  EnergySampler,
  energyTrainable,
  parseEnergyConfig,
} from "../../../../policies/energy/index.ts";
import { observe } from "../../../../policies/energy/objective.ts";
import { energyOf } from "../../../../policies/energy/step.ts";
import type { NdArray, Policy } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import { imitatedOf, observedNow } from "../../../../src/imitation/index.ts";
import type { Value } from "../../../../src/onnx/index.ts";
import { GraphBuilder, writeModel } from "../../../../src/onnx/index.ts";
import { storedParameters } from "../../../../src/onnx/layers/index.ts";
import { loadPolicy, writePolicyPackage } from "../../../../src/package/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import { freshOf, worldData } from "../../../support/imitation.ts";

const [ROWS, DIM] = [4, 2];
const SIZE = ROWS * DIM;
/** Normalised and physical numbers differ: states are 3 + 2 x, actions 4 + 2 x. */
const DATA = worldData({ stateRange: [1, 5], actionRange: [2, 6] });
const STATE = [3.6, 1.6, 5.2];
const NORMALISED = [0.3, -0.7, 1.1];

const f32 = (shape: readonly number[], data: ArrayLike<number>): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

function normals(count: number, label: string): Float32Array {
  const rng = seeded(label);
  return Float32Array.from({ length: count }, () => rng.normal());
}

const TINY = { kind: "energy", horizon: ROWS, width: 16, heads: 2, layers: 1 };

/** Where the first state is after each row, were an action 0.1 a step: on the way to 6. */
const FORMULA: EnergyTerm = {
  name: "place",
  formula: "(observed_state_0 + 0.1 * sum_move_0 - 6)^2",
  weight: 0.5,
};
/** The same by a graph, in which the sums are made by hand. */
const GRAPH: EnergyTerm = {
  name: "place",
  weight: 0.5,
  clamp: 1e6,
  graph: (g, chunk, observed) => {
    const first = g.slice(observed["state"] as Value, 1, { start: 0, end: 1 });
    const rows = Array.from({ length: ROWS }, (_, i) =>
      g.slice(chunk, 1, { start: 0, end: i + 1 }),
    );
    const off = rows.map((upTo) => {
      const sum = g.reduceSum(g.slice(upTo, 2, { start: 0, end: 1 }), [1]);
      return g.sub(g.add(g.mul(sum, 0.1), first), 6);
    });
    return g.reduceMean(g.mul(g.concat(off, 1), g.concat(off, 1)), [1]);
  },
};

/** The term in plain arithmetic, of a normalised chunk. */
function term(chunk: readonly number[]): number {
  let [sum, total] = [0, 0];
  for (let row = 0; row < ROWS; row++) {
    sum += 4 + 2 * chunk[row * DIM]!;
    total += (STATE[0]! + 0.1 * sum - 6) ** 2;
  }
  return (0.5 * total) / ROWS;
}

async function requestOf(terms: readonly EnergyTerm[], changes: object) {
  const config = parseEnergyConfig({ ...TINY, ...changes });
  const imitated = imitatedOf("energy", config, DATA);
  const parameters = storedParameters(freshOf(energyTrainable(config, DATA)));
  const extra = addedEnergy(terms, imitated);
  return { imitated, config, parameters, ...(extra === undefined ? {} : { extra }) };
}

describe("energies that look at what is observed", () => {
  it.each<[string, EnergyTerm, object]>([
    ["a formula, one sample", FORMULA, {}],
    ["a formula, several samples", FORMULA, { infer: { samples: 3 } }],
    ["a graph, several samples", GRAPH, { infer: { samples: 3 } }],
    ["a formula, two frames", FORMULA, { observeHorizon: 2, frameLayers: 1 }],
  ])("are the same bits in the loop and step by step: %s", async (_, added, changes) => {
    const infer = {
      rate: 0.3,
      steps: 6,
      stop: { below: 0 },
      ...(changes as { infer?: object }).infer,
    };
    const request = await requestOf([added], { ...changes, infer });
    const { samples } = request.config.infer;
    const start = normals(samples * SIZE, "start");
    const past = request.config.observeHorizon - 1;
    const observation = () => ({
      proprio: f32([1, 3], NORMALISED),
      // Another state than the present one, which the term must not see.
      ...(past === 0 ? {} : { history: f32([1, past, 4], [5, 5, 5, 1]) }),
    });
    await using session = await openSession(writeModel(actingGraph(request).build()));
    const fed = { ...observation(), start: f32([1, samples, ROWS, DIM], start) };
    const { outputs } = await session.run(fed);
    const sampler = await EnergySampler.open(request);
    const descent = await sampler.descend(observation(), { start: start.slice() });
    await sampler.close();
    const { best, path } = descent;
    expect(outputs["action"]!.data).toEqual(descent.chunk.slice(best * SIZE, (best + 1) * SIZE));
    expect([...outputs["descent/energy"]!.data]).toEqual(path.map(({ energy }) => energy[best]));
    // And what they see is the learned energy and the term.
    const plain = await requestOf([], { ...changes, infer });
    const learned = await EnergySampler.open(plain);
    const [first] = (await learned.descend(observation(), { start: start.slice() })).path;
    await learned.close();
    for (let i = 0; i < samples; i++) {
      const chunk = [...start.slice(i * SIZE, (i + 1) * SIZE)];
      expect(path[0]!.energy[i]).toBeCloseTo(first!.energy[i]! + term(chunk), 4);
    }
  });

  it.each([
    ["formula", FORMULA],
    ["graph", GRAPH],
  ])("are part of the landscape: %s", async (_, added) => {
    const infer = { rate: 0.3, steps: 5, samples: 2, landscape: { line: 5, plane: 3 } };
    const request = await requestOf([added], { infer });
    await using session = await openSession(writeModel(actingGraph(request).build()));
    const start = f32([1, 2, ROWS, DIM], normals(2 * SIZE, "start"));
    const { outputs } = await session.run({ proprio: f32([1, 3], NORMALISED), start });
    const of = (name: string): number[] => Array.from(outputs[name]!.data, Number);
    const g = new GraphBuilder("learned");
    const { config, imitated, parameters } = request;
    const context = { g, parameters };
    const observed = observe(context, observedNow(context, imitated).tokens, config);
    const chunk = g.input("chunk", "float32", [1, ROWS, DIM]);
    g.output("energy", energyOf(context, chunk, { observed, config }));
    await using learned = await openSession(writeModel(g.build()));
    const [from, to] = [of("descent/start"), of("action")];
    const energies = of("landscape/line/energy");
    for (const [i, t] of of("landscape/line/at").entries()) {
      const at = from.map((x, k) => x + t * (to[k]! - x));
      const fed = { chunk: f32([1, ROWS, DIM], at), proprio: f32([1, 3], NORMALISED) };
      const said = Number((await learned.run(fed)).outputs["energy"]!.data[0]);
      expect(energies[i]).toBeCloseTo(said + term(at), 4);
    }
  });
});

describe("packages with energies that look at what is observed", () => {
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "efference-observed-"));
    const config = parseEnergyConfig({
      ...{ ...TINY, observeHorizon: 2, frameLayers: 1 },
      infer: { rate: 0.1, steps: 60 },
    });
    const trainable = energyTrainable(config, DATA);
    const content = trainable.toPackage(freshOf(trainable), { seed: 1 });
    await writePolicyPackage(join(folder, "base"), content);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function composed(name: string, terms: readonly EnergyTerm[]): Promise<Policy> {
    const path = join(folder, name);
    await writePolicyPackage(path, await composeEnergyPackage(join(folder, "base"), { terms }));
    const policy = await loadPolicy(path, { rng: seeded(name) });
    await policy.reset({ task: "", instruction: "", seed: 0, spec: undefined as never });
    return policy;
  }

  /** A column of the chunk that is made in view of a state. */
  async function column(policy: Policy, at: { step: number; state: number[]; i: number }) {
    const { chunk } = await policy.decide({
      images: {},
      proprio: { state: f32([3], at.state) },
      ...{ texts: {}, instruction: "go", step: at.step, stampNs: 0n },
    });
    return Array.from({ length: ROWS }, (_, row) => chunk.data[row * DIM + at.i]!);
  }

  it("follow the newest frame, in its units", async () => {
    const formula = "(move_0 - observed_state_1)^2";
    const graph = (g: GraphBuilder, chunk: Value, { state }: ObservedValues): Value => {
      const [, second] = g.split(state!, 1, [1, 1, 1]);
      const off = g.sub(g.squeeze(g.slice(chunk, 2, { start: 1, end: 2 }), [2]), second!);
      return g.reduceMean(g.mul(off, off), [1]);
    };
    const policy = await composed("follow", [
      { name: "first", formula, weight: 0.5 },
      { name: "second", graph, weight: 0.5, clamp: 1e3 },
    ]);
    for (const [step, wanted] of [2.5, 5, 3.2].entries()) {
      for (const i of [0, 1]) {
        const made = await column(policy, { step, state: [3, wanted, 3], i });
        for (const value of made) expect(Math.abs(value - wanted)).toBeLessThan(0.4);
      }
    }
    await policy.close?.();
  });

  it("bring a place that is predicted to where it is wanted", async () => {
    const formula = "(row / 3)^8 * (observed_state_2 + 0.1 * sum_move_1 - 5)^2";
    const policy = await composed("goal", [{ name: "goal", formula, weight: 20 }]);
    for (const [step, state] of [3.2, 3.8].entries()) {
      const made = await column(policy, { step, state: [3, 3, state], i: 1 });
      const reached = state + 0.1 * made.reduce((sum, x) => sum + x);
      expect(Math.abs(reached - 5)).toBeLessThan(0.2);
    }
    await policy.close?.();
  });
});
