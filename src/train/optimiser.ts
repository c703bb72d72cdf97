import type { OptimiserConfig, ParameterInfo } from "../autodiff/index.ts";
import { groupParameters, stateName, transformOf } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { ArenaLayout, ParameterArena } from "./arena.ts";
import { assertFits } from "./arena.ts";
import type { Kernels } from "./kernels/index.ts";
import { createKernels } from "./kernels/index.ts";
import { updateKernel } from "./update-kernel.ts";

export interface StepOptions {
  /** Learning rate of this step, before the multipliers of the groups. */
  readonly rate: number;
  /** Counts from 1. */
  readonly step: number;
  /**
   * Of all gradients as they lie in the arena, where the graph has computed it already; saves reading them
   * all once more.
   */
  readonly sumOfSquares?: number;
}

export interface StepResult {
  /** Of all gradients together, before clipping; the mean over micro-batches where there were several. */
  readonly gradNorm: number;
  readonly clipped: boolean;
  /** False if `gradNorm` is not finite: then nothing was changed, and the gradients are dropped. */
  readonly applied: boolean;
}

/** An update rule at work on an arena. It has no memory of its own: all of it is in the arena. */
export interface Optimiser {
  /** Sets the state to its beginning: zeros, and for the moving average the parameters as they are now. */
  init(): void;
  /** Keeps the gradients for a mean over micro-batches; `step` then uses that mean. */
  accumulate(): void;
  /** @throws {RangeError} unless `step` is a whole number from 1 and `rate` a finite one from 0 */
  step(options: StepOptions): StepResult;
  /** Copies of the state by name (`m/NAME`, `v/NAME`, `ema/NAME`...), for checkpoints. */
  state(): Record<string, NdArray>;
  /** @throws {TypeError} unless the tensors are those that `state` gives, by name, dtype and shape */
  restore(state: Readonly<Record<string, NdArray>>): void;
}

/**
 * The memory that an optimiser needs for parameters.
 * @param options `accumulate`: whether gradients are to be averaged over micro-batches
 */
export function layoutFor(
  config: OptimiserConfig,
  parameters: readonly ParameterInfo[],
  options: { readonly accumulate?: boolean } = {},
): ArenaLayout {
  const groups = groupParameters(parameters, config);
  const sums = options.accumulate === true ? ["accumulated"] : [];
  return { groups, kinds: ["parameter", "gradient", ...sums, ...stateKinds(config).keys()] };
}

/**
 * The optimiser of a configuration in WebAssembly, which works in place on an arena laid out by `layoutFor`
 * and gives the same bits as the graph form (`transformOf`) as long as the clip factor has the same (the
 * two sum squares in different orders).
 * @throws {RangeError} if a number of the configuration is out of range, or the arena lacks a kind
 */
export function createOptimiser(config: OptimiserConfig, arena: ParameterArena): Optimiser {
  return new ArenaOptimiser(config, arena);
}

/** Kinds of state, with what each starts from; the graph form is the one who knows. */
function stateKinds(config: OptimiserConfig): Map<string, "zeros" | "parameter"> {
  const specs = transformOf(config).state([{ name: "any", shape: [] }]);
  return new Map(specs.map(({ kind, initial }) => [kind, initial]));
}

class ArenaOptimiser implements Optimiser {
  readonly #config: OptimiserConfig;
  readonly #arena: ParameterArena;
  readonly #kernels: Kernels;
  readonly #kinds: ReadonlyMap<string, "zeros" | "parameter">;
  readonly #update: ReturnType<typeof updateKernel>;
  #accumulated = 0;

  constructor(config: OptimiserConfig, arena: ParameterArena) {
    this.#config = config;
    this.#arena = arena;
    this.#kernels = createKernels(arena.memory);
    this.#kinds = stateKinds(config);
    for (const kind of this.#kinds.keys()) arena.range(kind);
    this.#update = updateKernel(config, arena, this.#kernels);
  }

  init(): void {
    this.#accumulated = 0;
    for (const [kind, initial] of this.#kinds) {
      if (initial === "zeros") this.#arena.clear(kind);
      else this.#arena.copy(initial, kind);
    }
  }

  accumulate(): void {
    if (this.#accumulated === 0) this.#arena.copy("gradient", "accumulated");
    else {
      const { start, bytes } = this.#arena.range("accumulated");
      this.#kernels.accumulate(start, this.#arena.range("gradient").start, bytes);
    }
    this.#accumulated++;
  }

  step({ rate, step, sumOfSquares }: StepOptions): StepResult {
    assertStep(rate, step);
    const gradient = this.#accumulated === 0 ? "gradient" : "accumulated";
    const mean = 1 / Math.max(1, this.#accumulated);
    this.#accumulated = 0;
    const { start, bytes } = this.#arena.range(gradient);
    const gradNorm = Math.sqrt(sumOfSquares ?? this.#kernels.sumOfSquares(start, bytes)) * mean;
    if (!Number.isFinite(gradNorm)) return { gradNorm, clipped: false, applied: false };
    // As torch.nn.utils.clip_grad_norm_.
    const factor = Math.min(1, (this.#config.clipNorm ?? Infinity) / (gradNorm + 1e-6));
    // The graph gets the rate as a float32.
    this.#update({ rate: Math.fround(rate), step, gradient, clip: factor * mean });
    return { gradNorm, clipped: factor < 1, applied: true };
  }

  state(): Record<string, NdArray> {
    return this.#named((kind) => this.#arena.store(kind));
  }

  restore(state: Readonly<Record<string, NdArray>>): void {
    const views = this.#named((kind) => this.#arena.views(kind));
    for (const [name, view] of Object.entries(views)) {
      assertFits(`restore "${name}"`, state[name], view);
    }
    for (const name of Object.keys(state)) {
      if (Object.hasOwn(views, name)) continue;
      const known = [...this.#kinds.keys()].join(", ");
      throw new TypeError(
        `Cannot restore "${name}": the optimiser has no such state, must be ${known} of a parameter`,
      );
    }
    this.#accumulated = 0;
    for (const [name, view] of Object.entries(views)) {
      (view.data as Float32Array).set(state[name]?.data as Float32Array);
    }
  }

  #named(tensorsOf: (kind: string) => Readonly<Record<string, NdArray>>): Record<string, NdArray> {
    return Object.fromEntries(
      [...this.#kinds.keys()].flatMap((kind) =>
        Object.entries(tensorsOf(kind)).map(([name, array]) => [stateName(kind, name), array]),
      ),
    );
  }
}

function assertStep(rate: number, step: number): void {
  if (!Number.isInteger(step) || step < 1) {
    throw new RangeError(`Cannot update: step is ${step}, must be a whole number from 1`);
  }
  if (!(rate >= 0 && Number.isFinite(rate))) {
    throw new RangeError(`Cannot update: rate is ${rate}, must be a finite number >= 0`);
  }
}
