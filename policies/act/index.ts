/**
 * Action chunking with transformers, trained by behaviour cloning. Knows no simulator and no other policy:
 * it is given what the data looks like, and gives a loss graph and a package.
 */
export { actConfigSchema, parseActConfig } from "./config.ts";
export type { ActConfig } from "./config.ts";
export { actTrainable } from "./trainable.ts";
