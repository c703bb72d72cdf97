import type { NdArray, Rng } from "../../src/core/index.ts";
import type { GraphBuilder, Model } from "../../src/onnx/index.ts";

export interface LlamaConfig {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  /** Positions that there are angles for. */
  readonly context: number;
  /** Largest magnitude of a matrix entry. */
  readonly spread?: number;
  /** A fixed number of cache slots; default free. */
  readonly slots?: number;
}

export interface LlamaWeights {
  readonly embedding: NdArray;
  readonly norm: NdArray;
  readonly blocks: readonly Readonly<Record<string, NdArray>>[];
}

export function llamaWeights(config: LlamaConfig, rng: Rng): LlamaWeights;
export function buildLlama(
  builder: typeof GraphBuilder,
  options: {
    readonly config: LlamaConfig;
    readonly weights: LlamaWeights;
    readonly cached: boolean;
  },
): Model;
