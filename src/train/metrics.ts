import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { EventWriter } from "./tensorboard.ts";
import { openEventWriter } from "./tensorboard.ts";

/** One line of `metrics.jsonl`. */
export interface MetricsRow {
  readonly kind: "train" | "validation" | "evaluation";
  /** Updates done when it was measured. */
  readonly step: number;
  /** Passes over the data so far. */
  readonly epoch: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Column of every line that the log itself adds: seconds of training so far, without the pauses before a resume. */
export const ELAPSED = "elapsed_s";

/** `metrics.jsonl` and TensorBoard's event file, side by side in the run's folder. */
export interface MetricsLog {
  append(row: MetricsRow): void;
  close(): void;
}

export const METRICS_FILE = "metrics.jsonl";

/**
 * Opens a run's metrics. Rows after `fromStep` are cut off: they come from updates that a resumed run does
 * again.
 *
 * @param nowMs the clock in use, replaceable for tests
 */
export function openMetrics(
  folder: string,
  fromStep: number,
  nowMs: () => number = () => performance.now(),
): MetricsLog {
  const path = join(folder, METRICS_FILE);
  let before = 0;
  if (existsSync(path)) {
    const kept = keptLines(readFileSync(path), fromStep);
    truncateSync(path, kept.bytes);
    before = kept.elapsedS;
  }
  const openedMs = nowMs();
  const file = openSync(path, "a");
  const events: EventWriter = openEventWriter(folder);
  return {
    append({ kind, step, epoch, values }) {
      const elapsedS = Number((before + (nowMs() - openedMs) / 1000).toFixed(3));
      const row = { kind, step, epoch, [ELAPSED]: elapsedS, ...values };
      writeSync(file, `${JSON.stringify(row)}\n`);
      const tagged = Object.entries(values).map(([name, value]) => [`${kind}/${name}`, value]);
      events.scalars(step, Object.fromEntries(tagged) as Record<string, number>);
    },
    close() {
      closeSync(file);
      events.close();
    },
  };
}

/** The whole lines up to the first one that is torn or later than `fromStep`. */
function keptLines(
  content: Buffer,
  fromStep: number,
): { readonly bytes: number; readonly elapsedS: number } {
  let bytes = 0;
  let elapsedS = 0;
  for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, bytes)) {
    const row = parseRow(content.subarray(bytes, end).toString("utf8"));
    if (row === undefined || row.step > fromStep) break;
    bytes = end + 1;
    elapsedS = row.elapsedS ?? elapsedS;
  }
  return { bytes, elapsedS };
}

function parseRow(
  line: string,
): { readonly step: number; readonly elapsedS: number | undefined } | undefined {
  try {
    const row = JSON.parse(line) as unknown;
    if (typeof row !== "object" || row === null) return undefined;
    const { step, [ELAPSED]: elapsedS } = row as Record<string, unknown>;
    if (typeof step !== "number") return undefined;
    return { step, elapsedS: typeof elapsedS === "number" ? elapsedS : undefined };
  } catch {
    return undefined;
  }
}
