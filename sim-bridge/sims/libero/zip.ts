/**
 * ZIP archives as `torch.save` writes them (APPNOTE 6.3.10): stored or deflated entries, no encryption, no
 * spanning, below 4 GiB. In Node and in browsers.
 */

import { inflate } from "../../../src/core/index.ts";

export interface ZipEntry {
  readonly name: string;
  read(): Promise<Uint8Array>;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const LONGEST_COMMENT = 0xffff;
const METHOD = { stored: 0, deflated: 8 } as const;
/** Of one entry, uncompressed: a file that claims more is no file of initial states. */
const MAX_BYTES = 2 ** 26;

/** @throws {SyntaxError} if the bytes are no such archive */
export function readZip(bytes: Uint8Array): readonly ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const entries: ZipEntry[] = [];
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      throw bad(`entry ${i} of the directory is damaged`);
    }
    const nameLength = view.getUint16(at + 28, true);
    const next =
      at + ENTRY_BYTES + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw bad(`entry ${i} of the directory ends beyond it`);
    entries.push(entryAt(bytes, view, { at, nameLength }));
    at = next;
  }
  return entries;
}

/** The end record stands last, before a comment that is mostly absent. */
function findEnd(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - END_BYTES - LONGEST_COMMENT);
  for (let at = view.byteLength - END_BYTES; at >= lowest; at--) {
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at;
  }
  throw bad("there is no end of a directory");
}

function entryAt(
  bytes: Uint8Array,
  view: DataView,
  { at, nameLength }: { readonly at: number; readonly nameLength: number },
): ZipEntry {
  const start = at + ENTRY_BYTES;
  const name = new TextDecoder().decode(bytes.subarray(start, start + nameLength));
  const isEncrypted = (view.getUint16(at + 8, true) & 1) === 1;
  const method = view.getUint16(at + 10, true);
  const packed = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const header = view.getUint32(at + 42, true);
  if (isEncrypted) throw bad(`"${name}" is encrypted`);
  if (size > MAX_BYTES) throw bad(`"${name}" has ${size} bytes, must have at most ${MAX_BYTES}`);
  const read = async (): Promise<Uint8Array> => {
    if (header + LOCAL_BYTES > bytes.length || view.getUint32(header, true) !== LOCAL_HEADER) {
      throw bad(`"${name}" has no header where the directory says`);
    }
    const data =
      header + LOCAL_BYTES + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    if (data + packed > bytes.length) throw bad(`"${name}" ends beyond the file`);
    const found = await unpacked(bytes.subarray(data, data + packed), { method, name });
    if (found.length !== size) throw bad(`"${name}" has ${found.length} bytes, must have ${size}`);
    return found;
  };
  return { name, read };
}

async function unpacked(
  packed: Uint8Array,
  { method, name }: { readonly method: number; readonly name: string },
): Promise<Uint8Array> {
  if (method === METHOD.stored) return packed;
  if (method !== METHOD.deflated)
    throw bad(`"${name}" is packed by method ${method}, must be 0 or 8`);
  try {
    return await inflate(packed, "deflate-raw", MAX_BYTES);
  } catch (cause) {
    throw new SyntaxError(`Cannot read zip: "${name}" is damaged`, { cause });
  }
}

function bad(what: string): SyntaxError {
  return new SyntaxError(`Cannot read zip: ${what}`);
}
