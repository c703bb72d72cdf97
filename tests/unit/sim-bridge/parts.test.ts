import { describe, expect, it } from "vitest";
import type {
  ComponentSpec,
  EnvironmentSpec,
  NdArray,
  Observation,
} from "../../../src/core/index.ts";
import { Arrivals } from "../../../sim-bridge/arrivals.ts";
import { observationFault } from "../../../sim-bridge/check-observation.ts";
import { Conversation } from "../../../sim-bridge/conversation.ts";
import { decodeKey, makeCurveKeys } from "../../../sim-bridge/curve.ts";
import { parseEndpoint } from "../../../sim-bridge/endpoint.ts";
import { errorBody } from "../../../sim-bridge/error-body.ts";
import { hubSettings } from "../../../sim-bridge/hub-options.ts";
import { RoundTrips } from "../../../sim-bridge/statistics.ts";
import { BRIDGE_VERSION } from "../../../sim-bridge/version.ts";
import { decodeMessage, encodeMessage } from "../../../sim-bridge/wire/codec.ts";
import { DEFAULT_LIMITS } from "../../../sim-bridge/wire/limits.ts";
import { SCHEMA_FINGERPRINT, schemaFingerprint } from "../../../sim-bridge/wire/schema.ts";

describe("parseEndpoint()", () => {
  it.each([
    ["tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555", true],
    ["tcp://localhost:0", "tcp://127.0.0.1:*", true],
    ["tcp://127.1.2.3:*", "tcp://127.1.2.3:*", true],
    ["tcp://[::1]:7", "tcp://[::1]:7", true],
    ["tcp://[fe80::1%eth0]:7", "tcp://[fe80::1%eth0]:7", false],
    ["tcp://*:5555", "tcp://*:5555", false],
    ["tcp://robot.local:5555", "tcp://robot.local:5555", false],
    ["tcp://127.0.0.1.example.com:5555", "tcp://127.0.0.1.example.com:5555", false],
    ["ipc:///tmp/hub", "ipc:///tmp/hub", true],
    ["inproc://hub", "inproc://hub", true],
  ])("reads %s", (text, address, local) => {
    expect(parseEndpoint(text)).toMatchObject({ address, local });
  });

  it.each([
    "",
    "tcp://",
    "tcp://:5555",
    "tcp://::1:5555",
    "udp://127.0.0.1:1",
    "ipc://",
    "tcp://a:65536",
  ])("refuses %j", (text) => {
    expect(() => parseEndpoint(text)).toThrow(/^Cannot use the endpoint/);
  });
});

describe("decodeKey()", () => {
  it("reads the example of ZeroMQ's RFC 32, padded to a key", () => {
    // RFC 32: 86 4F D2 6F B5 59 F7 5B is "HelloWorld".
    expect(decodeKey("HelloWorld".repeat(4)).toString("hex")).toBe("864fd26fb559f75b".repeat(4));
  });

  it("reads every key that ZeroMQ makes", () => {
    for (let i = 0; i < 20; i++) expect(decodeKey(makeCurveKeys().publicKey)).toHaveLength(32);
  });

  it.each(["", "HelloWorld", " ".repeat(40), "#".repeat(40)])("refuses %j", (text) => {
    expect(() => decodeKey(text)).toThrow(RangeError);
  });
});

describe("the schema's fingerprint", () => {
  it("is the first 16 digits of the SHA-256 of the bare text", () => {
    // printf 'message A { int32 a = 1; }' | sha256sum
    expect(schemaFingerprint("message A { int32 a = 1; }")).toBe("210e7b2daf847445");
  });

  it("does not change with comments and white space, but with anything else", () => {
    const text = "message A { int32 a = 1; }";
    const spread = "\r\n// a\nmessage A { // b\r\n\tint32   a = 1;\n}\n\n";
    expect(schemaFingerprint(spread)).toBe(schemaFingerprint(text));
    expect(schemaFingerprint(text.replace("1", "2"))).not.toBe(schemaFingerprint(text));
    expect(SCHEMA_FINGERPRINT).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe("Arrivals", () => {
  it("hands out first come, first served, to those who came first", async () => {
    const arrivals = new Arrivals<string>();
    const [one, two] = [arrivals.next(), arrivals.next()];
    for (const name of ["a", "b", "c", "d"]) arrivals.push(name);
    arrivals.remove("c");
    expect(await Promise.all([one, two, arrivals.next()])).toEqual(["a", "b", "d"]);
  });

  it("does not lose what comes for one who no longer waits", async () => {
    const arrivals = new Arrivals<string>();
    const impatient = new AbortController();
    const abandoned = arrivals.next(impatient.signal);
    impatient.abort();
    await expect(abandoned).rejects.toMatchObject({ name: "AbortError" });
    await expect(arrivals.next(impatient.signal)).rejects.toMatchObject({ name: "AbortError" });
    arrivals.push("a");
    expect(await arrivals.next()).toBe("a");
  });

  it("ends all waiting when it closes", async () => {
    const arrivals = new Arrivals<string>();
    const waiting = arrivals.next();
    arrivals.close();
    expect([await waiting, await arrivals.next()]).toEqual([undefined, undefined]);
  });
});

describe("RoundTrips", () => {
  it("has nearest-rank percentiles of what the bridge costs", () => {
    const trips = new RoundTrips();
    for (let ms = 100; ms >= 1; ms--) trips.add(ms * 1e6, 0.5e6);
    const { roundTrip, bridge, simulator } = trips.stats();
    expect(roundTrip).toEqual({ count: 100, p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100 });
    expect(bridge).toEqual({ count: 100, p50Ms: 49.5, p90Ms: 89.5, p99Ms: 98.5, maxMs: 99.5 });
    expect(simulator).toMatchObject({ p50Ms: 0.5, maxMs: 0.5 });
  });

  it("forgets the oldest, and never shows less than nothing", () => {
    const trips = new RoundTrips();
    trips.add(1e12, 0);
    for (let i = 0; i < 10_000; i++) trips.add(1e6, 2e6);
    const { roundTrip, bridge } = trips.stats();
    expect(roundTrip).toMatchObject({ count: 10_001, maxMs: 1 });
    expect(bridge.maxMs).toBe(0);
  });

  it("is all zeros before the first", () => {
    expect(new RoundTrips().stats().roundTrip).toEqual({
      count: 0,
      p50Ms: 0,
      p90Ms: 0,
      p99Ms: 0,
      maxMs: 0,
    });
  });
});

describe("errorBody()", () => {
  it("makes anything sendable: too long, or half a surrogate pair", () => {
    for (const words of ["x".repeat(100_000), "\ud83e", `${"x".repeat(4095)}🤖`, ""]) {
      const body = errorBody("failed", words, { fatal: true });
      const [frame] = encodeMessage({ seq: 1, inReplyTo: 0, body });
      expect(decodeMessage([frame as Uint8Array]).body).toEqual(body);
    }
  });
});

describe("hubSettings()", () => {
  it.each([
    { heartbeatS: 0 },
    { requestTimeoutMs: NaN },
    { requestTimeoutMs: 2 ** 31 },
    { heartbeatS: -1 },
  ])("refuses %j", (options) => {
    expect(() => hubSettings({ endpoint: "inproc://a", ...options })).toThrow(RangeError);
  });
});

it("the bridge knows the version of its package", () => {
  expect(BRIDGE_VERSION).toMatch(/^\d+\.\d+\.\d+/);
});

describe("Conversation", () => {
  const talk = (): { conversation: Conversation; sent: Uint8Array[][] } => {
    const sent: Uint8Array[][] = [];
    const conversation = new Conversation({
      peer: "them",
      send: (frames) => sent.push(frames),
      limits: DEFAULT_LIMITS,
      copyTensors: true,
    });
    return { conversation, sent };
  };
  const asking = { expect: "snapshotDone", action: "take a snapshot", timeoutMs: 60_000 } as const;

  it("does not use up a number for what cannot be sent", async () => {
    const { conversation, sent } = talk();
    const reset = {
      kind: "reset",
      task: "",
      seed: 0,
      want: {
        images: "all",
        imagesAt: "last",
        poses: false,
        privileged: false,
        depth: false,
        segmentation: false,
      },
    } as const;
    await expect(conversation.ask(reset, { ...asking, expect: "resetDone" })).rejects.toThrow(
      RangeError,
    );
    expect(conversation.isWaiting).toBe(false);
    conversation.say({ kind: "heartbeat" });
    expect(decodeMessage(sent[0] as Uint8Array[]).seq).toBe(1);
  });

  it("copies tensors where memory is shared", () => {
    const { conversation, sent } = talk();
    const data = Float32Array.of(1, 2);
    conversation.say({
      kind: "step",
      chunk: { data, horizon: 1, actionDim: 2 },
      want: {
        images: "all",
        imagesAt: "last",
        poses: false,
        privileged: false,
        depth: false,
        segmentation: false,
      },
    });
    data.fill(9);
    const { body } = decodeMessage(sent[0] as Uint8Array[]);
    expect(body.kind === "step" && [...body.chunk.data]).toEqual([1, 2]);
  });

  it("fails the open question when the other side is lost, and every later one", async () => {
    const { conversation } = talk();
    const asked = conversation.ask({ kind: "snapshot" }, asking);
    conversation.lose("left");
    conversation.lose("left again");
    await expect(asked).rejects.toThrow("Cannot take a snapshot: them left");
    await expect(conversation.ask({ kind: "snapshot" }, asking)).rejects.toThrow("them left");
    expect(await conversation.lost).toBe("left");
  });

  it("takes a fatal error out of order: it may come from one who does not know us", () => {
    const { conversation } = talk();
    const error = { kind: "error", code: "hello_expected", message: "who?", fatal: true } as const;
    expect(conversation.accept({ seq: 77, inReplyTo: 0, body: error })?.body).toBe(error);
    expect(() =>
      conversation.accept({ seq: 9, inReplyTo: 0, body: { kind: "heartbeat" } }),
    ).toThrow(/must be 2/);
  });
});

describe("observationFault()", () => {
  const component = (changes: Partial<ComponentSpec> = {}): ComponentSpec => ({
    name: "a",
    format: "raw",
    dtype: "float32",
    shape: [2],
    ...changes,
  });
  const specOf = (part: ComponentSpec): EnvironmentSpec => ({
    observation: {
      images: [{ name: "front", height: 1, width: 2, channels: 3 }],
      proprio: [part],
      texts: [{ name: "chat", maxLength: 2 }],
    },
    action: { components: [] },
    controlFreqHz: 1,
    maxSteps: 1,
    privileged: false,
    snapshot: false,
  });
  const shown = (a: NdArray, changes: Partial<Observation> = {}): Observation => ({
    images: {},
    proprio: { a },
    texts: { chat: "" },
    instruction: "",
    step: 0,
    stampNs: 0n,
    ...changes,
  });
  const f32 = (...values: number[]): NdArray => ({
    dtype: "float32",
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const fault = (part: ComponentSpec, observation: Observation) =>
    observationFault(observation, { spec: specOf(part), wanted: [] });

  it("lets an infinity pass only where that element's bound on that side is infinite", () => {
    const bounds = { low: [0, -Infinity], high: [Infinity, 1] };
    expect(fault(component(bounds), shown(f32(Infinity, -Infinity)))).toBeUndefined();
    expect(fault(component(bounds), shown(f32(0, Infinity)))?.code).toBe("non_finite");
    expect(fault(component(bounds), shown(f32(-Infinity, 0)))?.code).toBe("non_finite");
    expect(fault(component({ high: [Infinity] }), shown(f32(0, Infinity)))).toBeUndefined();
    expect(fault(component(), shown(f32(0, Infinity)))?.message).toContain("index 1");
  });

  it("never lets a NaN pass", () => {
    const bounds = { low: [-Infinity], high: [Infinity] };
    expect(fault(component(bounds), shown(f32(NaN, 0)))?.code).toBe("non_finite");
  });

  it.each([
    ["float16", 0x7c00, "Infinity"],
    ["float16", 0xfe00, "NaN"],
    ["bfloat16", 0xff80, "-Infinity"],
    ["bfloat16", 0x7f81, "NaN"],
  ] as const)("knows %s 0x%s as %s", (dtype, bits, words) => {
    const array = (value: number): NdArray => ({ dtype, shape: [1], data: Uint16Array.of(value) });
    const part = component({ dtype, shape: [1] });
    expect(fault(part, shown(array(bits)))?.message).toContain(`has ${words} at index 0`);
    expect(fault(part, shown(array(bits & 0x7bff & ~0x0400)))).toBeUndefined();
  });

  it("counts the characters of a text as people do", () => {
    expect(fault(component(), shown(f32(0, 0), { texts: { chat: "🤖🤖" } }))).toBeUndefined();
    expect(fault(component(), shown(f32(0, 0), { texts: { chat: "abc" } }))?.message).toMatch(
      /3 characters/,
    );
    expect(fault(component(), shown(f32(0, 0), { texts: {} }))?.message).toMatch(/absent/);
  });

  it("looks at depth and segmentation, too", () => {
    const depth = (value: number, shape = [1, 2]): Partial<Observation> => ({
      depth: { front: { dtype: "float32", shape, data: Float32Array.of(1, value) } },
    });
    expect(fault(component(), shown(f32(0, 0), depth(Infinity)))).toBeUndefined();
    expect(fault(component(), shown(f32(0, 0), depth(NaN)))?.code).toBe("non_finite");
    expect(fault(component(), shown(f32(0, 0), depth(1, [2, 1])))?.code).toBe("bad_observation");
    const segmentation = {
      side: { dtype: "uint16", shape: [1, 2], data: new Uint16Array(2) },
    } as const;
    expect(fault(component(), shown(f32(0, 0), { segmentation }))?.message).toMatch(/"side"/);
  });
});
