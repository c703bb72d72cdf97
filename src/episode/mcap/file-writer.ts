import { crc32 } from "node:zlib";
import { RecordBuilder } from "./builder.ts";
import type { ChunkBuilder } from "./chunk-builder.ts";
import type { Channel, ChunkIndex, Schema } from "./records.ts";
import { MAGIC, OPCODE } from "./records.ts";

/** Compresses the records of a chunk; undefined leaves them as they are. */
export type Compressor = ((records: Uint8Array) => Uint8Array) | undefined;

interface Statistics {
  messages: number;
  attachments: number;
  metadata: number;
  startTime: bigint;
  endTime: bigint;
  readonly byChannel: Map<number, number>;
}

/**
 * Lays out one MCAP file: data records as they come, then the summary. Does no I/O: `take()` hands out
 * the bytes that are to be appended to the file, in whole records only.
 */
export class McapFileWriter {
  #out: Uint8Array[] = [];
  #taken = 0;
  #crc = 0;
  readonly #schemas: Schema[] = [];
  readonly #channels: Channel[] = [];
  readonly #chunks: ChunkIndex[] = [];
  readonly #attachments = new RecordBuilder(256);
  readonly #metadata = new RecordBuilder(256);
  readonly #statistics: Statistics = {
    messages: 0,
    attachments: 0,
    metadata: 0,
    startTime: 0n,
    endTime: 0n,
    byChannel: new Map(),
  };

  constructor(header: { profile: string; library: string }) {
    const record = new RecordBuilder(128).raw(MAGIC);
    record.record(OPCODE.header, () => record.string(header.profile).string(header.library));
    this.#append(record.bytes);
  }

  /** File offset of the next record. */
  get position(): number {
    return this.#taken;
  }

  /** The bytes since the last call, to be appended to the file in this order. */
  take(): Uint8Array[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  addSchema(schema: Omit<Schema, "id">): number {
    const id = this.#schemas.length + 1;
    this.#schemas.push({ ...schema, id });
    const record = new RecordBuilder(schema.data.length + 256);
    putSchema(record, this.#schemas.at(-1)!);
    this.#append(record.bytes);
    return id;
  }

  addChannel(channel: Omit<Channel, "id">): number {
    const id = this.#channels.length;
    this.#channels.push({ ...channel, id });
    const record = new RecordBuilder(256);
    putChannel(record, this.#channels.at(-1)!);
    this.#append(record.bytes);
    return id;
  }

  addMetadata(name: string, values: ReadonlyMap<string, string>): void {
    const record = new RecordBuilder(4096);
    record.record(OPCODE.metadata, () => record.string(name).stringMap(values));
    const index = this.#metadata;
    index.record(OPCODE.metadataIndex, () =>
      index.u64(this.#taken).u64(record.length).string(name),
    );
    this.#statistics.metadata++;
    this.#append(record.bytes);
  }

  addAttachment(file: { name: string; mediaType: string; data: Uint8Array; time: bigint }): void {
    const { name, mediaType, data, time } = file;
    const body = new RecordBuilder(data.length + 256);
    body.u64(time).u64(time).string(name).string(mediaType).u64(data.length).raw(data);
    const crc = crc32(body.bytes);
    const record = new RecordBuilder(body.length + 16);
    record.record(OPCODE.attachment, () => record.raw(body.bytes).u32(crc));
    const index = this.#attachments;
    index.record(OPCODE.attachmentIndex, () => {
      index.u64(this.#taken).u64(record.length).u64(time).u64(time).u64(data.length);
      index.string(name).string(mediaType);
    });
    this.#statistics.attachments++;
    this.#append(record.bytes);
  }

  /** Writes the chunk and its message indexes; an empty chunk writes nothing. */
  addChunk(chunk: ChunkBuilder, compress: Compressor): void {
    if (chunk.messageCount === 0) return;
    const records = chunk.records;
    const stored = compress?.(records) ?? records;
    const compression = compress === undefined ? "" : "zstd";
    const chunkOffset = this.#taken;
    const head = new RecordBuilder(64);
    const bodyLength = 8 + 8 + 8 + 4 + 4 + compression.length + 8 + stored.length;
    head.u8(OPCODE.chunk).u64(bodyLength).u64(chunk.startTime).u64(chunk.endTime);
    head.u64(records.length).u32(crc32(records)).string(compression).u64(stored.length);
    this.#append(head.bytes);
    this.#append(stored);
    const chunkLength = this.#taken - chunkOffset;
    const { offsets, length } = this.#appendMessageIndexes(chunk);
    this.#chunks.push({
      startTime: chunk.startTime,
      endTime: chunk.endTime,
      chunkOffset,
      chunkLength,
      messageIndexOffsets: offsets,
      messageIndexLength: length,
      compression,
      compressedSize: stored.length,
      uncompressedSize: records.length,
    });
    this.#count(chunk);
  }

  /** Ends the data section and writes the summary and the footer. */
  finish(): void {
    const end = new RecordBuilder(16);
    end.u8(OPCODE.dataEnd).u64(4).u32(this.#crc);
    this.#append(end.bytes);
    const summaryStart = this.#taken;
    const summary = new RecordBuilder(16 * 1024);
    const offsetsStart = putSummary(summary, summaryStart, this.#summaryGroups(summary));
    summary.u8(OPCODE.footer).u64(20).u64(summaryStart).u64(offsetsStart);
    summary.u32(crc32(summary.bytes)).raw(MAGIC);
    this.#append(summary.bytes);
  }

  #appendMessageIndexes(chunk: ChunkBuilder): { offsets: Map<number, number>; length: number } {
    const record = new RecordBuilder(chunk.messageCount * 16 + 256);
    const offsets = new Map<number, number>();
    for (const [channelId, entries] of chunk.index) {
      offsets.set(channelId, this.#taken + record.length);
      record.record(OPCODE.messageIndex, () =>
        record.u16(channelId).block(() => {
          for (const { logTime, offset } of entries) record.u64(logTime).u64(offset);
        }),
      );
    }
    this.#append(record.bytes);
    return { offsets, length: record.length };
  }

  #count(chunk: ChunkBuilder): void {
    const s = this.#statistics;
    if (s.messages === 0 || chunk.startTime < s.startTime) s.startTime = chunk.startTime;
    if (s.messages === 0 || chunk.endTime > s.endTime) s.endTime = chunk.endTime;
    s.messages += chunk.messageCount;
    for (const [id, { length }] of chunk.index) {
      s.byChannel.set(id, (s.byChannel.get(id) ?? 0) + length);
    }
  }

  /** What a list of episodes needs comes last, so that a short read of the tail has it. */
  #summaryGroups(out: RecordBuilder): [opcode: number, write: () => void][] {
    return [
      [OPCODE.schema, () => this.#schemas.forEach((schema) => putSchema(out, schema))],
      [OPCODE.chunkIndex, () => this.#chunks.forEach((chunk) => putChunkIndex(out, chunk))],
      [OPCODE.attachmentIndex, () => out.raw(this.#attachments.bytes)],
      [OPCODE.channel, () => this.#channels.forEach((channel) => putChannel(out, channel))],
      [OPCODE.metadataIndex, () => out.raw(this.#metadata.bytes)],
      [OPCODE.statistics, () => this.#putStatistics(out)],
    ];
  }

  #putStatistics(out: RecordBuilder): void {
    const s = this.#statistics;
    out.record(OPCODE.statistics, () => {
      out.u64(s.messages).u16(this.#schemas.length).u32(this.#channels.length);
      out.u32(s.attachments).u32(s.metadata).u32(this.#chunks.length);
      out.u64(s.startTime).u64(s.endTime);
      out.block(() => s.byChannel.forEach((count, id) => out.u16(id).u64(count)));
    });
  }

  #append(bytes: Uint8Array): void {
    this.#out.push(bytes);
    this.#taken += bytes.length;
    this.#crc = crc32(bytes, this.#crc);
  }
}

/** @returns where the summary offsets begin in the file */
function putSummary(
  out: RecordBuilder,
  summaryStart: number,
  groups: [opcode: number, write: () => void][],
): number {
  const ranges: [opcode: number, start: number, length: number][] = [];
  for (const [opcode, write] of groups) {
    const start = out.length;
    write();
    if (out.length > start) ranges.push([opcode, summaryStart + start, out.length - start]);
  }
  const offsetsStart = summaryStart + out.length;
  for (const [opcode, start, length] of ranges) {
    out.record(OPCODE.summaryOffset, () => out.u8(opcode).u64(start).u64(length));
  }
  return offsetsStart;
}

function putSchema(out: RecordBuilder, schema: Schema): void {
  out.record(OPCODE.schema, () => {
    out.u16(schema.id).string(schema.name).string(schema.encoding);
    out.u32(schema.data.length).raw(schema.data);
  });
}

function putChannel(out: RecordBuilder, channel: Channel): void {
  out.record(OPCODE.channel, () => {
    out.u16(channel.id).u16(channel.schemaId).string(channel.topic);
    out.string(channel.messageEncoding).stringMap(channel.metadata);
  });
}

function putChunkIndex(out: RecordBuilder, chunk: ChunkIndex): void {
  out.record(OPCODE.chunkIndex, () => {
    out.u64(chunk.startTime).u64(chunk.endTime).u64(chunk.chunkOffset).u64(chunk.chunkLength);
    out.block(() => chunk.messageIndexOffsets.forEach((at, id) => out.u16(id).u64(at)));
    out.u64(chunk.messageIndexLength).string(chunk.compression);
    out.u64(chunk.compressedSize).u64(chunk.uncompressedSize);
  });
}
