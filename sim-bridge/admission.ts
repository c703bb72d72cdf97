import type { EnvironmentSpec, SpecDifference } from "../src/core/index.ts";
import { compareEnvironments } from "../src/core/index.ts";
import type { HelloBody } from "./wire/messages.ts";
import { SCHEMA_FINGERPRINT } from "./wire/schema.ts";

/** Why a peer is not let in. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  /** For a spec mismatch: every difference. */
  readonly differences?: readonly SpecDifference[];
}

/** What speaks against letting this peer in; `undefined` if nothing does. */
export function refusalOf(
  hello: HelloBody,
  house: { readonly requiredSpec: EnvironmentSpec | undefined; readonly servesPolicy: boolean },
): Refusal | undefined {
  if (hello.schemaFingerprint !== SCHEMA_FINGERPRINT) {
    const found = `its schema has the fingerprint ${hello.schemaFingerprint}`;
    return { code: "fingerprint", reason: `${found}, must be ${SCHEMA_FINGERPRINT}` };
  }
  if (hello.role === "policyClient") {
    const reason = "a robot asks for decisions, but no policy is served here";
    return house.servesPolicy ? undefined : { code: "no_policy", reason };
  }
  return house.requiredSpec === undefined ? undefined : mismatchOf(house.requiredSpec, hello.spec);
}

/** Every difference between the spec of a job and that of a simulator that would join it. */
export function mismatchOf(required: EnvironmentSpec, spec: EnvironmentSpec): Refusal | undefined {
  const differences = compareEnvironments(required, spec);
  if (differences.length === 0) return undefined;
  return { code: "spec_mismatch", reason: wordsOf(differences), differences };
}

export function wordsOf(differences: readonly SpecDifference[]): string {
  return differences
    .map(({ where, made, accepted }) => `${where} is ${made}, must be ${accepted}`)
    .join("; ");
}
