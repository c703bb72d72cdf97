/** What the commands' options have in common: how values are read, and the ends of help texts. */
import { InvalidArgumentError, Option } from "commander";
import { RECORD_FORMATS } from "./record-formats.ts";
import type { RecordFormat } from "./record-formats.ts";

export function simSet(): Option {
  return new Option(
    "--sim-set <key=value...>",
    "a setting of the simulator, e.g. data=DIR (libero)",
  );
}

export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
}

export function exitCodes(): string {
  return "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 finished with crashed episodes, 130 interrupted\n";
}

/** Ground truth as part of what a policy sees; the same for demonstrations and for who learned from them. */
export function bodies(): Option {
  const what = "bodies whose poses (ground truth) are part of what is seen, comma separated";
  return new Option("--bodies <names>", what).argParser((text: string) => text.split(","));
}

export function watching(): Option {
  const what =
    "tell how far decisions depart from the plans before them, in halves of an action's range; beyond <most> stand still and look again";
  return new Option("--watch [most]", what).argParser(positiveNumber);
}

export function recordFormats(text: string): RecordFormat[] {
  const known: readonly string[] = RECORD_FORMATS;
  const names = [...new Set(text.split(","))];
  const odd = names.find((name) => !known.includes(name));
  if (odd !== undefined) {
    throw new InvalidArgumentError(`"${odd}" is none; they must be of ${known.join(", ")}.`);
  }
  return names as RecordFormat[];
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be an integer of 1 or more.");
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError("It must be an integer of 0 or more.");
  return value;
}

export function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0) || !Number.isFinite(value))
    throw new InvalidArgumentError("It must be a number of 0 or more.");
  return value;
}

function positiveNumber(text: string): number {
  const value = nonNegative(text);
  if (value === 0) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError("It must be a number in [0, 1].");
  return value;
}

/** Timers end at 2^31 ms. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 2_000_000))
    throw new InvalidArgumentError("It must be a number above 0, at most 2000000.");
  return value;
}

export function port(text: string): number {
  const value = wholeNumber(text);
  if (value > 65_535) throw new InvalidArgumentError("It must be a port from 0 to 65535.");
  return value;
}
