/** Beats of silence after which the other side counts as gone. */
export const SILENT_BEATS = 3;

/**
 * Calls `beat` every `periodS`. `wasAwake` is false when this program itself was too busy to look at
 * its sockets in time: the silence of others then proves nothing.
 */
export function startHeartbeat(periodS: number, beat: (wasAwake: boolean) => void): () => void {
  const periodMs = periodS * 1000;
  let previousMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const wasAwake = nowMs - previousMs < 2 * periodMs;
    previousMs = nowMs;
    beat(wasAwake);
  }, periodMs);
  return () => clearInterval(timer);
}
