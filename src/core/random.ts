/**
 * Splittable, seeded random numbers. Every random draw of the runtime comes from one of these, so
 * that equal seeds give bit-identical episodes on every machine.
 *
 * The stream is xoshiro128** (Blackman & Vigna 2021, "Scrambled Linear Pseudorandom Number
 * Generators", ACM TOMS 47), its 128-bit state filled by SplitMix32 steps from a hash of the key.
 * Splitting hashes `key + label` anew, so children are independent of how much the parent has drawn.
 */
export interface Rng {
  /** Uniform in [0, 1) with 32 random bits. */
  uniform(): number;
  /** Uniform integer in [0, n). @throws {RangeError} unless n is an integer in [1, 2^32] */
  int(n: number): number;
  /** Standard normal (Marsaglia's polar method). */
  normal(): number;
  /** A child whose draws depend only on this generator's key and the label. */
  split(label: string | number): Rng;
  /** The full state, to be stored in a checkpoint; `seeded.restore` brings it back. */
  state(): RngState;
}

export interface RngState {
  readonly key: string;
  readonly words: readonly [number, number, number, number];
  readonly spareNormal: number | null;
}

/** FNV-1a with an avalanche at the end: 32 bits of `text`, varied by `basis`. */
function hash32(text: string, basis: number): number {
  let h = (0x811c9dc5 ^ basis) >>> 0;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ (text.charCodeAt(i) & 0xff), 0x01000193);
    h = Math.imul(h ^ (text.charCodeAt(i) >>> 8), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function wordsFromKey(key: string): [number, number, number, number] {
  const words: [number, number, number, number] = [
    hash32(key, 0x9e3779b9),
    hash32(key, 0x243f6a88),
    hash32(key, 0xb7e15162),
    hash32(key, 0x6a09e667),
  ];
  // xoshiro's only forbidden state is all zeros.
  if ((words[0] | words[1] | words[2] | words[3]) === 0) words[0] = 1;
  return words;
}

function generator(state: RngState): Rng {
  const { key } = state;
  let [a, b, c, d] = state.words;
  let spare = state.spareNormal;

  const nextWord = (): number => {
    const mixed = Math.imul(b, 5);
    const result = Math.imul((mixed << 7) | (mixed >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => nextWord() / 4294967296;

  return {
    uniform,
    int(n) {
      if (!Number.isInteger(n) || n < 1 || n > 4294967296) {
        throw new RangeError(`Cannot draw an integer: n is ${n}, must be an integer in [1, 2^32]`);
      }
      // Rejection keeps every value equally likely.
      const limit = 4294967296 - (4294967296 % n);
      for (;;) {
        const word = nextWord();
        if (word < limit) return word % n;
      }
    },
    normal() {
      if (spare !== null) {
        const value = spare;
        spare = null;
        return value;
      }
      for (;;) {
        const u = 2 * uniform() - 1;
        const v = 2 * uniform() - 1;
        const s = u * u + v * v;
        if (s > 0 && s < 1) {
          const scale = Math.sqrt((-2 * Math.log(s)) / s);
          spare = v * scale;
          return u * scale;
        }
      }
    },
    split: (label) => seeded(`${key}/${typeof label}:${label}`),
    state: () => ({ key, words: [a, b, c, d], spareNormal: spare }),
  };
}

/** A generator from a seed; equal seeds give equal streams. */
export function seeded(seed: string | number): Rng {
  const key = typeof seed === "number" ? `#${seed}` : seed;
  return generator({ key, words: wordsFromKey(key), spareNormal: null });
}

/** Continues exactly where `state()` was taken. */
export function restoreRng(state: RngState): Rng {
  return generator(state);
}
