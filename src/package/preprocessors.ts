/** The preprocessors that a manifest lists, ready to run. */
import { z } from "zod";
import type { NdArray } from "../core/index.ts";
import type { Component } from "./component.ts";
import { componentOf, parametersOf, unknownStep } from "./component.ts";
import type { FeatureKinds, Features, Preprocessor } from "./features.ts";
import { arrayOf, requireKind, textOf } from "./features.ts";
import type { PackageFiles } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import { RELATIVE_STEP, relativePreprocessor } from "./relative-actions.ts";
import type { Affine } from "./statistics.ts";
import { affineOf, normalise } from "./statistics.ts";
import { featuresOf, normalisedTwice, readStatistics } from "./statistics-step.ts";
import { openTokenizer } from "./tokenizer.ts";
import { newLine, padded, pi05, smolvlaResize } from "./vla-preprocessors.ts";

const count = z.int().min(1).max(100_000);
const name = z.string().min(1).max(256);

export const PREPROCESSORS: readonly string[] = [
  "normalize",
  "new_line",
  "hf_tokenizer",
  "tokenize",
  "smolvla_resize",
  "pi05",
  "pi05_prepare_state",
  RELATIVE_STEP,
];

/**
 * @throws {RangeError} for a step that this runtime does not have, or a file that is not in the package
 * @throws {SyntaxError} naming every parameter that is wrong
 */
export async function openPreprocessors(
  files: PackageFiles,
  manifest: Manifest,
): Promise<readonly Preprocessor[]> {
  const steps: Preprocessor[] = [];
  const seen = new Set<string>();
  for (const [i, entry] of manifest.model.preprocessors.entries()) {
    const at = `model.preprocessors.${i}`;
    steps.push(await openPreprocessor({ files, at, seen }, componentOf(entry)));
  }
  return steps;
}

interface Place {
  readonly files: PackageFiles;
  readonly at: string;
  /** Features normalised by the steps before. */
  readonly seen: Set<string>;
}

async function openPreprocessor(place: Place, step: Component): Promise<Preprocessor> {
  const { at } = place;
  switch (step.type) {
    case "normalize":
      return openNormalize(place, step);
    case "new_line":
      return newLine();
    case "hf_tokenizer":
    case "tokenize":
      return openTokenize(place, step);
    case "smolvla_resize":
      return smolvlaResize(step, at);
    case "pi05":
      return pi05(step, at);
    case "pi05_prepare_state": {
      const { max_state_dim: width } = parametersOf(
        step,
        z.looseObject({ max_state_dim: count }),
        at,
      );
      return padded(step.type, "observation.state", width);
    }
    case RELATIVE_STEP:
      return relativePreprocessor(step, at);
    default:
      throw unknownStep(step.type, PREPROCESSORS);
  }
}

async function openNormalize(place: Place, step: Component): Promise<Preprocessor> {
  const { mode, features, groups } = await readStatistics(place, step);
  const affine = new Map<string, Affine>();
  return {
    type: step.type,
    plan(kinds: FeatureKinds) {
      affine.clear();
      const known = [...kinds.keys()];
      for (const feature of featuresOf(features, [...groups.keys()], known)) {
        if (place.seen.has(feature)) throw normalisedTwice(feature);
        place.seen.add(feature);
        requireKind(kinds, { type: step.type, name: feature, kind: "array" });
        affine.set(feature, affineOf(feature, groups.get(feature), mode));
        kinds.set(feature, "float32");
      }
      return [...affine.keys()];
    },
    apply(all: Features) {
      for (const [feature, map] of affine) {
        const { shape, data } = arrayOf(all, feature);
        const values = normalise(Float32Array.from(data, Number), map, shape);
        all.set(feature, { dtype: "float32", shape, data: values });
      }
    },
  };
}

const tokenizeSchema = z.looseObject({
  artifact: z
    .string({
      error: "must be the path of a tokenizer.json in the package: nothing is fetched by name",
    })
    .min(1)
    .max(1024),
  max_length: count.optional(),
  max_token_len: count.optional(),
  padding: z.enum(["max_length", "longest"]).or(z.boolean()).default("max_length"),
  padding_side: z.enum(["left", "right"]).default("right"),
  truncation: z.boolean().default(true),
  pad_id: z.int().min(0).optional(),
  task_key: name.default("task"),
  ids: name.optional(),
  mask: name.optional(),
});

/** The names that the two published runtimes give to tokens: of physicalai, and of LeRobot's export. */
const TOKEN_NAMES = {
  hf_tokenizer: { ids: "tokenized_prompt", mask: "tokenized_prompt_mask" },
  tokenize: {
    ids: "observation.language.tokens",
    mask: "observation.language.attention_mask",
  },
} as const;

async function openTokenize({ files, at }: Place, step: Component): Promise<Preprocessor> {
  const fields = parametersOf(step, tokenizeSchema, at);
  const names = TOKEN_NAMES[step.type === "tokenize" ? "tokenize" : "hf_tokenizer"];
  const { ids = names.ids, mask = names.mask, task_key: task } = fields;
  const tokenize = await openTokenizer(files, fields.artifact, {
    maxLength: fields.max_length ?? fields.max_token_len ?? 512,
    // Of a batch of one the longest text is the text.
    padding: fields.padding === "max_length",
    paddingSide: fields.padding_side,
    truncation: fields.truncation,
    ...(fields.pad_id === undefined ? {} : { padId: fields.pad_id }),
  });
  return {
    type: step.type,
    plan(kinds) {
      requireKind(kinds, { type: step.type, name: task, kind: "text" });
      kinds.delete(task);
      kinds.set(ids, "int64").set(mask, "bool");
      return [task];
    },
    apply(features) {
      const tokens = tokenize(textOf(features, task));
      features.delete(task);
      const shape = [1, tokens.ids.length];
      const data = BigInt64Array.from(tokens.ids, BigInt);
      features.set(ids, { dtype: "int64", shape, data });
      features.set(mask, { dtype: "bool", shape, data: Uint8Array.from(tokens.mask) });
    },
  };
}

/** An image mask for every `image_N` that has none, as LeRobot's runner of cached prefixes feeds them. */
export function imageMasks(): Preprocessor {
  const masksOf = (features: ReadonlyMap<string, unknown>): string[] =>
    [...features.keys()]
      .map((feature) => /^image_(\d+)$/.exec(feature)?.[1])
      .filter((digits) => digits !== undefined)
      .map((digits) => `img_mask_${digits}`)
      .filter((mask) => !features.has(mask));
  const ones = (): NdArray => ({ dtype: "bool", shape: [1], data: Uint8Array.of(1) });
  return {
    type: "image_masks",
    plan(kinds) {
      for (const mask of masksOf(kinds)) kinds.set(mask, "bool");
      return [];
    },
    apply(features) {
      for (const mask of masksOf(features)) features.set(mask, ones());
    },
  };
}
