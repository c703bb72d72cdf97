/** Reads a complete file by its summary: every chunk that is not only images, and no image. */
import type { ByteWindow } from "./byte-window.ts";
import type { EpisodeContents } from "./episode-contents.ts";
import { unpackRecord } from "./image-store.ts";
import { malformed } from "./mcap/cursor.ts";
import {
  findFooter,
  parseChannel,
  parseChunkIndex,
  parseMetadata,
  parseMetadataIndex,
  parseSchema,
  parseStatistics,
  recordsOf,
} from "./mcap/parse.ts";
import type { ChunkIndex, MetadataIndex, Statistics } from "./mcap/records.ts";
import { FOOTER_BYTES, LIMITS, OPCODE, RECORD_PREFIX_BYTES } from "./mcap/records.ts";
import { crc32 } from "./mcap/crc32.ts";
import type { ScanTarget } from "./scan.ts";
import { scanChunkRecords } from "./scan.ts";
import type { ByteSource } from "./types.ts";
import { EPISODE_METADATA, OUTCOME_METADATA } from "./header-metadata.ts";

/** The summary section of a complete file, and the bytes that were read with it. */
export interface Summary {
  readonly start: number;
  readonly chunks: readonly ChunkIndex[];
  readonly metadata: readonly MetadataIndex[];
  readonly statistics: Statistics | undefined;
  /** Bytes of the file from `tailStart` to its end. */
  readonly tail: Uint8Array;
  readonly tailStart: number;
}

/** Enough for the summary of an episode of some minutes. */
const TAIL_BYTES = 48 * 1024;
const READS_AT_ONCE = 6;

/**
 * Reads the summary; its schemas and channels go to `contents`.
 *
 * @returns undefined if the file has no footer (yet), or one without a summary
 * @throws {SyntaxError} if the summary is damaged
 */
export async function readSummarySection(
  source: ByteSource,
  size: number,
  contents: EpisodeContents,
): Promise<Summary | undefined> {
  let tailStart = Math.max(0, size - TAIL_BYTES);
  let tail = await source.read(tailStart, size - tailStart);
  const footer = findFooter(tail);
  if (footer === undefined || footer.summaryStart === 0) return undefined;
  const start = footer.summaryStart;
  const footerAt = size - FOOTER_BYTES;
  if (start > footerAt || footerAt - start > LIMITS.summaryBytes) {
    throw malformed(`its summary begins at byte ${start}, must lie before the footer`);
  }
  if (start < tailStart) {
    tailStart = start;
    tail = await source.read(start, size - start);
  }
  // The CRC covers the summary and the footer up to the CRC itself.
  const covered = tail.subarray(start - tailStart, tail.length - 12);
  if (footer.summaryCrc !== 0 && crc32(covered) !== footer.summaryCrc) {
    throw malformed("its summary is damaged, the CRC must match");
  }
  const section = tail.subarray(start - tailStart, footerAt - tailStart);
  return { start, tail, tailStart, ...parseSection(section, contents) };
}

function parseSection(
  section: Uint8Array,
  contents: EpisodeContents,
): Pick<Summary, "chunks" | "metadata" | "statistics"> {
  const chunks: ChunkIndex[] = [];
  const metadata: MetadataIndex[] = [];
  let statistics: Statistics | undefined;
  // Groups may come in any order, and a channel needs its schema.
  const channels: Uint8Array[] = [];
  for (const { opcode, body } of recordsOf(section)) {
    if (opcode === OPCODE.schema) contents.addSchema(parseSchema(body));
    else if (opcode === OPCODE.channel) channels.push(body);
    else if (opcode === OPCODE.chunkIndex) chunks.push(parseChunkIndex(body));
    else if (opcode === OPCODE.metadataIndex) metadata.push(parseMetadataIndex(body));
    else if (opcode === OPCODE.statistics) statistics = parseStatistics(body);
  }
  for (const body of channels) contents.addChannel(parseChannel(body));
  chunks.sort((a, b) => a.chunkOffset - b.chunkOffset);
  return { chunks, metadata, statistics };
}

/** Reads the metadata records of an episode, each from the tail if it lies there. */
export async function readEpisodeMetadata(
  window: ByteWindow,
  summary: Summary,
  contents: EpisodeContents,
): Promise<void> {
  for (const { name, offset, length } of summary.metadata) {
    if (name !== EPISODE_METADATA && name !== OUTCOME_METADATA) continue;
    if (length > LIMITS.recordBytes) throw malformed(`metadata "${name}" is too large`);
    const inTail = offset >= summary.tailStart && offset + length <= summary.start;
    const from = offset - summary.tailStart;
    const bytes = inTail
      ? summary.tail.subarray(from, from + length)
      : await window.read(offset, length);
    for (const { opcode, body } of recordsOf(bytes)) {
      if (opcode === OPCODE.metadata) contents.addMetadata(parseMetadata(body));
    }
  }
}

/** Whether the summary is all that is needed to find every message. */
export function isFullyIndexed({ chunks, statistics }: Summary): boolean {
  if (chunks.some(({ messageIndexOffsets }) => messageIndexOffsets.size === 0)) return false;
  return chunks.length > 0 || statistics?.messageCount === 0n;
}

/** Reads all chunks but those of images, some at a time, and hands their messages on in file order. */
export async function readIndexedChunks(
  file: { readonly source: ByteSource; readonly size: number },
  summary: Summary,
  target: ScanTarget,
): Promise<void> {
  const wanted = summary.chunks.filter((chunk) => !takeAsImages(chunk, target));
  const pending: Promise<Uint8Array>[] = [];
  const readNext = (): void => {
    const chunk = wanted[pending.length];
    if (chunk === undefined) return;
    const reading = readRecord(file, chunk);
    // Awaited below, in order; until then a failure is nobody's.
    reading.catch(() => undefined);
    pending.push(reading);
  };
  for (let i = 0; i < READS_AT_ONCE; i++) readNext();
  for (const [i, chunk] of wanted.entries()) {
    const { header, records } = unpackRecord(await pending[i]!);
    const { chunkOffset: offset, chunkLength: length } = chunk;
    scanChunkRecords({ header, offset, length, records }, target);
    readNext();
  }
}

function takeAsImages(chunk: ChunkIndex, { contents, images }: ScanTarget): boolean {
  const channels = [...chunk.messageIndexOffsets.keys()];
  if (!channels.every((id) => contents.roleOf(id) === "image")) return false;
  images.add({
    startTime: chunk.startTime,
    endTime: chunk.endTime,
    offset: chunk.chunkOffset,
    length: chunk.chunkLength,
    index: new Map([...chunk.messageIndexOffsets].map(([id, at]) => [id, { at }])),
  });
  return true;
}

async function readRecord(
  { source, size }: { readonly source: ByteSource; readonly size: number },
  chunk: ChunkIndex,
): Promise<Uint8Array> {
  const { chunkOffset, chunkLength } = chunk;
  const fits = chunkLength >= RECORD_PREFIX_BYTES && chunkLength <= LIMITS.recordBytes;
  if (!fits || chunkOffset + chunkLength > size) {
    throw malformed(`a chunk has ${chunkLength} bytes, must fit the file`);
  }
  const record = await source.read(chunkOffset, chunkLength);
  if (record[0] !== OPCODE.chunk) throw malformed("a chunk index does not lead to a chunk");
  return record;
}
