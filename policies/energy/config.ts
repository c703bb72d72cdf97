import { z } from "zod";
import { imitationKeys, parseImitation } from "../../src/imitation/index.ts";

const count = z.int().min(1);
const positive = z.number().positive();
const least = z.number().min(0);

/** One step down the energy; see `energyStep` for the formula. */
const stepSchema = z.strictObject({
  /** Length of a step, alpha. */
  rate: positive.default(1),
  /** tau, which the rate is divided by. */
  temperature: positive.default(1),
  /**
   * The slope that a step follows: of the mean over the chunk's numbers, as published, or of their sum, so that a
   * rate of about 1 fits every size of chunk.
   */
  gradient: z.enum(["sum", "mean"]).default("sum"),
  /** Whether steps are longer where the energy is higher, by exp(E). */
  energyScaled: z.boolean().default(false),
  /** Where steps are scaled: E goes through c tanh(E / c) first; 0 = not. */
  energyCap: least.default(0),
  /** Of the velocity, mu (Nesterov 1983). */
  momentum: z.number().min(0).max(0.999).default(0),
  /** Divides chunks by their root mean square before each step: one by one, or (as published) a whole batch. */
  normalise: z.enum(["none", "sample", "batch"]).default("none"),
  /** Largest absolute entry of the slope; 0 = any. */
  clampGradient: least.default(0),
});

const trainKeys = z.strictObject({
  /** Steps of an update. */
  steps: count.default(2),
  /** Drawn on top, from 0 to this number. */
  extraSteps: z.int().min(0).default(0),
  /**
   * Which iterates are to be the demonstration: the last; the mean over all; or one of each chunk, the first ones of the batch after
   * one step and so on, which is `every` in the mean and costs the gradients of one step (all, where there are fewer chunks than steps).
   */
  loss: z.enum(["last", "every", "one"]).default("last"),
  /** Where descents begin: at noise, or at a demonstration with a drawn share of noise. */
  start: z.enum(["noise", "mix"]).default("noise"),
  /** Standard deviation of the noise before each step, from the first step on by a half cosine to the last. */
  noise: z.tuple([least, least]).default([0.05, 0.002]),
  /** s: rates are multiplied by a number drawn from [1 / s, s] for each chunk and step; 1: they are not. */
  randomiseRate: z.number().min(1).default(1.5),
  /** n: where starts have a drawn share of noise it is u^n, u uniform in [0, 1); above 1 more of them are near demonstrations. */
  shareExponent: positive.default(1),
  /** Of `equilibrium`: from this share of the demonstration on, the slope asked for falls to 0. */
  knee: z.number().min(0).max(0.999).default(0.8),
  /** Of `equilibrium`: factor of the slope asked for. */
  slope: positive.default(1),
});

const trainSchema = trainKeys.refine(({ loss, extraSteps }) => loss !== "one" || extraSteps === 0, {
  path: ["extraSteps"],
  message: "must be 0 where loss is one",
});

const inferSchema = z.strictObject({
  /** Instead of the rate of training. */
  rate: positive.exactOptional(),
  /** Steps at most. */
  steps: count.default(20),
  /** When a descent ends, with one more step: its last step (root mean square), or its slope (norm), is below. */
  stop: z
    .strictObject({ by: z.enum(["step", "gradient"]).default("step"), below: least.default(0.01) })
    .prefault({}),
  /** Descents from different noise, of which the one of lowest energy is taken. */
  samples: count.default(1),
  /** Standard deviation of the noise before each step. */
  noise: least.default(0),
  /** Normalised actions beyond this size are no actions: the descent has run away. */
  limit: positive.default(10),
  /**
   * Energies around the chosen chunk that are told as thoughts: so many on the line from the first candidate, and so
   * many on each side of a plane. Absent: none, and nothing is computed for them.
   */
  landscape: z
    .strictObject({
      line: z.int().min(2).max(129).default(33),
      plane: z.int().min(2).max(33).default(17),
    })
    .exactOptional(),
});

export const energyConfigSchema = z.strictObject({
  kind: z.literal("energy"),
  /** Where the defaults come from. */
  preset: z.enum(["small", "paper"]).default("small"),
  ...imitationKeys,
  /** What training asks of the energy; see `README.md`. */
  objective: z.enum(["paper", "mix", "equilibrium"]).default("mix"),
  step: stepSchema.prefault({}),
  train: trainSchema.prefault({}),
  infer: inferSchema.prefault({}),
});

export type EnergyConfig = z.infer<typeof energyConfigSchema>;

type Section = Readonly<Record<string, unknown>>;

/**
 * Measured on small worlds; no momentum, no normalisation, no exp(E), all of which keep small models from learning. Where every step is judged,
 * rates that are drawn (published: s = 1.5) leave an error in proportion to the noise of the start, against which what millimetres ask for hardly counts.
 */
const SMALL: Readonly<Record<EnergyConfig["objective"], Section>> = {
  paper: { train: { steps: 2, extraSteps: 1, loss: "last", start: "noise" } },
  mix: { train: { steps: 2, loss: "one", start: "mix", randomiseRate: 1 } },
  equilibrium: { infer: { rate: 0.3, stop: { by: "step", below: 0.05 } } },
};

/** Of the published configuration for Tool Hang; normalisation is per chunk here, where it is per batch there. */
const PAPER: Section = {
  width: 256,
  layers: 8,
  frameLayers: 8,
  observeHorizon: 2,
  dropout: 0.3,
  step: {
    rate: 1000,
    temperature: 9,
    gradient: "mean",
    energyScaled: true,
    momentum: 0.9,
    normalise: "sample",
  },
  train: {
    steps: 6,
    // The code draws from 0 to 3 with a generator whose upper end is included, of 3 + 1.
    extraSteps: 4,
    noise: [0.2, 0.002],
  },
  infer: { stop: { by: "gradient", below: 0.001 } },
};

/** @throws {SyntaxError} naming every key that is wrong */
export function parseEnergyConfig(json: unknown): EnergyConfig {
  return parseImitation(withPreset(json), "energy", energyConfigSchema);
}

function withPreset(json: unknown): unknown {
  if (!isSection(json)) return json;
  const { preset = "small", objective = preset === "paper" ? "paper" : "mix" } = json;
  // What is neither is named by the schema.
  const small = SMALL[objective as EnergyConfig["objective"]] as Section | undefined;
  const defaults = preset === "paper" ? merged(startsOf(objective), PAPER) : (small ?? {});
  return merged(defaults, { ...json, preset, objective });
}

/** The objectives differ in start and loss, whatever the preset. */
function startsOf(objective: unknown): Section {
  return objective === "mix" ? { train: { loss: "every", start: "mix" } } : {};
}

function merged(under: Section, over: Section): Section {
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    result[key] = isSection(below) && isSection(value) ? merged(below, value) : value;
  }
  return result;
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
