/** Steps, decisions, thoughts and events -> the objects that the protobuf schemas describe. */
import type { Decision, NdArray, Thought, TimeStep } from "../core/index.ts";
import { bfloat16ToNumber, float16ToNumber } from "./half.ts";
import { encodeJson } from "./json.ts";
import type { EpisodeEvent } from "./types.ts";

/** A 64-bit integer as protobufjs takes it. */
interface Int64 {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

export function int64(value: bigint, unsigned = true): Int64 {
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffffffffn) | 0, high: Number(bits >> 32n) | 0, unsigned };
}

/** `google.protobuf.Timestamp` of nanoseconds since the epoch. */
export function timestamp(ns: bigint): { seconds: number; nanos: number } {
  return { seconds: Number(ns / 1_000_000_000n), nanos: Number(ns % 1_000_000_000n) };
}

export function stepMessage(
  timeStep: TimeStep,
  action: Float32Array | undefined,
  episodeInstruction: string,
): object {
  const { observation, info, success } = timeStep;
  return {
    step: observation.step,
    stamp_ns: int64(observation.stampNs),
    reward: timeStep.reward,
    terminated: timeStep.terminated,
    truncated: timeStep.truncated,
    ...(success === undefined ? {} : { success }),
    action: action ?? [],
    proprio: Object.entries(observation.proprio).map(([name, array]) => componentOf(name, array)),
    texts: Object.entries(observation.texts).map(([name, text]) => ({ name, text })),
    ...(observation.instruction === episodeInstruction
      ? {}
      : { instruction: observation.instruction }),
    busy_ns: int64(timeStep.busyNs),
    info_json: info === undefined ? "" : encodeJson(info),
  };
}

function componentOf(name: string, array: NdArray): object {
  const { dtype, shape, data } = array;
  const base = { name, dtype, shape };
  if (data instanceof BigInt64Array) {
    return { ...base, int64_values: Array.from(data, (value) => int64(value, false)) };
  }
  if (data instanceof BigUint64Array) {
    return { ...base, uint64_values: Array.from(data, (value) => int64(value)) };
  }
  if (dtype === "float16") return { ...base, values: Array.from(data, float16ToNumber) };
  if (dtype === "bfloat16") return { ...base, values: Array.from(data, bfloat16ToNumber) };
  return { ...base, values: data };
}

export function decisionMessage(
  decision: Decision,
  at: { index: number; step: number; stampNs: bigint },
): object {
  const { chunk, thoughts, timing } = decision;
  return {
    index: at.index,
    step: at.step,
    stamp_ns: int64(at.stampNs),
    horizon: chunk.horizon,
    action_dim: chunk.actionDim,
    chunk: chunk.data,
    timing_ms: Object.entries(timing).map(([name, value]) => ({ name, value })),
    thought_count: thoughts.length,
  };
}

/** Known kinds have fields of their own; what a later kind brings goes into `json`. */
export function thoughtMessage(thought: Thought, at: { index: number; step: number }): object {
  const { kind, tag, ...rest } = thought as { kind: string; tag?: unknown } & Record<
    string,
    unknown
  >;
  const message: Record<string, unknown> = {
    decision_index: at.index,
    step: at.step,
    kind,
    tag: typeof tag === "string" ? tag : "",
  };
  if (typeof rest["text"] === "string") {
    message["text"] = rest["text"];
    delete rest["text"];
  }
  if (typeof rest["value"] === "number") {
    message["value"] = rest["value"];
    delete rest["value"];
  }
  message["json"] = Object.keys(rest).length === 0 ? "" : encodeJson(rest);
  return message;
}

export function eventMessage(event: EpisodeEvent): object {
  const { step, stampNs, kind, text } = event;
  return { step, stamp_ns: int64(stampNs), kind, text };
}

const LOG_LEVEL = { info: 2, warning: 3, error: 4 } as const;
const LEVEL_OF_KIND: Readonly<Record<string, keyof typeof LOG_LEVEL>> = {
  worker_lost: "error",
  crash: "error",
  listener_failed: "warning",
  late: "warning",
};

/** The same event as `foxglove.Log`. */
export function logMessage(event: EpisodeEvent, logTime: bigint): object {
  const level = Object.hasOwn(LEVEL_OF_KIND, event.kind) ? LEVEL_OF_KIND[event.kind]! : "info";
  return {
    timestamp: timestamp(logTime),
    level: LOG_LEVEL[level],
    message: event.text === "" ? event.kind : `${event.kind}: ${event.text}`,
    name: "episode",
    file: "",
    line: 0,
  };
}
