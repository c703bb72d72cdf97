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

/** What the packages that come with the project were trained on, by `mix`. */
export const SHIPPED_ENERGY = ["detour", "lift"] as const;
export type ShippedEnergy = (typeof SHIPPED_ENERGY)[number];

/**
 * Folder of a package that comes with the project.
 *
 * @param trainedOn - `detour` (default): to go round a disc on either side, from state; `lift`: to lift the tabletop's red cube by what two
 *   cameras of 64 px see
 */
export function shippedEnergyPackage(trainedOn: ShippedEnergy = "detour"): string {
  return fileURLToPath(new URL(`./pretrained/${trainedOn}`, import.meta.url));
}
