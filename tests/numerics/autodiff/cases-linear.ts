import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { zip } from "../../support/oracle.ts";
import { contracted, product, turned } from "../../support/oracle-linear.ts";
import type { GradientCase } from "./gradient-case.ts";

const MATMULS: readonly (readonly [a: number[], b: number[]])[] = [
  [
    [2, 3],
    [3, 4],
  ],
  [[3], [3]],
  [[3], [3, 2]],
  [[2, 3], [3]],
  [[2, 2, 3], [3]],
  [[3], [2, 3, 2]],
  [
    [2, 2, 3],
    [3, 4],
  ],
  [
    [2, 1, 2, 3],
    [3, 2],
  ],
  [
    [2, 2, 3],
    [1, 3, 2],
  ],
  [
    [2, 2, 3],
    [2, 3, 2],
  ],
  [
    [2, 3],
    [2, 3, 2],
  ],
  [
    [1, 2, 3],
    [2, 3, 1],
  ],
  [
    [2, 1, 2, 3],
    [1, 2, 3, 2],
  ],
  [
    [1, 3],
    [3, 1],
  ],
  [
    [0, 3],
    [3, 2],
  ],
  [
    [2, 0],
    [0, 2],
  ],
  [
    [2, 0, 3],
    [3, 2],
  ],
  [
    [0, 2, 3],
    [0, 3, 2],
  ],
];

const matMuls = MATMULS.flatMap(([a, b]): GradientCase[] =>
  [undefined, [0], [1]].map((wrt) => ({
    op: "MatMul",
    name: `[${a.join()}] by [${b.join()}]${wrt === undefined ? "" : wrt[0] === 0 ? ", left" : ", right"}`,
    inputs: [{ shape: a }, { shape: b }],
    make: (g, [x, y]) => g.matmul(x, y),
    oracle: ([x, y]) => product(x, y),
    ...(wrt === undefined ? {} : { wrt }),
  })),
);

const again: GradientCase = {
  op: "MatMul",
  name: "a weight used twice, and by itself",
  inputs: [{ shape: [2, 3] }, { shape: [3, 3] }],
  make: (g, [x, w]) => g.matmul(g.tanh(g.matmul(x, w)), g.matmul(w, w)),
  oracle: ([x, w]) => product(zip(Math.tanh, product(x, w)), product(w, w)),
};

const plus = (p: Oracle, c: Oracle, [alpha, beta]: readonly [number, number]): Oracle =>
  zip((v, w) => alpha * v + beta * w, p, c);

const flags = [false, true].flatMap((transA) =>
  [false, true].map((transB) => ({ transA, transB })),
);
const BIASES: readonly (number[] | undefined)[] = [undefined, [], [4], [2, 1], [2, 4]];

const gemms = flags.flatMap(({ transA, transB }) =>
  BIASES.map((bias, i): GradientCase => {
    const alpha = i % 2 === 0 ? 1 : 0.5;
    const beta = i < 2 ? 1 : -2;
    return {
      op: "Gemm",
      name: `${transA ? "t" : "n"}${transB ? "t" : "n"}, ${bias === undefined ? "no bias" : `bias [${bias.join()}]`}`,
      inputs: [
        { shape: transA ? [3, 2] : [2, 3] },
        { shape: transB ? [4, 3] : [3, 4] },
        ...(bias === undefined ? [] : [{ shape: bias }]),
      ],
      make: (g, [a, b, c]) =>
        g.gemm(a, b, { transA, transB, alpha, beta, ...(bias === undefined ? {} : { c }) }),
      oracle: ([a, b, c]) => {
        const p = product(transA ? turned(a) : a, transB ? turned(b) : b);
        return plus(p, bias === undefined ? { shape: [], data: [0] } : c, [alpha, beta]);
      },
    };
  }),
);

const oneGemm = (wrt: number, name: string): GradientCase => ({
  op: "Gemm",
  name,
  inputs: [{ shape: [2, 3] }, { shape: [3, 4] }, { shape: [4] }],
  make: (g, [a, b, c]) => g.linear(a, b, c),
  oracle: ([a, b, c]) => plus(product(a, b), c, [1, 1]),
  wrt: [wrt],
});

const fused = (
  g: GraphBuilder,
  values: readonly Value[],
  attributes: Record<string, number>,
): Value =>
  g.one("FusedMatMul", values, {
    domain: "com.microsoft",
    attributes: { ...attributes, alpha: { kind: "float", value: 0.5 } },
  });

const fusedMatMuls = flags.flatMap(({ transA, transB }) =>
  (
    [
      [[], []],
      [[2], [2]],
      [[2, 1], [3]],
      [[2], []],
    ] as const
  ).map(([batchA, batchB]): GradientCase => ({
    op: "com.microsoft.FusedMatMul",
    name: `${transA ? "t" : "n"}${transB ? "t" : "n"}, batches [${batchA.join()}] and [${batchB.join()}]`,
    inputs: [
      { shape: [...batchA, ...(transA ? [3, 2] : [2, 3])] },
      { shape: [...batchB, ...(transB ? [2, 3] : [3, 2])] },
    ],
    make: (g, [a, b]) => fused(g, [a, b], { transA: transA ? 1 : 0, transB: transB ? 1 : 0 }),
    oracle: ([a, b]) => zip((v) => v / 2, product(transA ? turned(a) : a, transB ? turned(b) : b)),
  })),
);

const EINSUMS: readonly (readonly [equation: string, ...shapes: number[][]])[] = [
  ["ij,jk->ik", [2, 3], [3, 2]],
  ["ij,kj", [2, 3], [2, 3]],
  ["bqhd,bkhd->bhqk", [1, 2, 2, 3], [1, 3, 2, 3]],
  ["i,j->ij", [2], [3]],
  ["i,i->", [3], [3]],
  ["ij,ij->j", [2, 3], [2, 3]],
  ["ijk,k->ij", [2, 2, 3], [3]],
  ["ij,k->k", [2, 3], [2]],
  ["ij->ji", [2, 3]],
  ["ij->", [2, 3]],
  ["ij->i", [2, 3]],
  ["...ij,...jk->...ik", [2, 2, 3], [2, 3, 2]],
  ["...ij,jk->...ik", [2, 2, 3], [3, 2]],
  ["...ij,...jk->...ik", [2, 2, 3], [1, 3, 2]],
  ["i...,i...->...", [2, 3], [2, 1]],
  ["ij,jk,kl->il", [2, 3], [3, 2], [2, 2]],
];

const einsums = EINSUMS.map(([equation, ...shapes]): GradientCase => ({
  op: "Einsum",
  name: `${equation}, ${shapes.map((shape) => `[${shape.join()}]`).join(" ")}`,
  inputs: shapes.map((shape) => ({ shape })),
  make: (g, x) => g.einsum(equation, ...x.slice(0, shapes.length)),
  oracle: (x) => contracted(equation, x.slice(0, shapes.length)),
}));

export const CASES: readonly GradientCase[] = [
  ...matMuls,
  again,
  ...gemms,
  oneGemm(0, "left only"),
  oneGemm(1, "right only"),
  oneGemm(2, "bias only"),
  ...fusedMatMuls,
  ...einsums,
];
