/** Components of a manifest: runners, preprocessors and postprocessors with their parameters. */
import type { z } from "zod";
import type { ComponentEntry } from "./manifest.ts";
import { issueWords, wrongManifest } from "./manifest.ts";

/** A component by its short name. */
export interface Component {
  readonly type: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Python classes that published runtimes register under the short name. */
const CLASS_NAMES: Readonly<Record<string, string>> = {
  StatsNormalizer: "normalize",
  StatsDenormalizer: "denormalize",
  SinglePass: "single_pass",
  ActionChunking: "action_chunking",
  TwoStage: "two_stage",
  ResizeSmolVLA: "smolvla_resize",
  NewLinePreprocessor: "new_line",
  HFTokenizer: "hf_tokenizer",
  OVTokenizer: "ov_tokenizer",
  Pi05Preprocessor: "pi05",
  ActionChunkTrimmer: "action_chunk_trimmer",
};

/** `{ type, ...parameters }` and `{ class_path, init_args }` alike. */
export function componentOf(entry: ComponentEntry): Component {
  const { type, class_path: classPath, init_args: args, ...flat } = entry;
  if (type !== undefined) return { type, parameters: flat };
  const last = classPath?.split(".").at(-1) ?? "";
  return { type: CLASS_NAMES[last] ?? last, parameters: args ?? {} };
}

/**
 * A component's parameters as a schema wants them.
 * @param at where the component stands, for instance `model.runner`
 * @throws {SyntaxError} naming every parameter that is wrong
 */
export function parametersOf<S extends z.ZodType>(
  { parameters }: Component,
  schema: S,
  at: string,
): z.infer<S> {
  const result = schema.safeParse(parameters);
  if (result.success) return result.data;
  return wrongManifest(issueWords(parameters, result.error.issues, at));
}

/** @returns the error that names what is known */
export function unknownStep(type: string, known: readonly string[]): RangeError {
  const why = type === "ov_tokenizer" ? " (its tokeniser is an OpenVINO graph)" : "";
  return new RangeError(
    `Cannot load policy: it has a step "${type}"${why}, must be one of ${known.join(", ")}`,
  );
}

/** Short names in order, for people. */
export function stepNames(entries: readonly ComponentEntry[]): readonly string[] {
  return entries.map((entry) => componentOf(entry).type);
}
