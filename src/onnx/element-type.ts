/** ONNX element types by name and by code (`TensorProto.DataType`). */
import type { Dtype } from "../core/index.ts";
import type { TypedArray } from "../core/index.ts";

/** Everything `TensorProto.DataType` names; the runtime computes with the `Dtype` part of it. */
export type ElementType =
  | Dtype
  | "string"
  | "complex64"
  | "complex128"
  | "float8e4m3fn"
  | "float8e4m3fnuz"
  | "float8e5m2"
  | "float8e5m2fnuz"
  | "uint4"
  | "int4"
  | "float4e2m1";

const CODES: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
};

const NAMES = new Map(Object.entries(CODES).map(([name, code]) => [code, name as ElementType]));

export function elementTypeCode(type: ElementType): number {
  return CODES[type];
}

/** @throws {SyntaxError} for a code that the schema does not have */
export function elementTypeFromCode(code: number): ElementType {
  const name = NAMES.get(code);
  if (name === undefined) {
    throw new SyntaxError(
      `Cannot read ONNX model: element type is code ${code}, must be one of 1 to 23`,
    );
  }
  return name;
}

type TypedArrayConstructor =
  | typeof Uint8Array
  | typeof Int8Array
  | typeof Uint16Array
  | typeof Int16Array
  | typeof Uint32Array
  | typeof Int32Array
  | typeof BigUint64Array
  | typeof BigInt64Array
  | typeof Float32Array
  | typeof Float64Array;

const CONSTRUCTORS: Readonly<Record<Dtype, TypedArrayConstructor>> = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
};

export function isDtype(type: ElementType): type is Dtype {
  return Object.hasOwn(CONSTRUCTORS, type);
}

export function bytesPerElement(dtype: Dtype): number {
  return CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}

/** Zeros, in the array type that holds `dtype`. */
export function allocate(dtype: Dtype, length: number): TypedArray {
  return new CONSTRUCTORS[dtype](length);
}

/** Whether `data` is the array type that holds `dtype` (a subclass such as Buffer counts). */
export function holds(dtype: Dtype, data: TypedArray): boolean {
  return data instanceof CONSTRUCTORS[dtype];
}

/** Little-endian bytes as a typed array: a view where the alignment allows it, else a copy. */
export function typedView(dtype: Dtype, bytes: Uint8Array): TypedArray {
  const Elements = CONSTRUCTORS[dtype];
  const aligned = bytes.byteOffset % Elements.BYTES_PER_ELEMENT === 0;
  // slice() of a Node Buffer would be a view again; the Uint8Array prototype's copies.
  const source = aligned ? bytes : Uint8Array.prototype.slice.call(bytes);
  const length = bytes.byteLength / Elements.BYTES_PER_ELEMENT;
  return new Elements(source.buffer as ArrayBuffer, source.byteOffset, length);
}
