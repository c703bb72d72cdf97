import { checkScene, checkThoughts, decodeJson, encodeJson } from "./json.ts";
import type { WireLimits } from "./limits.ts";
import type { BodyOf, MessageBody, MessageKind } from "./messages.ts";
import { wireError } from "./errors.ts";
import { finite, positive, safeInteger, uint32Of } from "./numbers.ts";
import { liftSpec, liftTasks, lowerSpec, lowerTasks } from "./specs.ts";
import type { Incoming, Outgoing } from "./steps.ts";
import {
  liftObservation,
  liftTimeStep,
  liftWant,
  lowerObservation,
  lowerTimeStep,
  lowerWant,
  missing,
} from "./steps.ts";
import { checkLength, checkName, checkText, checkTexts } from "./text.ts";
import type { WireBodies } from "./wire-types.ts";

/** How one kind of message becomes protobuf's object and back. */
interface BodyCodec<K extends MessageKind> {
  lower(body: BodyOf<K>, out: Outgoing): WireBodies[K];
  lift(wire: WireBodies[K], from: Incoming): BodyOf<K>;
}

const ROLES = ["simulator", "policyClient"] as const;

function checkHash(text: string): string {
  if (!/^[0-9a-f]{16}$/.test(text)) {
    throw wireError(
      "bad_value",
      `Cannot accept the schema fingerprint "${text.slice(0, 40)}": it must be 16 hexadecimal digits`,
    );
  }
  return text;
}

const hello: BodyCodec<"hello"> = {
  lower(body, { limits }) {
    return {
      role: ROLES.indexOf(body.role) + 1,
      name: checkName(body.name, { what: "a peer", limits }),
      version: checkText(body.version, { what: "the version", limits }),
      versions: checkTexts(body.versions, { what: "version of", limits }),
      schemaFingerprint: checkHash(body.schemaFingerprint),
      spec: lowerSpec(body.spec, limits),
      tasks: lowerTasks(body.tasks, limits),
      heartbeatS: positive(body.heartbeatS, "heartbeat_s"),
    };
  },
  lift(wire, { limits }) {
    const role = ROLES[wire.role - 1];
    if (role === undefined) {
      throw wireError(
        "bad_value",
        `Cannot decode a hello: its role is ${wire.role}, must be 1 (simulator) or 2 (policy client)`,
      );
    }
    if (wire.spec === null) throw missing("a spec");
    return {
      kind: "hello",
      role,
      name: checkName(wire.name, { what: "a peer", limits }),
      version: checkText(wire.version, { what: "the version", limits }),
      versions: checkTexts(wire.versions, { what: "version of", limits }),
      schemaFingerprint: checkHash(wire.schemaFingerprint),
      spec: liftSpec(wire.spec, limits),
      tasks: liftTasks(wire.tasks, limits),
      heartbeatS: positive(wire.heartbeatS, "heartbeat_s"),
    };
  },
};

const welcome: BodyCodec<"welcome"> = {
  lower: (body, { limits }) => ({
    schemaFingerprint: checkHash(body.schemaFingerprint),
    runtimeVersion: checkText(body.runtimeVersion, { what: "the version", limits }),
    heartbeatS: positive(body.heartbeatS, "heartbeat_s"),
    maxMessageBytes: safeInteger(body.maxMessageBytes, "max_message_bytes"),
  }),
  lift: (wire, { limits }) => ({
    kind: "welcome",
    schemaFingerprint: checkHash(wire.schemaFingerprint),
    runtimeVersion: checkText(wire.runtimeVersion, { what: "the version", limits }),
    heartbeatS: positive(wire.heartbeatS, "heartbeat_s"),
    maxMessageBytes: safeInteger(wire.maxMessageBytes, "max_message_bytes"),
  }),
};

const reset: BodyCodec<"reset"> = {
  lower: (body, { limits }) => ({
    task: checkName(body.task, { what: "a task", limits }),
    seed: safeInteger(body.seed, "the seed"),
    initialState:
      body.initialState === undefined
        ? null
        : uint32Of(body.initialState, { what: "initial_state" }),
    maxSteps:
      body.maxSteps === undefined ? null : uint32Of(body.maxSteps, { what: "max_steps", min: 1 }),
    want: lowerWant(body.want, limits),
  }),
  lift: (wire, { limits }) => ({
    kind: "reset",
    task: checkName(wire.task, { what: "a task", limits }),
    seed: safeInteger(wire.seed, "the seed"),
    ...(wire.initialState !== null && { initialState: wire.initialState }),
    ...(wire.maxSteps !== null && {
      maxSteps: uint32Of(wire.maxSteps, { what: "max_steps", min: 1 }),
    }),
    want: liftWant(wire.want, limits),
  }),
};

const resetDone: BodyCodec<"resetDone"> = {
  lower: (body, out) => ({
    first: lowerTimeStep(body.first, out),
    sceneJson:
      body.scene === undefined ? "" : encodeJson(checkScene(body.scene), "scene_json", out.limits),
    instruction: checkText(body.instruction, { what: "the instruction", limits: out.limits }),
  }),
  lift: (wire, from) => ({
    kind: "resetDone",
    first: liftTimeStep(wire.first, from),
    ...(wire.sceneJson !== "" && {
      scene: checkScene(decodeJson(wire.sceneJson, "scene_json", from.limits)),
    }),
    instruction: checkText(wire.instruction, { what: "the instruction", limits: from.limits }),
  }),
};

const step: BodyCodec<"step"> = {
  lower: (body, { tensors, limits }) => ({
    chunk: tensors.addChunk(body.chunk),
    want: lowerWant(body.want, limits),
  }),
  lift: (wire, { tensors, limits }) => ({
    kind: "step",
    chunk: tensors.takeChunk(wire.chunk),
    want: liftWant(wire.want, limits),
  }),
};

function checkStepCount(count: number, limits: WireLimits): void {
  if (count === 0) throw missing("a time step");
  checkLength(count, { what: "the time steps", limits });
}

const stepDone: BodyCodec<"stepDone"> = {
  lower(body, out) {
    checkStepCount(body.steps.length, out.limits);
    return { steps: body.steps.map((one) => lowerTimeStep(one, out)) };
  },
  lift(wire, from) {
    checkStepCount(wire.steps.length, from.limits);
    return { kind: "stepDone", steps: wire.steps.map((one) => liftTimeStep(one, from)) };
  },
};

const restore: BodyCodec<"restore"> = {
  lower: (body, { limits }) => ({ state: body.state, want: lowerWant(body.want, limits) }),
  lift: (wire, { limits }) => ({
    kind: "restore",
    state: plainBytes(wire.state),
    want: liftWant(wire.want, limits),
  }),
};

/** A copy that outlives the header's frame and is no Node.js Buffer. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

const error: BodyCodec<"error"> = {
  lower: (body, { limits }) => ({
    code: checkName(body.code, { what: "an error code", limits }),
    message: checkText(body.message, { what: "an error message", limits }),
    fatal: body.fatal,
  }),
  lift: (wire, { limits }) => ({
    kind: "error",
    code: checkName(wire.code, { what: "an error code", limits }),
    message: checkText(wire.message, { what: "an error message", limits }),
    fatal: wire.fatal,
  }),
};

const episodeStart: BodyCodec<"episodeStart"> = {
  lower: (body, { limits }) => ({
    task: checkText(body.task, { what: "the task", limits }),
    instruction: checkText(body.instruction, { what: "the instruction", limits }),
    seed: safeInteger(body.seed, "the seed"),
  }),
  lift: (wire, { limits }) => ({
    kind: "episodeStart",
    task: checkText(wire.task, { what: "the task", limits }),
    instruction: checkText(wire.instruction, { what: "the instruction", limits }),
    seed: safeInteger(wire.seed, "the seed"),
  }),
};

const decided: BodyCodec<"decided"> = {
  lower: (body, { tensors, limits }) => ({
    chunk: tensors.addChunk(body.chunk),
    thoughtsJson:
      body.thoughts.length === 0
        ? ""
        : encodeJson(checkThoughts(body.thoughts), "thoughts_json", limits),
    timingMs: renameTiming(body.timing, { pattern: CAMEL, limits }),
  }),
  lift: (wire, { tensors, limits }) => ({
    kind: "decided",
    chunk: tensors.takeChunk(wire.chunk),
    thoughts:
      wire.thoughtsJson === ""
        ? []
        : checkThoughts(decodeJson(wire.thoughtsJson, "thoughts_json", limits)),
    timing: liftTiming(wire.timingMs, limits),
  }),
};

const CAMEL = /^[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)*$/;
const SNAKE = /^[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*$/;

/** `totalMs` is `total_ms` on the wire; both directions accept only names that come back. */
function renameStage(stage: string, pattern: RegExp): string {
  if (!pattern.test(stage)) {
    throw wireError(
      "bad_value",
      `Cannot accept the timing stage "${stage.slice(0, 40)}": it must be a name like total_ms`,
    );
  }
  return pattern === CAMEL
    ? stage.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    : stage.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function renameTiming(
  timing: Readonly<Record<string, number>>,
  { pattern, limits }: { pattern: RegExp; limits: WireLimits },
): Record<string, number> {
  const stages = Object.keys(timing).sort();
  checkLength(stages.length, { what: "the timing stages", limits });
  const renamed: Record<string, number> = {};
  for (const stage of stages) {
    checkName(stage, { what: "a timing stage", limits });
    renamed[renameStage(stage, pattern)] = finite(timing[stage] as number, `timing of "${stage}"`);
  }
  return renamed;
}

function liftTiming(
  wire: Readonly<Record<string, number>>,
  limits: WireLimits,
): { totalMs: number } & Record<string, number> {
  const timing = renameTiming(wire, { pattern: SNAKE, limits });
  const { totalMs } = timing as { totalMs?: number };
  if (totalMs === undefined) throw missing("the timing total_ms");
  return Object.assign(timing, { totalMs });
}

/** Messages without fields. */
function empty<K extends "snapshot" | "heartbeat" | "episodeStarted">(kind: K): BodyCodec<K> {
  return {
    lower: () => ({}),
    lift: () => ({ kind }) as BodyOf<K>,
  };
}

/** One codec per kind; a kind without one does not compile. */
export const bodyCodecs: { readonly [K in MessageKind]: BodyCodec<K> } = {
  hello,
  welcome,
  reset,
  resetDone,
  step,
  stepDone,
  snapshot: empty("snapshot"),
  snapshotDone: {
    lower: ({ state }) => ({ state }),
    lift: ({ state }) => ({ kind: "snapshotDone", state: plainBytes(state) }),
  },
  restore,
  restoreDone: {
    lower: (body, out) => ({ step: lowerTimeStep(body.step, out) }),
    lift: (wire, from) => ({ kind: "restoreDone", step: liftTimeStep(wire.step, from) }),
  },
  close: {
    lower: ({ reason }, { limits }) => ({
      reason: checkText(reason, { what: "the reason", limits }),
    }),
    lift: ({ reason }, { limits }) => ({
      kind: "close",
      reason: checkText(reason, { what: "the reason", limits }),
    }),
  },
  error,
  heartbeat: empty("heartbeat"),
  episodeStart,
  episodeStarted: empty("episodeStarted"),
  decide: {
    lower: (body, out) => ({ observation: lowerObservation(body.observation, out) }),
    lift: (wire, from) => ({
      kind: "decide",
      observation: liftObservation(wire.observation, from),
    }),
  },
  decided,
};

export function lowerBody(body: MessageBody, out: Outgoing): WireBodies[MessageKind] {
  // The table pairs each kind with its own codec; TypeScript cannot follow that through an index.
  const codec = bodyCodecs[body.kind] as BodyCodec<MessageKind>;
  return codec.lower(body, out);
}

export function liftBody<K extends MessageKind>(
  kind: K,
  wire: WireBodies[K],
  from: Incoming,
): BodyOf<K> {
  return bodyCodecs[kind].lift(wire, from);
}
