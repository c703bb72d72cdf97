/** What a gradient test case is. Cases are data, so that the documentation can list what is tested. */
import type { Dtype } from "../../../src/core/index.ts";
import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";

export interface CaseInput {
  readonly shape: readonly number[];
  /** Uniform in this range; default [-1.5, 1.5]. */
  readonly range?: readonly [number, number];
  /** Kinks: no number is within 0.1 of one of these. */
  readonly avoid?: readonly number[];
  /** No two numbers are within a quarter of a grid step of each other: for maxima and sorting. */
  readonly distinct?: boolean;
  /** Instead of random numbers. */
  readonly values?: readonly number[];
  /** Default: the case's dtype. Only inputs of that are differentiated. */
  readonly dtype?: Exclude<Dtype, "float32" | "float64">;
}

/** A case gets as many as it has inputs; the type has eight so that none has to be asserted. */
export type Operands<T> = readonly [T, T, T, T, T, T, T, T];

export interface GradientCase {
  /** The operator under test; `com.microsoft.Name` for those of other domains. */
  readonly op: string;
  /** What is special: unique for the operator. */
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly make: (g: GraphBuilder, x: Operands<Value>) => Value | readonly Value[];
  /** The same in float64, by loops that share no code with the graph. */
  readonly oracle: (x: Operands<Oracle>) => Oracle | readonly Oracle[];
  /** Indices of the inputs to differentiate; default all of the case's dtype. */
  readonly wrt?: readonly number[];
  /** Default float64; float32 where the engine has no float64 kernel. */
  readonly dtype?: "float32" | "float64";
  /** 1 where a rule emits something that has no second derivative. Default 2. */
  readonly order?: 1 | 2;
  /** Larger than the table's, and why. */
  readonly tolerance?: {
    readonly forward?: number;
    readonly gradient?: number;
    readonly why: string;
  };
}
