/** What `efference reproduce ebt` compares: methods, the ways to make a chunk with each, budgets, and the grid of cells. */
import { UsageError } from "../exit.ts";

export const WORLD_NAMES = [
  "detour",
  "pusht",
  "pusht-absolute",
  "lift",
  "lift-pushed",
  "place",
  "insert",
  "insert-stopping",
  "hang",
  "lift-images",
  "place-images",
  "libero-spatial",
  "libero-object",
  "libero-goal",
] as const;
export type WorldName = (typeof WORLD_NAMES)[number];

export type MethodName =
  "paper" | "mix" | "once" | "equilibrium" | "near" | "ddpm" | "flow" | "mse";
type Section = Readonly<Record<string, unknown>>;

/** One way to make a chunk with trained weights. */
export interface Sampler {
  readonly name: string;
  /** Steps at most. */
  readonly steps: number;
  /** `policy.infer` of the package. */
  readonly infer: Section;
}

export interface Method {
  readonly name: MethodName;
  readonly title: string;
  readonly isEnergy: boolean;
  /** What is its own in `policy` of the training configuration. */
  readonly policy: {
    readonly kind: "energy" | "diffusion";
    readonly objective: string;
    readonly train?: Section;
  };
  /** The first is the one that the method is known by: it makes the curves, the modes and the uncertainties. */
  readonly samplers: readonly [Sampler, ...Sampler[]];
}

/** Sizes of a transformer. */
export interface Network {
  readonly heads: number;
  readonly layers: number;
  /** The baselines' network has two layers more, for the time; where that counts, energies are wider instead (a test holds all within 5 %). */
  readonly width: Readonly<Record<Method["policy"]["kind"], number>>;
}

export type NetworkName = "tiny" | "small";

/** On the state of an arm: energies have 92,079 and 620,407 parameters, baselines 90,119 and 616,711. */
export const NETWORKS: Readonly<Record<NetworkName, Network>> = {
  tiny: { heads: 2, layers: 2, width: { energy: 68, diffusion: 64 } },
  small: { heads: 4, layers: 4, width: { energy: 132, diffusion: 128 } },
};

/** `policy` of a method's training configuration, but for how it acts: every key but its own is the same for all. */
export function policyOf(
  { policy }: Method,
  { network, horizon, executeHorizon }: Pick<Budget, "network" | "horizon" | "executeHorizon">,
): Section & { kind: string } {
  const { width, heads, layers } = NETWORKS[network];
  return { ...policy, width: width[policy.kind], heads, layers, horizon, executeHorizon };
}

const FIXED_STEPS = [1, 2, 4, 8, 20] as const;
/** Equilibrium energies are taught a slope of length 1: steps of this rate span it. */
function equilibriumRate(steps: number): number {
  return Math.max(0.3, 1.25 / steps);
}

/** Below every step that moves anything: such a descent ends by its number of steps alone. */
const NEVER = 1e-12;

/** Descents of so many steps. */
function descents(rate: (steps: number) => number): Sampler[] {
  return FIXED_STEPS.map((steps) => ({
    name: `${steps}`,
    steps,
    infer: { steps, rate: rate(steps), stop: { by: "step", below: NEVER } },
  }));
}

const UNTIL_STILL: Sampler = { name: "until still", steps: 20, infer: { steps: 20 } };

function energy(
  name: "paper" | "mix" | "once" | "equilibrium" | "near",
  about: {
    readonly rate: (steps: number) => number;
    /** Where it is not the name. */
    readonly objective?: string;
    readonly train?: Section;
  },
): Method {
  const { rate, objective = name, train } = about;
  return {
    name,
    title: `energy, ${name}`,
    isEnergy: true,
    policy: { kind: "energy", objective, ...(train === undefined ? {} : { train }) },
    samplers: [UNTIL_STILL, ...descents(rate)],
  };
}

function baseline(
  name: "ddpm" | "flow" | "mse",
  about: {
    readonly title: string;
    readonly objective: string;
    readonly samplers: Method["samplers"];
  },
): Method {
  const { title, objective, samplers } = about;
  return { name, title, isEnergy: false, policy: { kind: "diffusion", objective }, samplers };
}

function ddpm(steps: number): Sampler {
  return { name: `ddpm ${steps}`, steps, infer: { sampler: "ddpm", steps } };
}

function euler(steps: number): Sampler {
  return { name: `${steps}`, steps, infer: { steps } };
}

export const METHODS: readonly Method[] = [
  energy("paper", { rate: () => 1 }),
  // Each chunk is judged at both of its steps.
  energy("mix", { rate: () => 1, train: { randomiseRate: 1, loss: "every" } }),
  // `mix` as the default is, said here, so that hashes know of it: judged at one of them, which costs three fifths of an update.
  energy("once", {
    rate: () => 1,
    objective: "mix",
    train: { randomiseRate: 1, loss: "one" },
  }),
  energy("equilibrium", { rate: equilibriumRate }),
  // Its slope falls from half of the way on, and more updates begin near demonstrations, where precision is decided.
  energy("near", {
    rate: equilibriumRate,
    objective: "equilibrium",
    train: { knee: 0.5, shareExponent: 2 },
  }),
  baseline("ddpm", {
    title: "diffusion",
    objective: "diffusion",
    samplers: [
      ddpm(100),
      ddpm(16),
      ddpm(8),
      { name: "ddim 10", steps: 10, infer: { sampler: "ddim", steps: 10 } },
    ],
  }),
  baseline("flow", {
    title: "flow matching",
    objective: "flow",
    samplers: [euler(2), euler(1), euler(4), euler(10)],
  }),
  baseline("mse", {
    title: "regression",
    objective: "regression",
    samplers: [{ name: "1", steps: 1, infer: {} }],
  }),
];

export function methodNamed(name: MethodName): Method {
  return METHODS.find((method) => method.name === name) as Method;
}

/** Whose training time the others get where times are made equal: the one whose update takes longest. */
export const TIME_REFERENCE: MethodName = "mix";

/** Which cells of a method stand in a comparison: the reference takes the time that it takes, so that its cells of equal updates are those of equal time. */
export function comparedAs(name: MethodName, equal: Cell["equal"]): Cell["equal"] {
  return name === TIME_REFERENCE ? "updates" : equal;
}

/** Steps early in an episode whose decisions are judged. */
export const EARLY_STEPS = [0, 8, 16] as const;

export interface Budget {
  readonly name: BudgetName;
  readonly worlds: readonly WorldName[];
  readonly methods: readonly MethodName[];
  /** Of the methods those that stand beside the comparison: trained once, from the first seed, with as many updates as all. */
  readonly asides: readonly MethodName[];
  readonly seeds: readonly number[];
  readonly network: NetworkName;
  /** Rows of a chunk. */
  readonly horizon: number;
  /** Rows of a chunk that are executed before the next is made. */
  readonly executeHorizon: number;
  readonly demonstrations: number;
  /** Updates where they are equal. */
  readonly updates: number;
  readonly batchSize: number;
  /** Demonstrated steps whose action is less than this from 0 are left out of what is learned (`IdleOptions.below`); 0: none. */
  readonly idle: number;
  /** Initial states of the evaluation, the same for every cell. */
  readonly states: number;
  /** Measurements during a training, and episodes of each, from drawn starts that no evaluation uses. */
  readonly curve: { readonly points: number; readonly episodes: number };
  /** Starts, and chunks made from each, in which modes are counted. */
  readonly modes: { readonly starts: number; readonly samples: number };
  /** What is different in a world. */
  readonly perWorld?: Partial<
    Record<WorldName, Partial<Omit<Budget, "name" | "worlds" | "perWorld">>>
  >;
}

/** The budget as it is in a world. */
export function budgetIn(budget: Budget, world: WorldName): Budget {
  return { ...budget, ...budget.perWorld?.[world] };
}

export type BudgetName = "small" | "full";

/** Episodes with an arm take ten times as long: there are fewer of them, and curves have fewer points. */
const ARM = {
  updates: 5000,
  states: 100,
  curve: { points: 4, episodes: 20 },
  modes: { starts: 20, samples: 16 },
} as const;

/** The precise tasks: where millimetres count, what is seen has to count soon, and there is more to learn. */
const ARM_PRECISE = { ...ARM, executeHorizon: 2, updates: 12_000 } as const;

const WITHOUT_ASIDES: readonly MethodName[] = ["mix", "once", "ddpm", "flow", "mse"];

/** Ten tasks each, so that there are more demonstrations; a start of every task, ten times. One seed: what differs is the suite. */
const ARM_LIBERO = {
  ...ARM,
  methods: WITHOUT_ASIDES,
  seeds: [0],
  demonstrations: 300,
  curve: { points: 2, episodes: 20 },
} as const;

/**
 * From images: in `lift-images` an update of `mix` takes 0.075 to 0.11 s of the processor (64 pixels, batch 16, one thread), 188 to 264 s of 2500; the encoder
 * takes most of it, so that the other methods' take 0.07 s.
 */
const ARM_IMAGES = {
  ...ARM,
  methods: WITHOUT_ASIDES,
  batchSize: 16,
  updates: 2500,
  curve: { points: 2, episodes: 10 },
} as const;

/** As in what is published of Diffusion Policy and EBT-Policy. */
const HORIZON = 16;

/** In a plane a cell of `full` is trained as one of `small`: of the first seed it is the same, from twice as many starts. */
const PLANE = {
  network: "tiny",
  horizon: HORIZON,
  executeHorizon: 8,
  demonstrations: 200,
  updates: 2500,
  batchSize: 32,
  idle: 0,
  curve: { points: 5, episodes: 40 },
} as const;

const PUSH = {
  executeHorizon: 4,
  demonstrations: 300,
  batchSize: 64,
  states: 100,
  curve: { points: 4, episodes: 20 },
} as const;

export const BUDGETS: Readonly<Record<BudgetName, Budget>> = {
  small: {
    ...PLANE,
    name: "small",
    worlds: ["detour"],
    // It is to end soon.
    methods: METHODS.map(({ name }) => name).filter((name) => name !== "once" && name !== "near"),
    asides: [],
    seeds: [0],
    states: 100,
    modes: { starts: 20, samples: 16 },
  },
  full: {
    ...PLANE,
    name: "full",
    worlds: WORLD_NAMES,
    methods: METHODS.map(({ name }) => name),
    asides: ["paper", "equilibrium", "near"],
    seeds: [0, 1, 2],
    states: 200,
    modes: { starts: 40, samples: 16 },
    perWorld: {
      detour: { asides: ["near"] },
      pusht: { ...PUSH, updates: 6000, asides: ["paper", "near"] },
      "pusht-absolute": {
        ...PUSH,
        methods: ["mix", "flow", "mse"],
        asides: ["mix", "flow", "mse"],
        network: "small",
        // After 6000 nobody has learned it: 1 to 8 of 100.
        updates: 20_000,
      },
      lift: ARM,
      "lift-pushed": ARM,
      place: ARM,
      // Two rows are executed. Where fourteen more are learned these are less precise, and the nut comes down a millimetre or two beside the peg.
      insert: { ...ARM_PRECISE, horizon: 4 },
      "insert-stopping": { ...ARM_PRECISE, asides: ["paper", "equilibrium"] },
      // The expert slows down before the pin: learned from that, energies stand still there. In `insert-stopping` those steps are what brings the hole over the peg.
      hang: { ...ARM_PRECISE, idle: 0.1, asides: ["paper", "equilibrium"] },
      "lift-images": ARM_IMAGES,
      // After 2500 nobody has learned where the can goes: 2 to 7 of 100.
      "place-images": { ...ARM_IMAGES, updates: 10_000 },
      "libero-spatial": ARM_LIBERO,
      "libero-object": ARM_LIBERO,
      "libero-goal": ARM_LIBERO,
    },
  },
};

/** One training and its evaluation. */
export interface Cell {
  /** `detour.mix.s0`, or `detour.flow.time.s0` where it gets as much time as the reference. */
  readonly id: string;
  readonly world: WorldName;
  readonly method: MethodName;
  readonly seed: number;
  readonly equal: "updates" | "time";
}

export const EQUALS = ["updates", "time"] as const satisfies readonly Cell["equal"][];

/** Every cell of a budget. */
export function cellsOf(budget: Budget): readonly Cell[] {
  return budget.worlds.flatMap((world) => {
    const { methods, asides, seeds } = budgetIn(budget, world);
    const compared = methods.filter((name) => !asides.includes(name));
    const timed = compared.filter((name) => name !== TIME_REFERENCE);
    return seeds.flatMap((seed, i) => [
      ...(i === 0 ? methods : compared).map((method) =>
        cell({ world, method, seed, equal: "updates" }),
      ),
      ...timed.map((method) => cell({ world, method, seed, equal: "time" })),
    ]);
  });
}

function cell(about: Omit<Cell, "id">): Cell {
  const { world, method, seed, equal } = about;
  return {
    id: [world, method, ...(equal === "time" ? ["time"] : []), `s${seed}`].join("."),
    ...about,
  };
}

/** Whether a name of parts that points part begins with these parts: `lift.mix.s0` with `lift`, or `lift.mix`, and `lift-images.mix.s0` with neither. */
export function beginsWith(id: string, text: string): boolean {
  return `${id}.`.startsWith(text.endsWith(".") ? text : `${text}.`);
}

/**
 * The cells that are asked for by the first parts of their ids.
 * @throws {UsageError} if nothing begins so
 */
export function chosenCells(cells: readonly Cell[], only: readonly string[]): readonly Cell[] {
  if (only.length === 0) return cells;
  const odd = only.find((text) => !cells.some(({ id }) => beginsWith(id, text)));
  if (odd !== undefined) {
    throw new UsageError(
      `Cannot reproduce only "${odd}": no cell begins so, must be like ${cells[0]?.id ?? "none"}, or its first parts`,
    );
  }
  return cells.filter(({ id }) => only.some((text) => beginsWith(id, text)));
}

/** What may be other than the budget has it, in all its worlds; such cells have hashes of their own. */
export interface Other {
  readonly network?: string;
  readonly updates?: number;
  /** Chunks of an update. */
  readonly batch?: number;
  readonly idle?: number;
  /** Rows of a chunk. */
  readonly horizon?: number;
}

/** @throws {UsageError} unless it is one of the budgets, and of the networks */
export function budgetNamed(
  name: string,
  { network, updates, batch, idle, horizon }: Other = {},
): Budget {
  if (name !== "small" && name !== "full") {
    throw new UsageError(`Cannot reproduce with budget "${name}": must be small or full`);
  }
  if (network !== undefined && network !== "tiny" && network !== "small") {
    throw new UsageError(`Cannot reproduce with network "${network}": must be tiny or small`);
  }
  const budget = BUDGETS[name];
  const other: Partial<Pick<Budget, "network" | "updates" | "batchSize" | "idle" | "horizon">> = {
    ...(network === undefined ? {} : { network }),
    ...(updates === undefined ? {} : { updates }),
    ...(batch === undefined ? {} : { batchSize: batch }),
    ...(idle === undefined ? {} : { idle }),
    ...(horizon === undefined ? {} : { horizon }),
  };
  if (Object.keys(other).length === 0) return budget;
  const perWorld = Object.fromEntries(
    budget.worlds.map((world) => [world, { ...budget.perWorld?.[world], ...other }]),
  );
  return { ...budget, ...other, perWorld };
}

/** @throws {UsageError} where more rows of a chunk are to be executed than it has */
export function assertExecutable(budget: Budget, cells: readonly Cell[]): void {
  for (const { world, id } of cells) {
    const { horizon, executeHorizon } = budgetIn(budget, world);
    if (executeHorizon <= horizon) continue;
    throw new UsageError(
      `Cannot reproduce ${id} with chunks of ${horizon} rows: ${executeHorizon} of them are executed there, must have as many at least`,
    );
  }
}

/** What makes a cell. */
export function commandOf(budget: Budget, cell: Cell): string {
  const { name } = budget;
  const usual = budgetIn(BUDGETS[name], cell.world);
  const { network, updates, batchSize, idle, horizon } = budgetIn(budget, cell.world);
  const other = [
    ...(network === usual.network ? [] : [`--network ${network}`]),
    ...(updates === usual.updates ? [] : [`--updates ${updates}`]),
    ...(batchSize === usual.batchSize ? [] : [`--batch ${batchSize}`]),
    ...(idle === usual.idle ? [] : [`--idle ${idle}`]),
    ...(horizon === usual.horizon ? [] : [`--horizon ${horizon}`]),
  ];
  return ["efference reproduce ebt --budget", name, ...other, "--only", cell.id].join(" ");
}
