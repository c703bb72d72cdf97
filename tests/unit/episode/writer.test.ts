import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  createEpisodeWriter,
  decodePng,
  fileSource,
  openEpisode,
  readSummary,
  memorySource,
} from "../../../src/episode/node.ts";
import type { NdArray } from "../../../src/core/index.ts";
import type { EpisodeWriter, EpisodeWriterOptions } from "../../../src/episode/node.ts";
import type { MemorySink } from "./sample.ts";
import { memorySink } from "./sample.ts";
import {
  sampleAction,
  sampleDecision,
  sampleHeader,
  sampleImage,
  samplePoses,
  sampleStep,
} from "./sample.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-episode-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function record(path: string, steps: number): Promise<void> {
  const writer = await createEpisodeWriter(path, sampleHeader);
  await writer.step({ timeStep: sampleStep(0) });
  for (let step = 1; step < steps; step++) {
    if ((step - 1) % 4 === 0)
      await writer.decision(step - 1, BigInt(step - 1) * 50_000_000n, sampleDecision(step - 1));
    await writer.step({
      timeStep: sampleStep(step, step === steps - 1),
      action: sampleAction(step),
    });
  }
  await writer.event({ step: 2, stampNs: 100_000_000n, kind: "grasp", text: "red_cube" });
  await writer.end({ kind: "success", step: steps - 1 });
}

describe("an episode that was recorded to its end", () => {
  it("reads back as it happened", async () => {
    const path = join(folder, "whole.mcap");
    await record(path, 10);
    const source = fileSource(path);
    const episode = await openEpisode(source);
    expect(episode.complete).toBe(true);
    expect(episode.header).toEqual(sampleHeader);
    expect(episode.outcome).toEqual({ kind: "success", step: 9 });
    expect(episode.steps).toHaveLength(10);
    expect(episode.steps[3]).toEqual({
      step: 3,
      stampNs: 150_000_000n,
      reward: 1,
      terminated: false,
      truncated: false,
      success: false,
      action: sampleAction(3),
      proprio: { joints: Float64Array.of(Math.fround(3 / 7), -3), count: Float64Array.of(-3) },
      texts: { chat: "hello 3" },
      busyNs: 1_500_000n,
      info: { contacts: 3 },
    });
    expect(episode.steps[0]!.action).toBeUndefined();
    expect(episode.decisions.map(({ step, executed }) => [step, executed])).toEqual([
      [0, 4],
      [4, 4],
      [8, 1],
    ]);
    expect(episode.decisions[1]!.thoughts).toEqual(sampleDecision(4).thoughts);
    expect(episode.decisions[1]!.chunk).toEqual(sampleDecision(4).chunk);
    expect(episode.decisions[1]!.timingMs).toEqual({ totalMs: 12.5, encodeMs: 3.25 });
    expect(episode.events).toEqual([
      { step: 2, stampNs: 100_000_000n, kind: "grasp", text: "red_cube" },
    ]);
    expect(episode.cameras).toEqual(["front", "wrist"]);
    expect(episode.poses(7)).toEqual(samplePoses(7));
    expect(episode.poses(10)).toBeUndefined();
    const image = (await episode.image("front", 5))!;
    expect([image.format, image.step]).toEqual(["png", 5]);
    expect(decodePng(image.bytes).data).toEqual(sampleImage(5, [12, 16, 3]).data);
    expect(await episode.image("top", 5)).toBeUndefined();
    const { scene: _scene, ...header } = sampleHeader;
    expect(await readSummary(source)).toEqual({
      header,
      outcome: { kind: "success", step: 9 },
      steps: 10,
      durationS: 0.45,
      cameras: ["front", "wrist"],
      complete: true,
    });
    await source.close();
    expect((await readFile(path)).length).toBeGreaterThan(0);
  });
});

describe("an episode writer", () => {
  afterEach(() => vi.useRealTimers());

  const begin = (
    sink: MemorySink,
    options: Partial<EpisodeWriterOptions> = {},
  ): Promise<EpisodeWriter> =>
    createEpisodeWriter("x.mcap", sampleHeader, {
      ...options,
      openSink: () => Promise.resolve(sink),
    });

  it("keeps the order of calls that nobody waits for, and lets their buffers be reused at once", async () => {
    const sink = memorySink();
    const writer = await begin(sink, { chunkBytes: 1 });
    const action = new Float32Array(3);
    const pixels = new Uint8Array(12 * 16 * 3);
    const poses = samplePoses(0);
    const calls: Promise<void>[] = [];
    for (let step = 0; step < 20; step++) {
      action.fill(step);
      pixels.fill(step);
      poses[7] = step;
      const timeStep = sampleStep(step);
      const front: NdArray = { dtype: "uint8", shape: [12, 16, 3], data: pixels };
      const observation = { ...timeStep.observation, images: { front } };
      calls.push(writer.step({ timeStep: { ...timeStep, observation, poses }, action }));
      calls.push(writer.decision(step, observation.stampNs, sampleDecision(step)));
    }
    calls.push(writer.end({ kind: "success", step: 19 }));
    await Promise.all(calls);
    const episode = await openEpisode(memorySource(sink.bytes()));
    expect(episode.steps.map(({ step, action: recorded }) => [step, recorded?.[0]])).toEqual(
      Array.from({ length: 20 }, (_, step) => [step, step]),
    );
    expect(episode.decisions.map(({ step }) => step)).toEqual(
      episode.steps.map(({ step }) => step),
    );
    for (const step of [0, 7, 19]) {
      expect(episode.poses(step)![7]).toBe(step);
      const image = (await episode.image("front", step))!;
      expect(new Set(decodePng(image.bytes).data)).toEqual(new Set([step]));
    }
  });

  it("writes what is buffered half a second after it came, without another call", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const sink = memorySink();
    const writer = await begin(sink);
    await writer.step({ timeStep: sampleStep(0) });
    await vi.advanceTimersByTimeAsync(499);
    expect((await openEpisode(memorySource(sink.bytes()))).steps).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect((await openEpisode(memorySource(sink.bytes()))).steps).toHaveLength(1);
    await writer.abort();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("makes calls wait while too much is on its way to the disk", async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const sink = memorySink();
    const slow: MemorySink = {
      ...sink,
      append: async (parts) => {
        if (sink.calls.length > 0) await gate;
        await sink.append(parts);
      },
    };
    const writer = await begin(slow, { chunkBytes: 1, maxPendingBytes: 10_000 });
    let done = 0;
    const calls = Array.from({ length: 60 }, (_, step) =>
      writer.step({ timeStep: sampleStep(step) }).then(() => done++),
    );
    await vi.waitFor(() => expect(done).toBeGreaterThan(0));
    // Every encoded image has long been ready when a macrotask of this many turns is over.
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBeLessThan(60);
    release();
    await Promise.all(calls);
    await writer.end({ kind: "success", step: 59 });
    expect((await openEpisode(memorySource(sink.bytes()))).steps).toHaveLength(60);
  });

  it("syncs a finished episode to the device before it closes it, and takes nothing more", async () => {
    const sink = memorySink();
    const writer = await begin(sink);
    await writer.step({ timeStep: sampleStep(0) });
    await writer.end({ kind: "crash", error: "worker lost", step: 0 });
    expect(sink.calls.slice(-2)).toEqual(["sync", "close"]);
    const ended = /the episode has ended, must be running/;
    await expect(writer.step({ timeStep: sampleStep(1) })).rejects.toThrow(ended);
    await expect(writer.end({ kind: "success", step: 0 })).rejects.toThrow(ended);
    await writer.abort(); // nothing left to do
    const episode = await openEpisode(memorySource(sink.bytes()));
    expect(episode.outcome).toEqual({ kind: "crash", error: "worker lost", step: 0 });
    expect(episode.complete).toBe(true);
  });

  it.each<[string, NdArray]>([
    ["float32", { dtype: "float32", shape: [1, 1, 3], data: new Float32Array(3) }],
    ["two channels", { dtype: "uint8", shape: [1, 1, 2], data: new Uint8Array(2) }],
    ["too few bytes", { dtype: "uint8", shape: [2, 2, 3], data: new Uint8Array(3) }],
    ["no channels", { dtype: "uint8", shape: [2, 2], data: new Uint8Array(4) }],
  ])("refuses an image of %s by its name, and goes on", async (_, array) => {
    const sink = memorySink();
    const writer = await begin(sink);
    const timeStep = sampleStep(0);
    const odd = { ...timeStep, observation: { ...timeStep.observation, images: { front: array } } };
    await expect(writer.step({ timeStep: odd })).rejects.toBeInstanceOf(TypeError);
    await writer.step({ timeStep });
    await writer.end({ kind: "success", step: 0 });
    expect((await openEpisode(memorySource(sink.bytes()))).steps).toHaveLength(1);
  });

  it("refuses poses of another number of bodies", async () => {
    const writer = await begin(memorySink());
    const timeStep = { ...sampleStep(0), poses: new Float64Array(14) };
    await expect(writer.step({ timeStep })).rejects.toThrow("float64[14], must be float64[3, 7]");
    await writer.abort();
  });
});
