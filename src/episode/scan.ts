/**
 * Reads a file record by record from where the last scan stopped: for files without a footer, which are
 * being written or were cut off. A record that is not whole yet ends the scan; the next one begins there.
 */
import type { ByteWindow } from "./byte-window.ts";
import type { EpisodeContents } from "./episode-contents.ts";
import type { ImageIndex, ImageStore } from "./image-store.ts";
import { unpackRecord } from "./image-store.ts";
import { malformed } from "./mcap/cursor.ts";
import {
  findFooter,
  parseChannel,
  parseChunkHeader,
  parseMessage,
  parseMessageIndex,
  parseMetadata,
  parseSchema,
  recordsOf,
} from "./mcap/parse.ts";
import type { ChunkHeader, MessageIndexEntry } from "./mcap/records.ts";
import { FOOTER_BYTES, LIMITS, MAGIC, OPCODE, RECORD_PREFIX_BYTES } from "./mcap/records.ts";

/** Where records go that are no messages of ours. */
export interface ScanTarget {
  readonly contents: EpisodeContents;
  readonly images: ImageStore;
}

export interface ScanProgress {
  /** File offset of the next record; grows with every whole record that was read. */
  position: number;
  /** True at the end of the data section: nothing will follow. */
  ended: boolean;
}

interface RecordPlace {
  readonly opcode: number;
  readonly offset: number;
  /** Prefix included. */
  readonly length: number;
}

/** @throws {SyntaxError} if a whole record is malformed; `progress` then points at it */
export async function scan(
  window: ByteWindow,
  progress: ScanProgress,
  target: ScanTarget,
): Promise<void> {
  if (progress.position === 0) progress.position = MAGIC.length;
  while (!progress.ended) {
    const place = await placeAt(window, progress.position);
    if (place === undefined) return;
    if (place.opcode === OPCODE.dataEnd || place.opcode === OPCODE.footer) {
      progress.ended = await hasFooter(window);
      return;
    }
    await scanRecord(window, place, target);
    progress.position += place.length;
  }
}

/** The data section has ended, but the summary may still be on its way to the disk. */
async function hasFooter(window: ByteWindow): Promise<boolean> {
  if (window.size < FOOTER_BYTES) return false;
  return findFooter(await window.read(window.size - FOOTER_BYTES, FOOTER_BYTES)) !== undefined;
}

/** The record at `offset`, if it is whole. */
async function placeAt(window: ByteWindow, offset: number): Promise<RecordPlace | undefined> {
  if (offset + RECORD_PREFIX_BYTES > window.size) return undefined;
  const prefix = await window.read(offset, RECORD_PREFIX_BYTES);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const opcode = view.getUint8(0);
  const length = RECORD_PREFIX_BYTES + view.getUint32(5, true) * 2 ** 32 + view.getUint32(1, true);
  if (opcode === 0) throw malformed(`a record at byte ${offset} has opcode 0`);
  return offset + length > window.size ? undefined : { opcode, offset, length };
}

async function bodyOf(window: ByteWindow, place: RecordPlace): Promise<Uint8Array> {
  if (place.length > LIMITS.recordBytes) {
    throw malformed(`a record has ${place.length} bytes, must have at most ${LIMITS.recordBytes}`);
  }
  return (await window.read(place.offset, place.length)).subarray(RECORD_PREFIX_BYTES);
}

async function scanRecord(
  window: ByteWindow,
  place: RecordPlace,
  target: ScanTarget,
): Promise<void> {
  const { contents } = target;
  switch (place.opcode) {
    case OPCODE.schema:
      contents.addSchema(parseSchema(await bodyOf(window, place)));
      break;
    case OPCODE.channel:
      contents.addChannel(parseChannel(await bodyOf(window, place)));
      break;
    case OPCODE.metadata:
      contents.addMetadata(parseMetadata(await bodyOf(window, place)));
      break;
    case OPCODE.message:
      await scanMessage(window, place, target);
      break;
    case OPCODE.chunk:
      await scanChunk(window, place, target);
      break;
    default:
      break;
  }
}

/** A message outside of chunks, which other writers may make. */
async function scanMessage(
  window: ByteWindow,
  place: RecordPlace,
  { contents }: ScanTarget,
): Promise<void> {
  const message = parseMessage(await bodyOf(window, place));
  if (contents.roleOf(message.channelId) === "image") {
    throw malformed("an image is not in a chunk, must be");
  }
  contents.addMessage(message);
}

async function scanChunk(
  window: ByteWindow,
  place: RecordPlace,
  target: ScanTarget,
): Promise<void> {
  const { offset, length } = place;
  const body = offset + RECORD_PREFIX_BYTES;
  const head = await window.read(body, Math.min(256, length - RECORD_PREFIX_BYTES));
  const header = parseChunkHeader(head, { offset: body, length: length - RECORD_PREFIX_BYTES });
  const index = await onlyImages(window, offset + length, target.contents);
  if (index !== undefined) {
    const { startTime, endTime } = header;
    target.images.add({ startTime, endTime, offset, length, index });
    return;
  }
  const { records } = unpackRecord(await window.read(offset, length));
  scanChunkRecords({ header, offset, length, records }, target);
}

/**
 * The message indexes behind a chunk, if they show that it has nothing but images, so that its body need
 * not be read. Undefined if another record does not follow yet: there might be more indexes to come.
 */
async function onlyImages(
  window: ByteWindow,
  after: number,
  contents: EpisodeContents,
): Promise<Map<number, ImageIndex> | undefined> {
  const indexes = new Map<number, ImageIndex>();
  for (let at = after; ;) {
    const place = await placeAt(window, at);
    if (place === undefined) return undefined;
    if (place.opcode !== OPCODE.messageIndex) break;
    const { channelId, entries } = parseMessageIndex(await bodyOf(window, place));
    if (contents.roleOf(channelId) !== "image") return undefined;
    indexes.set(channelId, { entries });
    at += place.length;
  }
  return indexes.size === 0 ? undefined : indexes;
}

export interface UnpackedChunk {
  readonly header: Pick<ChunkHeader, "startTime" | "endTime">;
  /** Of the chunk record in the file. */
  readonly offset: number;
  readonly length: number;
  readonly records: Uint8Array;
}

/** Hands every record of an unpacked chunk on; images only by their place. */
export function scanChunkRecords(chunk: UnpackedChunk, { contents, images }: ScanTarget): void {
  const index = new Map<number, { entries: MessageIndexEntry[] }>();
  for (const record of recordsOf(chunk.records)) {
    if (record.opcode === OPCODE.schema) contents.addSchema(parseSchema(record.body));
    else if (record.opcode === OPCODE.channel) contents.addChannel(parseChannel(record.body));
    else if (record.opcode === OPCODE.message) {
      const message = parseMessage(record.body);
      if (contents.roleOf(message.channelId) === "image") {
        const listed = index.get(message.channelId) ?? { entries: [] };
        index.set(message.channelId, listed);
        listed.entries.push({ logTime: message.logTime, offset: record.offset });
      } else contents.addMessage(message);
    }
  }
  const { header, offset, length } = chunk;
  const { startTime, endTime } = header;
  if (index.size > 0) images.add({ startTime, endTime, offset, length, index });
}
