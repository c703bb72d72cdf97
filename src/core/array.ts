/**
 * The plain shape of every tensor that crosses a seam: a dtype, dimensions and the numbers.
 * Operations live in `src/tensor`; this file only names the words, so that `core` needs nothing.
 */

/** Every dtype the runtime carries. `float16`/`bfloat16` are held as raw bits in a `Uint16Array`. */
export type Dtype =
  | "bool"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "uint64"
  | "int64"
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64";

export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** A dense, row-major (C order) array. `data.length` equals the product of `shape`. */
export interface NdArray {
  readonly dtype: Dtype;
  /** Dimensions; `[]` is a scalar with one element. */
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
