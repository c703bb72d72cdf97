/**
 * What a manifest's runner means: which graphs are run, in which order and how often. The shapes of
 * published packages become two: graphs run once one after the other, or a graph run in a loop that a
 * schedule leads from noise to actions, with a graph before it whose outputs do not change.
 */
import { z } from "zod";
import type { Schedule } from "../math/index.ts";
import { componentOf, parametersOf } from "./component.ts";
import type { Component } from "./component.ts";
import type { Manifest } from "./manifest.ts";
import { wrongManifest } from "./manifest.ts";
import { scheduleFields, scheduleOf } from "./schedule-of.ts";

/** Graphs run once, each of which may take the outputs of those before it by name. */
export interface PassPlan {
  readonly kind: "pass";
  /** Paths in the package. */
  readonly graphs: readonly string[];
}

/** A graph run over and over on a sample of `float32[1, horizon, actionDim]`. */
export interface LoopPlan {
  readonly kind: "loop";
  /** Path of the graph that is run once before the loop, whose outputs go to the loop's inputs by name. */
  readonly encoder?: string;
  /** Path of the graph of one step. */
  readonly step: string;
  readonly schedule: Schedule;
  readonly scheduler: string;
  /** How many steps. */
  readonly count: number;
  readonly horizon: number;
  readonly actionDim: number;
  /** Names in the step's graph; absent: whichever of the usual names it has. */
  readonly ports: {
    readonly sample?: string;
    readonly timestep?: string;
    readonly prediction?: string;
  };
  /** Features are renamed so after preprocessing, `[from, to]`. */
  readonly renames: readonly (readonly [string, string])[];
  /** Entries that the feature `state` is padded to with zeros. */
  readonly stateDim?: number;
}

export type RunnerPlan = PassPlan | LoopPlan;

export const RUNNERS: readonly string[] = [
  "single_pass",
  "single_shot",
  "action_chunking",
  "two_stage",
  "iterative",
  "kv_cache",
];

const count = z.int().min(1).max(100_000);
const name = z.string().min(1).max(256);

const chunkingSchema = z.looseObject({
  chunk_size: count.optional(),
  runner: z.looseObject({ type: name.optional(), class_path: name.optional() }).optional(),
});
const twoStageSchema = z.looseObject({
  backend: z.literal("onnx", "must be onnx, the only backend here"),
  artifact: z.string().min(1).max(1024),
});
const loopSchema = z.looseObject({
  ...scheduleFields,
  num_inference_steps: count.default(10),
  action_dim: count,
  horizon: count.optional(),
  chunk_size: count.optional(),
  state_dim: count.optional(),
  input_mapping: z.record(name, name).default({}),
  encoder_artifact: name.optional(),
  denoise_artifact: name.optional(),
  sample_input: name.optional(),
  timestep_input: name.optional(),
  prediction_output: name.optional(),
});

/**
 * @throws {RangeError} for a runner that this runtime does not have
 * @throws {SyntaxError} naming every field of the manifest that is wrong
 */
export function planRunner(manifest: Manifest): RunnerPlan {
  const entry = manifest.model.runner;
  const runner: Component =
    entry === undefined ? { type: "single_pass", parameters: {} } : componentOf(entry);
  return planOf(manifest, runner, "model.runner");
}

function planOf(manifest: Manifest, runner: Component, at: string): RunnerPlan {
  switch (runner.type) {
    case "single_pass":
    case "single_shot":
      return { kind: "pass", graphs: [mainGraph(manifest)] };
    case "action_chunking":
      return planChunking(manifest, runner, at);
    case "two_stage": {
      const { artifact } = parametersOf(runner, twoStageSchema, at);
      return { kind: "pass", graphs: [mainGraph(manifest), onnxPath(artifact, `${at}.artifact`)] };
    }
    case "iterative":
    case "kv_cache":
      return planLoop(manifest, runner, at);
    default:
      throw new RangeError(
        `Cannot load policy: its runner is "${runner.type}", must be one of ${RUNNERS.join(", ")}`,
      );
  }
}

/** A queue of a chunk's rows around another runner; here the queue is the controller's. */
function planChunking(manifest: Manifest, runner: Component, at: string): RunnerPlan {
  const { runner: inner, chunk_size: chunkSize } = parametersOf(runner, chunkingSchema, at);
  if (inner === undefined) return { kind: "pass", graphs: [mainGraph(manifest)] };
  const { type, parameters } = componentOf(inner);
  if (type === "action_chunking") {
    wrongManifest(`${at}.runner: it is action_chunking again, must be another runner`);
  }
  const size = chunkSize === undefined ? {} : { chunk_size: chunkSize };
  return planOf(manifest, { type, parameters: { ...size, ...parameters } }, `${at}.runner`);
}

function planLoop(manifest: Manifest, runner: Component, at: string): LoopPlan {
  const fields = parametersOf(runner, loopSchema, at);
  const horizon = fields.horizon ?? fields.chunk_size;
  if (horizon === undefined) wrongManifest(`${at}.chunk_size: it is absent, must be a count`);
  const schedule = scheduleOf(fields, at);
  if (fields.num_inference_steps > schedule.maxCount) {
    const what = `it is ${fields.num_inference_steps}, must be at most ${schedule.maxCount}`;
    wrongManifest(`${at}.num_inference_steps: ${what}`);
  }
  const encoder = loopArtifact(manifest, {
    named: fields.encoder_artifact,
    usual: ["encoder", "prefix", "onnx_encoder"],
    what: runner.type === "kv_cache" ? `${at} runs an encoder` : undefined,
  });
  const step = loopArtifact(manifest, {
    named: fields.denoise_artifact,
    usual: ["denoise", "step", "onnx_denoise", ...(runner.type === "iterative" ? MAIN : [])],
    what: `${at} runs a step`,
  });
  const { sample_input: sample, timestep_input: timestep, prediction_output: prediction } = fields;
  return {
    kind: "loop",
    ...(encoder === undefined ? {} : { encoder }),
    step: step ?? "",
    schedule,
    scheduler: fields.scheduler,
    count: fields.num_inference_steps,
    horizon,
    actionDim: fields.action_dim,
    ports: {
      ...(sample === undefined ? {} : { sample }),
      ...(timestep === undefined ? {} : { timestep }),
      ...(prediction === undefined ? {} : { prediction }),
    },
    renames: Object.entries(fields.input_mapping),
    ...(fields.state_dim === undefined ? {} : { stateDim: fields.state_dim }),
  };
}

const MAIN = ["model", "onnx"];

/** The only graph of a package, or the first of several. */
function mainGraph({ model: { artifacts } }: Manifest): string {
  const paths = Object.values(artifacts).filter((path) => path.endsWith(".onnx"));
  const path = artifacts["model"] ?? artifacts["onnx"] ?? paths[0];
  if (path?.endsWith(".onnx") === true) return path;
  const found = Object.keys(artifacts).join(", ");
  throw new RangeError(`Cannot load policy: its artifacts are ${found}, must have an ONNX model`);
}

interface Wanted {
  readonly named: string | undefined;
  readonly usual: readonly string[];
  /** Who needs it; absent: nobody does. */
  readonly what: string | undefined;
}

function loopArtifact({ model }: Manifest, { named, usual, what }: Wanted): string | undefined {
  const names = named === undefined ? usual : [named];
  const key = names.find((candidate) => Object.hasOwn(model.artifacts, candidate));
  const path = key === undefined ? undefined : model.artifacts[key];
  if (path !== undefined) return onnxPath(path, `model.artifacts.${key ?? ""}`);
  if (named === undefined && what === undefined) return undefined;
  const found = Object.keys(model.artifacts).join(", ");
  return wrongManifest(
    `model.artifacts: they are ${found}, must have ${names.join(" or ")} (${what ?? "named by the runner"})`,
  );
}

function onnxPath(path: string, at: string): string {
  if (!path.endsWith(".onnx")) {
    wrongManifest(`${at}: it is ${JSON.stringify(path)}, must be an .onnx file`);
  }
  return path;
}
