/**
 * Diffusion policies, flow matching and regression over the same encoders and networks, trained by behaviour cloning.
 * Knows no simulator and no other policy.
 */
export { diffusionConfigSchema, parseDiffusionConfig, samplingSteps } from "./config.ts";
export type { DiffusionConfig } from "./config.ts";
export { diffusionTrainable } from "./trainable.ts";
