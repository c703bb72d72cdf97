/** Header and outcome of an episode <-> the text pairs of MCAP metadata records. */
import type { EnvironmentSpec, PolicySpec } from "../core/index.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { malformed } from "./mcap/cursor.ts";
import { EPISODE_FORMAT } from "./topics.ts";
import type { EpisodeHeader, EpisodeOutcome, FailureReason } from "./types.ts";

/** Names of the metadata records. */
export const EPISODE_METADATA = "episode";
export const OUTCOME_METADATA = "outcome";

/** Everything but `scene`, which is a message. Keys in snake_case; nested values as JSON. */
export function headerToMetadata(header: EpisodeHeader): Map<string, string> {
  const values = new Map<string, string>([
    ["format", EPISODE_FORMAT],
    ["episode_id", header.episodeId],
    ["run_id", header.runId],
    ["task", header.task],
    ["suite", header.suite],
    ["instruction", header.instruction],
    ["seed", numberToText(header.seed)],
    ["attempt", numberToText(header.attempt)],
    ["started_ns", String(header.startedNs)],
    ["policy", header.policy.name],
    ["policy_spec", encodeJson(header.policy.spec)],
    ["environment", header.environment.name],
    ["environment_version", header.environment.version],
    ["environment_versions", encodeJson(header.environment.versions)],
    ["environment_spec", encodeJson(header.spec)],
    ["versions", encodeJson(header.versions)],
  ]);
  if (header.initialState !== undefined) {
    values.set("initial_state", numberToText(header.initialState));
  }
  if (header.policy.hash !== undefined) values.set("policy_hash", header.policy.hash);
  return values;
}

/** @throws {SyntaxError} if a key is missing or malformed, or the format is another one */
export function headerFromMetadata(values: ReadonlyMap<string, string>): EpisodeHeader {
  const text = (key: string): string => required(values, key);
  if (text("format") !== EPISODE_FORMAT) {
    throw malformed(`its format is "${text("format")}", must be "${EPISODE_FORMAT}"`);
  }
  const initialState = values.get("initial_state");
  const hash = values.get("policy_hash");
  return {
    episodeId: text("episode_id"),
    runId: text("run_id"),
    task: text("task"),
    suite: text("suite"),
    instruction: text("instruction"),
    seed: numberFromText(text("seed")),
    ...(initialState === undefined ? {} : { initialState: numberFromText(initialState) }),
    attempt: numberFromText(text("attempt")),
    policy: {
      name: text("policy"),
      spec: policySpec(text("policy_spec")),
      ...(hash === undefined ? {} : { hash }),
    },
    environment: {
      name: text("environment"),
      version: text("environment_version"),
      versions: textRecord(text("environment_versions")),
    },
    spec: environmentSpec(text("environment_spec")),
    startedNs: bigintFromText(text("started_ns")),
    versions: textRecord(text("versions")),
  };
}

/** What a list wants to know of a finished episode without reading it. */
export interface EpisodeEnd {
  readonly outcome: EpisodeOutcome;
  readonly steps: number;
  readonly durationNs: bigint;
}

export function endToMetadata(end: EpisodeEnd): Map<string, string> {
  const { outcome } = end;
  const values = new Map<string, string>([
    ["kind", outcome.kind],
    ["step", String(outcome.step)],
    ["steps", String(end.steps)],
    ["duration_ns", String(end.durationNs)],
  ]);
  if (outcome.kind === "failure") values.set("reason", outcome.reason);
  if (outcome.kind === "crash") values.set("error", outcome.error);
  return values;
}

const REASONS: Readonly<Record<FailureReason, true>> = {
  time_limit: true,
  terminated: true,
  dropped: true,
  wrong_object: true,
  unsafe: true,
  stopped: true,
};

/** @throws {SyntaxError} */
export function endFromMetadata(values: ReadonlyMap<string, string>): EpisodeEnd {
  return {
    outcome: outcomeFrom(values),
    steps: numberFromText(required(values, "steps")),
    durationNs: bigintFromText(required(values, "duration_ns")),
  };
}

function outcomeFrom(values: ReadonlyMap<string, string>): EpisodeOutcome {
  const step = numberFromText(required(values, "step"));
  const kind = required(values, "kind");
  switch (kind) {
    case "success":
      return { kind, step };
    case "crash":
      return { kind, step, error: required(values, "error") };
    case "failure": {
      const reason = required(values, "reason");
      if (!Object.hasOwn(REASONS, reason)) {
        throw malformed(`its failure reason is "${reason}", must be a known one`);
      }
      return { kind, step, reason: reason as FailureReason };
    }
    default:
      throw malformed(`its outcome is "${kind}", must be success, failure or crash`);
  }
}

function required(values: ReadonlyMap<string, string>, key: string): string {
  const value = values.get(key);
  if (value === undefined) throw malformed(`metadata has no "${key}", must have`);
  return value;
}

function numberToText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function numberFromText(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) {
    throw malformed(`a number in the metadata is "${text}", must be a number`);
  }
  return value;
}

function bigintFromText(text: string): bigint {
  if (!/^-?\d{1,30}$/.test(text)) throw malformed(`a time is "${text}", must be an integer`);
  return BigInt(text);
}

function objectFrom(json: string): Record<string, unknown> {
  const value = decodeJson(json);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed("a JSON text in the metadata is not an object, must be");
  }
  return value as Record<string, unknown>;
}

function textRecord(json: string): Record<string, string> {
  const record = objectFrom(json);
  if (!Object.values(record).every((item) => typeof item === "string")) {
    throw malformed("a version is not a text, must be");
  }
  return record as Record<string, string>;
}

/** Checks what readers rely on: the lists that they iterate. The rest passes through as written. */
function environmentSpec(json: string): EnvironmentSpec {
  const spec = objectFrom(json) as Partial<EnvironmentSpec>;
  const observation = spec.observation as Partial<EnvironmentSpec["observation"]> | undefined;
  const lists = [
    observation?.images,
    observation?.proprio,
    observation?.texts,
    spec.action?.components,
  ];
  if (!lists.every(isListOfNamed) || typeof spec.controlFreqHz !== "number") {
    throw malformed(
      "its environment spec is incomplete, must list images, proprio, texts, actions",
    );
  }
  return spec as EnvironmentSpec;
}

function policySpec(json: string): PolicySpec {
  const spec = objectFrom(json) as Partial<PolicySpec>;
  if (typeof spec.name !== "string" || typeof spec.predictHorizon !== "number") {
    throw malformed("its policy spec is incomplete, must have a name and a horizon");
  }
  return spec as PolicySpec;
}

function isListOfNamed(list: unknown): boolean {
  return (
    Array.isArray(list) &&
    list.every((item) => typeof (item as { name?: unknown } | null)?.name === "string")
  );
}
