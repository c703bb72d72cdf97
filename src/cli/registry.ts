import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Environment, Policy } from "../core/index.ts";
import type { DemonstrationSource } from "../../sim-bridge/sims/manipulation/demonstrations.ts";
import type { Controller } from "../rollout/controller.ts";
import type { Trainable, TrainingData } from "../train/index.ts";
import type { ShippedAct } from "../../policies/act/index.ts";
import type { ShippedEnergy } from "../../policies/energy/index.ts";
import { UsageError } from "./exit.ts";
import { LIBERO_SETTINGS, liberoSettings } from "./libero-settings.ts";
import type { SimSettings } from "./sim-settings.ts";
import { TABLETOP_SETTINGS, tabletopImages } from "./tabletop-settings.ts";

/** The composition root's list of simulators that run in Node. Loaded only when asked for. */
export interface SimulatorEntry {
  readonly name: string;
  readonly summary: string;
  /** What `--sim-set` takes, with what each means; absent = nothing. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @throws {UsageError} for a setting or value that the simulator does not know */
  create(settings: SimSettings): Promise<Environment>;
  /** Rejects, saying what to do, if it could not be created: before processes are started for it. */
  assertReady?(settings: SimSettings): Promise<void>;
  /** Runs episodes again for what recordings do not hold; absent where there is no more. */
  demonstrations?(settings: SimSettings): Promise<DemonstrationSource>;
  /** Kind of work by task name, for tables; absent where tasks have no kinds. */
  families?(): Promise<ReadonlyMap<string, string>>;
}

export const SIMULATORS: readonly SimulatorEntry[] = [
  {
    name: "tabletop",
    summary:
      "7-joint arm at a table: lift, stack, place, push, drawers, buttons, pegs; 5 suites (MuJoCo)",
    settings: TABLETOP_SETTINGS,
    async create(settings) {
      const { createTabletop, tabletopWorld } =
        await import("../../sim-bridge/sims/tabletop/index.ts");
      return createTabletop({ images: tabletopImages(tabletopWorld().images, settings) });
    },
    async demonstrations(settings) {
      const { createTabletop, tabletopWorld } =
        await import("../../sim-bridge/sims/tabletop/index.ts");
      const { demonstrationSource } =
        await import("../../sim-bridge/sims/manipulation/demonstrations.ts");
      const world = tabletopWorld();
      const images = tabletopImages(world.images, settings);
      return demonstrationSource(world, await createTabletop({ images }));
    },
    async families() {
      const { tasks } = await import("../../sim-bridge/sims/tabletop/index.ts");
      return new Map(tasks().map(({ name, family }) => [name, family]));
    },
  },
  {
    name: "libero",
    summary: "all 130 tasks of LIBERO, from data that `efference libero prepare` exports (MuJoCo)",
    settings: LIBERO_SETTINGS,
    async assertReady(settings) {
      const { readIndex } = await import("../../sim-bridge/sims/libero/index.ts");
      const { defaultLiberoFolder, liberoFolder } =
        await import("../../sim-bridge/sims/libero/node.ts");
      await readIndex(liberoFolder(liberoSettings(settings).data ?? defaultLiberoFolder()));
    },
    async create(settings) {
      const { createLibero } = await import("../../sim-bridge/sims/libero/index.ts");
      const { defaultLiberoFolder, liberoFolder } =
        await import("../../sim-bridge/sims/libero/node.ts");
      const { data = defaultLiberoFolder(), ...options } = liberoSettings(settings);
      return createLibero(liberoFolder(data), options);
    },
    async demonstrations(settings) {
      const { createLibero, liberoWorld, readIndex } =
        await import("../../sim-bridge/sims/libero/index.ts");
      const { defaultLiberoFolder, liberoFolder } =
        await import("../../sim-bridge/sims/libero/node.ts");
      const { demonstrationSource } =
        await import("../../sim-bridge/sims/manipulation/demonstrations.ts");
      const { data = defaultLiberoFolder(), ...options } = liberoSettings(settings);
      const files = liberoFolder(data);
      const world = await liberoWorld(files, await readIndex(files), options);
      return demonstrationSource(world, await createLibero(files, options));
    },
  },
  {
    name: "pusht",
    summary: "a disc pushes a T onto its outline in the plane, as gym-pusht does",
    async create() {
      const { createPushT } = await import("../../sim-bridge/sims/pusht/index.ts");
      return createPushT();
    },
  },
  {
    name: "detour",
    summary: "a point passes a disc on either side on its way to a target",
    async create() {
      const { createDetour } = await import("../../sim-bridge/sims/detour/index.ts");
      return createDetour();
    },
  },
  {
    name: "counter",
    summary: "counts its own steps; proves that a connection loses and reorders nothing",
    async create() {
      const { createCounter } = await import("../../sim-bridge/counter.ts");
      return createCounter();
    },
  },
];

export function simulatorNamed(name: string): SimulatorEntry {
  const entry = SIMULATORS.find((simulator) => simulator.name === name);
  if (entry !== undefined) return entry;
  const names = SIMULATORS.map((simulator) => simulator.name).join(", ");
  throw new UsageError(
    `Cannot start simulator "${name}": it is not known, must be one of ${names}`,
  );
}

/** @throws {UsageError} for a simulator or setting that is not known */
export function createSimulator(name: string, settings: SimSettings = {}): Promise<Environment> {
  return entryFor(name, settings).create(settings);
}

/** Rejects if the simulator or a setting is not known, or something that it needs is missing. */
export async function assertSimulatorReady(name: string, settings: SimSettings): Promise<void> {
  await entryFor(name, settings).assertReady?.(settings);
}

function entryFor(name: string, settings: SimSettings): SimulatorEntry {
  const entry = simulatorNamed(name);
  const known = Object.keys(entry.settings ?? {});
  const odd = Object.keys(settings).find((key) => !known.includes(key));
  if (odd === undefined) return entry;
  const must = known.length === 0 ? "must have no settings" : `must be one of ${known.join(", ")}`;
  throw new UsageError(`Cannot set "${odd}" of simulator "${name}": it is not known, ${must}`);
}

export interface PolicyOptions {
  readonly seed: number;
  /** Rows executed of each predicted chunk; absent = the policy's own choice. */
  readonly executeHorizon?: number;
  /** Executed actions differ from decided ones: see `perturbed`. */
  readonly noise?: number;
  /** Share of noise and pushes while a thing is held, [0, 1]. */
  readonly held?: number;
  readonly pushes?: number;
  readonly device?: "cpu" | "webgpu" | "cuda";
  /** What a policy is to tell beside its usual thoughts. */
  readonly thoughts?: ThoughtRequest;
  /** How far its decisions depart from its plans is told; a number: those that do by more are not acted on. See `watched`. */
  readonly watch?: true | number;
  /** Control steps before a chunk is needed at which it is decided, while the former is executed. See `overlapped`. */
  readonly ahead?: number;
}

/** `landscape`: energies around the chunk that was chosen, by energy policies. */
export type ThoughtRequest = "landscape";

/** A policy that can be asked for by name, or by the folder of its package. */
export interface PolicyEntry {
  readonly name: string;
  readonly summary: string;
  create(options: PolicyOptions): Promise<LoadedPolicy>;
  /** Where its package lies; absent for policies that are none. */
  readonly packageFolder?: () => Promise<string>;
}

export interface LoadedPolicy {
  readonly controller: Controller;
  /** Hash of the policy package; absent for scripted policies. */
  readonly hash?: string;
}

export const POLICIES: readonly PolicyEntry[] = [
  {
    name: "scripted",
    summary: "privileged experts, one per task family (reads the ground truth)",
    async create({ executeHorizon }) {
      const { scriptedPolicy } = await import("../../policies/scripted/index.ts");
      return { controller: await broker(scriptedPolicy(), executeHorizon) };
    },
  },
  {
    name: "scripted-detour",
    summary: "experts for `detour`: left or right of the disc, drawn for every episode",
    async create({ executeHorizon }) {
      const { detourExpert } = await import("../../policies/scripted/detour.ts");
      return { controller: await broker(detourExpert(), executeHorizon) };
    },
  },
  {
    name: "scripted-pusht",
    summary: "an expert for `pusht`, which turns the T either way round",
    async create({ executeHorizon }) {
      const { pushTExpert } = await import("../../policies/scripted/pusht/index.ts");
      return { controller: await broker(pushTExpert(), executeHorizon) };
    },
  },
  {
    name: "random",
    summary: "uniform random actions for any action spec",
    async create({ seed }) {
      const { randomPolicy } = await import("../../policies/scripted/random.ts");
      return { controller: await broker(randomPolicy({ seed }), 1) };
    },
  },
  shippedAct("act", "lift"),
  shippedAct("act-libero-object", "libero-object"),
  shippedAct("act-libero-spatial", "libero-spatial"),
  shippedAct("act-libero-goal", "libero-goal"),
  shippedEnergy("energy", "detour", "trained on the detour"),
  shippedEnergy("energy-lift", "lift", "trained to lift the red cube by what two cameras see"),
];

function shipped(name: string, summary: string, packageFolder: () => Promise<string>): PolicyEntry {
  return {
    name,
    summary,
    packageFolder,
    create: async (options) => fromPackage(await packageFolder(), options),
  };
}

function shippedAct(name: string, trainedOn: ShippedAct): PolicyEntry {
  return shipped(
    name,
    `shipped, learned: action chunking with transformers, trained on ${trainedOn}`,
    async () => (await import("../../policies/act/index.ts")).shippedActPackage(trainedOn),
  );
}

function shippedEnergy(name: string, trainedOn: ShippedEnergy, words: string): PolicyEntry {
  return shipped(name, `shipped energy policy: goes downhill from noise, ${words}`, async () =>
    (await import("../../policies/energy/index.ts")).shippedEnergyPackage(trainedOn),
  );
}

/** Folders of the packages that come with the project, by the policy's name. */
export async function shippedPackages(): Promise<Readonly<Record<string, string>>> {
  const folders: Record<string, string> = {};
  for (const { name, packageFolder } of POLICIES) {
    if (packageFolder !== undefined) folders[name] = await packageFolder();
  }
  return folders;
}

/** @throws {UsageError} for anything that is neither a package of ours by name nor the folder of one */
export async function packageFolderOf(name: string): Promise<string> {
  assertPolicyExists(name);
  const entry = POLICIES.find((policy) => policy.name === name);
  if (entry === undefined) return name;
  if (entry.packageFolder !== undefined) return entry.packageFolder();
  const names = Object.keys(await shippedPackages()).join(", ");
  throw new UsageError(
    `Cannot use policy "${name}" here: it is no package, must be one of ${names} or a package's folder`,
  );
}

/** A policy that can be trained: the `policy` section of a configuration becomes something that learns. */
export interface TrainableEntry {
  readonly kind: string;
  readonly summary: string;
  create(section: unknown): Promise<(data: TrainingData) => Trainable>;
}

export const TRAINABLES: readonly TrainableEntry[] = [
  {
    kind: "act",
    summary: "action chunking with transformers, by behaviour cloning from images and proprio",
    async create(section) {
      const { actTrainable, parseActConfig } = await import("../../policies/act/index.ts");
      const config = parseActConfig(section);
      return (data) => actTrainable(config, data);
    },
  },
  {
    kind: "energy",
    summary: "a transformer that gives chunks an energy, and goes downhill to act",
    async create(section) {
      const { energyTrainable, parseEnergyConfig } = await import("../../policies/energy/index.ts");
      const config = parseEnergyConfig(section);
      return (data) => energyTrainable(config, data);
    },
  },
  {
    kind: "diffusion",
    summary: "chunks from noise: diffusion, flow matching, and regression as their baseline",
    async create(section) {
      const { diffusionTrainable, parseDiffusionConfig } =
        await import("../../policies/diffusion/index.ts");
      const config = parseDiffusionConfig(section);
      return (data) => diffusionTrainable(config, data);
    },
  },
];

/** @throws {UsageError} if nothing of that kind can be trained */
export async function trainableFor(policy: {
  readonly kind: string;
}): Promise<(data: TrainingData) => Trainable> {
  const entry = TRAINABLES.find(({ kind }) => kind === policy.kind);
  if (entry !== undefined) return entry.create(policy);
  const kinds = TRAINABLES.map(({ kind }) => kind).join(", ");
  throw new UsageError(
    `Cannot train a policy of kind "${policy.kind}": it is not known, must be one of ${kinds}`,
  );
}

/** A registered name, or the folder of a policy package. */
export async function createPolicy(name: string, options: PolicyOptions): Promise<LoadedPolicy> {
  assertPolicyExists(name);
  const entry = POLICIES.find((policy) => policy.name === name);
  const loaded = await (entry === undefined ? fromPackage(name, options) : entry.create(options));
  if (options.thoughts !== undefined && loaded.hash === undefined) {
    throw new UsageError(
      `Cannot tell the ${options.thoughts} of policy "${name}": it is a program, must be an energy policy's package`,
    );
  }
  for (const [asked, what] of [
    [options.watch, "watch"],
    [options.ahead, "decide ahead with"],
  ] as const) {
    if (asked === undefined || loaded.hash !== undefined) continue;
    throw new UsageError(
      `Cannot ${what} policy "${name}": it is a program, must be a learned policy or its package`,
    );
  }
  const { noise = 0, pushes = 0, held = 0, seed } = options;
  if (noise === 0 && pushes === 0) return loaded;
  const { perturbed } = await import("../rollout/perturb.ts");
  return { ...loaded, controller: perturbed(loaded.controller, { noise, pushes, held, seed }) };
}

/** @throws {UsageError} for anything that is neither a registered name nor the folder of a package */
export function assertPolicyExists(name: string): void {
  if (POLICIES.some((policy) => policy.name === name)) return;
  if (existsSync(join(name, "manifest.json"))) return;
  const names = POLICIES.map((policy) => policy.name).join(", ");
  throw new UsageError(
    `Cannot load policy "${name}": it is neither known (${names}) nor a folder with a manifest.json`,
  );
}

async function fromPackage(folder: string, options: PolicyOptions): Promise<LoadedPolicy> {
  const { ensureEngine } = await import("./install-engine.ts");
  await ensureEngine();
  const { holding } = await import("../rollout/hold.ts");
  const { hashPackage, loadPolicy } = await import("../package/index.ts");
  const load = (from: string): Promise<Policy> =>
    loadPolicy(from, { device: options.device ?? "cpu" });
  const policy = await (options.thoughts === undefined
    ? load(folder)
    : withLandscape(folder, load));
  return {
    controller: holding(await controllerOf(await watchedBy(policy, options), options)),
    hash: await hashPackage(folder),
  };
}

/** @throws {UsageError} where no row of a chunk is left when the next one is decided, so that there is nothing to watch */
async function watchedBy(policy: Policy, { watch, ...options }: PolicyOptions): Promise<Policy> {
  if (watch === undefined) return policy;
  const { name, predictHorizon } = policy.spec;
  const executed = options.executeHorizon ?? policy.spec.executeHorizon ?? predictHorizon;
  if (executed >= predictHorizon) {
    throw new UsageError(
      `Cannot watch policy "${name}": all ${predictHorizon} rows of a chunk are executed, --execute-horizon must be below`,
    );
  }
  const { watched } = await import("../rollout/watch.ts");
  return watched(policy, watch === true ? {} : { most: watch });
}

/** A package with the same decisions that also tells of the energies around them. */
async function withLandscape(
  folder: string,
  load: (folder: string) => Promise<Policy>,
): Promise<Policy> {
  const { mkdtemp, rm } = await import("node:fs/promises");
  const { tmpdir } = await import("node:os");
  const { composeEnergyPackage } = await import("../../policies/energy/index.ts");
  const { writePolicyPackage } = await import("../package/index.ts");
  const content = await composeEnergyPackage(folder, { infer: { landscape: LANDSCAPE } });
  const root = await mkdtemp(join(tmpdir(), "efference-landscape-"));
  try {
    const made = join(root, "package");
    await writePolicyPackage(made, content);
    return await load(made);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** 33 energies on the line, 17 by 17 on the plane: what one decision is asked for at most. */
const LANDSCAPE = { line: 33, plane: 17 };

async function controllerOf(
  policy: Policy,
  { ahead, executeHorizon }: PolicyOptions,
): Promise<Controller> {
  if (ahead === undefined) return broker(policy, executeHorizon);
  const { overlapped } = await import("../rollout/overlap.ts");
  return overlapped(policy, { ahead, ...(executeHorizon === undefined ? {} : { executeHorizon }) });
}

async function broker(policy: Policy, executeHorizon: number | undefined): Promise<Controller> {
  const { brokered } = await import("../rollout/controller.ts");
  return brokered(policy, executeHorizon === undefined ? {} : { executeHorizon });
}
