import type { Dtype, TypedArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";

export interface DtypeInfo {
  readonly bytesPerElement: number;
  readonly kind: "bool" | "uint" | "int" | "float";
  /** The array that holds it; 16-bit floats are held as raw bits. */
  readonly arrayType: TypedArrayConstructor;
}

export type TypedArrayConstructor =
  | Uint8ArrayConstructor
  | Int8ArrayConstructor
  | Uint16ArrayConstructor
  | Int16ArrayConstructor
  | Uint32ArrayConstructor
  | Int32ArrayConstructor
  | BigUint64ArrayConstructor
  | BigInt64ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor;

const table: Readonly<Record<Dtype, DtypeInfo>> = {
  bool: { bytesPerElement: 1, kind: "bool", arrayType: Uint8Array },
  uint8: { bytesPerElement: 1, kind: "uint", arrayType: Uint8Array },
  int8: { bytesPerElement: 1, kind: "int", arrayType: Int8Array },
  uint16: { bytesPerElement: 2, kind: "uint", arrayType: Uint16Array },
  int16: { bytesPerElement: 2, kind: "int", arrayType: Int16Array },
  uint32: { bytesPerElement: 4, kind: "uint", arrayType: Uint32Array },
  int32: { bytesPerElement: 4, kind: "int", arrayType: Int32Array },
  uint64: { bytesPerElement: 8, kind: "uint", arrayType: BigUint64Array },
  int64: { bytesPerElement: 8, kind: "int", arrayType: BigInt64Array },
  float16: { bytesPerElement: 2, kind: "float", arrayType: Uint16Array },
  bfloat16: { bytesPerElement: 2, kind: "float", arrayType: Uint16Array },
  float32: { bytesPerElement: 4, kind: "float", arrayType: Float32Array },
  float64: { bytesPerElement: 8, kind: "float", arrayType: Float64Array },
};

/** Every dtype, in the order of the table. */
export const DTYPES = Object.keys(table) as readonly Dtype[];

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(table, name);
}

export function dtypeInfo(dtype: Dtype): DtypeInfo {
  return table[dtype];
}

/**
 * Bytes of a dense array.
 * @throws {RangeError} if a dimension is no whole number >= 0, or the product exceeds 2^53
 */
export function byteLength(dtype: Dtype, shape: readonly number[]): number {
  const bad = shape.find((dim) => !Number.isSafeInteger(dim) || dim < 0);
  const bytes = elementCount(shape) * table[dtype].bytesPerElement;
  if (bad !== undefined || !Number.isSafeInteger(bytes)) {
    throw new RangeError(
      `Cannot size an array: its shape is [${shape.join(", ")}], dimensions must be whole numbers >= 0 and fit in memory`,
    );
  }
  return bytes;
}

/** Zeros. */
export function allocate(dtype: Dtype, length: number): TypedArray {
  return new table[dtype].arrayType(length);
}

/**
 * Looks at little-endian bytes as an array of a dtype: without a copy where they are aligned, else
 * with one (a slice of a network message may start anywhere).
 * @throws {RangeError} if the bytes are no whole number of elements
 */
export function typedArrayFromBytes(dtype: Dtype, bytes: Uint8Array): TypedArray {
  const { bytesPerElement, arrayType } = table[dtype];
  if (bytes.byteLength % bytesPerElement !== 0) {
    throw new RangeError(
      `Cannot view bytes as ${dtype}: there are ${bytes.byteLength}, must be a multiple of ${bytesPerElement}`,
    );
  }
  const aligned = bytes.byteOffset % bytesPerElement === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, byteLength: size } = aligned;
  return new arrayType(buffer as ArrayBuffer, byteOffset, size / bytesPerElement);
}

/** The same memory as bytes; never copies. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
