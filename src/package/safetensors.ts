/**
 * The safetensors format (github.com/huggingface/safetensors): eight bytes of header length (little
 * endian), a JSON header `{ name: { dtype, shape, data_offsets: [begin, end] } }`, then the data.
 */
import type { Dtype, NdArray } from "../core/index.ts";
import { elementCount, messageOf } from "../core/index.ts";
import { bytesPerElement, typedView } from "../onnx/index.ts";

const NAMES: Readonly<Record<Dtype, string>> = {
  bool: "BOOL",
  uint8: "U8",
  int8: "I8",
  uint16: "U16",
  int16: "I16",
  uint32: "U32",
  int32: "I32",
  uint64: "U64",
  int64: "I64",
  float16: "F16",
  bfloat16: "BF16",
  float32: "F32",
  float64: "F64",
};
const DTYPES = new Map(Object.entries(NAMES).map(([dtype, name]) => [name, dtype as Dtype]));

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

function fail(what: string, must: string, cause?: unknown): never {
  throw new SyntaxError(`Cannot read safetensors: ${what}, ${must}`, { cause });
}

/** @throws {SyntaxError} if the bytes are not in the format */
export function readSafetensors(bytes: Uint8Array): Readonly<Record<string, NdArray>> {
  if (bytes.byteLength < 8) fail(`the file has ${bytes.byteLength} bytes`, "must have 8 or more");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > bytes.byteLength) {
    fail(`the header has ${length} bytes`, `must have at most ${bytes.byteLength - 8}`);
  }
  const data = bytes.subarray(8 + length);
  const tensors = new Map<string, NdArray>();
  for (const [name, entry] of Object.entries(parseHeader(bytes.subarray(8, 8 + length)))) {
    if (name !== "__metadata__") tensors.set(name, readEntry(name, entry, data));
  }
  return Object.fromEntries(tensors);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
  } catch (error) {
    return fail(`the header is no JSON (${messageOf(error)})`, "must be an object", error);
  }
  return fail("the header is no object", "must be one");
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function readEntry(name: string, entry: unknown, data: Uint8Array): NdArray {
  const { dtype: code, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const dtype = DTYPES.get(String(code));
  if (dtype === undefined)
    fail(`"${name}" has dtype ${JSON.stringify(code)}`, "must be a known one");
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    fail(`"${name}" has shape ${JSON.stringify(shape)}`, "must be a list of counts");
  }
  const [begin, end] = Array.isArray(offsets) ? (offsets as unknown[]) : [];
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  if (!isCount(begin) || !isCount(end) || end > data.byteLength || end - begin !== wanted) {
    const at = JSON.stringify(offsets);
    fail(`"${name}" is at ${at} of ${data.byteLength} bytes`, `must be ${wanted} bytes inside`);
  }
  return { dtype, shape, data: typedView(dtype, data.subarray(begin, end)) };
}

/** Names in order, data in the same order, header padded to eight bytes: equal tensors, equal bytes. */
export function writeSafetensors(tensors: Readonly<Record<string, NdArray>>): Uint8Array {
  const names = Object.keys(tensors).sort();
  const chunks: Uint8Array[] = [];
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const name of names) {
    const array = tensors[name];
    if (array === undefined) continue;
    const { dtype, shape, data } = array;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    header[name] = { dtype: NAMES[dtype], shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    chunks.push(bytes);
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + padded + offset).fill(0x20, 8, 8 + padded);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(json, 8);
  let at = 8 + padded;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
