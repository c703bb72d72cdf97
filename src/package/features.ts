/** What flows from an observation to a graph: named arrays and texts, and what is known of them beforehand. */
import type { Dtype, NdArray } from "../core/index.ts";
import type { SessionPort } from "../session/index.ts";

/** An array with a leading batch dimension of 1, or a text that is not yet made into numbers. */
export type Feature = NdArray | string;

/** By name, in the order in which they came. */
export type Features = Map<string, Feature>;

/** Names and dtypes before anything runs, so that mistakes are found when a package is loaded. */
export type FeatureKinds = Map<string, Dtype | "text">;

/** One step between an observation and a graph. */
export interface Preprocessor {
  /** Short name, for messages and `inspect`. */
  readonly type: string;
  /**
   * Changes `kinds` as `apply` will change the features.
   * @returns the names that the step reads
   * @throws {RangeError} if a feature is absent or of the wrong kind
   */
  plan(kinds: FeatureKinds): readonly string[];
  /** Changes the features in place; the arrays themselves are not changed. */
  apply(features: Features): void;
}

/** @throws {RangeError} unless there is a text of that name */
export function textOf(features: Features, name: string): string {
  const text = features.get(name);
  if (typeof text !== "string") throw new RangeError(`Cannot decide: there is no text "${name}"`);
  return text;
}

/** @throws {RangeError} unless there is an array of that name */
export function arrayOf(features: Features, name: string): NdArray {
  const array = features.get(name);
  if (array === undefined || typeof array === "string") {
    throw new RangeError(`Cannot decide: there is no array "${name}"`);
  }
  return array;
}

/** @throws {RangeError} unless a feature of that name and kind is there */
export function requireKind(
  kinds: FeatureKinds,
  want: { readonly type: string; readonly name: string; readonly kind: "text" | "array" },
): void {
  const kind = kinds.get(want.name);
  if (kind !== undefined && (kind === "text") === (want.kind === "text")) return;
  const what = kind === undefined ? "absent" : `of kind ${kind}`;
  const names = [...kinds.keys()].map((known) => `"${known}"`).join(", ");
  throw new RangeError(
    `Cannot load policy: the step "${want.type}" reads "${want.name}", which is ${what}, ` +
      `must be ${want.kind === "text" ? "a text" : "an array"} among ${names === "" ? "no features" : names}`,
  );
}

/** What can be fed as what without a number changing its meaning. */
const CASTS: Readonly<Partial<Record<Dtype, readonly Dtype[]>>> = {
  float32: ["float32", "float64"],
  uint8: ["uint8"],
  int64: ["int64", "int32", "float32"],
  bool: ["bool", "int64", "int32", "float32"],
};

export function castable(from: Dtype | "text", to: Dtype): boolean {
  return from !== "text" && (from === to || (CASTS[from] ?? []).includes(to));
}

/** Numbers as another dtype. @throws {TypeError} if there is no cast */
export function cast(array: NdArray, dtype: Dtype): NdArray {
  if (array.dtype === dtype) return array;
  const { shape } = array;
  const numbers = Array.from(array.data, Number);
  switch (castable(array.dtype, dtype) ? dtype : undefined) {
    case "int64":
      return { dtype, shape, data: BigInt64Array.from(numbers, BigInt) };
    case "int32":
      return { dtype, shape, data: Int32Array.from(numbers) };
    case "float32":
      return { dtype, shape, data: Float32Array.from(numbers) };
    case "float64":
      return { dtype, shape, data: Float64Array.from(numbers) };
    default:
      throw new TypeError(`Cannot decide: a feature is ${array.dtype}, must be ${dtype}`);
  }
}

/** A copy of its own, as the input wants it. A session may take its buffer away. */
export function feedOf(array: NdArray, port: SessionPort): NdArray {
  const fed = cast(array, port.dtype);
  return { ...fed, data: fed.data.slice() };
}
