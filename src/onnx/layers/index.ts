/** Layers with parameters, for models written with `GraphBuilder`. Knows no policy and no training. */
export {
  convolution1d,
  convolution2d,
  doubled1d,
  fixed,
  groupNorm,
  lastDim,
  layerNorm,
  linear,
  parameter,
  rmsNorm,
  tanhGelu,
} from "./layers.ts";
export type {
  ConvolutionOptions,
  LayerContext,
  LinearOptions,
  ParameterRequest,
} from "./layers.ts";
export { viewed } from "./image-view.ts";
export type { ImageView } from "./image-view.ts";
export { freshParameters, glorotUniform, heNormal, storedParameters } from "./parameters.ts";
export type { Initialiser, ParameterStore } from "./parameters.ts";
export {
  attendTo,
  attendToOne,
  attendToSelf,
  keysAndValues,
  keysAndValuesOf,
} from "./normalised-attention.ts";
export type { AttendOptions, KeysAndValues, OneValue } from "./normalised-attention.ts";
export { residualBlock2d } from "./residual.ts";
export type { ResidualOptions } from "./residual.ts";
export { sinusoids, sinusoidsOf } from "./sinusoids.ts";
export { spatialSoftmax } from "./spatial-softmax.ts";
export { attention, decoderBlock, encoderBlock } from "./transformer.ts";
export type { AttentionOptions, BlockOptions } from "./transformer.ts";
