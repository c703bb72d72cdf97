import { createConnection } from "node:net";
import { once } from "node:events";
import { expect, it } from "vitest";
import { Dealer } from "zeromq";
import { WANT_NOTHING } from "../../../src/core/index.ts";
import { createCounter } from "../../../sim-bridge/counter.ts";
import { encodeMessage } from "../../../sim-bridge/wire/codec.ts";
import { badCases, goodCases } from "../../conformance/bridge/corpus-cases.ts";
import { counterChunk, openHub, serve } from "../../support/bridge.ts";

const MESSAGES = 10_000;

/** xorshift32: the same noise in every run. */
function noise(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

it(
  "a hub survives ten thousand damaged messages, and serves a simulator all the while",
  { timeout: 120_000 },
  async () => {
    const { hub, events } = await openHub({ requestTimeoutMs: 20_000 });
    serve(createCounter({ maxSteps: 1_000_000 }), { connect: hub.endpoint });
    const remote = await hub.nextSimulator();
    await remote.reset({ task: "count", seed: 1, want: WANT_NOTHING });
    const random = noise(0x1badcafe);
    const corpus = [
      ...goodCases.map(({ body }) => encodeMessage({ seq: 1, inReplyTo: 0, body })),
      ...badCases.map(({ frames }) => frames).filter((frames) => frames.length > 0),
    ];
    let attacker = attack(hub.endpoint);
    let memoryAfterWarmUp = 0;
    for (let i = 0; i < MESSAGES; i++) {
      const frames = (corpus[random(corpus.length)] as readonly Uint8Array[]).map((f) =>
        Uint8Array.from(f),
      );
      const frame = frames[random(frames.length)] as Uint8Array;
      if (frame.length > 0 && random(8) > 0) frame[random(frame.length)] = random(256);
      if (random(16) === 0) frames.splice(random(frames.length), 1, new Uint8Array(random(300)));
      await attacker.send(frames);
      // Steps in between: the answers must stay in order whatever else comes in.
      if (i % 100 === 0) {
        const [step] = await remote.step(counterChunk(1), WANT_NOTHING);
        expect(step?.observation.step).toBe(i / 100 + 1);
      }
      if (i % 1000 === 999) {
        attacker.close();
        attacker = attack(hub.endpoint);
      }
      if (i === MESSAGES / 5) memoryAfterWarmUp = usedBytes();
    }
    attacker.close();
    const [step] = await remote.step(counterChunk(1), WANT_NOTHING);
    expect(step?.observation.step).toBe(MESSAGES / 100 + 1);
    expect(usedBytes() - memoryAfterWarmUp).toBeLessThan(64 * 1024 * 1024);
    // Everything that was no message was reported as such, and only that.
    const codes = new Set(
      events.flatMap((event) => (event.kind === "trouble" ? [event.code] : [])),
    );
    expect([...codes]).toContain("malformed");
    expect(remote.staleReplies).toBe(0);
  },
);

/** A peer that reads what it is answered, so that the hub has no reason to drop it for that. */
function attack(endpoint: string): Dealer {
  const dealer = new Dealer({ linger: 0 });
  dealer.connect(endpoint);
  void (async () => {
    for await (const _ of dealer);
  })().catch(() => undefined);
  return dealer;
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it("a hub survives those who speak no ZeroMQ at all", async () => {
  const { hub } = await openHub();
  const port = Number(hub.endpoint.split(":").at(-1));
  const random = noise(7);
  for (let i = 0; i < 50; i++) {
    const socket = createConnection(port, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.end(
      i % 2 === 0
        ? "GET / HTTP/1.1\r\n\r\n"
        : Buffer.from(Array.from({ length: 200 }, () => random(256))),
    );
    socket.resume();
  }
  serve(createCounter(), { connect: hub.endpoint });
  await expect(hub.nextSimulator()).resolves.toMatchObject({ identity: { name: "counter" } });
});
