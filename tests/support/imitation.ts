/** A small world's data as policies that imitate chunks are told of it, and batches of it. */
import type { NdArray } from "../../src/core/index.ts";
import { elementCount, seeded } from "../../src/core/index.ts";
import type { ColumnStatistics } from "../../src/episode/node.ts";
import { freshParameters } from "../../src/onnx/layers/index.ts";
import type { Batch, Trainable, TrainingData } from "../../src/train/index.ts";

const columns = (width: number, [low, high] = [-1, 1]): ColumnStatistics => {
  const all = (value: number): Float64Array => new Float64Array(width).fill(value);
  const [mean, std] = [(low + high) / 2, (high - low) / 2];
  return {
    count: 9,
    mean: all(mean),
    std: all(std),
    min: all(low),
    max: all(high),
    q01: all(low),
    q99: all(high),
  };
};

export interface WorldOptions {
  readonly stateDim?: number;
  readonly actionDim?: number;
  /** Size of the camera `front`; default none. */
  readonly pixels?: number;
  readonly instructions?: readonly string[];
  readonly actionRange?: readonly [number, number];
  readonly stateRange?: readonly [number, number];
}

export function worldData(options: WorldOptions = {}): TrainingData {
  const { stateDim = 3, actionDim = 2, pixels, instructions = ["go"] } = options;
  const { actionRange, stateRange } = options;
  const images =
    pixels === undefined
      ? []
      : [{ name: "front", height: pixels, width: pixels, channels: 3 } as const];
  return {
    spec: {
      images,
      proprio: [{ name: "state", format: "raw", dtype: "float32", shape: [stateDim] }],
      action: {
        components: [{ name: "move", format: "raw", dtype: "float32", shape: [actionDim] }],
      },
      controlFreqHz: 10,
    },
    images,
    view: {},
    statistics: {
      proprio: { state: columns(stateDim, stateRange && [...stateRange]) },
      action: columns(actionDim, actionRange && [...actionRange]),
    },
    episodes: [],
    instructions,
  };
}

export interface BatchOptions extends WorldOptions {
  readonly size: number;
  readonly horizon: number;
  readonly frames?: number;
  readonly seed?: number | string;
  /** Instead of drawn ones. */
  readonly state?: Float32Array;
  readonly actions?: Float32Array;
}

/** Drawn numbers; the last row of the last window does not exist, unless actions are given. */
export function worldBatch(options: BatchOptions): Batch {
  const { size, horizon, frames = 1, stateDim = 3, actionDim = 2, pixels, seed = 0 } = options;
  const rng = seeded(seed).split("batch");
  const floats = (shape: readonly number[], given?: Float32Array): NdArray => ({
    dtype: "float32",
    shape,
    data: given ?? Float32Array.from({ length: elementCount(shape) }, () => rng.normal() / 2),
  });
  const history = frames > 1 ? [frames] : [];
  const mask = new Float32Array(size * horizon).fill(1);
  if (options.actions === undefined) mask[size * horizon - 1] = 0;
  const front =
    pixels === undefined
      ? {}
      : {
          front: {
            dtype: "uint8",
            shape: [size, ...history, pixels, pixels, 3],
            data: Uint8Array.from({ length: size * frames * pixels * pixels * 3 }, () =>
              rng.int(256),
            ),
          },
        };
  return {
    images: front,
    proprio: floats([size, ...history, stateDim], options.state),
    actions: floats([size, horizon, actionDim], options.actions),
    actionMask: { dtype: "float32", shape: [size, horizon], data: mask },
    instructions: Array.from({ length: size }, (_, i) => options.instructions?.[i % 2] ?? "go"),
    tasks: [],
    windows: [],
    position: { epoch: 0, index: 0 },
    next: { epoch: 0, index: size },
    waitMs: 0,
  } as unknown as Batch;
}

/** The parameters that a loss graph declares, as they start. */
export function freshOf(
  trainable: Trainable,
  seed: number | string = "weights",
): Record<string, NdArray> {
  const parameters = freshParameters(seeded(seed));
  const { g } = trainable.lossGraph({ batchSize: 1, parameters });
  return Object.fromEntries([...g.parameters].map(([name, { constant }]) => [name, constant!]));
}
