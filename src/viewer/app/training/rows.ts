/** The lines of a run's `metrics.jsonl` as the page understands them. */

export type RowKind = "train" | "validation" | "evaluation";

export interface Row {
  readonly kind: RowKind;
  /** Updates done when it was measured. */
  readonly step: number;
  readonly epoch: number;
  /** Seconds of training so far; NaN in runs that did not write it. */
  readonly elapsedS: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Rows by kind, each in the order of the file. */
export type Rows = Readonly<Record<RowKind, readonly Row[]>>;

const KINDS: ReadonlySet<unknown> = new Set<RowKind>(["train", "validation", "evaluation"]);

/** @returns undefined for a line that is no row: a newer version may write others */
export function parseRow(line: string): Row | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  const { kind, step, epoch, elapsed_s: elapsed, ...rest } = json as Record<string, unknown>;
  if (!KINDS.has(kind) || typeof step !== "number" || typeof epoch !== "number") return undefined;
  const values: Record<string, number> = {};
  for (const [name, value] of Object.entries(rest)) {
    // JSON has no NaN; it is written as null.
    if (typeof value === "number") values[name] = value;
    else if (value === null) values[name] = NaN;
  }
  const elapsedS = typeof elapsed === "number" ? elapsed : NaN;
  return { kind: kind as RowKind, step, epoch, elapsedS, values };
}

export function byKind(rows: readonly Row[]): Rows {
  const of = (kind: RowKind): readonly Row[] => rows.filter((row) => row.kind === kind);
  return { train: of("train"), validation: of("validation"), evaluation: of("evaluation") };
}

/** The measurement that decides which package is the best. */
export interface Best {
  readonly of: "success" | "validation";
  readonly step: number;
  readonly value: number;
}

/**
 * The first highest success rate; where no world was asked, the first lowest held-out loss: as the run itself
 * chooses.
 */
export function bestOf({ evaluation, validation }: Rows): Best | undefined {
  const success = highest(evaluation, (row) => row.values["success_rate"]);
  if (success !== undefined) return { of: "success", ...success };
  const loss = highest(validation, ({ values }) => -(values["loss"] ?? NaN));
  return loss && { of: "validation", step: loss.step, value: -loss.value };
}

function highest(
  rows: readonly Row[],
  valueOf: (row: Row) => number | undefined,
): { readonly step: number; readonly value: number } | undefined {
  let best: { step: number; value: number } | undefined;
  for (const row of rows) {
    const value = valueOf(row) ?? NaN;
    if (!Number.isNaN(value) && (best === undefined || value > best.value)) {
      best = { step: row.step, value };
    }
  }
  return best;
}
