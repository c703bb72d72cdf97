import { decompress as decompressZstd } from "fzstd";
import { crc32 } from "./crc32.ts";
import { malformed } from "./cursor.ts";
import type { ChunkHeader } from "./records.ts";
import { LIMITS } from "./records.ts";

/**
 * The records of a chunk, decompressed and checked against its CRC.
 *
 * @param stored `uint8[recordsSize]`, the chunk's bytes after its header
 * @throws {SyntaxError} if the compression is unknown, or the bytes are damaged
 */
export function unpackChunk(
  header: Pick<ChunkHeader, "compression" | "uncompressedSize" | "uncompressedCrc">,
  stored: Uint8Array,
): Uint8Array {
  const records = inflate(header, stored);
  if (records.length !== header.uncompressedSize) {
    throw malformed(`a chunk has ${records.length} bytes, must have ${header.uncompressedSize}`);
  }
  if (header.uncompressedCrc !== 0 && crc32(records) !== header.uncompressedCrc) {
    throw malformed("a chunk is damaged, its CRC must match");
  }
  return records;
}

function inflate(
  header: Pick<ChunkHeader, "compression" | "uncompressedSize">,
  stored: Uint8Array,
): Uint8Array {
  if (header.compression === "") return stored;
  if (header.compression !== "zstd") {
    throw malformed(`a chunk is compressed with "${header.compression}", must be "zstd" or ""`);
  }
  if (header.uncompressedSize > LIMITS.chunkBytes) throw malformed("a chunk is too large");
  if (header.uncompressedSize === 0) return new Uint8Array(0);
  try {
    return decompressZstd(stored, outputOf(header.uncompressedSize));
  } catch (cause) {
    throw new SyntaxError("Cannot read episode: a chunk is damaged, must be Zstandard", { cause });
  }
}

/**
 * Memory to decompress into. fzstd 0.1.1 compares its output with 1 by `==`, which turns the whole array
 * into a text, at many times the cost of decompressing; a primitive value of its own prevents that.
 */
function outputOf(length: number): Uint8Array {
  const output = new Uint8Array(length);
  Object.defineProperty(output, Symbol.toPrimitive, { value: () => NaN });
  return output;
}
