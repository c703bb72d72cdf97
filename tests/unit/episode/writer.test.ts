import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createEpisodeWriter,
  decodePng,
  fileSource,
  openEpisode,
  readSummary,
} from "../../../src/episode/node.ts";
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
