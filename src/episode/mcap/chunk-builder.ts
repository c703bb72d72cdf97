import { RecordBuilder } from "./builder.ts";
import type { Message, MessageIndexEntry } from "./records.ts";
import { MESSAGE_PREFIX_BYTES, OPCODE } from "./records.ts";

/** Messages that will be written as one chunk, and the index of where each begins. */
export class ChunkBuilder {
  #records: RecordBuilder;
  #index = new Map<number, MessageIndexEntry[]>();
  #startTime = 0n;
  #endTime = 0n;
  #messages = 0;

  constructor(capacity = 64 * 1024) {
    this.#records = new RecordBuilder(capacity);
  }

  get byteLength(): number {
    return this.#records.length;
  }

  get messageCount(): number {
    return this.#messages;
  }

  get startTime(): bigint {
    return this.#startTime;
  }

  get endTime(): bigint {
    return this.#endTime;
  }

  get records(): Uint8Array {
    return this.#records.bytes;
  }

  /** Channel id -> entries, ordered by log time as the specification asks. */
  get index(): ReadonlyMap<number, readonly MessageIndexEntry[]> {
    return this.#index;
  }

  add(message: Message): void {
    const { channelId, sequence, logTime, data } = message;
    if (this.#messages === 0 || logTime < this.#startTime) this.#startTime = logTime;
    if (this.#messages === 0 || logTime > this.#endTime) this.#endTime = logTime;
    this.#messages++;
    const entries = this.#index.get(channelId) ?? [];
    if (entries.length === 0) this.#index.set(channelId, entries);
    insertByTime(entries, { logTime, offset: this.#records.length });
    this.#records
      .u8(OPCODE.message)
      .u64(MESSAGE_PREFIX_BYTES + data.length)
      .u16(channelId)
      .u32(sequence)
      .u64(logTime)
      .u64(logTime)
      .raw(data);
  }
}

function insertByTime(entries: MessageIndexEntry[], entry: MessageIndexEntry): void {
  let at = entries.length;
  while (at > 0 && entries[at - 1]!.logTime > entry.logTime) at--;
  entries.splice(at, 0, entry);
}
