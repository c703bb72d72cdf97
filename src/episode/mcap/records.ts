/**
 * The records of an MCAP file (specification: mcap.dev/spec), as far as episodes need them.
 * A file is `magic, record..., magic`; a record is `opcode u8, length u64, body`, little-endian.
 */

/** `\x89MCAP0\r\n`, at both ends of a complete file. */
export const MAGIC: Uint8Array = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);

export const OPCODE = {
  header: 0x01,
  footer: 0x02,
  schema: 0x03,
  channel: 0x04,
  message: 0x05,
  chunk: 0x06,
  messageIndex: 0x07,
  chunkIndex: 0x08,
  attachment: 0x09,
  attachmentIndex: 0x0a,
  statistics: 0x0b,
  metadata: 0x0c,
  metadataIndex: 0x0d,
  summaryOffset: 0x0e,
  dataEnd: 0x0f,
} as const;

/** Opcode and length. */
export const RECORD_PREFIX_BYTES = 9;
/** Footer record and closing magic: the last bytes of every complete file. */
export const FOOTER_BYTES = RECORD_PREFIX_BYTES + 20 + MAGIC.length;
/** channel u16, sequence u32, log time u64, publish time u64. */
export const MESSAGE_PREFIX_BYTES = 22;

/**
 * What a reader is willing to hold at once; larger claims are refused as malformed before memory is
 * reserved. Episodes stay far below: their chunks are about a megabyte.
 */
export const LIMITS = {
  /** Any record that is read whole. */
  recordBytes: 256 * 2 ** 20,
  /** One chunk after decompression. */
  chunkBytes: 64 * 2 ** 20,
  /** The summary section. */
  summaryBytes: 64 * 2 ** 20,
  /** Body poses of a whole episode in memory. */
  poseBytes: 512 * 2 ** 20,
} as const;

export interface Schema {
  readonly id: number;
  readonly name: string;
  readonly encoding: string;
  readonly data: Uint8Array;
}

export interface Channel {
  readonly id: number;
  readonly schemaId: number;
  readonly topic: string;
  readonly messageEncoding: string;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface Message {
  readonly channelId: number;
  readonly sequence: number;
  readonly logTime: bigint;
  readonly data: Uint8Array;
}

/** A chunk's prefix; its records follow at `recordsOffset` of the file. */
export interface ChunkHeader {
  readonly startTime: bigint;
  readonly endTime: bigint;
  readonly uncompressedSize: number;
  /** 0 = not computed. */
  readonly uncompressedCrc: number;
  /** `""`, `zstd`, or one we cannot read. */
  readonly compression: string;
  readonly recordsOffset: number;
  readonly recordsSize: number;
}

export interface ChunkIndex {
  readonly startTime: bigint;
  readonly endTime: bigint;
  readonly chunkOffset: number;
  /** Of the whole chunk record, prefix included. */
  readonly chunkLength: number;
  /** Channel id -> file offset of its message index record. */
  readonly messageIndexOffsets: ReadonlyMap<number, number>;
  /** Bytes of all message index records, which follow the chunk. */
  readonly messageIndexLength: number;
  readonly compression: string;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
}

/** Where a message lies in the uncompressed records of its chunk. */
export interface MessageIndexEntry {
  readonly logTime: bigint;
  readonly offset: number;
}

export interface MessageIndex {
  readonly channelId: number;
  readonly entries: readonly MessageIndexEntry[];
}

export interface Metadata {
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

export interface MetadataIndex {
  readonly offset: number;
  readonly length: number;
  readonly name: string;
}

export interface Statistics {
  readonly messageCount: bigint;
  readonly startTime: bigint;
  readonly endTime: bigint;
  readonly channelMessageCounts: ReadonlyMap<number, bigint>;
}

export interface Footer {
  /** 0 = there is no summary. */
  readonly summaryStart: number;
  readonly summaryOffsetStart: number;
  readonly summaryCrc: number;
}
