/** ResNet (He et al. 2015, arXiv:1512.03385): basic blocks, and the whole of ResNet-18 up to its feature map. */
import { gaussian, lossTrainable, meanSquare } from "./kit.mjs";

function convolution(kit, { g, parameters }, { x, name, filters, kernel, stride = 1 }) {
  const channels = x.shape[1];
  const shape = [filters, channels, kernel, kernel];
  const start = kit.layers.heNormal(channels * kernel * kernel);
  const w = kit.layers.parameter({ g, parameters }, { name: `${name}/weight`, shape, start });
  const pad = Math.floor(kernel / 2);
  return g.conv(x, w, { strides: [stride, stride], pads: [pad, pad, pad, pad] });
}

/**
 * `trained`: with the batch's statistics, and scale and shift that are parameters. `frozen`: with fixed ones, as
 * policies do that start from a trained network; they are ones and zeros here, which costs the same.
 */
function batchNorm(kit, { g, parameters }, { x, name, kind }) {
  const shape = [x.shape[1]];
  const constant = (value) =>
    g.constant({ dtype: "float32", shape, data: new Float32Array(shape[0]).fill(value) });
  if (kind === "frozen") {
    const [one, zero] = [constant(1), constant(0)];
    return g.batchNorm(x, { scale: one, bias: zero, mean: zero, variance: one });
  }
  return g.scope(name, () => {
    const part = (key, start) =>
      kit.layers.parameter({ g, parameters }, { name: key, shape, start: { kind: start } });
    const [scale, bias] = [part("scale", "ones"), part("bias", "zeros")];
    return g.batchNormTraining(x, { scale, bias, mean: constant(0), variance: constant(1) }).y;
  });
}

/** Two 3 x 3 convolutions and a way around them. */
export function basicBlock(kit, context, { x, name, filters, stride, norm }) {
  const { g } = context;
  return g.scope(name, () => {
    const conv = (value, options) => convolution(kit, context, { x: value, filters, ...options });
    const normed = (value, key) => batchNorm(kit, context, { x: value, name: key, kind: norm });
    const inner = normed(conv(x, { name: "conv1", kernel: 3, stride }), "norm1");
    const y = normed(conv(g.relu(inner), { name: "conv2", kernel: 3 }), "norm2");
    const same = stride === 1 && x.shape[1] === filters;
    const around = same
      ? x
      : normed(conv(x, { name: "shortcut", kernel: 1, stride }), "shortcut_norm");
    return g.relu(g.add(y, around));
  });
}

/** `[batch, 3, height, width]` to `[batch, 512, height / 32, width / 32]`. */
export function resnet18(kit, context, { x, norm }) {
  const { g } = context;
  const stem = convolution(kit, context, { x, name: "stem", filters: 64, kernel: 7, stride: 2 });
  const y = g.relu(batchNorm(kit, context, { x: stem, name: "stem_norm", kind: norm }));
  let map = g.maxPool(y, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] });
  for (const [stage, filters] of [64, 128, 256, 512].entries()) {
    for (const place of [0, 1]) {
      const stride = stage > 0 && place === 0 ? 2 : 1;
      const name = `stages/${2 * stage + place}`;
      map = basicBlock(kit, context, { x: map, name, filters, stride, norm });
    }
  }
  return map;
}

export const RESNET_BLOCK = { channels: 64, filters: 128, size: 16, stride: 2 };

/** One block with batch normalisation in training, fitted to `target`. */
export function resnetBlockTrainable(kit, config = RESNET_BLOCK) {
  const { channels, filters, size, stride } = config;
  const loss = (context, batch) => {
    const { g } = context;
    const x = g.input("x", "float32", [batch, channels, size, size]);
    const places = size / stride;
    const target = g.input("target", "float32", [batch, filters, places, places]);
    const y = basicBlock(kit, context, { x, name: "block", filters, stride, norm: "trained" });
    return meanSquare(g, y, target);
  };
  return lossTrainable(kit, { name: "resnet_block", loss });
}

export function resnetBlockFeeds(rng, batch, config = RESNET_BLOCK) {
  const { channels, filters, size, stride } = config;
  const places = size / stride;
  return {
    x: gaussian(rng, [batch, channels, size, size]),
    target: gaussian(rng, [batch, filters, places, places]),
  };
}
