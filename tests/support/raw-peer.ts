import { onTestFinished } from "vitest";
import { Dealer } from "zeromq";
import { createCounter } from "../../sim-bridge/counter.ts";
import { decodeMessage, encodeMessage } from "../../sim-bridge/wire/codec.ts";
import type {
  BodyOf,
  HelloBody,
  Message,
  MessageBody,
  MessageKind,
} from "../../sim-bridge/wire/messages.ts";
import { SCHEMA_FINGERPRINT } from "../../sim-bridge/wire/schema.ts";
import type { EnvironmentSpec } from "../../src/core/index.ts";

/** The hello of a counter, or of something that passes for one. */
export function counterHello(changes: Partial<HelloBody> = {}): HelloBody {
  const { identity, spec, tasks } = createCounter();
  return {
    kind: "hello",
    role: "simulator",
    name: "raw",
    version: identity.version,
    versions: {},
    schemaFingerprint: SCHEMA_FINGERPRINT,
    spec,
    tasks,
    heartbeatS: 0.2,
    ...changes,
  };
}

export function otherSpec(changes: Partial<EnvironmentSpec>): EnvironmentSpec {
  return { ...createCounter().spec, ...changes };
}

/** A peer that says exactly what the test wants, and nothing by itself: no heartbeats, no manners. */
export class RawPeer {
  readonly dealer: Dealer;
  seq = 0;

  constructor(endpoint: string, options: { routingId?: string } = {}) {
    this.dealer = new Dealer({ linger: 0, ...options });
    this.dealer.connect(endpoint);
    onTestFinished(() => this.dealer.close());
  }

  async say(body: MessageBody, inReplyTo = 0): Promise<void> {
    await this.sendFrames(encodeMessage({ seq: this.seq + 1, inReplyTo, body }));
  }

  async sendFrames(frames: readonly Uint8Array[]): Promise<void> {
    this.seq++;
    await this.dealer.send(frames as Uint8Array[]);
  }

  /** The next message that is no heartbeat. */
  async hear(): Promise<Message> {
    for (;;) {
      const message = decodeMessage(await this.dealer.receive());
      if (message.body.kind !== "heartbeat") return message;
    }
  }

  /** The body of the next message, which must be of this kind. */
  async expect<K extends MessageKind>(kind: K): Promise<BodyOf<K> & { seq: number }> {
    const { body, seq } = await this.hear();
    if (body.kind !== kind) {
      throw new RangeError(`Cannot go on: a ${JSON.stringify(body)} came, must be ${kind}`);
    }
    return { ...(body as BodyOf<K>), seq };
  }
}
