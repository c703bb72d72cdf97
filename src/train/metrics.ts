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

/** `metrics.jsonl` and TensorBoard's event file, side by side in the run's folder. */
export interface MetricsLog {
  append(row: MetricsRow): void;
  close(): void;
}

export const METRICS_FILE = "metrics.jsonl";

/**
 * Opens a run's metrics. Rows after `fromStep` are cut off: they come from updates that a resumed run does
 * again.
 */
export function openMetrics(folder: string, fromStep: number): MetricsLog {
  const path = join(folder, METRICS_FILE);
  if (existsSync(path)) truncateSync(path, keptBytes(readFileSync(path), fromStep));
  const file = openSync(path, "a");
  const events: EventWriter = openEventWriter(folder);
  return {
    append({ kind, step, epoch, values }) {
      writeSync(file, `${JSON.stringify({ kind, step, epoch, ...values })}\n`);
      const tagged = Object.entries(values).map(([name, value]) => [`${kind}/${name}`, value]);
      events.scalars(step, Object.fromEntries(tagged) as Record<string, number>);
    },
    close() {
      closeSync(file);
      events.close();
    },
  };
}

/** Bytes of the whole lines up to the first one that is torn or later than `fromStep`. */
function keptBytes(content: Buffer, fromStep: number): number {
  let kept = 0;
  for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, kept)) {
    const row = parseRow(content.subarray(kept, end).toString("utf8"));
    if (row === undefined || row.step > fromStep) break;
    kept = end + 1;
  }
  return kept;
}

function parseRow(line: string): { readonly step: number } | undefined {
  try {
    const row: unknown = JSON.parse(line);
    const isRow =
      typeof row === "object" && row !== null && "step" in row && typeof row.step === "number";
    return isRow ? { step: row.step as number } : undefined;
  } catch {
    return undefined;
  }
}
