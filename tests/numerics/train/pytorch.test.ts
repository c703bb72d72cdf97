import { describe, expect, it } from "vitest";
import type { OptimiserConfig } from "../../../src/autodiff/index.ts";
import { createOptimiser, layoutFor, ParameterArena } from "../../../src/train/index.ts";

/**
 * Weights after 20 steps of PyTorch 2.10.0 in float64, `torch.optim.AdamW` and `torch.optim.SGD` at a rate of
 * 0.01: weight i starts at cos(i), its gradient at step t = 1, 2, ... is `(1 + i) * sin(i + 1 + 0.7 t)`.
 */
const CASES: Readonly<Record<string, { config: OptimiserConfig; weights: readonly number[] }>> = {
  "AdamW(betas=(0.9, 0.95), eps=1e-6, weight_decay=0.1)": {
    config: { kind: "adamw", betas: [0.9, 0.95], eps: 1e-6, weightDecay: 0.1 },
    weights: [
      0.9554498218810369, 0.5461657093960799, -0.3573802286226216, -0.9412409534134516,
      -0.6503526714103101, 0.2261508562382083,
    ],
  },
  "AdamW(weight_decay=0.1) after clip_grad_norm_(1)": {
    config: { kind: "adamw", weightDecay: 0.1, clipNorm: 1 },
    weights: [
      0.955645937380841, 0.5443161233608642, -0.35732597226974466, -0.9419208608330192,
      -0.6481994343854802, 0.22553092730167193,
    ],
  },
  "SGD(momentum=0.9)": {
    config: { kind: "sgd", momentum: 0.9 },
    weights: [
      0.9663672892939614, 0.6785692677463857, -0.09113082944443068, -0.7982413588058683,
      -0.936328011276675, -0.3705285883640969,
    ],
  },
  "SGD(momentum=0.9, nesterov=True)": {
    config: { kind: "sgd", momentum: 0.9, nesterov: true },
    weights: [
      0.9528797810333561, 0.6618797742742424, -0.07772042008292755, -0.7455405715931659,
      -0.8874928014156238, -0.38625390559399736,
    ],
  },
  "SGD(weight_decay=0.1)": {
    config: { kind: "sgd", weightDecay: 0.1 },
    weights: [
      0.9634051017190112, 0.5263797112175824, -0.3627682450547626, -0.8989127308520716,
      -0.6193836347406996, 0.19847613217375576,
    ],
  },
};

const indices = [0, 1, 2, 3, 4, 5];

describe("kernels against PyTorch", () => {
  it.each(Object.entries(CASES))("%s", (_, { config, weights }) => {
    const arena = new ParameterArena(layoutFor(config, [{ name: "w", shape: [1, 6] }]));
    const live = (kind: string): Float32Array => arena.views(kind)["w"]?.data as Float32Array;
    live("parameter").set(indices.map(Math.cos));
    const optimiser = createOptimiser(config, arena);
    optimiser.init();
    for (let step = 1; step <= 20; step++) {
      live("gradient").set(indices.map((i) => (1 + i) * Math.sin(i + 1 + 0.7 * step)));
      optimiser.step({ rate: 0.01, step });
    }
    for (const [i, expected] of weights.entries()) {
      // 20 roundings of at most half a float32 ulp of 1, and those of the gradients.
      expect(Math.abs(live("parameter")[i]! - expected), `weight ${i}`).toBeLessThan(1e-6);
    }
  });
});
