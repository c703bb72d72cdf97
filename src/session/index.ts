/**
 * Runs ONNX graphs: the only folder that knows the engine (onnxruntime-node). A session has a thread of
 * its own (`openSession`), or runs in its caller's (`openLocalSession`, for threads that do nothing else; and
 * `openWasmSession`, on the engine's WebAssembly, in a browser's worker).
 * Knows no policy, no package and no observation: tensors in, tensors out.
 */
export { createBatcher } from "./batcher.ts";
export type { Batcher, BatcherOptions } from "./batcher.ts";
export { listCudaParts } from "./cuda.ts";
export type { DevicePart } from "./cuda.ts";
export { DEVICES } from "./devices.ts";
export type { Device } from "./devices.ts";
export { ENGINE_VERSION, engineCacheFolder, engineFolder, findEngine } from "./engine.ts";
export { listDevices, listProviders } from "./list-devices.ts";
export type { DeviceReport } from "./list-devices.ts";
export { isDeviceTensor } from "./device-tensor.ts";
export type { DeviceTensor } from "./device-tensor.ts";
export type { SessionOptions } from "./engine-options.ts";
export { KvDecoder } from "./kv-decoder.ts";
export type { Generated, GenerateOptions, KvDecoderOptions } from "./kv-decoder.ts";
export { hostArray, openLocalSession } from "./local-session.ts";
export type {
  LocalResult,
  LocalRunOptions,
  LocalSession,
  LocalSessionOptions,
} from "./local-session.ts";
export type { ExternalData } from "./protocol.ts";
export { openSession } from "./open-session.ts";
export type { ThreadSessionOptions } from "./open-session.ts";
export type { Feeds, SessionPort } from "./ports.ts";
export { sampleToken } from "./sampling.ts";
export type { SamplingOptions } from "./sampling.ts";
export type { RunOptions, RunResult, Session } from "./session.ts";
export { openWasmSession } from "./wasm-session.ts";
export type { WasmSessionOptions } from "./wasm-session.ts";
export { SessionLostError } from "./worker-link.ts";
