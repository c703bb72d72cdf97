/**
 * The whole state of a running episode as bytes:
 *
 *     4 bytes   length of the header, little-endian
 *     header    JSON: which task and scene, and where the episode stands
 *     numbers   float64, little-endian, in the order of `SnapshotNumbers`
 */
import { bytesOf } from "../../../src/tensor/index.ts";

export interface SnapshotHeader {
  readonly format: "efference-manipulation-2";
  readonly task: string;
  /** Of the compiled scene: restoring into another one is refused. */
  readonly sceneHash: string;
  readonly maxSteps: number;
  readonly step: number;
  /** Consecutive steps at which the goal has held. */
  readonly heldSteps: number;
  readonly ended: "no" | "terminated" | "truncated";
  /** How many float64 each part has. */
  readonly lengths: Readonly<Record<keyof SnapshotNumbers, number>>;
}

export interface SnapshotNumbers {
  /** The state two substeps before; empty unless observations are sampled early. */
  readonly earlier: Float64Array;
  /** The state one substep before: what poses and contacts still show. */
  readonly lagging: Float64Array;
  readonly state: Float64Array;
  readonly controller: Float64Array;
  readonly goalStart: Float64Array;
}

const PARTS = ["earlier", "lagging", "state", "controller", "goalStart"] as const;
const MAX_HEADER_BYTES = 64 * 1024;

export function encodeSnapshot(
  header: Omit<SnapshotHeader, "format" | "lengths">,
  numbers: SnapshotNumbers,
): Uint8Array {
  const lengths = Object.fromEntries(PARTS.map((part) => [part, numbers[part].length]));
  const json = { format: "efference-manipulation-2", ...header, lengths };
  const head = new TextEncoder().encode(JSON.stringify(json));
  const bytes = new Uint8Array(
    4 + head.length + PARTS.reduce((sum, part) => sum + numbers[part].byteLength, 0),
  );
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  let at = 4 + head.length;
  for (const part of PARTS) {
    bytes.set(bytesOf(numbers[part]), at);
    at += numbers[part].byteLength;
  }
  return bytes;
}

/** @throws {SyntaxError} if the bytes are no snapshot of this format */
export function decodeSnapshot(bytes: Uint8Array): {
  readonly header: SnapshotHeader;
  readonly numbers: SnapshotNumbers;
} {
  const header = decodeHeader(bytes);
  let at = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const total = PARTS.reduce((sum, part) => sum + header.lengths[part], 0);
  if (bytes.byteLength !== at + 8 * total) {
    throw refuse(`it has ${bytes.byteLength} bytes, its header says ${at + 8 * total}`);
  }
  const numbers = Object.fromEntries(
    PARTS.map((part) => {
      const start = at;
      at += 8 * header.lengths[part];
      // A slice starts at 0, which float64 can be read from.
      return [part, new Float64Array(bytes.slice(start, at).buffer)];
    }),
  );
  return { header, numbers: numbers as unknown as SnapshotNumbers };
}

function decodeHeader(bytes: Uint8Array): SnapshotHeader {
  const size =
    bytes.byteLength < 4 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (size < 0 || size > Math.min(MAX_HEADER_BYTES, bytes.byteLength - 4)) {
    throw refuse(`its ${bytes.byteLength} bytes do not hold the header they announce`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(4, 4 + size)),
    );
  } catch (error) {
    throw refuse("its header is no JSON", error);
  }
  if (!isHeader(parsed)) throw refuse("its header lacks something, or is of another format");
  return parsed;
}

function isHeader(value: unknown): value is SnapshotHeader {
  if (typeof value !== "object" || value === null) return false;
  const header = value as Partial<SnapshotHeader>;
  const isCount = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
  return (
    header.format === "efference-manipulation-2" &&
    typeof header.task === "string" &&
    typeof header.sceneHash === "string" &&
    [header.maxSteps, header.step, header.heldSteps].every(isCount) &&
    ["no", "terminated", "truncated"].includes(String(header.ended)) &&
    typeof header.lengths === "object" &&
    header.lengths !== null &&
    PARTS.every((part) => isCount(header.lengths?.[part]))
  );
}

function refuse(problem: string, cause?: unknown): SyntaxError {
  return new SyntaxError(
    `Cannot restore a snapshot: ${problem}, must be what snapshot() gave`,
    cause === undefined ? undefined : { cause },
  );
}
