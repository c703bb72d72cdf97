/**
 * What policies that imitate chunks of demonstrations have in common: the configuration of what is seen, observation
 * encoders, the network that reads chunks, normalisation and packages. Knows no objective and no way of making a
 * chunk: those are the policies'.
 */
export {
  chunkTransformer,
  frameTransformer,
  observedAs,
  observedByName,
  observedFromNames,
  observedKeys,
  timeToken,
} from "./chunk-transformer.ts";
export type { ChunkInputs, ChunkTransformerConfig, ObservedKeys } from "./chunk-transformer.ts";
export { executedRows, imitationKeys, parseImitation } from "./config.ts";
export type { ImitationConfig } from "./config.ts";
export {
  featureDim,
  frameFeatures,
  observationInputs,
  observationTokens,
  trainingTokens,
} from "./encode.ts";
export {
  chunkKeeps,
  chunkKeepSizes,
  drawKeep,
  frameKeepSizes,
  isKeep,
  keepFeeds,
} from "./dropout.ts";
export type { BlockKeeps } from "./dropout.ts";
export type { ImagesFrom, ObservationInputs } from "./encode.ts";
export { columnsOf, entryNames, parseFormula } from "./formulas.ts";
export { imitatedOf, imitatedOfPackage, needsOf } from "./observed.ts";
export type { Imitated, PackagedData } from "./observed.ts";
export { physical } from "./physical.ts";
export { observedNow, packageOf } from "./package.ts";
export type { ActingGraph, ObservedNow } from "./package.ts";
export { originOf, physicalChunks, placed } from "./relative.ts";
export type { ChunkNumbers, RelativeActions } from "./relative.ts";
export { imitationTrainable } from "./trainable.ts";
export type { ChunkObjective, DemonstratedChunks } from "./trainable.ts";
