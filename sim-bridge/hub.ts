import type { Router } from "zeromq";
import type { EnvironmentSpec, Policy } from "../src/core/index.ts";
import { comparePolicyToEnvironment, messageOf } from "../src/core/index.ts";
import type { Refusal } from "./admission.ts";
import { mismatchOf, refusalOf, wordsOf } from "./admission.ts";
import { Arrivals } from "./arrivals.ts";
import { Conversation } from "./conversation.ts";
import { errorBody } from "./error-body.ts";
import { SILENT_BEATS, startHeartbeat } from "./heartbeat.ts";
import type { HubEvent, HubOptions, HubSettings } from "./hub-options.ts";
import { hubSettings, lineOf } from "./hub-options.ts";
import { PolicySession } from "./policy-session.ts";
import { ReceivedMemory } from "./received-memory.ts";
import { RemoteEnvironment } from "./remote-environment.ts";
import type { ListeningSocket } from "./sockets.ts";
import { listen, onSocketEvent } from "./sockets.ts";
import { BRIDGE_VERSION } from "./version.ts";
import { decodeMessage, encodeMessage } from "./wire/codec.ts";
import { wireErrorCode } from "./wire/errors.ts";
import type { ErrorBody, HelloBody, Message } from "./wire/messages.ts";
import { SCHEMA_FINGERPRINT } from "./wire/schema.ts";

/** The runtime's end of the bridge: simulators and robots dial in, the hub deals them out. */
export interface Hub extends AsyncIterable<RemoteEnvironment>, AsyncDisposable {
  /** Where it listens really: with the port that was chosen. */
  readonly endpoint: string;
  /** The next simulator that nobody has taken. @throws the signal's reason, or once the hub is closed */
  nextSimulator(signal?: AbortSignal): Promise<RemoteEnvironment>;
  /** From now on only simulators of this spec are let in; others are told every difference. */
  requireSpec(spec: EnvironmentSpec): void;
  /** Robots that dial in get decisions of a policy of their own, made by `factory`. */
  servePolicy(factory: () => Policy | Promise<Policy>): void;
  /** Says goodbye to everybody. */
  close(): Promise<void>;
}

/** Listens for simulators and robots. @throws {RangeError} beyond loopback without CURVE keys */
export async function createHub(options: HubOptions): Promise<Hub> {
  const settings = hubSettings(options);
  const report = (event: HubEvent): void => {
    options.onEvent?.(event);
    const line = lineOf(event);
    if (line !== undefined) options.log?.(line);
  };
  const socket = await listen(options.endpoint, {
    curve: options.curve,
    maxFrameBytes: settings.limits.maxMessageBytes,
    onRefusedKey: (address) =>
      report({
        kind: "refused",
        peer: address,
        code: "curve",
        reason: "its CURVE key is not allowed",
      }),
  });
  return new RouterHub(socket, { settings, report });
}

interface Peer {
  readonly key: string;
  readonly hello: HelloBody;
  readonly conversation: Conversation;
  environment?: RemoteEnvironment;
  session?: PolicySession;
}

/** After a connection broke, peers are probed at these delays: which one it was, ZeroMQ does not say. */
const PROBE_MS = [0, 20, 200];

/** How long a goodbye may take to arrive. Peers in the same process have no connections that end. */
const GOODBYE_MS = 300;

class RouterHub implements Hub {
  readonly endpoint: string;
  readonly #socket: ListeningSocket;
  readonly #router: Router;
  readonly #settings: HubSettings;
  readonly #report: (event: HubEvent) => void;
  readonly #peers = new Map<string, Peer>();
  readonly #arrivals = new Arrivals<RemoteEnvironment>();
  readonly #probes = new Set<NodeJS.Timeout>();
  readonly #stopHeartbeat: () => void;
  readonly #reading: Promise<void>;
  readonly #received = new ReceivedMemory();
  #joined = 0;
  #closed = false;
  #requiredSpec: EnvironmentSpec | undefined;
  #policyFactory: (() => Policy | Promise<Policy>) | undefined;

  constructor(
    socket: ListeningSocket,
    { settings, report }: { settings: HubSettings; report: (event: HubEvent) => void },
  ) {
    this.#socket = socket;
    this.#router = socket.router;
    this.#settings = settings;
    this.#report = report;
    this.endpoint = socket.boundTo;
    onSocketEvent(this.#router, "disconnect", () => this.#probe());
    this.#stopHeartbeat = startHeartbeat(settings.heartbeatS, (wasAwake) => this.#beat(wasAwake));
    this.#reading = this.#read();
  }

  async nextSimulator(signal?: AbortSignal): Promise<RemoteEnvironment> {
    const environment = await this.#arrivals.next(signal);
    if (environment === undefined) {
      throw new RangeError("Cannot wait for a simulator: the hub is closed, must be open");
    }
    return environment;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RemoteEnvironment, void, void> {
    for (;;) {
      const environment = await this.#arrivals.next();
      if (environment === undefined) return;
      yield environment;
    }
  }

  requireSpec(spec: EnvironmentSpec): void {
    this.#requiredSpec = spec;
    for (const peer of [...this.#peers.values()]) {
      if (peer.environment === undefined) continue;
      const mismatch = mismatchOf(spec, peer.hello.spec);
      if (mismatch === undefined) continue;
      this.#refuse(peer.key, { peer: peer.conversation.peer, ...mismatch });
      this.#drop(peer, "has another spec than the others");
    }
  }

  servePolicy(factory: () => Policy | Promise<Policy>): void {
    this.#policyFactory = factory;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopHeartbeat();
    for (const probe of this.#probes) clearTimeout(probe);
    const peers = [...this.#peers.values()];
    const left = this.#disconnected(peers.length);
    for (const peer of peers) this.#dismiss(peer, "closed by the runtime");
    this.#arrivals.close();
    await left;
    this.#socket.close();
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(): Promise<void> {
    while (!this.#closed) {
      let frames: Buffer[];
      try {
        frames = await this.#router.receive();
      } catch (error) {
        // Closing the socket ends the wait with an error; anything else ends the hub.
        if (this.#closed) return;
        this.#report({
          kind: "trouble",
          peer: "the socket",
          code: "socket",
          reason: messageOf(error),
        });
        void this.close();
        return;
      }
      // A message may have come in while the hub was closing.
      if (this.#closed) return;
      this.#take(frames);
      let bytes = 0;
      for (const frame of frames) bytes += frame.byteLength;
      this.#received.add(bytes);
    }
  }

  #take(frames: Buffer[]): void {
    const key = (frames.shift() as Buffer).toString("latin1");
    const peer = this.#peers.get(key);
    let message: Message;
    try {
      message = decodeMessage(frames, this.#settings.limits);
    } catch (error) {
      const code = wireErrorCode(error) ?? "malformed";
      peer?.conversation.acceptUndecodable(code, messageOf(error));
      // With a stranger there is no conversation that could go on.
      this.#complain(key, { code, message: messageOf(error), fatal: peer === undefined });
      return;
    }
    if (message.body.kind === "hello") this.#greet(key, message, message.body);
    else if (peer === undefined) this.#complain(key, NO_HELLO);
    else this.#receive(peer, message);
  }

  #receive(peer: Peer, message: Message): void {
    const forUs = this.#accept(peer, message);
    if (forUs !== undefined) this.#route(peer, forUs);
  }

  /** Pairs answers with questions. A peer whose messages got lost on the way is of no use any more. */
  #accept(peer: Peer, message: Message): Message | undefined {
    try {
      return peer.conversation.accept(message);
    } catch (error) {
      const words = messageOf(error);
      this.#complain(peer.key, { code: "bad_sequence", message: words, fatal: true });
      this.#drop(peer, words);
      return undefined;
    }
  }

  #route(peer: Peer, message: Message): void {
    const { body } = message;
    if (body.kind === "heartbeat") return;
    if (body.kind === "close") return this.#drop(peer, `left: ${body.reason}`);
    if (body.kind === "error") {
      this.#report({
        kind: "trouble",
        peer: peer.conversation.peer,
        code: body.code,
        reason: body.message,
      });
      if (body.fatal) this.#drop(peer, `gave up: ${body.message}`);
    } else if (peer.session !== undefined) {
      void peer.session.receive(message);
    } else {
      const words = `a peer in its role sent ${body.kind}, must wait to be asked`;
      this.#complain(peer.key, { code: "unexpected_message", message: words });
    }
  }

  #greet(key: string, message: Message, hello: HelloBody): void {
    const former = this.#peers.get(key);
    if (former !== undefined) this.#drop(former, "dialled in again");
    const id = `${hello.name}#${++this.#joined}`;
    const refusal = refusalOf(hello, {
      requiredSpec: this.#requiredSpec,
      servesPolicy: this.#policyFactory !== undefined,
    });
    if (refusal !== undefined) return this.#refuse(key, { peer: id, ...refusal });
    const conversation = new Conversation({
      peer: id,
      send: (frames) => this.#send(key, frames, (reason) => conversation.lose(reason)),
      limits: this.#settings.limits,
      copyTensors: this.#socket.endpoint.transport === "inproc",
    });
    const peer: Peer = { key, hello, conversation };
    this.#peers.set(key, peer);
    this.#accept(peer, message);
    if (conversation.isLost) return;
    void conversation.lost.then((reason) => this.#forget(peer, reason));
    if (hello.role === "simulator") this.#admitSimulator(peer);
    else void this.#admitRobot(peer);
  }

  #admitSimulator(peer: Peer): void {
    const { hello, conversation } = peer;
    const environment = new RemoteEnvironment({
      hello,
      conversation,
      timeoutMs: this.#settings.requestTimeoutMs,
      leave: (reason) => this.#dismiss(peer, reason),
    });
    peer.environment = environment;
    this.#welcome(peer);
    this.#arrivals.push(environment);
  }

  async #admitRobot(peer: Peer): Promise<void> {
    const { hello, conversation } = peer;
    try {
      const policy = await (this.#policyFactory as () => Policy | Promise<Policy>)();
      const differences = wordsOf(comparePolicyToEnvironment(policy.spec, hello.spec));
      if (differences !== "" || conversation.isLost) {
        await policy.close?.();
        if (conversation.isLost) return;
        this.#refuse(peer.key, {
          peer: conversation.peer,
          code: "spec_mismatch",
          reason: differences,
        });
        return this.#drop(peer, "does not fit the policy");
      }
      peer.session = new PolicySession(policy, { hello, conversation });
      this.#welcome(peer);
    } catch (error) {
      const reason = `the policy could not be made: ${messageOf(error)}`;
      this.#refuse(peer.key, { peer: conversation.peer, code: "policy_failed", reason });
      this.#drop(peer, reason);
    }
  }

  #welcome({ hello, conversation }: Peer): void {
    const { heartbeatS, limits } = this.#settings;
    conversation.say({
      kind: "welcome",
      schemaFingerprint: SCHEMA_FINGERPRINT,
      runtimeVersion: BRIDGE_VERSION,
      heartbeatS,
      maxMessageBytes: limits.maxMessageBytes,
    });
    this.#report({ kind: "joined", peer: conversation.peer, role: hello.role });
  }

  #refuse(key: string, refusal: Refusal & { readonly peer: string }): void {
    const { code, reason } = refusal;
    this.#sendError(key, errorBody(code, reason, { fatal: true }));
    this.#report({ kind: "refused", ...refusal });
  }

  #complain(key: string, complaint: { code: string; message: string; fatal?: boolean }): void {
    const { code, message, fatal = false } = complaint;
    const peer = this.#peers.get(key)?.conversation.peer ?? "a stranger";
    this.#sendError(key, errorBody(code, message, { fatal }));
    this.#report({ kind: "trouble", peer, code, reason: message });
  }

  /** To a peer as part of the conversation, to a stranger as a first and only message. */
  #sendError(key: string, body: ErrorBody): void {
    const peer = this.#peers.get(key);
    if (peer !== undefined) peer.conversation.say(body);
    else this.#send(key, encodeMessage({ seq: 1, inReplyTo: 0, body }), () => undefined);
  }

  #send(key: string, frames: Uint8Array[], onFailure: (reason: string) => void): void {
    if (this.#router.closed) return;
    this.#router
      .send([Buffer.from(key, "latin1"), ...frames])
      .catch((error: unknown) => onFailure(failureOf(error)));
    this.#received.collectIfDue();
  }

  /**
   * Waits until so many connections have ended, but not for long. A goodbye is only on its way when it is sent:
   * if this process ended at once, on a busy machine, the peer would wait for a runtime that is gone.
   */
  #disconnected(count: number): Promise<void> {
    if (count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let left = count;
      const timer = setTimeout(resolve, GOODBYE_MS);
      onSocketEvent(this.#router, "disconnect", () => {
        if (--left > 0) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Says goodbye. */
  #dismiss(peer: Peer, reason: string): void {
    peer.conversation.say({ kind: "close", reason });
    this.#drop(peer, `was ${reason}`);
  }

  #drop(peer: Peer, reason: string): void {
    peer.conversation.lose(reason);
    this.#forget(peer, reason);
  }

  #forget(peer: Peer, reason: string): void {
    if (this.#peers.get(peer.key) !== peer) return;
    this.#peers.delete(peer.key);
    if (peer.environment !== undefined) this.#arrivals.remove(peer.environment);
    this.#report({ kind: "left", peer: peer.conversation.peer, reason });
  }

  #beat(wasAwake: boolean): void {
    for (const peer of [...this.#peers.values()]) {
      const { conversation, hello } = peer;
      conversation.say({ kind: "heartbeat" });
      // A simulator may be deaf and mute while it works: its deadline is then the request's.
      if (!wasAwake || conversation.isWaiting) continue;
      const silentS = (performance.now() - conversation.heardMs) / 1000;
      if (silentS > SILENT_BEATS * Math.max(hello.heartbeatS, this.#settings.heartbeatS)) {
        this.#drop(peer, `was silent for ${silentS.toFixed(1)} s`);
      }
    }
  }

  /** Finds out who is gone: ZeroMQ refuses to send to a peer without a connection. */
  #probe(): void {
    if (this.#probes.size > 0 || this.#closed) return;
    for (const delayMs of PROBE_MS) {
      const timer = setTimeout(() => {
        this.#probes.delete(timer);
        for (const { conversation } of [...this.#peers.values()]) {
          conversation.say({ kind: "heartbeat" });
        }
      }, delayMs);
      this.#probes.add(timer);
    }
  }
}

const NO_HELLO = {
  code: "hello_expected",
  message: "a message of an unknown peer arrived, must be a hello",
  fatal: true,
};

/** ZeroMQ's reasons for not sending, in words. */
function failureOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === "EHOSTUNREACH") return "disconnected";
  if (code === "EAGAIN") return "does not read what it is sent";
  return `cannot be reached: ${messageOf(error)}`;
}
