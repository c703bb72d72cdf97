/** Percentiles of a series of durations, in milliseconds. */
export interface DurationStats {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface RoundTripStats {
  /** From handing a request over to having its reply decoded and checked. */
  readonly roundTrip: DurationStats;
  /** The same without the time the simulator itself worked: what the bridge costs. */
  readonly bridge: DurationStats;
  /** The time the simulator itself worked, as it reports it. */
  readonly simulator: DurationStats;
}

const CAPACITY = 8192;

/** The newest round trips of one peer, in two fixed rings, so that hours of stepping cost no memory. */
export class RoundTrips {
  readonly #roundTripNs = new Float64Array(CAPACITY);
  readonly #busyNs = new Float64Array(CAPACITY);
  #count = 0;

  add(roundTripNs: number, busyNs: number): void {
    const slot = this.#count % CAPACITY;
    this.#roundTripNs[slot] = roundTripNs;
    this.#busyNs[slot] = busyNs;
    this.#count++;
  }

  stats(): RoundTripStats {
    const held = Math.min(this.#count, CAPACITY);
    const roundTripNs = this.#roundTripNs.slice(0, held);
    const busyNs = this.#busyNs.slice(0, held);
    // Two clocks disagree a little: a difference below zero is none.
    const bridgeNs = roundTripNs.map((ns, i) => Math.max(0, ns - (busyNs[i] ?? 0)));
    const stats = (ns: Float64Array): DurationStats => durationStats(ns, this.#count);
    return { roundTrip: stats(roundTripNs), bridge: stats(bridgeNs), simulator: stats(busyNs) };
  }
}

/** Nearest-rank percentiles; zeros while there is nothing. Sorts `ns`. */
function durationStats(ns: Float64Array, count: number): DurationStats {
  ns.sort();
  const at = (quantile: number): number =>
    (ns[Math.max(0, Math.ceil(quantile * ns.length) - 1)] ?? 0) / 1e6;
  return { count, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) };
}
