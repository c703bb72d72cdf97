/** From an environment and an expert to a policy package. */
import type { Environment, Policy, PolicySpec, TaskInfo } from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";
import { assertModel, writeModel } from "../../src/onnx/index.ts";
import type { PackageContent } from "../../src/package/index.ts";
import { specToJson, wordsOf } from "../../src/package/index.ts";
import type { FittedConfig } from "./config.ts";
import { ACTION_DIM, DEFAULT_CONFIG, MEMORY_DIM, PROPRIO } from "./config.ts";
import type { Demonstration } from "./demonstrations.ts";
import { collectDemonstration, graspStep } from "./demonstrations.ts";
import { fitAction } from "./fit-action.ts";
import { fitPerception } from "./fit-perception.ts";
import { buildFittedModel } from "./model.ts";
import type { FittedParameters } from "./parameters.ts";
import { locate } from "./reference.ts";

export interface FitOptions {
  readonly environment: Environment;
  /** Demonstrates; must do the tasks without noise of its own. */
  readonly expert: Policy;
  /** Default: every task of the environment whose name begins with `lift_`. */
  readonly tasks?: readonly TaskInfo[];
  /** Demonstrations kept per task; default 80. */
  readonly demonstrations?: number;
  /** Chance per step of a push off the expert's way, in every second demonstration; default 0.06. */
  readonly disturbance?: number;
  /** Of everything drawn; default 0. */
  readonly seed?: number;
  readonly config?: Partial<FittedConfig>;
  readonly onProgress?: (words: string) => void;
}

export interface FitReport {
  readonly tasks: readonly string[];
  readonly words: readonly string[];
  readonly seed: number;
  readonly disturbance: number;
  readonly demonstrations: Readonly<Record<string, number>>;
  /** Left-out error of the position fit per task, m. */
  readonly positionErrorM: Readonly<Record<string, number>>;
  readonly examples: number;
  readonly actionTrainError: number;
}

export interface Fit {
  readonly parameters: FittedParameters;
  readonly report: FitReport;
}

/**
 * Fits the policy in closed form. Deterministic: equal options give equal parameters.
 * Seeds of demonstrations are drawn states, never the fixed initial states that evaluations use.
 * @throws {RangeError} if a task cannot be demonstrated often enough, or its instruction has no word of its own
 */
export async function fitLift(options: FitOptions): Promise<Fit> {
  const { environment, seed = 0, onProgress } = options;
  const config = { ...DEFAULT_CONFIG, ...options.config };
  const tasks = options.tasks ?? environment.tasks.filter(({ name }) => name.startsWith("lift_"));
  const words = distinctWords(tasks.map(({ instruction }) => instruction));
  const rng = seeded(`fitted/${seed}`);
  const perTask: Demonstration[][] = [];
  for (const { name } of tasks) {
    const kept = await demonstrate(options, { task: name, camera: config.camera });
    onProgress?.(`${name}: ${kept.length} demonstrations`);
    perTask.push(kept);
  }
  const sightings = perTask.flatMap((demonstrations, target) =>
    // A push shortly before the grasp moves it by up to 25 mm; undisturbed ones are within 4 mm.
    demonstrations
      .filter(({ disturbed }) => !disturbed)
      .map((demonstration) => {
        const [x = 0, y = 0] = graspStep(demonstration).proprio;
        return { target, image: demonstration.image, position: [x, y] as const };
      }),
  );
  const targets = tasks.length;
  const seen = fitPerception(sightings, { targets, config, rng: rng.split("perception") });
  onProgress?.(`position: ${seen.errorsM.map((error) => (1000 * error).toFixed(1)).join(", ")} mm`);
  const graspHeights = Float64Array.from(perTask, (demonstrations) => {
    const heights = demonstrations.map((one) => graspStep(one).proprio[2]!);
    return heights.reduce((a, b) => a + b, 0) / heights.length;
  });
  const located = perTask.flatMap((demonstrations, target) =>
    demonstrations.map((demonstration) => {
      const given = { perception: seen.perception, config, targets };
      const [x, y] = locate(demonstration.image, target, given);
      return { demonstration, x, y, graspHeight: graspHeights[target]! };
    }),
  );
  const acting = fitAction(located, { config, rng: rng.split("action") });
  onProgress?.(`action: ${acting.examples} examples, error ${acting.trainError.toFixed(4)}`);
  const named = <T>(values: readonly T[]): Record<string, T> =>
    Object.fromEntries(tasks.map(({ name }, i) => [name, values[i]!]));
  return {
    parameters: { config, words, graspHeights, perception: seen.perception, action: acting.action },
    report: {
      tasks: tasks.map(({ name }) => name),
      words,
      seed,
      disturbance: options.disturbance ?? 0.06,
      demonstrations: named(perTask.map((list) => list.length)),
      positionErrorM: named(seen.errorsM),
      examples: acting.examples,
      actionTrainError: acting.trainError,
    },
  };
}

async function demonstrate(
  options: FitOptions,
  { task, camera }: { task: string; camera: string },
): Promise<Demonstration[]> {
  const { environment, expert, demonstrations = 80, disturbance = 0.06, seed = 0 } = options;
  const kept: Demonstration[] = [];
  for (let attempt = 0; kept.length < demonstrations; attempt++) {
    if (attempt >= 2 * demonstrations + 10) {
      throw new RangeError(
        `Cannot fit: the expert did ${task} in ${kept.length} of ${attempt} tries, must do it more often`,
      );
    }
    const one = await collectDemonstration({
      environment,
      expert,
      task,
      seed: 1_000_000 * (seed + 1) + attempt,
      camera,
      rng: seeded(`fitted/${seed}/${task}/${attempt}`),
      disturbance: attempt % 2 === 0 ? 0 : disturbance,
    });
    if (one !== undefined) kept.push(one);
  }
  return kept;
}

/** For each instruction the first word that no other one has. */
export function distinctWords(instructions: readonly string[]): string[] {
  const split = instructions.map(wordsOf);
  return split.map((words, i) => {
    const own = words.find((word) => split.every((other, j) => i === j || !other.includes(word)));
    if (own === undefined) {
      throw new RangeError(
        `Cannot tell tasks apart: "${instructions[i] ?? ""}" has no word of its own, must have one`,
      );
    }
    return own;
  });
}

/** The package of a fit: graph, manifest with spec, bindings and provenance. */
export function fittedPackage(
  { parameters, report }: Fit,
  details: {
    readonly name: string;
    readonly environment: Environment;
    readonly provenance?: object;
  },
): PackageContent {
  const model = buildFittedModel(parameters);
  assertModel(model);
  const spec = policySpec(parameters, details);
  const { camera, imageHeight, imageWidth, horizon } = parameters.config;
  return {
    files: { "model.onnx": writeModel(model) },
    manifest: {
      format: "policy_package",
      version: "1.0",
      policy: {
        name: details.name,
        source: { repo_id: "", class_path: "efference.policies.fitted" },
      },
      model: {
        n_obs_steps: 1,
        runner: { type: "action_chunking", chunk_size: horizon },
        artifacts: { model: "model.onnx" },
        preprocessors: [],
        postprocessors: [],
      },
      hardware: {
        robots: [
          {
            name: "main",
            type: "panda",
            state: { shape: [8], dtype: "float32", order: PROPRIO.map(({ name }) => name) },
            action: { shape: [ACTION_DIM], dtype: "float32" },
          },
        ],
        cameras: [{ name: camera, shape: [3, imageHeight, imageWidth], dtype: "uint8" }],
      },
      metadata: { created_by: "efference" },
      efference: {
        spec: specToJson(spec) as never,
        inputs: [
          { input: "image", from: "image", camera, layout: "hwc" },
          { input: "proprio", from: "proprio", components: PROPRIO.map(({ name }) => name) },
          { input: "words", from: "words", vocabulary: [...parameters.words] },
          { input: "memory", from: "memory", output: "next_memory", shape: [MEMORY_DIM] },
        ],
        output: "action",
        provenance: { fit: { ...report }, config: { ...parameters.config }, ...details.provenance },
      },
    },
  };
}

/** What the policy needs of an environment, in the environment's own words. */
function policySpec(
  { config }: FittedParameters,
  { name, environment }: { name: string; environment: Environment },
): PolicySpec {
  const { observation, action, controlFreqHz } = environment.spec;
  const image = observation.images.find((known) => known.name === config.camera);
  const proprio = PROPRIO.map((wanted) => observation.proprio.find((c) => c.name === wanted.name));
  if (image?.height !== config.imageHeight || image.width !== config.imageWidth) {
    throw new TypeError(
      `Cannot package the policy: image "${config.camera}" must be ${config.imageHeight} x ${config.imageWidth}`,
    );
  }
  return {
    name,
    observation: { images: [image], proprio: proprio.filter((c) => c !== undefined), texts: [] },
    action,
    predictHorizon: config.horizon,
    privileged: false,
    controlFreqHz,
  };
}
