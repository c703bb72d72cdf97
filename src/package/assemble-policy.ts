/**
 * A policy made of a package's manifest, files and graphs, wherever the files lie and whatever runs the graphs: the part
 * of loading that Node and a browser share.
 */
import type { Policy, PolicySpec, Rng } from "../core/index.ts";
import { seeded } from "../core/index.ts";
import type { Session } from "../session/index.ts";
import { assertInBounds } from "./assert-in-bounds.ts";
import { assertBindings, boundKinds } from "./bind-observation.ts";
import type { Preprocessor } from "./features.ts";
import type { PackageFiles } from "./files.ts";
import type { ConventionCameras } from "./in-convention.ts";
import { inConvention, specInConvention } from "./in-convention.ts";
import type { InputBinding, Manifest } from "./manifest.ts";
import { specOf } from "./manifest.ts";
import { packagedPolicy } from "./packaged-policy.ts";
import { openPostprocessors } from "./postprocessors.ts";
import { imageMasks, openPreprocessors } from "./preprocessors.ts";
import type { GraphRunner } from "./run-graphs.ts";
import { loopRunner, passRunner } from "./run-graphs.ts";
import type { RunnerPlan } from "./runner.ts";
import { planRunner } from "./runner.ts";
import type { ThoughtBinding } from "./thoughts.ts";
import { thoughtOutputs } from "./thoughts.ts";
import { padded, renamed } from "./vla-preprocessors.ts";

export type PackageConvention = NonNullable<NonNullable<Manifest["efference"]>["convention"]>;

/** What a package of another tool does not say: what its inputs read and what its output means. */
export interface PolicyBinding {
  readonly spec: PolicySpec;
  readonly inputs: readonly InputBinding[];
  readonly output: string;
  /** Outputs that tell how a decision came about; default none. */
  readonly thoughts?: readonly ThoughtBinding[];
  /** Of another evaluation loop: `spec` and all numbers are that one's. See `inConvention`. */
  readonly convention?: PackageConvention;
  /** Of a larger output only the first rows and columns count. */
  readonly take?: { readonly rows?: number | undefined; readonly columns?: number | undefined };
}

export interface AssembleOptions {
  /** For policies that sample; every episode gets a child by its seed. Default seeded by the policy's name. */
  readonly rng?: Rng;
  /** For packages without an `efference` section. */
  readonly binding?: PolicyBinding;
  /** Steps of a runner with a loop. Default what the package says. */
  readonly steps?: number;
}

export interface PackageSource {
  readonly manifest: Manifest;
  readonly files: PackageFiles;
  /** @param path of a graph in the package */
  readonly openGraph: (path: string) => Promise<Session>;
}

/**
 * Opens what a package says and returns a `Policy` that binds observations, preprocesses, runs, denormalises and checks.
 * Graphs are opened last, one after the other; if one cannot be, those before it are closed.
 * @throws {SyntaxError} if the manifest or a tokeniser is wrong
 * @throws {RangeError} if a file is not in the package, a step is not known, or the statistics of the actions lie wholly
 *     beyond the bounds of the spec
 * @throws {TypeError} if graphs, bindings and spec contradict each other
 */
export async function assemblePolicy(
  { manifest, files, openGraph }: PackageSource,
  options: AssembleOptions = {},
): Promise<Policy> {
  const plan = withSteps(planRunner(manifest), options.steps);
  const binding = options.binding ?? bindingOf(manifest);
  assertBindings(binding.inputs, binding.spec);
  const preprocessors = [
    ...(await openPreprocessors(files, manifest)),
    ...impliedPreprocessors(plan),
  ];
  const postprocessing = await openPostprocessors(files, manifest, [binding.output]);
  // Differences have no bounds of their own.
  if (postprocessing.relative === undefined) {
    assertInBounds(binding.spec, postprocessing.outputs.get(binding.output));
  }
  const sessions = await openGraphs(graphsOf(plan), openGraph);
  try {
    const runner = runnerOf(plan, sessions, binding.output);
    const dtypes = new Map(
      sessions.flatMap(({ inputs }) => inputs.map(({ name, dtype }) => [name, dtype] as const)),
    );
    assertFlow({ binding, preprocessors, runner, dtypes });
    const rng = options.rng ?? seeded(`policy/${binding.spec.name}`);
    const { n_obs_steps: observeHorizon } = manifest.model;
    const spec = specFor(binding.spec, observeHorizon);
    const seeing = { ...binding, spec };
    const policy = packagedPolicy({
      ...{ binding: seeing, preprocessors, runner, postprocessing },
      ...{ dtypes, rng, observeHorizon },
    });
    return spoken(policy, binding.convention);
  } catch (error) {
    await Promise.all(sessions.map((session) => session.close()));
    throw error;
  }
}

/**
 * What the policy of a package sees and makes, in our terms; nothing is opened.
 * @throws {TypeError} if the package does not say
 */
export function specOfPackage(manifest: Manifest): PolicySpec {
  const { spec: own, convention } = bindingOf(manifest);
  const spec = specFor(own, manifest.model.n_obs_steps);
  return convention === undefined
    ? spec
    : specInConvention(spec, convention.name, camerasOf(convention));
}

/** A policy of another loop, in our terms. */
function spoken(policy: Policy, convention: PackageConvention | undefined): Policy {
  return convention === undefined
    ? policy
    : inConvention(policy, convention.name, camerasOf(convention));
}

function camerasOf({ cameras: { scene, wrist } }: PackageConvention): Partial<ConventionCameras> {
  return {
    ...(scene === undefined ? {} : { scene }),
    ...(wrist === undefined ? {} : { wrist }),
  };
}

function bindingOf({ efference }: Manifest): PolicyBinding {
  if (efference === undefined) {
    throw new TypeError(
      'Cannot load policy: its manifest has no "efference" section, must have one (or give options.binding)',
    );
  }
  const { inputs, output, take, thoughts, convention } = efference;
  const spec = specOf(efference);
  return {
    ...{ spec, inputs, output, thoughts },
    ...(take === undefined ? {} : { take }),
    ...(convention === undefined ? {} : { convention }),
  };
}

/**
 * A policy that sees consecutive observations is asked at every step: of the steps between two decisions it
 * would see nothing.
 */
function specFor(spec: PolicySpec, observeHorizon: number): PolicySpec {
  if (observeHorizon === 1) return spec;
  const { executeHorizon = 1 } = spec;
  if (executeHorizon === 1) return { ...spec, executeHorizon };
  throw new TypeError(
    `Cannot load policy: its spec has executeHorizon ${executeHorizon} and its model n_obs_steps ${observeHorizon}, ` +
      "must have executeHorizon 1 with more than one observation",
  );
}

function withSteps(plan: RunnerPlan, steps: number | undefined): RunnerPlan {
  if (steps === undefined) return plan;
  if (plan.kind === "pass") {
    throw new RangeError(
      `Cannot load policy in ${steps} steps: its runner has no loop, must have one`,
    );
  }
  // Throws for a count that the schedule does not have.
  plan.schedule.timesteps(steps);
  return { ...plan, count: steps };
}

/** What a runner does to features before its graphs see them. */
function impliedPreprocessors(plan: RunnerPlan): readonly Preprocessor[] {
  if (plan.kind === "pass") return [];
  return [
    ...(plan.renames.length > 0 ? [renamed(plan.renames)] : []),
    ...(plan.stateDim === undefined ? [] : [padded("state_dim", "state", plan.stateDim)]),
    imageMasks(),
  ];
}

function graphsOf(plan: RunnerPlan): readonly string[] {
  if (plan.kind === "pass") return plan.graphs;
  return plan.encoder === undefined ? [plan.step] : [plan.encoder, plan.step];
}

function runnerOf(plan: RunnerPlan, sessions: readonly Session[], result: string): GraphRunner {
  if (plan.kind === "pass") return passRunner(sessions);
  const [encoder, step] = sessions.length > 1 ? sessions : [undefined, sessions[0]];
  if (step === undefined) throw new TypeError("Cannot load policy: it has no step, must have one");
  return loopRunner({ plan, step, result, ...(encoder === undefined ? {} : { encoder }) });
}

async function openGraphs(
  paths: readonly string[],
  openGraph: PackageSource["openGraph"],
): Promise<readonly Session[]> {
  const sessions: Session[] = [];
  try {
    for (const path of paths) sessions.push(await openGraph(path));
    return sessions;
  } catch (error) {
    await Promise.all(sessions.map((session) => session.close()));
    throw error;
  }
}

interface Flow {
  readonly binding: PolicyBinding;
  readonly preprocessors: readonly Preprocessor[];
  readonly runner: GraphRunner;
  readonly dtypes: ReadonlyMap<string, Session["inputs"][number]["dtype"]>;
}

/** Every input of the graphs is made by somebody, and every binding is read by somebody. */
function assertFlow({ binding, preprocessors, runner, dtypes }: Flow): void {
  const kinds = boundKinds(binding.inputs, dtypes);
  const read = new Set<string>();
  for (const step of preprocessors) for (const name of step.plan(kinds)) read.add(name);
  runner.plan(kinds);
  const idle = binding.inputs.find(({ input }) => !read.has(input) && !runner.reads(input));
  if (idle !== undefined) {
    throw new TypeError(
      `Cannot load policy: "${idle.input}" is bound, must be an input of the graph or of a step`,
    );
  }
  const outputs = [
    binding.output,
    ...thoughtOutputs(binding.thoughts ?? []),
    ...binding.inputs.flatMap((entry) => (entry.from === "memory" ? [entry.output] : [])),
  ];
  const absent = outputs.find((name) => !runner.gives(name));
  if (absent !== undefined) {
    throw new TypeError(`Cannot load policy: the graph has no output "${absent}", must have`);
  }
}
