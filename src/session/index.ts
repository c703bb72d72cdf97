/**
 * Runs ONNX graphs: the only folder that knows the engine (onnxruntime-node). Each session has a thread
 * of its own. Knows no policy, no package and no observation: tensors in, tensors out.
 */
export { createBatcher } from "./batcher.ts";
export type { Batcher, BatcherOptions } from "./batcher.ts";
export { DEVICES } from "./devices.ts";
export type { Device } from "./devices.ts";
export { ENGINE_VERSION, engineCacheFolder, engineFolder, findEngine } from "./engine.ts";
export { listDevices, listProviders } from "./list-devices.ts";
export type { DeviceReport } from "./list-devices.ts";
export { openSession } from "./open-session.ts";
export type { SessionOptions } from "./open-session.ts";
export type { Feeds, RunOptions, RunResult, Session, SessionPort } from "./session.ts";
export { SessionLostError } from "./worker-link.ts";
