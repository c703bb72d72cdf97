/** Files of action rows: `.npy`, or bare float64. */
import { readFile } from "node:fs/promises";
import { UsageError } from "./exit.ts";

/** `\x93NUMPY` */
const NPY_MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);

/**
 * Reads rows of actions as float32, the type that actions have.
 * @returns float32[rows, width]
 * @throws {UsageError} if the file is no such rows, or a number is not finite
 */
export async function readActions(path: string, width: number): Promise<Float32Array> {
  const file = await readFile(path).catch((cause: unknown) => {
    throw new UsageError(`Cannot read actions: ${path} is not there, must be a file`, { cause });
  });
  // A Buffer's own slices are views of a pool.
  const bytes = new Uint8Array(file);
  const isNpy = NPY_MAGIC.every((byte, i) => bytes[i] === byte);
  const rows = isNpy ? readNpy(bytes, path) : readBare(bytes, path);
  if (rows.length === 0 || rows.length % width !== 0) {
    throw new UsageError(
      `Cannot read actions: ${path} has ${rows.length} numbers, must be rows of ${width}`,
    );
  }
  const bad = rows.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new UsageError(
      `Cannot read actions: row ${Math.floor(bad / width)}, number ${bad % width} of ${path} is ${rows[bad]}, must be finite`,
    );
  }
  return Float32Array.from(rows);
}

function readBare(bytes: Uint8Array, path: string): Float64Array {
  if (bytes.length % 8 === 0) return new Float64Array(bytes.slice().buffer);
  throw new UsageError(
    `Cannot read actions: ${path} has ${bytes.length} bytes, must be float64 numbers or a .npy file`,
  );
}

/** NumPy's format (NEP 1), versions 1 to 3: a C-ordered matrix of float32 or float64. */
function readNpy(bytes: Uint8Array, path: string): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirst = bytes[6] === 1;
  const start = isFirst ? 10 : 12;
  if (bytes.length < start) throw new UsageError(`Cannot read actions: ${path} is cut off`);
  const end = start + (isFirst ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const kind = /'descr':\s*'(<f[48])'/.exec(header)?.[1];
  const shape = /'shape':\s*\((\d+),\s*(\d+)\)/.exec(header);
  if (kind === undefined || shape === null || !/'fortran_order':\s*False/.test(header)) {
    throw new UsageError(
      `Cannot read actions: ${path} is ${header.trim()}, must be a matrix of float32 or float64 in C order`,
    );
  }
  const count = Number(shape[1]) * Number(shape[2]);
  const data = bytes.slice(end);
  if (data.length !== count * (kind === "<f8" ? 8 : 4)) {
    throw new UsageError(
      `Cannot read actions: ${path} has ${data.length} bytes of numbers, must have ${count} numbers`,
    );
  }
  return kind === "<f8"
    ? new Float64Array(data.buffer)
    : Float64Array.from(new Float32Array(data.buffer));
}
