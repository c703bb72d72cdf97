import { McapWriter } from "@mcap/core";
import { describe, expect, it } from "vitest";
import { encodePng, memorySource, openEpisode, readSummary } from "../../../src/episode/node.ts";
import type { SchemaName } from "../../../src/episode/schemas.ts";
import { descriptorOf, encodeMessage } from "../../../src/episode/schemas.ts";

const png = encodePng({ width: 2, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4) });

interface ForeignMessage {
  readonly topic: string;
  readonly logTime: bigint;
  readonly schema: SchemaName;
  readonly message: object;
}

/** An MCAP file as another program would write it: the reference writer, one mixed chunk, no metadata. */
async function foreignFile(
  messages: readonly ForeignMessage[],
  options: { useChunks?: boolean; repeatChannels?: boolean } = {},
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let position = 0n;
  const writable = {
    position: () => position,
    write: (bytes: Uint8Array) => {
      parts.push(Uint8Array.from(bytes));
      position += BigInt(bytes.length);
      return Promise.resolve();
    },
  };
  const writer = new McapWriter({ writable, ...options });
  await writer.start({ profile: "", library: "other" });
  const channels = new Map<string, number>();
  for (const { topic, schema, logTime, message } of messages) {
    let channelId = channels.get(topic);
    if (channelId === undefined) {
      const data = descriptorOf(schema);
      const schemaId = await writer.registerSchema({ name: schema, encoding: "protobuf", data });
      const metadata = new Map<string, string>();
      channelId = await writer.registerChannel({
        schemaId,
        topic,
        messageEncoding: "protobuf",
        metadata,
      });
      channels.set(topic, channelId);
    }
    const data = encodeMessage(schema, message);
    await writer.addMessage({ channelId, sequence: 0, logTime, publishTime: logTime, data });
  }
  await writer.end();
  return Buffer.concat(parts);
}

const image = (topic: string, logTime: bigint, format = "png"): ForeignMessage => ({
  topic,
  logTime,
  schema: "foxglove.CompressedImage",
  message: { frame_id: "c", data: png, format },
});
const log = (logTime: bigint): ForeignMessage => ({
  topic: "/log",
  logTime,
  schema: "foxglove.Log",
  message: { level: 2, message: "hello" },
});

describe("an MCAP file of another writer", () => {
  it("opens with one step for every image of its busiest camera", async () => {
    const second = 1_000_000_000n;
    const bytes = await foreignFile([
      log(0n),
      image("/cam", 10n * second),
      image("/camera/top/image", 11n * second),
      image("/cam", 12n * second),
      image("/cam", 14n * second, "jpg"),
    ]);
    const episode = await openEpisode(memorySource(bytes));
    expect(episode.complete).toBe(true);
    expect([...episode.cameras].sort()).toEqual(["/cam", "top"]);
    expect(episode.steps.map(({ step, stampNs }) => [step, stampNs])).toEqual([
      [0, 0n],
      [1, 2n * second],
      [2, 4n * second],
    ]);
    expect(episode.header).toMatchObject({ task: "unknown", startedNs: 10n * second });
    expect(episode.header.spec.controlFreqHz).toBe(0.5);
    expect(await episode.image("/cam", 1)).toEqual({
      format: "png",
      bytes: Uint8Array.from(png),
      step: 1,
    });
    expect((await episode.image("/cam", 2))?.format).toBe("jpeg");
    // The newest one not later than the step: there is none before 11 s.
    expect(await episode.image("top", 0)).toBeUndefined();
    expect((await episode.image("top", 1))?.step).toBe(0);
  });

  it("is refused with a clear error where it has no images", async () => {
    const bytes = await foreignFile([log(1n)]);
    const expected = 'Cannot read episode: it has no metadata "episode"';
    await expect(openEpisode(memorySource(bytes))).rejects.toThrow(expected);
    await expect(openEpisode(memorySource(bytes))).rejects.toBeInstanceOf(SyntaxError);
    await expect(readSummary(memorySource(bytes))).rejects.toThrow(expected);
  });

  it("is refused where its images are of a kind that no browser is promised to show", async () => {
    const episode = await openEpisode(
      memorySource(await foreignFile([image("/cam", 1n, "raw16")])),
    );
    await expect(episode.image("/cam", 0)).rejects.toThrow(/raw16, must be png or jpeg/);
  });

  it.each(["", "hello", "\x89MCAP1\r\n and more"])("%j is not one", async (text) => {
    const source = memorySource(new TextEncoder().encode(text));
    await expect(openEpisode(source)).rejects.toBeInstanceOf(SyntaxError);
    await expect(readSummary(source)).rejects.toBeInstanceOf(SyntaxError);
  });
});
