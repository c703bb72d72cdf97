/**
 * Action chunking with transformers, trained by behaviour cloning. Knows no simulator and no other policy:
 * it is given what the data looks like, and gives a loss graph and a package.
 */
import { fileURLToPath } from "node:url";

export { actConfigSchema, parseActConfig } from "./config.ts";
export type { ActConfig } from "./config.ts";
export { actTrainable } from "./trainable.ts";

/** What the packages that come with the project were trained on: tasks of the tabletop, suites of LIBERO. */
export const SHIPPED_ACT = ["lift", "libero-object", "libero-spatial", "libero-goal"] as const;
export type ShippedAct = (typeof SHIPPED_ACT)[number];

/** Folder of a package that comes with the project; default: the one trained on the tabletop's `lift` tasks. */
export function shippedActPackage(trainedOn: ShippedAct = "lift"): string {
  return fileURLToPath(new URL(`./pretrained/${trainedOn}`, import.meta.url));
}
