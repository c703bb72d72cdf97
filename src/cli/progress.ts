/** Progress of long work, on stderr: one live line on a terminal, one line per event elsewhere. */
export interface Progress {
  /** Replaces the live line; printed only on a terminal. */
  live(text: string): void;
  /** A line that stays. */
  line(text: string): void;
  /** Removes the live line. */
  clear(): void;
}

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const tty = stream.isTTY === true;
  let shown = false;
  const clear = (): void => {
    if (shown) stream.write("\r\x1b[2K");
    shown = false;
  };
  return {
    clear,
    live(text) {
      if (!tty) return;
      stream.write(`\r\x1b[2K${text.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`);
      shown = true;
    },
    line(text) {
      clear();
      stream.write(`${text}\n`);
    },
  };
}

/** `75 s` or `2:05 min`. */
export function durationWords(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, "0")} min`;
}
