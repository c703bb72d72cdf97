/**
 * The golden messages of the wire: one of every kind, every dtype, the edges of every rule, and
 * messages that must be refused. `corpus.test.ts` keeps `sim-bridge/wire/corpus` equal to this list.
 */
import type {
  ComponentSpec,
  EnvironmentSpec,
  NdArray,
  TimeStep,
  Want,
} from "../../../src/core/index.ts";
import type { MessageBody } from "../../../sim-bridge/wire/messages.ts";
import type { WireErrorCode } from "../../../sim-bridge/wire/errors.ts";
import type { WireLimits } from "../../../sim-bridge/wire/limits.ts";
import { encodeMessage } from "../../../sim-bridge/wire/codec.ts";
import { envelopeType } from "../../../sim-bridge/wire/schema.ts";

export interface GoodCase {
  readonly name: string;
  readonly body: MessageBody;
  readonly seq?: number;
  readonly inReplyTo?: number;
}

export interface BadCase {
  readonly name: string;
  readonly frames: readonly Uint8Array[];
  readonly code: WireErrorCode;
  /** Part of the error message of this implementation; other implementations need only the code. */
  readonly contains: string;
  readonly limits?: Partial<WireLimits>;
}

const FINGERPRINT = "0123456789abcdef";

const joints: ComponentSpec = {
  name: "joints",
  format: "joint_position",
  dtype: "float32",
  shape: [3],
  unit: "rad",
  low: [-3.5, -2, -Infinity],
  high: [3.5, 2, Infinity],
};

const spec: EnvironmentSpec = {
  observation: {
    images: [
      { name: "front", height: 2, width: 3, channels: 3 },
      { name: "wrist", height: 1, width: 2, channels: 1 },
    ],
    proprio: [joints, { name: "clock", format: "raw", dtype: "int64", shape: [] }],
    texts: [{ name: "chat", maxLength: 80 }],
  },
  action: {
    components: [
      {
        name: "delta",
        format: "delta_position",
        dtype: "float32",
        shape: [3],
        unit: "m",
        frame: "robot_base",
        low: [-1],
        high: [1],
        description: "scaled by 0.05 m",
      },
      { name: "gripper", format: "gripper_close_positive", dtype: "float32", shape: [1] },
      { name: "tool", format: "discrete", dtype: "int64", shape: [], categories: [4] },
      { name: "keys", format: "multi_discrete", dtype: "int64", shape: [2], categories: [2, 3] },
      {
        name: "say",
        format: "text",
        dtype: "int32",
        shape: [5],
        charset: "abc é",
        minLength: 1,
      },
    ],
  },
  controlFreqHz: 20,
  maxSteps: 220,
  privileged: true,
  snapshot: true,
};

const want: Want = {
  images: ["front", "wrist"],
  imagesAt: "every",
  poses: true,
  privileged: true,
  depth: true,
  segmentation: true,
};
const wantNothing: Want = {
  images: "none",
  imagesAt: "last",
  poses: false,
  privileged: false,
  depth: false,
  segmentation: false,
};

const bytes = (shape: readonly number[], start = 0): NdArray => {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { dtype: "uint8", shape, data: Uint8Array.from({ length: count }, (_, i) => start + i) };
};

const f32 = (...values: number[]): NdArray => ({
  dtype: "float32",
  shape: [values.length],
  data: Float32Array.from(values),
});

const mid = (step: number): TimeStep => ({
  kind: "mid",
  observation: {
    images: { front: bytes([2, 3, 3], step), wrist: bytes([1, 2, 1], 200) },
    proprio: {
      joints: f32(0.5, -1.25, 3),
      clock: { dtype: "int64", shape: [], data: BigInt64Array.of(-1n) },
    },
    texts: { chat: "grüß dich 🤖" },
    instruction: "lift the red cube",
    step,
    stampNs: BigInt(step) * 50_000_000n,
  },
  reward: -0.125,
  terminated: false,
  truncated: false,
  success: false,
  busyNs: 1_234_567n,
});

const plain = (step: TimeStep, proprio: Readonly<Record<string, NdArray>>): TimeStep => ({
  ...step,
  observation: {
    images: {},
    proprio,
    texts: {},
    instruction: "",
    step: step.observation.step,
    stampNs: 0n,
  },
});

const first: TimeStep = { ...mid(0), kind: "first", reward: 0, success: false };
const last: TimeStep = { ...mid(3), kind: "last", reward: 1, terminated: true, success: true };

const rich: TimeStep = {
  ...mid(2),
  observation: {
    ...mid(2).observation,
    privileged: {
      entities: [
        {
          name: "red_cube",
          kind: "object",
          category: "red cube",
          position: [0.1, -0.2, 0.02],
          quatWxyz: [1, 0, 0, 0],
          halfExtents: [0.02, 0.02, 0.02],
          boxes: { front: { xMin: 1, yMin: 0, xMax: 3, yMax: 2 } },
        },
      ],
      gripper: { position: [0, 0, 0.3], quatWxyz: [0, 1, 0, 0], opening: 1, holding: [] },
      goal: [["lifted", "red_cube"]],
    },
    depth: { front: { dtype: "float32", shape: [1, 2], data: Float32Array.of(0.75, Infinity) } },
    segmentation: { front: { dtype: "uint16", shape: [1, 2], data: Uint16Array.of(0, 65535) } },
  },
  poses: Float64Array.of(0, 0, 0, 1, 0, 0, 0, 0.1, -0.2, 0.02, 1, 0, 0, 0),
  info: { note: "contact", force_n: 2.5, parts: ["a", null, true] },
};

const everyDtype: Readonly<Record<string, NdArray>> = {
  bool: { dtype: "bool", shape: [2], data: Uint8Array.of(0, 1) },
  uint8: { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 255) },
  int8: { dtype: "int8", shape: [2], data: Int8Array.of(-128, 127) },
  uint16: { dtype: "uint16", shape: [2], data: Uint16Array.of(0, 65535) },
  int16: { dtype: "int16", shape: [2], data: Int16Array.of(-32768, 32767) },
  uint32: { dtype: "uint32", shape: [2], data: Uint32Array.of(0, 4294967295) },
  int32: { dtype: "int32", shape: [2], data: Int32Array.of(-2147483648, 2147483647) },
  uint64: { dtype: "uint64", shape: [2], data: BigUint64Array.of(0n, 18446744073709551615n) },
  int64: {
    dtype: "int64",
    shape: [2],
    data: BigInt64Array.of(-9223372036854775808n, 9223372036854775807n),
  },
  // 1.0 and -2.0 as raw bits.
  float16: { dtype: "float16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) },
  bfloat16: { dtype: "bfloat16", shape: [2], data: Uint16Array.of(0x3f80, 0xc000) },
  float32: { dtype: "float32", shape: [2], data: Float32Array.of(1.5, -0) },
  float64: { dtype: "float64", shape: [2], data: Float64Array.of(Math.PI, 5e-324) },
};

const shapes: Readonly<Record<string, NdArray>> = {
  scalar: { dtype: "float64", shape: [], data: Float64Array.of(2.5) },
  empty: { dtype: "float32", shape: [0], data: new Float32Array(0) },
  empty_rows: { dtype: "int64", shape: [0, 3], data: new BigInt64Array(0) },
  empty_columns: { dtype: "uint8", shape: [3, 0], data: new Uint8Array(0) },
  rank8: bytes([1, 2, 1, 2, 1, 2, 1, 2]),
};

const hello: MessageBody = {
  kind: "hello",
  role: "simulator",
  name: "counter",
  version: "1.2.3",
  versions: { engine: "none", python: "3.11.9" },
  schemaFingerprint: FINGERPRINT,
  spec,
  tasks: [
    { name: "count", suite: "counter", instruction: "count up", initialStates: 3 },
    {
      name: "short",
      suite: "counter",
      instruction: "count to four",
      initialStates: 0,
      maxSteps: 4,
    },
  ],
  heartbeatS: 1,
};

const chunk = { data: Float32Array.of(0, 0.5, -1, 1, 0.25, -0.75), horizon: 2, actionDim: 3 };

/** Sent by one side, to be understood by the other, and encoded to the very same bytes again. */
export const goodCases: readonly GoodCase[] = [
  { name: "hello_simulator", body: hello },
  {
    name: "hello_policy_client",
    body: {
      ...hello,
      role: "policyClient",
      name: "arm-7",
      versions: {},
      tasks: [],
      heartbeatS: 0.5,
      spec: {
        observation: { images: [], proprio: [joints], texts: [] },
        action: { components: [joints] },
        controlFreqHz: 12.5,
        maxSteps: 1,
        privileged: false,
        snapshot: false,
      },
    },
  },
  {
    name: "welcome",
    body: {
      kind: "welcome",
      schemaFingerprint: FINGERPRINT,
      runtimeVersion: "0.1.0",
      heartbeatS: 1,
      maxMessageBytes: 268435456,
    },
  },
  {
    name: "reset",
    seq: 2,
    body: { kind: "reset", task: "count", seed: 7, initialState: 0, maxSteps: 100, want },
  },
  {
    name: "reset_largest_seed",
    seq: 2,
    body: { kind: "reset", task: "count", seed: Number.MAX_SAFE_INTEGER, want: wantNothing },
  },
  {
    name: "reset_all_images",
    seq: 2,
    body: { kind: "reset", task: "count", seed: 0, want: { ...wantNothing, images: "all" } },
  },
  {
    name: "reset_done",
    seq: 2,
    inReplyTo: 2,
    body: {
      kind: "resetDone",
      first,
      instruction: "lift the red cube",
      scene: {
        bodies: ["world", "cube"],
        geoms: [
          {
            body: "cube",
            shape: { kind: "box", halfExtents: [0.02, 0.02, 0.02] },
            position: [0, 0, 0],
            quatWxyz: [1, 0, 0, 0],
            rgba: [0.8, 0.1, 0.1, 1],
          },
          {
            body: "world",
            shape: { kind: "mesh", vertices: [0, 0, 0, 1, 0, 0, 0, 1, 0], triangles: [0, 1, 2] },
            position: [0, 0, 0],
            quatWxyz: [1, 0, 0, 0],
            rgba: [1, 1, 1, 1],
          },
        ],
        cameras: [
          {
            name: "front",
            body: "world",
            position: [1, 0, 0.5],
            quatWxyz: [0.5, 0.5, 0.5, 0.5],
            fovyRad: 0.8,
          },
        ],
        gripperBody: "cube",
      },
    },
  },
  {
    name: "reset_done_without_scene",
    seq: 2,
    inReplyTo: 2,
    body: { kind: "resetDone", first, instruction: "" },
  },
  { name: "step", seq: 3, body: { kind: "step", chunk, want: wantNothing } },
  {
    name: "step_done",
    seq: 3,
    inReplyTo: 3,
    body: { kind: "stepDone", steps: [mid(1), mid(2), last] },
  },
  {
    name: "step_done_truncated",
    seq: 3,
    inReplyTo: 3,
    body: { kind: "stepDone", steps: [{ ...last, terminated: false, truncated: true }] },
  },
  { name: "step_done_rich", seq: 3, inReplyTo: 3, body: { kind: "stepDone", steps: [rich] } },
  {
    name: "step_done_every_dtype",
    seq: 3,
    inReplyTo: 3,
    body: { kind: "stepDone", steps: [plain(mid(1), everyDtype)] },
  },
  {
    name: "step_done_shapes",
    seq: 3,
    inReplyTo: 3,
    body: { kind: "stepDone", steps: [plain(mid(1), shapes)] },
  },
  {
    // The codec carries them; the receiver that knows the spec decides (protocol.md, "Finite numbers").
    name: "step_done_infinite_observation",
    seq: 3,
    inReplyTo: 3,
    body: { kind: "stepDone", steps: [plain(mid(1), { joints: f32(1, -1, Infinity) })] },
  },
  {
    name: "step_done_largest_times",
    seq: 4294967296,
    inReplyTo: 4294967297,
    body: {
      kind: "stepDone",
      steps: [
        {
          ...plain(mid(1), {}),
          busyNs: 18446744073709551615n,
          observation: {
            ...plain(mid(1), {}).observation,
            step: 4294967295,
            stampNs: 9007199254740993n,
          },
        },
      ],
    },
  },
  { name: "snapshot", seq: 4, body: { kind: "snapshot" } },
  {
    name: "snapshot_done",
    seq: 4,
    inReplyTo: 4,
    body: { kind: "snapshotDone", state: Uint8Array.of(0, 1, 254, 255) },
  },
  { name: "restore", seq: 5, body: { kind: "restore", state: Uint8Array.of(9), want } },
  { name: "restore_done", seq: 5, inReplyTo: 5, body: { kind: "restoreDone", step: mid(2) } },
  { name: "close", seq: 6, body: { kind: "close", reason: "evaluation finished" } },
  {
    name: "error",
    seq: 6,
    inReplyTo: 5,
    body: { kind: "error", code: "bad_request", message: 'there is no task "fly"', fatal: false },
  },
  {
    name: "error_fatal",
    body: { kind: "error", code: "spec_mismatch", message: "rates differ", fatal: true },
  },
  { name: "heartbeat", seq: 9, body: { kind: "heartbeat" } },
  {
    name: "episode_start",
    seq: 2,
    body: { kind: "episodeStart", task: "pick", instruction: "pick it up", seed: 3 },
  },
  { name: "episode_started", seq: 2, inReplyTo: 2, body: { kind: "episodeStarted" } },
  { name: "decide", seq: 3, body: { kind: "decide", observation: mid(4).observation } },
  {
    name: "decided",
    seq: 3,
    inReplyTo: 3,
    body: {
      kind: "decided",
      chunk,
      thoughts: [
        { kind: "text", tag: "plan", text: "grasp, then lift" },
        { kind: "point", tag: "target", position: [0.1, 0.2, 0.3] },
        { kind: "scalar", tag: "energy", value: -1.5 },
      ],
      timing: { totalMs: 12.5, encodeMs: 4 },
    },
  },
  {
    name: "decided_without_thoughts",
    seq: 3,
    inReplyTo: 3,
    body: { kind: "decided", chunk, thoughts: [], timing: { totalMs: 0 } },
  },
];

// ---- messages that must be refused ----------------------------------------------------------------

type Fields = Readonly<Record<string, unknown>>;

const envelope = (fields: Fields): Uint8Array =>
  envelopeType.encode({ protocolVersion: 1, seq: 2, ...fields }).finish();

const observation: Fields = { step: 1 };
const timeStep: Fields = { kind: 2, observation };
const stepDone = (fields: Fields, tensors: readonly Fields[] = []): Uint8Array =>
  envelope({ tensors, stepDone: { steps: [{ ...timeStep, ...fields }] } });
const withProprio = (
  tensor: Fields,
  proprio: readonly Fields[] = [{ name: "a", index: 0 }],
): Uint8Array => stepDone({ observation: { proprio } }, [tensor]);
const stepOf = (tensor: Fields): Uint8Array => envelope({ tensors: [tensor], step: { chunk: 0 } });
const wireSpec: Fields = { controlFreqHz: 20, maxSteps: 10 };
const helloOf = (fields: Fields, specFields: Fields = {}): Uint8Array =>
  envelope({
    hello: {
      role: 1,
      name: "sim",
      schemaFingerprint: FINGERPRINT,
      heartbeatS: 1,
      spec: { ...wireSpec, ...specFields },
      ...fields,
    },
  });
const component = (fields: Fields): Fields => ({
  name: "a",
  format: "raw",
  dtype: "float32",
  shape: [2],
  ...fields,
});
const floats = (...values: number[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values).buffer);
const zeros = (count: number): Uint8Array => new Uint8Array(count);
const golden = (name: string): Uint8Array[] => {
  const found = goodCases.find((one) => one.name === name);
  if (found === undefined)
    throw new RangeError(`Cannot find the case ${name}: it must be listed above`);
  return encodeMessage({ seq: found.seq ?? 1, inReplyTo: found.inReplyTo ?? 0, body: found.body });
};
const deepJson = `{"a":${"[".repeat(40)}${"]".repeat(40)}}`;
const heartbeat = envelope({ heartbeat: {} });

export const badCases: readonly BadCase[] = [
  { name: "bad_no_frame", frames: [], code: "malformed", contains: "no frame" },
  {
    name: "bad_empty_envelope",
    frames: [zeros(0)],
    code: "protocol_version",
    contains: "protocol_version is 0",
  },
  {
    name: "bad_envelope_is_text",
    frames: [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    code: "malformed",
    contains: "no envelope",
  },
  {
    name: "bad_truncated_envelope",
    frames: [(golden("hello_simulator")[0] as Uint8Array).slice(0, -7)],
    code: "malformed",
    contains: "no envelope",
  },
  {
    name: "bad_future_version",
    frames: [envelope({ protocolVersion: 2, heartbeat: {} })],
    code: "protocol_version",
    contains: "protocol_version is 2",
  },
  // Another version is refused as such even where nothing else of the message is understood.
  {
    name: "bad_future_version_unknown_body",
    frames: [Uint8Array.of(0x08, 3, 0x10, 1, 0x9a, 0x06, 0)],
    code: "protocol_version",
    contains: "protocol_version is 3",
  },
  { name: "bad_no_body", frames: [envelope({})], code: "malformed", contains: "body" },
  {
    name: "bad_unknown_body",
    frames: [Uint8Array.of(0x08, 1, 0x10, 1, 0x9a, 0x06, 0)],
    code: "malformed",
    contains: "body",
  },
  {
    name: "bad_seq_zero",
    frames: [envelope({ seq: 0, heartbeat: {} })],
    code: "bad_value",
    contains: "seq is 0",
  },
  {
    name: "bad_seq_too_large",
    frames: [envelope({ seq: { low: 0, high: 0x200000 }, heartbeat: {} })],
    code: "bad_value",
    contains: "2^53",
  },
  {
    name: "bad_utf8",
    frames: [Uint8Array.of(0x08, 1, 0x10, 1, 0xa2, 0x01, 4, 0x0a, 2, 0xc3, 0x28)],
    code: "malformed",
    contains: "no envelope",
  },
  {
    name: "bad_missing_frame",
    frames: golden("step").slice(0, 1),
    code: "bad_tensor",
    contains: "0 tensor frames",
  },
  {
    name: "bad_extra_frame",
    frames: [heartbeat, zeros(4)],
    code: "bad_tensor",
    contains: "1 tensor frames",
  },
  {
    name: "bad_short_frame",
    frames: [withProprio({ dtype: "float32", shape: [2] }), zeros(7)],
    code: "bad_tensor",
    contains: "7 bytes",
  },
  {
    name: "bad_long_frame",
    frames: [withProprio({ dtype: "float32", shape: [2] }), zeros(12)],
    code: "bad_tensor",
    contains: "12 bytes",
  },
  {
    name: "bad_dtype_object",
    frames: [withProprio({ dtype: "object", shape: [1] }), zeros(8)],
    code: "bad_tensor",
    contains: '"object"',
  },
  {
    name: "bad_dtype_empty",
    frames: [withProprio({ shape: [1] }), zeros(1)],
    code: "bad_tensor",
    contains: 'dtype is ""',
  },
  {
    name: "bad_dtype_prototype",
    frames: [withProprio({ dtype: "constructor", shape: [1] }), zeros(1)],
    code: "bad_tensor",
    contains: '"constructor"',
  },
  {
    name: "bad_shape_overflow",
    frames: [
      withProprio({ dtype: "uint8", shape: [4294967296, 4294967296, 4294967296] }),
      zeros(0),
    ],
    code: "bad_tensor",
    contains: "0 bytes",
  },
  {
    name: "bad_dimension_too_large",
    frames: [withProprio({ dtype: "uint8", shape: [{ low: 0, high: 0x80000000 }] }), zeros(0)],
    code: "bad_value",
    contains: "2^53",
  },
  {
    name: "bad_rank",
    frames: [withProprio({ dtype: "uint8", shape: [1, 1, 1, 1, 1, 1, 1, 1, 1] }), zeros(1)],
    code: "too_large",
    contains: "9 dimensions",
  },
  {
    name: "bad_bool_value",
    frames: [withProprio({ dtype: "bool", shape: [2] }), Uint8Array.of(1, 2)],
    code: "bad_tensor",
    contains: "bool",
  },
  {
    name: "bad_index",
    frames: [withProprio({ dtype: "uint8", shape: [1] }, [{ name: "a", index: 1 }]), zeros(1)],
    code: "bad_tensor",
    contains: "tensor 1",
  },
  {
    name: "bad_tensor_used_twice",
    frames: [
      withProprio({ dtype: "uint8", shape: [1] }, [
        { name: "a", index: 0 },
        { name: "b", index: 0 },
      ]),
      zeros(1),
    ],
    code: "bad_tensor",
    contains: "twice",
  },
  {
    name: "bad_tensor_unused",
    frames: [envelope({ tensors: [{ dtype: "uint8", shape: [1] }], heartbeat: {} }), zeros(1)],
    code: "bad_tensor",
    contains: "named nowhere",
  },
  {
    name: "bad_name_twice",
    frames: [
      stepDone(
        {
          observation: {
            proprio: [
              { name: "a", index: 0 },
              { name: "a", index: 1 },
            ],
          },
        },
        [
          { dtype: "uint8", shape: [1] },
          { dtype: "uint8", shape: [1] },
        ],
      ),
      zeros(1),
      zeros(1),
    ],
    code: "bad_value",
    contains: "twice",
  },
  {
    name: "bad_name_empty",
    frames: [withProprio({ dtype: "uint8", shape: [1] }, [{ index: 0 }]), zeros(1)],
    code: "bad_value",
    contains: 'name ""',
  },
  {
    name: "bad_name_proto",
    frames: [
      withProprio({ dtype: "uint8", shape: [1] }, [{ name: "__proto__", index: 0 }]),
      zeros(1),
    ],
    code: "bad_value",
    contains: "__proto__",
  },
  {
    name: "bad_name_too_long",
    frames: [
      withProprio({ dtype: "uint8", shape: [1] }, [{ name: "a".repeat(257), index: 0 }]),
      zeros(1),
    ],
    code: "too_large",
    contains: "256 characters",
  },
  {
    name: "bad_chunk_nan",
    frames: [stepOf({ dtype: "float32", shape: [2, 2] }), floats(0, 1, NaN, 2)],
    code: "non_finite",
    contains: "row 1, entry 0",
  },
  {
    name: "bad_chunk_infinite",
    frames: [stepOf({ dtype: "float32", shape: [1, 2] }), floats(0, -Infinity)],
    code: "non_finite",
    contains: "row 0, entry 1",
  },
  {
    name: "bad_chunk_float64",
    frames: [stepOf({ dtype: "float64", shape: [1, 2] }), zeros(16)],
    code: "bad_tensor",
    contains: "must be float32",
  },
  {
    name: "bad_chunk_rank",
    frames: [stepOf({ dtype: "float32", shape: [2] }), zeros(8)],
    code: "bad_tensor",
    contains: "[horizon, actionDim]",
  },
  {
    name: "bad_chunk_empty",
    frames: [stepOf({ dtype: "float32", shape: [0, 7] }), zeros(0)],
    code: "bad_tensor",
    contains: "[horizon, actionDim]",
  },
  {
    name: "bad_step_kind",
    frames: [stepDone({ kind: 0 })],
    code: "bad_value",
    contains: "kind is 0",
  },
  {
    name: "bad_step_kind_unknown",
    frames: [stepDone({ kind: 4 })],
    code: "bad_value",
    contains: "kind is 4",
  },
  {
    name: "bad_mid_terminated",
    frames: [stepDone({ terminated: true })],
    code: "bad_value",
    contains: "mid time step",
  },
  {
    name: "bad_last_without_end",
    frames: [stepDone({ kind: 3 })],
    code: "bad_value",
    contains: "last time step",
  },
  {
    name: "bad_first_with_reward",
    frames: [stepDone({ kind: 1, reward: 1 })],
    code: "bad_value",
    contains: "reward is 1",
  },
  {
    name: "bad_reward_nan",
    frames: [stepDone({ reward: NaN })],
    code: "non_finite",
    contains: "reward",
  },
  {
    name: "bad_reward_infinite",
    frames: [stepDone({ reward: Infinity })],
    code: "non_finite",
    contains: "reward",
  },
  {
    name: "bad_no_observation",
    frames: [stepDone({ observation: null })],
    code: "malformed",
    contains: "observation",
  },
  {
    name: "bad_no_steps",
    frames: [envelope({ stepDone: {} })],
    code: "malformed",
    contains: "time step",
  },
  {
    name: "bad_poses_shape",
    frames: [stepDone({ poses: 0 }, [{ dtype: "float64", shape: [7] }]), zeros(56)],
    code: "bad_tensor",
    contains: "float64[bodies, 7]",
  },
  {
    name: "bad_poses_nan",
    frames: [
      stepDone({ poses: 0 }, [{ dtype: "float64", shape: [1, 7] }]),
      new Uint8Array(Float64Array.of(0, 0, 0, 1, 0, NaN, 0).buffer),
    ],
    code: "non_finite",
    contains: "body 0, entry 5",
  },
  {
    name: "bad_info_not_json",
    frames: [stepDone({ infoJson: "{" })],
    code: "malformed",
    contains: "info_json",
  },
  {
    name: "bad_info_not_object",
    frames: [stepDone({ infoJson: "[1]" })],
    code: "bad_value",
    contains: "info_json",
  },
  {
    name: "bad_info_number",
    frames: [stepDone({ infoJson: '{"a":1e999}' })],
    code: "non_finite",
    contains: "info_json",
  },
  {
    name: "bad_info_depth",
    frames: [stepDone({ infoJson: deepJson })],
    code: "too_large",
    contains: "nested",
  },
  {
    name: "bad_scene",
    frames: [
      envelope({ resetDone: { first: { kind: 1, observation: {} }, sceneJson: '{"bodies":[]}' } }),
    ],
    code: "bad_value",
    contains: "scene_json",
  },
  {
    name: "bad_privileged",
    frames: [stepDone({ observation: { privilegedJson: "{}" } })],
    code: "bad_value",
    contains: "privileged_json",
  },
  {
    name: "bad_thoughts",
    frames: [
      envelope({
        tensors: [{ dtype: "float32", shape: [1, 1] }],
        decided: { thoughtsJson: '[{"kind":"text"}]', timingMs: { total_ms: 1 } },
      }),
      zeros(4),
    ],
    code: "bad_value",
    contains: "thoughts_json",
  },
  {
    name: "bad_timing_name",
    frames: [
      envelope({
        tensors: [{ dtype: "float32", shape: [1, 1] }],
        decided: { timingMs: { totalMs: 1 } },
      }),
      zeros(4),
    ],
    code: "bad_value",
    contains: "totalMs",
  },
  {
    name: "bad_timing_no_total",
    frames: [envelope({ tensors: [{ dtype: "float32", shape: [1, 1] }], decided: {} }), zeros(4)],
    code: "malformed",
    contains: "total_ms",
  },
  {
    name: "bad_reset_task",
    frames: [envelope({ reset: { seed: 1 } })],
    code: "bad_value",
    contains: "task",
  },
  {
    name: "bad_reset_seed",
    frames: [envelope({ reset: { task: "a", seed: { low: 0, high: 0x200000 } } })],
    code: "bad_value",
    contains: "seed",
  },
  {
    name: "bad_reset_max_steps",
    frames: [envelope({ reset: { task: "a", maxSteps: 0 } })],
    code: "bad_value",
    contains: "max_steps",
  },
  {
    name: "bad_hello_role",
    frames: [helloOf({ role: 0 })],
    code: "bad_value",
    contains: "role is 0",
  },
  {
    name: "bad_hello_fingerprint",
    frames: [helloOf({ schemaFingerprint: "0123" })],
    code: "bad_value",
    contains: "fingerprint",
  },
  {
    name: "bad_hello_no_spec",
    frames: [helloOf({ spec: null })],
    code: "malformed",
    contains: "spec",
  },
  {
    name: "bad_hello_heartbeat",
    frames: [helloOf({ heartbeatS: 0 })],
    code: "bad_value",
    contains: "heartbeat_s",
  },
  {
    name: "bad_spec_rate",
    frames: [helloOf({}, { controlFreqHz: 0 })],
    code: "bad_value",
    contains: "control_freq_hz",
  },
  {
    name: "bad_spec_format",
    frames: [helloOf({}, { action: [component({ format: "euler" })] })],
    code: "bad_value",
    contains: '"euler"',
  },
  {
    name: "bad_spec_dtype",
    frames: [helloOf({}, { action: [component({ dtype: "float8" })] })],
    code: "bad_value",
    contains: '"float8"',
  },
  {
    name: "bad_spec_twice",
    frames: [helloOf({}, { proprio: [component({}), component({})] })],
    code: "bad_value",
    contains: "declared twice",
  },
  {
    name: "bad_spec_bound_nan",
    frames: [helloOf({}, { action: [component({ low: [NaN] })] })],
    code: "non_finite",
    contains: "lower bound",
  },
  {
    name: "bad_spec_bound_count",
    frames: [helloOf({}, { action: [component({ high: [1, 2, 3] })] })],
    code: "bad_value",
    contains: "3 entries",
  },
  {
    name: "bad_spec_categories",
    frames: [helloOf({}, { action: [component({ format: "discrete", shape: [] })] })],
    code: "bad_value",
    contains: "category",
  },
  {
    name: "bad_spec_channels",
    frames: [helloOf({}, { images: [{ name: "a", height: 1, width: 1, channels: 2 }] })],
    code: "bad_value",
    contains: "2 channels",
  },
  {
    name: "bad_task_twice",
    frames: [helloOf({ tasks: [{ name: "a" }, { name: "a" }] })],
    code: "bad_value",
    contains: 'task "a"',
  },
  {
    name: "bad_message_size",
    frames: golden("step_done"),
    code: "too_large",
    contains: "must have at most 64",
    limits: { maxMessageBytes: 64 },
  },
  {
    name: "bad_header_size",
    frames: golden("hello_simulator"),
    code: "too_large",
    contains: "envelope has",
    limits: { maxHeaderBytes: 100 },
  },
  {
    name: "bad_tensor_count",
    frames: golden("step_done_every_dtype"),
    code: "too_large",
    contains: "13 tensors",
    limits: { maxTensors: 12 },
  },
  {
    name: "bad_text_length",
    frames: golden("close"),
    code: "too_large",
    contains: "19 characters",
    limits: { maxTextLength: 18 },
  },
  {
    name: "bad_list_length",
    frames: golden("step_done"),
    code: "too_large",
    contains: "there are 3",
    limits: { maxListLength: 2 },
  },
];
