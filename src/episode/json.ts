/**
 * JSON for values that JSON lacks. A number that JSON cannot hold, a bigint and a typed array become an
 * object with one key that begins with `$`; everything else is plain JSON. Decoding is the inverse.
 *
 *     Infinity             {"$number":"Infinity"}         also -Infinity, NaN, -0
 *     12n                  {"$bigint":"12"}
 *     Float32Array.of(1)   {"$float32":"AACAPw=="}        little-endian, base64
 *     { "$a": 1 }          {"$object":{"$a":1}}           the way out for look-alikes
 */
import { malformed } from "./mcap/cursor.ts";

const ARRAYS = {
  $uint8: Uint8Array,
  $int8: Int8Array,
  $uint16: Uint16Array,
  $int16: Int16Array,
  $uint32: Uint32Array,
  $int32: Int32Array,
  $uint64: BigUint64Array,
  $int64: BigInt64Array,
  $float32: Float32Array,
  $float64: Float64Array,
} as const;

const ODD_NUMBERS: Readonly<Record<string, number>> = {
  Infinity: Infinity,
  "-Infinity": -Infinity,
  NaN: NaN,
  "-0": -0,
};

/** @throws {TypeError} on functions, symbols and cycles */
export function encodeJson(value: unknown): string {
  return JSON.stringify(tagged(value, 0)) ?? "null";
}

/** @throws {SyntaxError} */
export function decodeJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError("Cannot read episode: a JSON text is malformed, must be JSON", { cause });
  }
  return untagged(value, 0);
}

const MAX_DEPTH = 64;

function tagged(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new TypeError(`Cannot encode JSON: deeper than ${MAX_DEPTH} levels`);
  switch (typeof value) {
    case "number":
      if (Object.is(value, -0)) return { $number: "-0" };
      return Number.isFinite(value) ? value : { $number: String(value) };
    case "bigint":
      return { $bigint: String(value) };
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item) => tagged(item, depth + 1));
      if (ArrayBuffer.isView(value)) return taggedArray(value);
      return taggedObject(value, depth);
    case "function":
    case "symbol":
      throw new TypeError(`Cannot encode JSON: a value is a ${typeof value}, must be data`);
    case "string":
    case "boolean":
    case "undefined":
      return value;
  }
}

function taggedArray(view: ArrayBufferView): unknown {
  for (const [tag, type] of Object.entries(ARRAYS)) {
    if (view instanceof type) return { [tag]: toBase64(view) };
  }
  throw new TypeError("Cannot encode JSON: a view is a DataView, must be a typed array");
}

function taggedObject(value: object, depth: number): unknown {
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]): [string, unknown] => [key, tagged(item, depth + 1)]);
  // fromEntries defines own properties, so a key "__proto__" stays an ordinary key.
  const copy: unknown = Object.fromEntries(entries);
  return entries.length === 1 && entries[0]![0].startsWith("$") ? { $object: copy } : copy;
}

function untagged(value: unknown, depth: number): unknown {
  if (depth > 2 * MAX_DEPTH + 2) throw malformed("a JSON text is too deep");
  if (Array.isArray(value)) {
    // Meshes are long arrays of plain numbers, which need no copy.
    if (value.every((item) => typeof item === "number")) return value;
    return value.map((item) => untagged(item, depth + 1));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const only = entries.length === 1 ? entries[0]! : undefined;
  if (only?.[0].startsWith("$") === true) return fromTag(only[0], only[1], depth);
  return plainObject(entries, depth);
}

function plainObject(entries: [string, unknown][], depth: number): unknown {
  return Object.fromEntries(entries.map(([key, item]) => [key, untagged(item, depth + 1)]));
}

function fromTag(tag: string, content: unknown, depth: number): unknown {
  if (tag === "$object" && typeof content === "object" && content !== null) {
    return plainObject(Object.entries(content), depth);
  }
  if (typeof content === "string") {
    if (tag === "$number" && Object.hasOwn(ODD_NUMBERS, content)) return ODD_NUMBERS[content];
    if (tag === "$bigint" && /^-?\d{1,400}$/.test(content)) return BigInt(content);
    if (Object.hasOwn(ARRAYS, tag)) return fromBase64(content, ARRAYS[tag as keyof typeof ARRAYS]);
  }
  throw malformed(`a JSON text has an unknown tag "${tag}"`);
}

function toBase64(view: ArrayBufferView): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(text);
}

function fromBase64(text: string, type: (typeof ARRAYS)[keyof typeof ARRAYS]): ArrayBufferView {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new SyntaxError("Cannot read episode: an array in JSON is not base64, must be", {
      cause,
    });
  }
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (bytes.length % type.BYTES_PER_ELEMENT !== 0) throw malformed("an array in JSON is cut off");
  return new type(bytes.buffer);
}
