/** Oracles of products: one loop over everything that is summed. */
import type { Oracle } from "./oracle.ts";
import { at, tabulate } from "./oracle.ts";

/** NumPy's `a @ b`, batches broadcast; an operand of rank 1 is a row or a column without its other axis. */
export function product(a: Oracle, b: Oracle): Oracle {
  const left = a.shape.length === 1 ? { ...a, shape: [1, ...a.shape] } : a;
  const right = b.shape.length === 1 ? { ...b, shape: [...b.shape, 1] } : b;
  const batches = [left.shape.slice(0, -2), right.shape.slice(0, -2)] as const;
  const rank = Math.max(batches[0].length, batches[1].length);
  const batch = Array.from({ length: rank }, (_, i) => {
    const dims = batches.map((shape) => shape[shape.length - rank + i] ?? 1);
    return dims.find((dim) => dim !== 1) ?? 1;
  });
  const [rows = 0, inner = 0, columns = 0] = [
    left.shape.at(-2),
    left.shape.at(-1),
    right.shape.at(-1),
  ];
  const full = tabulate([...batch, rows, columns], (index) => {
    const [lead, i, j] = [index.slice(0, rank), index[rank] ?? 0, index[rank + 1] ?? 0];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += at(left, [...lead, i, k]) * at(right, [...lead, k, j]);
    return sum;
  });
  const shape = [
    ...batch,
    ...(a.shape.length === 1 ? [] : [rows]),
    ...(b.shape.length === 1 ? [] : [columns]),
  ];
  return { shape, data: full.data };
}

/** The last two axes swapped. */
export function turned(x: Oracle): Oracle {
  const [rows = 0, columns = 0] = x.shape.slice(-2);
  return tabulate([...x.shape.slice(0, -2), columns, rows], (index) =>
    at(x, [...index.slice(0, -2), index.at(-1) ?? 0, index.at(-2) ?? 0]),
  );
}

/** Einstein's sum, over every value of every letter. `...` may stand for one axis at most. */
export function contracted(equation: string, values: readonly Oracle[]): Oracle {
  const [left = "", right] = equation.replaceAll("...", "*").split("->");
  const terms = left.split(",").map((term, i) => {
    const short = term.includes("*") && term.length - 1 === values[i]?.shape.length;
    return short ? term.replace("*", "") : term;
  });
  const dims = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    for (const [axis, letter] of [...term].entries()) {
      dims.set(letter, Math.max(dims.get(letter) ?? 1, values[i]?.shape[axis] ?? 1));
    }
  }
  const letters = [...dims.keys()];
  const once = letters.filter((letter) => terms.join("").split(letter).length === 2).sort();
  const output = right ?? once.join("");
  const sizes = (some: readonly string[]): number[] => some.map((letter) => dims.get(letter) ?? 1);
  const inner = letters.filter((letter) => !output.includes(letter));
  return tabulate(sizes([...output]), (outer) => {
    let sum = 0;
    tabulate(sizes(inner), (summed) => {
      const place = (letter: string): number =>
        output.includes(letter)
          ? (outer[output.indexOf(letter)] ?? 0)
          : (summed[inner.indexOf(letter)] ?? 0);
      sum += terms.reduce((factor, term, i) => {
        const value = values[i];
        return value === undefined ? NaN : factor * at(value, [...term].map(place));
      }, 1);
      return 0;
    });
    return sum;
  });
}
