/**
 * Rotations in every order the field uses, rigid transforms, small statistics and the schedules of
 * diffusion and flow matching. Pure functions on plain numbers; knows no tensor, robot or simulator.
 *
 * Metres and radians, right-handed frames, active rotations, matrices row-major, and `multiplyX(a, b)`
 * does `b` first. An order is always in the name (`quatWxyz`, `quatXyzw`, `rot6dColMajor`).
 */
export * from "./auroc.ts";
export * from "./convert-rotation.ts";
export * from "./paired-proportions.ts";
export * from "./pose.ts";
export * from "./quaternion.ts";
export * from "./rotation.ts";
export * from "./schedulers/index.ts";
export * from "./statistics.ts";
export * from "./unpaired.ts";
