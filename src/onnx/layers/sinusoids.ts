/** Numbers on a line told apart by sines and cosines of many wavelengths (Vaswani et al. 2017, section 3.5). */
import type { Dtype, NdArray } from "../../core/index.ts";
import { allocate } from "../element-type.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph-core.ts";

const LONGEST = 1e4;

/** Angular frequency of each pair of columns. */
function frequency(pair: number, width: number): number {
  return Math.exp((-Math.log(LONGEST) * 2 * pair) / width);
}

/**
 * A fixed table `[rows, width]` for positions 0, 1, ...; sine and cosine of a wavelength side by side.
 * @param size `width` is even
 */
export function sinusoids(
  size: { readonly rows: number; readonly width: number },
  dtype: Dtype = "float32",
): NdArray {
  const { rows, width } = size;
  assertEven(width);
  const data = allocate(dtype, rows * width);
  for (let i = 0; i < rows * width; i++) {
    const [row, column] = [Math.floor(i / width), i % width];
    const angle = row * frequency(column >> 1, width);
    data[i] = column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  }
  return { dtype, shape: [rows, width], data };
}

/** The same of `positions[batch]` that are computed: `[batch, width]`, all sines before all cosines. */
export function sinusoidsOf(g: GraphBuilder, positions: Value, width: number): Value {
  assertEven(width);
  const dtype = positions.elementType;
  const data = allocate(dtype, width / 2);
  for (let i = 0; i < width / 2; i++) data[i] = frequency(i, width);
  const by = g.constant({ dtype, shape: [1, width / 2], data });
  const angles = g.mul(g.unsqueeze(positions, [1]), by);
  return g.concat([g.sin(angles), g.cos(angles)], 1);
}

function assertEven(width: number): void {
  if (width % 2 === 0) return;
  throw new RangeError(`Cannot place sinusoids in a width of ${width}, must be even`);
}
