/**
 * Energy-based transformer policies, trained by behaviour cloning. Knows no simulator and no other policy: it is given
 * what the data looks like, and gives a loss graph and a package.
 */
import { fileURLToPath } from "node:url";

export { composeEnergyPackage } from "./compose.ts";
export type { ComposeOptions, EnergyTerm } from "./compose.ts";
export { energyConfigSchema, parseEnergyConfig } from "./config.ts";
export type { EnergyConfig } from "./config.ts";
export { energyTrainable } from "./trainable.ts";
export { EnergySampler } from "./sampler.ts";
export type { SampledDescent, SampledStep } from "./sampler.ts";

/** Folder of the package that comes with the project: trained by `mix` to go round a disc on either side. */
export function shippedEnergyPackage(): string {
  return fileURLToPath(new URL("./pretrained/detour", import.meta.url));
}
