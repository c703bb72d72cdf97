/**
 * Dropout of attention (Srivastava et al. 2014; on the shares of attention as in Vaswani et al. 2017's code): every
 * share is kept with probability 1 - ratio and then divided by it. What is kept is drawn outside of the graph and fed,
 * as everything that is drawn in training, so that an update depends on its seed and number alone.
 */
import type { NdArray, Rng } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import type { Value } from "../onnx/index.ts";
import type { ImitationConfig } from "./config.ts";

/** Of one block: factors of the shares, 0 or 1 / (1 - ratio). */
export interface BlockKeeps {
  /** `[batch, heads, rows, rows]` */
  readonly self: Value;
  /** `[batch, heads, rows, frames]` */
  readonly cross: Value;
}

type Sizes = Readonly<Record<string, readonly number[]>>;
type Sized = Pick<
  ImitationConfig,
  "dropout" | "heads" | "layers" | "frameLayers" | "observeHorizon"
>;

const PREFIX = "keep/";

/** What is fed for one run of the network that reads chunks; nothing without dropout. */
export function chunkKeepSizes(
  { dropout, heads, layers, observeHorizon }: Sized,
  { batch, rows }: { readonly batch: number; readonly rows: number },
): Sizes {
  if (dropout === 0) return {};
  const entries = Array.from({ length: layers }, (_, i) => [
    [`${PREFIX}${i}/self`, [batch, heads, rows, rows]],
    [`${PREFIX}${i}/cross`, [batch, heads, rows, observeHorizon]],
  ]);
  return Object.fromEntries(entries.flat()) as Sizes;
}

/** The same for the blocks over frames, which see each batch once. */
export function frameKeepSizes(
  { dropout, heads, frameLayers, observeHorizon }: Sized,
  batch: number,
): Sizes {
  if (dropout === 0) return {};
  const size = [batch, heads, observeHorizon, observeHorizon];
  return Object.fromEntries(
    Array.from({ length: frameLayers }, (_, i) => [`${PREFIX}frames/${i}`, size]),
  );
}

export function isKeep(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** By block, of values that have the names of `chunkKeepSizes`; undefined where there are none. */
export function chunkKeeps(
  values: Readonly<Record<string, Value | undefined>>,
): readonly BlockKeeps[] | undefined {
  const blocks: BlockKeeps[] = [];
  for (let i = 0; ; i++) {
    const [self, cross] = [values[`${PREFIX}${i}/self`], values[`${PREFIX}${i}/cross`]];
    if (self === undefined || cross === undefined) return i === 0 ? undefined : blocks;
    blocks.push({ self, cross });
  }
}

export function drawKeep(dropout: number, count: number, rng: Rng): Float32Array<ArrayBuffer> {
  const kept = 1 / (1 - dropout);
  return Float32Array.from({ length: count }, () => (rng.uniform() < dropout ? 0 : kept));
}

/** Feeds of the given sizes. */
export function keepFeeds(
  { dropout }: Pick<ImitationConfig, "dropout">,
  sizes: Sizes,
  rng: Rng,
): Record<string, NdArray> {
  return Object.fromEntries(
    Object.entries(sizes).map(([name, shape]) => {
      const data = drawKeep(dropout, elementCount(shape), rng.split(name));
      return [name, { dtype: "float32", shape, data }];
    }),
  );
}
