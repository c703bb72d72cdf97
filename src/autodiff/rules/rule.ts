/** What a gradient rule is, and the pieces that rules are made of. */
import type { Dtype } from "../../core/index.ts";
import type { BuiltNode, GraphBuilder, StaticDim, Value } from "../../onnx/index.ts";

/** A forward node with what the backward sweep knows when it reaches it. */
export interface VjpCall {
  readonly node: BuiltNode;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  /** Gradient of the loss with respect to each output; `undefined` = the loss does not depend on it. At least one is there. */
  readonly cotangents: readonly (Value | undefined)[];
  /** Whether anybody asks for the gradient of each input. */
  readonly needs: readonly boolean[];
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

export function floatOf(call: VjpCall, name: string, fallback: number): number {
  const attribute = call.node.attributes[name];
  return attribute?.kind === "float" || attribute?.kind === "int"
    ? Number(attribute.value)
    : fallback;
}

export function intsOf(call: VjpCall, name: string): number[] | undefined {
  const attribute = call.node.attributes[name];
  return attribute?.kind === "ints" ? attribute.value.map(Number) : undefined;
}

export function stringOf(call: VjpCall, name: string, fallback: string): string {
  const attribute = call.node.attributes[name];
  return attribute?.kind === "string" ? attribute.value : fallback;
}

/** A negative axis counts from the end. */
export function resolvedAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/**
 * Sums `value` down to the shape of `like`, which broadcasts to it: an axis that was repeated forward is
 * summed backward. `value` itself where the shapes are equal.
 */
export function sumTo(g: GraphBuilder, value: Value, like: Value): Value {
  const lead = value.shape.length - like.shape.length;
  const repeated = value.shape.flatMap((dim, axis) =>
    axis >= lead && like.shape[axis - lead] === 1 && dim !== 1 ? [axis] : [],
  );
  const kept = repeated.length === 0 ? value : g.reduceSum(value, repeated, true);
  if (lead === 0) return kept;
  const axes = Array.from({ length: lead }, (_, axis) => axis);
  return g.reduceSum(kept, axes, false);
}

/** `value` repeated to the shape of `like`, which has its dtype. */
export function expandTo(g: GraphBuilder, value: Value, like: Value): Value {
  if (value.shape.join() === like.shape.join()) return value;
  const { elementType, shape } = like;
  const options = { outputTypes: [{ elementType, shape }] };
  return g.one("Expand", [value, shapeValue(g, like)], options);
}

/** The shape of a value as an int64 tensor: a constant where it is known, a `Shape` node where not. */
export function shapeValue(g: GraphBuilder, value: Value): Value {
  const known = value.shape.filter((dim) => typeof dim === "number");
  return known.length === value.shape.length ? g.ints(known) : g.shapeOf(value);
}

/** A tensor of one number in the shape and dtype of `like`. */
export function fullLike(g: GraphBuilder, like: Value, number: number): Value {
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
