/** What training needs of ACT: the loss of a batch, and the package that trained parameters make. */
import type { ComponentSpec, ImageSpec, NdArray } from "../../src/core/index.ts";
import { actionDim, elementCount } from "../../src/core/index.ts";
import type { ColumnStatistics, DatasetSpec } from "../../src/episode/node.ts";
import { joinStatistics, statisticsTensors } from "../../src/episode/node.ts";
import type { Value } from "../../src/onnx/index.ts";
import { GraphBuilder, writeModel } from "../../src/onnx/index.ts";
import type { ImageView, ParameterStore } from "../../src/onnx/layers/index.ts";
import { storedParameters, viewed } from "../../src/onnx/layers/index.ts";
import type {
  ChunkSpec,
  FeatureStatistics,
  InputBinding,
  PackageContent,
} from "../../src/package/index.ts";
import {
  affineOf,
  chunkManifest,
  flatStatistics,
  groupStatistics,
  normalise,
  wordsOf,
  writeSafetensors,
} from "../../src/package/index.ts";
import type {
  Batch,
  LossGraph,
  Provenance,
  Trainable,
  TrainingData,
} from "../../src/train/index.ts";
import type { ActConfig } from "./config.ts";
import { actModel } from "./model.ts";

/**
 * Action chunking with transformers, after Zhao et al. 2023, arXiv:2304.13705, smaller and without its
 * variational encoder: demonstrations of one scripted expert have no style to be encoded. Images go through a
 * small convolutional network and a spatial softmax instead of ResNet-18, conditioned on the instruction.
 */
export function actTrainable(config: ActConfig, data: TrainingData): Trainable {
  const vocabulary = [...new Set(data.instructions.flatMap(wordsOf))].sort();
  const width = actionDim(data.spec.action);
  const shape: ModelShape = {
    config,
    spec: data.spec,
    seen: data.images,
    view: data.view,
    proprio: config.proprio.map((name) => componentOf(data.spec, name)),
    statistics: statisticsOf(config, data),
    vocabulary,
    actionDim: width,
  };
  const affine = {
    proprio: affineOf("proprio", shape.statistics.proprio, "mean_std"),
    action: affineOf("action", shape.statistics.action, "mean_std"),
  };
  return {
    name: "act",
    needs: {
      cameras: config.cameras,
      predictHorizon: config.horizon,
      proprio: config.proprio,
    },
    lossGraph: (request) => lossGraph(shape, request),
    feeds: (batch) => ({
      ...Object.fromEntries(
        config.cameras.map((camera) => [`image/${camera}`, present(batch.images[camera], camera)]),
      ),
      proprio: { ...batch.proprio, data: normalise(batch.proprio.data, affine.proprio) },
      words: wordRows(batch, vocabulary),
      actions: { ...batch.actions, data: normalise(batch.actions.data, affine.action) },
      action_mask: config.pastEnd === "ignored" ? batch.actionMask : ones(batch.actionMask),
    }),
    toPackage: (parameters, provenance) => toPackage(shape, parameters, provenance),
  };
}

interface ModelShape {
  readonly config: ActConfig;
  /** What the network reads. */
  readonly spec: DatasetSpec;
  /** What the world shows, which may be larger, and what the network sees of it. */
  readonly seen: readonly ImageSpec[];
  readonly view: ImageView;
  /** In the configuration's order. */
  readonly proprio: readonly ComponentSpec[];
  readonly statistics: Readonly<Record<"proprio" | "action", FeatureStatistics>>;
  readonly vocabulary: readonly string[];
  readonly actionDim: number;
}

function componentOf(spec: DatasetSpec, name: string): ComponentSpec {
  const component = spec.proprio.find((known) => known.name === name);
  if (component !== undefined) return component;
  const names = spec.proprio.map((known) => known.name).join(", ");
  throw new TypeError(`Cannot build ACT: proprio "${name}" is absent, must be one of ${names}`);
}

/**
 * Smallest standard deviation that normalisation divides by, in the units of the data: what hardly moves in
 * the demonstrations must not become loud noise when it moves by a little more.
 */
const LEAST_STD = 0.02;

function statisticsOf(config: ActConfig, { statistics }: TrainingData): ModelShape["statistics"] {
  const columns = config.proprio.map((name) => statistics.proprio[name]);
  return {
    proprio: floored(joinStatistics(columns.filter((column) => column !== undefined))),
    action: floored(statistics.action),
  };
}

function floored(columns: ColumnStatistics): FeatureStatistics {
  const std = columns.std.map((value) => Math.max(value, LEAST_STD));
  const grouped = groupStatistics(statisticsTensors({ feature: { ...columns, std } }));
  return grouped.get("feature") ?? {};
}

function present(array: NdArray | undefined, camera: string): NdArray {
  if (array !== undefined) return array;
  throw new TypeError(`Cannot feed ACT: the batch has no image "${camera}", must have`);
}

function ones({ shape, data }: Batch["actionMask"]): NdArray {
  return { dtype: "float32", shape, data: new Float32Array(data.length).fill(1) };
}

/** `float32[batch, vocabulary]`. */
function wordRows(batch: Batch, vocabulary: readonly string[]): NdArray {
  const data = new Float32Array(batch.instructions.length * vocabulary.length);
  for (const [row, instruction] of batch.instructions.entries()) {
    const words = new Set(wordsOf(instruction));
    vocabulary.forEach((word, i) => {
      if (words.has(word)) data[row * vocabulary.length + i] = 1;
    });
  }
  return { dtype: "float32", shape: [batch.instructions.length, vocabulary.length], data };
}

/** What the graph's images are: batches hold them as the network reads them, a world as it makes them. */
type ImagesFrom = "batch" | "world";

interface PredictRequest {
  readonly g: GraphBuilder;
  readonly parameters: ParameterStore;
  readonly batch: number;
  readonly images: ImagesFrom;
}

/** The predicted chunk, with the inputs it is made of declared in `g`. */
function predict(shape: ModelShape, request: PredictRequest): Value {
  const { g, parameters, batch } = request;
  const { config, vocabulary } = shape;
  const images = Object.fromEntries(
    config.cameras.map((camera) => [camera, imageInput(shape, camera, request)]),
  );
  const proprioDim = shape.proprio.reduce((sum, c) => sum + elementCount(c.shape), 0);
  const proprio = g.input("proprio", "float32", [batch, proprioDim]);
  const words = g.input("words", "float32", [batch, vocabulary.length]);
  const settings = { ...config, actionDim: shape.actionDim };
  return actModel({ g, parameters }, { images, proprio, words }, settings);
}

/** `[batch, height, width, 3]` as the network reads it. */
function imageInput(
  { spec, seen, view }: ModelShape,
  camera: string,
  { g, batch, images }: PredictRequest,
): Value {
  const shown = imageSpec(images === "batch" ? spec.images : seen, camera);
  const x = g.input(`image/${camera}`, "uint8", [batch, shown.height, shown.width, 3]);
  return images === "batch" ? x : viewed(g, x, view);
}

function imageSpec(images: readonly ImageSpec[], camera: string): ImageSpec {
  const spec = images.find(({ name }) => name === camera);
  if (spec?.channels === 3) return spec;
  const is = spec === undefined ? "absent" : `an image of ${spec.channels} channels`;
  throw new TypeError(`Cannot build ACT: camera "${camera}" is ${is}, must be an RGB camera`);
}

/** The mean absolute error of the rows that exist (or, with `pastEnd`, of all), over normalised actions (L1, as in the paper). */
function lossGraph(
  shape: ModelShape,
  { batchSize, parameters }: { readonly batchSize: number; readonly parameters: ParameterStore },
): LossGraph {
  const g = new GraphBuilder("act");
  const predicted = predict(shape, { g, parameters, batch: batchSize, images: "batch" });
  const { horizon } = shape.config;
  const wanted = g.input("actions", "float32", [batchSize, horizon, shape.actionDim]);
  const mask = g.input("action_mask", "float32", [batchSize, horizon]);
  const error = g.abs(g.sub(predicted, wanted));
  const perRow = g.mul(g.reduceMean(error, [2]), mask);
  const rows = g.reduceSum(mask, [0, 1]);
  return { g, objectives: { action: g.div(g.reduceSum(perRow, [0, 1]), rows) } };
}

const STATISTICS = "statistics.safetensors";

function toPackage(
  shape: ModelShape,
  parameters: Readonly<Record<string, NdArray>>,
  provenance: Provenance,
): PackageContent {
  const { config, vocabulary, statistics } = shape;
  const g = new GraphBuilder("act");
  const stored = storedParameters(parameters);
  const request = { g, parameters: stored, batch: 1, images: "world" } as const;
  g.output("action", predict(shape, request));
  const inputs: readonly InputBinding[] = [
    ...config.cameras.map((camera) => {
      return { input: `image/${camera}`, from: "image", camera, layout: "hwc" } as const;
    }),
    { input: "proprio", from: "proprio", components: [...config.proprio] },
    { input: "words", from: "words", vocabulary: [...vocabulary] },
  ];
  return {
    files: {
      "model.onnx": writeModel(g.build()),
      [STATISTICS]: writeSafetensors(
        flatStatistics({ proprio: statistics.proprio, action: statistics.action }),
      ),
    },
    manifest: chunkManifest({
      spec: policySpec(shape),
      classPath: "efference.policies.act",
      normalised: { statistics: STATISTICS, proprio: "mean_std", action: "mean_std" },
      inputs,
      own: { provenance },
    }),
  };
}

function policySpec({ config, spec, seen, proprio }: ModelShape): ChunkSpec {
  const { action, controlFreqHz } = spec;
  return {
    name: "act",
    observation: {
      images: config.cameras.map((camera) => imageSpec(seen, camera)),
      proprio,
      texts: [],
    },
    action,
    predictHorizon: config.horizon,
    executeHorizon: config.executeHorizon ?? Math.ceil(config.horizon / 2),
    privileged: false,
    controlFreqHz,
  };
}
