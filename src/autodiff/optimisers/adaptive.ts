import type { Value } from "../../onnx/index.ts";
import type { GroupOptions } from "./groups.ts";
import { assertMemory, eachParameter, rateOf, toFloat32 } from "./scalars.ts";
import type { Transform } from "./transform.ts";
import { readState, stateName, stateOf } from "./transform.ts";

export interface AdamWOptions extends GroupOptions {
  /** Memory of the mean of gradients; default 0.9. */
  readonly b1?: number;
  /** Memory of the mean of their squares; default 0.999. */
  readonly b2?: number;
  /** Default 1e-8. */
  readonly eps?: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), as in
 * `torch.optim.AdamW`:
 *
 *     m = m + (g - m) * (1 - b1)
 *     v = v + (g * g - v) * (1 - b2)
 *     p = p - rate * weightDecay * p - rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 *
 * Both corrections are moved into two scalars, `rate * sqrt(1 - b2^t) / (1 - b1^t)` and `eps * sqrt(1 - b2^t)`,
 * which is the same and saves two passes. PyTorch multiplies `p` by `1 - rate * weightDecay`, which float32
 * rounds to a multiple of 6e-8, up to 0.3 % of a product of 1e-5; here the decay is added to the update.
 * @throws {RangeError} unless `b1` and `b2` are in [0, 1) and `eps` is above 0
 */
export function adamW(options: AdamWOptions = {}): Transform {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8 } = options;
  assertMemory("b1", b1);
  assertMemory("b2", b2);
  if (!(eps > 0)) throw new RangeError(`Cannot make optimiser: eps is ${eps}, must be above 0`);
  return {
    name: "adamW",
    state: (parameters) => [...stateOf("m", parameters), ...stateOf("v", parameters)],
    update(g, call) {
      const t = g.cast(call.scalars.step, "float64");
      const spread = g.sqrt(g.sub(1, g.pow(b2, t)));
      const correction = g.div(spread, g.sub(1, g.pow(b1, t)));
      const epsilon = toFloat32(g, g.mul(spread, eps));
      const { alpha, decayed } = rateOf(g, call, { ...options, correction });
      const state: Record<string, Value> = {};
      const updates = eachParameter(call, (item) => {
        const { parameter, update } = item;
        const oldM = readState(call, "m", parameter);
        const oldV = readState(call, "v", parameter);
        const m = g.add(oldM, g.mul(g.sub(update, oldM), 1 - b1));
        const v = g.add(oldV, g.mul(g.sub(g.mul(update, update), oldV), 1 - b2));
        state[stateName("m", parameter.name)] = m;
        state[stateName("v", parameter.name)] = v;
        const scaled = g.div(g.mul(m, alpha(parameter)), g.add(g.sqrt(v), epsilon));
        return decayed(scaled, item);
      });
      return { updates, state, metrics: {} };
    },
  };
}

export interface LionOptions extends GroupOptions {
  /** Weight of the gradient in the direction is `1 - b1`; default 0.9. */
  readonly b1?: number;
  /** Memory of the mean of gradients; default 0.99. */
  readonly b2?: number;
}

/**
 * Lion (Chen et al. 2023, arXiv:2302.06675, algorithm 2): every weight moves by the learning rate, so rates
 * are three to ten times smaller and decays as much larger than AdamW's.
 *
 *     p = p - rate * (sign(m + (g - m) * (1 - b1)) + weightDecay * p)
 *     m = m + (g - m) * (1 - b2)
 *
 * @throws {RangeError} unless `b1` and `b2` are in [0, 1)
 */
export function lion(options: LionOptions = {}): Transform {
  const { b1 = 0.9, b2 = 0.99 } = options;
  assertMemory("b1", b1);
  assertMemory("b2", b2);
  return {
    name: "lion",
    state: (parameters) => stateOf("m", parameters),
    update(g, call) {
      const { alpha, decayed } = rateOf(g, call, options);
      const state: Record<string, Value> = {};
      const updates = eachParameter(call, (item) => {
        const { parameter, update } = item;
        const m = readState(call, "m", parameter);
        const difference = g.sub(update, m);
        const sign = g.one("Sign", [g.add(m, g.mul(difference, 1 - b1))]);
        state[stateName("m", parameter.name)] = g.add(m, g.mul(difference, 1 - b2));
        return decayed(g.mul(sign, alpha(parameter)), item);
      });
      return { updates, state, metrics: {} };
    },
  };
}
