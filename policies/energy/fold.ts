/** Scales of normalisations folded into the weights after them: a step down has fewer things to do then. */
import type { NdArray } from "../../src/core/index.ts";
import { elementCount } from "../../src/core/index.ts";
import type { Initialiser, ParameterStore } from "../../src/onnx/layers/index.ts";

/** Which scale goes into which weight, both below `energy/`. */
const FOLDED: readonly (readonly [weight: RegExp, scale: string])[] = [
  [/^(energy\/blocks\/\d+)\/self\/[qkv]\/weight$/, "$1/norm1/scale"],
  [/^(energy\/blocks\/\d+)\/cross\/q\/weight$/, "$1/norm2/scale"],
  [/^(energy\/blocks\/\d+)\/up\/weight$/, "$1/norm3/scale"],
  [/^energy\/last\/weight$/, "energy/norm/scale"],
];
/** Queries and keys are multiplied with each other, so the keys' scale may be that of both. */
const KEYS = /^(energy\/blocks\/\d+\/(?:self|cross))\/k_norm\/scale$/;

const ONES: Initialiser = { kind: "ones" };

/**
 * Parameters for a network of the same values whose normalisations have no scale (`LayerContext.folded`), except those
 * of keys. Scales that are not stored are 1, as in packages that were made from here.
 */
export function foldedParameters(store: ParameterStore): ParameterStore {
  const scaleOf = (name: string, length: number): NdArray => store.get(name, [length], ONES);
  return {
    get(name, shape, start) {
      const array = store.get(name, shape, start);
      const keys = KEYS.exec(name);
      if (keys !== null) {
        const other = scaleOf(`${keys[1]}/q_norm/scale`, elementCount(shape));
        return scaled(array, other, 1);
      }
      const found = FOLDED.find(([weight]) => weight.test(name));
      if (found === undefined) return array;
      const [rows = 1] = shape;
      const scale = scaleOf(name.replace(found[0], found[1]), rows);
      return scaled(array, scale, elementCount(shape) / rows);
    },
  };
}

/** Every `each` numbers in a row by one of the scale. */
function scaled(array: NdArray, scale: NdArray, each: number): NdArray {
  const by = scale.data as Float32Array;
  const data = (array.data as Float32Array).map((x, i) => x * (by[Math.floor(i / each)] ?? 1));
  return { ...array, data };
}

/** Stored parameters of a package: scales that were folded are left out of it. */
export function withUnitScales(store: ParameterStore, known: ReadonlySet<string>): ParameterStore {
  return {
    get(name, shape, start) {
      if (known.has(name) || start.kind !== "ones") return store.get(name, shape, start);
      return { dtype: "float32", shape, data: new Float32Array(elementCount(shape)).fill(1) };
    },
  };
}
