/**
 * Action chunking with transformers, trained by behaviour cloning. Knows no simulator and no other policy:
 * it is given what the data looks like, and gives a loss graph and a package.
 */
import { fileURLToPath } from "node:url";

export { actConfigSchema, parseActConfig } from "./config.ts";
export type { ActConfig } from "./config.ts";
export { actTrainable } from "./trainable.ts";

/** The packages that come with the project, by what they were trained on, and what that is. */
export const SHIPPED_ACT = {
  lift: "the lift family of the tabletop world",
  "libero-object": "LIBERO's suite object",
  "libero-goal": "LIBERO's suite goal",
} as const;

/** Folder of a package that comes with the project; default: the one trained on the tabletop's `lift` tasks. */
export function shippedActPackage(trainedOn: keyof typeof SHIPPED_ACT = "lift"): string {
  return fileURLToPath(new URL(`./pretrained/${trainedOn}`, import.meta.url));
}
