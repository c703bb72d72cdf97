/**
 * Efference: connect simulators and robots, run policies, record and evaluate episodes. This is the
 * whole library; parts of it are also importable by path (`efference/core`, `efference/episode`, ...).
 */
export * from "./core/index.ts";
export * from "./rollout/index.ts";
export { openEpisode, readSummary } from "./episode/index.ts";
export { createEpisodeWriter, fileSource, listEpisodes } from "./episode/node.ts";
export type {
  EpisodeEvent,
  EpisodeHeader,
  EpisodeOutcome,
  EpisodeReader,
  EpisodeSummary,
} from "./episode/types.ts";
export { loadPolicy, readPolicyPackage, writePolicyPackage } from "./package/index.ts";
export { connectPolicy, createHub, serveEnvironment } from "../sim-bridge/index.ts";
export { panda } from "../robots/panda/spec.ts";
export { randomPolicy, scriptedPolicy } from "../policies/scripted/index.ts";
export { shippedActPackage } from "../policies/act/index.ts";
export { composeEnergyPackage, shippedEnergyPackage } from "../policies/energy/index.ts";
export type { EnergyTerm } from "../policies/energy/index.ts";
export { connectSim } from "./cli/connect-sim.ts";
