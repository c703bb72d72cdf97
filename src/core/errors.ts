/**
 * Error classes a caller acts on; everything else is `TypeError` (wrong shape or type), `RangeError`
 * (wrong value) or `SyntaxError` (undecodable bytes). Grammar: `Cannot <action>: <what is>, <what must be>`.
 */

/** One difference between what one side makes and what the other accepts. */
export interface SpecDifference {
  /** For instance `action component "rotation"` or `image "front"`. */
  readonly where: string;
  readonly made: string;
  readonly accepted: string;
}

/** Two sides do not fit. `differences` has every one, so that a person fixes them in one go. */
export class SpecMismatchError extends Error {
  readonly differences: readonly SpecDifference[];
  constructor(action: string, differences: readonly SpecDifference[]) {
    const words = differences.map((d) => `${d.where} is ${d.made}, must be ${d.accepted}`);
    super(`Cannot ${action}: ${words.join("; ")}`);
    this.name = "SpecMismatchError";
    this.differences = differences;
  }
}

/** A peer did not answer within its deadline. */
export class BridgeTimeoutError extends Error {
  readonly peer: string;
  readonly timeoutMs: number;
  constructor(action: string, details: { peer: string; timeoutMs: number }) {
    super(`Cannot ${action}: ${details.peer} did not answer within ${details.timeoutMs} ms`);
    this.name = "BridgeTimeoutError";
    this.peer = details.peer;
    this.timeoutMs = details.timeoutMs;
  }
}

/** A peer went away (closed, killed, silent) while something was asked of it. */
export class PeerLostError extends Error {
  readonly peer: string;
  constructor(action: string, details: { peer: string; reason: string }) {
    super(`Cannot ${action}: ${details.peer} ${details.reason}`);
    this.name = "PeerLostError";
    this.peer = details.peer;
  }
}

/** A peer answered with an error message of its own. */
export class PeerError extends Error {
  readonly peer: string;
  readonly code: string;
  constructor(action: string, details: { peer: string; code: string; message: string }) {
    super(`Cannot ${action}: ${details.peer} reports ${details.code}: ${details.message}`);
    this.name = "PeerError";
    this.peer = details.peer;
    this.code = details.code;
  }
}

/** A policy made numbers that are no action: its sampler ran away, or its weights are broken. */
export class PolicyDivergedError extends RangeError {
  constructor(message: string) {
    super(message);
    this.name = "PolicyDivergedError";
  }
}

/** The text of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
