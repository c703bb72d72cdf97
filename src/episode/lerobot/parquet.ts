/** Parquet files: row ranges of columns. The only place that knows the parquet package's reader. */
import { stat } from "node:fs/promises";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decompress as decompressZstd } from "fzstd";
import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { messageOf } from "../../core/index.ts";
import type { FilePool } from "../dataset/file-pool.ts";

/** Beyond Snappy, which the package has. */
const COMPRESSORS: Compressors = {
  ZSTD: (input, outputLength) => decompressZstd(input, new Uint8Array(outputLength)),
  GZIP: (input) => plain(gunzipSync(input)),
  BROTLI: (input) => plain(brotliDecompressSync(input)),
};

function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Cells by column name: numbers, bigints, booleans, strings, bytes, lists, or records of those. */
export type ParquetRow = Readonly<Record<string, unknown>>;

export interface RowRange {
  readonly columns: readonly string[];
  /** Default: all rows. */
  readonly start?: number;
  readonly end?: number;
}

/** One file, whose metadata is read once. */
export class ParquetFile {
  readonly path: string;
  readonly #pool: FilePool;
  #opened: Promise<{ file: AsyncBuffer; metadata: FileMetaData }> | undefined;

  constructor(pool: FilePool, path: string) {
    this.#pool = pool;
    this.path = path;
  }

  /** @throws {SyntaxError} if the file is damaged */
  async columns(): Promise<readonly string[]> {
    const { metadata } = await this.#open();
    const names: string[] = [];
    // The schema is a tree in depth-first order below its root.
    for (let i = 1; i < metadata.schema.length; i += subtreeSize(metadata, i)) {
      names.push(metadata.schema[i]!.name);
    }
    return names;
  }

  /** @throws {SyntaxError} if the file is damaged, or lacks a column */
  async rows({ columns, start, end }: RowRange): Promise<ParquetRow[]> {
    const { file, metadata } = await this.#open();
    const known = await this.columns();
    const missing = columns.find((column) => !known.includes(column));
    if (missing !== undefined) {
      throw new SyntaxError(`Cannot read "${this.path}": it has no column "${missing}", must have`);
    }
    return this.#explained(() =>
      parquetReadObjects({
        file,
        metadata,
        columns: [...columns],
        compressors: COMPRESSORS,
        utf8: false,
        ...(start === undefined ? {} : { rowStart: start }),
        ...(end === undefined ? {} : { rowEnd: end }),
      }),
    );
  }

  #open(): Promise<{ file: AsyncBuffer; metadata: FileMetaData }> {
    this.#opened ??= this.#explained(async () => {
      const { size } = await stat(this.path);
      const file: AsyncBuffer = {
        byteLength: size,
        slice: async (from, to = size) => {
          const bytes = await this.#pool.read(this.path, from, Math.min(to, size) - from);
          return bytes.buffer as ArrayBuffer;
        },
      };
      return { file, metadata: await parquetMetadataAsync(file) };
    });
    return this.#opened;
  }

  async #explained<Value>(read: () => Promise<Value>): Promise<Value> {
    try {
      return await read();
    } catch (cause) {
      // The system's errors have a code; what is left says that the bytes are not what they must be.
      if (typeof (cause as { code?: unknown }).code === "string") throw cause;
      throw new SyntaxError(`Cannot read "${this.path}": ${messageOf(cause)}`, { cause });
    }
  }
}

function subtreeSize({ schema }: FileMetaData, at: number): number {
  let size = 1;
  for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) {
    size += subtreeSize({ schema } as FileMetaData, at + size);
  }
  return size;
}
