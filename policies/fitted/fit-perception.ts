/** Fits where a target is from one picture: a palette, the maps that find it, and a ridge regression. */
import type { NdArray, Rng } from "../../src/core/index.ts";
import type { FittedConfig } from "./config.ts";
import type { PerceptionParameters } from "./parameters.ts";
import { centroidOf, centroidTerms, colourImage, paletteMaps, supportOf } from "./reference.ts";
import { leaveOneOutError, ridgeProblem } from "./ridge.ts";

/** A picture and where (world x, y, m) the thing that was asked for was taken hold of. */
export interface Sighting {
  readonly target: number;
  readonly image: NdArray;
  readonly position: readonly [number, number];
}

export interface PerceptionFit {
  readonly perception: PerceptionParameters;
  /** Root mean square left-out error per axis (m) of each target's best map. */
  readonly errorsM: readonly number[];
}

/** @throws {RangeError} if a target has fewer sightings than the fit has terms */
export function fitPerception(
  sightings: readonly Sighting[],
  options: { readonly targets: number; readonly config: FittedConfig; readonly rng: Rng },
): PerceptionFit {
  const { targets, config } = options;
  const palette = choosePalette(
    sightings.map(({ image }) => image),
    config,
  );
  const colours = palette.length / 4;
  const pairs: [number, number][] = [];
  for (let a = 0; a < colours; a++) for (let b = a; b < colours; b++) pairs.push([a, b]);
  // centroids[sighting][pair]: maps are computed once per picture and dropped.
  const centroids = sightings.map(({ image }) => {
    const maps = paletteMaps(image, palette, config);
    const supports = maps.map(supportOf);
    return pairs.map(([a, b]) => {
      const smaller = supports[a]!.length < supports[b]!.length ? supports[a]! : supports[b]!;
      return centroidOf([maps[a]!, maps[b]!], config, smaller);
    });
  });
  const chosen = Array.from({ length: targets }, (_, target) => {
    const mine = sightings.flatMap((sighting, i) => (sighting.target === target ? [i] : []));
    if (mine.length < 12) {
      throw new RangeError(
        `Cannot fit perception: target ${target} was seen ${mine.length} times, must be 12 or more`,
      );
    }
    return rankPairs(mine, { sightings, centroids, config });
  });
  return assemble(chosen, { palette, pairs, sightings, centroids, config });
}

interface Ranked {
  readonly pair: number;
  readonly error: number;
}
interface Data {
  readonly sightings: readonly Sighting[];
  readonly centroids: readonly (readonly (readonly [number, number])[])[];
  readonly config: FittedConfig;
}

/** The pairs that locate a target best when each picture is left out in turn. */
function rankPairs(mine: readonly number[], data: Data): Ranked[] {
  const { sightings, centroids, config } = data;
  const y = mine.map((i) => sightings[i]!.position);
  const count = centroids[0]?.length ?? 0;
  const ranked = Array.from({ length: count }, (_, pair): Ranked => {
    const x = mine.map((i) => Float64Array.of(...centroidTerms(centroids[i]![pair]!), 1));
    return { pair, error: leaveOneOutError(x, y, config.positionRidge) };
  });
  return ranked.sort((a, b) => a.error - b.error || a.pair - b.pair).slice(0, config.mapsPerTarget);
}

/** One weight matrix for all targets; a target reads its own maps, averaged by their precision. */
function assemble(
  chosen: readonly (readonly Ranked[])[],
  data: Data & { palette: Float64Array; pairs: readonly (readonly [number, number])[] },
): PerceptionFit {
  const { palette, pairs, sightings, centroids, config } = data;
  const used = [...new Set(chosen.flat().map(({ pair }) => pair))].sort((a, b) => a - b);
  const targets = chosen.length;
  const weights = new Float64Array((used.length * 5 + 1) * targets * 2);
  for (const [target, ranked] of chosen.entries()) {
    const precision = ranked.map(({ error }) => 1 / error ** 2);
    const total = precision.reduce((a, b) => a + b, 0);
    for (const [r, { pair }] of ranked.entries()) {
      const problem = ridgeProblem(6, 2);
      for (const [i, sighting] of sightings.entries()) {
        if (sighting.target !== target) continue;
        problem.add(Float64Array.of(...centroidTerms(centroids[i]![pair]!), 1), sighting.position);
      }
      const solution = problem.solve(config.positionRidge);
      const share = precision[r]! / total;
      for (let term = 0; term < 6; term++) {
        const row = term === 5 ? used.length * 5 : used.indexOf(pair) * 5 + term;
        for (let axis = 0; axis < 2; axis++) {
          weights[(row * targets + target) * 2 + axis]! += share * solution[term * 2 + axis]!;
        }
      }
    }
  }
  const colours = [...new Set(used.flatMap((pair) => pairs[pair]!))].sort((a, b) => a - b);
  const compact = Float64Array.from(
    colours.flatMap((c) => [...palette.subarray(4 * c, 4 * c + 4)]),
  );
  const maps = used.map((pair): [number, number] => {
    const [a, b] = pairs[pair]!;
    return [colours.indexOf(a), colours.indexOf(b)];
  });
  return {
    perception: { palette: compact, maps, weights },
    errorsM: chosen.map((ranked) => ranked[0]?.error ?? Infinity),
  };
}

/**
 * Colours far apart from each other, rare ones included: pixels are counted in cells of colour space,
 * and cells that are common enough are taken greedily, each the farthest from those taken
 * (Gonzalez 1985). Small things are a few pixels, so frequency must not decide.
 */
function choosePalette(images: readonly NdArray[], config: FittedConfig): Float64Array {
  const cell = config.colourWidth / 2;
  const cells = new Map<string, { count: number; sum: Float64Array }>();
  for (const image of images) {
    const pixels = colourImage(image);
    for (let i = 0; i < pixels.length; i += 4) {
      const pixel = pixels.subarray(i, i + 4);
      const key = Array.from(pixel, (value) => Math.floor(value / cell)).join();
      const entry = cells.get(key) ?? { count: 0, sum: new Float64Array(4) };
      entry.count++;
      for (let c = 0; c < 4; c++) entry.sum[c]! += pixel[c]!;
      cells.set(key, entry);
    }
  }
  const minimum = Math.max(4, images.length / 4);
  const candidates = [...cells.entries()]
    .filter(([, { count }]) => count >= minimum)
    .sort(([ka, a], [kb, b]) => b.count - a.count || (ka < kb ? -1 : 1))
    .map(([, { count, sum }]) => sum.map((value) => value / count));
  return farthest(candidates, config.paletteSize);
}

function farthest(candidates: readonly Float64Array[], count: number): Float64Array {
  const nearest = candidates.map(() => Infinity);
  const palette: number[] = [];
  let next = 0;
  for (let k = 0; k < Math.min(count, candidates.length); k++) {
    const taken = candidates[next]!;
    palette.push(...taken);
    for (const [i, colour] of candidates.entries()) {
      const distance = colour.reduce((sum, value, c) => sum + (value - taken[c]!) ** 2, 0);
      nearest[i] = Math.min(nearest[i]!, distance);
    }
    next = nearest.indexOf(Math.max(...nearest));
  }
  return Float64Array.from(palette);
}
