/** Numbers as people read them. */

/** About four significant digits in a fixed small width: `0.0123`, `-1.500`, `12.35`, `1.2e-5`. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  // Rounding errors of sums and rotations are no information.
  if (size < 1e-9) return "0.000";
  if (size >= 1e6 || size < 1e-4) return value.toExponential(1);
  if (Number.isInteger(value)) return String(value);
  if (size >= 1000) return value.toFixed(0);
  if (size >= 100) return value.toFixed(1);
  if (size >= 10) return value.toFixed(2);
  return value.toFixed(3);
}

/** `3.45 s` below a minute, then `2:03.4`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

/** Milliseconds to two or three digits: `0.42 ms`, `12 ms`, `1.3 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(2)} ms`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `lift_red_cube` as `lift red cube`. */
export function formatName(name: string): string {
  return name.replaceAll("_", " ");
}

/** A rate as a whole percentage. */
export function formatPercent(rate: number): string {
  return `${Math.round(rate * 100)} %`;
}
