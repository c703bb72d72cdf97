/** Layers with parameters, for models written with `GraphBuilder`. Knows no policy and no training. */
export { convolution2d, fixed, lastDim, layerNorm, linear, parameter } from "./layers.ts";
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
export { spatialSoftmax } from "./spatial-softmax.ts";
export { attention, decoderBlock, encoderBlock } from "./transformer.ts";
export type { AttentionOptions, BlockOptions } from "./transformer.ts";
