/** What a policy that imitates chunks knows of its data, fixed before its first graph is built. */
import type { ComponentSpec, ImageSpec, NdArray, PolicySpec } from "../core/index.ts";
import { actionDim, elementCount } from "../core/index.ts";
import type { DatasetSpec } from "../episode/node.ts";
import { joinStatistics, statisticsTensors } from "../episode/node.ts";
import type { ImageView } from "../onnx/layers/index.ts";
import type { FeatureStatistics, InputBinding } from "../package/index.ts";
import { affineOf, groupStatistics, normalise, wordsOf } from "../package/index.ts";
import type { Batch, BatchNeeds, TrainingData } from "../train/index.ts";
import type { ImitationConfig } from "./config.ts";
import { executedRows } from "./config.ts";
import type { ChunkNumbers, RelativeActions } from "./relative.ts";
import { learnedChunks, originsOf, relativeActions, relativeStatistics } from "./relative.ts";

export interface Imitated extends ChunkNumbers {
  /** Kind of the policy, for messages and names. */
  readonly kind: string;
  readonly config: ImitationConfig;
  /** What the network reads. */
  readonly spec: DatasetSpec;
  /** What the world shows, which may be larger, and what the network sees of it. */
  readonly seen: readonly ImageSpec[];
  readonly view: ImageView;
  /** In the configuration's order. */
  readonly proprio: readonly ComponentSpec[];
  readonly proprioDim: number;
  readonly actionDim: number;
  readonly statistics: Readonly<Record<"proprio" | "action", FeatureStatistics>>;
  /** Words that tell instructions apart; empty where all windows have the same one. */
  readonly vocabulary: readonly string[];
}

/** Feature of a package's statistics: what chunks are that are told from where they begin, row by row. */
export const RELATIVE = "relative action";

/**
 * @throws {TypeError} if the data lack a component
 * @throws {RangeError} if a policy without cameras would see nothing at all
 */
export function imitatedOf(kind: string, config: ImitationConfig, data: TrainingData): Imitated {
  const { spec, images, view, statistics, instructions } = data;
  const names = config.proprio ?? spec.proprio.map(({ name }) => name);
  const proprio = names.map((name) => componentOf(kind, spec, name));
  if (proprio.length === 0) {
    throw new RangeError(
      `Cannot build "${kind}": the data have no proprio, must have at least one component`,
    );
  }
  const columns = names.map((name) => statistics.proprio[name]);
  const known = columns.filter((column) => column !== undefined);
  const own = {
    proprio: steadied(joinStatistics(known)),
    action: steadied(statistics.action),
  };
  return {
    kind,
    config,
    spec,
    seen: images,
    view,
    proprio,
    proprioDim: proprio.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    actionDim: actionDim(spec.action),
    ...relativeOf({ config, proprio, data }),
    statistics: own,
    affine: {
      proprio: affineOf("proprio", own.proprio, "mean_std"),
      action: affineOf("action", own.action, config.actions),
    },
    vocabulary: instructions.length > 1 ? [...new Set(instructions.flatMap(wordsOf))].sort() : [],
  };
}

/** Nothing where the configuration tells no action from anything. */
function relativeOf({
  config,
  proprio,
  data,
}: {
  readonly config: ImitationConfig;
  readonly proprio: readonly ComponentSpec[];
  readonly data: TrainingData;
}): { readonly relative?: RelativeActions } {
  if (config.relative === undefined) return {};
  const { horizon } = config;
  const origins = originsOf(config.relative, { action: data.spec.action.components, proprio });
  const columns = relativeStatistics(data, { horizon, origins, proprio });
  return { relative: relativeActions(origins, steadied(columns), config) };
}

/** What a package that `packageOf` made says of its data. */
export interface PackagedData {
  readonly spec: PolicySpec;
  readonly inputs: readonly InputBinding[];
  /** The key `view` of its `efference` section. */
  readonly view: unknown;
  readonly statistics: ReadonlyMap<string, FeatureStatistics>;
}

/**
 * The same from a package, enough to build graphs that act.
 * @throws {TypeError} if the package lacks something
 */
export function imitatedOfPackage(
  kind: string,
  config: ImitationConfig,
  { spec, inputs, view, statistics }: PackagedData,
): Imitated {
  const { observation, action, controlFreqHz } = spec;
  const own = { proprio: statistics.get("proprio"), action: statistics.get("action") };
  if (observation === "any" || action === "any" || controlFreqHz === undefined) {
    throw new TypeError(
      `Cannot rebuild "${kind}": its spec is open, must say what it sees and makes`,
    );
  }
  const words = inputs.find((input) => input.from === "words");
  const { images, proprio } = observation;
  return {
    kind,
    config,
    spec: { images, proprio, action, controlFreqHz },
    seen: images,
    view: view ?? {},
    proprio,
    proprioDim: proprio.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    actionDim: actionDim(action),
    ...(config.relative === undefined
      ? {}
      : {
          relative: relativeActions(
            originsOf(config.relative, { action: action.components, proprio }),
            statistics.get(RELATIVE) ?? {},
            config,
          ),
        }),
    statistics: { proprio: own.proprio ?? {}, action: own.action ?? {} },
    affine: {
      proprio: affineOf("proprio", own.proprio, "mean_std"),
      action: affineOf("action", own.action, config.actions),
    },
    vocabulary: words?.vocabulary ?? [],
  };
}

function componentOf(kind: string, spec: DatasetSpec, name: string): ComponentSpec {
  const component = spec.proprio.find((known) => known.name === name);
  if (component !== undefined) return component;
  const names = spec.proprio.map((known) => known.name).join(", ");
  throw new TypeError(
    `Cannot build "${kind}": proprio "${name}" is absent, must be one of ${names}`,
  );
}

type Spread = Readonly<Record<"mean" | "std" | "min" | "max", Float64Array>>;

/**
 * Smallest standard deviation and half range that normalisation divides by, in the units of the data: what hardly
 * moves in the demonstrations must not become loud noise when it moves by a little more.
 */
const LEAST = 0.02;

function steadied(columns: Spread): FeatureStatistics {
  const std = columns.std.map((value) => Math.max(value, LEAST));
  const middle = columns.min.map((low, i) => (low + (columns.max[i] ?? low)) / 2);
  const half = columns.min.map((low, i) => Math.max(((columns.max[i] ?? low) - low) / 2, LEAST));
  const min = middle.map((m, i) => m - (half[i] ?? 0));
  const max = middle.map((m, i) => m + (half[i] ?? 0));
  const grouped = groupStatistics(statisticsTensors({ feature: { ...columns, std, min, max } }));
  return grouped.get("feature") ?? {};
}

/** Which part of every window is read. */
export function needsOf({ config }: Imitated): BatchNeeds {
  const { cameras, horizon, observeHorizon, proprio } = config;
  return {
    cameras,
    predictHorizon: horizon,
    ...(observeHorizon === 1 ? {} : { observeHorizon, observeStride: executedRows(config) }),
    ...(proprio === undefined ? {} : { proprio }),
  };
}

/** What the observation's inputs are fed from a batch; see `observationInputs`. */
export function observationFeeds(imitated: Imitated, batch: Batch): Record<string, NdArray> {
  const { config, affine, vocabulary } = imitated;
  const feeds: Record<string, NdArray> = {
    proprio: { ...batch.proprio, data: normalise(batch.proprio.data, affine.proprio) },
  };
  for (const camera of config.cameras) {
    const image = batch.images[camera];
    if (image === undefined) {
      throw new TypeError(
        `Cannot feed "${imitated.kind}": the batch has no image "${camera}", must have`,
      );
    }
    feeds[`image/${camera}`] = image;
  }
  if (vocabulary.length > 0) feeds["words"] = wordRows(batch.instructions, vocabulary);
  return feeds;
}

function wordRows(instructions: readonly string[], vocabulary: readonly string[]): NdArray {
  const data = new Float32Array(instructions.length * vocabulary.length);
  for (const [row, instruction] of instructions.entries()) {
    const words = new Set(wordsOf(instruction));
    for (const [i, word] of vocabulary.entries()) {
      if (words.has(word)) data[row * vocabulary.length + i] = 1;
    }
  }
  return { dtype: "float32", shape: [instructions.length, vocabulary.length], data };
}

/** The demonstrated chunks, `float32[batch, horizon, actionDim]`, as the network learns them. */
export function demonstrated(imitated: Imitated, { actions, proprio }: Batch): Float32Array {
  return learnedChunks(imitated, { chunks: actions.data, proprio: newest(imitated, proprio) });
}

/** `[batch, proprioDim]`: of the frame of the decision. */
function newest({ config, proprioDim }: Imitated, proprio: Batch["proprio"]): Float32Array {
  const { observeHorizon: frames } = config;
  if (frames === 1) return proprio.data;
  const batch = proprio.shape[0] ?? 0;
  const rows = new Float32Array(batch * proprioDim);
  for (let i = 0; i < batch; i++) {
    const from = (i * frames + frames - 1) * proprioDim;
    rows.set(proprio.data.subarray(from, from + proprioDim), i * proprioDim);
  }
  return rows;
}
