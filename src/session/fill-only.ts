/**
 * Runs that fill buffers and return nothing.
 *
 * The engine computes into the buffers that outputs are given, and then its binding for Node copies every one
 * of them into an array that nobody asked for (onnxruntime-node 1.30): 134 MB of outputs take 37 ms and more
 * that way, of which the graph needs 10. It goes through the outputs in the order of the graph and
 * gives up at the first that JavaScript has no form for, such as a sequence. So a model whose first output is
 * one is computed in full, its buffers are filled, and the run ends with a complaint that means success.
 * An engine that returns the sequence, or copies nothing, is served as well: the buffers hold the result.
 */
import { messageOf } from "../core/index.ts";
import { leadWithSequence } from "../onnx/index.ts";

/** The output that no run can return. */
export const UNRETURNABLE = "efference/unreturnable";

/** Raised after the graph has been computed; the engine's words for an output it cannot hand to JavaScript. */
const COMPLAINT = "Non tensor type is temporarily not supported.";

/** @throws {TypeError} for a model in a file, which the engine reads by itself */
export function fillOnlyModel(model: Uint8Array | string): Uint8Array {
  if (typeof model !== "string") return leadWithSequence(model, UNRETURNABLE);
  throw new TypeError(
    `Cannot open session: fillOnly is set for the file "${model}", must be with bytes alone`,
  );
}

/** Whether an error of a run says that everything is done but for what must not be returned. */
export function saysFilled(error: unknown): boolean {
  return messageOf(error) === COMPLAINT;
}
