/**
 * Energy-based transformer policies, trained by behaviour cloning. Knows no simulator and no other policy: it is given
 * what the data looks like, and gives a loss graph and a package.
 */
export { composeEnergyPackage } from "./compose.ts";
export type { ComposeOptions, EnergyTerm } from "./compose.ts";
export { energyConfigSchema, parseEnergyConfig } from "./config.ts";
export type { EnergyConfig } from "./config.ts";
export { energyTrainable } from "./trainable.ts";
export { EnergySampler } from "./sampler.ts";
export type { SampledDescent, SampledStep } from "./sampler.ts";
