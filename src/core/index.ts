/**
 * The words of Efference: observations, actions, thoughts, policies, environments, specs, errors,
 * clocks and random numbers. No I/O, no dependency; knows no simulator, robot, policy or file.
 */
export * from "./array.ts";
export * from "./bytes.ts";
export * from "./clock.ts";
export * from "./errors.ts";
export * from "./random.ts";
export * from "./scene.ts";
export * from "./spec.ts";
export * from "./words.ts";
export * from "./compare-specs.ts";
