import type { Worker } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** The thread of a session ended while something was asked of it. */
export class SessionLostError extends Error {
  constructor(action: string, options: { reason: string; cause?: unknown }) {
    super(`Cannot ${action}: the session's worker thread ${options.reason}`, {
      cause: options.cause,
    });
    this.name = "SessionLostError";
  }
}

type Request = ToWorker extends infer M ? (M extends ToWorker ? Omit<M, "id"> : never) : never;

interface Pending {
  readonly action: string;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Requests and answers over one worker thread. Every request is answered or rejected, whatever
 * becomes of the thread. The thread keeps the process alive only while a request is pending.
 */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #lost: { reason: string; cause?: unknown } | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
    worker.on("message", (message: FromWorker) => this.#answered(message));
    worker.on("messageerror", (cause) =>
      this.#lose({ reason: "sent an unreadable message", cause }),
    );
    worker.on("error", (cause) => this.#lose({ reason: "crashed", cause }));
    worker.on("exit", (code) => this.#lose({ reason: `ended (exit code ${code})` }));
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** @throws {SessionLostError} if the thread is gone, or goes before it has answered */
  request(
    action: string,
    request: Request,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(new SessionLostError(action, this.#lost));
        return;
      }
      const id = this.#nextId++;
      this.#worker.postMessage({ ...request, id }, transfer);
      this.#pending.set(id, { action, resolve, reject });
      if (this.#pending.size === 1) this.#worker.ref();
    });
  }

  /** Ends the thread whatever it is doing. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#settle(message.id);
    if (message.ok) {
      pending.resolve(message.body);
    } else {
      const cause = Object.assign(new Error(message.error.message), {
        name: message.error.name,
        stack: message.error.stack,
      });
      pending.reject(new Error(`Cannot ${pending.action}: ${message.error.message}`, { cause }));
    }
  }

  #settle(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
  }

  #lose(why: { reason: string; cause?: unknown }): void {
    this.#lost ??= why;
    for (const [id, pending] of [...this.#pending]) {
      this.#settle(id);
      pending.reject(new SessionLostError(pending.action, this.#lost));
    }
  }
}
