/** From what is observed to tokens that a chunk can attend to. */
import type { Dtype, ImageSpec } from "../core/index.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import type { LayerContext } from "../onnx/layers/index.ts";
import {
  convolution2d,
  groupNorm,
  linear,
  parameter,
  residualBlock2d,
  spatialSoftmax,
  tanhGelu,
  viewed,
} from "../onnx/layers/index.ts";
import { frameTransformer } from "./chunk-transformer.ts";
import { derivedColumns } from "./derived.ts";
import { frameKeepSizes } from "./dropout.ts";
import type { Imitated } from "./observed.ts";

/** What the graph's images are: batches hold them as the network reads them, a world as it makes them. */
export type ImagesFrom = "batch" | "world";

/** The graph's inputs for what is observed; all frames of a window side by side, oldest first. */
export interface ObservationInputs {
  readonly batch: number;
  readonly frames: number;
  /** `float32[batch * frames, proprioDim]`, normalised. */
  readonly proprio: Value;
  /** By camera: `uint8[batch * frames, height, width, 3]`. */
  readonly images: Readonly<Record<string, Value>>;
  /** `float32[batch, vocabulary]`: 1 where the instruction has the word. Absent where there is one instruction. */
  readonly words?: Value;
}

export interface ObservationRequest {
  readonly batch: number;
  readonly frames: number;
  readonly images: ImagesFrom;
  /** Of everything that is computed; default `float32`, `float64` for checks. */
  readonly dtype?: Dtype;
}

/** Declares the inputs `proprio`, `image/<camera>` and `words`. */
export function observationInputs(
  g: GraphBuilder,
  imitated: Imitated,
  request: ObservationRequest,
): ObservationInputs {
  const { config, proprioDim, vocabulary } = imitated;
  const { batch, frames, dtype = "float32" } = request;
  const history = frames > 1 ? [frames] : [];
  const proprio = g.input("proprio", dtype, [batch, ...history, proprioDim]);
  const images = config.cameras.map((camera) => [
    camera,
    imageInput(g, imitated, { ...request, camera }),
  ]);
  return {
    batch,
    frames,
    proprio: g.reshape(proprio, [batch * frames, proprioDim]),
    images: Object.fromEntries(images) as Record<string, Value>,
    ...(vocabulary.length === 0
      ? {}
      : { words: g.input("words", dtype, [batch, vocabulary.length]) }),
  };
}

/** `[batch * frames, height, width, 3]` as the network reads it. */
function imageInput(
  g: GraphBuilder,
  { kind, spec, seen, view }: Imitated,
  request: ObservationRequest & { readonly camera: string },
): Value {
  const { batch, frames, images, camera } = request;
  const shown = cameraOf(kind, images === "batch" ? spec.images : seen, camera);
  const history = frames > 1 ? [frames] : [];
  const size = [shown.height, shown.width, 3];
  const input = g.input(`image/${camera}`, "uint8", [batch, ...history, ...size]);
  const x = g.reshape(input, [batch * frames, ...size]);
  return images === "batch" ? x : viewed(g, x, view);
}

/** @throws {TypeError} unless there is an RGB camera of that name */
export function cameraOf(kind: string, images: readonly ImageSpec[], camera: string): ImageSpec {
  const spec = images.find(({ name }) => name === camera);
  if (spec?.channels === 3) return spec;
  const is = spec === undefined ? "absent" : `an image of ${spec.channels} channels`;
  throw new TypeError(`Cannot build "${kind}": camera "${camera}" is ${is}, must be an RGB camera`);
}

/** Numbers that one frame becomes before it is a token. */
export function featureDim({ config, proprioDim, vocabulary }: Imitated): number {
  const { derived = [], cameras, image } = config;
  return proprioDim + derived.length + cameras.length * image.features + vocabulary.length;
}

/** `[batch, frames, features]`: proprio, what is derived from it, what each camera shows, and the words of the instruction. */
export function frameFeatures(
  context: LayerContext,
  imitated: Imitated,
  inputs: ObservationInputs,
): Value {
  const { g } = context;
  const { batch, frames, words } = inputs;
  const seen = imitated.config.cameras.map((camera) =>
    g.scope(`camera/${camera}`, () =>
      cameraFeatures(
        context,
        { image: inputs.images[camera] as Value, dtype: inputs.proprio.elementType },
        imitated.config.image,
      ),
    ),
  );
  const beside = [...derivedColumns(g, inputs.proprio, imitated), ...seen];
  const own = beside.length === 0 ? inputs.proprio : g.concat([inputs.proprio, ...beside], 1);
  const apart = g.reshape(own, [batch, frames, Number(own.shape[1])]);
  if (words === undefined) return apart;
  const said = g.expand(g.unsqueeze(words, [1]), [batch, frames, imitated.vocabulary.length]);
  return g.concat([apart, said], 2);
}

/** A small residual network; where its maps are strongest (spatial softmax) becomes a few numbers. */
function cameraFeatures(
  context: LayerContext,
  { image, dtype }: { readonly image: Value; readonly dtype: Dtype },
  config: Imitated["config"]["image"],
): Value {
  const { g } = context;
  const { kernel, stride, filters, groupSize, keypoints, features } = config;
  const [first = 1] = filters;
  const pixels = g.sub(g.mul(g.cast(image, dtype), 2 / 255), 1);
  let x = g.transpose(pixels, [0, 3, 1, 2]);
  const padding = stride >= kernel ? 0 : Math.floor(kernel / 2);
  x = convolution2d(context, x, { name: "stem", filters: first, kernel, stride, padding });
  x = g.relu(groupNorm(context, x, { name: "stem_norm", groups: first / groupSize }));
  for (const [i, width] of filters.entries()) {
    const block = { name: `blocks/${i}`, filters: width, groupSize, stride: i === 0 ? 1 : 2 };
    x = residualBlock2d(context, x, block);
  }
  x = convolution2d(context, x, { name: "keypoints", filters: keypoints, kernel: 1 });
  const places = spatialSoftmax(context, x);
  const flat = g.reshape(places, [places.shape[0] ?? 1, 2 * keypoints]);
  return linear(context, flat, { name: "features", width: features });
}

/**
 * Features `[batch, frames, n]` to tokens `[batch, frames, width]`: one layer, a learned place for each frame, and
 * causal blocks over the frames; or, with `frameLayers` 0, two layers and the place.
 * @param seen `keeps` by block: what an update sees of the attention; default all
 */
export function observationTokens(
  context: LayerContext,
  { config }: Pick<Imitated, "config">,
  { features, keeps = [] }: { readonly features: Value; readonly keeps?: readonly Value[] },
): Value {
  const { g } = context;
  const { width, heads, frameLayers, observeHorizon } = config;
  return g.scope("observation", () => {
    let x = linear(context, features, { name: "lift", width });
    if (frameLayers === 0) {
      x = linear(context, tanhGelu(context, x), { name: "inner", width });
    }
    const start = { kind: "zeros" } as const;
    const place = parameter(context, { name: "places", shape: [observeHorizon, width], start });
    const sizes = { width, heads, layers: frameLayers };
    return frameTransformer(context, { tokens: g.add(x, place), keeps }, sizes);
  });
}

/** What an update sees, as tokens. Declares the observation's inputs, and `keep/frames/<block>` with dropout. */
export function trainingTokens(
  context: LayerContext,
  imitated: Imitated,
  { batch, dtype }: { readonly batch: number; readonly dtype: Dtype },
): Value {
  const { g } = context;
  const { config } = imitated;
  const request = { batch, frames: config.observeHorizon, images: "batch", dtype } as const;
  const inputs = observationInputs(g, imitated, request);
  const sizes = Object.entries(frameKeepSizes(config, batch));
  const keeps = sizes.map(([name, size]) => g.input(name, dtype, size));
  const features = frameFeatures(context, imitated, inputs);
  return observationTokens(context, imitated, { features, keeps });
}
