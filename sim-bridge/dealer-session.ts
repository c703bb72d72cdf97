import type { Dealer } from "zeromq";
import { PeerError, messageOf } from "../src/core/index.ts";
import { Conversation } from "./conversation.ts";
import type { CurveClient } from "./curve.ts";
import { errorBody } from "./error-body.ts";
import { SILENT_BEATS, startHeartbeat } from "./heartbeat.ts";
import { dial, onSocketEvent } from "./sockets.ts";
import { decodeMessage } from "./wire/codec.ts";
import { wireErrorCode } from "./wire/errors.ts";
import type { WireLimits } from "./wire/limits.ts";
import type { HelloBody, Message, WelcomeBody } from "./wire/messages.ts";
import { SCHEMA_FINGERPRINT } from "./wire/schema.ts";

export interface DealerOptions {
  readonly connect: string;
  readonly hello: HelloBody;
  readonly curve: CurveClient | undefined;
  readonly limits: WireLimits;
  /** Handed every request of the runtime, in order, one at a time by protocol. */
  readonly onRequest: (message: Message, session: DealerSession) => void;
  readonly log: (line: string) => void;
}

/** How one connection ended. */
export type SessionEnd =
  /** The runtime said goodbye. */
  | { readonly kind: "closed"; readonly reason: string }
  /** The runtime will not have us; trying again is of no use. */
  | { readonly kind: "refused"; readonly error: PeerError }
  /** The runtime is gone, or knows us no more; trying again may help. */
  | { readonly kind: "lost"; readonly reason: string }
  /** We ended it ourselves. */
  | { readonly kind: "left" };

const RUNTIME = "the runtime";

/** One connection of a dialling peer, from its hello to its end. A new attempt is a new session. */
export class DealerSession {
  readonly conversation: Conversation;
  /** Resolves once the runtime has let us in; never, if it does not. */
  readonly welcomed: Promise<WelcomeBody>;
  /** Resolves when the connection is over, whatever ended it. */
  readonly ended: Promise<SessionEnd>;
  readonly #options: DealerOptions;
  readonly #dealer: Dealer;
  #resolveWelcomed: (welcome: WelcomeBody) => void = () => undefined;
  #resolveEnded: (end: SessionEnd) => void = () => undefined;
  #stopHeartbeat: () => void = () => undefined;
  #isOver = false;

  constructor(options: DealerOptions) {
    this.#options = options;
    this.welcomed = new Promise((resolve) => (this.#resolveWelcomed = resolve));
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    const { dealer, endpoint } = dial(options.connect, {
      curve: options.curve,
      maxFrameBytes: options.limits.maxMessageBytes,
    });
    this.#dealer = dealer;
    this.conversation = new Conversation({
      peer: RUNTIME,
      send: (frames) => this.#send(frames),
      limits: options.limits,
      copyTensors: endpoint.transport === "inproc",
    });
    onSocketEvent(dealer, "handshake:error:auth", () => {
      const message = "our CURVE key is not allowed there";
      const details = { peer: RUNTIME, code: "curve", message };
      this.#end({ kind: "refused", error: new PeerError("dial in", details) });
    });
    this.conversation.say(options.hello);
    void this.#read();
  }

  /** Ends the session from this side; the runtime is told why. */
  leave(reason: string): void {
    if (this.#isOver) return;
    this.conversation.say({ kind: "close", reason });
    this.#end({ kind: "left" });
  }

  /** Gives the session up without a word, to try anew. */
  abandon(reason: string): void {
    this.#end({ kind: "lost", reason });
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      try {
        const frames = await this.#dealer.receive();
        if (!this.#isOver) this.#take(frames);
      } catch (error) {
        // Closing the socket ends the wait with an error; `#end` has then been told the true reason.
        this.#end({ kind: "lost", reason: messageOf(error) });
      }
    }
  }

  #take(frames: Buffer[]): void {
    let message: Message;
    try {
      message = decodeMessage(frames, this.#options.limits);
    } catch (error) {
      const code = wireErrorCode(error) ?? "malformed";
      this.conversation.acceptUndecodable(code, messageOf(error));
      this.conversation.say(errorBody(code, messageOf(error)));
      this.#options.log(`the runtime sent what cannot be read: ${messageOf(error)}`);
      return;
    }
    const forUs = this.conversation.accept(message);
    if (forUs !== undefined) this.#route(forUs);
  }

  #route(message: Message): void {
    const { body } = message;
    if (body.kind === "heartbeat") return;
    if (body.kind === "welcome") this.#enter(body);
    else if (body.kind === "close") this.#end({ kind: "closed", reason: body.reason });
    else if (body.kind === "error") {
      this.#options.log(`the runtime reports ${body.code}: ${body.message}`);
      if (body.fatal) this.#end(endOf(body.code, body.message));
    } else this.#options.onRequest(message, this);
  }

  #enter(welcome: WelcomeBody): void {
    if (welcome.schemaFingerprint !== SCHEMA_FINGERPRINT) {
      const found = `the runtime's schema has the fingerprint ${welcome.schemaFingerprint}`;
      const message = `${found}, must be ${SCHEMA_FINGERPRINT}`;
      this.conversation.say({ kind: "close", reason: message });
      this.#end(endOf("fingerprint", message));
      return;
    }
    const silenceMs =
      SILENT_BEATS * 1000 * Math.max(welcome.heartbeatS, this.#options.hello.heartbeatS);
    this.#stopHeartbeat = startHeartbeat(this.#options.hello.heartbeatS, (wasAwake) => {
      this.conversation.say({ kind: "heartbeat" });
      const silentMs = performance.now() - this.conversation.heardMs;
      if (wasAwake && silentMs > silenceMs) {
        this.#end({ kind: "lost", reason: `was silent for ${(silentMs / 1000).toFixed(1)} s` });
      }
    });
    this.#resolveWelcomed(welcome);
  }

  #send(frames: Uint8Array[]): void {
    if (this.#isOver) return;
    this.#dealer.send(frames).catch((error: unknown) => {
      this.#end({ kind: "lost", reason: `cannot be reached: ${messageOf(error)}` });
    });
  }

  #end(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopHeartbeat();
    this.conversation.lose(
      end.kind === "left"
        ? "was left"
        : end.kind === "closed"
          ? `closed the connection: ${end.reason}`
          : end.kind === "refused"
            ? `refused: ${end.error.message}`
            : end.reason,
    );
    this.#dealer.close();
    this.#resolveEnded(end);
  }
}

/** A fatal error. Only "who are you?" is worth another try: the runtime has been started anew. */
function endOf(code: string, message: string): SessionEnd {
  if (code === "hello_expected" || code === "bad_sequence")
    return { kind: "lost", reason: message };
  return { kind: "refused", error: new PeerError("dial in", { peer: RUNTIME, code, message }) };
}
