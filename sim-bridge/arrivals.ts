/** A queue between those who dial in and those who wait for them. */
export class Arrivals<T> {
  readonly #present: T[] = [];
  readonly #waiting: ((value: T | undefined) => void)[] = [];
  #closed = false;

  push(value: T): void {
    const first = this.#waiting.shift();
    if (first === undefined) this.#present.push(value);
    else first(value);
  }

  /** Takes back what nobody has taken yet. */
  remove(value: T): void {
    const index = this.#present.indexOf(value);
    if (index !== -1) this.#present.splice(index, 1);
  }

  /** The next one; `undefined` once closed. @throws the signal's reason when aborted */
  next(signal?: AbortSignal): Promise<T | undefined> {
    if (signal?.aborted === true) return Promise.reject(reasonOf(signal));
    const value = this.#present.shift();
    if (value !== undefined || this.#closed) return Promise.resolve(value);
    return new Promise((resolve, reject) => {
      const take = (arrived: T | undefined): void => {
        signal?.removeEventListener("abort", abandon);
        resolve(arrived);
      };
      const abandon = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(reasonOf(signal));
      };
      signal?.addEventListener("abort", abandon, { once: true });
      this.#waiting.push(take);
    });
  }

  close(): void {
    this.#closed = true;
    for (const take of this.#waiting.splice(0)) take(undefined);
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error("Cannot wait any longer: it was aborted");
}
