import { beforeAll, describe, expect, it } from "vitest";
import { seeded } from "../../../src/core/index.ts";
import {
  memorySource,
  openEpisode,
  readSummary,
  RecordingError,
} from "../../../src/episode/node.ts";
import type { EpisodeReader } from "../../../src/episode/types.ts";
import { createEpisodeWriter } from "../../../src/episode/node.ts";
import { memorySink, recordSample, sampleHeader, sampleStep } from "./sample.ts";

let whole: Uint8Array;
/** File sizes at which every record was whole: after each record of the data section. */
let boundaries: number[];

beforeAll(async () => {
  const sink = memorySink();
  await recordSample(sink, { chunkBytes: 2500 });
  whole = sink.bytes();
  boundaries = recordEnds(whole);
});

/** Walks the records by their lengths alone. */
function recordEnds(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const ends: number[] = [];
  for (let at = 8; at + 9 <= file.length - 8;) {
    at += 9 + Number(view.getBigUint64(at + 1, true));
    ends.push(at);
  }
  return ends;
}

const open = (bytes: Uint8Array): Promise<EpisodeReader> => openEpisode(memorySource(bytes));

describe("a file that was cut off", () => {
  it("opens at every length, with everything before the cut", async () => {
    const full = await open(whole);
    let steps = 0;
    let opened = 0;
    // At, just before and just after every end of a record, and at places in between.
    const cuts = boundaries.flatMap((end) => [end - 1, end, end + 1, end + 9]);
    for (let length = 0; length < whole.length; length += 101) cuts.push(length);
    cuts.sort((a, b) => a - b);
    for (const length of cuts.filter((cut) => cut < whole.length)) {
      const source = memorySource(whole.subarray(0, length));
      let episode: EpisodeReader;
      try {
        episode = await openEpisode(source);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        // Only before the header is there nothing to open.
        expect(length).toBeLessThan(boundaries[1]!);
        await expect(readSummary(source)).rejects.toBeInstanceOf(SyntaxError);
        continue;
      }
      opened++;
      expect(episode.complete).toBe(false);
      expect(episode.damage).toBeUndefined();
      expect(episode.header.episodeId).toBe(sampleHeader.episodeId);
      expect(episode.steps).toEqual(full.steps.slice(0, episode.steps.length));
      expect(episode.steps.length).toBeGreaterThanOrEqual(steps);
      steps = episode.steps.length;
      const summary = await readSummary(source);
      expect(summary.complete).toBe(false);
      // A chunk whose index is cut off counts in one and not in the other.
      expect(summary.steps).toBeLessThanOrEqual(steps);
      if (steps > 0) {
        const last = episode.steps.at(-1)!.step;
        expect((await episode.image("front", last))?.step).toBe(last);
        expect(episode.poses(last)).toEqual(full.poses(last));
      }
    }
    expect(steps).toBe(12);
    expect(opened).toBeGreaterThan(300);
  });

  it("says so when it is closed by abort()", async () => {
    const sink = memorySink();
    await recordSample(sink, { end: "abort" });
    const episode = await open(sink.bytes());
    expect([episode.complete, episode.outcome, episode.steps.length]).toEqual([
      false,
      undefined,
      12,
    ]);
    expect(sink.calls.at(-1)).toBe("close");
  });

  it("keeps what comes before a damaged tail, and says that there is damage", async () => {
    const at = boundaries.findIndex((end) => end > whole.length / 2);
    // What a power cut leaves: the length is there, the bytes are zeros.
    const bytes = Uint8Array.from(whole);
    bytes.fill(0, boundaries[at]);
    const episode = await open(bytes);
    expect(episode.complete).toBe(false);
    expect(episode.damage).toMatch(/^Cannot read episode/);
    expect(episode.steps.length).toBeGreaterThan(0);
    expect(await episode.refresh()).toBe(false);
  });
});

describe("a file that grows", () => {
  it("is read on from where it ended, whatever was there when it was opened", async () => {
    const full = await open(whole);
    for (let length = boundaries[1]!; length < whole.length; length += 997) {
      const source = memorySource(whole.subarray(0, length));
      const episode = await openEpisode(source);
      const before = episode.steps.length;
      expect(await episode.refresh()).toBe(false);
      const middle = Math.floor((length + whole.length) / 2);
      source.grow(whole.subarray(0, middle));
      await episode.refresh();
      expect(episode.steps.length).toBeGreaterThanOrEqual(before);
      source.grow(whole);
      // Two at once must not hand anything on twice.
      await Promise.all([episode.refresh(), episode.refresh()]);
      expect(episode.complete).toBe(true);
      expect(episode.outcome).toEqual({ kind: "success", step: 11 });
      expect(episode.header).toEqual(sampleHeader);
      expect(episode.steps).toEqual(full.steps);
      expect(episode.decisions).toEqual(full.decisions);
      expect(episode.events).toEqual(full.events);
      expect(episode.poses(11)).toEqual(full.poses(11));
      expect(await episode.image("wrist", 6)).toEqual(await full.image("wrist", 6));
      expect(await episode.refresh()).toBe(false);
    }
  });

  it("reads only what was appended", async () => {
    const half = boundaries.find((end) => end > whole.length / 2)!;
    const source = memorySource(whole.subarray(0, half));
    const reads: number[] = [];
    const spied = {
      ...source,
      read: (offset: number, length: number) => (reads.push(offset), source.read(offset, length)),
    };
    const episode = await openEpisode(spied);
    reads.length = 0;
    source.grow(whole);
    expect(await episode.refresh()).toBe(true);
    expect(Math.min(...reads)).toBeGreaterThanOrEqual(half);
  });
});

describe("a full disk", () => {
  it("ends the recording with an error that names file and cause, and leaves whole chunks", async () => {
    const full = await open(whole);
    for (let capacity = 0; capacity < whole.length; capacity += 1501) {
      const sink = memorySink({ capacity });
      const error: unknown = await recordSample(sink, { chunkBytes: 2500 }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(RecordingError);
      expect(error).toMatchObject({ path: "sample.mcap", code: "ENOSPC" });
      expect((error as Error).message).toBe(
        'Cannot record episode to "sample.mcap": no space is left on the disk, must have some (ENOSPC)',
      );
      const bytes = sink.bytes();
      // Cut to whole records: the next one begins exactly at the end.
      expect([0, ...boundaries]).toContain(bytes.length);
      if (bytes.length === 0) continue;
      const episode = await open(bytes);
      expect(episode.complete).toBe(false);
      expect(episode.steps).toEqual(full.steps.slice(0, episode.steps.length));
    }
  });

  it("is survived by a reader even where the torn chunk cannot be cut off", async () => {
    const sink = memorySink({ capacity: 30_000, canTruncate: false });
    await expect(recordSample(sink, { chunkBytes: 2500 })).rejects.toBeInstanceOf(RecordingError);
    const episode = await open(sink.bytes());
    expect(episode.complete).toBe(false);
    expect(episode.damage).toBeUndefined();
    expect(episode.steps.length).toBeGreaterThan(0);
  });

  it("fails every later call alike, and closes the file once", async () => {
    const sink = memorySink({ capacity: 20_000 });
    const writer = await createEpisodeWriter("f.mcap", sampleHeader, {
      chunkBytes: 1,
      openSink: () => Promise.resolve(sink),
    });
    const failures: unknown[] = [];
    for (let step = 0; step < 40; step++) {
      await writer
        .step({ timeStep: sampleStep(step) })
        .catch((error: unknown) => failures.push(error));
    }
    await writer.flush().catch((error: unknown) => failures.push(error));
    expect(failures.length).toBeGreaterThan(1);
    expect(new Set(failures).size).toBe(1);
    await expect(writer.end({ kind: "crash", error: "x", step: 1 })).rejects.toBe(failures[0]);
    expect(sink.calls.filter((call) => call === "close")).toHaveLength(1);
    expect(sink.calls).not.toContain("sync");
  });
});

describe("hostile bytes", () => {
  it("are refused with SyntaxError or read, never anything else", async () => {
    const rng = seeded(2026);
    const small = memorySink();
    await recordSample(small, { steps: 4, chunkBytes: 1200 });
    const seed = small.bytes();
    const kinds = { opened: 0, refused: 0 };
    for (let run = 0; run < 10_000; run++) {
      const bytes = mutate(seed, () => rng.uniform());
      const source = memorySource(bytes);
      try {
        const episode = await openEpisode(source);
        await episode.image("front", 2);
        await readSummary(source);
        kinds.opened++;
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        kinds.refused++;
      }
    }
    // A fuzzer that only ever sees one of the two tests nothing.
    expect(kinds.opened).toBeGreaterThan(500);
    expect(kinds.refused).toBeGreaterThan(500);
  }, 300_000);
});

function mutate(seed: Uint8Array, uniform: () => number): Uint8Array {
  let bytes = Uint8Array.from(seed);
  const place = (): number => Math.floor(uniform() * bytes.length);
  const mutations = 1 + Math.floor(uniform() * 4);
  for (let i = 0; i < mutations; i++) {
    const kind = uniform();
    if (kind < 0.4) bytes[place()] = Math.floor(uniform() * 256);
    else if (kind < 0.6) bytes[place()]! ^= 1 << Math.floor(uniform() * 8);
    else if (kind < 0.75) {
      // Lengths and offsets that are far too large.
      const at = place();
      for (let k = 0; k < 8 && at + k < bytes.length; k++)
        bytes[at + k] = uniform() < 0.5 ? 0xff : 0x7f;
    } else if (kind < 0.85) bytes = bytes.slice(0, place() + 1);
    else {
      const [from, length] = [place(), Math.floor(uniform() * 64)];
      bytes.set(
        bytes.slice(from, from + length).subarray(0, bytes.length),
        Math.min(place(), Math.max(0, bytes.length - length)),
      );
    }
  }
  return bytes;
}
