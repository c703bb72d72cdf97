const scratchBits = new Uint32Array(1);
const scratchFloat = new Float32Array(scratchBits.buffer);

/** The value of IEEE 754 binary16 bits; exact. */
export function float16ToNumber(bits: number | bigint): number {
  const half = Number(bits);
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The value of bfloat16 bits, the upper half of a float32; exact. */
export function bfloat16ToNumber(bits: number | bigint): number {
  scratchBits[0] = Number(bits) << 16;
  return scratchFloat[0]!;
}
