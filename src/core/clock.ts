/** Time as a dependency: the control loop never asks the system directly. */
export interface Clock {
  /** Monotonic nanoseconds from an arbitrary start. */
  nowNs(): bigint;
  /** Resolves at or after the deadline. Returns at once when it has passed. */
  waitUntil(deadlineNs: bigint): Promise<void>;
  /** False for clocks that never wait, so that the loop records no lateness. */
  readonly paced: boolean;
}

/** As fast as possible: never waits. */
export function freeRunning(): Clock {
  return { nowNs: monotonicNs, waitUntil: () => Promise.resolve(), paced: false };
}

const SPIN_NS = 500_000n;

/** Wall-clock pacing. Sleeps by timer until shortly before the deadline, then yields in a spin. */
export function realTime(): Clock {
  return {
    paced: true,
    nowNs: monotonicNs,
    async waitUntil(deadlineNs) {
      for (;;) {
        const leftNs = deadlineNs - monotonicNs();
        if (leftNs <= 0n) return;
        // A timer is only good to about a millisecond; the rest is short turns of the event loop.
        const sleepMs = Math.floor(Number(leftNs - SPIN_NS) / 1e6) - 1;
        await new Promise<void>((resolve) =>
          sleepMs > 0 ? setTimeout(resolve, sleepMs) : setImmediate(resolve),
        );
      }
    },
  };
}

/** A clock for tests: time moves only when told, and waiting moves it to the deadline. */
export function manualClock(startNs = 0n): Clock & { advance(ns: bigint): void } {
  let now = startNs;
  return {
    paced: true,
    nowNs: () => now,
    waitUntil(deadlineNs) {
      if (deadlineNs > now) now = deadlineNs;
      return Promise.resolve();
    },
    advance(ns) {
      now += ns;
    },
  };
}

/** Nanoseconds from an arbitrary start that never go back; in Node and in browsers. */
export function monotonicNs(): bigint {
  return BigInt(Math.round(performance.now() * 1e6));
}
