import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dtype, NdArray, Observation, TimeStep, Want } from "../../../../src/core/index.ts";
import { decodeMessage, encodeMessage } from "../../../../sim-bridge/wire/codec.ts";
import { wireErrorCode } from "../../../../sim-bridge/wire/errors.ts";
import { DEFAULT_LIMITS } from "../../../../sim-bridge/wire/limits.ts";
import type { Message, MessageBody } from "../../../../sim-bridge/wire/messages.ts";
import { badCases, goodCases } from "../../../conformance/bridge/corpus-cases.ts";
import { packFrames, unpackFrames } from "../../../conformance/bridge/corpus-files.ts";

const ARRAYS = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<Dtype, unknown>;

/** Any tensor: every dtype, ranks 0 to 4, sizes from 0, every bit pattern. */
const ndArray: fc.Arbitrary<NdArray> = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(ARRAYS) as Dtype[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    seed: fc.integer(),
  })
  .map(({ dtype, shape, seed }) => {
    const Type = ARRAYS[dtype];
    const count = shape.reduce((product, dim) => product * dim, 1);
    const bytes = Uint8Array.from({ length: count * Type.BYTES_PER_ELEMENT }, (_, i) =>
      dtype === "bool" ? (seed + i) & 1 : Math.imul(seed + i, 2654435761) >>> 24,
    );
    return { dtype, shape, data: new Type(bytes.buffer) };
  });

const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((n) => n !== "__proto__");
const named = fc.dictionary(name, ndArray, { maxKeys: 4, noNullPrototype: true });
const text = fc.string({ unit: "grapheme", maxLength: 30 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const observation: fc.Arbitrary<Observation> = fc.record({
  images: named,
  proprio: named,
  texts: fc.dictionary(name, text, { maxKeys: 3, noNullPrototype: true }),
  instruction: text,
  step: uint32,
  stampNs: uint64,
});

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
/** JSON turns -0 into 0. */
const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);

const timeStep: fc.Arbitrary<TimeStep> = fc
  .record(
    {
      kind: fc.constantFrom("first", "mid", "last"),
      observation,
      reward: finite,
      truncated: fc.boolean(),
      success: fc.boolean(),
      busyNs: uint64,
      poses: fc.array(fc.array(finite, { minLength: 7, maxLength: 7 }), { maxLength: 3 }),
      info: fc.dictionary(name, json, { maxKeys: 3, noNullPrototype: true }),
    },
    {
      requiredKeys: ["kind", "observation", "reward", "truncated", "busyNs"],
      noNullPrototype: true,
    },
  )
  .map(({ kind, truncated, reward, poses, ...rest }) => ({
    ...rest,
    kind,
    reward: kind === "first" ? 0 : reward,
    terminated: kind === "last" && !truncated,
    truncated: kind === "last" && truncated,
    ...(poses !== undefined && { poses: Float64Array.from(poses.flat()) }),
  }));

const want: fc.Arbitrary<Want> = fc.record({
  images: fc.oneof(
    fc.constantFrom("all" as const, "none" as const),
    fc.array(name, { minLength: 1, maxLength: 3 }),
  ),
  imagesAt: fc.constantFrom("every", "last"),
  poses: fc.boolean(),
  privileged: fc.boolean(),
  depth: fc.boolean(),
  segmentation: fc.boolean(),
});

const body: fc.Arbitrary<MessageBody> = fc.oneof(
  fc.record({
    kind: fc.constant("stepDone" as const),
    steps: fc.array(timeStep, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("decide" as const), observation }),
  fc.record({ kind: fc.constant("restoreDone" as const), step: timeStep }),
  fc.record({
    kind: fc.constant("restore" as const),
    state: fc.uint8Array({ maxLength: 99 }),
    want,
  }),
  fc.record(
    {
      kind: fc.constant("reset" as const),
      task: name,
      seed: fc.maxSafeNat(),
      initialState: uint32,
      want,
    },
    { requiredKeys: ["kind", "task", "seed", "want"], noNullPrototype: true },
  ),
  fc
    .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 })
    .chain((values) =>
      fc.record({
        kind: fc.constant("step" as const),
        chunk: fc.constant({
          data: Float32Array.from(values),
          horizon: 1,
          actionDim: values.length,
        }),
        want,
      }),
    ),
  fc.record({
    kind: fc.constant("error" as const),
    code: name,
    message: text,
    fatal: fc.boolean(),
  }),
);

const message: fc.Arbitrary<Message> = fc.record({
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  inReplyTo: fc.maxSafeNat(),
  body,
});

/** As they come off a socket: Buffers at any offset, mostly not aligned. */
function onTheWire(frames: readonly Uint8Array[]): Buffer[] {
  return unpackFrames(packFrames(frames));
}

describe("the codec", () => {
  it("gives back what it was given, to the last bit", () => {
    fc.assert(
      fc.property(message, (original) => {
        expect(decodeMessage(onTheWire(encodeMessage(original)))).toEqual(original);
      }),
      { numRuns: 400, seed: 1 },
    );
  });

  it("gives the same bytes for what it has read", () => {
    fc.assert(
      fc.property(message, (original) => {
        const frames = encodeMessage(original);
        const again = encodeMessage(decodeMessage(onTheWire(frames)));
        expect(Buffer.compare(packFrames(again), packFrames(frames))).toBe(0);
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  it("does not depend on the order of keys", () => {
    const a: NdArray = { dtype: "uint8", shape: [1], data: Uint8Array.of(1) };
    const b: NdArray = { dtype: "uint8", shape: [1], data: Uint8Array.of(2) };
    const base = { images: {}, texts: {}, instruction: "", step: 0, stampNs: 0n };
    const encode = (proprio: Record<string, NdArray>): Uint8Array =>
      packFrames(
        encodeMessage({
          seq: 1,
          inReplyTo: 0,
          body: { kind: "decide", observation: { ...base, proprio } },
        }),
      );
    expect(encode({ a, b })).toEqual(encode({ b, a }));
  });

  it("copies no tensor, in either direction, unless it must", () => {
    const data = new Float32Array(64);
    const chunk = { data, horizon: 8, actionDim: 8 };
    const want: Want = {
      images: "none",
      imagesAt: "last",
      poses: false,
      privileged: false,
      depth: false,
      segmentation: false,
    };
    const frames = encodeMessage({ seq: 1, inReplyTo: 0, body: { kind: "step", chunk, want } });
    expect(frames[1]?.buffer).toBe(data.buffer);
    const decoded = decodeMessage(frames).body;
    expect(decoded.kind === "step" && decoded.chunk.data.buffer).toBe(data.buffer);
  });

  it("never makes a Node.js Buffer of data: its slice() would be a view", () => {
    const frames = onTheWire(
      encodeMessage({
        seq: 1,
        inReplyTo: 0,
        body: { kind: "snapshotDone", state: Uint8Array.of(1) },
      }),
    );
    const { body: decoded } = decodeMessage(frames);
    expect(decoded.kind === "snapshotDone" && decoded.state.constructor).toBe(Uint8Array);
  });
});

describe("encodeMessage()", () => {
  const encode =
    (body: MessageBody, seq = 1): (() => unknown) =>
    () =>
      encodeMessage({ seq, inReplyTo: 0, body });
  const shown = (array: Partial<NdArray>): MessageBody => ({
    kind: "decide",
    observation: {
      images: {},
      proprio: { a: { dtype: "float32", shape: [2], data: new Float32Array(2), ...array } },
      texts: {},
      instruction: "",
      step: 0,
      stampNs: 0n,
    },
  });

  it.each<[string, () => unknown, ErrorConstructor, RegExp]>([
    [
      "a dtype that is not its array's",
      encode(shown({ dtype: "int32" })),
      TypeError,
      /must match its dtype/,
    ],
    [
      "an unknown dtype",
      encode(shown({ dtype: "object" as Dtype })),
      TypeError,
      /must match its dtype/,
    ],
    ["a shape that is not its length", encode(shown({ shape: [3] })), TypeError, /must agree/],
    ["a fraction of an element", encode(shown({ shape: [4, 0.5] })), TypeError, /must agree/],
    ["a negative dimension", encode(shown({ shape: [-1, -2] })), TypeError, /must agree/],
    [
      "half a surrogate pair",
      encode({ kind: "close", reason: "\ud83e" }),
      RangeError,
      /well-formed/,
    ],
    ["seq 0", encode({ kind: "heartbeat" }, 0), RangeError, /seq is 0/],
    [
      "a seed beyond 2^53",
      encode({
        kind: "reset",
        task: "a",
        seed: 2 ** 53,
        want: {
          images: "all",
          imagesAt: "last",
          poses: false,
          privileged: false,
          depth: false,
          segmentation: false,
        },
      }),
      RangeError,
      /seed/,
    ],
    [
      "a timing that cannot be renamed",
      encode({
        kind: "decided",
        chunk: { data: new Float32Array(1), horizon: 1, actionDim: 1 },
        thoughts: [],
        timing: { totalMs: 1, Total_ms: 2 },
      }),
      RangeError,
      /Total_ms/,
    ],
    [
      "a NaN in a thought",
      encode({
        kind: "decided",
        chunk: { data: new Float32Array(1), horizon: 1, actionDim: 1 },
        thoughts: [{ kind: "scalar", tag: "e", value: NaN }],
        timing: { totalMs: 1 },
      }),
      RangeError,
      /thoughts_json|thought/,
    ],
    [
      "an action that is not finite",
      encode({
        kind: "decided",
        chunk: { data: Float32Array.of(Infinity), horizon: 1, actionDim: 1 },
        thoughts: [],
        timing: { totalMs: 1 },
      }),
      RangeError,
      /row 0, entry 0 is Infinity/,
    ],
  ])("refuses %s", (_, encoding, errorClass, words) => {
    expect(encoding).toThrow(errorClass);
    expect(encoding).toThrow(words);
  });
});

describe("decodeMessage()", () => {
  it("refuses or understands ten thousand damaged messages, and does nothing else", () => {
    // xorshift32: the damage is the same in every run.
    let state = 0x9e3779b9;
    const random = (below: number): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % below;
    };
    const corpus = [
      ...goodCases.map(({ body: good }) => encodeMessage({ seq: 1, inReplyTo: 0, body: good })),
      ...badCases.map(({ frames }) => frames),
    ];
    let understood = 0;
    for (let i = 0; i < 10_000; i++) {
      const frames = (corpus[random(corpus.length)] as readonly Uint8Array[]).map((frame) =>
        Uint8Array.from(frame),
      );
      damage(frames, random);
      try {
        decodeMessage(frames);
        understood++;
      } catch (error) {
        // Only the codec's own errors: anything else is a bug in the codec.
        expect(wireErrorCode(error), String((error as Error).stack)).toBeDefined();
      }
    }
    expect(understood).toBeGreaterThan(100);
    expect(understood).toBeLessThan(9_900);
  });

  it("sets no memory aside for what a header promises", () => {
    const huge = { ...DEFAULT_LIMITS, maxMessageBytes: 1000 };
    const frames = encodeMessage({
      seq: 1,
      inReplyTo: 0,
      body: { kind: "snapshotDone", state: new Uint8Array(2000) },
    });
    expect(() => decodeMessage(frames, huge)).toThrow(RangeError);
  });
});

/** One to four faults: flipped, cut, grown, swapped, dropped, repeated, random. */
function damage(frames: Uint8Array[], random: (below: number) => number): void {
  for (let faults = 1 + random(4); faults > 0; faults--) {
    const at = frames.length === 0 ? 0 : random(frames.length);
    const frame = frames[at] ?? new Uint8Array(0);
    switch (random(8)) {
      case 0:
      case 1:
      case 2:
        if (frame.length > 0) frame[random(frame.length)] = random(256);
        break;
      case 3:
        frames[at] = frame.slice(0, random(frame.length + 1));
        break;
      case 4:
        frames[at] = Uint8Array.from([
          ...frame,
          ...Array.from({ length: random(9) }, () => random(256)),
        ]);
        break;
      case 5:
        frames.splice(at, random(2));
        break;
      case 6:
        frames.splice(at, 0, frame.slice());
        break;
      case 7:
        frames[at] = Uint8Array.from({ length: random(64) }, () => random(256));
    }
  }
}
