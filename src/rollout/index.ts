/**
 * The control loop and what stands on it: controllers that turn chunks into actions, listeners that
 * watch, evaluation with honest statistics. Knows no concrete policy, simulator or robot.
 */
export * from "./body-poses.ts";
export * from "./compare.ts";
export * from "./controller.ts";
export * from "./evaluate.ts";
export * from "./hold.ts";
export * from "./journal.ts";
export * from "./listener.ts";
export * from "./overlap.ts";
export * from "./perturb.ts";
export * from "./record.ts";
export * from "./results.ts";
export * from "./rollout.ts";
export * from "./versions.ts";
export * from "./watch.ts";
