import { formatTable } from "../rollout/results.ts";
import type { LoggedRow, RunFolder } from "../train/index.ts";
import { durationWords } from "./progress.ts";

const KINDS = ["train", "validation", "evaluation"] as const;
/** Columns of a row that are no measurement. */
const PLACE: ReadonlySet<string> = new Set(["kind", "step", "epoch", "elapsed_s"]);

/** What a training run is and has come to: as data, and as words with a table of its newest rows. */
export function describeTraining(
  path: string,
  run: RunFolder,
): { readonly value: unknown; readonly words: string } {
  const { config, rows, best, checkpoints, packages } = run;
  const last = Object.fromEntries(
    KINDS.flatMap((kind) => {
      const row = rows.findLast((candidate) => candidate.kind === kind);
      return row === undefined ? [] : [[kind, row]];
    }),
  ) as Partial<Record<LoggedRow["kind"], LoggedRow>>;
  const updates = last.train?.step ?? 0;
  const value = { kind: "training_run", updates, last, best, checkpoints, packages, config };
  const megabytes = checkpoints.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  const lines = [
    `training run ${path}`,
    `${text(config["name"])}: policy ${text(kindOf(config["policy"]))}, seed ${text(config["seed"])}, ` +
      `${updates} of ${text(config["steps"])} updates${timeWords(rows)}`,
    best === undefined
      ? "best: nothing was measured yet"
      : `best: ${best.metric} ${numberWords(best.value)} after update ${best.step}`,
    checkpoints.length === 0
      ? "checkpoints: none"
      : `checkpoints: ${checkpoints.map(({ name }) => name).join(", ")} (${megabytes.toFixed(1)} MB)`,
    `packages: ${packages.length === 0 ? "none" : packages.join(", ")}`,
  ];
  return { value, words: `${lines.join("\n")}\n\n${newestRows(last)}` };
}

/** One column per kind of row, one line per value. */
function newestRows(last: Partial<Record<LoggedRow["kind"], LoggedRow>>): string {
  const kinds = KINDS.filter((kind) => last[kind] !== undefined);
  if (kinds.length === 0) return "no metrics yet\n";
  const names = [...new Set(kinds.flatMap((kind) => Object.keys(last[kind] ?? {})))];
  const line = (label: string, name: string): string[] => [
    label,
    ...kinds.map((kind) => numberWords(last[kind]?.[name])),
  ];
  return formatTable([
    ["newest", ...kinds],
    line("update", "step"),
    line("epoch", "epoch"),
    ...names.filter((name) => !PLACE.has(name)).map((name) => line(name, name)),
  ]);
}

function timeWords(rows: readonly LoggedRow[]): string {
  const elapsedS = rows.at(-1)?.["elapsed_s"];
  return typeof elapsedS === "number" ? ` in ${durationWords(elapsedS)}` : "";
}

function numberWords(value: unknown): string {
  if (value === null) return "not finite";
  if (typeof value !== "number") return "";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function kindOf(policy: unknown): unknown {
  return typeof policy === "object" && policy !== null && "kind" in policy
    ? policy.kind
    : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "unknown";
}
