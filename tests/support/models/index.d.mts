import type { grad } from "../../../src/autodiff/index.ts";
import type { NdArray, Rng } from "../../../src/core/index.ts";
import type { GraphBuilder } from "../../../src/onnx/index.ts";
import type * as layers from "../../../src/onnx/layers/index.ts";
import type { RecurrentModel, Trainable } from "../../../src/train/index.ts";

/** The modules that the models are written with. */
export interface Kit {
  readonly GraphBuilder: typeof GraphBuilder;
  readonly grad: typeof grad;
  readonly layers: typeof layers;
}

type Config = Readonly<Record<string, number>>;
type Feeds = Readonly<Record<string, NdArray>>;
type MakeFeeds = (rng: Rng, batch: number, config?: Config) => Feeds;

export const GPT: Config;
export const RESNET_BLOCK: Config;
export const UNET_BLOCK: Config;
export const ENERGY: Config;

export function gptTrainable(kit: Kit, config?: Config): Trainable;
export function resnetBlockTrainable(kit: Kit, config?: Config): Trainable;
export function unetBlockTrainable(kit: Kit, config?: Config): Trainable;
export function energyTrainable(
  kit: Kit,
  options: { readonly steps: number; readonly config?: Config },
): Trainable;
export function energyRecurrence(kit: Kit, config?: Config): RecurrentModel;
export const gptFeeds: MakeFeeds;
export const resnetBlockFeeds: MakeFeeds;
export const unetBlockFeeds: MakeFeeds;
export const energyFeeds: MakeFeeds;
export function gaussian(rng: Rng, shape: readonly number[]): NdArray;
