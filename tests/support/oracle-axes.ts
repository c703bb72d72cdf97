/** Oracles of operators that work along axes: loops over indices, nothing shared with the graphs. */
import type { Oracle } from "./oracle.ts";
import { at, tabulate } from "./oracle.ts";

/** `join` of all elements that agree in the other axes. */
export function reduced(
  x: Oracle,
  { axes, keep }: { readonly axes: readonly number[]; readonly keep: boolean },
  join: (values: readonly number[]) => number,
): Oracle {
  const joined = new Set(axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis)));
  const full = tabulate(
    x.shape.map((dim, axis) => (joined.has(axis) ? 1 : dim)),
    (index) => {
      const inner = tabulate(
        x.shape.map((dim, axis) => (joined.has(axis) ? dim : 1)),
        (offset) =>
          at(
            x,
            index.map((i, axis) => i + (offset[axis] ?? 0)),
          ),
      );
      return join(inner.data);
    },
  );
  if (keep) return full;
  return { shape: x.shape.filter((_, axis) => !joined.has(axis)), data: full.data };
}

export function cumulated(
  x: Oracle,
  options: { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean },
): Oracle {
  const { axis, exclusive, reverse } = options;
  return tabulate(x.shape, (index) => {
    const here = index[axis] ?? 0;
    let sum = 0;
    for (let i = 0; i < (x.shape[axis] ?? 0); i++) {
      const before = reverse ? i > here : i < here;
      if (before || (i === here && !exclusive)) sum += at(x, index.with(axis, i));
    }
    return sum;
  });
}

/** A tensor whose element at an index is that of `x` at the index which `from` gives; 0 where it gives none. */
export function moved(
  x: Oracle,
  shape: readonly number[],
  from: (index: readonly number[]) => readonly number[] | undefined,
): Oracle {
  return tabulate(shape, (index) => {
    const source = from(index);
    return source === undefined ? 0 : at(x, source);
  });
}
