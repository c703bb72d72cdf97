/**
 * The convolutional network of diffusion policies (Chi et al. 2023, arXiv:2303.04137): a U-Net along time whose blocks
 * are scaled and shifted by what is observed and how noisy the chunk is (FiLM, Perez et al. 2018, arXiv:1709.07871).
 */
import type { Value } from "../../src/onnx/index.ts";
import type { LayerContext } from "../../src/onnx/layers/index.ts";
import { convolution1d, doubled1d, fixed, groupNorm, linear } from "../../src/onnx/layers/index.ts";

export interface UnetConfig {
  readonly widths: readonly number[];
  readonly kernel: number;
  readonly groups: number;
}

/**
 * @param inputs `chunk[batch, rows, actionDim]`, `condition[batch, n]`
 * @returns `[batch, rows, actionDim]`
 */
export function unet(
  context: LayerContext,
  { chunk, condition }: { readonly chunk: Value; readonly condition: Value },
  config: UnetConfig,
): Value {
  const { g } = context;
  const { widths, kernel } = config;
  const by = g.mish(condition);
  const pair = (x: Value, name: string, filters: number): Value => {
    const first = residual(context, { x, by }, { name: `${name}/0`, filters, config });
    return residual(context, { x: first, by }, { name: `${name}/1`, filters, config });
  };
  const kept: Value[] = [];
  let x = g.transpose(chunk, [0, 2, 1]);
  for (const [i, width] of widths.entries()) {
    x = pair(x, `down/${i}`, width);
    if (i === widths.length - 1) break;
    kept.push(x);
    const half = { name: `down/${i}/half`, filters: width, kernel: 3, stride: 2 };
    x = convolution1d(context, x, half);
  }
  x = pair(x, "middle", widths.at(-1) ?? 1);
  for (const [i, width] of widths.slice(0, -1).reverse().entries()) {
    x = doubled1d(context, x, `up/${i}/double`);
    x = pair(g.concat([x, kept.pop() as Value], 1), `up/${i}`, width);
  }
  const last = { name: "last", filters: widths[0] ?? 1, kernel };
  const y = activated(context, x, { ...last, groups: config.groups });
  const actionDim = fixed(chunk.shape[2], "chunk");
  const out = convolution1d(context, y, { name: "out", filters: actionDim, kernel: 1 });
  return g.transpose(out, [0, 2, 1]);
}

function activated(
  context: LayerContext,
  x: Value,
  options: { name: string; filters: number; kernel: number; groups: number },
): Value {
  const { g } = context;
  const { name, filters, kernel, groups } = options;
  return g.scope(name, () => {
    const y = convolution1d(context, x, { name: "conv", filters, kernel });
    return g.mish(groupNorm(context, y, { name: "norm", groups }));
  });
}

/** Two convolutions with the condition between them, and a way around. */
function residual(
  context: LayerContext,
  { x, by }: { readonly x: Value; readonly by: Value },
  options: { readonly name: string; readonly filters: number; readonly config: UnetConfig },
): Value {
  const { g } = context;
  const { name, filters, config } = options;
  const { kernel, groups } = config;
  return g.scope(name, () => {
    const first = activated(context, x, { name: "first", filters, kernel, groups });
    const both = linear(context, by, { name: "film", width: 2 * filters });
    const [scale, shift] = g
      .split(both, 1, [filters, filters])
      .map((part) => g.unsqueeze(part, [2])) as [Value, Value];
    // 1 + scale, so that a block begins as one without a condition.
    const turned = g.add(g.mul(first, g.add(scale, 1)), shift);
    const y = activated(context, turned, { name: "second", filters, kernel, groups });
    if (fixed(x.shape[1], name) === filters) return g.add(y, x);
    return g.add(y, convolution1d(context, x, { name: "around", filters, kernel: 1 }));
  });
}
