import { createHash } from "node:crypto";
import { z } from "zod";
import { optimiserSchema } from "./optimiser-schema.ts";
import { scheduleSchema } from "./schedules.ts";

const count = z.int().min(1);
const fraction = z.number().min(0).max(1);
const dataSchema = z.strictObject({
  /** Folders of episodes or LeRobot datasets; relative to the working directory. */
  folders: z.array(z.string().min(1)).min(1),
  /** One per folder; default: every window alike. */
  weights: z.array(z.number().positive()).optional(),
  tasks: z.array(z.string()).optional(),
  labels: z.enum(["decided", "executed"]).default("decided"),
  /** Steps that are left out of what is learned; see `IdleOptions`. 12 steps are 0.6 s at 20 Hz: as long as the tabletop's fingers take to close. */
  idle: z.strictObject({ below: z.number().positive(), settle: count.default(12) }).optional(),
  /** Share of the episodes that is held out and measured. */
  validation: fraction.default(0.05),
  resize: z.strictObject({ height: count, width: count }).optional(),
  /** Part of the (resized) images that is read: at a random place in training, else the centre. */
  crop: z.strictObject({ height: count, width: count }).optional(),
  /** Random changes of training images; see `AugmentOptions`. */
  augment: z
    .strictObject({
      shiftPx: z.int().min(0).optional(),
      brightness: fraction.optional(),
      contrast: fraction.optional(),
      saturation: fraction.optional(),
    })
    .optional(),
  threads: z.int().min(0).max(16).default(1),
  /** Memory for decoded images, MiB. */
  cacheMiB: z.int().min(0).default(2048),
});

const evaluationSchema = z.strictObject({
  sim: z.string().min(1),
  suite: z.string().optional(),
  task: z.string().optional(),
  /** Per task. */
  episodes: count.default(5),
  /** Where episodes start. Drawn ones leave the fixed ones for the final evaluation. */
  states: z.enum(["drawn", "fixed"]).default("drawn"),
  /** Of the episodes. */
  seed: z.int().min(0).default(1_000_003),
  executeHorizon: count.optional(),
  /** Bodies whose poses are part of what is seen, as in the demonstrations. */
  bodies: z.array(z.string().min(1)).min(1).optional(),
  everySteps: count,
  workers: count.default(2),
});

/** A training run as a file. */
export const trainConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().min(1).default("train"),
  /** What is trained; validated by the policy that `kind` names. */
  policy: z.looseObject({ kind: z.string().min(1) }),
  data: dataSchema,
  seed: z.int().min(0).default(0),
  batchSize: count.default(32),
  accumulate: count.default(1),
  /** Updates. */
  steps: count,
  optimiser: optimiserSchema.default({ kind: "adamw", weightDecay: 0.01, clipNorm: 1 }),
  /** Default: a cosine over all steps; its `total` is the run's `steps` where it is not given. */
  schedule: scheduleSchema,
  objectives: z.record(z.string(), z.number()).optional(),
  threads: count.default(2),
  device: z.enum(["cpu", "webgpu", "cuda"]).default("cpu"),
  /** Updates that are one run of the engine, optimiser and all; default 20 on `cuda`, 1 elsewhere. */
  updatesPerRun: count.optional(),
  /** Updates between lines of `metrics.jsonl`. */
  logEvery: count.default(20),
  validate: z
    .strictObject({ everySteps: count.default(500), batches: count.default(10) })
    .default({ everySteps: 500, batches: 10 }),
  evaluate: evaluationSchema.optional(),
  checkpoint: z
    .strictObject({ everySteps: count.default(500), keep: count.default(2) })
    .default({ everySteps: 500, keep: 2 }),
  /** Ends when the deciding metric has not improved for so many measurements. */
  patience: count.optional(),
});

export type TrainConfig = z.infer<typeof trainConfigSchema>;
export type EvaluationConfig = z.infer<typeof evaluationSchema>;

/**
 * @param json a file's content, with overrides applied
 * @throws {SyntaxError} naming every key that is wrong and what it must be
 */
export function parseTrainConfig(json: unknown): TrainConfig {
  const parsed = trainConfigSchema.safeParse(withSchedule(json));
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? "the whole" : path.join(".")}: ${message}`,
  );
  throw new SyntaxError(`Cannot configure training: ${places.join("; ")}`);
}

/** A schedule that ends with the run, unless something else is said. */
function withSchedule(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  const { schedule = { kind: "cosine", peak: 3e-4, warmUp: 200 }, steps } = json as Record<
    string,
    unknown
  >;
  if (typeof schedule !== "object" || schedule === null) return json;
  const ends = "kind" in schedule && schedule.kind === "cosine" && !("total" in schedule);
  return { ...json, schedule: ends ? { ...schedule, total: steps } : schedule };
}

/** For editors. What `parseTrainConfig` fills in besides defaults (the schedule, its end) is not required. */
export function trainConfigJsonSchema(): unknown {
  return z.toJSONSchema(trainConfigSchema, {
    io: "input",
    override({ jsonSchema }) {
      const { required, properties = {} } = jsonSchema;
      if (required === undefined) return;
      jsonSchema.required = required.filter(
        (key) => !(key === "schedule" && "policy" in properties) && key !== "total",
      );
    },
  });
}

/**
 * Sets `a.b=value` in a configuration. Values are JSON where they parse as such, else text.
 * @throws {SyntaxError} if there is no `=`, or a part of the path is no object
 */
export function applyOverride(json: unknown, override: string): unknown {
  const equals = override.indexOf("=");
  if (equals < 1) {
    throw new SyntaxError(
      `Cannot set "${override}": it has no "=", must be like optimiser.clipNorm=1`,
    );
  }
  const path = override.slice(0, equals).split(".");
  return withValue(json, path, { value: parseValue(override.slice(equals + 1)), override });
}

function withValue(
  json: unknown,
  path: readonly string[],
  set: { readonly value: unknown; readonly override: string },
): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return set.value;
  if (Array.isArray(json)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index > json.length) {
      throw new SyntaxError(
        `Cannot set "${set.override}": "${key}" is no place of a list of ${json.length}, must be`,
      );
    }
    const list: unknown[] = [...(json as unknown[])];
    list[index] = withValue(list[index], rest, set);
    return list;
  }
  if (typeof json !== "object" && json !== undefined) {
    throw new SyntaxError(
      `Cannot set "${set.override}": "${key}" is inside ${typeof json}, must be inside an object`,
    );
  }
  const object = (json ?? {}) as Record<string, unknown>;
  const inner = Object.hasOwn(object, key) ? object[key] : undefined;
  return { ...object, [key]: withValue(inner, rest, set) };
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** What a resumed run may differ in: how long it goes on, how fast, how often it says something. */
const FREE = ["name", "$schema", "threads", "logEvery", "checkpoint", "patience"] as const;

/**
 * SHA-256 of everything that decides the parameters after n steps. Threads do not: they change no bit.
 * The number of steps counts, because the schedule depends on it.
 */
export function configHash(config: TrainConfig): string {
  const deciding = Object.fromEntries(
    Object.entries(config).filter(([key]) => !(FREE as readonly string[]).includes(key)),
  );
  return createHash("sha256")
    .update(JSON.stringify(sorted(deciding)))
    .digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
