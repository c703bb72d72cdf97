/** Matrix products. */
import { einsumTerms } from "../../onnx/index.ts";
import type { GraphBuilder, StaticDim, TensorType, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, expandTo, floatOf, inputOf, intOf, productOf, refuseVjp } from "./rule.ts";
import { reshapeLike, stringOf, sumTo, swapLastTwoAxes } from "./rule.ts";

export type LinearOp = "MatMul" | "Gemm" | "Einsum" | "com.microsoft.FusedMatMul";

const RANK_2 = 2;

/**
 * VJP of `Y = MatMul(A, B)`:
 *
 *     A [*batchA, m, k]    B [*batchB, k, n]    Y, dY [*batch, m, n]
 *     dA = sumTo(A, dY · Bᵀ)
 *     dB = sumTo(B, Aᵀ · dY)
 *
 * A `B` without batches, the usual weight, is one product with all rows of all batches (`Gemm` transposes
 * for free). Between batches the transposition is a node of its own, which onnxruntime fuses.
 */
const matMul: VjpRule = (g, call) => {
  const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
  const [left, right] = [matrices(g, a, "row"), matrices(g, b, "column")];
  const batch = cotangentOf(call).shape;
  const lead = batch.slice(0, batch.length - kept(a) - kept(b));
  const [rows = 1, columns = 1] = [left.shape.at(-2), right.shape.at(-1)];
  const { elementType } = a;
  const dy = reshapeLike(g, cotangentOf(call), { elementType, shape: [...lead, rows, columns] });
  const weight = flatWeight(g, right);
  const products =
    weight === undefined ? batched(g, { left, right, dy }) : flattened(g, { left, weight, dy });
  return [
    call.needs[0] === true ? reshapeLike(g, products.byLeft(), a) : undefined,
    call.needs[1] === true ? reshapeLike(g, products.byRight(), b) : undefined,
  ];
};

/** How many axes of an operand appear last in the result. */
function kept({ shape }: Value): number {
  return shape.length === 1 ? 0 : 1;
}

/** An operand of rank 1 is a row on the left, a column on the right. */
function matrices(g: GraphBuilder, value: Value, as: "row" | "column"): Value {
  const { elementType, shape } = value;
  if (shape.length > 1) return value;
  const full = as === "row" ? [1, ...shape] : [...shape, 1];
  return reshapeLike(g, value, { elementType, shape: full });
}

/** The right operand as one matrix, if it is the same for all batches. */
function flatWeight(g: GraphBuilder, right: Value): Value | undefined {
  const { elementType, shape } = right;
  if (shape.slice(0, -RANK_2).some((dim) => dim !== 1)) return undefined;
  return reshapeLike(g, right, { elementType, shape: shape.slice(-RANK_2) });
}

interface Products {
  byLeft(): Value;
  byRight(): Value;
}

function flattened(
  g: GraphBuilder,
  { left, weight, dy }: { left: Value; weight: Value; dy: Value },
): Products {
  const rowsOf = (value: Value): Value => {
    const { elementType, shape } = value;
    const flat = [productOf(shape.slice(0, -1)), shape.at(-1) ?? 1];
    return reshapeLike(g, value, { elementType, shape: flat });
  };
  return {
    byLeft: () => reshapeLike(g, g.gemm(rowsOf(dy), weight, { transB: true }), left),
    byRight: () => g.gemm(rowsOf(left), rowsOf(dy), { transA: true }),
  };
}

function batched(
  g: GraphBuilder,
  { left, right, dy }: { left: Value; right: Value; dy: Value },
): Products {
  return {
    byLeft: () => sumTo(g, g.matmul(dy, swapLastTwoAxes(g, right)), left),
    byRight: () => sumTo(g, g.matmul(swapLastTwoAxes(g, left), dy), right),
  };
}

/** The factors of a product with flags: which are transposed, and what the product is multiplied by. */
interface Flags {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/**
 * `dA` and `dB` of `Y = alpha A' B'`, where `'` transposes if its flag is set:
 *
 *     dA = alpha dY B'ᵀ     or, transposed,  alpha B' dYᵀ
 *     dB = alpha A'ᵀ dY     or, transposed,  alpha dYᵀ A'
 */
function flaggedProducts(
  call: VjpCall,
  product: (a: Value, b: Value, flags: Flags) => Value,
): Products {
  const [a, b, dy] = [inputOf(call, 0), inputOf(call, 1), cotangentOf(call)];
  const transA = intOf(call, "transA", 0) === 1;
  const transB = intOf(call, "transB", 0) === 1;
  const alpha = floatOf(call, "alpha", 1);
  return {
    byLeft: () =>
      transA
        ? product(b, dy, { transA: transB, transB: true, alpha })
        : product(dy, b, { transA: false, transB: !transB, alpha }),
    byRight: () =>
      transB
        ? product(dy, a, { transA: true, transB: transA, alpha })
        : product(a, dy, { transA: !transA, transB: false, alpha }),
  };
}

const gemm: VjpRule = (g, call) => {
  const products = flaggedProducts(call, (a, b, flags) => g.gemm(a, b, flags));
  const c = call.inputs[2];
  const beta = floatOf(call, "beta", 1);
  const byC = (like: Value): Value => {
    const summed = sumTo(g, cotangentOf(call), like);
    return beta === 1 ? summed : g.mul(summed, beta);
  };
  return [
    call.needs[0] === true ? products.byLeft() : undefined,
    call.needs[1] === true ? products.byRight() : undefined,
    c !== undefined && call.needs[2] === true ? byC(c) : undefined,
  ];
};

const fusedMatMul: VjpRule = (g, call) => {
  const products = flaggedProducts(call, (a, b, { transA, transB, alpha }) => {
    const attributes = {
      transA: transA ? 1 : 0,
      transB: transB ? 1 : 0,
      alpha: { kind: "float", value: alpha } as const,
    };
    return g.one("FusedMatMul", [a, b], { domain: "com.microsoft", attributes });
  });
  return [
    call.needs[0] === true ? sumTo(g, products.byLeft(), inputOf(call, 0)) : undefined,
    call.needs[1] === true ? sumTo(g, products.byRight(), inputOf(call, 1)) : undefined,
  ];
};

/**
 * Each operand's gradient is an `Einsum` too: of the cotangent and the other operands, to the operand's own
 * letters. A letter that stands nowhere else was summed alone, so the gradient is the same along its axis.
 */
const einsum: VjpRule = (g, call) => {
  const inputs = call.inputs.map((_, i) => inputOf(call, i));
  const { terms, output } = letteredTerms(call, inputs);
  return inputs.map((x, i) => {
    if (call.needs[i] !== true) return undefined;
    const term = terms[i] ?? "";
    const others = terms.filter((_, k) => k !== i);
    const known = [output, ...others].join("");
    const inside = [...term].filter((letter) => known.includes(letter)).join("");
    const equation = `${[output, ...others].join(",")}->${inside}`;
    const values = [cotangentOf(call), ...inputs.filter((_, k) => k !== i)];
    const product = g.einsum(equation, ...values);
    return spreadTo(g, product, { inside, term, like: x });
  });
};

/** Puts in the axes that `inside` lacks of `term`, and sums those that were broadcast. */
function spreadTo(
  g: GraphBuilder,
  product: Value,
  { inside, term, like }: { inside: string; term: string; like: Value },
): Value {
  const shape: StaticDim[] = [...term].map((letter) => {
    const axis = inside.indexOf(letter);
    return axis < 0 ? 1 : (product.shape[axis] ?? 1);
  });
  const open: TensorType = { elementType: like.elementType, shape };
  return expandTo(g, sumTo(g, reshapeLike(g, product, open), onesFor(shape, like)), like);
}

/** The shape of `like` where it is broadcast to `shape`; 1 elsewhere stays as it is. */
function onesFor(shape: readonly StaticDim[], like: Value): TensorType {
  const target = shape.map((dim, axis) => (like.shape[axis] === 1 ? 1 : dim));
  return { elementType: like.elementType, shape: target };
}

/** The terms with letters instead of `...`. */
function letteredTerms(
  call: VjpCall,
  inputs: readonly Value[],
): { terms: string[]; output: string } {
  const equation = stringOf(call, "equation", "");
  const { inputs: terms, output } = einsumTerms(equation);
  const spare = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"].filter(
    (letter) => !equation.includes(letter),
  );
  const openOf = (term: string, rank: number): number => rank - term.replace("...", "").length;
  const widest = Math.max(
    0,
    ...terms.map((term, i) =>
      term.includes("...") ? openOf(term, inputs[i]?.shape.length ?? 0) : 0,
    ),
  );
  const letters = spare.slice(0, widest).join("");
  const fill = (term: string, count: number): string =>
    term.replace("...", letters.slice(letters.length - count));
  const filled = terms.map((term, i) => fill(term, openOf(term, inputs[i]?.shape.length ?? 0)));
  for (const term of filled) {
    if (new Set(term).size < term.length) {
      refuseVjp(call, `"${equation}" repeats a letter in one term`, "must not (a diagonal)");
    }
  }
  return { terms: filled, output: fill(output, widest) };
}

export const LINEAR_VJPS: Readonly<Record<LinearOp, VjpRule>> = {
  MatMul: matMul,
  Gemm: gemm,
  Einsum: einsum,
  "com.microsoft.FusedMatMul": fusedMatMul,
};
