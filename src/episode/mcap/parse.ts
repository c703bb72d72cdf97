/** Bodies of MCAP records -> values. Every function throws SyntaxError on malformed bytes. */
import type {
  Channel,
  ChunkHeader,
  ChunkIndex,
  Footer,
  Message,
  MessageIndex,
  MessageIndexEntry,
  Metadata,
  MetadataIndex,
  Schema,
  Statistics,
} from "./records.ts";
import { LIMITS, MAGIC, OPCODE, RECORD_PREFIX_BYTES } from "./records.ts";
import { ByteCursor, malformed } from "./cursor.ts";

export interface RecordView {
  readonly opcode: number;
  /** Where its prefix begins, counted like `bytes` of the reader it came from. */
  readonly offset: number;
  readonly body: Uint8Array;
}

/** Whether the file begins as an MCAP file; a shorter prefix of the magic counts while it grows. */
export function hasMagic(head: Uint8Array): boolean {
  return head.length >= MAGIC.length && MAGIC.every((byte, i) => head[i] === byte);
}

/** Walks whole records inside `bytes`; a record that goes beyond the end is malformed. */
export function* recordsOf(bytes: Uint8Array): Generator<RecordView> {
  const cursor = new ByteCursor(bytes);
  while (cursor.left > 0) {
    const offset = cursor.position;
    const opcode = cursor.u8();
    const length = cursor.size();
    if (opcode === 0) throw malformed(`a record has opcode 0, must be at least 1`);
    yield { opcode, offset, body: cursor.take(length) };
  }
}

export function parseSchema(body: Uint8Array): Schema {
  const c = new ByteCursor(body);
  return { id: c.u16(), name: c.string(), encoding: c.string(), data: c.take(c.u32()) };
}

export function parseChannel(body: Uint8Array): Channel {
  const c = new ByteCursor(body);
  return {
    id: c.u16(),
    schemaId: c.u16(),
    topic: c.string(),
    messageEncoding: c.string(),
    metadata: c.stringMap(),
  };
}

export function parseMessage(body: Uint8Array): Message {
  const c = new ByteCursor(body);
  const channelId = c.u16();
  const sequence = c.u32();
  const logTime = c.u64();
  c.advance(8); // publish time: always the log time in episodes
  return { channelId, sequence, logTime, data: c.take(c.left) };
}

/**
 * @param body the beginning of the chunk's body, at least to the end of its compression's name
 * @param place file offset of the body, and its full length
 */
export function parseChunkHeader(
  body: Uint8Array,
  place: { offset: number; length: number },
): ChunkHeader {
  const c = new ByteCursor(body);
  const startTime = c.u64();
  const endTime = c.u64();
  const uncompressedSize = c.size();
  const uncompressedCrc = c.u32();
  const compression = c.string();
  const recordsSize = c.size();
  if (c.position + recordsSize > place.length) {
    throw malformed(`a chunk claims ${recordsSize} bytes of records, must fit its record`);
  }
  if (uncompressedSize > LIMITS.chunkBytes) {
    throw malformed(
      `a chunk claims ${uncompressedSize} bytes uncompressed, must be at most ${LIMITS.chunkBytes}`,
    );
  }
  const recordsOffset = place.offset + c.position;
  return {
    startTime,
    endTime,
    uncompressedSize,
    uncompressedCrc,
    compression,
    recordsOffset,
    recordsSize,
  };
}

export function parseMessageIndex(body: Uint8Array): MessageIndex {
  const c = new ByteCursor(body);
  const channelId = c.u16();
  const block = c.block();
  const entries: MessageIndexEntry[] = [];
  while (block.left > 0) entries.push({ logTime: block.u64(), offset: block.size() });
  return { channelId, entries };
}

export function parseChunkIndex(body: Uint8Array): ChunkIndex {
  const c = new ByteCursor(body);
  const startTime = c.u64();
  const endTime = c.u64();
  const chunkOffset = c.size();
  const chunkLength = c.size();
  const block = c.block();
  const messageIndexOffsets = new Map<number, number>();
  while (block.left > 0) messageIndexOffsets.set(block.u16(), block.size());
  return {
    startTime,
    endTime,
    chunkOffset,
    chunkLength,
    messageIndexOffsets,
    messageIndexLength: c.size(),
    compression: c.string(),
    compressedSize: c.size(),
    uncompressedSize: c.size(),
  };
}

export function parseMetadata(body: Uint8Array): Metadata {
  const c = new ByteCursor(body);
  return { name: c.string(), values: c.stringMap() };
}

export function parseMetadataIndex(body: Uint8Array): MetadataIndex {
  const c = new ByteCursor(body);
  return { offset: c.size(), length: c.size(), name: c.string() };
}

export function parseStatistics(body: Uint8Array): Statistics {
  const c = new ByteCursor(body);
  const messageCount = c.u64();
  c.advance(2 + 4 * 4); // schemas, channels, attachments, metadata, chunks
  const startTime = c.u64();
  const endTime = c.u64();
  const block = c.block();
  const channelMessageCounts = new Map<number, bigint>();
  while (block.left > 0) channelMessageCounts.set(block.u16(), block.u64());
  return { messageCount, startTime, endTime, channelMessageCounts };
}

/**
 * The footer, if `tail` (the last bytes of a file) ends in one; undefined while a file is being
 * written, or if it was cut off.
 */
export function findFooter(tail: Uint8Array): Footer | undefined {
  const magicAt = tail.length - MAGIC.length;
  const footerAt = magicAt - 20 - RECORD_PREFIX_BYTES;
  if (footerAt < 0 || !hasMagic(tail.subarray(magicAt))) return undefined;
  const c = new ByteCursor(tail, footerAt);
  if (c.u8() !== OPCODE.footer || c.u64() !== 20n) return undefined;
  return { summaryStart: c.size(), summaryOffsetStart: c.size(), summaryCrc: c.u32() };
}
