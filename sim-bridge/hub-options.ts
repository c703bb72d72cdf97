import type { CurveServer } from "./curve.ts";
import type { SpecDifference } from "../src/core/index.ts";
import type { WireLimits } from "./wire/limits.ts";
import { DEFAULT_LIMITS } from "./wire/limits.ts";

export interface HubOptions {
  /** `tcp://127.0.0.1:5555` (port `*` or 0: any), `ipc://PATH`, `inproc://NAME`. */
  readonly endpoint: string;
  /** Keys; without them only this machine can be listened to. */
  readonly curve?: CurveServer;
  /** How long a simulator may take to answer one request. @default 60 000 */
  readonly requestTimeoutMs?: number;
  /** How often the hub says it is alive; a peer is lost after three of its own beats of silence. @default 1 */
  readonly heartbeatS?: number;
  /** What incoming messages may be at most. Absent figures keep their defaults. */
  readonly limits?: Partial<WireLimits>;
  /** Who came, who left, who was refused, as data. */
  readonly onEvent?: (event: HubEvent) => void;
  /** Troubles as lines for people. */
  readonly log?: (line: string) => void;
}

export type HubEvent =
  | { readonly kind: "joined"; readonly peer: string; readonly role: "simulator" | "policyClient" }
  | { readonly kind: "left"; readonly peer: string; readonly reason: string }
  | {
      readonly kind: "refused";
      readonly peer: string;
      readonly code: string;
      readonly reason: string;
      /** For `spec_mismatch` among simulators: every difference. */
      readonly differences?: readonly SpecDifference[];
    }
  /** A message that could not be read, or that nobody asked for; it was answered with an error. */
  | {
      readonly kind: "trouble";
      readonly peer: string;
      readonly code: string;
      readonly reason: string;
    };

export interface HubSettings {
  readonly requestTimeoutMs: number;
  readonly heartbeatS: number;
  readonly limits: WireLimits;
}

/** @throws {RangeError} for a period that is none */
export function hubSettings(options: HubOptions): HubSettings {
  const settings = {
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
    heartbeatS: options.heartbeatS ?? 1,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  for (const name of ["requestTimeoutMs", "heartbeatS"] as const) {
    const value = settings[name];
    // Timers of Node.js end at 2^31 ms and would fire at once beyond.
    if (!(value > 0 && value < 2 ** 31)) {
      throw new RangeError(
        `Cannot create a hub: ${name} is ${value}, must be above 0 and below 2^31`,
      );
    }
  }
  return settings;
}

/** One event in words; `undefined` for what is no trouble. */
export function lineOf(event: HubEvent): string | undefined {
  switch (event.kind) {
    case "joined":
    case "left":
      return undefined;
    case "refused":
      return `refused ${event.peer}: ${event.reason}`;
    case "trouble":
      return `${event.peer}: ${event.reason}`;
  }
}
