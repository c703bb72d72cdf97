/** Energies around a chosen chunk, against float64 directions and against the energy asked chunk by chunk. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { actingGraph } from "../../../../policies/energy/descend.ts";
import { energyTrainable, parseEnergyConfig } from "../../../../policies/energy/index.ts";
import { observe } from "../../../../policies/energy/objective.ts";
import { energyOf } from "../../../../policies/energy/step.ts";
import type { NdArray } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import { imitatedOf, observedNow } from "../../../../src/imitation/index.ts";
import { GraphBuilder, writeModel } from "../../../../src/onnx/index.ts";
import { storedParameters } from "../../../../src/onnx/layers/index.ts";
import type { Session } from "../../../../src/session/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import { freshOf, worldData } from "../../../support/imitation.ts";

const [ROWS, DIM, LINE, SIDE] = [4, 2, 9, 5];
const SIZE = ROWS * DIM;

const f32 = (shape: readonly number[], data: ArrayLike<number>): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x - b[i]!);
const along = (a: readonly number[], by: number): number[] => a.map((x) => x * by);
const plus = (...all: readonly (readonly number[])[]): number[] =>
  all.reduce<number[]>((sum, each) => sum.map((x, i) => x + each[i]!), new Array(SIZE).fill(0));

/** Power iteration in float64 on the rows' second moments, across what is given. */
function direction(rows: readonly number[][], across?: readonly number[]): number[] {
  let v = Array.from({ length: SIZE }, (_, i) => 1 / (i + 1));
  for (let i = 0; i < 20_000; i++) {
    if (across !== undefined) v = minus(v, along(across, dot(v, across)));
    v = plus(...rows.map((row) => along(row, dot(row, v))));
    v = along(v, 1 / Math.sqrt(dot(v, v)));
  }
  const side = rows.reduce((sum, row) => sum + dot(row, v), 0);
  return side < 0 ? along(v, -1) : v;
}

const config = parseEnergyConfig({
  kind: "energy",
  ...{ horizon: ROWS, width: 16, heads: 2, layers: 2 },
  infer: {
    ...{ rate: 0.5, steps: 6, samples: 3, stop: { below: 0 } },
    landscape: { line: LINE, plane: SIDE },
  },
});
const data = worldData();
const request = {
  imitated: imitatedOf("energy", config, data),
  config,
  parameters: storedParameters(freshOf(energyTrainable(config, data))),
};
const proprio = f32([1, 3], [0.3, -0.7, 1.1]);

/** The energy of one chunk, by a graph that knows nothing of descents. */
function energyModel(): Uint8Array {
  const g = new GraphBuilder("one");
  const context = { g, parameters: request.parameters };
  const observed = observe(context, observedNow(context, request.imitated).tokens, config);
  const chunk = g.input("chunk", "float32", [1, ROWS, DIM]);
  g.output("energy", energyOf(context, chunk, { observed, config }));
  return writeModel(g.build());
}

describe("the landscape", () => {
  let outputs: Readonly<Record<string, NdArray>>;
  let one: Session;
  const numbers = (name: string): number[] => Array.from(outputs[name]!.data, Number);
  const rows = (name: string, width: number): number[][] => {
    const all = numbers(name);
    return Array.from({ length: all.length / width }, (_, i) =>
      all.slice(i * width, (i + 1) * width),
    );
  };
  async function energyAt(chunk: readonly number[]): Promise<number> {
    const made = await one.run({ chunk: f32([1, ROWS, DIM], chunk), proprio: { ...proprio } });
    return Number((made.outputs["energy"] as NdArray).data[0]);
  }

  beforeAll(async () => {
    await using session = await openSession(writeModel(actingGraph(request).build()));
    const rng = seeded("landscape");
    const start = Array.from({ length: 3 * SIZE }, () => rng.normal());
    const fed = { proprio: f32([1, 3], proprio.data as Float32Array) };
    const ran = await session.run({ ...fed, start: f32([1, 3, ROWS, DIM], start) });
    outputs = ran.outputs;
    one = await openSession(energyModel());
  });
  afterAll(() => one.close());

  it("says where the descent began", async () => {
    const [first] = numbers("descent/energy");
    expect(await energyAt(numbers("descent/start"))).toBeCloseTo(first!, 5);
  });

  it("has the energy of every chunk on the line through first candidate and choice", async () => {
    const [start, chosen] = [numbers("descent/start"), numbers("action")];
    const at = numbers("landscape/line/at");
    expect(at[0]).toBe(-0.25);
    expect(at.at(-1)).toBe(1.25);
    const energies = numbers("landscape/line/energy");
    for (const [i, t] of at.entries()) {
      const chunk = plus(start, along(minus(chosen, start), t));
      expect(energies[i]).toBeCloseTo(await energyAt(chunk), 5);
    }
    const way = minus(chosen, start);
    const chunks = [start, ...rows("descent/chunk", SIZE)];
    const places = chunks.map((chunk) => dot(minus(chunk, start), way) / dot(way, way));
    const said = [...numbers("landscape/line/start"), ...numbers("landscape/line/path")];
    expect(said).toHaveLength(places.length);
    for (const [i, place] of said.entries()) {
      expect(place).toBeCloseTo(places[i]!, 5);
    }
    expect(places.at(-1)).toBeCloseTo(1, 12);
  });

  it("spans its plane by the principal directions of the descent, and has the energies on it", async () => {
    const chosen = numbers("action");
    const way = [numbers("descent/start"), ...rows("descent/chunk", SIZE)].map((chunk) =>
      minus(chunk, chosen),
    );
    const u = direction(way);
    const v = direction(way, u);
    const path = [numbers("landscape/plane/start"), ...rows("landscape/plane/path", 2)];
    expect(path).toHaveLength(way.length);
    for (const [i, [x, y]] of path.entries()) {
      expect(x).toBeCloseTo(dot(way[i]!, u), 3);
      expect(y).toBeCloseTo(dot(way[i]!, v), 3);
    }
    const [first, second] = [numbers("landscape/plane/first"), numbers("landscape/plane/second")];
    // The whole way lies on it.
    for (const [x, y] of path as [number, number][]) {
      expect(x).toBeGreaterThanOrEqual(first[0]!);
      expect(x).toBeLessThanOrEqual(first.at(-1)!);
      expect(y).toBeGreaterThanOrEqual(second[0]!);
      expect(y).toBeLessThanOrEqual(second.at(-1)!);
    }
    expect(outputs["landscape/plane/energy"]!.shape).toEqual([SIDE, SIDE]);
    const energies = rows("landscape/plane/energy", SIDE);
    for (const [j, y] of second.entries()) {
      for (const [i, x] of first.entries()) {
        const chunk = plus(chosen, along(u, x), along(v, y));
        expect(energies[j]![i]).toBeCloseTo(await energyAt(chunk), 4);
      }
    }
  });

  it("stays finite where the descent has one direction alone", async () => {
    const infer = { ...config.infer, steps: 1 };
    const graph = actingGraph({ ...request, config: { ...config, infer } });
    await using session = await openSession(writeModel(graph.build()));
    const start = Float32Array.from({ length: 3 * SIZE }, (_, i) => Math.sin(i));
    const fed = { proprio: f32([1, 3], proprio.data as Float32Array) };
    const ran = await session.run({ ...fed, start: f32([1, 3, ROWS, DIM], start) });
    for (const name of ["line/energy", "plane/energy", "plane/path", "plane/second"]) {
      const { data: values } = ran.outputs[`landscape/${name}`] as NdArray;
      expect(Array.from(values, Number).every(Number.isFinite), name).toBe(true);
    }
  });
});
