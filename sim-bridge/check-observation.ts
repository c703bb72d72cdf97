import type {
  ComponentSpec,
  EnvironmentSpec,
  ImageSpec,
  NdArray,
  Observation,
} from "../src/core/index.ts";
import { boundAt } from "../src/core/index.ts";

/** Why an observation is refused; `code` is the one of protocol.md. */
export interface ObservationFault {
  readonly code: "bad_observation" | "non_finite";
  readonly message: string;
}

/**
 * Compares an observation with the spec its sender declared.
 *
 * A NaN is refused everywhere. An infinite number is refused unless the spec declares that very
 * element's bound on that side as infinite. Other values are not compared with the bounds: simulators
 * overshoot them by a little, and that is the policy's normalisation to judge.
 *
 * @param wanted cameras that must be there, beyond which any declared one may be
 */
export function observationFault(
  observation: Observation,
  { spec, wanted }: { spec: EnvironmentSpec; wanted: readonly string[] },
): ObservationFault | undefined {
  const { images, proprio, texts } = spec.observation;
  return (
    imagesFault(observation, { images, wanted }) ??
    proprioFault(observation.proprio, proprio) ??
    textsFault(observation.texts, texts) ??
    mapsFault(observation, images)
  );
}

const bad = (message: string): ObservationFault => ({ code: "bad_observation", message });

const words = (array: NdArray): string => `${array.dtype}[${array.shape.join(", ")}]`;

function hasShape(array: NdArray, shape: readonly number[]): boolean {
  return array.shape.length === shape.length && shape.every((dim, i) => array.shape[i] === dim);
}

function imagesFault(
  observation: Observation,
  { images, wanted }: { images: readonly ImageSpec[]; wanted: readonly string[] },
): ObservationFault | undefined {
  for (const name of wanted) {
    if (!Object.hasOwn(observation.images, name))
      return bad(`image "${name}" is absent, must be sent`);
  }
  for (const name in observation.images) {
    const spec = images.find((image) => image.name === name);
    if (spec === undefined) return bad(`image "${name}" is sent, must be declared in the spec`);
    const array = observation.images[name] as NdArray;
    const { height, width, channels } = spec;
    if (array.dtype !== "uint8" || !hasShape(array, [height, width, channels])) {
      return bad(
        `image "${name}" is ${words(array)}, must be uint8[${height}, ${width}, ${channels}]`,
      );
    }
  }
  return undefined;
}

function proprioFault(
  proprio: Observation["proprio"],
  specs: readonly ComponentSpec[],
): ObservationFault | undefined {
  let matched = 0;
  for (const spec of specs) {
    const array = proprio[spec.name];
    if (array === undefined) return bad(`component "${spec.name}" is absent, must be sent`);
    matched++;
    if (array.dtype !== spec.dtype || !hasShape(array, spec.shape)) {
      const must = `${spec.dtype}[${spec.shape.join(", ")}]`;
      return bad(`component "${spec.name}" is ${words(array)}, must be ${must}`);
    }
    const fault = nonFiniteFault(array, spec);
    if (fault !== undefined) return fault;
  }
  if (matched === Object.keys(proprio).length) return undefined;
  const extra = Object.keys(proprio).find((name) => specs.every((spec) => spec.name !== name));
  return bad(`component "${extra}" is sent, must be declared in the spec`);
}

function nonFiniteFault(array: NdArray, spec: ComponentSpec): ObservationFault | undefined {
  const { data, dtype } = array;
  const half = dtype === "float16" ? 10 : dtype === "bfloat16" ? 7 : undefined;
  if (half === undefined && !(data instanceof Float32Array || data instanceof Float64Array)) {
    return undefined;
  }
  for (let i = 0; i < data.length; i++) {
    const value = half === undefined ? (data[i] as number) : halfValue(data[i] as number, half);
    if (Number.isFinite(value) || isDeclaredInfinite(value, { spec, index: i })) continue;
    const must = Number.isNaN(value)
      ? "a number"
      : "finite, for its bound is not declared infinite";
    return {
      code: "non_finite",
      message: `component "${spec.name}" has ${value} at index ${i}, must be ${must}`,
    };
  }
  return undefined;
}

/** Only whether it is finite matters: NaN, an infinity, or 0 for every finite number. */
function halfValue(bits: number, mantissaBits: number): number {
  const exponentMask = 0x7fff & ~((1 << mantissaBits) - 1);
  if ((bits & exponentMask) !== exponentMask) return 0;
  if ((bits & ((1 << mantissaBits) - 1)) !== 0) return NaN;
  return bits >= 0x8000 ? -Infinity : Infinity;
}

function isDeclaredInfinite(
  value: number,
  { spec, index }: { spec: ComponentSpec; index: number },
): boolean {
  const bounds = value > 0 ? spec.high : value < 0 ? spec.low : undefined;
  return boundAt(bounds, index) === value;
}

function textsFault(
  texts: Observation["texts"],
  specs: EnvironmentSpec["observation"]["texts"],
): ObservationFault | undefined {
  for (const { name, maxLength } of specs) {
    const text = texts[name];
    if (text === undefined) return bad(`text "${name}" is absent, must be sent`);
    // Counted as people do, in code points; the length in UTF-16 units is never smaller.
    if (text.length > maxLength && [...text].length > maxLength) {
      return bad(
        `text "${name}" has ${[...text].length} characters, must have at most ${maxLength}`,
      );
    }
  }
  const extra = Object.keys(texts).find((name) => specs.every((spec) => spec.name !== name));
  return extra === undefined
    ? undefined
    : bad(`text "${extra}" is sent, must be declared in the spec`);
}

/** Depth and segmentation: per declared camera, of its size. */
function mapsFault(
  observation: Observation,
  images: readonly ImageSpec[],
): ObservationFault | undefined {
  const kinds = [
    ["depth", "float32", observation.depth],
    ["segmentation", "uint16", observation.segmentation],
  ] as const;
  for (const [kind, dtype, arrays] of kinds) {
    for (const name in arrays) {
      const spec = images.find((image) => image.name === name);
      if (spec === undefined) return bad(`${kind} of "${name}" is sent, must be a declared image`);
      const array = arrays[name] as NdArray;
      if (array.dtype !== dtype || !hasShape(array, [spec.height, spec.width])) {
        return bad(
          `${kind} of "${name}" is ${words(array)}, must be ${dtype}[${spec.height}, ${spec.width}]`,
        );
      }
      // Nothing in sight may be infinitely far; no distance is NaN.
      const nan = kind === "depth" ? (array.data as Float32Array).findIndex(Number.isNaN) : -1;
      if (nan !== -1) {
        return {
          code: "non_finite",
          message: `depth of "${name}" is NaN at index ${nan}, must be a number`,
        };
      }
    }
  }
  return undefined;
}
