/**
 * Actions that are places, told from where something is when the decision is made (`policy.relative`): where a hand or a joint is to go, from where it is.
 *
 * A network that names places over a whole workspace has to be exact to a small part of its range; told from where the hand is, near rows
 * are small numbers, and each row has a range of its own. Relative chunks of UMI (Chi et al. 2024, arXiv:2402.10329) and of openpi; here for numbers that may
 * be subtracted, not for poses.
 */
import type { ComponentFormat, ComponentSpec } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import { proprioDim, RunningMoments } from "../episode/node.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import type { FeatureStatistics } from "../package/index.ts";
import { affineOf, denormalise, normalise } from "../package/index.ts";
import type { Affine } from "../package/index.ts";
import type { TrainingData } from "../train/index.ts";
import type { ImitationConfig } from "./config.ts";
import { entryNames } from "./formulas.ts";

export interface RelativeActions {
  /** By entry of an action row: the column of the proprio that it is told from; undefined: it is told as it is. */
  readonly origins: readonly (number | undefined)[];
  /** Of what is learned, `[horizon * actionDim]`: every row has its own. */
  readonly statistics: FeatureStatistics;
  readonly affine: Affine;
}

/** The numbers of chunks: what they are told from and how they are normalised. */
export interface ChunkNumbers {
  readonly affine: Readonly<Record<"proprio" | "action", Affine>>;
  /** Absent where no entry of an action is told from anything. */
  readonly relative?: RelativeActions;
}

/** Differences of these are not of the same kind. */
const NOT_SUBTRACTED: ReadonlySet<ComponentFormat> = new Set<ComponentFormat>([
  "axis_angle",
  "quat_wxyz",
  "quat_xyzw",
  "rot6d_row_major",
  "rot6d_col_major",
  "euler_xyz_extrinsic",
  "discrete",
  "multi_discrete",
  "binary",
  "text",
]);

interface Components {
  readonly action: readonly ComponentSpec[];
  /** In the configuration's order. */
  readonly proprio: readonly ComponentSpec[];
}

/**
 * What `relative` of a configuration means: a component of an action by its name, or one entry of it (`target_0`), to a component of the
 * proprio of equally many numbers, or one entry.
 * @throws {TypeError} naming what is no component, has other sizes, is named twice, or may not be subtracted
 */
export function originsOf(
  relative: Readonly<Record<string, string>>,
  { action, proprio }: Components,
): RelativeActions["origins"] {
  const actions = namedColumns(action);
  const seen = namedColumns(proprio);
  const origins = new Array<number | undefined>(entryNames(action).length).fill(undefined);
  for (const [told, from] of Object.entries(relative)) {
    const fail = (why: string): never => {
      throw new TypeError(`Cannot tell action "${told}" from "${from}": ${why}`);
    };
    const [target, origin] = [actions.get(told), seen.get(from)];
    if (target === undefined) return fail(unknown(`action "${told}"`, actions));
    if (origin === undefined) return fail(unknown(`proprio "${from}"`, seen));
    for (const { format, what } of [
      { ...target, what: `action "${told}"` },
      { ...origin, what: `proprio "${from}"` },
    ]) {
      if (NOT_SUBTRACTED.has(format)) {
        fail(`${what} is of format ${format}, must be numbers that may be subtracted`);
      }
    }
    const [n, m] = [target.columns.length, origin.columns.length];
    if (n !== m) fail(`they have ${n} and ${m} numbers, must have equally many`);
    for (const [i, column] of target.columns.entries()) {
      if (origins[column] !== undefined) {
        fail(`entry ${column} of the action is told from two, must be from one`);
      }
      origins[column] = origin.columns[i];
    }
  }
  return origins;
}

interface NamedColumns {
  readonly columns: readonly number[];
  readonly format: ComponentFormat;
}

/** Components by name, and their entries by the names that formulas use. */
function namedColumns(components: readonly ComponentSpec[]): Map<string, NamedColumns> {
  const named = new Map<string, NamedColumns>();
  let first = 0;
  for (const component of components) {
    const { name, shape, format } = component;
    const columns = Array.from({ length: elementCount(shape) }, (_, i) => first + i);
    for (const [i, entry] of entryNames([component]).entries()) {
      named.set(entry, { columns: [first + i], format });
    }
    named.set(name, { columns, format });
    first += columns.length;
  }
  return named;
}

function unknown(what: string, known: ReadonlyMap<string, NamedColumns>): string {
  return `there is no ${what}, must be one of ${[...known.keys()].join(", ")}`;
}

/**
 * Range, mean and deviation of what is learned, for every row of a chunk: over all windows of the episodes that have the row. A row that no
 * episode is long enough for has those of the one before.
 * @param proprio columns of the data's proprio, in the configuration's order
 * @returns `[horizon * actionDim]`
 */
export function relativeStatistics(
  { episodes, spec }: Pick<TrainingData, "episodes" | "spec">,
  request: {
    readonly horizon: number;
    readonly origins: RelativeActions["origins"];
    readonly proprio: readonly ComponentSpec[];
  },
): Readonly<Record<"mean" | "std" | "min" | "max", Float64Array>> {
  const { horizon, origins, proprio } = request;
  const width = origins.length;
  const all = namedColumns(spec.proprio);
  const columns = proprio.flatMap(({ name }) => all.get(name)?.columns ?? []);
  const stride = proprioDim(spec);
  const moments = Array.from({ length: horizon }, () => new RunningMoments(width));
  const told = new Float64Array(width);
  for (const { actions, proprio: rows } of episodes) {
    const length = actions.length / width;
    for (let step = 0; step < length; step++) {
      for (let row = 0; row < Math.min(horizon, length - step); row++) {
        for (const [i, origin] of origins.entries()) {
          const from = origin === undefined ? 0 : rows[step * stride + columns[origin]!]!;
          told[i] = actions[(step + row) * width + i]! - from;
        }
        moments[row]!.add(told);
      }
    }
  }
  // Every step is a window of its own, so that rows are rarer the later they are.
  const known = moments.filter(({ count }) => count > 0).map((row) => row.result());
  const joined = (name: "mean" | "std" | "min" | "max"): Float64Array =>
    Float64Array.from(moments.flatMap((_, row) => [...(known[row] ?? known.at(-1)!)[name]]));
  return { mean: joined("mean"), std: joined("std"), min: joined("min"), max: joined("max") };
}

export function relativeActions(
  origins: RelativeActions["origins"],
  statistics: FeatureStatistics,
  { actions }: Pick<ImitationConfig, "actions">,
): RelativeActions {
  return { origins, statistics, affine: affineOf("relative action", statistics, actions) };
}

/** Rows of numbers: one chunk for every row of the proprio. */
interface Chunks {
  /** `[count, horizon, actionDim]` */
  readonly chunks: Float32Array;
  /** `[count, proprioDim]`, physical units: what is observed when the chunk begins. */
  readonly proprio: Float32Array;
}

/** What a network learns of chunks in physical units: told from where they begin, and normalised. */
export function learnedChunks(
  { affine, relative }: ChunkNumbers,
  { chunks, proprio }: Chunks,
): Float32Array {
  if (relative === undefined) return normalise(chunks, affine.action);
  return normalise(shifted(chunks, { proprio, relative, by: -1 }), relative.affine);
}

/** The inverse of `learnedChunks`. */
export function physicalChunks(
  { affine, relative }: ChunkNumbers,
  { chunks, proprio }: Chunks,
): Float32Array {
  if (relative === undefined) return denormalise(chunks, affine.action);
  return shifted(denormalise(chunks, relative.affine), { proprio, relative, by: 1 });
}

function shifted(
  chunks: Float32Array,
  about: {
    readonly proprio: Float32Array;
    readonly relative: RelativeActions;
    readonly by: 1 | -1;
  },
): Float32Array {
  const { proprio, relative, by } = about;
  const { origins, affine } = relative;
  const width = origins.length;
  const size = affine.offset.length;
  const proprioDim = proprio.length / (chunks.length / size);
  return chunks.map((value, at) => {
    const origin = origins[at % width];
    if (origin === undefined) return value;
    return value + by * proprio[Math.floor(at / size) * proprioDim + origin]!;
  });
}

/**
 * Where a decision's chunks begin, `[1, actionDim]`, in normalised actions: the part of `placed` that depends on what is observed.
 * Undefined where nothing is told from anything.
 * @param proprio `[1, proprioDim]`, normalised
 */
export function originOf(
  g: GraphBuilder,
  proprio: Value,
  { affine, relative }: ChunkNumbers,
): Value | undefined {
  if (relative === undefined) return undefined;
  const { origins } = relative;
  const seen = affine.proprio;
  const rows = Number(proprio.shape[1]);
  const data = new Float32Array(rows * origins.length);
  for (const [i, origin] of origins.entries()) {
    if (origin === undefined) continue;
    data[origin * origins.length + i] = seen.scale[origin]! / affine.action.scale[i]!;
  }
  const shape = [rows, origins.length];
  return g.matmul(proprio, g.constant({ dtype: "float32", shape, data }));
}

/**
 * Chunks as packages hand them on, normalised by the statistics of the data's actions, from chunks as the network makes them.
 * @param chunk `[..., horizon, actionDim]`
 * @param origin see `originOf`
 */
export function placed(
  g: GraphBuilder,
  chunk: Value,
  { origin, numbers }: { readonly origin: Value | undefined; readonly numbers: ChunkNumbers },
): Value {
  const { affine, relative } = numbers;
  if (relative === undefined || origin === undefined) return chunk;
  const { origins } = relative;
  const width = origins.length;
  const own = relative.affine;
  const table = (f: (at: number, i: number) => number): Value => {
    const data = Float32Array.from(own.scale, (_, at) => f(at, at % width));
    return g.constant({ dtype: "float32", shape: [own.scale.length / width, width], data });
  };
  const scale = table((at, i) => own.scale[at]! / affine.action.scale[i]!);
  const offset = table((at, i) => {
    const origin = origins[i];
    const from = origin === undefined ? 0 : affine.proprio.offset[origin]!;
    return (own.offset[at]! + from - affine.action.offset[i]!) / affine.action.scale[i]!;
  });
  return g.add(g.mul(chunk, scale), g.add(offset, origin));
}
