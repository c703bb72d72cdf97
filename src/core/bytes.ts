/** What bytes need in Node and in browsers alike. */

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** SHA-256 in hexadecimal digits, by Web Crypto. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 over parts and their lengths: no two lists run together into the same bytes. */
export function sha256OfParts(parts: readonly Uint8Array[]): Promise<string> {
  const encoder = new TextEncoder();
  return sha256Hex(
    joinBytes(parts.flatMap((part) => [encoder.encode(`${part.byteLength}\n`), part])),
  );
}

/** Names and contents by turns, sorted by name. */
export function namedParts(files: Readonly<Record<string, Uint8Array>>): readonly Uint8Array[] {
  const encoder = new TextEncoder();
  return Object.keys(files)
    .sort()
    .flatMap((name) => [encoder.encode(name), files[name]!]);
}

/**
 * Unpacks deflated bytes: bare (`deflate-raw`, RFC 1951) or within zlib's frame (`deflate`, RFC 1950).
 * @param maxBytes stops as soon as there are more: what was packed may be hostile
 * @throws {RangeError} if there are more than `maxBytes`
 * @throws {TypeError} if the bytes are damaged
 */
export async function inflate(
  packed: Uint8Array,
  format: "deflate" | "deflate-raw",
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([new Uint8Array(packed)])
    .stream()
    .pipeThrough(new DecompressionStream(format));
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    size += next.value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new RangeError(`Cannot inflate: there are more than ${maxBytes} bytes`);
    }
  }
  return joinBytes(parts);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** ISO/IEC 15948, annex D; also that of ZIP and gzip. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
