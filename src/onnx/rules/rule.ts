/** What a shape rule is, and what rules have in common. */
import type { Dtype, NdArray } from "../../core/index.ts";
import type { Attribute, Int } from "../ir.ts";

/** A dimension while building: a number, or the name of one that is known at run time (`"batch"`). */
export type StaticDim = number | string;

export interface TensorType {
  readonly elementType: Dtype;
  readonly shape: readonly StaticDim[];
}

/** An input of a call: its type, and its numbers if they are known now. */
export interface Operand extends TensorType {
  readonly constant?: NdArray;
}

/** What has an operator and attributes: a call, or a node. */
export interface Attributed {
  readonly opType: string;
  /** Name of the node, with its scope, for messages. */
  readonly name?: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OpCall extends Attributed {
  /** Default `""`, which is `ai.onnx`. */
  readonly domain?: string;
  /** `undefined` = an optional input left out. */
  readonly inputs: readonly (Operand | undefined)[];
  readonly outputCount: number;
}

/** @throws {TypeError} if the inputs do not fit the operator */
export type OpRule = (call: OpCall) => readonly TensorType[];

export function typeWords(type: TensorType): string {
  return `${type.elementType}[${type.shape.join(", ")}]`;
}

export function refuse(call: Attributed, what: string, must: string): never {
  throw new TypeError(`Cannot build ${callWords(call)}: ${what}, ${must}`);
}

/** Operator and node, for messages; a node that bears the operator's name is not named twice. */
export function callWords({
  opType,
  name = opType,
}: {
  readonly opType: string;
  readonly name?: string;
}): string {
  return name === opType ? opType : `${opType} "${name}"`;
}

export function operand(call: OpCall, index: number): Operand {
  const input = call.inputs[index];
  return input ?? refuse(call, `input ${index} is missing`, "must be given");
}

export function sameElementType(call: OpCall, operands: readonly TensorType[]): Dtype {
  const types = new Set(operands.map(({ elementType }) => elementType));
  const [first] = types;
  if (first === undefined || types.size > 1) {
    refuse(call, `inputs are ${operands.map(typeWords).join(" and ")}`, "must have one dtype");
  }
  return first;
}

/** The shape two or more shapes broadcast to (NumPy's rule); symbols only fit themselves and 1. */
export function broadcast(call: OpCall, operands: readonly TensorType[]): StaticDim[] {
  const rank = Math.max(0, ...operands.map(({ shape }) => shape.length));
  const result: StaticDim[] = new Array<StaticDim>(rank).fill(1);
  for (const { shape } of operands) {
    const offset = rank - shape.length;
    for (const [i, dim] of shape.entries()) {
      const have = result[offset + i];
      if (have === 1) result[offset + i] = dim;
      else if (dim !== 1 && dim !== have) {
        refuse(call, `inputs are ${operands.map(typeWords).join(" and ")}`, "must broadcast");
      }
    }
  }
  return result;
}

/** A negative axis counts from the end. */
export function resolveAxis(call: Attributed, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    refuse(call, `axis is ${axis}`, `must be an integer in [${-rank}, ${rank - 1}]`);
  }
  return resolved;
}

export function intAttribute(call: Attributed, name: string, fallback: number): number {
  const attribute = call.attributes[name];
  return attribute?.kind === "int" ? Number(attribute.value) : fallback;
}

export function intsAttribute(call: Attributed, name: string): number[] | undefined {
  const attribute = call.attributes[name];
  return attribute?.kind === "ints" ? attribute.value.map((v: Int) => Number(v)) : undefined;
}

export function floatAttribute(call: Attributed, name: string, fallback: number): number {
  const attribute = call.attributes[name];
  const isNumber = attribute?.kind === "float" || attribute?.kind === "int";
  return isNumber ? Number(attribute.value) : fallback;
}

export function stringAttribute(call: Attributed, name: string, fallback: string): string {
  const attribute = call.attributes[name];
  return attribute?.kind === "string" ? attribute.value : fallback;
}

/** The integers of an input that must be known while building, such as axes. */
export function constantInts(call: OpCall, index: number): number[] | undefined {
  const input = call.inputs[index];
  if (input === undefined) return undefined;
  if (input.constant === undefined)
    refuse(call, `input ${index} is computed`, "must be a constant");
  return Array.from(input.constant.data, Number);
}

/** A single number that must be known while building, such as an axis; `fallback` if it is left out. */
export function constantInt(call: OpCall, index: number, fallback: number): number {
  return constantInts(call, index)?.[0] ?? fallback;
}

const FLOATS: ReadonlySet<Dtype> = new Set(["float16", "bfloat16", "float32", "float64"]);

export function needFloat(call: OpCall, type: TensorType): void {
  if (!FLOATS.has(type.elementType)) {
    refuse(call, `input is ${type.elementType}`, "must be a floating-point tensor");
  }
}

export function needIndices(call: OpCall, type: TensorType): void {
  if (type.elementType !== "int64" && type.elementType !== "int32") {
    refuse(call, `indices are ${type.elementType}`, "must be int32 or int64");
  }
}

/** One rule for several operators. */
export function rulesFor(names: string, rule: OpRule): Record<string, OpRule> {
  return Object.fromEntries(names.split(" ").map((name) => [name, rule]));
}

/** A dimension that must be a number. */
export function fixedDim(call: Attributed, dim: StaticDim | undefined, what: string): number {
  if (typeof dim !== "number") refuse(call, `${what} is ${dim ?? "absent"}`, "must be a number");
  return dim;
}
