/**
 * Every message of the wire as the program sees it: camelCase, the words of `src/core`, no protobuf.
 * `protocol.md` says who sends what and when.
 */
import type {
  ActionChunk,
  Decision,
  EnvironmentSpec,
  Observation,
  ResetRequest,
  ResetResult,
  TaskInfo,
  TimeStep,
  Want,
} from "../../src/core/index.ts";

/** The version this runtime speaks; another one is refused. */
export const PROTOCOL_VERSION = 1;

/** What a peer that dials in wants to be. */
export type PeerRole = "simulator" | "policyClient";

export interface HelloBody {
  readonly kind: "hello";
  readonly role: PeerRole;
  readonly name: string;
  readonly version: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly schemaFingerprint: string;
  readonly spec: EnvironmentSpec;
  readonly tasks: readonly TaskInfo[];
  readonly heartbeatS: number;
}

export interface WelcomeBody {
  readonly kind: "welcome";
  readonly schemaFingerprint: string;
  readonly runtimeVersion: string;
  readonly heartbeatS: number;
  readonly maxMessageBytes: number;
}

export interface ErrorBody {
  readonly kind: "error";
  readonly code: string;
  readonly message: string;
  /** The sender closes after it. */
  readonly fatal: boolean;
}

export type MessageBody =
  | HelloBody
  | WelcomeBody
  | ({ readonly kind: "reset" } & ResetRequest)
  | ({ readonly kind: "resetDone" } & ResetResult)
  | { readonly kind: "step"; readonly chunk: ActionChunk; readonly want: Want }
  | { readonly kind: "stepDone"; readonly steps: readonly TimeStep[] }
  | { readonly kind: "snapshot" }
  | { readonly kind: "snapshotDone"; readonly state: Uint8Array }
  | { readonly kind: "restore"; readonly state: Uint8Array; readonly want: Want }
  | { readonly kind: "restoreDone"; readonly step: TimeStep }
  | { readonly kind: "close"; readonly reason: string }
  | ErrorBody
  | { readonly kind: "heartbeat" }
  | {
      readonly kind: "episodeStart";
      readonly task: string;
      readonly instruction: string;
      readonly seed: number;
    }
  | { readonly kind: "episodeStarted" }
  | { readonly kind: "decide"; readonly observation: Observation }
  | ({ readonly kind: "decided" } & Decision);

export type MessageKind = MessageBody["kind"];
export type BodyOf<K extends MessageKind> = Extract<MessageBody, { readonly kind: K }>;

/** One message: its place in the conversation and what it says. */
export interface Message {
  /** Counts the sender's messages from 1, without gaps. */
  readonly seq: number;
  /** `seq` of the request this answers; 0 where it answers nothing. */
  readonly inReplyTo: number;
  readonly body: MessageBody;
}
