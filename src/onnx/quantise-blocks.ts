import type { NdArray } from "../core/index.ts";

export interface BlockOptions {
  readonly bits: 4 | 8;
  readonly zeroPoints: boolean;
  /** The matrix is `[outputs, inputs]` instead of `[inputs, outputs]`. */
  readonly transposed: boolean;
  /** Numbers along `inputs` that share a scale. */
  readonly block: number;
}

/** A matrix in the layout of `MatMulNBits`: outputs outermost, blocks along the inputs. */
export interface Blocks {
  readonly inputs: number;
  readonly outputs: number;
  readonly blocksPerOutput: number;
  /** `uint8[outputs, blocks, block * bits / 8]`, the lower half of a byte first. */
  readonly codes: Uint8Array;
  /** `float32[outputs, blocks]` */
  readonly scales: Float32Array;
  /** `uint8[outputs, blocks]`, two to a byte with 4 bits; absent = the middle of the codes' range. */
  readonly zeros?: Uint8Array;
  readonly maxError: number;
}

/**
 * `code = round(w / scale) + zero`, decoded as `(code - zero) * scale`. Without zero points the scale is
 * the block's largest magnitude over 127 (7), so that no weight is off by more than half a scale; with
 * them it is the block's range, 0 included, over 255 (15).
 * @param matrix `float32[inputs, outputs]`, or the other way round as the options say
 */
export function quantiseBlocks(matrix: NdArray, options: BlockOptions): Blocks {
  const { bits, zeroPoints, transposed, block } = options;
  const [rows = 0, columns = 0] = matrix.shape;
  const [inputs, outputs] = transposed ? [columns, rows] : [rows, columns];
  const blocksPerOutput = Math.ceil(inputs / block);
  const blockBytes = (block * bits) / 8;
  const codes = new Uint8Array(outputs * blocksPerOutput * blockBytes);
  const scales = new Float32Array(outputs * blocksPerOutput);
  const zeroBytes = bits === 8 ? blocksPerOutput : Math.ceil(blocksPerOutput / 2);
  const zeros = zeroPoints ? new Uint8Array(outputs * zeroBytes) : undefined;
  const data = matrix.data as Float32Array;
  const values = new Float32Array(block);
  let maxError = 0;
  for (let output = 0; output < outputs; output++) {
    for (let b = 0; b < blocksPerOutput; b++) {
      const start = b * block;
      const count = Math.min(block, inputs - start);
      for (let i = 0; i < count; i++) {
        const at = transposed ? output * inputs + start + i : (start + i) * outputs + output;
        values[i] = data[at] ?? 0;
      }
      values.fill(0, count);
      const place = output * blocksPerOutput + b;
      const { scale, zero } = zeroPoints ? rangeOf(values, bits) : magnitudeOf(values, bits);
      scales[place] = scale;
      const target = codes.subarray(place * blockBytes, (place + 1) * blockBytes);
      maxError = Math.max(maxError, encode(values, { scale, zero, bits, target }));
      if (zeros === undefined) continue;
      if (bits === 8) zeros[place] = zero;
      else {
        const byte = output * zeroBytes + (b >> 1);
        zeros[byte] = (zeros[byte] ?? 0) | (zero << (4 * (b & 1)));
      }
    }
  }
  const sizes = { inputs, outputs, blocksPerOutput, codes, scales, maxError };
  return zeros === undefined ? sizes : { ...sizes, zeros };
}

interface Coding {
  readonly scale: number;
  readonly zero: number;
}

/** Symmetric about 0. A scale of 1 where all is 0: the codes say 0 then. */
function magnitudeOf(values: Float32Array, bits: 4 | 8): Coding {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const scale = Math.fround(largest / (2 ** (bits - 1) - 1));
  return { scale: scale === 0 ? 1 : scale, zero: 2 ** (bits - 1) };
}

function rangeOf(values: Float32Array, bits: 4 | 8): Coding {
  let [low, high] = [0, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = Math.fround((high - low) / (2 ** bits - 1));
  if (scale === 0) return { scale: 1, zero: 2 ** (bits - 1) };
  return { scale, zero: Math.round(-low / scale) };
}

/** @returns the largest difference between a value and its decoded code */
function encode(
  values: Float32Array,
  { scale, zero, bits, target }: Coding & { bits: 4 | 8; target: Uint8Array },
): number {
  const top = 2 ** bits - 1;
  let maxError = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const code = Math.min(top, Math.max(0, Math.round(value / scale) + zero));
    if (bits === 8) target[i] = code;
    else target[i >> 1] = (target[i >> 1] ?? 0) | (code << (4 * (i & 1)));
    maxError = Math.max(maxError, Math.abs(value - (code - zero) * scale));
  }
  return maxError;
}
