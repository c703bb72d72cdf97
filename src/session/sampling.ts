import type { Rng } from "../core/index.ts";

export interface SamplingOptions {
  /** Divides the logits; 0 takes the largest (greedy). Default 0. */
  readonly temperature?: number;
  /** Only the `topK` likeliest tokens are drawn from; default all. */
  readonly topK?: number;
  /**
   * Only the likeliest tokens that together have at least this probability are drawn from; default 1 = all
   * (nucleus sampling, Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").
   */
  readonly topP?: number;
}

/** @throws {RangeError} naming the option that is out of range, or that needs an `rng` */
export function assertSampling(options: SamplingOptions, rng: Rng | undefined): void {
  const { temperature = 0, topK, topP = 1 } = options;
  const refuse = (is: string, must: string): never => {
    throw new RangeError(`Cannot sample: ${is}, must be ${must}`);
  };
  if (!(temperature >= 0 && temperature < Infinity)) {
    refuse(`temperature is ${temperature}`, "a number of 0 or more");
  }
  if (topK !== undefined && (!Number.isInteger(topK) || topK < 1)) {
    refuse(`topK is ${topK}`, "an integer of 1 or more");
  }
  if (!(topP > 0 && topP <= 1)) refuse(`topP is ${topP}`, "a number in (0, 1]");
  if (temperature > 0 && rng === undefined) {
    refuse("temperature is above 0 and there is no rng", "given one");
  }
}

/**
 * One token from logits. Greedy where `temperature` is 0 (the first of equals), else drawn with a single
 * `rng.uniform()`. `topK` cuts first, `topP` cuts what is left; the token that crosses `topP` is in.
 * @param logits `float32[vocabulary]`
 * @throws {RangeError} for logits that are empty or NaN, and for options out of range
 */
export function sampleToken(
  logits: Float32Array,
  options: SamplingOptions = {},
  rng?: Rng,
): number {
  assertSampling(options, rng);
  const best = argMax(logits);
  const { temperature = 0, topK = logits.length, topP = 1 } = options;
  if (temperature === 0 || rng === undefined) return best;
  const largest = logits[best] ?? 0;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const tokens = likeliest(weights, topK, topP);
  let total = 0;
  for (const token of tokens) total += weights[token] ?? 0;
  let left = rng.uniform() * total;
  let chosen = best;
  for (const token of tokens) {
    chosen = token;
    left -= weights[token] ?? 0;
    if (left < 0) break;
  }
  // Where rounding leaves a remainder of the last bit, it is the last one's.
  return chosen;
}

function argMax(logits: Float32Array): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] ?? NaN;
    if (Number.isNaN(logit)) {
      throw new RangeError(`Cannot sample: logit ${i} is NaN, must be a number`);
    }
    if (logit > (logits[best] ?? -Infinity)) best = i;
  }
  const largest = logits[best];
  if (largest === undefined || !Number.isFinite(largest)) {
    throw new RangeError(`Cannot sample: the largest logit is ${largest}, must be finite`);
  }
  return best;
}

/** Tokens to draw from, in the order of their numbers if nothing is cut, else the likeliest first. */
function likeliest(weights: Float64Array, topK: number, topP: number): Iterable<number> {
  const cutsK = topK < weights.length;
  if (!cutsK && topP === 1) return Int32Array.from(weights.keys());
  const total = cutsK ? 0 : weights.reduce((sum, weight) => sum + weight, 0);
  const tokens = cutsK
    ? heaviest(weights, topK)
    : aboveFloor(weights, ((1 - topP) * total) / weights.length);
  if (topP === 1) return tokens;
  const whole = cutsK ? tokens.reduce((sum, token) => sum + (weights[token] ?? 0), 0) : total;
  let reached = 0;
  const end = tokens.findIndex((token) => (reached += weights[token] ?? 0) >= topP * whole);
  return end < 0 ? tokens : tokens.slice(0, end + 1);
}

/**
 * All tokens of at least a weight, the heaviest first. A whole vocabulary takes long to sort; tokens below
 * `(1 - topP) * total / vocabulary` weigh less than `1 - topP` together, so the nucleus needs none of them.
 */
function aboveFloor(weights: Float64Array, floor: number): number[] {
  const tokens: number[] = [];
  for (let token = 0; token < weights.length; token++) {
    if ((weights[token] ?? 0) >= floor) tokens.push(token);
  }
  return tokens.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
}

/** The `count` heaviest tokens, the heaviest first, of equals the one with the lower number. */
function heaviest(weights: Float64Array, count: number): number[] {
  const tokens: number[] = [];
  for (let token = 0; token < weights.length; token++) {
    const weight = weights[token] ?? 0;
    const last = tokens.length === count ? (weights[tokens[count - 1] ?? 0] ?? 0) : -1;
    if (weight <= last) continue;
    let place = tokens.length;
    while (place > 0 && (weights[tokens[place - 1] ?? 0] ?? 0) < weight) place--;
    tokens.splice(place, 0, token);
    if (tokens.length > count) tokens.pop();
  }
  return tokens;
}
