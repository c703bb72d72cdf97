import type { Start } from "./dynamics.ts";

/** An episode as what repeats it. */
export interface Snapshot {
  readonly start: Start;
  /** Steps after which it is truncated. */
  readonly limit: number;
  /** x and y of every action so far. */
  readonly actions: readonly number[];
}

/** Float64, little-endian: pusher x y, block x y, angle, limit, then the actions. */
export function writeSnapshot({ start, limit, actions }: Snapshot): Uint8Array {
  const { pusher, block, angle } = start;
  const numbers = [pusher.x, pusher.y, block.x, block.y, angle, limit, ...actions];
  const bytes = new Uint8Array(numbers.length * 8);
  const view = new DataView(bytes.buffer);
  numbers.forEach((value, i) => view.setFloat64(i * 8, value, true));
  return bytes;
}

/** @throws {SyntaxError} for bytes that `writeSnapshot` has not made */
export function readSnapshot(bytes: Uint8Array): Snapshot {
  const count = bytes.length / 8;
  if (!Number.isInteger(count) || count < 6 || count % 2 !== 0) {
    throw new SyntaxError(
      `Cannot read a snapshot of PushT: it has ${bytes.length} bytes, must have 48 and 16 per action`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = Array.from({ length: count }, (_, i) => view.getFloat64(i * 8, true));
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new SyntaxError(
      `Cannot read a snapshot of PushT: number ${bad} is ${numbers[bad]}, must be finite`,
    );
  }
  const [px, py, bx, by, angle, limit, ...actions] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    ...number[],
  ];
  if (!Number.isInteger(limit) || limit < actions.length / 2) {
    throw new SyntaxError(
      `Cannot read a snapshot of PushT: its limit is ${limit}, must be an integer of at least ${actions.length / 2}`,
    );
  }
  return { start: { pusher: { x: px, y: py }, block: { x: bx, y: by }, angle }, limit, actions };
}
