import { decodeCompressedImage } from "./decode-messages.ts";
import { LruCache } from "./lru-cache.ts";
import { malformed } from "./mcap/cursor.ts";
import { unpackChunk } from "./mcap/decompress.ts";
import { parseChunkHeader, parseMessage, parseMessageIndex, recordsOf } from "./mcap/parse.ts";
import type { ChunkHeader, MessageIndexEntry } from "./mcap/records.ts";
import { LIMITS, OPCODE, RECORD_PREFIX_BYTES } from "./mcap/records.ts";
import type { ByteSource, ImagePlace } from "./types.ts";

/** Decompressed chunks kept for the next image. */
const CACHE_BYTES = 32 * 2 ** 20;

/** A chunk with images, of which so far only the place is known. */
export interface ImageChunk {
  readonly startTime: bigint;
  readonly endTime: bigint;
  /** Of the whole chunk record in the file. */
  readonly offset: number;
  readonly length: number;
  readonly index: ReadonlyMap<number, ImageIndex>;
}

/** The entries of one channel, or where in the file its message index is. */
export type ImageIndex =
  { readonly entries: readonly MessageIndexEntry[] } | { readonly at: number };

export interface StoredImage {
  readonly logTime: bigint;
  readonly format: string;
  readonly bytes: Uint8Array;
}

/** Finds images by camera channel and time, reading one chunk at a time and keeping the last few. */
export class ImageStore {
  readonly #source: ByteSource;
  readonly #chunks: ImageChunk[] = [];
  /** `#latestEnd[i]` is the largest end time of chunks 0 to i. */
  readonly #latestEnd: bigint[] = [];
  readonly #records = new LruCache<number, Promise<Uint8Array>>(CACHE_BYTES);
  readonly #entries = new Map<string, Promise<readonly MessageIndexEntry[]>>();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Chunks may come in any order; they are kept by start time. */
  add(chunk: ImageChunk): void {
    let at = this.#chunks.length;
    while (at > 0 && this.#chunks[at - 1]!.startTime > chunk.startTime) at--;
    this.#chunks.splice(at, 0, chunk);
    for (let i = at; i < this.#chunks.length; i++) {
      const before = i > 0 ? this.#latestEnd[i - 1]! : 0n;
      const end = this.#chunks[i]!.endTime;
      this.#latestEnd[i] = end > before ? end : before;
    }
  }

  /** The newest image of a channel that is not later than `time`. @throws {SyntaxError} */
  async find(channelId: number, time: bigint): Promise<StoredImage | undefined> {
    let best: { chunk: ImageChunk; entry: MessageIndexEntry } | undefined;
    for (let i = this.#lastStartingBy(time); i >= 0; i--) {
      if (best !== undefined && best.entry.logTime >= this.#latestEnd[i]!) break;
      const chunk = this.#chunks[i]!;
      const entry = newestNotAfter(await this.#entriesOf(chunk, channelId), time);
      if (entry !== undefined && !(best !== undefined && best.entry.logTime >= entry.logTime)) {
        best = { chunk, entry };
      }
    }
    return best === undefined ? undefined : this.#load(best.chunk, best.entry);
  }

  /** The log times of all images of a channel, ascending. */
  async times(channelId: number): Promise<bigint[]> {
    const times: bigint[] = [];
    for (const chunk of this.#chunks) {
      for (const { logTime } of await this.#entriesOf(chunk, channelId)) times.push(logTime);
    }
    return times.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /**
   * Where the images of a channel lie in the file, by log time; undefined if a chunk of them is
   * compressed. Reads the heads of chunks and their message indexes, and no image.
   */
  async places(channelId: number): Promise<Map<bigint, ImagePlace> | undefined> {
    const places = new Map<bigint, ImagePlace>();
    for (const chunk of this.#chunks) {
      const entries = await this.#entriesOf(chunk, channelId);
      if (entries.length === 0) continue;
      const header = await this.#headerOf(chunk);
      if (header.compression !== "") return undefined;
      const others = [...chunk.index.keys()].map((id) => this.#entriesOf(chunk, id));
      const starts = (await Promise.all(others)).flat().map(({ offset }) => offset);
      starts.sort((a, b) => a - b);
      for (const { logTime, offset } of entries) {
        const end = starts.find((start) => start > offset) ?? header.recordsSize;
        if (end > header.recordsSize) throw malformed("an image lies outside its chunk");
        places.set(logTime, { offset: header.recordsOffset + offset, length: end - offset });
      }
    }
    return places;
  }

  async #headerOf({ offset, length }: ImageChunk): Promise<ChunkHeader> {
    const body = offset + RECORD_PREFIX_BYTES;
    const head = await this.#source.read(body, Math.min(256, length - RECORD_PREFIX_BYTES));
    return parseChunkHeader(head, { offset: body, length: length - RECORD_PREFIX_BYTES });
  }

  #lastStartingBy(time: bigint): number {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#chunks[middle]!.startTime <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #entriesOf(chunk: ImageChunk, channelId: number): Promise<readonly MessageIndexEntry[]> {
    const place = chunk.index.get(channelId);
    if (place === undefined) return Promise.resolve([]);
    if ("entries" in place) return Promise.resolve(place.entries);
    const key = `${chunk.offset}/${channelId}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const loading = this.#readIndex(place.at, channelId);
    this.#entries.set(key, loading);
    // A failed read may succeed later.
    loading.catch(() => this.#entries.delete(key));
    return loading;
  }

  async #readIndex(at: number, channelId: number): Promise<readonly MessageIndexEntry[]> {
    const size = await this.#source.size();
    if (at + RECORD_PREFIX_BYTES > size) throw malformed("a message index lies beyond the file");
    const guess = await this.#source.read(at, Math.min(4096, size - at));
    const length = recordLength(guess, OPCODE.messageIndex);
    if (at + length > size) throw malformed("a message index goes beyond the file");
    const whole = length <= guess.length ? guess : await this.#source.read(at, length);
    const index = parseMessageIndex(whole.subarray(RECORD_PREFIX_BYTES, length));
    if (index.channelId !== channelId) throw malformed("a message index is of another channel");
    return index.entries;
  }

  async #load(chunk: ImageChunk, entry: MessageIndexEntry): Promise<StoredImage> {
    const records = await this.#recordsOf(chunk);
    if (entry.offset >= records.length) throw malformed("an image lies outside its chunk");
    for (const { opcode, body } of recordsOf(records.subarray(entry.offset))) {
      if (opcode !== OPCODE.message) break;
      const message = parseMessage(body);
      if (message.logTime !== entry.logTime) break;
      const { format, data } = decodeCompressedImage(message.data);
      // A copy: the view would keep the whole chunk alive for as long as somebody holds the image. Not by
      // slice(), which is a view again where a source gives Node's Buffers.
      return { logTime: message.logTime, format, bytes: new Uint8Array(data) };
    }
    throw malformed("a message index does not lead to an image");
  }

  #recordsOf(chunk: ImageChunk): Promise<Uint8Array> {
    const known = this.#records.get(chunk.offset);
    if (known !== undefined) return known;
    const loading = readChunk(this.#source, chunk);
    this.#records.set(chunk.offset, loading, chunk.length);
    loading.then(
      (records) => this.#records.set(chunk.offset, loading, records.length),
      () => this.#records.delete(chunk.offset),
    );
    return loading;
  }
}

/** Reads and unpacks one chunk record. @throws {SyntaxError} */
export async function readChunk(
  source: ByteSource,
  place: { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  const { offset, length } = place;
  if (length > LIMITS.recordBytes || offset + length > (await source.size())) {
    throw malformed(
      `a chunk has ${length} bytes, must fit the file and ${LIMITS.recordBytes} bytes`,
    );
  }
  const record = await source.read(offset, length);
  if (recordLength(record, OPCODE.chunk) !== length) throw malformed("a chunk has another length");
  return unpackRecord(record).records;
}

/** @param record a whole chunk record, prefix included */
export function unpackRecord(record: Uint8Array): { header: ChunkHeader; records: Uint8Array } {
  const body = record.subarray(RECORD_PREFIX_BYTES);
  const header = parseChunkHeader(body, { offset: 0, length: body.length });
  const stored = body.subarray(header.recordsOffset, header.recordsOffset + header.recordsSize);
  return { header, records: unpackChunk(header, stored) };
}

/**
 * The image message whose record begins with `bytes`, the bytes of an `ImagePlace`.
 *
 * @throws {SyntaxError} if they hold another record, or half of one
 */
export function decodeImageAt(bytes: Uint8Array): { format: string; data: Uint8Array } {
  const length = recordLength(bytes, OPCODE.message);
  if (length > bytes.length) throw malformed("an image message is cut off");
  return decodeCompressedImage(parseMessage(bytes.subarray(RECORD_PREFIX_BYTES, length)).data);
}

/** The full length of the record at the beginning of `bytes`. */
function recordLength(bytes: Uint8Array, opcode: number): number {
  if (bytes.length < RECORD_PREFIX_BYTES || bytes[0] !== opcode) {
    throw malformed(`a record has opcode ${bytes[0] ?? "none"}, must have ${opcode}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(5, true) * 2 ** 32 + view.getUint32(1, true);
  if (length > LIMITS.recordBytes)
    throw malformed(`a record has ${length} bytes, which is too many`);
  return RECORD_PREFIX_BYTES + length;
}

function newestNotAfter(
  entries: readonly MessageIndexEntry[],
  time: bigint,
): MessageIndexEntry | undefined {
  let best: MessageIndexEntry | undefined;
  for (const entry of entries) {
    // The specification does not promise an order inside an index.
    if (entry.logTime <= time && !(best !== undefined && best.logTime > entry.logTime))
      best = entry;
  }
  return best;
}
