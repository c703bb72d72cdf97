import type { Environment } from "../core/index.ts";

/** An environment that can say when it is gone. */
interface MortalEnvironment extends Environment {
  readonly lost: Promise<string>;
}

/**
 * The simulators that are there now and those still to come, so that several evaluations in a row
 * can share one set of workers.
 */
export class SimulatorPool<E extends MortalEnvironment> {
  readonly #present = new Set<E>();
  readonly #waiting = new Set<() => void>();
  readonly #history: E[] = [];
  #failure: Error | undefined;
  #closed = false;

  constructor(source: AsyncIterable<E>) {
    void this.#collect(source);
  }

  get size(): number {
    return this.#present.size;
  }

  /** The first environment that is there; waits for one. @throws what the source threw; the signal's reason */
  async first(signal?: AbortSignal): Promise<E> {
    for await (const env of this.arrivals(signal)) return env;
    signal?.throwIfAborted();
    throw new RangeError("Cannot wait for a simulator: the runtime is closing, must be listening");
  }

  /** Every environment that is there, then each newcomer, until the pool or the caller closes. */
  async *arrivals(signal?: AbortSignal): AsyncGenerator<E, void, void> {
    const stop = (): void => this.#notify();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      for (let next = 0; ;) {
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#closed || signal?.aborted === true) return;
        const env = this.#history[next];
        if (env === undefined) {
          await new Promise<void>((resolve) => this.#waiting.add(resolve));
          continue;
        }
        next++;
        if (this.#present.has(env)) yield env;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Nobody will come any more: whoever waits, now or later, gets the error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#notify();
  }

  close(): void {
    this.#closed = true;
    this.#notify();
  }

  async #collect(source: AsyncIterable<E>): Promise<void> {
    try {
      for await (const env of source) {
        this.#present.add(env);
        this.#history.push(env);
        void env.lost.then(() => this.#present.delete(env));
        this.#notify();
      }
      this.#closed = true;
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#notify();
  }

  #notify(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
