/** The network: what it sees becomes tokens, chunk queries attend to them and become actions. */
import type { Value } from "../../src/onnx/index.ts";
import type { LayerContext } from "../../src/onnx/layers/index.ts";
import {
  convolution2d,
  decoderBlock,
  encoderBlock,
  layerNorm,
  linear,
  parameter,
  spatialSoftmax,
} from "../../src/onnx/layers/index.ts";
import type { ActConfig } from "./config.ts";

export interface ActInputs {
  /** By camera: `uint8[batch, height, width, 3]`. */
  readonly images: Readonly<Record<string, Value>>;
  /** `float32[batch, proprioDim]`, normalised. */
  readonly proprio: Value;
  /** `float32[batch, vocabulary]`: 1 where the instruction has the word. */
  readonly words: Value;
}

/**
 * Predicts a chunk of actions from one observation.
 * @returns `float32[batch, horizon, actionDim]`, normalised
 */
export function actModel(
  context: LayerContext,
  inputs: ActInputs,
  config: ActConfig & { readonly actionDim: number },
): Value {
  const { g } = context;
  const { width, heads, hidden } = config;
  const [batch = 1] = inputs.proprio.shape;
  const asToken = (x: Value): Value => g.reshape(x, [batch, 1, width]);
  const goal = linear(context, inputs.words, { name: "goal", width });
  const seen = config.cameras.map((camera) =>
    g.scope(`camera/${camera}`, () =>
      cameraTokens(context, { image: image(inputs, camera), goal }, config),
    ),
  );
  const body = linear(context, inputs.proprio, { name: "body", width });
  const tokens = g.concat([...seen, asToken(body), asToken(goal)], 1);
  const count = config.cameras.length * config.tokensPerCamera + 2;
  let memory = g.add(tokens, learned(context, "places", [count, width]));
  for (let layer = 0; layer < config.encoderLayers; layer++) {
    memory = encoderBlock(context, memory, { name: `encoder/${layer}`, heads, hidden });
  }
  memory = layerNorm(context, memory, "encoder/norm");
  const zeros = g.mul(asToken(body), 0);
  let x = g.add(zeros, learned(context, "queries", [config.horizon, width]));
  for (let layer = 0; layer < config.decoderLayers; layer++) {
    x = decoderBlock(context, { x, memory }, { name: `decoder/${layer}`, heads, hidden });
  }
  return linear(context, layerNorm(context, x, "decoder/norm"), {
    name: "action",
    width: config.actionDim,
  });
}

function image(inputs: ActInputs, camera: string): Value {
  const value = inputs.images[camera];
  if (value === undefined) throw new TypeError(`Cannot build ACT: there is no image "${camera}"`);
  return value;
}

function learned(context: LayerContext, name: string, shape: readonly number[]): Value {
  return parameter(context, { name, shape, start: { kind: "normal", std: 0.02 } });
}

/**
 * `[batch, tokensPerCamera, width]`: where the image shows what the instruction makes the filters look for.
 * The instruction scales and shifts feature maps (FiLM, Perez et al. 2018, arXiv:1709.07871).
 */
function cameraTokens(
  context: LayerContext,
  { image, goal }: { readonly image: Value; readonly goal: Value },
  config: ActConfig,
): Value {
  const { g } = context;
  const [batch = 1] = image.shape;
  const pixels = g.sub(g.mul(g.cast(image, "float32"), 2 / 255), 1);
  let x = g.transpose(pixels, [0, 3, 1, 2]);
  const patch = {
    name: "patches",
    filters: config.filters,
    kernel: config.patch,
    stride: config.patch,
  };
  x = g.relu(convolution2d(context, x, { ...patch, padding: 0 }));
  for (let layer = 0; layer < config.convolutions; layer++) {
    x = convolution2d(context, x, { name: `conv${layer}`, filters: config.filters, kernel: 3 });
    x = g.relu(modulated(context, { x, goal }, { name: `film${layer}`, maps: config.filters }));
  }
  x = convolution2d(context, x, { name: "keypoints", filters: config.keypoints, kernel: 3 });
  const places = g.reshape(spatialSoftmax(context, x), [batch, 2 * config.keypoints]);
  const { width, tokensPerCamera } = config;
  const flat = linear(context, places, { name: "tokens", width: tokensPerCamera * width });
  return g.reshape(flat, [batch, tokensPerCamera, width]);
}

function modulated(
  context: LayerContext,
  { x, goal }: { readonly x: Value; readonly goal: Value },
  { name, maps }: { readonly name: string; readonly maps: number },
): Value {
  const { g } = context;
  const [batch = 1] = x.shape;
  const both = linear(context, goal, { name, width: 2 * maps });
  const [scale, shift] = g
    .split(both, 1, [maps, maps])
    .map((part) => g.reshape(part, [batch, maps, 1, 1])) as [Value, Value];
  return g.add(g.mul(x, g.add(scale, 1)), shift);
}
