import { createRequire } from "node:module";
import type * as Zstd from "@foxglove/wasm-zstd";
import { ChunkBuilder } from "./mcap/chunk-builder.ts";
import { McapFileWriter } from "./mcap/file-writer.ts";
import type { Message } from "./mcap/records.ts";
import type { FileSink } from "./file-sink.ts";
import { createFileSink } from "./file-sink.ts";
import { RecordingError } from "./recording-error.ts";
import type { SchemaName } from "./schemas.ts";
import { descriptorOf } from "./schemas.ts";
import { PROFILE } from "./topics.ts";

// Emscripten's CommonJS: a require keeps its file lookup working from everywhere.
const zstd = createRequire(import.meta.url)("@foxglove/wasm-zstd") as typeof Zstd;

/** Fast, and within a few per cent of higher levels on poses and states. */
const ZSTD_LEVEL = 1;
const ACTION = "record episode to";

export interface RecordingOptions {
  readonly flushIntervalMs?: number;
  readonly chunkBytes?: number;
  readonly maxPendingBytes?: number;
  readonly openSink?: (path: string) => Promise<FileSink>;
}

/**
 * An MCAP file that grows by pairs of chunks: one of images, one of everything else. Chunks are written
 * when they are large or old enough. What the disk does not take is cut off again, so that the file
 * always ends in a whole chunk.
 */
export class ChunkedRecording {
  readonly path: string;
  readonly #sink: FileSink;
  readonly #file = new McapFileWriter({ profile: PROFILE, library: "efference" });
  readonly #limits: { flushIntervalMs: number; chunkBytes: number; maxPendingBytes: number };
  readonly #schemas = new Map<SchemaName, number>();
  readonly #sequences = new Map<number, number>();
  #chunks = { images: new ChunkBuilder(), data: new ChunkBuilder() };
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #writtenBytes = 0;
  #failure: RecordingError | undefined;
  #closed = false;

  constructor(path: string, sink: FileSink, options: RecordingOptions) {
    this.path = path;
    this.#sink = sink;
    this.#limits = {
      flushIntervalMs: options.flushIntervalMs ?? 500,
      chunkBytes: options.chunkBytes ?? 2 ** 20,
      maxPendingBytes: options.maxPendingBytes ?? 2 ** 24,
    };
  }

  /** @throws {RecordingError} if the file exists or cannot be made */
  static async create(path: string, options: RecordingOptions): Promise<ChunkedRecording> {
    await zstd.isLoaded;
    try {
      const sink = await (options.openSink ?? createFileSink)(path);
      return new ChunkedRecording(path, sink, options);
    } catch (cause) {
      throw new RecordingError(ACTION, { path, cause });
    }
  }

  /** @throws {RecordingError} once a write has failed */
  assertHealthy(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  addMetadata(name: string, values: ReadonlyMap<string, string>): void {
    this.#file.addMetadata(name, values);
  }

  addAttachment(file: { name: string; mediaType: string; data: Uint8Array; time: bigint }): void {
    this.#file.addAttachment(file);
  }

  /** Registers a channel. Schema and channel precede every chunk that uses them. */
  channel(topic: string, schema: SchemaName): number {
    let schemaId = this.#schemas.get(schema);
    if (schemaId === undefined) {
      const data = descriptorOf(schema);
      schemaId = this.#file.addSchema({ name: schema, encoding: "protobuf", data });
      this.#schemas.set(schema, schemaId);
    }
    const metadata = new Map<string, string>();
    return this.#file.addChannel({ schemaId, topic, messageEncoding: "protobuf", metadata });
  }

  /** Buffers a message. Flushes happen between turns, so messages put in one turn stay together. */
  put(chunk: "images" | "data", message: Omit<Message, "sequence">): void {
    this.assertHealthy();
    const sequence = this.#sequences.get(message.channelId) ?? 0;
    this.#sequences.set(message.channelId, sequence + 1);
    this.#chunks[chunk].add({ ...message, sequence });
    this.#timer ??= setTimeout(() => this.#emitChunks(), this.#limits.flushIntervalMs).unref();
  }

  /** Writes large chunks, and waits while too much is on its way to the disk. */
  async backPressure(): Promise<void> {
    const { images, data } = this.#chunks;
    if (images.byteLength + data.byteLength >= this.#limits.chunkBytes) this.#emitChunks();
    if (this.#pendingBytes > this.#limits.maxPendingBytes) await this.#writing;
    this.assertHealthy();
  }

  /** Resolves when everything put so far is in the file. @throws {RecordingError} */
  async flush(): Promise<void> {
    this.#emitChunks();
    await this.#writing;
    this.assertHealthy();
  }

  /**
   * Ends the file properly and closes it.
   *
   * @param addLast adds the records that come after the last chunk
   * @throws {RecordingError}
   */
  async finish(addLast: () => void): Promise<void> {
    this.#emitChunks();
    addLast();
    this.#file.finish();
    this.#append();
    await this.#closeSink({ sync: true });
  }

  /** Closes the file after the last chunk, without an end. @throws {RecordingError} */
  async close(): Promise<void> {
    this.#emitChunks();
    await this.#closeSink({ sync: false });
  }

  #emitChunks(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { images, data } = this.#chunks;
    this.#chunks = {
      images: new ChunkBuilder(images.byteLength + 4096),
      data: new ChunkBuilder(data.byteLength + 4096),
    };
    // Images first: a file that is cut between the two has no step without its images.
    this.#file.addChunk(images, undefined);
    this.#file.addChunk(data, (records) => zstd.compress(records, ZSTD_LEVEL));
    this.#append();
  }

  #append(): void {
    const parts = this.#file.take();
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes === 0) return;
    this.#pendingBytes += bytes;
    this.#writing = this.#writing.then(() => this.#write(parts, bytes));
  }

  /** Never rejects: a failure is kept for the next call, and the file is cut to whole chunks. */
  async #write(parts: Uint8Array[], bytes: number): Promise<void> {
    try {
      if (this.#failure !== undefined) return;
      await this.#sink.append(parts);
      this.#writtenBytes += bytes;
    } catch (cause) {
      this.#fail(cause);
      // If even that fails the file keeps a torn chunk at its end, which readers skip.
      await this.#sink.truncate(this.#writtenBytes).catch(() => undefined);
      // Nothing more will come, and who recorded may never call again.
      await this.#closeOnce();
    } finally {
      this.#pendingBytes -= bytes;
    }
  }

  async #closeSink({ sync }: { sync: boolean }): Promise<void> {
    await this.#writing;
    if (sync && this.#failure === undefined) {
      await this.#sink.sync().catch((cause: unknown) => this.#fail(cause));
    }
    await this.#closeOnce();
    this.assertHealthy();
  }

  async #closeOnce(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#sink.close().catch((cause: unknown) => this.#fail(cause));
  }

  #fail(cause: unknown): void {
    this.#failure ??= new RecordingError(ACTION, { path: this.path, cause });
  }
}
