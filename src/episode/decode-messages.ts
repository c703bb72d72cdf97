/** Protobuf messages of an episode -> recorded values. Every function throws SyntaxError. */
import type { Thought } from "../core/index.ts";
import { decodeJson } from "./json.ts";
import { malformed } from "./mcap/cursor.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import type { EpisodeEvent, RecordedDecision, RecordedStep } from "./types.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export function decodeStep(bytes: Uint8Array): RecordedStep {
  const reader = new ProtobufReader(bytes);
  const proprio: [string, Float64Array][] = [];
  const texts: [string, string][] = [];
  const action: number[] = [];
  const step: Mutable<RecordedStep> = {
    step: 0,
    stampNs: 0n,
    reward: 0,
    terminated: false,
    truncated: false,
    proprio: {},
  };
  while (reader.next()) {
    if (reader.field === 1) step.step = reader.uint();
    else if (reader.field === 2) step.stampNs = reader.uint64();
    else if (reader.field === 3) step.reward = reader.double();
    else if (reader.field === 4) step.terminated = reader.bool();
    else if (reader.field === 5) step.truncated = reader.bool();
    else if (reader.field === 6) step.success = reader.bool();
    else if (reader.field === 7) reader.floats(action);
    else if (reader.field === 8) proprio.push(decodeComponent(reader.message()));
    else if (reader.field === 9) texts.push(decodeNamed(reader.message(), (r) => r.string(), ""));
    else if (reader.field === 10) step.instruction = reader.string();
    else if (reader.field === 11) step.busyNs = reader.uint64();
    else if (reader.field === 12) step.info = decodeObject(reader.string());
    else reader.skip();
  }
  step.proprio = Object.fromEntries(proprio);
  if (texts.length > 0) step.texts = Object.fromEntries(texts);
  if (action.length > 0) step.action = Float32Array.from(action);
  return step;
}

function decodeComponent(reader: ProtobufReader): [string, Float64Array] {
  let name = "";
  const values: number[] = [];
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 4) reader.doubles(values);
    else if (reader.field === 5) reader.integers(values, "signed");
    else if (reader.field === 6) reader.integers(values, "unsigned");
    else reader.skip();
  }
  return [name, Float64Array.from(values)];
}

function decodeNamed<Value>(
  reader: ProtobufReader,
  read: (reader: ProtobufReader) => Value,
  value: Value,
): [string, Value] {
  let name = "";
  let found = value;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) found = read(reader);
    else reader.skip();
  }
  return [name, found];
}

function decodeObject(json: string): Readonly<Record<string, unknown>> {
  const value = json === "" ? {} : decodeJson(json);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed("a JSON text in a message is not an object, must be");
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A decision without its thoughts, which are messages of their own. */
export interface DecodedDecision extends Omit<RecordedDecision, "thoughts" | "executed"> {
  readonly index: number;
}

export function decodeDecision(bytes: Uint8Array): DecodedDecision {
  const reader = new ProtobufReader(bytes);
  const timing: [string, number][] = [];
  const chunk: number[] = [];
  let [index, step, horizon, actionDim] = [0, 0, 0, 0];
  let stampNs = 0n;
  while (reader.next()) {
    if (reader.field === 1) index = reader.uint();
    else if (reader.field === 2) step = reader.uint();
    else if (reader.field === 3) stampNs = reader.uint64();
    else if (reader.field === 4) horizon = reader.uint();
    else if (reader.field === 5) actionDim = reader.uint();
    else if (reader.field === 6) reader.floats(chunk);
    else if (reader.field === 7) timing.push(decodeNamed(reader.message(), (r) => r.double(), 0));
    else reader.skip();
  }
  if (chunk.length !== horizon * actionDim) {
    throw malformed(`a chunk has ${chunk.length} values, must have ${horizon} x ${actionDim}`);
  }
  return {
    index,
    step,
    stampNs,
    chunk: { data: Float32Array.from(chunk), horizon, actionDim },
    timingMs: Object.fromEntries(timing),
  };
}

export interface DecodedThought {
  readonly decisionIndex: number;
  readonly thought: Thought;
}

/** Also of kinds that this version does not know: their fields come back as they were given. */
export function decodeThought(bytes: Uint8Array): DecodedThought {
  const reader = new ProtobufReader(bytes);
  let decisionIndex = 0;
  let [kind, tag, json] = ["", "", ""];
  const fields: { text?: string; value?: number } = {};
  while (reader.next()) {
    if (reader.field === 1) decisionIndex = reader.uint();
    else if (reader.field === 3) kind = reader.string();
    else if (reader.field === 4) tag = reader.string();
    else if (reader.field === 5) fields.text = reader.string();
    else if (reader.field === 6) fields.value = reader.double();
    else if (reader.field === 7) json = reader.string();
    else reader.skip();
  }
  const thought = { ...decodeObject(json), ...fields, kind, tag };
  assertKnownKind(thought);
  // Unknown kinds pass: the union says that readers must accept them.
  return { decisionIndex, thought: thought as unknown as Thought };
}

function assertKnownKind(thought: { readonly kind: string } & Record<string, unknown>): void {
  const { kind } = thought;
  // Of the table's own names alone: a file may name its kind "__defineGetter__".
  const isWhole = Object.hasOwn(KNOWN_KINDS, kind) ? KNOWN_KINDS[kind] : undefined;
  if (isWhole?.(thought) !== false) return;
  throw malformed(`a thought of kind "${kind}" is incomplete`);
}

type Fields = Readonly<Record<string, unknown>>;

const KNOWN_KINDS: Readonly<Record<string, (fields: Fields) => boolean>> = {
  text: ({ text }) => typeof text === "string",
  scalar: ({ value }) => typeof value === "number",
  point: ({ position }) => isNumbers(position),
  refinement: isRefinement,
  slice: isSlice,
};

function isRefinement({ horizon, actionDim, steps, chunks, values }: Fields): boolean {
  return (
    typeof horizon === "number" &&
    typeof actionDim === "number" &&
    isNumbers(steps) &&
    isRows(chunks, horizon * actionDim) &&
    chunks.length === steps.length &&
    isObject(values) &&
    Object.values(values).every(isNumbers)
  );
}

function isSlice({ axes, values, path }: Fields): boolean {
  if (!Array.isArray(axes) || axes.length < 1 || axes.length > 2) return false;
  const counts = axes.map((axis: unknown) =>
    isObject(axis) && typeof axis["name"] === "string" && isNumbers(axis["at"])
      ? axis["at"].length
      : NaN,
  );
  const count = counts.reduce((product, each) => product * each, 1);
  return isNumbers(values) && values.length === count && isRows(path, axes.length);
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function isRows(value: unknown, width: number): value is readonly unknown[] {
  return Array.isArray(value) && value.every((row) => isNumbers(row) && row.length === width);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function decodeEvent(bytes: Uint8Array): EpisodeEvent {
  const reader = new ProtobufReader(bytes);
  const event: Mutable<EpisodeEvent> = { step: 0, stampNs: 0n, kind: "", text: "" };
  while (reader.next()) {
    if (reader.field === 1) event.step = reader.uint();
    else if (reader.field === 2) event.stampNs = reader.uint64();
    else if (reader.field === 3) event.kind = reader.string();
    else if (reader.field === 4) event.text = reader.string();
    else reader.skip();
  }
  return event;
}

/** The `json` of efference.SceneDescription. */
export function decodeSceneText(bytes: Uint8Array): string {
  const reader = new ProtobufReader(bytes);
  let json = "";
  while (reader.next()) {
    if (reader.field === 1) json = reader.string();
    else reader.skip();
  }
  return json;
}

/** The image of a foxglove.CompressedImage: its bytes (a view) and the name of its format. */
export function decodeCompressedImage(bytes: Uint8Array): { format: string; data: Uint8Array } {
  const reader = new ProtobufReader(bytes);
  let format = "";
  let data: Uint8Array = new Uint8Array(0);
  while (reader.next()) {
    if (reader.field === 2) data = reader.bytes();
    else if (reader.field === 3) format = reader.string();
    else reader.skip();
  }
  return { format, data };
}
