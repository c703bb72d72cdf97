/** Where images are made: in threads, or in the caller's own. */
import { Worker } from "node:worker_threads";
import { messageOf } from "../../core/index.ts";
import type { ImageJob, ImageSetup, MadeImages } from "./image-maker.ts";
import { ImageMaker } from "./image-maker.ts";
import type { FromImageThread, ToImageThread } from "./protocol.ts";

/** Makes the images of one job after the other. */
export interface ImageLane {
  /** Jobs that were given and not answered yet. */
  readonly pending: number;
  make(job: ImageJob): Promise<MadeImages>;
  /** Jobs that are not done yet are rejected. */
  close(): Promise<void>;
}

/** Makes images in this thread, whenever it awaits. */
export function openLocalLane(setup: ImageSetup): ImageLane {
  const maker = new ImageMaker(setup);
  let tail: Promise<unknown> = Promise.resolve();
  let pending = 0;
  let closed = false;
  return {
    get pending() {
      return pending;
    },
    make(job) {
      pending++;
      const made = tail.then(() => {
        if (closed) throw closedError();
        return maker.make(job);
      });
      tail = made.then(
        () => pending--,
        () => pending--,
      );
      return made;
    },
    async close() {
      closed = true;
      await tail;
      await maker.close();
    },
  };
}

interface Waiting {
  readonly resolve: (made: MadeImages) => void;
  readonly reject: (error: Error) => void;
}

/** How long a thread may take to end by itself, for instance in the middle of a read. */
const CLOSE_GRACE_MS = 2000;

/** Makes images in a thread, which keeps the process alive only while somebody waits for it. */
export function openThreadLane(setup: ImageSetup): ImageLane {
  return new ThreadLane(startThread(setup));
}

/** The built file stands beside this one in `dist/`; from source it is run as it is, where Node can. */
function startThread(setup: ImageSetup): Worker {
  const entry = import.meta.url.endsWith(".ts") ? "./image-thread.ts" : "./image-thread.js";
  return new Worker(new URL(entry, import.meta.url), {
    name: "efference-images",
    workerData: setup,
  });
}

class ThreadLane implements ImageLane {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #nextId = 0;
  #lost: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
    worker.on("message", (message: FromImageThread) => this.#answered(message));
    worker.on("messageerror", (cause) => this.#lose("sent an unreadable message", cause));
    worker.on("error", (cause) => this.#lose(`crashed (${messageOf(cause)})`, cause));
    this.#ended = new Promise((resolve) => {
      worker.on("exit", (code) => {
        this.#lose(`ended (exit code ${code})`);
        resolve();
      });
    });
  }

  get pending(): number {
    return this.#waiting.size;
  }

  make(job: ImageJob): Promise<MadeImages> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      if (this.#waiting.size === 1) this.#worker.ref();
      this.#post({ kind: "make", id, job });
    });
  }

  async close(): Promise<void> {
    this.#rejectAll(closedError());
    this.#lost ??= closedError();
    this.#post({ kind: "close" });
    const patience = setTimeout(() => void this.#worker.terminate(), CLOSE_GRACE_MS);
    this.#worker.ref();
    await this.#ended;
    clearTimeout(patience);
  }

  #post(message: ToImageThread): void {
    this.#worker.postMessage(message);
  }

  #answered(message: FromImageThread): void {
    const waiting = this.#waiting.get(message.id);
    this.#settle(message.id);
    if (message.ok) waiting?.resolve(message.made);
    else waiting?.reject(revive(message.error));
  }

  #settle(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
  }

  #lose(how: string, cause?: unknown): void {
    this.#lost ??= new Error(`Cannot load a batch: the thread that reads images ${how}`, { cause });
    this.#rejectAll(this.#lost);
  }

  #rejectAll(error: Error): void {
    for (const [id, { reject }] of [...this.#waiting]) {
      this.#settle(id);
      reject(error);
    }
  }
}

export function closedError(): Error {
  return new Error("Cannot load a batch: the loader is closed, must be open");
}

const ERRORS = { TypeError, RangeError, SyntaxError };

/** The error of another thread, of the same class where callers tell classes apart. */
function revive({ name, message, stack }: { name: string; message: string; stack: string }): Error {
  const kind = Object.hasOwn(ERRORS, name) ? ERRORS[name as keyof typeof ERRORS] : Error;
  const error = new kind(message);
  error.cause = Object.assign(new Error(message), { name, stack });
  return error;
}
