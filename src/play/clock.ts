import type { Clock } from "../core/index.ts";
import { monotonicNs } from "../core/index.ts";

/** Wall-clock pacing that can stand still. */
export interface PausableClock extends Clock {
  pause(paused: boolean): void;
}

/** Longest sleep, so that a pause in the middle of one is noticed soon. */
const NAP_MS = 20;

/**
 * Real time without Node's timers. A browser's timers are good to some milliseconds; deadlines are absolute,
 * so lateness does not add up.
 */
export function pausableClock(): PausableClock {
  let pausedNs = 0n;
  let pausedAt: bigint | undefined;
  const nowNs = (): bigint => (pausedAt ?? monotonicNs()) - pausedNs;
  return {
    paced: true,
    nowNs,
    async waitUntil(deadlineNs) {
      for (;;) {
        const leftMs = Number(deadlineNs - nowNs()) / 1e6;
        if (leftMs <= 0 && pausedAt === undefined) return;
        const waitMs = pausedAt === undefined ? Math.min(NAP_MS, leftMs) : NAP_MS;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    },
    pause(paused) {
      if (paused) pausedAt ??= monotonicNs();
      else if (pausedAt !== undefined) {
        pausedNs += monotonicNs() - pausedAt;
        pausedAt = undefined;
      }
    },
  };
}
