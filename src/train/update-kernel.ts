import type { OptimiserConfig, ParameterGroup } from "../autodiff/index.ts";
import type { ArenaKind, ByteRange, ParameterArena } from "./arena.ts";
import type { Kernels } from "./kernels/index.ts";

export interface Update {
  /** A float32 number. */
  readonly rate: number;
  readonly step: number;
  /** Which gradients. */
  readonly gradient: ArenaKind;
  /** Multiplies them. */
  readonly clip: number;
}

/**
 * One group, or a piece of it: where it lies, and the scalars of the step. `alpha` is minus the group's rate,
 * `decay` minus its rate times its weight decay.
 */
interface Piece {
  readonly at: (kind: ArenaKind) => number;
  readonly bytes: number;
  readonly clip: number;
  readonly alpha: number;
  readonly decay: number;
  readonly step: number;
}

/**
 * The moving average reads the parameters just after they were written; in pieces of this size they are
 * still in the processor's second-level cache.
 */
const PIECE_BYTES = 128 * 1024;

/** The call of kernels that makes one step on all groups of an arena. */
export function updateKernel(
  config: OptimiserConfig,
  arena: ParameterArena,
  kernels: Kernels,
): (update: Update) => void {
  const run = kernelOf(config, kernels);
  return ({ rate, step, gradient, clip }) => {
    const weight = averageWeight(config, step);
    for (const [index, group] of arena.groups.entries()) {
      const whole = arena.groupRange("parameter", index);
      const scalars = { clip, step, ...ratesOf(group, rate) };
      for (const { start, bytes } of pieces(whole, weight > 0 ? PIECE_BYTES : whole.bytes)) {
        const offset = start - arena.range("parameter").start;
        const at = (kind: ArenaKind): number =>
          arena.range(kind === "gradient" ? gradient : kind).start + offset;
        run({ at, bytes, ...scalars });
        if (weight > 0) kernels.average(at("ema"), start, bytes, weight);
      }
    }
  };
}

/** Of the new parameters in their moving average: `ema`'s of `src/autodiff/optimisers`; 0 = no average is kept. */
function averageWeight({ emaDecay, emaPower }: OptimiserConfig, step: number): number {
  if (emaDecay === undefined) return 0;
  const least = 1 - emaDecay;
  return emaPower === undefined ? least : Math.max(least, Math.max(step - 1, 1) ** -emaPower);
}

function ratesOf(group: ParameterGroup, rate: number): { alpha: number; decay: number } {
  const alpha = -rate * group.rateScale;
  return { alpha, decay: alpha * group.weightDecay };
}

function* pieces({ start, bytes }: ByteRange, size: number): Generator<ByteRange> {
  for (let done = 0; done < bytes; done += size) {
    yield { start: start + done, bytes: Math.min(size, bytes - done) };
  }
}

function kernelOf(config: OptimiserConfig, kernels: Kernels): (piece: Piece) => void {
  switch (config.kind) {
    case "adamw":
      return adamWKernel(config, kernels);
    case "lion": {
      const [b1, b2] = config.betas ?? [0.9, 0.99];
      return ({ at, bytes, clip, alpha, decay }) => {
        const [p, g, m] = [at("parameter"), at("gradient"), at("m")];
        kernels.lion(p, g, m, bytes, clip, 1 - b1, 1 - b2, alpha, decay);
      };
    }
    case "sgd": {
      const { momentum = 0, nesterov = false } = config;
      const kernel = nesterov ? kernels.nesterov : kernels.momentum;
      return ({ at, bytes, clip, alpha, decay }) => {
        const [p, g] = [at("parameter"), at("gradient")];
        if (momentum === 0) kernels.sgd(p, g, bytes, clip, alpha, decay);
        else kernel(p, g, at("momentum"), bytes, clip, momentum, alpha, decay);
      };
    }
  }
}

/** The bias corrections are `adamW`'s of `src/autodiff/optimisers`, term by term. */
function adamWKernel(
  config: OptimiserConfig & { readonly kind: "adamw" },
  kernels: Kernels,
): (piece: Piece) => void {
  const [b1, b2] = config.betas ?? [0.9, 0.999];
  const { eps = 1e-8 } = config;
  return ({ at, bytes, clip, alpha, decay, step }) => {
    const spread = Math.sqrt(1 - b2 ** step);
    const corrected = alpha * (spread / (1 - b1 ** step));
    const [p, g, m, v] = [at("parameter"), at("gradient"), at("m"), at("v")];
    const scalars = [clip, 1 - b1, 1 - b2, corrected, eps * spread, decay] as const;
    kernels.adamW(p, g, m, v, bytes, ...scalars);
  };
}
