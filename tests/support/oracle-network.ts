/** Naive float64 normalisation, softmax, losses and attention. */
import type { Oracle } from "./oracle.ts";
import { at, tabulate } from "./oracle.ts";

/** Calls `map` with every set of elements that agree in `key`, and puts back what it returns. */
export function mapSets(
  x: Oracle,
  key: (index: readonly number[]) => string,
  map: (values: number[]) => number[],
): Oracle {
  const sets = new Map<string, number[]>();
  let offset = 0;
  tabulate(x.shape, (index) => {
    const name = key(index);
    sets.set(name, [...(sets.get(name) ?? []), offset++]);
    return 0;
  });
  const data = [...x.data];
  for (const offsets of sets.values()) {
    const mapped = map(offsets.map((i) => x.data[i]!));
    offsets.forEach((to, i) => (data[to] = mapped[i]!));
  }
  return { shape: x.shape, data };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Population variance. */
export function variance(values: readonly number[]): number {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
}

export function standardise(epsilon: number): (values: number[]) => number[] {
  return (values) => {
    const [centre, deviation] = [mean(values), Math.sqrt(variance(values) + epsilon)];
    return values.map((value) => (value - centre) / deviation);
  };
}

export function divideByRms(epsilon: number): (values: number[]) => number[] {
  return (values) => {
    const size = Math.sqrt(mean(values.map((value) => value * value)) + epsilon);
    return values.map((value) => value / size);
  };
}

/** All axes before `axis` make the key. */
export function rowsFrom(axis: number): (index: readonly number[]) => string {
  return (index) => index.slice(0, axis).join();
}

/** All axes but one make the key. */
export function along(axis: number): (index: readonly number[]) => string {
  return (index) => index.filter((_, i) => i !== axis).join();
}

export function softmaxOf(values: readonly number[]): number[] {
  const exps = values.map(Math.exp);
  const total = exps.reduce((sum, value) => sum + value, 0);
  return exps.map((value) => value / total);
}

export function logSoftmaxOf(values: readonly number[]): number[] {
  const total = values.reduce((sum, value) => sum + Math.exp(value), 0);
  return values.map((value) => value - Math.log(total));
}

/** Losses of `logarithms[batch, classes, ...]`, and what they add up to. */
export function likelihoodLoss(
  logarithms: Oracle,
  labels: Oracle,
  by: {
    readonly weights?: readonly number[];
    readonly ignore?: number;
    readonly reduction?: "none" | "mean" | "sum";
  },
): Oracle {
  let total = 0;
  let share = 0;
  const each = tabulate(labels.shape, ([n = 0, ...place]) => {
    const label = at(labels, [n, ...place]);
    const weight = label === by.ignore ? 0 : (by.weights?.[label] ?? 1);
    const loss = weight === 0 ? 0 : -weight * at(logarithms, [n, label, ...place]);
    total += loss;
    share += weight;
    return loss;
  });
  if (by.reduction === "none") return each;
  return { shape: [], data: [by.reduction === "sum" ? total : total / share] };
}

/** `[batch, heads, length, width]`; a key head serves `heads / keyHeads` query heads. */
export function attention(
  { q, k, v }: { q: Oracle; k: Oracle; v: Oracle },
  by: {
    readonly scale: number;
    /** Added to the score of query `i` and key `j`; `-Infinity` hides. */
    readonly mask?: (index: { n: number; h: number; i: number; j: number }) => number;
  },
): Oracle {
  const [batch = 0, heads = 0, queries = 0, width = 0] = q.shape;
  const [, keyHeads = 0, keys = 0] = k.shape;
  const valueWidth = v.shape[3]!;
  return tabulate([batch, heads, queries, valueWidth], ([n = 0, h = 0, i = 0, d = 0]) => {
    const shared = Math.floor((h * keyHeads) / heads);
    const scores = Array.from({ length: keys }, (_, j) => {
      let score = by.mask?.({ n, h, i, j }) ?? 0;
      for (let e = 0; e < width; e++) {
        score += at(q, [n, h, i, e]) * at(k, [n, shared, j, e]) * by.scale;
      }
      return score;
    });
    const weights = softmaxOf(scores);
    return weights.reduce((sum, weight, j) => sum + weight * at(v, [n, shared, j, d]), 0);
  });
}

/** `[batch, length, heads * width]` to `[batch, heads, length, width]`. */
export function apart(x: Oracle, heads: number): Oracle {
  const [batch = 0, length = 0, all = 0] = x.shape;
  const width = all / heads;
  return tabulate([batch, heads, length, width], ([n = 0, h = 0, i = 0, d = 0]) =>
    at(x, [n, i, h * width + d]),
  );
}

export function together(x: Oracle): Oracle {
  const [batch = 0, heads = 0, length = 0, width = 0] = x.shape;
  return tabulate([batch, length, heads * width], ([n = 0, i = 0, e = 0]) =>
    at(x, [n, Math.floor(e / width), i, e % width]),
  );
}

/** Turns the pairs `(a, b)` of `[batch, heads, length, width]` by the angles of their positions. */
export function rotate(
  x: Oracle,
  by: {
    readonly cos: Oracle;
    readonly sin: Oracle;
    readonly positions: (n: number, i: number) => number;
    readonly interleaved: boolean;
  },
): Oracle {
  const half = x.shape[3]! / 2;
  return tabulate(x.shape, ([n = 0, h = 0, i = 0, d = 0]) => {
    const pair = by.interleaved ? Math.floor(d / 2) : d % half;
    const isFirst = by.interleaved ? d % 2 === 0 : d < half;
    const [first, second] = by.interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + half];
    const [c, s] = [by.cos, by.sin].map((table) => at(table, [by.positions(n, i), pair]));
    const [a, b] = [at(x, [n, h, i, first]), at(x, [n, h, i, second])];
    return isFirst ? a * c! - b * s! : b * c! + a * s!;
  });
}
