/** Normalised exponentials. */
import type { BuiltNode, GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, inputOf, intOf, outputOf, resolvedAxis } from "./rule.ts";

export type SoftmaxOp = "Softmax" | "LogSoftmax";

function axisOf(call: VjpCall): number {
  return resolvedAxis(intOf(call, "axis", -1), inputOf(call, 0).shape.length);
}

/** `dx = y * (dy - sum(dy * y))` */
const softmax: VjpRule = (g, call) => {
  const [y, dy, axis] = [outputOf(call, 0), cotangentOf(call), axisOf(call)];
  const sums = attentionSums(g, call, axis) ?? g.reduceSum(g.mul(dy, y), [axis], true);
  return [g.mul(y, g.sub(dy, sums))];
};

/**
 * `sum(dP * P)` along the keys, where `P` are the probabilities of an attention. Then `dP = dO Vᵀ` and
 * `O = P V`, so that it is also `sum(dO * O)` along the width of a head (Dao et al. 2022, arXiv:2205.14135,
 * appendix B.2), which is shorter than the keys. An identity of what the graph computes, whatever `dO` is.
 * @returns `undefined` where the graph is another, or nothing is saved
 */
function attentionSums(g: GraphBuilder, call: VjpCall, axis: number): Value | undefined {
  const [p, dp] = [outputOf(call, 0), cotangentOf(call)];
  const product = productWithTransposed(g, dp);
  if (product === undefined || axis !== p.shape.length - 1) return undefined;
  const [cotangent, values] = product;
  const [width, keys] = [cotangent.shape.at(-1), p.shape.at(-1)];
  if (typeof width !== "number" || typeof keys !== "number" || width >= keys) return undefined;
  const forward = g.nodes.find(
    (node) => isPlainProduct(node) && node.inputs[0] === p && node.inputs[1] === values,
  );
  const result = forward?.outputs[0];
  if (result === undefined || result.shape.join() !== cotangent.shape.join()) return undefined;
  return g.reduceSum(g.mul(cotangent, result), [-1], true);
}

function isPlainProduct({ opType, attributes }: BuiltNode): boolean {
  return opType === "MatMul" || (opType === "FusedMatMul" && Object.keys(attributes).length === 0);
}

/** `a` and `b` where `value` is `a bᵀ` and nothing else. */
function productWithTransposed(g: GraphBuilder, value: Value): [Value, Value] | undefined {
  const node = g.producerOf(value);
  const [a, b] = node?.inputs ?? [];
  if (node === undefined || a === undefined || b === undefined) return undefined;
  if (node.opType === "MatMul") {
    const transpose = g.producerOf(b);
    const original = transpose?.inputs[0];
    return original !== undefined && swapsLastTwo(transpose) ? [a, original] : undefined;
  }
  const { transB, alpha, ...others } = node.attributes;
  const plain = Object.values(others).every(({ kind, value: it }) => kind === "int" && it === 0);
  const isOne = alpha === undefined || (alpha.kind === "float" && alpha.value === 1);
  const flipped = transB?.kind === "int" && Number(transB.value) === 1;
  return node.opType === "FusedMatMul" && plain && isOne && flipped ? [a, b] : undefined;
}

function swapsLastTwo(node: BuiltNode | undefined): boolean {
  const perm = node?.opType === "Transpose" ? node.attributes["perm"] : undefined;
  if (perm?.kind !== "ints") return false;
  const rank = perm.value.length;
  const swapped = (axis: number): number => (axis < rank - 2 ? axis : 2 * rank - 3 - axis);
  return perm.value.every((from, axis) => Number(from) === swapped(axis));
}

/** `dx = dy - exp(y) * sum(dy)` */
const logSoftmax: VjpRule = (g, call) => [
  logSoftmaxGradient(g, outputOf(call, 0), { dy: cotangentOf(call), axis: axisOf(call) }),
];

export function logSoftmaxGradient(
  g: GraphBuilder,
  y: Value,
  { dy, axis }: { readonly dy: Value; readonly axis: number },
): Value {
  return g.sub(dy, g.mul(g.exp(y), g.reduceSum(dy, [axis], true)));
}

export const SOFTMAX_VJPS: Readonly<Record<SoftmaxOp, VjpRule>> = {
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};
