import type { Value } from "../graph-core.ts";
import type { LayerContext } from "./layers.ts";
import { convolution2d, fixed, groupNorm } from "./layers.ts";

export interface ResidualOptions {
  readonly name: string;
  readonly filters: number;
  readonly stride?: number;
  /** Channels that are normalised together; must divide `filters`. */
  readonly groupSize: number;
}

/**
 * The basic block of He et al. 2015 (arXiv:1512.03385, figure 5), with group instead of batch normalisation, as in
 * diffusion policies (Chi et al. 2023, arXiv:2303.04137, section III-B), so that samples do not see each other.
 * `[batch, channels, height, width]` to `[batch, filters, height / stride, width / stride]`.
 */
export function residualBlock2d(context: LayerContext, x: Value, options: ResidualOptions): Value {
  const { g } = context;
  const { name, filters, stride = 1, groupSize } = options;
  const groups = filters / groupSize;
  if (!Number.isInteger(groups)) {
    throw new RangeError(
      `Cannot build block "${name}": ${filters} filters are in groups of ${groupSize}, must divide evenly`,
    );
  }
  return g.scope(name, () => {
    const first = convolution2d(context, x, { name: "conv1", filters, kernel: 3, stride });
    const middle = g.relu(groupNorm(context, first, { name: "norm1", groups }));
    const second = convolution2d(context, middle, { name: "conv2", filters, kernel: 3 });
    const inside = groupNorm(context, second, { name: "norm2", groups });
    if (stride === 1 && fixed(x.shape[1], name) === filters) return g.relu(g.add(inside, x));
    const around = convolution2d(context, x, { name: "around", filters, kernel: 1, stride });
    return g.relu(g.add(inside, groupNorm(context, around, { name: "norm", groups })));
  });
}
