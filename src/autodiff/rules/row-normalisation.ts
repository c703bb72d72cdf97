/** Normalisation of rows: of the last axes, each row by its own statistics. */
import { allocate } from "../../onnx/index.ts";
import type { GraphBuilder, StaticDim, TensorType, Value } from "../../onnx/index.ts";
import { expandTo, productOf, reshapeLike } from "./rule.ts";
import { composite } from "./composite.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import {
  fixedShape,
  floatOf,
  inputOf,
  intOf,
  outputOf,
  refuseVjp,
  resolvedAxis,
  sumTo,
} from "./rule.ts";

export type RowNormalisationOp =
  | "LayerNormalization"
  | "SimplifiedLayerNormalization"
  | "RMSNormalization"
  | "com.microsoft.SkipLayerNormalization";

/** The operands of a normalisation with the normalised axes made one; `lead` are the other axes. */
interface Rows {
  readonly call: VjpCall;
  readonly lead: readonly StaticDim[];
  readonly width: number;
  readonly x: Value;
  readonly scale: Value;
  /** `undefined` where only the statistics are differentiated. */
  readonly dy: Value | undefined;
  /** `[...lead, 1]`; no mean where none is subtracted. */
  readonly mean: Value | undefined;
  readonly inverse: Value;
  /** Cotangents of the statistics, where they are differentiated. */
  readonly dMean: Value | undefined;
  readonly dInverse: Value | undefined;
}

/**
 * VJP of `y = (x - mean) * inverse * scale + bias` with the statistics that the engine saved. With row sums
 * `s1 = sum(dy * scale)` and `s2 = sum(dy * scale * x)` over a row of `n`:
 *
 *     b  = ((s1 * mean - s2) - dInverse) * inverse³ / n
 *     dx = dy * scale * inverse + x * b + (-b * mean - s1 * inverse / n + dMean / n)
 *
 * The cotangents of the statistics are those that the gradient of this gradient sends.
 */
const layerNormalization: VjpRule = (g, call) => {
  const rows = rowsOf(g, call, true);
  const [x, scale, bias, dy] = [rows.x, rows.scale, call.inputs[2], call.cotangents[0]];
  const product = rows.dy === undefined ? undefined : g.mul(rows.dy, x);
  const dx = call.needs[0] === true ? inputGradient(g, rows, product) : undefined;
  let dScale: Value | undefined;
  if (call.needs[1] === true && product !== undefined && rows.dy !== undefined) {
    const weighed = columnSums(g, rows.inverse, product);
    const mean = rows.mean ?? refuseVjp(call, "no mean", "must be there");
    const shifted = columnSums(g, g.mul(rows.inverse, mean), rows.dy);
    dScale = reshapeLike(g, g.sub(weighed, shifted), scale);
  }
  const isBiased = call.needs[2] === true && bias !== undefined && dy !== undefined;
  return [dx, asInput(g, call, dScale), isBiased ? sumTo(g, dy, bias) : undefined];
};

/**
 * The same without mean and bias (Zhang & Sennrich 2019, arXiv:1910.07467), in as few nodes as there can be: with few
 * rows their number is what a gradient costs.
 *
 *     dx = (dy * scale - x * inverse² * (s2 + dInverse) / n) * inverse
 */
const simplified: VjpRule = (g, call) => {
  const rows = rowsOf(g, call, false);
  const product = rows.dy === undefined ? undefined : g.mul(rows.dy, rows.x);
  const dx = call.needs[0] === true ? simplifiedGradient(g, rows, product) : undefined;
  const isScaled = call.needs[1] === true && product !== undefined;
  return [dx, asInput(g, call, isScaled ? columnSums(g, rows.inverse, product) : undefined)];
};

function asInput(g: GraphBuilder, call: VjpCall, dScale: Value | undefined): Value | undefined {
  return dScale === undefined ? undefined : reshapeLike(g, dScale, inputOf(call, 1));
}

function inputGradient(g: GraphBuilder, rows: Rows, product: Value | undefined): Value {
  const { x, scale, dy, mean, inverse, dMean, dInverse, width } = rows;
  const column = g.reshape(scale, [width, 1]);
  const rowSum = (value: Value): Value => g.matmul(value, column);
  const s1 = mean === undefined || dy === undefined ? undefined : rowSum(dy);
  const s2 = product === undefined ? undefined : rowSum(product);
  // Everything that is multiplied by x, then everything that is added to a row; all `[...lead, 1]`.
  const centred = s1 === undefined || mean === undefined ? undefined : g.mul(s1, mean);
  const pull = sumOf(g, [
    centred,
    s2 === undefined ? undefined : g.neg(s2),
    dInverse === undefined ? undefined : g.neg(dInverse),
  ]);
  const cube = g.mul(inverse, g.mul(g.mul(inverse, inverse), 1 / width));
  const b = pull === undefined ? undefined : g.mul(pull, cube);
  const shift = sumOf(g, [
    b === undefined || mean === undefined ? undefined : g.neg(g.mul(b, mean)),
    s1 === undefined ? undefined : g.mul(g.mul(s1, inverse), -1 / width),
    dMean === undefined ? undefined : g.mul(dMean, 1 / width),
  ]);
  const dx = sumOf(g, [
    dy === undefined ? undefined : g.mul(g.mul(dy, scale), inverse),
    b === undefined ? undefined : g.mul(x, b),
    shift,
  ]);
  if (dx === undefined) return refuseVjp(rows.call, "no output has a cotangent", "one must");
  // Where only a mean is differentiated, the same for the whole row.
  return reshapeLike(g, expandTo(g, dx, x), inputOf(rows.call, 0));
}

function simplifiedGradient(g: GraphBuilder, rows: Rows, product: Value | undefined): Value {
  const { x, scale, dy, inverse, dInverse, width } = rows;
  if (dy !== undefined && isOnes(g, scale)) return plainGradient(g, rows, dy);
  // The factor -1 / n stands where the engine can compute it beforehand, if the scale is constant.
  const column = g.mul(g.reshape(scale, [width, 1]), -1 / width);
  const pull = sumOf(g, [
    product === undefined ? undefined : g.matmul(product, column),
    dInverse === undefined ? undefined : g.mul(dInverse, -1 / width),
  ]);
  const inner = sumOf(g, [
    dy === undefined ? undefined : g.mul(dy, scale),
    pull === undefined ? undefined : g.mul(x, g.mul(pull, g.mul(inverse, inverse))),
  ]);
  if (inner === undefined) return refuseVjp(rows.call, "no output has a cotangent", "one must");
  return reshapeLike(g, g.mul(inner, inverse), inputOf(rows.call, 0));
}

/** Without a scale what is normalised is the output: `dx = (dy - y (mean(dy y) + dInverse inverse / n)) inverse`. */
function plainGradient(g: GraphBuilder, rows: Rows, dy: Value): Value {
  const { inverse, dInverse, width, call } = rows;
  const y = reshapeLike(g, outputOf(call, 0), rows.x);
  const { elementType } = y;
  const data = allocate(elementType, width);
  for (let i = 0; i < width; i++) data[i] = 1 / width;
  const column = g.constant({ dtype: elementType, shape: [width, 1], data });
  const mean = g.matmul(g.mul(dy, y), column);
  const drift = dInverse === undefined ? undefined : g.mul(g.mul(dInverse, inverse), 1 / width);
  const pull = drift === undefined ? mean : g.add(mean, drift);
  const dx = g.mul(g.sub(dy, g.mul(y, pull)), inverse);
  return reshapeLike(g, dx, inputOf(call, 0));
}

/** A constant of ones; what a parameter starts with says nothing of what it becomes. */
function isOnes(g: GraphBuilder, scale: Value): boolean {
  const data = scale.constant?.data as Float32Array | undefined;
  if (data?.every((value) => value === 1) !== true) return false;
  return ![...g.parameters.values()].includes(scale);
}

function sumOf(g: GraphBuilder, terms: readonly (Value | undefined)[]): Value | undefined {
  return terms.reduce((sum, term) =>
    sum === undefined || term === undefined ? (sum ?? term) : g.add(sum, term),
  );
}

/** The sum over rows of `weights[..., 1] * x[..., width]`. */
function columnSums(g: GraphBuilder, weights: Value, x: Value): Value {
  const { elementType, shape } = x;
  const [rows, width] = [productOf(shape.slice(0, -1)), shape.at(-1) ?? 1];
  const row = reshapeLike(g, weights, { elementType, shape: [1, rows] });
  return g.gemm(row, reshapeLike(g, x, { elementType, shape: [rows, width] }));
}

function rowsOf(g: GraphBuilder, call: VjpCall, centred: boolean): Rows {
  const input = inputOf(call, 0);
  const rank = input.shape.length;
  const axis = resolvedAxis(intOf(call, "axis", -1), rank);
  const lead = input.shape.slice(0, axis);
  const scale = inputOf(call, 1);
  const width = fixedShape(call, scale).reduce((product, dim) => product * dim, 1);
  const flat = (value: Value): Value =>
    axis === rank - 1 ? value : g.reshape(value, [...lead, width]);
  const statistic = (value: Value): Value =>
    axis === rank - 1 ? value : g.reshape(value, [...lead, 1]);
  const dy = call.cotangents[0];
  const rows = {
    call,
    lead,
    width,
    x: flat(input),
    scale: scale.shape.length === 1 ? scale : g.reshape(scale, [width]),
    dy: dy === undefined ? undefined : flat(dy),
  };
  const saved = input.elementType === "float32" ? savedStatistics(g, call, axis) : undefined;
  if (saved === undefined) {
    return { ...rows, ...computedStatistics(g, rows.x, { call, centred }), ...NO_COTANGENTS };
  }
  const [mean, inverse] = centred ? saved : [undefined, saved[0]];
  const cotangents = call.cotangents.slice(1).map((d) => (d === undefined ? d : statistic(d)));
  const [dMean, dInverse] = centred ? cotangents : [undefined, cotangents[0]];
  return {
    ...rows,
    mean: mean === undefined ? undefined : statistic(mean),
    inverse: statistic(inverse ?? refuseVjp(call, "statistics are missing", "must be made")),
    dMean,
    dInverse,
  };
}

const NO_COTANGENTS = { dMean: undefined, dInverse: undefined } as const;

/** Outputs 1 and up: mean and reciprocal deviation, or only that. */
function savedStatistics(g: GraphBuilder, call: VjpCall, axis: number): readonly Value[] {
  const { elementType, shape } = inputOf(call, 0);
  const statistic: TensorType = {
    elementType: "float32",
    shape: shape.map((dim, i) => (i < axis ? dim : 1)),
  };
  const count = call.node.opType === "LayerNormalization" ? 2 : 1;
  const types = [{ elementType, shape }, ...new Array<TensorType>(count).fill(statistic)];
  return g.moreOutputs(call.node, types).slice(1);
}

/** The engine's statistics are float32 whatever the input is: other dtypes compute their own. */
function computedStatistics(
  g: GraphBuilder,
  x: Value,
  { call, centred }: { readonly call: VjpCall; readonly centred: boolean },
): { readonly mean: Value | undefined; readonly inverse: Value } {
  const mean = centred ? g.reduceMean(x, [-1], true) : undefined;
  const distance = mean === undefined ? x : g.sub(x, mean);
  const variance = g.reduceMean(g.mul(distance, distance), [-1], true);
  const inverse = g.reciprocal(g.sqrt(g.add(variance, floatOf(call, "epsilon", 1e-5))));
  return { mean, inverse };
}

const rms = composite((g, call) => [
  g.rmsNorm(inputOf(call, 0), inputOf(call, 1), {
    axis: intOf(call, "axis", -1),
    epsilon: floatOf(call, "epsilon", 1e-5),
  }),
]);

/** A residual sum that is normalised. Outputs: the result, two statistics that only training builds fill, the sum. */
const skipLayerNormalization = composite((g, call) => {
  const [beta, bias] = [call.inputs[3], call.inputs[4]];
  const sum = g.add(inputOf(call, 0), inputOf(call, 1));
  const all = bias === undefined ? sum : g.add(sum, bias);
  const y = g.layerNorm(all, inputOf(call, 2), {
    epsilon: floatOf(call, "epsilon", 1e-12),
    ...(beta === undefined ? {} : { bias: beta }),
  });
  return [y, undefined, undefined, all];
});

export const ROW_NORMALISATION_VJPS: Readonly<Record<RowNormalisationOp, VjpRule>> = {
  LayerNormalization: layerNormalization,
  SimplifiedLayerNormalization: simplified,
  RMSNormalization: rms,
  "com.microsoft.SkipLayerNormalization": skipLayerNormalization,
};
