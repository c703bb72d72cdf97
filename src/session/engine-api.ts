/**
 * What this folder uses of the engine: ONNX Runtime's JavaScript interface, which its build for Node and its build for
 * browsers share.
 */
import type { NdArray, TypedArray } from "../core/index.ts";
import type { EngineOptions } from "./protocol.ts";

/** A tensor of the engine's. */
export interface EngineTensor {
  readonly type: string;
  readonly dims: readonly number[];
  /** Throws for a tensor on a device. Its `getData()` must never be called: it ends the process. */
  readonly data: TypedArray;
  readonly location: string;
  dispose(): void;
}

export interface EngineMetadata {
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

/** A session of the engine's. */
export interface EngineSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly EngineMetadata[];
  readonly outputMetadata: readonly EngineMetadata[];
  run(
    feeds: Readonly<Record<string, EngineTensor>>,
    fetches: Readonly<Record<string, EngineTensor | null>>,
  ): Promise<Readonly<Record<string, EngineTensor>>>;
  endProfiling(): void;
  release(): Promise<void>;
}

export interface Engine {
  readonly InferenceSession: {
    create(model: Uint8Array | string, options: EngineOptions): Promise<EngineSession>;
  };
  readonly Tensor: new (type: string, data: TypedArray, dims: readonly number[]) => EngineTensor;
  readonly env: { logLevel?: string };
}

/**
 * A tensor over an array's own memory. 16-bit floats go in as integers under another name: newer versions
 * of Node have an array type for them, which onnxruntime-common 1.30 turns them into and its native part
 * does not know.
 */
export function engineTensor({ Tensor }: Engine, { dtype, data, shape }: NdArray): EngineTensor {
  if (dtype !== "float16") return new Tensor(dtype, data, shape);
  return Object.assign(new Tensor("uint16", data, shape), { type: "float16" });
}
