/**
 * Policies as folders: manifest, ONNX graphs, statistics, tokeniser, provenance. Reads, writes, verifies and loads
 * them; knows no concrete policy, robot or simulator.
 */
export { wordsOf } from "./bind-observation.ts";
export { chunkManifest } from "./chunk-manifest.ts";
export type { ChunkModel, ChunkSpec } from "./chunk-manifest.ts";
export { CONVENTION_NAMES, CONVENTIONS } from "./conventions.ts";
export type { CameraRole, Convention, ConventionName } from "./conventions.ts";
export { actionIn, inConvention, observationIn } from "./in-convention.ts";
export type { ConventionCameras } from "./in-convention.ts";
export { describePackage } from "./describe.ts";
export type { GraphDescription, PackageDescription } from "./describe.ts";
export { hashPackage } from "./hash-package.ts";
export { specOfPackage } from "./assemble-policy.ts";
export type { PolicyBinding } from "./assemble-policy.ts";
export { loadPolicy } from "./load-policy.ts";
export type { LoadPolicyOptions } from "./load-policy.ts";
export { parseManifest, specToJson } from "./manifest.ts";
export type { InputBinding, Manifest, ManifestInput } from "./manifest.ts";
export { readPolicyPackage } from "./read-package.ts";
export type { PolicyPackage, ReadOptions } from "./read-package.ts";
export { readSafetensors, writeSafetensors } from "./safetensors.ts";
export { affineOf, denormalise, flatStatistics, groupStatistics, normalise } from "./statistics.ts";
export type { Affine, FeatureStatistics, NormalizationMode } from "./statistics.ts";
export { writePolicyPackage } from "./write-package.ts";
export type { PackageContent, WriteOptions } from "./write-package.ts";
