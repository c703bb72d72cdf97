/** Files of initial states as LIBERO has them: what `torch.save` makes of a NumPy array. */
import { deflateRawSync, crc32 } from "node:zlib";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const u16 = (value: number): number[] => [value & 255, (value >> 8) & 255];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];

function joined(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Protocol 2, as CPython writes it for `float64[rows, columns]`. */
export function pickledMatrix(rows: number, columns: number, data: Float64Array): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const text = ascii(String.fromCharCode(...bytes));
  const unicode = (word: string): readonly number[] => [
    0x58,
    ...u32(ascii(word).length),
    ...ascii(word),
  ];
  const global = (name: string): Uint8Array => ascii(`c${name.replace(" ", "\n")}\n`);
  return joined([
    [0x80, 2],
    global("numpy.core.multiarray _reconstruct"),
    global("numpy ndarray"),
    [0x4b, 0, 0x85],
    global("_codecs encode"),
    [0x71, 3],
    unicode("b"),
    unicode("latin1"),
    [0x86, 0x52, 0x87, 0x52],
    [0x28, 0x4b, 1, 0x4a, ...u32(rows), 0x4a, ...u32(columns), 0x86],
    global("numpy dtype"),
    unicode("f8"),
    [0x89, 0x88, 0x87, 0x52],
    [0x28, 0x4b, 3],
    unicode("<"),
    [0x4e, 0x4e, 0x4e, 0x4a, 255, 255, 255, 255, 0x4a, 255, 255, 255, 255, 0x4b, 0, 0x74, 0x62],
    [0x89, 0x68, 3],
    [0x58, ...u32(text.length)],
    text,
    unicode("latin1"),
    [0x86, 0x52, 0x74, 0x62, 0x2e],
  ]);
}

/** A zip of these files. */
export function zipped(
  files: Readonly<Record<string, Uint8Array>>,
  options: { readonly deflate?: boolean } = {},
): Uint8Array {
  const local: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(files)) {
    const packed = options.deflate === true ? new Uint8Array(deflateRawSync(data)) : data;
    const method = options.deflate === true ? 8 : 0;
    const sizes = [...u32(crc32(data)), ...u32(packed.length), ...u32(data.length)];
    const common = [20, 0, 0, 0, ...u16(method), 0, 0, 0, 0, ...sizes, ...u16(name.length), 0, 0];
    local.push(joined([[0x50, 0x4b, 3, 4, ...common], ascii(name), packed]));
    directory.push(
      joined([
        [0x50, 0x4b, 1, 2, 20, 0, ...common, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...u32(offset)],
        ascii(name),
      ]),
    );
    offset += local.at(-1)!.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = u16(directory.length);
  const end = [
    0x50,
    0x4b,
    5,
    6,
    0,
    0,
    0,
    0,
    ...count,
    ...count,
    ...u32(size),
    ...u32(offset),
    0,
    0,
  ];
  return joined([...local, ...directory, end]);
}

/** A `.pruned_init` of `float64[rows, columns]`. */
export function prunedInit(rows: number, columns: number, data: Float64Array): Uint8Array {
  return zipped({
    "archive/data.pkl": pickledMatrix(rows, columns, data),
    "archive/version": ascii("3\n"),
  });
}
