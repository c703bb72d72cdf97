/** Statistics as LeRobot keeps them, with the standard deviation of images as it must be. */
import { percentiles } from "../../math/index.ts";
import type { RasterImage } from "../png.ts";

const FRACTIONS = { q01: 0.01, q10: 0.1, q50: 0.5, q90: 0.9, q99: 0.99 } as const;
const QUANTILES = Object.keys(FRACTIONS) as readonly (keyof typeof FRACTIONS)[];

/** One list per statistic, one value per element or channel; population standard deviation. */
export interface FeatureStats {
  readonly min: readonly number[];
  readonly max: readonly number[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly q01: readonly number[];
  readonly q10: readonly number[];
  readonly q50: readonly number[];
  readonly q90: readonly number[];
  readonly q99: readonly number[];
  /** Frames that were counted. */
  readonly count: readonly [number];
}

export const STATISTICS = ["min", "max", "mean", "std", ...QUANTILES] as const;

/** @param rows one list per frame, all equally long, at least one */
export function statsOfRows(rows: readonly ArrayLike<number>[]): FeatureStats {
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, i) => columnStats(rows.map((row) => row[i]!)));
  return collect(columns, rows.length);
}

interface ColumnStats {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly std: number;
  /** In the order of `QUANTILES`. */
  readonly quantiles: readonly number[];
}

function columnStats(values: readonly number[]): ColumnStats {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const [min, max, ...quantiles] = percentiles(values, [0, 1, ...Object.values(FRACTIONS)]);
  return { min: min!, max: max!, mean, std: Math.sqrt(variance), quantiles };
}

function collect(columns: readonly ColumnStats[], count: number): FeatureStats {
  const quantile = (at: number): number[] => columns.map(({ quantiles }) => quantiles[at]!);
  return {
    min: columns.map(({ min }) => min),
    max: columns.map(({ max }) => max),
    mean: columns.map(({ mean }) => mean),
    std: columns.map(({ std }) => std),
    q01: quantile(0),
    q10: quantile(1),
    q50: quantile(2),
    q90: quantile(3),
    q99: quantile(4),
    count: [count],
  };
}

/** How often each byte occurs in each channel: all statistics of images, exactly, in little memory. */
export class ImageHistogram {
  /** `counts[channel * 256 + value]`. */
  readonly #counts: Float64Array;
  #frames = 0;

  constructor(channels: number) {
    this.#counts = new Float64Array(channels * 256);
  }

  add({ channels, data }: RasterImage): void {
    for (let i = 0; i < data.length; i += channels) {
      for (let c = 0; c < channels; c++) this.#counts[c * 256 + data[i + c]!]!++;
    }
    this.#frames++;
  }

  merge(other: ImageHistogram): void {
    for (const [i, count] of other.#counts.entries()) this.#counts[i]! += count;
    this.#frames += other.#frames;
  }

  /** Of values in [0, 1], one per channel. */
  stats(): FeatureStats {
    const channels = Array.from({ length: this.#counts.length / 256 }, (_, c) =>
      histogramStats(this.#counts.subarray(c * 256, (c + 1) * 256)),
    );
    return collect(channels, this.#frames);
  }
}

function histogramStats(counts: Float64Array): ColumnStats {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const moment = (of: (value: number) => number): number =>
    counts.reduce((sum, count, value) => sum + count * of(value / 255), 0) / total;
  const mean = moment((value) => value);
  /** The value at a place of the sorted list. */
  const at = (place: number): number => {
    let seen = 0;
    return counts.findIndex((count) => (seen += count) > place) / 255;
  };
  const quantile = (q: number): number => {
    const place = q * (total - 1);
    const low = Math.floor(place);
    const [a, b] = [at(low), at(Math.min(total - 1, low + 1))];
    return a + (place - low) * (b - a);
  };
  return {
    min: at(0),
    max: at(total - 1),
    mean,
    std: Math.sqrt(moment((value) => (value - mean) ** 2)),
    quantiles: Object.values(FRACTIONS).map(quantile),
  };
}
