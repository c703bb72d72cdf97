/** The messages between a session and its worker thread, `worker.mjs`. */
import type { TypedArray } from "../core/index.ts";

export interface WireTensor {
  /** onnxruntime's type name, which is ours but for `bfloat16` (which it does not have). */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** The engine's configuration keys, `session.set_denormal_as_zero` and so on, as objects within objects. */
export interface ExtraOptions {
  readonly session: {
    readonly set_denormal_as_zero?: "1";
    readonly intra_op?: { readonly allow_spinning: "0" };
  };
}

/** A file that tensors of a model are stored in, by the location that the model gives it. */
export interface ExternalData {
  readonly path: string;
  readonly data: Uint8Array;
}

/** onnxruntime's session options, as far as they are set. */
export interface EngineOptions {
  readonly executionProviders: readonly (
    string | { readonly name: string; readonly deviceId?: number }
  )[];
  readonly intraOpNumThreads: number;
  readonly interOpNumThreads: number;
  readonly graphOptimizationLevel: "disabled" | "basic" | "extended" | "all";
  readonly enableCpuMemArena: boolean;
  readonly enableMemPattern?: boolean;
  readonly enableProfiling?: boolean;
  readonly profileFilePrefix?: string;
  /** Outputs that stay in the device's memory; needs all outputs to be fetched on every run. */
  readonly preferredOutputLocation?: Readonly<Record<string, "cpu" | "gpu-buffer">>;
  readonly extra?: ExtraOptions;
  readonly externalData?: readonly ExternalData[];
}

export type ToWorker =
  | {
      readonly kind: "open";
      readonly id: number;
      /** A serialised model, or the path of one (needed when its data lies in other files). */
      readonly model: Uint8Array | string;
      readonly options: EngineOptions;
      /** A graph to be opened first where denormals are to be 0; see `denormals.ts`. */
      readonly primer?: Uint8Array;
    }
  | {
      readonly kind: "run";
      readonly id: number;
      readonly feeds: Readonly<Record<string, WireTensor>>;
      /** Names of the outputs wanted; `null` = all. */
      readonly fetches: readonly string[] | null;
    }
  | { readonly kind: "backends"; readonly id: number }
  | { readonly kind: "close"; readonly id: number };

export interface WirePort {
  readonly name: string;
  readonly dtype: string;
  /** Numbers, or names of dimensions known at run time. */
  readonly shape: readonly (number | string)[];
}

export interface OpenedBody {
  readonly inputs: readonly WirePort[];
  readonly outputs: readonly WirePort[];
  readonly openMs: number;
  readonly denormalsAsZero: boolean;
}
export interface RunBody {
  readonly outputs: Readonly<Record<string, WireTensor>>;
  /** Time in the engine. */
  readonly runMs: number;
}
export type BackendsBody = readonly { readonly name: string; readonly bundled: boolean }[];

export type FromWorker =
  | { readonly id: number; readonly ok: true; readonly body: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly error: { readonly name: string; readonly message: string; readonly stack: string };
    };
