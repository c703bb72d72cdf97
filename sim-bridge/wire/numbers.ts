import { wireError } from "./errors.ts";
import type { WireUint64 } from "./wire-types.ts";

const TWO_32 = 4294967296;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A uint64 as a number. @throws RangeError beyond 2^53 - 1 */
export function safeInteger(value: WireUint64, what: string): number {
  const number =
    typeof value === "number" ? value : (value.high >>> 0) * TWO_32 + (value.low >>> 0);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: it is ${number}, must be an integer in [0, 2^53)`,
    );
  }
  return number;
}

/** A uint64 as a bigint. */
export function bigintOf(value: WireUint64): bigint {
  if (typeof value === "number") return BigInt(value);
  const low = value.low >>> 0;
  // Most counts of nanoseconds fit a double; one BigInt operation is then enough.
  const high = value.high >>> 0;
  return high < 0x200000 ? BigInt(high * TWO_32 + low) : (BigInt(high) << 32n) | BigInt(low);
}

/** A bigint as the halves protobufjs writes. @throws RangeError outside [0, 2^64) */
export function uint64Of(value: bigint, what: string): WireUint64 {
  if (value >= 0n && value <= MAX_SAFE) return Number(value);
  if (value < 0n || value >= 1n << 64n) {
    throw wireError("bad_value", `Cannot encode ${what}: it is ${value}, must be in [0, 2^64)`);
  }
  return { low: Number(value & 0xffffffffn), high: Number(value >> 32n) };
}

/** @throws RangeError unless `value` is an integer in [min, 2^32) */
export function uint32Of(value: number, { what, min = 0 }: { what: string; min?: number }): number {
  if (!Number.isInteger(value) || value < min || value >= TWO_32) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: it is ${value}, must be an integer in [${min}, 2^32)`,
    );
  }
  return value;
}

export function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) {
    throw wireError("non_finite", `Cannot accept ${what}: it is ${value}, must be finite`);
  }
  return value;
}

/** A rate, a period: finite and above zero. */
export function positive(value: number, what: string): number {
  if (!(value > 0 && value < Infinity)) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: it is ${value}, must be finite and above 0`,
    );
  }
  return value;
}
