import { BridgeTimeoutError, PeerError, PeerLostError } from "../src/core/index.ts";
import { encodeMessage } from "./wire/codec.ts";
import type { WireLimits } from "./wire/limits.ts";
import type { BodyOf, Message, MessageBody, MessageKind } from "./wire/messages.ts";

export interface ConversationOptions {
  /** The other side, as errors shall name it. */
  readonly peer: string;
  /** Hands frames to the socket. Failing to do so ends the conversation through `lose`. */
  readonly send: (frames: Uint8Array[]) => void;
  readonly limits: WireLimits;
  /**
   * Within one process ZeroMQ passes memory, not bytes: tensors are copied first, so that either side
   * may reuse its own arrays.
   */
  readonly copyTensors: boolean;
}

interface Pending {
  readonly seq: number;
  readonly expect: MessageKind;
  readonly action: string;
  readonly timer: NodeJS.Timeout;
  resolve(body: MessageBody): void;
  reject(error: Error): void;
}

/**
 * One side of the talk between the runtime and one peer: numbers what is said, pairs answers with
 * questions, gives up on answers that come too late. One question is open at a time.
 */
export class Conversation {
  readonly peer: string;
  /** Resolves with the reason when the other side is gone, once and for all. */
  readonly lost: Promise<string>;
  /** Answers that came after their deadline, and were dropped. */
  staleReplies = 0;
  /** Monotonic ms of the last message from the other side. */
  heardMs = performance.now();
  readonly #options: ConversationOptions;
  readonly #resolveLost: (reason: string) => void;
  #lostReason: string | undefined;
  #sent = 0;
  #received = 0;
  #pending: Pending | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.peer = options.peer;
    let resolveLost: (reason: string) => void = () => undefined;
    this.lost = new Promise((resolve) => (resolveLost = resolve));
    this.#resolveLost = resolveLost;
  }

  get isLost(): boolean {
    return this.#lostReason !== undefined;
  }

  get isWaiting(): boolean {
    return this.#pending !== undefined;
  }

  /** Says something that needs no answer, or is one. @throws what the codec throws; nothing is sent then */
  say(body: MessageBody, inReplyTo = 0): void {
    if (this.isLost) return;
    const frames = encodeMessage({ seq: this.#sent + 1, inReplyTo, body }, this.#options.limits);
    this.#sent++;
    if (this.#options.copyTensors) {
      for (let i = 1; i < frames.length; i++) frames[i] = Uint8Array.from(frames[i] as Uint8Array);
    }
    this.#options.send(frames);
  }

  /**
   * Asks, and waits for the answer.
   *
   * @throws {BridgeTimeoutError} if it does not come within `timeoutMs`; the answer, should it come
   *   later, is dropped
   * @throws {PeerLostError} if the other side is or goes away
   * @throws {PeerError} if it answers with an error
   * @throws {RangeError} if a question is open already
   */
  ask<K extends MessageKind>(
    body: MessageBody,
    options: { expect: K; action: string; timeoutMs: number },
  ): Promise<BodyOf<K>> {
    const { expect, action, timeoutMs } = options;
    if (this.#lostReason !== undefined) {
      return Promise.reject(
        new PeerLostError(action, { peer: this.peer, reason: this.#lostReason }),
      );
    }
    if (this.#pending !== undefined) {
      const open = this.#pending.action;
      return Promise.reject(
        new RangeError(
          `Cannot ${action}: ${this.peer} still has to ${open}, must be asked one thing at a time`,
        ),
      );
    }
    return new Promise<BodyOf<K>>((resolve, reject) => {
      const seq = this.#sent + 1;
      const timer = setTimeout(() => this.#expire(seq, timeoutMs), timeoutMs);
      this.#pending = {
        seq,
        expect,
        action,
        timer,
        resolve: resolve as Pending["resolve"],
        reject,
      };
      try {
        this.say(body);
      } catch (error) {
        this.fail(error as Error);
      }
    });
  }

  /**
   * Takes a message of the other side in.
   *
   * @returns the message if it is for the caller to act on; `undefined` if it was an answer
   * @throws {RangeError} if messages were lost or repeated on the way
   */
  accept(message: Message): Message | undefined {
    this.heardMs = performance.now();
    this.#received++;
    const { body, inReplyTo, seq } = message;
    const isFinal = body.kind === "error" && body.fatal;
    if (seq !== this.#received && !isFinal) {
      throw new RangeError(
        `Cannot follow ${this.peer}: its message has seq ${seq}, must be ${this.#received}`,
      );
    }
    if (inReplyTo === 0) return message;
    const pending = this.#pending;
    if (pending?.seq !== inReplyTo) {
      this.staleReplies++;
      return undefined;
    }
    if (body.kind === "error") {
      const { code, message: words } = body;
      this.fail(new PeerError(pending.action, { peer: this.peer, code, message: words }));
      return isFinal ? message : undefined;
    }
    if (body.kind !== pending.expect) {
      const found = `it answered with ${body.kind}, must be ${pending.expect}`;
      this.fail(
        new PeerError(pending.action, {
          peer: this.peer,
          code: "unexpected_message",
          message: found,
        }),
      );
      return message;
    }
    this.#settle()?.resolve(body);
    return undefined;
  }

  /** Counts a message that could not be decoded; an open question fails with it. */
  acceptUndecodable(code: string, words: string): void {
    this.heardMs = performance.now();
    this.#received++;
    const action = this.#pending?.action;
    if (action !== undefined) {
      this.fail(new PeerError(action, { peer: this.peer, code, message: words }));
    }
  }

  /** Ends the open question, if there is one. */
  fail(error: Error): void {
    this.#settle()?.reject(error);
  }

  /** The other side is gone. */
  lose(reason: string): void {
    if (this.#lostReason !== undefined) return;
    this.#lostReason = reason;
    const pending = this.#settle();
    pending?.reject(new PeerLostError(pending.action, { peer: this.peer, reason }));
    this.#resolveLost(reason);
  }

  #settle(): Pending | undefined {
    const pending = this.#pending;
    if (pending !== undefined) clearTimeout(pending.timer);
    this.#pending = undefined;
    return pending;
  }

  #expire(seq: number, timeoutMs: number): void {
    // If this program itself was busy, the answer may lie in the socket: read it before giving up.
    setImmediate(() => {
      const pending = this.#pending;
      if (pending?.seq !== seq) return;
      this.fail(new BridgeTimeoutError(pending.action, { peer: this.peer, timeoutMs }));
    });
  }
}
