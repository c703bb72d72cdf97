/**
 * A small learned policy for the `lift` tasks, fitted in closed form: no gradient, no iteration. It
 * stands in until policies are trained by gradient, so that everything that handles learned policies
 * has one to handle. Knows no simulator and no other policy: environment and expert are handed in.
 */
import { fileURLToPath } from "node:url";

export { DEFAULT_CONFIG } from "./config.ts";
export type { FittedConfig } from "./config.ts";
export { fitLift, fittedPackage } from "./fit-lift.ts";
export type { Fit, FitOptions, FitReport } from "./fit-lift.ts";
export { buildFittedModel } from "./model.ts";
export type { FittedParameters } from "./parameters.ts";

/** Folder of the package that comes with the project. */
export function shippedFittedPackage(): string {
  return fileURLToPath(new URL("./pretrained/lift", import.meta.url));
}
