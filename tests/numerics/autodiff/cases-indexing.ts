import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { at, tabulate, zip } from "../../support/oracle.ts";
import type { CaseInput, GradientCase } from "./gradient-case.ts";

const square = (g: GraphBuilder, x: Value): Value => g.mul(x, x);
const squared = (x: Oracle): Oracle => zip((v) => v * v, x);
const wrap = (i: number, dim = 1): number => (i < 0 ? i + dim : i);

interface Taking {
  readonly name: string;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly indices: { readonly shape: readonly number[]; readonly values: readonly number[] };
}

const GATHERS: readonly Taking[] = [
  {
    name: "rows, one thrice",
    shape: [4, 3],
    axis: 0,
    indices: { shape: [5], values: [1, 3, 1, 0, 1] },
  },
  { name: "from the end", shape: [4, 3], axis: 0, indices: { shape: [3], values: [-1, 3, -4] } },
  {
    name: "a matrix of rows",
    shape: [3, 2],
    axis: 0,
    indices: { shape: [2, 2], values: [2, 0, 2, 2] },
  },
  {
    name: "one row, which drops the axis",
    shape: [3, 2],
    axis: 0,
    indices: { shape: [], values: [1] },
  },
  { name: "the last row", shape: [3, 2], axis: 0, indices: { shape: [], values: [-1] } },
  { name: "columns", shape: [2, 4], axis: 1, indices: { shape: [3], values: [3, 0, 3] } },
  {
    name: "axis -2 of four",
    shape: [2, 1, 3, 2],
    axis: -2,
    indices: { shape: [2, 2], values: [0, 2, -1, 2] },
  },
  { name: "a run", shape: [5, 2], axis: 0, indices: { shape: [3], values: [1, 2, 3] } },
  { name: "a run from the end", shape: [2, 5], axis: 1, indices: { shape: [2], values: [-3, -2] } },
  { name: "over the end", shape: [3], axis: 0, indices: { shape: [2], values: [-1, 0] } },
  { name: "numbers of a vector", shape: [4], axis: 0, indices: { shape: [2, 1], values: [2, 2] } },
  { name: "nothing", shape: [3, 2], axis: 0, indices: { shape: [0], values: [] } },
  {
    name: "a table of many rows",
    shape: [1500, 2],
    axis: 0,
    indices: { shape: [4], values: [7, 1400, 7, -1] },
  },
];

/** Indices known while building, and fed; int64 and int32. */
const gathers = GATHERS.flatMap(({ name, shape, axis, indices }): GradientCase[] => {
  const oracle = (x: Oracle): Oracle => {
    const place = wrap(axis, shape.length);
    const dims = [...shape.slice(0, place), ...indices.shape, ...shape.slice(place + 1)];
    return tabulate(dims, (index) => {
      const depth = indices.shape.length;
      const which = at(
        { shape: indices.shape, data: indices.values },
        index.slice(place, place + depth),
      );
      return at(x, index.toSpliced(place, depth, wrap(which, shape[place])));
    });
  };
  const big = shape[0] === 1500;
  // A thousand rows more would only make a thousand zeros more to difference.
  const input: CaseInput = { shape: big ? [2, 2] : shape };
  const widen = (g: GraphBuilder, x: Value): Value =>
    big ? g.concat([x, g.expand(g.scalar(0.5, "float64"), [1496, 2]), x], 0) : x;
  const widened = (x: Oracle): Oracle =>
    big ? { shape, data: [...x.data, ...new Array<number>(2 * 1496).fill(0.5), ...x.data] } : x;
  return [
    {
      op: "Gather",
      name: `${name}, known`,
      inputs: [input],
      make: (g, [x]) => {
        const known = {
          dtype: "int64",
          shape: indices.shape,
          data: BigInt64Array.from(indices.values, BigInt),
        } as const;
        return square(g, g.gather(widen(g, x), g.constant(known), axis));
      },
      oracle: ([x]) => squared(oracle(widened(x))),
    },
    ...(["int64", "int32"] as const).map((dtype): GradientCase => ({
      op: "Gather",
      name: `${name}, fed as ${dtype}`,
      inputs: [input, { ...indices, dtype }],
      make: (g, [x, fed]) => square(g, g.gather(widen(g, x), fed, axis)),
      oracle: ([x]) => squared(oracle(widened(x))),
    })),
  ];
});

/** `indices` with the index along `axis` as it is given. */
const element =
  (x: Oracle, indices: Oracle, axis: number) =>
  (index: readonly number[]): number[] =>
    index.with(axis, wrap(at(indices, index), x.shape[axis]));

const ELEMENTS: readonly Taking[] = [
  {
    name: "axis 0, repeated",
    shape: [3, 2],
    axis: 0,
    indices: { shape: [4, 2], values: [0, 1, 2, 1, 2, 1, 0, 0] },
  },
  {
    name: "axis 1, fewer rows, from the end",
    shape: [3, 4],
    axis: 1,
    indices: { shape: [2, 3], values: [-1, 3, 0, 1, 1, -4] },
  },
  {
    name: "axis -1 of four",
    shape: [1, 2, 1, 3],
    axis: 3,
    indices: { shape: [1, 2, 1, 2], values: [0, 0, 2, 1] },
  },
  { name: "of a vector", shape: [4], axis: 0, indices: { shape: [3], values: [3, 3, 3] } },
];

const gatherElements = ELEMENTS.map(({ name, shape, axis, indices }): GradientCase => ({
  op: "GatherElements",
  name,
  inputs: [{ shape }, { ...indices, dtype: "int64" }],
  make: (g, [x, fed]) => square(g, g.gatherElements(x, fed, axis)),
  oracle: ([x, fed]) => squared(tabulate(fed.shape, (i) => at(x, element(x, fed, axis)(i)))),
}));

function scattered(
  data: Oracle,
  {
    places,
    updates,
    add,
  }: { places: readonly (readonly number[])[]; updates: readonly number[]; add: boolean },
): Oracle {
  const result = [...data.data];
  for (const [k, place] of places.entries()) {
    let offset = 0;
    for (const [axis, dim] of data.shape.entries()) offset = offset * dim + (place[axis] ?? 0);
    result[offset] = (add ? (result[offset] ?? 0) : 0) + (updates[k] ?? 0);
  }
  return { shape: data.shape, data: result };
}

function indexList(shape: readonly number[]): number[][] {
  const list: number[][] = [];
  tabulate(shape, (index) => list.push([...index]));
  return list;
}

const UNIQUE = { shape: [2, 2], values: [0, -1, 2, 0] };
const scatterElements = (
  [
    ["none", UNIQUE],
    ["add", UNIQUE],
    ["add", { shape: [3, 2], values: [1, 1, 1, 1, -2, 0] }],
  ] as const
).flatMap(([reduction, indices], k) =>
  [[0, 1, 2], [0], [2]].map((wrt): GradientCase => ({
    op: "ScatterElements",
    name: `${reduction} ${k}, by ${wrt.length === 3 ? "both" : wrt[0] === 0 ? "the data" : "the updates"}`,
    inputs: [{ shape: [3, 2] }, { ...indices, dtype: "int64" }, { shape: indices.shape }],
    make: (g, [x, fed, updates]) =>
      square(g, g.scatterElements(x, { indices: fed, updates }, { axis: 0, reduction })),
    oracle: ([x, fed, updates]) => {
      const places = indexList(indices.shape).map(element(x, fed, 0));
      return squared(scattered(x, { places, updates: updates.data, add: reduction === "add" }));
    },
    wrt: wrt.length === 3 ? [0, 2] : wrt,
  })),
);

const GATHERS_ND: readonly {
  name: string;
  shape: number[];
  batch: number;
  indices: { shape: number[]; values: number[] };
}[] = [
  {
    name: "numbers, repeated",
    shape: [3, 2],
    batch: 0,
    indices: { shape: [4, 2], values: [0, 1, 2, -1, 0, 1, 0, -1] },
  },
  {
    name: "rows",
    shape: [3, 2, 2],
    batch: 0,
    indices: { shape: [2, 2, 1], values: [1, 1, 0, -3] },
  },
  {
    name: "pairs of three axes",
    shape: [2, 3, 2],
    batch: 0,
    indices: { shape: [3, 2], values: [1, 2, 0, 0, 1, 2] },
  },
  {
    name: "in each of a batch",
    shape: [2, 3, 2],
    batch: 1,
    indices: { shape: [2, 3, 1], values: [0, 0, 2, 1, -1, 1] },
  },
  {
    name: "in each of a batch of two axes",
    shape: [2, 2, 3],
    batch: 2,
    indices: { shape: [2, 2, 1], values: [0, 2, 1, -1] },
  },
];

/** The place of an element of a `GatherND` in its data. */
const ndPlace =
  (x: Oracle, indices: Oracle, batch: number) =>
  (index: readonly number[]): number[] => {
    const outer = indices.shape.length - 1;
    const depth = indices.shape.at(-1) ?? 0;
    const tuple = Array.from({ length: depth }, (_, k) =>
      wrap(at(indices, [...index.slice(0, outer), k]), x.shape[batch + k]),
    );
    return [...index.slice(0, batch), ...tuple, ...index.slice(outer)];
  };

const ndShape = (x: Oracle, indices: Oracle, batch: number): number[] => [
  ...indices.shape.slice(0, -1),
  ...x.shape.slice(batch + (indices.shape.at(-1) ?? 0)),
];

const gathersNd = GATHERS_ND.flatMap(({ name, shape, batch, indices }): GradientCase[] =>
  (["int64"] as const).map((dtype) => ({
    op: "GatherND",
    name: `${name}, ${dtype}`,
    inputs: [{ shape }, { ...indices, dtype }],
    make: (g, [x, fed]) => square(g, g.gatherNd(x, fed, batch)),
    oracle: ([x, fed]) =>
      squared(tabulate(ndShape(x, fed, batch), (index) => at(x, ndPlace(x, fed, batch)(index)))),
  })),
);

const scattersNd = (
  [
    ["none", { shape: [2, 1], values: [2, 0] }],
    ["add", { shape: [3, 1], values: [1, -1, 1] }],
    ["none", { shape: [2, 2], values: [0, 1, 2, -2] }],
  ] as const
).map(([reduction, indices], k): GradientCase => {
  const slice = indices.shape[1] === 1 ? [2] : [];
  return {
    op: "ScatterND",
    name: `${reduction} ${k}`,
    inputs: [
      { shape: [3, 2] },
      { ...indices, dtype: "int64" },
      { shape: [indices.shape[0], ...slice] },
    ],
    make: (g, [x, fed, updates]) =>
      square(g, g.one("ScatterND", [x, fed, updates], { attributes: { reduction } })),
    oracle: ([x, fed, updates]) => {
      const places = indexList(updates.shape).map(ndPlace(x, fed, 0));
      return squared(scattered(x, { places, updates: updates.data, add: reduction === "add" }));
    },
  };
});

const oneHots = [-1, 0, 1].map((axis): GradientCase => ({
  op: "OneHot",
  name: `axis ${axis}`,
  inputs: [{ shape: [2, 2], values: [0, 2, -1, 1], dtype: "int64" }, { shape: [2] }],
  make: (g, [indices, values]) => {
    const inputs = [indices, g.scalar(3, "int64"), values];
    return square(g, g.one("OneHot", inputs, { attributes: { axis } }));
  },
  oracle: ([indices, values]) => {
    const place = axis < 0 ? 2 : axis;
    return squared(
      tabulate([2, 2].toSpliced(place, 0, 3), (index) => {
        const hot = wrap(at(indices, index.toSpliced(place, 1)), 3) === index[place];
        return at(values, [hot ? 1 : 0]);
      }),
    );
  },
  // The engine has no float64 kernel.
  dtype: "float32",
}));

export const CASES: readonly GradientCase[] = [
  ...gathers,
  ...gatherElements,
  ...scatterElements,
  ...gathersNd,
  ...scattersNd,
  ...oneHots,
];
