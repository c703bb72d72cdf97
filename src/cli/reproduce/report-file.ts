/** `results.json` of a report, read again. */
import { z } from "zod";
import type { Demonstrations } from "./demonstrate.ts";
import type { CellResult } from "./results.ts";
import type { WorldName } from "./study.ts";

export type DataByWorld = Partial<Record<WorldName, Demonstrations>>;

/** A report, of which as much was looked at as its cells are judged by. */
export interface Report {
  readonly budget: { readonly name: string };
  readonly data: DataByWorld;
  readonly cells: readonly CellResult[];
}

/** As much of a report as tells whether its cells count. */
const REPORT = z.object({
  study: z.literal("ebt"),
  budget: z.object({ name: z.string() }),
  data: z.record(
    z.string(),
    z.object({
      hash: z.string(),
      observed: z.string(),
      episodes: z.number(),
      failed: z.number(),
      modes: z.record(z.string(), z.number()),
    }),
  ),
  cells: z.array(
    z.looseObject({
      id: z.string(),
      hash: z.string(),
      updates: z.number(),
      acted: z.array(z.looseObject({ sampler: z.string(), endings: z.array(z.string()) })),
    }),
  ),
});

/** Whether parsed JSON says that it is a report of this study. */
export function isReport(json: unknown): boolean {
  return z.object({ study: z.literal("ebt") }).safeParse(json).success;
}

/** @throws what `unfit` makes of the first thing that is wrong */
export function parsedReport(json: unknown, unfit: (why: string) => Error): Report {
  const report = REPORT.safeParse(json);
  if (report.success) return json as Report;
  const { path: at, message } = report.error.issues[0]!;
  throw unfit(`${at.join(".")}: ${message}`);
}
