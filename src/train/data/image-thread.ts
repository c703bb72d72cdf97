/** The thread of a `ThreadLane`: jobs one after the other, in the order they came. */
import { parentPort, workerData } from "node:worker_threads";
import type { ImageSetup } from "./image-maker.ts";
import { ImageMaker } from "./image-maker.ts";
import type { FromImageThread, ToImageThread } from "./protocol.ts";

if (parentPort === null) throw new Error("Cannot start: image-thread must run in a worker thread");
const port = parentPort;
const maker = new ImageMaker(workerData as ImageSetup);
let closing = false;
let tail = Promise.resolve();

async function answer(message: Extract<ToImageThread, { kind: "make" }>): Promise<void> {
  const { id, job } = message;
  if (closing) return;
  try {
    const made = await maker.make(job);
    post(
      { ok: true, id, made },
      made.images.map(({ buffer }) => buffer),
    );
  } catch (error) {
    post({ ok: false, id, error: plain(error) });
  }
}

function post(message: FromImageThread, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function plain(error: unknown): { name: string; message: string; stack: string } {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack ?? "" }
    : { name: "Error", message: String(error), stack: "" };
}

port.on("message", (message: ToImageThread) => {
  if (message.kind === "make") {
    tail = tail.then(() => answer(message));
    return;
  }
  closing = true;
  // Without its port the thread has nothing to wait for, and ends.
  void tail.then(() => maker.close()).finally(() => port.close());
});
