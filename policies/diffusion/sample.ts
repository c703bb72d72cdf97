/** From noise to a chunk: every sampler as a table of numbers by step, and a graph with a loop over it. */
import type { Imitated } from "../../src/imitation/index.ts";
import { observedNow, placed } from "../../src/imitation/index.ts";
import { ddim } from "../../src/math/index.ts";
import type { Model, Value } from "../../src/onnx/index.ts";
import { addLoop, GraphBuilder } from "../../src/onnx/index.ts";
import type { LayerContext, ParameterStore } from "../../src/onnx/layers/index.ts";
import type { DiffusionConfig } from "./config.ts";
import { samplingSteps } from "./config.ts";
import type { Prepared } from "./network.ts";
import { predict, prepare } from "./network.ts";
import { FLOW, noisingOf, timeOf } from "./objective.ts";

/**
 * One step of a sampler that predicts noise `m` in a chunk `x`:
 *
 *     x0 = clip((x - noisy m) / signal)
 *     x  <- original x0 + sample x + prediction m + deviation z,   z ~ N(0, I)
 */
export interface SamplerStep {
  /** What the network is told, in [0, 1]. */
  readonly time: number;
  readonly signal: number;
  readonly noisy: number;
  readonly original: number;
  readonly sample: number;
  readonly prediction: number;
  readonly deviation: number;
}

/**
 * The steps of DDPM (Ho et al. 2020, arXiv:2006.11239, eq. 7) or DDIM (Song et al. 2021, arXiv:2010.02502, eq. 12,
 * eta 0), from noisy to clean. They are those of the schedules in `src/math`, written as factors so that a graph can
 * look them up; a test holds both to each other.
 */
export function samplerSteps(config: DiffusionConfig): SamplerStep[] {
  const count = samplingSteps(config);
  const schedule = noisingOf(config);
  const { alphasCumprod } = schedule;
  const denoising = config.infer.sampler === "ddim";
  const timesteps = denoising ? ddim(config.diffusion).timesteps(count) : schedule.timesteps(count);
  const back = Math.floor(config.diffusion.trainTimesteps / count);
  return timesteps.map((timestep, i) => {
    const alpha = alphasCumprod[timestep] ?? NaN;
    const before = denoising ? timestep - back : (timesteps[i + 1] ?? -1);
    const next = before < 0 ? 1 : (alphasCumprod[before] ?? NaN);
    const common = {
      time: timeOf(timestep, config),
      signal: Math.sqrt(alpha),
      noisy: Math.sqrt(1 - alpha),
    };
    if (denoising) {
      const prediction = Math.sqrt(1 - next);
      return { ...common, original: Math.sqrt(next), sample: 0, prediction, deviation: 0 };
    }
    return { ...common, ...posterior(config, { alpha, next, last: timestep === 0 }) };
  });
}

function posterior(
  { diffusion }: DiffusionConfig,
  { alpha, next, last }: { readonly alpha: number; readonly next: number; readonly last: boolean },
): Omit<SamplerStep, "time" | "signal" | "noisy"> {
  const beta = 1 - alpha / next;
  const small = Math.max(((1 - next) / (1 - alpha)) * beta, 1e-20);
  const variance = diffusion.varianceType === "fixed_large" ? beta : small;
  return {
    original: (Math.sqrt(next) * beta) / (1 - alpha),
    sample: (Math.sqrt(alpha / next) * (1 - next)) / (1 - alpha),
    prediction: 0,
    deviation: last ? 0 : Math.sqrt(variance),
  };
}

export interface SampleRequest {
  readonly imitated: Imitated;
  readonly config: DiffusionConfig;
  readonly parameters: ParameterStore;
}

/** Whether steps draw noise of their own: input `noise`, `float32[1, steps, horizon, actionDim]`. */
export function drawsNoise({ objective, infer }: DiffusionConfig): boolean {
  return objective === "diffusion" && infer.sampler === "ddpm";
}

/**
 * The whole policy as one graph. Inputs beside those of the observation: `start`, `float32[1, horizon, actionDim]` of
 * standard normal numbers, and `noise` (see `drawsNoise`); regression has neither. Outputs: `action`, `[1, horizon,
 * actionDim]`, normalised, and, except for regression, `path/chunk`, `[steps, horizon, actionDim]`: what it was after
 * each step. What the network needs of the observation is computed once, outside of the loop.
 */
export function actingGraph(request: SampleRequest): GraphBuilder {
  const { imitated, config, parameters } = request;
  const g = new GraphBuilder("diffusion");
  const context = { g, parameters, joined: true };
  const { tokens, origin } = observedNow(context, imitated);
  const place = (made: Value): Value => placed(g, made, { origin, numbers: imitated });
  const prepared = prepare(context, tokens, config);
  const shape = [1, config.horizon, imitated.actionDim];
  if (config.objective === "regression") {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const chunk = g.constant({ dtype: "float32", shape, data: new Float32Array(size) });
    const time = g.constant({ dtype: "float32", shape: [1], data: new Float32Array(1) });
    g.output("action", place(predict(context, { chunk, time, prepared }, config)));
    return g;
  }
  const steps = samplingSteps(config);
  const start = g.input("start", "float32", shape);
  const tables = tablesOf(g, config);
  const noise = drawsNoise(config)
    ? {
        noise: g.reshape(g.input("noise", "float32", [1, steps, ...shape.slice(1)]), [
          steps,
          ...shape,
        ]),
      }
    : {};
  const { carried, collected } = addLoop(g, {
    name: "loop",
    step: stepModel(request, { shape, prepared, names: Object.keys(tables) }),
    most: g.scalar(steps, "int64"),
    carry: { chunk: { start, next: "next/chunk" } },
    perStep: { ...tables, ...noise },
    given: prepared,
    collect: ["next/chunk"],
  });
  g.output("action", place(carried["chunk"] as Value));
  g.output("path/chunk", place(g.squeeze(collected["next/chunk"] as Value, [1])));
  return g;
}

/** Numbers of all steps: `[steps, 1]` the time, `[steps]` the factors. */
function tablesOf(g: GraphBuilder, config: DiffusionConfig): Record<string, Value> {
  const count = samplingSteps(config);
  const table = (values: readonly number[], shape: readonly number[]): Value =>
    g.constant({ dtype: "float32", shape, data: Float32Array.from(values) });
  if (config.objective === "flow") return { time: table(FLOW.timesteps(count), [count, 1]) };
  const steps = samplerSteps(config);
  const factors = ["signal", "noisy", "original", "sample", "prediction", "deviation"] as const;
  return {
    time: table(
      steps.map(({ time }) => time),
      [count, 1],
    ),
    ...Object.fromEntries(
      factors.map((name) => [
        name,
        table(
          steps.map((step) => step[name]),
          [count],
        ),
      ]),
    ),
  };
}

interface StepShape {
  readonly shape: readonly number[];
  readonly prepared: Prepared;
  /** Of the tables. */
  readonly names: readonly string[];
}

function stepModel(
  { config, parameters }: SampleRequest,
  { shape, prepared, names }: StepShape,
): Model {
  const g = new GraphBuilder("step");
  const context = { g, parameters, joined: true };
  const chunk = g.input("chunk", "float32", shape);
  const at = Object.fromEntries(
    names.map((name) => [name, g.input(name, "float32", name === "time" ? [1] : [])]),
  );
  const inner = Object.fromEntries(
    Object.entries(prepared).map(([name, value]) => [name, g.input(name, "float32", value.shape)]),
  );
  const time = at["time"] as Value;
  const said = predict(context, { chunk, time, prepared: inner }, config);
  const next =
    config.objective === "flow"
      ? g.add(chunk, g.mul(said, 1 / samplingSteps(config)))
      : denoised(context, { chunk, said, at }, config);
  g.output("next/chunk", next);
  return g.build();
}

function denoised(
  { g }: LayerContext,
  parts: {
    readonly chunk: Value;
    readonly said: Value;
    readonly at: Readonly<Record<string, Value>>;
  },
  config: DiffusionConfig,
): Value {
  const { chunk, said, at } = parts;
  const of = (name: string): Value => at[name] as Value;
  const raw = g.div(g.sub(chunk, g.mul(said, of("noisy"))), of("signal"));
  const original = config.diffusion.clipSample ? g.clip(raw, -1, 1) : raw;
  const terms = [
    g.mul(original, of("original")),
    config.infer.sampler === "ddim" ? g.mul(said, of("prediction")) : g.mul(chunk, of("sample")),
  ];
  if (drawsNoise(config)) {
    const fresh = g.input("noise", "float32", chunk.shape);
    terms.push(g.mul(fresh, of("deviation")));
  }
  return terms.reduce((sum, term) => g.add(sum, term));
}
