import { closeSync, openSync, readSync } from "node:fs";

/**
 * The libraries that an ELF file (64-bit, little-endian: every Linux we run on) wants loaded with it, its
 * `DT_NEEDED` entries. Reads a few kilobytes, however large the file is.
 * @throws {SyntaxError} if it is no such file
 */
export function neededLibraries(path: string): string[] {
  const file = openSync(path, "r");
  try {
    const read = (offset: number, length: number): DataView => {
      const bytes = new Uint8Array(length);
      const got = readSync(file, bytes, 0, length, offset);
      if (got !== length)
        throw new SyntaxError(`Cannot read ${path}: it is cut off, must be an ELF file`);
      return new DataView(bytes.buffer);
    };
    return neededOf(read, path);
  } finally {
    closeSync(file);
  }
}

type Read = (offset: number, length: number) => DataView;

const MAGIC = 0x7f454c46;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function neededOf(read: Read, path: string): string[] {
  const header = read(0, 64);
  if (header.getUint32(0) !== MAGIC || header.getUint8(4) !== 2 || header.getUint8(5) !== 1) {
    throw new SyntaxError(`Cannot read ${path}: its head is another, must be that of 64-bit ELF`);
  }
  const start = long(header, 32);
  const size = header.getUint16(54, true);
  const segments = Array.from({ length: header.getUint16(56, true) }, (_, i): Segment => {
    const entry = read(start + i * size, size);
    const [offset, address, length] = [8, 16, 32].map((at) => long(entry, at));
    return {
      type: entry.getUint32(0, true),
      offset: offset ?? 0,
      address: address ?? 0,
      size: length ?? 0,
    };
  });
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const table = read(dynamic.offset, dynamic.size);
  const entries = Array.from({ length: Math.floor(dynamic.size / 16) }, (_, i) => ({
    tag: long(table, 16 * i),
    value: long(table, 16 * i + 8),
  }));
  const valueOf = (tag: number): number => entries.find((e) => e.tag === tag)?.value ?? 0;
  const address = valueOf(DT_STRTAB);
  const home = segments.find(
    (s) => s.type === PT_LOAD && address >= s.address && address < s.address + s.size,
  );
  if (home === undefined) {
    throw new SyntaxError(`Cannot read ${path}: its names are in no segment, must be in one`);
  }
  const names = read(address - home.address + home.offset, valueOf(DT_STRSZ));
  return entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => text(names, value));
}

const long = (view: DataView, offset: number): number => Number(view.getBigUint64(offset, true));

function text(view: DataView, start: number): string {
  const bytes = new Uint8Array(view.buffer, start);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
