/**
 * The protobuf side of the codec: the objects protobufjs makes of `efference.proto`. Fields without a
 * value read as their default, optional ones as null. Nothing of this leaves the `wire` folder.
 */
import type { MessageKind } from "./messages.ts";

/** A uint64: a plain number when we write it, a Long when protobufjs read it. */
export type WireUint64 = number | { readonly low: number; readonly high: number };

export interface WireTensor {
  readonly dtype: string;
  readonly shape: readonly WireUint64[];
}

export interface WireNamedTensor {
  readonly name: string;
  readonly index: number;
}

export interface WireImageSpec {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface WireComponentSpec {
  readonly name: string;
  readonly format: string;
  readonly dtype: string;
  readonly shape: readonly WireUint64[];
  readonly unit: string | null;
  readonly frame: string | null;
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly categories: readonly WireUint64[];
  readonly charset: string | null;
  readonly minLength: number | null;
  readonly description: string | null;
}

export interface WireTextSpec {
  readonly name: string;
  readonly maxLength: number;
}

export interface WireEnvironmentSpec {
  readonly images: readonly WireImageSpec[];
  readonly proprio: readonly WireComponentSpec[];
  readonly texts: readonly WireTextSpec[];
  readonly action: readonly WireComponentSpec[];
  readonly controlFreqHz: number;
  readonly maxSteps: number;
  readonly privileged: boolean;
  readonly snapshot: boolean;
}

export interface WireTaskInfo {
  readonly name: string;
  readonly suite: string;
  readonly instruction: string;
  readonly initialStates: number;
  readonly maxSteps: number | null;
}

export interface WireWant {
  readonly allImages: boolean;
  readonly images: readonly string[];
  readonly imagesAtEveryStep: boolean;
  readonly poses: boolean;
  readonly privileged: boolean;
  readonly depth: boolean;
  readonly segmentation: boolean;
}

export interface WireObservation {
  readonly images: readonly WireNamedTensor[];
  readonly proprio: readonly WireNamedTensor[];
  readonly texts: Readonly<Record<string, string>>;
  readonly instruction: string;
  readonly step: number;
  readonly stampNs: WireUint64;
  readonly privilegedJson: string;
  readonly depth: readonly WireNamedTensor[];
  readonly segmentation: readonly WireNamedTensor[];
}

export interface WireTimeStep {
  readonly kind: number;
  readonly observation: WireObservation | null;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  readonly success: boolean | null;
  readonly busyNs: WireUint64;
  readonly poses: number | null;
  readonly infoJson: string;
}

/** The bodies, by the camelCase name of their field in `Envelope.body`. */
export interface WireBodies {
  readonly hello: {
    readonly role: number;
    readonly name: string;
    readonly version: string;
    readonly versions: Readonly<Record<string, string>>;
    readonly schemaFingerprint: string;
    readonly spec: WireEnvironmentSpec | null;
    readonly tasks: readonly WireTaskInfo[];
    readonly heartbeatS: number;
  };
  readonly welcome: {
    readonly schemaFingerprint: string;
    readonly runtimeVersion: string;
    readonly heartbeatS: number;
    readonly maxMessageBytes: WireUint64;
  };
  readonly reset: {
    readonly task: string;
    readonly seed: WireUint64;
    readonly initialState: number | null;
    readonly maxSteps: number | null;
    readonly want: WireWant | null;
  };
  readonly resetDone: {
    readonly first: WireTimeStep | null;
    readonly sceneJson: string;
    readonly instruction: string;
  };
  readonly step: { readonly chunk: number; readonly want: WireWant | null };
  readonly stepDone: { readonly steps: readonly WireTimeStep[] };
  readonly snapshot: Readonly<Record<never, never>>;
  readonly snapshotDone: { readonly state: Uint8Array };
  readonly restore: { readonly state: Uint8Array; readonly want: WireWant | null };
  readonly restoreDone: { readonly step: WireTimeStep | null };
  readonly close: { readonly reason: string };
  readonly error: { readonly code: string; readonly message: string; readonly fatal: boolean };
  readonly heartbeat: Readonly<Record<never, never>>;
  readonly episodeStart: {
    readonly task: string;
    readonly instruction: string;
    readonly seed: WireUint64;
  };
  readonly episodeStarted: Readonly<Record<never, never>>;
  readonly decide: { readonly observation: WireObservation | null };
  readonly decided: {
    readonly chunk: number;
    readonly thoughtsJson: string;
    readonly timingMs: Readonly<Record<string, number>>;
  };
}

/** A decoded `Envelope`. `body` names the one body that is set. */
export type WireEnvelope = {
  readonly protocolVersion: number;
  readonly seq: WireUint64;
  readonly inReplyTo: WireUint64;
  readonly tensors: readonly WireTensor[];
  readonly body: MessageKind | undefined;
} & { readonly [K in MessageKind]: WireBodies[K] };
