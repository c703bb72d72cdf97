/** Naive float64 convolutions, pooling and resizing: for every output element, a loop over what it sees. */
import type { Oracle } from "./oracle.ts";
import { at, tabulate } from "./oracle.ts";

/** One number for each spatial axis. */
export interface OracleWindow {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Padding before the first element. */
  readonly begins?: readonly number[];
  /** Number of positions. */
  readonly output: readonly number[];
}

/** Calls `visit` with every index of a shape. */
export function eachIndex(shape: readonly number[], visit: (index: number[]) => void): void {
  tabulate(shape, (index) => {
    visit(index);
    return 0;
  });
}

/** Where kernel place `k` lies at position `p`; `undefined` outside. */
function place(
  window: OracleWindow,
  { p, k, shape }: { p: readonly number[]; k: readonly number[]; shape: readonly number[] },
): number[] | undefined {
  const index = p.map(
    (position, i) =>
      position * (window.strides?.[i] ?? 1) +
      (k[i] ?? 0) * (window.dilations?.[i] ?? 1) -
      (window.begins?.[i] ?? 0),
  );
  return index.every((value, i) => value >= 0 && value < (shape[i + 2] ?? 0)) ? index : undefined;
}

export function conv(
  { x, w, bias }: { x: Oracle; w: Oracle; bias?: Oracle },
  window: OracleWindow & { readonly group?: number },
): Oracle {
  const [filters = 0, depth = 0, ...kernel] = w.shape;
  const perGroup = filters / (window.group ?? 1);
  return tabulate([x.shape[0]!, filters, ...window.output], ([n = 0, f = 0, ...p]) => {
    let sum = bias === undefined ? 0 : at(bias, [f]);
    const first = Math.floor(f / perGroup) * depth;
    eachIndex([depth, ...kernel], ([c = 0, ...k]) => {
      const seen = place(window, { p, k, shape: x.shape });
      if (seen !== undefined) sum += at(x, [n, first + c, ...seen]) * at(w, [f, c, ...k]);
    });
    return sum;
  });
}

/** Every input element adds the kernel, times itself, to the output. `window.output` is the output's size. */
export function convTranspose(
  { x, w, bias }: { x: Oracle; w: Oracle; bias?: Oracle },
  window: OracleWindow & { readonly group?: number },
): Oracle {
  const [channels = 0, perGroup = 0, ...kernel] = w.shape;
  const groups = window.group ?? 1;
  const shape = [x.shape[0]!, perGroup * groups, ...window.output];
  const sums = new Map<string, number>();
  eachIndex(x.shape, ([n = 0, c = 0, ...p]) => {
    const group = Math.floor(c / (channels / groups));
    eachIndex([perGroup, ...kernel], ([f = 0, ...k]) => {
      const to = place(window, { p, k, shape });
      if (to === undefined) return;
      const key = [n, group * perGroup + f, ...to].join();
      sums.set(key, (sums.get(key) ?? 0) + at(x, [n, c, ...p]) * at(w, [c, f, ...k]));
    });
  });
  return tabulate(
    shape,
    (index) => (sums.get(index.join()) ?? 0) + (bias === undefined ? 0 : at(bias, [index[1]!])),
  );
}

/** `join` gets the elements under the window; padding is not among them. */
export function pool(
  x: Oracle,
  kernel: readonly number[],
  window: OracleWindow & { readonly join: (values: number[]) => number },
): Oracle {
  return tabulate([...x.shape.slice(0, 2), ...window.output], ([n = 0, c = 0, ...p]) => {
    const values: number[] = [];
    eachIndex(kernel, (k) => {
      const seen = place(window, { p, k, shape: x.shape });
      if (seen !== undefined) values.push(at(x, [n, c, ...seen]));
    });
    return window.join(values);
  });
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Samples one axis at real coordinates with a kernel of reach 2; elements beyond the ends repeat the last one.
 */
export function resample(
  x: Oracle,
  axis: number,
  { coordinates, kernel }: { coordinates: readonly number[]; kernel: (distance: number) => number },
): Oracle {
  const length = x.shape[axis]!;
  const shape = x.shape.map((dim, i) => (i === axis ? coordinates.length : dim));
  return tabulate(shape, (index) => {
    const where = coordinates[index[axis]!]!;
    let sum = 0;
    for (let i = -4; i < length + 4; i++) {
      const weight = kernel(Math.abs(where - i));
      if (weight === 0) continue;
      const inside = Math.min(length - 1, Math.max(0, i));
      sum += weight * at(x, index.with(axis, inside));
    }
    return sum;
  });
}
