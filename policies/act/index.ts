/**
 * Action chunking with transformers, trained by behaviour cloning. Knows no simulator and no other policy:
 * it is given what the data looks like, and gives a loss graph and a package.
 */
import { fileURLToPath } from "node:url";

export { actConfigSchema, parseActConfig } from "./config.ts";
export type { ActConfig } from "./config.ts";
export { actTrainable } from "./trainable.ts";

/** Folder of the package that comes with the project: trained on the `lift` tasks of the tabletop world. */
export function shippedActPackage(): string {
  return fileURLToPath(new URL("./pretrained/lift", import.meta.url));
}
