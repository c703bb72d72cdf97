/**
 * Index gradients on two threads with many updates to few places. With `ScatterND(reduction=add)` for them these
 * fail, some in every run: onnxruntime 1.30 loses additions there.
 */
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const COUNT = 4096;
const RUNS = 10;

interface Table {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly take: (g: GraphBuilder, table: Value, indices: Value) => Value;
  readonly shape: readonly number[];
}

const tuples = (g: GraphBuilder, table: Value, indices: Value): Value =>
  g.gatherNd(table, g.unsqueeze(indices, [1]));

const TABLES: readonly Table[] = [
  {
    name: "Gather from 8 rows",
    rows: 8,
    columns: 64,
    take: (g, t, i) => g.gather(t, i),
    shape: [8, 64],
  },
  {
    name: "Gather from 2000 rows",
    rows: 2000,
    columns: 64,
    take: (g, t, i) => g.gather(t, i),
    shape: [2000, 64],
  },
  { name: "GatherND from 8 rows", rows: 8, columns: 64, take: tuples, shape: [8, 64] },
  { name: "GatherND from 2000 rows", rows: 2000, columns: 64, take: tuples, shape: [2000, 64] },
  {
    name: "GatherElements from 8 rows",
    rows: 8,
    columns: 64,
    take: (g, t, i) => g.gatherElements(t, g.expand(g.unsqueeze(i, [1]), [COUNT, 64])),
    shape: [8, 64],
  },
];

/** All to few places, in a scrambled order. */
const indexAt = (i: number): number => (i * 7919) % 7;

describe("gradients of taking rows, many from one place", () => {
  it.each(TABLES)("$name", async ({ rows, columns, take, shape }) => {
    const g = new GraphBuilder("rows");
    const table = g.input("table", "float32", shape);
    const indices = g.input("indices", "int64", [COUNT]);
    const taken = take(g, table, indices);
    const all = taken.shape.map((_, axis) => axis);
    g.output("d", grad(g, g.reduceSum(taken, all), [table])[0]!);
    await using session = await openSession(writeModel(g.build()), { threads: 2 });
    const feeds: Record<string, NdArray> = {
      table: { dtype: "float32", shape, data: new Float32Array(rows * columns) },
      indices: {
        dtype: "int64",
        shape: [COUNT],
        data: BigInt64Array.from({ length: COUNT }, (_, i) => BigInt(indexAt(i))),
      },
    };
    const counts = new Array<number>(rows).fill(0);
    for (let i = 0; i < COUNT; i++) counts[indexAt(i)]!++;
    const expected = counts.flatMap((count) => new Array<number>(columns).fill(count));
    for (let run = 0; run < RUNS; run++) {
      const { outputs } = await session.run(feeds);
      const lost = expected.filter((sum, i) => Number(outputs["d"]?.data[i]) !== sum);
      expect(lost, `run ${run}: sums that are wrong`).toEqual([]);
    }
  });

  it("never emits ScatterND with a reduction", () => {
    for (const { take, shape } of TABLES) {
      const g = new GraphBuilder("rows");
      const table = g.input("table", "float32", shape);
      const taken = take(g, table, g.input("indices", "int64", [COUNT]));
      grad(
        g,
        g.reduceSum(
          taken,
          taken.shape.map((_, axis) => axis),
        ),
        [table],
      );
      expect(g.nodes.map(({ opType }) => opType)).not.toContain("ScatterND");
    }
  });
});
