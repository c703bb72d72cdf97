/** What a training run is and how far it has come, in words. Reads configurations of any version. */
import type { TrainingRun } from "../../protocol.ts";
import { formatNumber, formatPercent } from "../format.ts";
import type { Best, Rows } from "./rows.ts";
import { bestOf } from "./rows.ts";

export type RunStanding = "running" | "done" | "stopped";

/** An evaluation in a simulator takes minutes in which nothing is written. */
export const QUIET_AFTER_MS = 5 * 60_000;

export function standingOfRun(run: TrainingRun, nowMs: number): RunStanding {
  const steps = stepsOf(run);
  if (steps !== undefined && run.step >= steps) return "done";
  return nowMs - run.modifiedMs < QUIET_AFTER_MS ? "running" : "stopped";
}

/** Updates the run is to make; undefined where its configuration does not say. */
export function stepsOf({ config }: TrainingRun): number | undefined {
  return typeof config["steps"] === "number" ? config["steps"] : undefined;
}

export function nameOf(run: TrainingRun): string {
  const name = run.config["name"];
  return typeof name === "string" && name !== "" ? name : folderOf(run);
}

/** The last part of its path; `""` for the served folder itself. */
export function folderOf({ path }: TrainingRun): string {
  return path === "." ? "" : path.slice(path.lastIndexOf("/") + 1);
}

/** The path of the folder it lies in: that of its sweep, where it is one of several seeds. */
export function parentOf({ path }: TrainingRun): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

export function policyKindOf({ config }: TrainingRun): string {
  const kind = field(config["policy"], "kind");
  return typeof kind === "string" ? kind : "unknown policy";
}

/** `1,240 / 8,000`. */
export function progressOf(run: TrainingRun, step = run.step): string {
  const steps = stepsOf(run);
  const done = step.toLocaleString("en");
  return steps === undefined ? `${done} updates` : `${done} / ${steps.toLocaleString("en")}`;
}

/** `best 50 % after update 4,000`; `""` where nothing was measured. */
export function bestWords(rows: Rows): string {
  const best = bestOf(rows);
  return best === undefined
    ? ""
    : `best ${valueWords(best)} after update ${best.step.toLocaleString("en")}`;
}

function valueWords({ of, value }: Best): string {
  return of === "success" ? formatPercent(value) : `held-out loss ${formatNumber(value)}`;
}

/** A key of a configuration with its path, and its value as people write it. */
export type Setting = readonly [key: string, value: string];

/** A configuration as one line per value: `["optimiser.clipNorm", "1"]`; lists of values stay together. */
export function settingsOf(value: unknown, path = ""): readonly Setting[] {
  if (isNested(value)) {
    const parts = Object.entries(value as object);
    return parts.flatMap(([key, inner]) => settingsOf(inner, path === "" ? key : `${path}.${key}`));
  }
  const words = Array.isArray(value) ? value.map(plain).join(", ") : plain(value);
  return [[path, words]];
}

/** The settings in which runs differ, of every run in order. */
export function differences(runs: readonly TrainingRun[]): readonly (readonly Setting[])[] {
  const all = runs.map(({ config }) => settingsOf(config));
  const valuesOf = new Map<string, Set<string | undefined>>();
  const maps = all.map((settings) => new Map(settings));
  for (const key of new Set(all.flat().map(([name]) => name))) {
    valuesOf.set(key, new Set(maps.map((map) => map.get(key))));
  }
  return all.map((settings) => settings.filter(([key]) => (valuesOf.get(key)?.size ?? 0) > 1));
}

function isNested(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const entries = Object.values(value);
  return Array.isArray(value) ? entries.some(isNested) : entries.length > 0;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
