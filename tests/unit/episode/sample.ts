/** A small world to record in tests: two cameras, three bodies, every kind of geom. */
import type {
  Decision,
  EnvironmentSpec,
  NdArray,
  SceneDescription,
  TimeStep,
} from "../../../src/core/index.ts";
import type { FileSink } from "../../../src/episode/file-sink.ts";
import type { EpisodeHeader } from "../../../src/episode/types.ts";
import type { EpisodeWriterOptions } from "../../../src/episode/node.ts";
import { createEpisodeWriter } from "../../../src/episode/node.ts";

export const sampleScene: SceneDescription = {
  bodies: ["world", "table", "gripper"],
  geoms: [
    geom("world", { kind: "plane", halfExtents: [0, 0] }),
    geom("table", { kind: "box", halfExtents: [0.4, 0.3, 0.02] }),
    geom("table", { kind: "cylinder", radius: 0.05, halfLength: 0.3 }),
    geom("gripper", { kind: "capsule", radius: 0.01, halfLength: 0.05 }),
    geom("gripper", { kind: "sphere", radius: 0.02 }),
    geom("gripper", { kind: "ellipsoid", radii: [0.01, 0.02, 0.03] }),
    geom("gripper", { kind: "mesh", vertices: [0, 0, 0, 1, 0, 0, 0, 1, 0], triangles: [0, 1, 2] }),
  ],
  cameras: [
    { name: "front", body: "world", position: [1, 0, 1], quatWxyz: [1, 0, 0, 0], fovyRad: 0.8 },
    { name: "wrist", body: "gripper", position: [0, 0, 0.1], quatWxyz: [0, 1, 0, 0], fovyRad: 1.2 },
  ],
  gripperBody: "gripper",
};

function geom(
  body: string,
  shape: SceneDescription["geoms"][number]["shape"],
): SceneDescription["geoms"][number] {
  return { body, shape, position: [0, 0, 0.1], quatWxyz: [1, 0, 0, 0], rgba: [0.2, 0.4, 0.6, 1] };
}

export const sampleSpec: EnvironmentSpec = {
  observation: {
    images: [
      { name: "front", height: 12, width: 16, channels: 3 },
      { name: "wrist", height: 8, width: 8, channels: 1 },
    ],
    proprio: [
      {
        name: "joints",
        format: "joint_position",
        dtype: "float32",
        shape: [2],
        unit: "rad",
        low: [-Infinity],
        high: [Infinity],
      },
      { name: "count", format: "raw", dtype: "int64", shape: [] },
    ],
    texts: [{ name: "chat", maxLength: 20 }],
  },
  action: {
    components: [
      { name: "move", format: "delta_position", dtype: "float32", shape: [3], unit: "m" },
    ],
  },
  controlFreqHz: 20,
  maxSteps: 100,
  privileged: false,
  snapshot: false,
};

export const sampleHeader: EpisodeHeader = {
  episodeId: "tabletop-lift_red_cube-003-a1",
  runId: "run-7",
  task: "lift_red_cube",
  suite: "tabletop",
  instruction: "lift the red cube",
  seed: 3,
  attempt: 1,
  policy: {
    name: "expert",
    spec: {
      name: "expert",
      observation: "any",
      action: "any",
      predictHorizon: 4,
      privileged: true,
    },
  },
  environment: { name: "tabletop", version: "0.1.0", versions: { mujoco: "3.4.0" } },
  spec: sampleSpec,
  scene: sampleScene,
  startedNs: 1_760_000_000_000_000_000n,
  versions: { efference: "0.1.0", node: "20.20.2" },
};

export const STEP_NS = 50_000_000n;

export function sampleImage(step: number, shape: readonly [number, number, number]): NdArray {
  const [height, width, channels] = shape;
  const data = new Uint8Array(height * width * channels);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + step * 13 + ((i * i) >> 5)) & 0xff;
  return { dtype: "uint8", shape: [...shape], data };
}

export function samplePoses(step: number): Float64Array {
  const poses = new Float64Array(21);
  for (let body = 0; body < 3; body++) poses[body * 7 + 3] = 1;
  poses.set([0.1 * step, -0.2, 0.3], 7);
  poses.set([Math.PI * step, 1 / 3, -0.25, 0.5, 0.5, -0.5, 0.5], 14);
  return poses;
}

export function sampleStep(step: number, last = false): TimeStep {
  return {
    kind: step === 0 ? "first" : last ? "last" : "mid",
    observation: {
      images: { front: sampleImage(step, [12, 16, 3]), wrist: sampleImage(step + 1, [8, 8, 1]) },
      proprio: {
        joints: { dtype: "float32", shape: [2], data: Float32Array.of(step / 7, -step) },
        count: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(-step)) },
      },
      texts: { chat: `hello ${step}` },
      instruction: sampleHeader.instruction,
      step,
      stampNs: BigInt(step) * STEP_NS,
    },
    reward: step / 3,
    terminated: last,
    truncated: false,
    success: last,
    busyNs: 1_500_000n,
    poses: samplePoses(step),
    info: { contacts: step },
  };
}

export function sampleAction(step: number): Float32Array {
  return Float32Array.of(step, 0.1, -0.1);
}

export function sampleDecision(step: number): Decision {
  const data = Float32Array.from({ length: 12 }, (_, i) => step + i / 10);
  return {
    chunk: { data, horizon: 4, actionDim: 3 },
    thoughts: [
      { kind: "text", tag: "SUBTASK", text: `reach, at step ${step}` },
      { kind: "point", tag: "target", position: [0.1, 0.2, 1 / 3] },
      { kind: "scalar", tag: "energy", value: -step / 9 },
    ],
    timing: { totalMs: 12.5, encodeMs: 3.25 },
  };
}

/** A sink that keeps its bytes, and can be told to be a full disk. */
export interface MemorySink extends FileSink {
  bytes(): Uint8Array;
  readonly calls: string[];
}

export function memorySink(
  options: { readonly capacity?: number; readonly canTruncate?: boolean } = {},
): MemorySink {
  const { capacity = Infinity, canTruncate = true } = options;
  let held = Buffer.alloc(0);
  const calls: string[] = [];
  return {
    calls,
    bytes: () => Uint8Array.from(held),
    append(parts) {
      calls.push("append");
      const all = Buffer.concat([held, ...parts]);
      held = all.subarray(0, Math.min(all.length, capacity));
      if (all.length <= capacity) return Promise.resolve();
      return Promise.reject(
        Object.assign(new Error("no space left on device"), { code: "ENOSPC" }),
      );
    },
    truncate(length) {
      calls.push("truncate");
      if (!canTruncate) return Promise.reject(new Error("read-only"));
      held = held.subarray(0, length);
      return Promise.resolve();
    },
    sync() {
      calls.push("sync");
      return Promise.resolve();
    },
    close() {
      calls.push("close");
      return Promise.resolve();
    },
  };
}

export interface RecordOptions extends Omit<EpisodeWriterOptions, "openSink"> {
  readonly steps?: number;
  readonly end?: "success" | "abort" | "none";
  readonly header?: EpisodeHeader;
}

/** Records the sample world: a decision every four steps, an event at step 2. */
export async function recordSample(sink: FileSink, options: RecordOptions = {}): Promise<void> {
  const { steps = 12, end = "success", header = sampleHeader, ...rest } = options;
  const writer = await createEpisodeWriter("sample.mcap", header, {
    ...rest,
    openSink: () => Promise.resolve(sink),
  });
  await writer.step({ timeStep: sampleStep(0) });
  for (let step = 1; step < steps; step++) {
    const from = step - 1;
    if (from % 4 === 0) await writer.decision(from, BigInt(from) * STEP_NS, sampleDecision(from));
    await writer.step({
      timeStep: sampleStep(step, step === steps - 1),
      action: sampleAction(step),
    });
    if (step === 2) {
      await writer.event({
        step,
        stampNs: BigInt(step) * STEP_NS,
        kind: "grasp",
        text: "red_cube",
      });
    }
  }
  if (end === "success") await writer.end({ kind: "success", step: steps - 1 });
  else if (end === "abort") await writer.abort();
}
