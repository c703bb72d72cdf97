import type { Decision, EnvironmentSpec, Observation } from "../src/core/index.ts";
import { BridgeTimeoutError } from "../src/core/index.ts";
import type { CurveClient } from "./curve.ts";
import { DealerSession } from "./dealer-session.ts";
import { errorBody } from "./error-body.ts";
import type { WireLimits } from "./wire/limits.ts";
import { DEFAULT_LIMITS } from "./wire/limits.ts";
import { SCHEMA_FINGERPRINT } from "./wire/schema.ts";

export interface ConnectPolicyOptions {
  /** What this robot shows and accepts; compared with the policy's spec at the handshake. */
  readonly spec: EnvironmentSpec;
  /** @default "robot" */
  readonly name?: string;
  readonly version?: string;
  readonly versions?: Readonly<Record<string, string>>;
  readonly curve?: CurveClient;
  /** How long to wait for the runtime, and for each answer. @default 10 000 */
  readonly timeoutMs?: number;
  /** @default 1 */
  readonly heartbeatS?: number;
  readonly limits?: Partial<WireLimits>;
  readonly log?: (line: string) => void;
}

/** A policy that runs elsewhere, as a robot sees it. */
export interface PolicyConnection extends AsyncDisposable {
  /** Resolves with the reason once the runtime is gone. The robot must then hold still. */
  readonly lost: Promise<string>;
  /** @throws {PeerError} if the policy fails, {BridgeTimeoutError}, {PeerLostError} */
  reset(start: { task: string; instruction: string; seed: number }): Promise<void>;
  /** @throws {PeerError} for an observation that is not as declared, {BridgeTimeoutError}, {PeerLostError} */
  decide(observation: Observation): Promise<Decision>;
  close(): Promise<void>;
}

/**
 * Dials in to the runtime at `endpoint` as a robot. A lost connection is not mended: a robot must know
 * of it, hold still, and start an episode anew.
 *
 * @throws {BridgeTimeoutError} if no runtime answers within `timeoutMs`
 * @throws {PeerError} if it refuses, for instance with `spec_mismatch`
 */
export async function connectPolicy(
  endpoint: string,
  options: ConnectPolicyOptions,
): Promise<PolicyConnection> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const session = new DealerSession({
    connect: endpoint,
    hello: {
      kind: "hello",
      role: "policyClient",
      name: options.name ?? "robot",
      version: options.version ?? "",
      versions: options.versions ?? {},
      schemaFingerprint: SCHEMA_FINGERPRINT,
      spec: options.spec,
      tasks: [],
      heartbeatS: options.heartbeatS ?? 1,
    },
    curve: options.curve,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    onRequest: ({ body, seq }, { conversation }) =>
      conversation.say(errorBody("unexpected_message", `a robot cannot answer ${body.kind}`), seq),
    log: options.log ?? (() => undefined),
  });
  await entered(session, { endpoint, timeoutMs });
  return connection(session, timeoutMs);
}

async function entered(
  session: DealerSession,
  { endpoint, timeoutMs }: { endpoint: string; timeoutMs: number },
): Promise<void> {
  const timer = setTimeout(() => session.abandon("no runtime answered"), timeoutMs);
  const outcome = await Promise.race([session.welcomed.then(() => undefined), session.ended]);
  clearTimeout(timer);
  if (outcome === undefined) return;
  if (outcome.kind === "refused") throw outcome.error;
  throw new BridgeTimeoutError("connect to a policy", { peer: endpoint, timeoutMs });
}

function connection(session: DealerSession, timeoutMs: number): PolicyConnection {
  const { conversation } = session;
  const close = async (): Promise<void> => {
    session.leave("the robot left");
    await session.ended;
  };
  return {
    lost: conversation.lost,
    async reset(start) {
      await conversation.ask(
        { kind: "episodeStart", ...start },
        { expect: "episodeStarted", action: "start an episode", timeoutMs },
      );
    },
    async decide(observation) {
      const { chunk, thoughts, timing } = await conversation.ask(
        { kind: "decide", observation },
        { expect: "decided", action: "get a decision", timeoutMs },
      );
      return { chunk, thoughts, timing };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
