/**
 * 16-bit floats as raw bits in a `Uint16Array`, converted to and from float32.
 *
 *     float16   1 sign, 5 exponent (bias 15), 10 fraction    IEEE 754-2008 binary16
 *     bfloat16  1 sign, 8 exponent (bias 127), 7 fraction    the upper half of a float32
 *
 * Narrowing rounds to nearest, ties to even. It rounds a float32; going from float64 means two
 * roundings, which may differ in the last bit from a single one.
 */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** Bits of a finite, infinite or NaN float32. */
function bitsOf(value: number): number {
  scratchFloat[0] = value;
  return scratchBits[0]!;
}

function floatOf(bits: number): number {
  scratchBits[0] = bits;
  return scratchFloat[0]!;
}

/** Adds half a unit of the bits to be dropped, or just under it, so that ties go to even. */
function roundShift(value: number, shift: number): number {
  const half = 2 ** (shift - 1);
  const kept = Math.floor(value / 2 ** shift);
  const rest = value - kept * 2 ** shift;
  return rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept;
}

/** Overflow gives infinity, NaN stays a (quiet) NaN, underflow goes through subnormals to zero. */
export function float16FromFloat32(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200 | (fraction >>> 13));
  const rebased = exponent - 127 + 15;
  if (rebased >= 0x1f) return sign | 0x7c00;
  // A carry out of the fraction walks into the exponent, which is what is wanted, up to infinity.
  if (rebased > 0) return sign | roundShift((rebased << 23) | fraction, 13);
  const shift = 14 - rebased;
  return shift > 25 ? sign : sign | roundShift(0x800000 | fraction, shift);
}

export function float32FromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function bfloat16FromFloat32(value: number): number {
  const bits = bitsOf(value);
  // Dropping the low half of a NaN could leave an infinity; the quiet bit keeps it a NaN.
  if (value !== value) return (bits >>> 16) | 0x40;
  return roundShift(bits, 16);
}

export function float32FromBfloat16(bits: number): number {
  return floatOf((bits << 16) >>> 0);
}

/** The 65,536 values of float16; made on first use, for arrays repay it at once. */
let float16Values: Float32Array | undefined;

export function float32ArrayFromFloat16(bits: Uint16Array): Float32Array {
  float16Values ??= Float32Array.from({ length: 65536 }, (_, i) => float32FromFloat16(i));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = float16Values[bits[i]!]!;
  return values;
}

export function float16ArrayFromFloat32(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, float16FromFloat32);
}

export function float32ArrayFromBfloat16(bits: Uint16Array): Float32Array {
  const values = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = bits[i]! << 16;
  return new Float32Array(values.buffer);
}

export function bfloat16ArrayFromFloat32(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, bfloat16FromFloat32);
}
