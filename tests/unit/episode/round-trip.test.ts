import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ActionChunk, Dtype, NdArray, Thought, TypedArray } from "../../../src/core/index.ts";
import { float16ToNumber, bfloat16ToNumber } from "../../../src/episode/half.ts";
import {
  createEpisodeWriter,
  decodePng,
  memorySource,
  openEpisode,
  readSummary,
} from "../../../src/episode/node.ts";
import type { EpisodeEvent, EpisodeHeader, EpisodeOutcome } from "../../../src/episode/types.ts";
import { memorySink, sampleHeader, sampleScene, sampleSpec } from "./sample.ts";

const arrays: Record<Dtype, fc.Arbitrary<TypedArray>> = {
  bool: fc.uint8Array({ max: 1, maxLength: 5 }),
  uint8: fc.uint8Array({ maxLength: 5 }),
  int8: fc.int8Array({ maxLength: 5 }),
  uint16: fc.uint16Array({ maxLength: 5 }),
  int16: fc.int16Array({ maxLength: 5 }),
  uint32: fc.uint32Array({ maxLength: 5 }),
  int32: fc.int32Array({ maxLength: 5 }),
  uint64: fc.bigUint64Array({ maxLength: 5 }),
  int64: fc.bigInt64Array({ maxLength: 5 }),
  float16: fc.uint16Array({ maxLength: 5 }),
  bfloat16: fc.uint16Array({ maxLength: 5 }),
  float32: fc.float32Array({ maxLength: 5 }),
  float64: fc.float64Array({ maxLength: 5 }),
};

const ndArray: fc.Arbitrary<NdArray> = fc
  .constantFrom(...(Object.keys(arrays) as Dtype[]))
  .chain((dtype) => arrays[dtype].map((data) => ({ dtype, shape: [data.length], data })));

/** What a reader must give back: every dtype as float64. */
function asNumbers({ dtype, data }: NdArray): Float64Array {
  if (dtype === "float16") return Float64Array.from(data as Uint16Array, float16ToNumber);
  if (dtype === "bfloat16") return Float64Array.from(data as Uint16Array, bfloat16ToNumber);
  return Float64Array.from(Array.from(data as Uint8Array, Number));
}

const name = fc.string({ minLength: 1, maxLength: 6 });
const thoughts: fc.Arbitrary<Thought> = fc.oneof(
  fc.record({ kind: fc.constant("text" as const), tag: name, text: fc.string() }),
  fc.record({ kind: fc.constant("scalar" as const), tag: name, value: fc.double() }),
  fc.record({
    kind: fc.constant("point" as const),
    tag: name,
    position: fc.array(fc.double(), { minLength: 3, maxLength: 3 }),
  }),
  // A kind of a later version must survive as it is.
  fc.record({
    kind: fc.constant("box"),
    tag: name,
    corners: fc.float32Array(),
    label: fc.string(),
  }) as unknown as fc.Arbitrary<Thought>,
);

const chunks: fc.Arbitrary<ActionChunk> = fc
  .record({ horizon: fc.integer({ min: 1, max: 3 }), actionDim: fc.integer({ min: 1, max: 4 }) })
  .chain((size) => {
    const length = size.horizon * size.actionDim;
    return fc
      .float32Array({ minLength: length, maxLength: length })
      .map((data) => ({ ...size, data }));
  });

const image: fc.Arbitrary<NdArray> = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 3, 4))
  .chain((shape) => {
    const length = shape[0] * shape[1] * shape[2];
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data): NdArray => ({ dtype: "uint8", shape, data }));
  });

const someStep = fc.record({
  images: fc.dictionary(fc.constantFrom("front", "wrist/left", "a b"), image, {
    noNullPrototype: true,
  }),
  proprio: fc.dictionary(name, ndArray, { maxKeys: 3, noNullPrototype: true }),
  texts: fc.dictionary(name, fc.string(), { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
  reward: fc.double(),
  success: fc.option(fc.boolean(), { nil: undefined }),
  terminated: fc.boolean(),
  truncated: fc.boolean(),
  gapNs: fc.bigInt({ min: 0n, max: 10n ** 9n }),
  busyNs: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  action: fc.float32Array({ minLength: 1, maxLength: 6 }),
  poses: fc.option(fc.float64Array({ minLength: 21, maxLength: 21 }), { nil: undefined }),
  chunk: fc.option(chunks, { nil: undefined }),
  thoughts: fc.array(thoughts, { maxLength: 3 }),
  event: fc.option(fc.record({ kind: name, text: fc.string() }), { nil: undefined }),
  instruction: fc.option(fc.string(), { nil: undefined }),
});

const outcome: fc.Arbitrary<EpisodeOutcome> = fc.oneof(
  fc.record({ kind: fc.constant("success" as const), step: fc.nat() }),
  fc.record({
    kind: fc.constant("failure" as const),
    reason: fc.constantFrom("time_limit" as const, "unsafe" as const),
    step: fc.nat(),
  }),
  fc.record({ kind: fc.constant("crash" as const), error: fc.string(), step: fc.nat() }),
);

const bound = fc.array(fc.double({ noNaN: true }), { maxLength: 3 });
const header: fc.Arbitrary<EpisodeHeader> = fc
  .record({
    text: fc.tuple(fc.string(), fc.string(), fc.string(), fc.string()),
    seed: fc.oneof(fc.maxSafeNat(), fc.double({ noNaN: true })),
    attempt: fc.integer({ min: 1 }),
    startedNs: fc.bigInt({ min: 1n, max: 2n ** 62n }),
    versions: fc.dictionary(name, fc.string(), { noNullPrototype: true }),
    low: bound,
    initialState: fc.option(fc.nat(), { nil: undefined }),
    hash: fc.option(fc.string(), { nil: undefined }),
  })
  .map(({ text, seed, attempt, startedNs, versions, low, initialState, hash }) => ({
    ...sampleHeader,
    episodeId: text[0],
    task: text[1],
    instruction: text[2],
    suite: text[3],
    seed,
    attempt,
    startedNs,
    versions,
    environment: { name: text[1], version: text[2], versions },
    spec: {
      ...sampleSpec,
      action: {
        components: [{ name: text[0], format: "raw", dtype: "float64", shape: [low.length], low }],
      },
    },
    ...(initialState === undefined ? {} : { initialState }),
    policy: { ...sampleHeader.policy, ...(hash === undefined ? {} : { hash }) },
  }));

describe("an episode of anything", () => {
  it("reads back as it was recorded, whole or cut before its end", async () => {
    const property = fc.asyncProperty(
      header,
      fc.array(someStep, { minLength: 1, maxLength: 5 }),
      fc.record({ outcome, chunkBytes: fc.constantFrom(1, 3000, 2 ** 20) }),
      async (start, list, { outcome: result, chunkBytes }) => {
        const sink = memorySink();
        const writer = await createEpisodeWriter("x", start, {
          chunkBytes,
          openSink: () => Promise.resolve(sink),
        });
        const events: EpisodeEvent[] = [];
        let stampNs = 0n;
        const stamps: bigint[] = [];
        for (const [step, s] of list.entries()) {
          stampNs += s.gapNs;
          stamps.push(stampNs);
          await writer.step({
            timeStep: {
              kind: "mid",
              reward: s.reward,
              terminated: s.terminated,
              truncated: s.truncated,
              busyNs: s.busyNs,
              ...(s.success === undefined ? {} : { success: s.success }),
              ...(s.poses === undefined ? {} : { poses: s.poses }),
              observation: {
                images: s.images,
                proprio: s.proprio,
                texts: s.texts,
                instruction: s.instruction ?? start.instruction,
                step,
                stampNs,
              },
            },
            action: step === 0 ? undefined : s.action,
          });
          if (s.chunk !== undefined) {
            await writer.decision(step, stampNs, {
              chunk: s.chunk,
              thoughts: s.thoughts,
              timing: { totalMs: 1.5 },
            });
          }
          if (s.event !== undefined) {
            events.push({ step, stampNs, ...s.event });
            await writer.event(events.at(-1)!);
          }
        }
        await writer.flush();
        const growing = sink.bytes();
        await writer.end(result);
        for (const bytes of [sink.bytes(), growing]) {
          const complete = bytes !== growing;
          const source = memorySource(bytes);
          const episode = await openEpisode(source);
          expect(episode.complete).toBe(complete);
          expect(episode.outcome).toEqual(complete ? result : undefined);
          expect(episode.header).toEqual(start);
          expect(episode.events).toEqual(events);
          expect(episode.steps).toEqual(
            list.map((s, step) => ({
              step,
              stampNs: stamps[step],
              reward: s.reward,
              terminated: s.terminated,
              truncated: s.truncated,
              busyNs: s.busyNs,
              ...(s.success === undefined ? {} : { success: s.success }),
              ...(step === 0 ? {} : { action: s.action }),
              proprio: Object.fromEntries(
                Object.entries(s.proprio).map(([key, value]) => [key, asNumbers(value)]),
              ),
              texts: s.texts,
              ...(s.instruction === undefined || s.instruction === start.instruction
                ? {}
                : { instruction: s.instruction }),
            })),
          );
          const decided = list.flatMap((s, step) => (s.chunk === undefined ? [] : [{ step, s }]));
          expect(
            episode.decisions.map(({ step, chunk, thoughts: made }) => ({ step, chunk, made })),
          ).toEqual(decided.map(({ step, s }) => ({ step, chunk: s.chunk, made: s.thoughts })));
          const shown = new Map<string, { step: number; image: NdArray }>();
          for (const [step, s] of list.entries()) {
            const { poses } = s;
            if (poses === undefined) expect(episode.poses(step)).toBeUndefined();
            else {
              // The world's own row is the identity by definition.
              expect(episode.poses(step)).toEqual(
                Float64Array.of(0, 0, 0, 1, 0, 0, 0, ...poses.subarray(7)),
              );
            }
            for (const [camera, seen] of Object.entries(s.images))
              shown.set(camera, { step, image: seen });
            for (const camera of ["front", "wrist/left", "a b"]) {
              const found = await episode.image(camera, step);
              expect(found?.step).toBe(shown.get(camera)?.step);
              if (found !== undefined) {
                expect(decodePng(found.bytes).data).toEqual(shown.get(camera)!.image.data);
              }
            }
          }
          const summary = await readSummary(source);
          const { scene, ...withoutScene } = start;
          expect(scene).toBe(sampleScene);
          expect(summary.header).toEqual(withoutScene);
          expect([summary.steps, summary.complete]).toEqual([list.length, complete]);
          expect([...summary.cameras].sort()).toEqual([...shown.keys()].sort());
        }
      },
    );
    await fc.assert(property, { seed: 42, numRuns: 60 });
  });
});
