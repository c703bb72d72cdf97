/** Observations that are not what they should be, to see whether a policy notices. */
import type { NdArray, Observation, Rng } from "../../core/index.ts";
import type { DatasetStatistics } from "../../episode/node.ts";

/** Standard deviation of the noise on a pixel, of 255. */
const PIXEL_NOISE = 64;

/**
 * The observation as broken sensors would tell it: every number of the state moved by a normal draw of its standard deviation in
 * the demonstrations, every pixel by one of a quarter of its range.
 */
export function corrupted(
  observation: Observation,
  { statistics, rng }: { readonly statistics: DatasetStatistics; readonly rng: Rng },
): Observation {
  const proprio = mapped(observation.proprio, (values, name) => {
    const std = statistics.proprio[name]?.std ?? [];
    return moved(values, (i) => rng.normal() * (std[i] ?? 0));
  });
  const images = mapped(observation.images, (pixels) =>
    moved(pixels, () => rng.normal() * PIXEL_NOISE),
  );
  return { ...observation, proprio, images };
}

function mapped(
  arrays: Readonly<Record<string, NdArray>>,
  change: (array: NdArray, name: string) => NdArray,
): Readonly<Record<string, NdArray>> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [name, change(array, name)]),
  );
}

/** Bytes are rounded and stay in their range; other integers are no measurements and stay. */
function moved(array: NdArray, by: (index: number) => number): NdArray {
  const { data } = array;
  const values = (): number[] =>
    Array.from({ length: data.length }, (_, i) => Number(data[i]) + by(i));
  switch (array.dtype) {
    case "float32":
      return { ...array, data: Float32Array.from(values()) };
    case "float64":
      return { ...array, data: Float64Array.from(values()) };
    case "uint8":
      return { ...array, data: Uint8Array.from(Uint8ClampedArray.from(values())) };
    default:
      return array;
  }
}
