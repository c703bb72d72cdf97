import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { GroupOptions } from "./groups.ts";
import { groupParameters } from "./groups.ts";
import { assertMemory, eachParameter, rateOf, squaredNorm, toFloat32 } from "./scalars.ts";
import type { Scalars, Transform, UpdateCall } from "./transform.ts";
import { readState, stateName, stateOf } from "./transform.ts";

/**
 * Scales all gradients by `min(1, maxNorm / (norm + 1e-6))`, `norm` being that of all of them together
 * (Pascanu et al. 2013, arXiv:1211.5063; the 1e-6 is that of `torch.nn.utils.clip_grad_norm_`). The norm is
 * the metric `gradNorm`; where it is not finite, the step is spoilt: look at it before keeping the results.
 */
export function clipByGlobalNorm(maxNorm: number): Transform {
  if (!(maxNorm > 0)) {
    throw new RangeError(`Cannot clip gradients: maxNorm is ${maxNorm}, must be above 0`);
  }
  return {
    name: "clip",
    state: () => [],
    update(g, { updates }) {
      const norm = g.sqrt(squaredNorm(g, updates));
      const factor = toFloat32(g, g.min(1, g.div(maxNorm, g.add(norm, 1e-6))));
      return {
        updates: updates.map((update) => g.mul(update, factor)),
        state: {},
        metrics: { gradNorm: toFloat32(g, norm) },
      };
    },
  };
}

/**
 * Multiplies the updates by a scalar of the step; by default by minus the learning rate, which makes
 * gradients (or whatever took their place) into something to add.
 * @param factor `float32[]` of learning rate and step, in the graph
 */
export function scaleBySchedule(factor?: (g: GraphBuilder, scalars: Scalars) => Value): Transform {
  return {
    name: "schedule",
    state: () => [],
    update(g, { updates, scalars }) {
      const by = factor?.(g, scalars) ?? g.neg(scalars.rate);
      return { updates: updates.map((update) => g.mul(update, by)), state: {}, metrics: {} };
    },
  };
}

/**
 * Adds `weightDecay * parameter` to the updates: before `scaleBySchedule()`, the decoupled decay of
 * Loshchilov & Hutter 2019, arXiv:1711.05101. `sgd`, `adamW` and `lion` have their own.
 */
export function weightDecay(options: Pick<GroupOptions, "weightDecay" | "mask">): Transform {
  return {
    name: "decay",
    state: () => [],
    update(g, call) {
      const groups = groupParameters(call.parameters, options);
      const decayOf = new Map(
        groups.flatMap(({ parameters, weightDecay }) =>
          parameters.map(({ name }) => [name, weightDecay] as const),
        ),
      );
      const updates = eachParameter(call, ({ parameter, value, update }) => {
        const decay = decayOf.get(parameter.name) ?? 0;
        return decay === 0 ? update : g.add(update, g.mul(value, decay));
      });
      return { updates, state: {}, metrics: {} };
    },
  };
}

/**
 * Keeps an exponential moving average of the parameters after the step, starting from the parameters:
 * `mean + (parameter - mean) * weight` (Polyak & Juditsky 1992) with a weight of `1 - decay`. With a `power` it is
 * `max(1 - decay, max(step - 1, 1)^-power)`, so that the memory grows from none to `decay`, as in the published code
 * of diffusion policies (Chi et al. 2023). Must be the last of a chain.
 * @throws {RangeError} unless `decay` is in [0, 1), and `power` above 0 and at most 1
 */
export function ema(decay: number, power?: number): Transform {
  assertMemory("decay of the average", decay);
  if (power !== undefined && !(power > 0 && power <= 1)) {
    throw new RangeError(
      `Cannot make optimiser: power of the average is ${power}, must be above 0 and at most 1`,
    );
  }
  return {
    name: "ema",
    state: (parameters) => stateOf("ema", parameters, "parameter"),
    update(g, call) {
      const weight = power === undefined ? 1 - decay : growingWeight(g, call, { decay, power });
      const means = eachParameter(call, ({ parameter, value, update }) => {
        const mean = readState(call, "ema", parameter);
        const after = g.add(value, update);
        const next = g.add(mean, g.mul(g.sub(after, mean), weight));
        return [stateName("ema", parameter.name), next] as const;
      });
      return { updates: call.updates, state: Object.fromEntries(means), metrics: {} };
    },
  };
}

function growingWeight(
  g: GraphBuilder,
  { scalars }: UpdateCall,
  { decay, power }: { readonly decay: number; readonly power: number },
): Value {
  const done = g.max(g.sub(g.cast(scalars.step, "float64"), 1), 1);
  return toFloat32(g, g.max(g.pow(done, -power), 1 - decay));
}

export interface SgdOptions extends GroupOptions {
  /** Default 0: no state. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
}

/**
 * Gradient descent with momentum as PyTorch has it, and with decoupled weight decay (SGDW):
 *
 *     buffer    = momentum * buffer + gradient
 *     direction = nesterov ? gradient + momentum * buffer : buffer
 *     parameter = parameter - rate * (direction + weightDecay * parameter)
 *
 * Without momentum the decay is PyTorch's too; with it, PyTorch puts the decay into the buffer.
 * @throws {RangeError} unless `momentum` is in [0, 1), and above 0 for Nesterov's
 */
export function sgd(options: SgdOptions = {}): Transform {
  const { momentum = 0, nesterov = false } = options;
  assertMemory("momentum", momentum);
  if (nesterov && momentum === 0) {
    throw new RangeError("Cannot make optimiser: Nesterov's momentum is 0, must be above 0");
  }
  return {
    name: "sgd",
    state: (parameters) => (momentum === 0 ? [] : stateOf("momentum", parameters)),
    update(g, call) {
      const { alpha, decayed } = rateOf(g, call, options);
      const state: Record<string, Value> = {};
      const updates = eachParameter(call, (item) => {
        const { parameter, update } = item;
        if (momentum === 0) return decayed(g.mul(update, alpha(parameter)), item);
        const buffer = g.add(g.mul(readState(call, "momentum", parameter), momentum), update);
        state[stateName("momentum", parameter.name)] = buffer;
        const direction = nesterov ? g.add(g.mul(buffer, momentum), update) : buffer;
        return decayed(g.mul(direction, alpha(parameter)), item);
      });
      return { updates, state, metrics: {} };
    },
  };
}
