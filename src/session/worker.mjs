/**
 * The thread that owns one native session. Plain JavaScript, so that it runs as it is from the source
 * tree and from `dist/`; it imports the engine and nothing else. `protocol.ts` has the message types.
 *
 * `run()` of onnxruntime-node is a synchronous native call: here it blocks this thread only. Runs are
 * done one after the other, in the order they came.
 */
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

/** @typedef {import("./protocol.ts").ToWorker} ToWorker */
/** @typedef {import("./protocol.ts").WireTensor} WireTensor */

if (parentPort === null) throw new Error("Cannot start: worker.mjs must run in a worker thread");
const port = parentPort;

/** @type {typeof import("onnxruntime-node")} */
const { InferenceSession, Tensor, env, listSupportedBackends } = createRequire(import.meta.url)(
  workerData.engine,
);

// Failures reach the caller as errors; the engine's own lines on stderr would only repeat them.
env.logLevel = "fatal";

/** @type {import("onnxruntime-node").InferenceSession | undefined} */
let session;
let profiling = false;
/** @type {Promise<void>} */
let tail = Promise.resolve();

/** @param {unknown} error */
function plainError(error) {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack ?? "" }
    : { name: "Error", message: String(error), stack: "" };
}

/** @param {readonly string[]} names @param {readonly any[]} metadata */
function describe(names, metadata) {
  return names.map((name, i) => ({
    name,
    dtype: metadata[i].isTensor ? metadata[i].type : "unknown",
    shape: metadata[i].isTensor ? metadata[i].shape : [],
  }));
}

/** @param {Extract<ToWorker, { kind: "open" }>} message */
async function open(message) {
  const started = performance.now();
  session = await InferenceSession.create(message.model, await agreedOptions(message));
  profiling = message.options.enableProfiling === true;
  return {
    inputs: describe(session.inputNames, session.inputMetadata),
    outputs: describe(session.outputNames, session.outputMetadata),
    openMs: performance.now() - started,
    denormalsAsZero: flushesDenormals(),
  };
}

/** The same as in `denormals.ts`, which plain JavaScript cannot import. @param {Extract<ToWorker, { kind: "open" }>} message */
async function agreedOptions({ options, primer }) {
  if (primer === undefined || options.extra === undefined) return options;
  if (!flushesDenormals()) {
    const plain = { ...options, executionProviders: ["cpu"], enableProfiling: false };
    await (await InferenceSession.create(primer, plain)).release();
  }
  if (flushesDenormals()) return options;
  const { intra_op } = options.extra.session;
  return { ...options, extra: { session: intra_op === undefined ? {} : { intra_op } } };
}

function flushesDenormals() {
  return Float64Array.of(1e-310)[0] * 0.5 === 0;
}

/** @param {Extract<ToWorker, { kind: "run" }>} message */
async function run(message) {
  if (session === undefined) throw new Error("Cannot run: the session is not open");
  /** @type {Record<string, import("onnxruntime-node").Tensor>} */
  const feeds = {};
  for (const [name, tensor] of Object.entries(message.feeds)) feeds[name] = engineTensor(tensor);
  const started = performance.now();
  const results = await (message.fetches === null
    ? session.run(feeds)
    : session.run(feeds, message.fetches));
  const runMs = performance.now() - started;
  /** @type {Record<string, WireTensor>} */
  const outputs = {};
  const transfer = new Set();
  for (const [name, result] of Object.entries(results)) {
    const { type, dims } = result;
    const data = type === "float16" ? halfWords(result.data) : result.data;
    outputs[name] = { dtype: type, shape: [...dims], data };
    // Two outputs may share a buffer, and an empty one must not be listed twice either.
    if (ArrayBuffer.isView(data)) transfer.add(data.buffer);
  }
  return { body: { outputs, runMs }, transfer: [...transfer] };
}

/** The same as in `engine.ts`, which says why. @param {WireTensor} tensor */
function engineTensor({ dtype, shape, data }) {
  if (dtype !== "float16") return new Tensor(dtype, data, shape);
  return Object.assign(new Tensor("uint16", data, shape), { type: "float16" });
}

/** Newer versions of Node make 16-bit floats an array type of their own; here they are their bits. @param {any} data */
function halfWords(data) {
  return data instanceof Uint16Array
    ? data
    : new Uint16Array(data.buffer, data.byteOffset, data.length);
}

/** @param {ToWorker} message */
async function answer(message) {
  switch (message.kind) {
    case "open":
      return { body: await open(message), transfer: [] };
    case "run":
      return run(message);
    case "backends":
      return { body: listSupportedBackends(), transfer: [] };
    case "close":
      if (profiling) session?.endProfiling();
      await session?.release();
      session = undefined;
      return { body: null, transfer: [] };
  }
}

port.on("message", (/** @type {ToWorker} */ message) => {
  tail = tail.then(async () => {
    try {
      const { body, transfer } = await answer(message);
      port.postMessage({ id: message.id, ok: true, body }, transfer);
    } catch (error) {
      port.postMessage({ id: message.id, ok: false, error: plainError(error) });
    }
  });
});
