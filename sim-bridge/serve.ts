import type { Environment } from "../src/core/index.ts";
import { messageOf } from "../src/core/index.ts";
import type { CurveClient } from "./curve.ts";
import type { DealerSession } from "./dealer-session.ts";
import { DealerSession as Session } from "./dealer-session.ts";
import { errorBody } from "./error-body.ts";
import type { ServeEnd } from "./redial.ts";
import { keepDialling } from "./redial.ts";
import { wireErrorCode } from "./wire/errors.ts";
import type { WireLimits } from "./wire/limits.ts";
import { DEFAULT_LIMITS } from "./wire/limits.ts";
import type { HelloBody, Message, MessageBody } from "./wire/messages.ts";
import { SCHEMA_FINGERPRINT } from "./wire/schema.ts";

export interface ServeOptions {
  /** The runtime's endpoint, for instance `tcp://127.0.0.1:5555`. */
  readonly connect: string;
  /** How the runtime shall call this simulator. @default the environment's name */
  readonly name?: string;
  /** Keys, where the runtime asks for them. */
  readonly curve?: CurveClient;
  /** How often a sign of life is sent, at the least. @default 1 */
  readonly heartbeatS?: number;
  /** Leaves when no runtime was heard for so long, so that no orphan stays. @default 30 */
  readonly forgottenAfterS?: number;
  readonly limits?: Partial<WireLimits>;
  readonly signal?: AbortSignal;
  readonly log?: (line: string) => void;
}

/**
 * Offers an environment to the runtime at `connect`: dials in, does as told, dials in again when the
 * runtime was started anew. Does not close the environment.
 *
 * A simulator whose `step` blocks this thread sends no heartbeat meanwhile; the runtime knows, and
 * waits for as long as its request may take.
 *
 * @returns when the runtime said goodbye, the signal fired, or no runtime was heard for too long
 * @throws {PeerError} if the runtime refuses: another schema, another spec than its job needs
 */
export function serveEnvironment(
  environment: Environment,
  options: ServeOptions,
): Promise<ServeEnd> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const hello = helloOf(environment, options);
  const worker = new Worker(environment);
  return keepDialling(
    () =>
      new Session({
        connect: options.connect,
        hello,
        curve: options.curve,
        limits,
        onRequest: (message, session) => void worker.receive(message, session),
        log: options.log ?? (() => undefined),
      }),
    { forgottenAfterS: options.forgottenAfterS ?? 30, signal: options.signal },
  );
}

function helloOf(environment: Environment, options: ServeOptions): HelloBody {
  const { identity, spec, tasks } = environment;
  return {
    kind: "hello",
    role: "simulator",
    name: options.name ?? identity.name,
    version: identity.version,
    versions: identity.versions,
    schemaFingerprint: SCHEMA_FINGERPRINT,
    spec,
    tasks,
    heartbeatS: options.heartbeatS ?? 1,
  };
}

/** Does one request after the other, in the order they came. */
class Worker {
  readonly #environment: Environment;
  #previous: Promise<void> = Promise.resolve();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  receive(message: Message, session: DealerSession): Promise<void> {
    this.#previous = this.#previous.then(() => this.#serve(message, session));
    return this.#previous;
  }

  async #serve({ body, seq }: Message, { conversation }: DealerSession): Promise<void> {
    // The runtime that asked is gone; what it asked for would only be in the way of the next one.
    if (conversation.isLost) return;
    try {
      conversation.say(await this.#answer(body), seq);
    } catch (error) {
      const code =
        wireErrorCode(error) ??
        (error instanceof RangeError || error instanceof TypeError ? "bad_request" : "failed");
      conversation.say(errorBody(code, messageOf(error)), seq);
    }
  }

  async #answer(body: MessageBody): Promise<MessageBody> {
    const environment = this.#environment;
    if (body.kind === "step") {
      return { kind: "stepDone", steps: await environment.step(body.chunk, body.want) };
    }
    if (body.kind === "reset") {
      const { kind: _, ...request } = body;
      return { kind: "resetDone", ...(await environment.reset(request)) };
    }
    if (body.kind === "snapshot") {
      if (environment.snapshot === undefined) return NO_SNAPSHOT;
      return { kind: "snapshotDone", state: await environment.snapshot() };
    }
    if (body.kind === "restore") {
      if (environment.restore === undefined) return NO_SNAPSHOT;
      return { kind: "restoreDone", step: await environment.restore(body.state, body.want) };
    }
    return errorBody("unexpected_message", `a simulator cannot answer ${body.kind}`);
  }
}

const NO_SNAPSHOT = errorBody("bad_request", "this simulator has no snapshots, as its spec says");
