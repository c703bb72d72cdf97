/** What a noisy chunk is asked: noise, velocity or action, by one of two networks. */
import type { BlockKeeps } from "../../src/imitation/index.ts";
import {
  chunkTransformer,
  observedByName,
  observedFromNames,
  observedKeys,
  timeToken,
} from "../../src/imitation/index.ts";
import type { Value } from "../../src/onnx/index.ts";
import type { LayerContext } from "../../src/onnx/layers/index.ts";
import type { DiffusionConfig } from "./config.ts";
import { unet } from "./unet.ts";

/** What a network needs of the observation, computed once for all steps of a decision. */
export type Prepared = Readonly<Record<string, Value>>;

/** @param tokens `[batch, frames, width]` */
export function prepare(context: LayerContext, tokens: Value, config: DiffusionConfig): Prepared {
  const { g } = context;
  if (config.backbone === "unet") {
    const [batch = 1, frames = 1, width = 1] = tokens.shape;
    return { seen: g.reshape(tokens, [batch, Number(frames) * Number(width)]) };
  }
  return observedByName(g.scope("network", () => observedKeys(context, tokens, config)));
}

/**
 * @param inputs `chunk[batch, rows, actionDim]`, normalised; `time[batch]` in [0, 1]
 * @returns `[batch, rows, actionDim]`
 */
export function predict(
  context: LayerContext,
  inputs: {
    readonly chunk: Value;
    readonly time: Value;
    readonly prepared: Prepared;
    readonly keeps?: readonly BlockKeeps[];
  },
  config: DiffusionConfig,
): Value {
  const { g } = context;
  const { chunk, time, prepared, keeps } = inputs;
  return g.scope("network", () => {
    if (config.backbone === "unet") {
      const when = timeToken(context, time, config.width);
      const condition = g.concat([when, prepared["seen"] as Value], 1);
      return unet(context, { chunk, condition }, config.unet);
    }
    const observed = observedFromNames(prepared, config.layers);
    const kept = keeps === undefined ? {} : { keeps };
    return chunkTransformer(context, { chunk, observed, time, ...kept }, config);
  });
}
