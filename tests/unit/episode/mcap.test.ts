import { crc32 as nativeCrc32 } from "node:zlib";
import { McapIndexedReader, McapStreamReader } from "@mcap/core";
import type { TypedMcapRecords } from "@mcap/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChunkBuilder } from "../../../src/episode/mcap/chunk-builder.ts";
import { crc32 } from "../../../src/episode/mcap/crc32.ts";
import { McapFileWriter } from "../../../src/episode/mcap/file-writer.ts";
import { decompress } from "fzstd";
import zstd from "@foxglove/wasm-zstd";

describe("crc32()", () => {
  it("is the one of zlib", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(crc32(bytes)).toBe(nativeCrc32(bytes));
      }),
      { seed: 3 },
    );
  });
});

interface Sent {
  readonly channel: number;
  readonly logTime: bigint;
  readonly data: Uint8Array;
}
const sent: fc.Arbitrary<Sent> = fc.record({
  channel: fc.integer({ min: 0, max: 2 }),
  logTime: fc.bigInt({ min: 0n, max: 50n }),
  data: fc.uint8Array({ maxLength: 40 }),
});

/** A file with three channels and one chunk per list of messages. */
function fileOf(chunks: readonly (readonly Sent[])[]): Uint8Array {
  const file = new McapFileWriter({ profile: "p", library: "l" });
  file.addMetadata("first", new Map([["k", "v"]]));
  const schemaId = file.addSchema({ name: "S", encoding: "protobuf", data: Uint8Array.of(1, 2) });
  for (const topic of ["/a", "/b", "/c"]) {
    file.addChannel({
      schemaId,
      topic,
      messageEncoding: "protobuf",
      metadata: new Map([["m", topic]]),
    });
  }
  file.addAttachment({ name: "n", mediaType: "text/plain", data: Uint8Array.of(9), time: 4n });
  for (const [i, messages] of chunks.entries()) {
    const chunk = new ChunkBuilder(16);
    for (const [n, { channel, logTime, data }] of messages.entries()) {
      chunk.add({ channelId: channel, sequence: n, logTime, data });
    }
    file.addChunk(chunk, i % 2 === 0 ? undefined : (records) => zstd.compress(records, 1));
  }
  file.finish();
  return Buffer.concat(file.take());
}

const decompressHandlers = {
  zstd: (bytes: Uint8Array, size: bigint) => decompress(bytes, new Uint8Array(Number(size))),
};

describe("McapFileWriter", () => {
  it("writes what the reference reader reads, record by record and by index", async () => {
    await zstd.isLoaded;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(sent, { maxLength: 6 }), { maxLength: 4 }),
        async (chunks) => {
          const file = fileOf(chunks);
          const messages = chunks.flat();
          // The stream reader checks the CRCs of chunks, attachments and the data section.
          const stream = new McapStreamReader({ decompressHandlers, validateCrcs: true });
          stream.append(file);
          const records: TypedMcapRecords[keyof TypedMcapRecords][] = [];
          for (let record = stream.nextRecord(); record; record = stream.nextRecord())
            records.push(record);
          expect(stream.done()).toBe(true);
          const read = records.filter((record) => record.type === "Message");
          expect(
            read.map(({ channelId, logTime, data }) => ({
              channel: channelId,
              logTime,
              data: Uint8Array.from(data),
            })),
          ).toEqual(messages);

          const readable = {
            size: () => Promise.resolve(BigInt(file.length)),
            read: (offset: bigint, length: bigint) =>
              Promise.resolve(file.subarray(Number(offset), Number(offset + length))),
          };
          const indexed = await McapIndexedReader.Initialize({ readable, decompressHandlers });
          let previous = -1n;
          let count = 0;
          for await (const message of indexed.readMessages()) {
            expect(message.logTime).toBeGreaterThanOrEqual(previous);
            previous = message.logTime;
            count++;
          }
          expect(count).toBe(messages.length);
          expect(indexed.statistics?.messageCount).toBe(BigInt(messages.length));
          expect(indexed.statistics?.chunkCount).toBe(indexed.chunkIndexes.length);
          expect([...indexed.channelsById.values()].map(({ topic }) => topic)).toEqual([
            "/a",
            "/b",
            "/c",
          ]);
          for await (const { name, metadata } of indexed.readMetadata()) {
            expect([name, [...metadata]]).toEqual(["first", [["k", "v"]]]);
          }
          for await (const { name, data } of indexed.readAttachments()) {
            expect([name, [...data]]).toEqual(["n", [9]]);
          }
        },
      ),
      { seed: 21, numRuns: 60 },
    );
  });
});
