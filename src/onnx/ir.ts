/**
 * Graphs as plain readonly data: what `readModel` returns, `GraphBuilder` makes, `checkModel` checks
 * and `writeModel` writes. Names connect things, as in ONNX itself.
 */
import type { NdArray } from "../core/index.ts";
import type { ElementType } from "./element-type.ts";

/** A dimension: a number, a symbol such as `"batch"`, or `null` where nothing is known. */
export type Dim = number | string | null;

export type ValueType =
  /** `shape: null` = even the rank is unknown. */
  | {
      readonly kind: "tensor";
      readonly elementType: ElementType;
      readonly shape: readonly Dim[] | null;
    }
  /** Types that the runtime names but does not carry. */
  | { readonly kind: "sequence" | "map" | "sparse_tensor" | "optional" | "unknown" };

export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType;
}

/** Where a tensor's numbers are. */
export type TensorPayload =
  | { readonly kind: "array"; readonly array: NdArray }
  /** Element types outside `Dtype`, kept as they were. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "strings"; readonly values: readonly Uint8Array[] }
  /** In a file beside the model. `location` is relative, checked by `assertExternalLocation`. */
  | {
      readonly kind: "external";
      readonly location: string;
      readonly offset: number;
      /** `null` = to the end of the file. */
      readonly length: number | null;
    };

export interface Tensor {
  /** Empty for attribute values. */
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly payload: TensorPayload;
}

/** ONNX integers are 64-bit: a `number` where that is exact, else a `bigint`. */
export type Int = number | bigint;

export type Attribute =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: Int }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "ints"; readonly value: readonly Int[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensors"; readonly value: readonly Tensor[] }
  | { readonly kind: "graphs"; readonly value: readonly Graph[] }
  /** Inside a function body: the caller's attribute of that name. */
  | { readonly kind: "reference"; readonly value: string; readonly typeCode: number };

export interface Node {
  readonly name: string;
  readonly opType: string;
  /** `""` is the default domain `ai.onnx`. */
  readonly domain: string;
  /** `""` = an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Parameters and constants, by `Tensor.name`. */
  readonly initializers: readonly Tensor[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Types of inner values, where known. */
  readonly valueInfo: readonly ValueInfo[];
}

/** A model-local function: an operator defined by other operators. */
export interface LocalFunction {
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributeNames: readonly string[];
  readonly attributeDefaults: Readonly<Record<string, Attribute>>;
  readonly nodes: readonly Node[];
  readonly opsets: Readonly<Record<string, number>>;
}

export interface Model {
  readonly irVersion: number;
  /** Operator set version by domain; `""` is the default domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly graph: Graph;
  readonly functions: readonly LocalFunction[];
}
