import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { at, tabulate, zip } from "../../support/oracle.ts";
import { moved } from "../../support/oracle-axes.ts";
import type { GradientCase, Operands } from "./gradient-case.ts";

interface Move {
  readonly op: string;
  readonly name: string;
  readonly shape: readonly number[];
  readonly make: (g: GraphBuilder, x: Value) => Value;
  readonly oracle: (x: Oracle) => Oracle;
}

/** The square is moved, so that the gradient depends on the place, and multiplied by itself. */
const move = ({ op, name, shape, make, oracle }: Move): GradientCase => ({
  op,
  name,
  inputs: [{ shape }],
  make: (g, [x]) => {
    const y = make(g, g.mul(x, x));
    return g.mul(y, y);
  },
  oracle: ([x]) => {
    const y = oracle(zip((v) => v * v, x));
    return zip((v) => v * v, y);
  },
});

const reshaped =
  (shape: readonly number[]) =>
  ({ data }: Oracle): Oracle => ({ shape, data });

const reshapes: GradientCase[] = [
  move({
    op: "Reshape",
    name: "to a vector and with a rest",
    shape: [2, 3, 2],
    make: (g, x) => g.one("Reshape", [g.reshape(x, [12]), g.ints([4, -1])]),
    oracle: reshaped([4, 3]),
  }),
  move({
    op: "Reshape",
    name: "scalar to rank 3",
    shape: [],
    make: (g, x) => g.reshape(x, [1, 1, 1]),
    oracle: reshaped([1, 1, 1]),
  }),
  move({
    op: "Reshape",
    name: "nothing",
    shape: [0, 3],
    make: (g, x) => g.one("Reshape", [x, g.ints([3, 0])], { attributes: { allowzero: 1 } }),
    oracle: reshaped([3, 0]),
  }),
  move({
    op: "Flatten",
    name: "axis 2 of 4",
    shape: [2, 1, 3, 2],
    make: (g, x) => g.flatten(x, 2),
    oracle: reshaped([2, 6]),
  }),
  move({
    op: "Squeeze",
    name: "axes 0 and -1",
    shape: [1, 3, 1, 1],
    make: (g, x) => g.squeeze(x, [0, -1]),
    oracle: reshaped([3, 1]),
  }),
  move({
    op: "Squeeze",
    name: "all of length 1",
    shape: [1, 3, 1],
    make: (g, x) => g.one("Squeeze", [x]),
    oracle: reshaped([3]),
  }),
  move({
    op: "Unsqueeze",
    name: "axes 1 and -1",
    shape: [2, 3],
    make: (g, x) => g.unsqueeze(x, [1, -1]),
    oracle: reshaped([2, 1, 3, 1]),
  }),
];

const transposes = (
  [
    [
      [2, 3],
      [1, 0],
    ],
    [
      [2, 3, 4],
      [2, 0, 1],
    ],
    [
      [2, 3, 1, 2],
      [0, 2, 1, 3],
    ],
    [
      [0, 3],
      [1, 0],
    ],
  ] as const
).map(([shape, perm]) =>
  move({
    op: "Transpose",
    name: `[${shape.join()}] by ${perm.join()}`,
    shape,
    make: (g, x) => g.transpose(x, perm),
    oracle: (x) =>
      tabulate(
        perm.map((axis) => shape[axis] ?? 1),
        (index) =>
          at(
            x,
            perm.map((_, axis) => index[perm.findIndex((p) => p === axis)] ?? 0),
          ),
      ),
  }),
);

/** Along `axis`. */
function joined(parts: readonly Oracle[], axis: number): Oracle {
  const length = parts.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
  return tabulate((parts[0]?.shape ?? []).with(axis, length), (index) => {
    let place = index[axis] ?? 0;
    for (const part of parts) {
      const size = part.shape[axis] ?? 0;
      if (place < size) return at(part, index.with(axis, place));
      place -= size;
    }
    return NaN;
  });
}
const cut = (x: Oracle, axis: number, [from, to]: readonly [number, number]): Oracle =>
  moved(x, x.shape.with(axis, to - from), (index) => index.with(axis, (index[axis] ?? 0) + from));

const parts = [{ shape: [2, 1] }, { shape: [2, 3] }, { shape: [2, 0] }] as const;
const weighed = (y: Oracle): Oracle => zip((v) => v * v, y);

const concats: GradientCase[] = [
  {
    op: "Concat",
    name: "three, one of them empty",
    inputs: parts,
    make: (g, [a, b, c]) => square(g, g.concat([a, b, c], 1)),
    oracle: ([a, b, c]) => weighed(joined([a, b, c], 1)),
  },
  {
    op: "Concat",
    name: "the last and the same twice, axis -1",
    inputs: parts.slice(0, 2),
    make: (g, [a, b]) => square(g, g.concat([b, a, b], -1)),
    oracle: ([a, b]) => weighed(joined([b, a, b], 1)),
    wrt: [1],
  },
  {
    op: "Concat",
    name: "one of vectors",
    inputs: [{ shape: [2] }, { shape: [3] }],
    make: (g, [a, b]) => square(g, g.concat([a, b], 0)),
    oracle: ([a, b]) => weighed(joined([a, b], 0)),
    wrt: [0],
  },
  {
    op: "Split",
    name: "all parts, one twice",
    inputs: [{ shape: [2, 6] }],
    make: (g, [x]) => {
      const [a, b, c] = g.split(x, 1, [1, 3, 2]) as unknown as Operands<Value>;
      return [g.mul(a, b), square(g, c)];
    },
    oracle: ([x]) => {
      const [a, b, c] = [cut(x, 1, [0, 1]), cut(x, 1, [1, 4]), cut(x, 1, [4, 6])];
      return [zip((p, q) => p * q, a, b), weighed(c)];
    },
  },
  ...[0, 1, 2].map((only): GradientCase => ({
    op: "Split",
    name: `part ${only} only`,
    inputs: [{ shape: [5, 2] }],
    make: (g, [x]) => square(g, g.split(x, 0, [2, 2, 1])[only] ?? x),
    oracle: ([x]) =>
      weighed(
        cut(
          x,
          0,
          [
            [0, 2],
            [2, 4],
            [4, 5],
          ][only] as [number, number],
        ),
      ),
  })),
  {
    op: "Split",
    name: "two of three parts, in parts as even as it goes",
    inputs: [{ shape: [7] }],
    make: (g, [x]) => {
      const options = { attributes: { axis: 0, num_outputs: 3 }, outputCount: 3 };
      const [a, , c] = g.op("Split", [x], options) as unknown as Operands<Value>;
      return [square(g, c), square(g, a)];
    },
    oracle: ([x]) => [weighed(cut(x, 0, [6, 7])), weighed(cut(x, 0, [0, 3]))],
  },
];

function square(g: GraphBuilder, x: Value): Value {
  return g.mul(x, x);
}

const slices = (
  [
    ["from the start", [5, 2], [[0, 0, 2, 1]]],
    ["negative start and end", [5, 2], [[0, -3, -1, 1]]],
    [
      "two axes",
      [4, 5],
      [
        [1, 1, 4, 1],
        [0, 2, 100, 1],
      ],
    ],
    ["every second", [7], [[0, 1, 7, 2]]],
    ["every third, not to the end", [8, 2], [[0, 0, 6, 3]]],
    ["backwards", [4], [[0, -1, -100, -1]]],
    ["backwards, every second", [2, 7], [[-1, 5, 0, -2]]],
    ["backwards from beyond the end", [5], [[0, 100, 1, -1]]],
    [
      "three axes of four",
      [2, 3, 4, 2],
      [
        [3, 1, 2, 1],
        [1, -1, -100, -2],
        [2, 0, 3, 2],
      ],
    ],
    ["one element of every second", [5], [[0, 3, 5, 2]]],
    ["nothing", [4, 2], [[0, 3, 1, 1]]],
    ["of nothing", [0, 2], [[1, 0, 1, 1]]],
    ["everything", [3], [[0, 0, 3, 1]]],
  ] as const
).map(([name, shape, ranges]) =>
  move({
    op: "Slice",
    name,
    shape,
    make: (g, x) => {
      const column = (i: number): Value => g.ints(ranges.map((range) => range[i] ?? 0));
      return g.one("Slice", [x, column(1), column(2), column(0), column(3)]);
    },
    oracle: (x) => {
      let y = x;
      for (const [axis, from, to, step] of ranges) y = sliced(y, { axis, from, to, step });
      return y;
    },
  }),
);

/** What `x[from:to:step]` takes in Python, whose own words for it are these. */
function sliced(
  x: Oracle,
  { axis: rawAxis, from, to, step }: { axis: number; from: number; to: number; step: number },
): Oracle {
  const axis = rawAxis < 0 ? rawAxis + x.shape.length : rawAxis;
  const dim = x.shape[axis] ?? 0;
  const resolve = (at: number): number => (at < 0 ? at + dim : at);
  const places: number[] = [];
  if (step > 0) {
    const start = Math.max(0, resolve(from));
    for (let i = start; i < Math.min(dim, resolve(to)); i += step) places.push(i);
  } else {
    const start = Math.min(dim - 1, resolve(from));
    for (let i = start; i > Math.max(-1, resolve(to)); i += step) places.push(i);
  }
  return moved(x, x.shape.with(axis, places.length), (index) =>
    index.with(axis, places[index[axis] ?? 0] ?? -1),
  );
}

type PadMode = "constant" | "reflect" | "edge" | "wrap";

/** By walking: one step outside at a time. */
function outside(place: number, dim: number, mode: PadMode): number | undefined {
  let i = place;
  if (i >= 0 && i < dim) return i;
  if (mode === "constant") return undefined;
  if (mode === "edge") return i < 0 ? 0 : dim - 1;
  while (i < 0 || i >= dim) {
    if (mode === "wrap") i += i < 0 ? dim : -dim;
    else i = i < 0 ? -i : 2 * (dim - 1) - i;
  }
  return i;
}

const PADS: readonly (readonly [
  name: string,
  shape: number[],
  before: number[],
  after: number[],
])[] = [
  ["vector", [4], [1], [2]],
  ["both axes", [3, 4], [2, 1], [0, 3]],
  ["one axis of four", [2, 3, 3, 1], [0, 0, 2, 0], [0, 0, 1, 0]],
  ["none", [2, 3], [0, 0], [0, 0]],
];

const pads = (["constant", "reflect", "edge", "wrap"] as const).flatMap((mode) =>
  PADS.map(([name, shape, before, after]) =>
    move({
      op: "Pad",
      name: `${mode}, ${name}`,
      shape,
      make: (g, x) => g.pad(x, { before, after }, { mode }),
      oracle: (x) =>
        moved(
          x,
          shape.map((dim, axis) => dim + before[axis]! + after[axis]!),
          (index) => {
            const from = index.map((i, axis) => outside(i - before[axis]!, shape[axis]!, mode));
            return from.some((i) => i === undefined) ? undefined : (from as number[]);
          },
        ),
    }),
  ),
);

const morePads: GradientCase[] = [
  move({
    op: "Pad",
    name: "cut away on one side, on the other of another axis",
    shape: [4, 3],
    make: (g, x) => g.pad(x, { before: [-1, 2], after: [1, -1] }),
    oracle: (x) =>
      moved(x, [4, 4], ([i = 0, j = 0]) =>
        i + 1 < 4 && j >= 2 && j - 2 < 2 ? [i + 1, j - 2] : undefined,
      ),
  }),
  {
    op: "Pad",
    name: "by a learned number, on given axes",
    inputs: [{ shape: [2, 2] }, { shape: [] }],
    make: (g, [x, fill]) => {
      const padded = g.one("Pad", [x, g.ints([1, 2]), fill, g.ints([-1])]);
      return g.mul(padded, padded);
    },
    oracle: ([x, fill]) =>
      weighed(
        tabulate([2, 5], ([i = 0, j = 0]) => (j >= 1 && j < 3 ? at(x, [i, j - 1]) : at(fill, []))),
      ),
  },
  {
    op: "Pad",
    name: "around nothing",
    inputs: [{ shape: [0, 2] }],
    make: (g, [x]) => g.pad(x, { before: [1, 0], after: [1, 0] }),
    oracle: () => ({ shape: [2, 2], data: [0, 0, 0, 0] }),
  },
];

const repeats: GradientCase[] = [
  ...(
    [
      [[], [2, 3]],
      [[3], [2, 3]],
      [
        [2, 1, 1],
        [2, 3, 1],
      ],
      [
        [1, 2, 1, 1],
        [2, 2, 1, 3],
      ],
      [
        [2, 3],
        [2, 3],
      ],
      [[0], [2, 0]],
    ] as const
  ).map(([shape, to]) =>
    move({
      op: "Expand",
      name: `[${shape.join()}] to [${to.join()}]`,
      shape,
      make: (g, x) => g.expand(x, to),
      oracle: (x) => tabulate(to, (index) => at(x, index)),
    }),
  ),
  ...(
    [
      [[3], [2]],
      [
        [2, 3],
        [1, 2],
      ],
      [
        [2, 1, 3],
        [3, 2, 1],
      ],
      [
        [1, 2, 2, 1],
        [2, 1, 2, 3],
      ],
      [[2], [1]],
      [
        [2, 2],
        [0, 1],
      ],
    ] as const
  ).map(([shape, counts]) =>
    move({
      op: "Tile",
      name: `[${shape.join()}] ${counts.join(" x ")} times`,
      shape,
      make: (g, x) => g.tile(x, counts),
      oracle: (x) =>
        tabulate(
          shape.map((dim, axis) => dim * (counts[axis] ?? 1)),
          (index) =>
            at(
              x,
              index.map((i, axis) => i % (shape[axis] ?? 1)),
            ),
        ),
    }),
  ),
];

const blocks: GradientCase[] = [
  ...(["DCR", "CRD"] as const).map((mode) =>
    move({
      op: "DepthToSpace",
      name: mode,
      shape: [2, 8, 1, 3],
      make: (g, x) => g.one("DepthToSpace", [x], { attributes: { blocksize: 2, mode } }),
      oracle: (x) =>
        tabulate([2, 2, 2, 6], ([n = 0, c = 0, h = 0, w = 0]) => {
          const inBlock = (h % 2) * 2 + (w % 2);
          const channel = mode === "DCR" ? inBlock * 2 + c : c * 4 + inBlock;
          return at(x, [n, channel, Math.floor(h / 2), Math.floor(w / 2)]);
        }),
    }),
  ),
  move({
    op: "SpaceToDepth",
    name: "blocks of 2",
    shape: [1, 3, 2, 4],
    make: (g, x) => g.one("SpaceToDepth", [x], { attributes: { blocksize: 2 } }),
    oracle: (x) =>
      tabulate([1, 12, 1, 2], ([n = 0, c = 0, h = 0, w = 0]) => {
        const inBlock = Math.floor(c / 3);
        return at(x, [n, c % 3, 2 * h + Math.floor(inBlock / 2), 2 * w + (inBlock % 2)]);
      }),
  }),
];

const triangles = (
  [
    ["upper", 0, [3, 3]],
    ["lower", 0, [2, 3, 4]],
    ["upper", 1, [3, 4]],
    ["lower", -1, [1, 2, 4, 2]],
  ] as const
).map(([keep, k, shape]) =>
  move({
    op: "Trilu",
    name: `${keep}, diagonal ${k}, [${shape.join()}]`,
    shape,
    make: (g, x) => g.triangle(x, keep, k),
    oracle: (x) =>
      moved(x, shape, (index) => {
        const offset = index.at(-1)! - index.at(-2)!;
        return (keep === "upper" ? offset >= k : offset <= k) ? index : undefined;
      }),
  }),
);

export const CASES: readonly GradientCase[] = [
  ...reshapes,
  ...transposes,
  ...concats,
  ...slices,
  ...pads,
  ...morePads,
  ...repeats,
  ...blocks,
  ...triangles,
  {
    op: "Trilu",
    name: "no diagonal given",
    inputs: [{ shape: [3, 3] }],
    make: (g, [x]) => square(g, g.one("Trilu", [x])),
    oracle: ([x]) => weighed(moved(x, [3, 3], ([i = 0, j = 0]) => (j >= i ? [i, j] : undefined))),
  },
];
