/**
 * `manifest.json` of the published `policy_package` 1.0 format (docs.openvino.ai, "Manifest Schema
 * Reference"), plus one section of our own, `efference`. Keys that we do not know are kept.
 */
import { z } from "zod";
import type { PolicySpec } from "../core/index.ts";
import { COMPONENT_FORMATS, messageOf } from "../core/index.ts";
import { CONVENTION_NAMES } from "./conventions.ts";
import { thoughtBindingSchema } from "./thoughts.ts";

const count = z.int().min(1).max(100_000);
const name = z.string().min(1).max(256);

/** `{ type, ...parameters }`, or `{ class_path, init_args }` as Python tools write it. */
const componentSchema = z
  .looseObject({
    type: name.optional(),
    class_path: name.optional(),
    init_args: z.record(z.string(), z.unknown()).optional(),
  })
  .refine((c) => (c.type === undefined) !== (c.class_path === undefined), {
    message: "must have either type or class_path",
  });

const tensorSchema = z.looseObject({
  shape: z.array(count),
  dtype: z.string().default("float32"),
  order: z.array(z.string()).default([]),
});

/** JSON has no infinity; a bound may be the words instead. */
const bound = z
  .union([z.number(), z.enum(["Infinity", "-Infinity"])])
  .transform((value) => Number(value));

const dtypes = [
  ...["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32"],
  ...["uint64", "int64", "float16", "bfloat16", "float32", "float64"],
] as [string, ...string[]];

const specComponentSchema = z.strictObject({
  name,
  format: z.enum(COMPONENT_FORMATS as [string, ...string[]]),
  dtype: z.enum(dtypes),
  shape: z.array(count),
  unit: z.string().optional(),
  frame: z.string().optional(),
  low: z.array(bound).optional(),
  high: z.array(bound).optional(),
  categories: z.array(count).optional(),
  charset: z.string().optional(),
  minLength: z.int().min(0).optional(),
  description: z.string().optional(),
});

const imageSchema = z.strictObject({
  name,
  height: count,
  width: count,
  channels: z.union([z.literal(1), z.literal(3), z.literal(4)]),
});

const specFields = z.strictObject({
  name,
  observation: z.strictObject({
    images: z.array(imageSchema),
    proprio: z.array(specComponentSchema),
    texts: z.array(z.strictObject({ name, maxLength: count })),
  }),
  action: z.strictObject({ components: z.array(specComponentSchema).min(1) }),
  predictHorizon: z.int().min(1).max(1024),
  executeHorizon: z.int().min(1).max(1024).exactOptional(),
  privileged: z.literal(false),
  controlFreqHz: z.number().positive().optional(),
});

const specSchema = specFields.refine(
  ({ predictHorizon, executeHorizon = 1 }) => executeHorizon <= predictHorizon,
  {
    path: ["executeHorizon"],
    message: "more rows than are predicted, must be at most predictHorizon",
  },
);

/**
 * Where each input of the graphs, or of the first preprocessor that wants it, comes from. Arrays have a
 * leading batch dimension of 1, and after it one of `n_obs_steps` where that is above 1 (oldest first).
 */
const bindingSchema = z.discriminatedUnion("from", [
  /** Components concatenated, `float32[1, sum]`. */
  z.strictObject({ input: name, from: z.literal("proprio"), components: z.array(name).min(1) }),
  /** `hwc`: `[1, height, width, channels]`, `chw`: `[1, channels, height, width]`; float32 inputs get [0, 1]. */
  z.strictObject({
    input: name,
    from: z.literal("image"),
    camera: name,
    layout: z.enum(["hwc", "chw"]),
  }),
  /** The instruction as text, for a preprocessor that makes tokens of it. */
  z.strictObject({ input: name, from: z.literal("instruction") }),
  /** Numbers that never change, `[1, ...shape]`: one for all elements, or all of them in order. */
  z.strictObject({
    input: name,
    from: z.literal("constant"),
    shape: z.array(count).max(8),
    value: z.union([z.number(), z.array(z.number()).max(1 << 20)]),
  }),
  /** `float32[1, words]`: 1 where the instruction has the word (lower case, split at non-letters). */
  z.strictObject({ input: name, from: z.literal("words"), vocabulary: z.array(name).min(1) }),
  /** `float32[1, ...shape]` of standard normal numbers, for policies that sample. */
  z.strictObject({ input: name, from: z.literal("noise"), shape: z.array(count).min(1) }),
  /** `float32[1, ...shape]`: what `output` gave at the decision before; zeros at the first. */
  z.strictObject({
    input: name,
    from: z.literal("memory"),
    output: name,
    shape: z.array(count).min(1),
  }),
]);

const ownSchema = z.looseObject({
  spec: specSchema,
  inputs: z.array(bindingSchema).min(1),
  /**
   * The graph's output, `float32[1, horizon, actionDim]` or `float32[1, actionDim]`; of a runner with a
   * loop, the name that its result gets.
   */
  output: name,
  /** Of a larger output only the first rows and columns count; exporters pad actions. */
  take: z.strictObject({ rows: count.optional(), columns: count.optional() }).optional(),
  /** Outputs that tell how the decision came about. */
  thoughts: z.array(thoughtBindingSchema).default([]),
  /** Of another evaluation loop: spec and numbers are that one's, see `conventions.ts`. */
  convention: z
    .strictObject({
      name: z.enum(CONVENTION_NAMES),
      /** The world's cameras; default LIBERO's. */
      cameras: z.strictObject({ scene: name.optional(), wrist: name.optional() }).default({}),
    })
    .optional(),
  /** SHA-256 of every other file of the package, hex. */
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)).optional(),
  /** How the policy was made: commands, data, seeds, versions, results. */
  provenance: z.record(z.string(), z.unknown()).optional(),
});

const manifestSchema = z.looseObject({
  format: z.literal("policy_package"),
  version: z.string().regex(/^1\.\d+$/, "must be 1.x"),
  policy: z.looseObject({
    name: z.string().default(""),
    source: z.looseObject({}).optional(),
  }),
  model: z.looseObject({
    n_obs_steps: count.default(1),
    artifacts: z.record(name, z.string().min(1).max(1024)),
    runner: componentSchema.optional(),
    preprocessors: z.array(componentSchema).default([]),
    postprocessors: z.array(componentSchema).default([]),
  }),
  hardware: z
    .looseObject({
      robots: z
        .array(
          z.looseObject({
            name,
            type: z.string().default(""),
            state: tensorSchema.nullish(),
            action: tensorSchema.nullish(),
          }),
        )
        .default([]),
      cameras: z
        .array(z.looseObject({ name, shape: z.array(count), dtype: z.string().default("uint8") }))
        .default([]),
    })
    .optional(),
  metadata: z.looseObject({}).optional(),
  efference: ownSchema.optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestInput = z.input<typeof manifestSchema>;
export type ComponentEntry = z.infer<typeof componentSchema>;
export type InputBinding = z.infer<typeof bindingSchema>;

const MAX_MANIFEST_BYTES = 1 << 20;
const MAX_DEPTH = 32;

/**
 * Reads `manifest.json`.
 * @throws {SyntaxError} naming every place that is wrong
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.byteLength > MAX_MANIFEST_BYTES) {
    wrongManifest(`it has ${bytes.byteLength} bytes, must have at most ${MAX_MANIFEST_BYTES}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return wrongManifest(`it is no JSON (${messageOf(error)}), must be`, error);
  }
  if (depthOf(json, MAX_DEPTH) > MAX_DEPTH)
    wrongManifest(`it nests deeper than ${MAX_DEPTH} levels`);
  return validateManifest(json);
}

/** @throws {SyntaxError} naming every place that is wrong */
export function validateManifest(json: unknown): Manifest {
  const result = manifestSchema.safeParse(json);
  if (result.success) return result.data;
  return wrongManifest(issueWords(json, result.error.issues));
}

/** Every place that a schema refuses, with what it must be and what it is. */
export function issueWords(json: unknown, issues: readonly z.core.$ZodIssue[], at = ""): string {
  const words = issues.slice(0, 20).map(({ path, message }) => {
    const value = path.reduce<unknown>(
      (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
      json,
    );
    const where = [...(at === "" ? [] : [at]), ...path].join(".");
    const is = value === undefined ? "absent" : JSON.stringify(value).slice(0, 60);
    return `${where === "" ? "the whole" : where}: ${message} (it is ${is})`;
  });
  return words.join("; ");
}

/** The spec of the `efference` section in core's words. */
export function specOf(own: NonNullable<Manifest["efference"]>): PolicySpec {
  return own.spec as PolicySpec;
}

/** A spec as JSON can hold it: infinite bounds become words. */
export function specToJson(spec: PolicySpec): unknown {
  return JSON.parse(JSON.stringify(spec, infinityAsWord));
}

/** The text of `manifest.json`. */
export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, infinityAsWord, 2)}\n`;
}

function infinityAsWord(_: string, value: unknown): unknown {
  return value === Infinity || value === -Infinity ? String(value) : value;
}

/** @throws {SyntaxError} always; `what` names the field and what it must be */
export function wrongManifest(what: string, cause?: unknown): never {
  throw new SyntaxError(`Cannot read policy package: manifest.json is wrong: ${what}`, { cause });
}

/** Levels of nesting, counted without recursion and only up to a little over `limit`. */
function depthOf(json: unknown, limit: number): number {
  let level: unknown[] = [json];
  let depth = 0;
  while (level.length > 0 && depth <= limit) {
    depth++;
    level = level.flatMap((value): unknown[] =>
      typeof value === "object" && value !== null ? Object.values(value) : [],
    );
  }
  return depth;
}
