/** What a gradient rule is, and the pieces that rules are made of. */
import type { Dtype } from "../../core/index.ts";
import { allocate } from "../../onnx/index.ts";
import type { BuiltNode, GraphBuilder, StaticDim, TensorType, Value } from "../../onnx/index.ts";

/** What is differentiated: values, and the cotangents they start with. */
export interface VjpRoots {
  readonly outputs: readonly Value[];
  /** One for each output, of its shape and dtype. */
  readonly seeds: readonly Value[];
  /**
   * Slopes of activations of one shape are one chain of nodes over all of them, which costs a copy of their inputs: for
   * graphs of few rows, in which the number of nodes is what takes the time. Default false.
   */
  readonly joinSlopes?: boolean;
}

/** A forward node with what the backward sweep knows when it reaches it. */
export interface VjpCall {
  readonly node: BuiltNode;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  /** Gradient of the loss with respect to each output; `undefined` = the loss does not depend on it. At least one is there. */
  readonly cotangents: readonly (Value | undefined)[];
  /** Whether anybody asks for the gradient of each input. */
  readonly needs: readonly boolean[];
  /** d(output 0)/d(input 0), element by element, where it was computed beforehand. */
  readonly slope: Value | undefined;
  /** The backward sweep itself, for rules that write their operator in terms of others. */
  readonly vjp: (roots: VjpRoots, wrt: readonly Value[]) => readonly Value[];
}

/**
 * The vector-Jacobian product of one operator: emits the nodes that turn output cotangents into input
 * cotangents, in the order of the inputs; `undefined` = no gradient flows there. Rules emit ordinary
 * operators that have rules themselves, which is why gradients of gradients need no further code.
 */
export type VjpRule = (g: GraphBuilder, call: VjpCall) => readonly (Value | undefined)[];

const FLOATS: ReadonlySet<Dtype> = new Set(["float16", "bfloat16", "float32", "float64"]);

/** Whether gradients can flow through values of this dtype. */
export function isFloat(dtype: Dtype): boolean {
  return FLOATS.has(dtype);
}

/** Input `i`, which the operator demands. */
export function inputOf(call: VjpCall, i: number): Value {
  return call.inputs[i] ?? refuseVjp(call, `input ${i} is missing`, "must be given");
}

export function outputOf(call: VjpCall, i: number): Value {
  return call.outputs[i] ?? refuseVjp(call, `output ${i} is missing`, "must be made");
}

/** The cotangent of the first output of an operator that has only one. */
export function cotangentOf(call: VjpCall): Value {
  return call.cotangents[0] ?? refuseVjp(call, "output 0 has no cotangent", "must have one");
}

export function refuseVjp(call: VjpCall, what: string, must: string): never {
  const { opType, name } = call.node;
  throw new TypeError(`Cannot differentiate ${opType} "${name}": ${what}, ${must}`);
}

/** A dimension that the rule must know as a number. */
export function fixedDim(call: VjpCall, dim: StaticDim | undefined, what: string): number {
  if (typeof dim !== "number") refuseVjp(call, `${what} is ${dim ?? "absent"}`, "must be a number");
  return dim;
}

export function fixedShape(call: VjpCall, value: Value): number[] {
  return value.shape.map((dim, i) => fixedDim(call, dim, `dimension ${i} of "${value.name}"`));
}

/** The integers of an input that is known now, such as axes; `undefined` if the input is left out. */
export function constantInts(call: VjpCall, index: number): number[] | undefined {
  const value = call.inputs[index];
  if (value === undefined) return undefined;
  if (value.constant === undefined) {
    refuseVjp(call, `input ${index} is computed`, "must be a constant");
  }
  return Array.from(value.constant.data, Number);
}

export function intOf(call: VjpCall, name: string, fallback: number): number {
  const attribute = call.node.attributes[name];
  return attribute?.kind === "int" ? Number(attribute.value) : fallback;
}

/** As kernels have it: attributes are float32, whatever the tensors are. */
export function floatOf(call: VjpCall, name: string, fallback: number): number {
  const attribute = call.node.attributes[name];
  const given = attribute?.kind === "float" || attribute?.kind === "int";
  return Math.fround(given ? Number(attribute.value) : fallback);
}

export function intsOf(call: VjpCall, name: string): number[] | undefined {
  const attribute = call.node.attributes[name];
  return attribute?.kind === "ints" ? attribute.value.map(Number) : undefined;
}

export function stringOf({ node }: Pick<VjpCall, "node">, name: string, fallback: string): string {
  const attribute = node.attributes[name];
  return attribute?.kind === "string" ? attribute.value : fallback;
}

/** The number of elements of `dims`: a number where all are, else a name for it. */
export function productOf(dims: readonly StaticDim[]): StaticDim {
  const names = dims.filter((dim) => typeof dim === "string").sort();
  const known = dims.reduce<number>(
    (product, dim) => product * (typeof dim === "number" ? dim : 1),
    1,
  );
  if (names.length === 0 || known === 0) return known;
  return [...(known === 1 ? [] : [`${known}`]), ...names].join("*");
}

/** A negative axis counts from the end. */
export function resolvedAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/**
 * Sums `value` down to the shape of `like`, which broadcasts to it: an axis that was repeated forward is
 * summed backward. `value` itself where the shapes are equal.
 */
export function sumTo(g: GraphBuilder, value: Value, like: TensorType): Value {
  const lead = value.shape.length - like.shape.length;
  const repeated = value.shape.flatMap((dim, axis) =>
    axis < lead || (like.shape[axis - lead] === 1 && dim !== 1) ? [axis] : [],
  );
  if (repeated.length === 0) return value;
  // One pass over the data; the axes that were missing in front and those of length 1 come back for free.
  const summed = g.reduceSum(value, repeated, lead === 0);
  return reshapeLike(g, summed, like);
}

/** `value`, which has as many elements, in the shape of `like`. */
export function reshapeLike(g: GraphBuilder, value: Value, like: TensorType): Value {
  const { shape } = like;
  if (value.shape.join() === shape.join()) return value;
  const outputTypes = [{ elementType: value.elementType, shape }];
  const names = shape.filter((dim) => typeof dim !== "number").length;
  if (names > 1 || (names === 1 && shape.includes(0))) {
    const options = { attributes: { allowzero: 1 }, outputTypes };
    return g.one("Reshape", [value, shapeValue(g, like)], options);
  }
  // A known dimension of 0 means itself, not "as in the input".
  const attributes = shape.includes(0) ? { allowzero: 1 } : {};
  const target = g.ints(shape.map((dim) => (typeof dim === "number" ? dim : -1)));
  return g.one("Reshape", [value, target], { attributes, outputTypes });
}

/**
 * `dy * factor`. Where `dy` only repeats a smaller tensor (the gradient of a sum), the smaller one is
 * multiplied instead, and the repeating is never done.
 */
export function times(g: GraphBuilder, dy: Value, factor: Value): Value {
  return g.mul(thinned(g, dy, factor), factor);
}

/** `dy`, or the smaller tensor it repeats if broadcasting against `other` gives the full shape anyway. */
export function thinned(g: GraphBuilder, dy: Value, other: Value): Value {
  if (dy.shape.join() !== other.shape.join()) return dy;
  const node = g.producerOf(dy);
  const source = node?.opType === "Expand" && node.domain === "" ? node.inputs[0] : undefined;
  return source ?? dy;
}

/** `value` repeated to the shape of `like`. */
export function expandTo(g: GraphBuilder, value: Value, like: TensorType): Value {
  if (value.shape.join() === like.shape.join()) return value;
  const { elementType } = value;
  if (like.shape.includes(0) && like.shape.every((dim) => typeof dim === "number")) {
    // onnxruntime 1.30 does not repeat an axis of length 1 no times; there is nothing to compute anyway.
    return g.constant({ dtype: elementType, shape: like.shape, data: allocate(elementType, 0) });
  }
  const options = { outputTypes: [{ elementType, shape: like.shape }] };
  return g.one("Expand", [value, shapeValue(g, like)], options);
}

/** The shape of a value as an int64 tensor: a constant where it is known, a `Shape` node where not. */
export function shapeValue(g: GraphBuilder, value: TensorType): Value {
  const known = value.shape.filter((dim) => typeof dim === "number");
  if (known.length === value.shape.length) return g.ints(known);
  if (!("name" in value)) {
    throw new TypeError(`Cannot reshape to [${value.shape.join(", ")}]: it is not known, must be`);
  }
  return g.shapeOf(value as Value);
}

/** The only number of an input that is known now and holds one; `undefined` if it is computed or many. */
export function constantNumber(call: VjpCall, index: number): number | undefined {
  const data = call.inputs[index]?.constant?.data;
  return data?.length === 1 ? Number(data[0]) : undefined;
}

/** A tensor of one number in the shape and dtype of `like`. */
export function fullLike(g: GraphBuilder, like: TensorType, number: number): Value {
  return expandTo(g, g.scalar(number, like.elementType), like);
}

export function swapLastTwoAxes(g: GraphBuilder, value: Value): Value {
  const axes = value.shape.map((_, axis) => axis);
  const [last, before] = [axes.pop(), axes.pop()];
  if (last === undefined || before === undefined) {
    throw new TypeError(`Cannot transpose "${value.name}": its rank is below 2, must be 2 or more`);
  }
  return g.transpose(value, [...axes, last, before]);
}

/** A value that gradients do not pass; forward it is `x` itself. */
export function stopGradient(g: GraphBuilder, x: Value): Value {
  return g.scope(STOP_GRADIENT, () => g.one("Identity", [x]));
}

/** The scope whose nodes let no gradient through; it survives being written to a file. */
export const STOP_GRADIENT = "stop_gradient";
