/**
 * The network of diffusion policies over action chunks (Chi et al. 2023, arXiv:2303.04137): a U-Net along time
 * whose blocks are scaled and shifted by what is observed (FiLM, Perez et al. 2018, arXiv:1709.07871).
 */
import { gaussian, lossTrainable, meanSquare } from "./kit.mjs";

function convolution(kit, context, { x, name, filters, kernel, stride = 1 }) {
  const { g } = context;
  const shape = [filters, x.shape[1], kernel];
  const start = kit.layers.heNormal(x.shape[1] * kernel);
  return g.scope(name, () => {
    const w = kit.layers.parameter(context, { name: "weight", shape, start });
    const zeros = { name: "bias", shape: [filters], start: { kind: "zeros" } };
    const bias = kit.layers.parameter(context, zeros);
    const pad = Math.floor(kernel / 2);
    return g.conv(x, w, { bias, strides: [stride], pads: [pad, pad] });
  });
}

/** Doubles the length. */
function enlarged(kit, context, { x, name }) {
  const { g } = context;
  const channels = x.shape[1];
  const start = kit.layers.heNormal(channels * 4);
  return g.scope(name, () => {
    const w = kit.layers.parameter(context, {
      name: "weight",
      shape: [channels, channels, 4],
      start,
    });
    const zeros = { name: "bias", shape: [channels], start: { kind: "zeros" } };
    const bias = kit.layers.parameter(context, zeros);
    return g.convTranspose(x, w, { bias, strides: [2], pads: [1, 1] });
  });
}

function convolutionBlock(kit, context, { x, name, filters, kernel, groups }) {
  const { g } = context;
  return g.scope(name, () => {
    const y = convolution(kit, context, { x, name: "conv", filters, kernel });
    const scale = { name: "norm/scale", shape: [filters], start: { kind: "ones" } };
    const shift = { name: "norm/bias", shape: [filters], start: { kind: "zeros" } };
    const [by, plus] = [scale, shift].map((p) => kit.layers.parameter(context, p));
    return g.mish(g.groupNorm(y, { scale: by, bias: plus }, { groups }));
  });
}

/** Two convolutions with the condition between them, and a way around. */
function residualBlock(kit, context, { x, condition, name, filters, config }) {
  const { g } = context;
  const { kernel, groups } = config;
  return g.scope(name, () => {
    const first = convolutionBlock(kit, context, { x, name: "first", filters, kernel, groups });
    const film = { name: "film", width: 2 * filters };
    const both = kit.layers.linear(context, g.mish(condition), film);
    const [scale, shift] = g
      .split(both, 1, [filters, filters])
      .map((part) => g.unsqueeze(part, [2]));
    const turned = g.add(g.mul(first, scale), shift);
    const y = convolutionBlock(kit, context, {
      x: turned,
      name: "second",
      filters,
      kernel,
      groups,
    });
    if (x.shape[1] === filters) return g.add(y, x);
    return g.add(y, convolution(kit, context, { x, name: "around", filters, kernel: 1 }));
  });
}

export const UNET_BLOCK = {
  channels: 64,
  filters: 128,
  length: 16,
  condition: 64,
  kernel: 5,
  groups: 8,
};

export function unetBlockTrainable(kit, config = UNET_BLOCK) {
  const loss = (context, batch) => {
    const { g } = context;
    const x = g.input("x", "float32", [batch, config.channels, config.length]);
    const condition = g.input("condition", "float32", [batch, config.condition]);
    const target = g.input("target", "float32", [batch, config.filters, config.length]);
    const { filters } = config;
    const y = residualBlock(kit, context, { x, condition, name: "block", filters, config });
    return meanSquare(g, y, target);
  };
  return lossTrainable(kit, { name: "unet_block", loss });
}

export function unetBlockFeeds(rng, batch, config = UNET_BLOCK) {
  return {
    x: gaussian(rng, [batch, config.channels, config.length]),
    condition: gaussian(rng, [batch, config.condition]),
    target: gaussian(rng, [batch, config.filters, config.length]),
  };
}

/** 4 million parameters, for chunks of 16 rows. */
export const UNET = {
  actionDim: 7,
  length: 16,
  widths: [64, 128, 256],
  condition: 128,
  kernel: 5,
  groups: 8,
};

/**
 * The noise in `x[batch, actionDim, length]`, as `condition[batch, condition]` (time and observation, embedded)
 * lets it be seen.
 */
export function unet(kit, context, { x, condition, config }) {
  const { g } = context;
  const { widths, kernel, groups, actionDim } = config;
  const block = (value, name, filters) =>
    residualBlock(kit, context, { x: value, condition, name, filters, config });
  const kept = [];
  let y = x;
  for (const [i, width] of widths.entries()) {
    y = block(block(y, `down/${i}/0`, width), `down/${i}/1`, width);
    kept.push(y);
    const last = i === widths.length - 1;
    if (!last) {
      const half = { x: y, name: `down/${i}/half`, filters: width, kernel: 3, stride: 2 };
      y = convolution(kit, context, half);
    }
  }
  y = block(block(y, "middle/0", widths.at(-1)), "middle/1", widths.at(-1));
  for (const [i, width] of widths.slice(0, -1).reverse().entries()) {
    y = g.concat([y, kept.pop()], 1);
    y = block(block(y, `up/${i}/0`, width), `up/${i}/1`, width);
    y = enlarged(kit, context, { x: y, name: `up/${i}/double` });
  }
  const options = { x: y, name: "last", filters: widths[0], kernel, groups };
  const end = convolutionBlock(kit, context, options);
  return convolution(kit, context, { x: end, name: "noise", filters: actionDim, kernel: 1 });
}
