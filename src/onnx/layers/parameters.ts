/** Where a model's parameters come from while its graph is built: drawn afresh, or from a checkpoint. */
import type { NdArray, Rng } from "../../core/index.ts";
import { elementCount } from "../../core/index.ts";

/** How a parameter starts. */
export type Initialiser =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  /** Gaussian of standard deviation `std`. */
  | { readonly kind: "normal"; readonly std: number }
  /** Uniform in `[-bound, bound]`. */
  | { readonly kind: "uniform"; readonly bound: number };

/** Gives every parameter of a model its numbers. */
export interface ParameterStore {
  /** @throws {TypeError} if there is a parameter of that name in another shape, or none and none may be made */
  get(name: string, shape: readonly number[], start: Initialiser): NdArray;
}

/** He et al. 2015 (arXiv:1502.01852): keeps the variance of activations through ReLU layers. */
export function heNormal(fanIn: number): Initialiser {
  return { kind: "normal", std: Math.sqrt(2 / fanIn) };
}

/** Glorot & Bengio 2010: keeps the variance forward and backward through linear layers. */
export function glorotUniform(fanIn: number, fanOut: number): Initialiser {
  return { kind: "uniform", bound: Math.sqrt(6 / (fanIn + fanOut)) };
}

/**
 * Draws every parameter from a generator of its own, keyed by its name: what one layer draws does not
 * depend on which other layers there are.
 */
export function freshParameters(rng: Rng): ParameterStore {
  return {
    get: (name, shape, start) => ({
      dtype: "float32",
      shape,
      data: draw(rng.split(name), elementCount(shape), start),
    }),
  };
}

function draw(rng: Rng, count: number, start: Initialiser): Float32Array {
  const data = new Float32Array(count);
  switch (start.kind) {
    case "zeros":
      return data;
    case "ones":
      return data.fill(1);
    case "normal":
      return data.map(() => start.std * rng.normal());
    case "uniform":
      return data.map(() => start.bound * (2 * rng.uniform() - 1));
  }
}

/** Parameters that were stored, by name. */
export function storedParameters(stored: Readonly<Record<string, NdArray>>): ParameterStore {
  return {
    get(name, shape) {
      const array = Object.hasOwn(stored, name) ? stored[name] : undefined;
      if (array === undefined) {
        throw new TypeError(
          `Cannot build the model: parameter "${name}" is absent, must be stored`,
        );
      }
      if (array.shape.join() !== shape.join()) {
        throw new TypeError(
          `Cannot build the model: parameter "${name}" is [${array.shape.join(", ")}], ` +
            `must be [${shape.join(", ")}]`,
        );
      }
      return array;
    },
  };
}
