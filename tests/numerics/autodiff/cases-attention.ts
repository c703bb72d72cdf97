import type { AttentionOptions, GraphBuilder, Value } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { at, tabulate, zip } from "../../support/oracle.ts";
import { apart, attention, rotate, together } from "../../support/oracle-network.ts";
import type { GradientCase } from "./gradient-case.ts";

type Mask = NonNullable<Parameters<typeof attention>[1]["mask"]>;
const causal: Mask = ({ i, j }) => (j <= i ? 0 : -Infinity);
/** Exact in float32, which is what attributes hold. */
const SCALE = 0.375;

function bool(g: GraphBuilder, shape: number[], values: number[]): Value {
  return g.constant({ dtype: "bool", shape, data: Uint8Array.from(values) });
}

/** Three operands of rank 4; widths of 4 make the default scale 1/2. */
function rank4(
  name: string,
  [q, k, v]: readonly [number[], number[], number[]],
  { options = {}, mask }: { options?: Omit<AttentionOptions, "mask">; mask?: Mask } = {},
): GradientCase {
  const scale = options.scale ?? 0.5;
  return {
    op: "Softmax",
    name: `in attention, ${name}`,
    inputs: [{ shape: q }, { shape: k }, { shape: v }],
    make: (g, x) => g.attention({ q: x[0], k: x[1], v: x[2] }, options),
    oracle: (x) =>
      attention({ q: x[0], k: x[1], v: x[2] }, { scale, ...(mask === undefined ? {} : { mask }) }),
  };
}

const heads2 = ({ q, k, v }: { q: Oracle; k: Oracle; v: Oracle }, mask?: Mask): Oracle =>
  together(
    attention(
      { q: apart(q, 2), k: apart(k, 2), v: apart(v, 2) },
      { scale: 0.5, ...(mask === undefined ? {} : { mask }) },
    ),
  );

const BUILDER: readonly GradientCase[] = [
  rank4("more keys than width", [
    [1, 2, 3, 4],
    [1, 2, 6, 4],
    [1, 2, 6, 2],
  ]),
  rank4(
    "wide heads, a scale",
    [
      [2, 1, 2, 3],
      [2, 1, 2, 3],
      [2, 1, 2, 3],
    ],
    {
      options: { scale: SCALE },
    },
  ),
  rank4(
    "causal",
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    {
      options: { causal: true },
      mask: causal,
    },
  ),
  rank4(
    "grouped queries, causal",
    [
      [1, 4, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 2],
    ],
    {
      options: { causal: true },
      mask: causal,
    },
  ),
  {
    op: "Softmax",
    name: "in attention of rank 3, a mask of bools for each head",
    inputs: [{ shape: [1, 2, 8] }, { shape: [1, 3, 8] }, { shape: [1, 3, 6] }],
    make: (g, x) => {
      const mask = bool(g, [1, 2, 2, 3], [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1]);
      return g.attention({ q: x[0], k: x[1], v: x[2] }, { heads: 2, mask });
    },
    oracle: (x) =>
      heads2({ q: x[0], k: x[1], v: x[2] }, ({ h, i, j }) =>
        [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1][(h * 2 + i) * 3 + j] === 1 ? 0 : -Infinity,
      ),
  },
  {
    op: "Softmax",
    name: "in attention, a mask that is added and differentiated, grouped queries",
    inputs: [
      { shape: [1, 4, 2, 4] },
      { shape: [1, 2, 3, 4] },
      { shape: [1, 2, 3, 4] },
      { shape: [1, 4, 2, 3] },
    ],
    make: (g, x) => g.attention({ q: x[0], k: x[1], v: x[2] }, { mask: x[3] }),
    oracle: (x) =>
      attention(
        { q: x[0], k: x[1], v: x[2] },
        { scale: 0.5, mask: ({ n, h, i, j }) => at(x[3], [n, h, i, j]) },
      ),
  },
  {
    op: "Softmax",
    name: "in attention whose probabilities are used again",
    inputs: [{ shape: [1, 1, 2, 2] }, { shape: [1, 1, 4, 2] }, { shape: [1, 1, 4, 2] }],
    make: (g, x) => {
      const p = g.softmax(g.matmul(x[0], g.transpose(x[1], [0, 1, 3, 2])));
      return [g.matmul(p, x[2]), p];
    },
    oracle: (x) => {
      const identity = tabulate([1, 1, 4, 4], ([, , i, j]) => (i === j ? 1 : 0));
      const operands = { q: x[0], k: x[1] };
      return [
        attention({ ...operands, v: x[2] }, { scale: 1 }),
        attention({ ...operands, v: identity }, { scale: 1 }),
      ];
    },
  },
];

const SCALED = { scale: { kind: "float", value: SCALE } } as const;

const OPERATORS: readonly GradientCase[] = [
  {
    op: "Attention",
    name: "rank 4, causal, grouped queries, a scale",
    inputs: [{ shape: [1, 4, 3, 2] }, { shape: [1, 2, 3, 2] }, { shape: [1, 2, 3, 2] }],
    // The engine multiplies queries and keys by the root of the scale, which float32 holds inexactly.
    tolerance: { forward: 1e-6, why: "the engine's scale is float32" },
    make: (g, x) =>
      g.one("Attention", [x[0], x[1], x[2]], { attributes: { is_causal: 1, ...SCALED } }),
    oracle: (x) => attention({ q: x[0], k: x[1], v: x[2] }, { scale: SCALE, mask: causal }),
  },
  {
    op: "Attention",
    name: "rank 3, a mask that is added and differentiated",
    inputs: [{ shape: [2, 2, 8] }, { shape: [2, 3, 8] }, { shape: [2, 3, 8] }, { shape: [2, 3] }],
    tolerance: { forward: 1e-6, why: "the engine's scale is float32" },
    make: (g, x) =>
      g.one("Attention", [x[0], x[1], x[2], x[3]], {
        attributes: { q_num_heads: 2, kv_num_heads: 2 },
      }),
    oracle: (x) => heads2({ q: x[0], k: x[1], v: x[2] }, ({ i, j }) => at(x[3], [i, j])),
  },
  {
    op: "com.microsoft.MultiHeadAttention",
    name: "with the bias of all three",
    dtype: "float32",
    inputs: [{ shape: [2, 2, 8] }, { shape: [2, 3, 8] }, { shape: [2, 3, 8] }, { shape: [24] }],
    make: (g, x) =>
      g.one("MultiHeadAttention", [x[0], x[1], x[2], x[3]], {
        domain: "com.microsoft",
        attributes: { num_heads: 2 },
      }),
    oracle: (x) => {
      const [q, k, v] = [0, 1, 2].map((part) =>
        zip(
          (a, b) => a + b,
          x[part]!,
          tabulate([8], ([i = 0]) => at(x[3], [8 * part + i])),
        ),
      );
      return heads2({ q: q!, k: k!, v: v! });
    },
  },
  {
    op: "com.microsoft.MultiHeadAttention",
    name: "scores shifted, a scale",
    dtype: "float32",
    inputs: [
      { shape: [1, 2, 4] },
      { shape: [1, 3, 4] },
      { shape: [1, 3, 4] },
      { shape: [1, 2, 2, 3] },
    ],
    make: (g, x) =>
      g.one("MultiHeadAttention", [x[0], x[1], x[2], undefined, undefined, x[3]], {
        domain: "com.microsoft",
        attributes: { num_heads: 2, ...SCALED },
      }),
    oracle: (x) =>
      together(
        attention(
          { q: apart(x[0], 2), k: apart(x[1], 2), v: apart(x[2], 2) },
          { scale: SCALE, mask: ({ n, h, i, j }) => at(x[3], [n, h, i, j]) },
        ),
      ),
  },
];

const POSITIONS = [3, 0, 1, 2, 2, 1];

function rotaryCase(domain: "" | "com.microsoft", interleaved: boolean): GradientCase {
  const angle = (position: number, pair: number): number => position / 3 ** pair;
  const table = (of: (angle: number) => number): Oracle =>
    tabulate([4, 2], ([p = 0, i = 0]) => Math.fround(of(angle(p, i))));
  const [cos, sin] = [table(Math.cos), table(Math.sin)];
  const constant = (g: GraphBuilder, { shape, data }: Oracle): Value =>
    g.constant({ dtype: "float32", shape, data: Float32Array.from(data) });
  return {
    op: domain === "" ? "RotaryEmbedding" : `${domain}.RotaryEmbedding`,
    name: interleaved ? "interleaved" : "halves",
    dtype: "float32",
    inputs: [{ shape: [2, 2, 3, 4] }],
    make: (g, x) => {
      const data = BigInt64Array.from(POSITIONS, BigInt);
      const positions = g.constant({ dtype: "int64", shape: [2, 3], data });
      const tables = { cos: constant(g, cos), sin: constant(g, sin) };
      if (domain !== "") return g.rotary(x[0], tables, { positions, interleaved });
      return g.one("RotaryEmbedding", [x[0], tables.cos, tables.sin, positions], {
        attributes: { interleaved: interleaved ? 1 : 0 },
      });
    },
    oracle: (x) =>
      rotate(x[0], { cos, sin, interleaved, positions: (n, i) => POSITIONS[3 * n + i]! }),
  };
}

export const CASES: readonly GradientCase[] = [
  ...BUILDER,
  ...OPERATORS,
  rotaryCase("", false),
  rotaryCase("", true),
  rotaryCase("com.microsoft", false),
  rotaryCase("com.microsoft", true),
];
