/**
 * How far numbers of the engine may be from those of a float64 oracle: relative for numbers above 1,
 * absolute below (`|got - want| <= tolerance * max(1, |want|)`). Never scaled by the size of a tensor; a test
 * that needs more says why next to its number.
 */
export const TOLERANCE = {
  forward: { float64: 1e-12, float32: 1e-5, float16: 1e-2 },
  gradient: { float64: 1e-6, float32: 2e-3 },
} as const;

/** @throws {Error} naming the worst element, both values and the distance */
export function assertWithin(
  got: ArrayLike<number | bigint>,
  want: ArrayLike<number>,
  { tolerance, what }: { readonly tolerance: number; readonly what: string },
): void {
  if (got.length !== want.length) {
    throw new Error(`${what} has ${got.length} elements, must have ${want.length}`);
  }
  let worst = { excess: 1, text: "" };
  for (let i = 0; i < want.length; i++) {
    const [have, wanted] = [Number(got[i]), want[i] ?? NaN];
    if (Object.is(have, wanted) || have === wanted) continue;
    const error = Math.abs(have - wanted) / Math.max(1, Math.abs(wanted));
    const excess = Number.isNaN(error) ? Infinity : error / tolerance;
    if (excess <= worst.excess) continue;
    worst = { excess, text: `element ${i} is ${have}, must be ${wanted} (error ${error})` };
  }
  if (worst.excess > 1) throw new Error(`${what}: ${worst.text}, tolerance ${tolerance}`);
}
