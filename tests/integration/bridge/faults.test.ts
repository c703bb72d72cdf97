import { describe, expect, it } from "vitest";
import type { Environment, ResetResult, TimeStep } from "../../../src/core/index.ts";
import {
  BridgeTimeoutError,
  PeerError,
  PeerLostError,
  WANT_NOTHING,
} from "../../../src/core/index.ts";
import { connectSim, createHub } from "../../../sim-bridge/index.ts";
import { createCounter } from "../../../sim-bridge/counter.ts";
import { WANT_ALL, counterChunk, freshEndpoint, openHub, serve } from "../../support/bridge.ts";
import { RawPeer, counterHello, otherSpec } from "../../support/raw-peer.ts";

const RESET = { task: "count", seed: 1, want: WANT_NOTHING };

/** A gate that a simulator waits at. */
function gate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

/** What a counter at `count` would show, made here so that a raw peer can lie about it. */
async function counterSteps(): Promise<{ reset: ResetResult; step: TimeStep }> {
  const env = createCounter();
  const reset = await env.reset(RESET);
  const [step] = await env.step(counterChunk(1), WANT_NOTHING);
  return { reset, step: step as TimeStep };
}

async function rawSimulator(options: Parameters<typeof openHub>[0] = {}) {
  const { hub, events } = await openHub({ heartbeatS: 0.5, ...options });
  const peer = new RawPeer(hub.endpoint);
  await peer.say(counterHello({ heartbeatS: 60 }));
  const remote = await hub.nextSimulator();
  await peer.expect("welcome");
  return { hub, events, peer, remote };
}

/** A raw simulator in mid-episode. */
async function runningRaw(options: Parameters<typeof openHub>[0] = {}) {
  const raw = await rawSimulator(options);
  const { reset, step } = await counterSteps();
  const resetting = raw.remote.reset(RESET);
  const { seq } = await raw.peer.expect("reset");
  await raw.peer.say({ kind: "resetDone", ...reset }, seq);
  await resetting;
  return { ...raw, step };
}

describe("a deadline", () => {
  it("ends the request, and the late answer is dropped and counted", async () => {
    const hold = gate();
    const env = createCounter({ onStep: (count) => (count === 2 ? hold.passed : undefined) });
    const { hub } = await openHub({ requestTimeoutMs: 150 });
    serve(env, { connect: hub.endpoint });
    const remote = await hub.nextSimulator();
    await remote.reset(RESET);
    await remote.step(counterChunk(1), WANT_NOTHING);
    await expect(remote.step(counterChunk(1), WANT_NOTHING)).rejects.toThrow(BridgeTimeoutError);
    // Nobody knows where the world stands, so nothing but a reset goes on from here.
    await expect(remote.step(counterChunk(1), WANT_NOTHING)).rejects.toThrow(/must be reset first/);
    hold.open();
    const { first } = await remote.reset(RESET);
    expect(first.observation.step).toBe(0);
    expect(first.observation.proprio["total"]?.data[0]).toBe(2n);
    expect(remote.staleReplies).toBe(1);
  });

  it("does not count against a simulator while this program itself was busy", async () => {
    const { hub } = await openHub({ requestTimeoutMs: 100, heartbeatS: 0.05 });
    const peer = new RawPeer(hub.endpoint);
    await peer.say(counterHello());
    const remote = await hub.nextSimulator();
    await peer.expect("welcome");
    const { reset } = await counterSteps();
    const resetting = remote.reset(RESET);
    const { seq } = await peer.expect("reset");
    await peer.say({ kind: "resetDone", ...reset }, seq);
    const until = performance.now() + 400;
    while (performance.now() < until); // the answer waits in the socket meanwhile
    await expect(resetting).resolves.toMatchObject({ instruction: "count up" });
  });
});

describe("a lost peer", () => {
  it("that goes silent is dropped, and says why", async () => {
    const { hub, events } = await openHub({ heartbeatS: 0.05 });
    const peer = new RawPeer(hub.endpoint);
    await peer.say(counterHello({ heartbeatS: 0.05 }));
    const remote = await hub.nextSimulator();
    expect(await remote.lost).toMatch(/^was silent for 0\.\d s$/);
    await expect(remote.reset(RESET)).rejects.toThrow(PeerLostError);
    expect(events.map(({ kind }) => kind)).toEqual(["joined", "left"]);
  });

  it("whose connection breaks fails the open request at once, long before its deadline", async () => {
    const { remote, peer } = await rawSimulator({ heartbeatS: 30, requestTimeoutMs: 60_000 });
    const resetting = remote.reset(RESET);
    await peer.expect("reset");
    peer.dealer.close();
    await expect(resetting).rejects.toThrow(PeerLostError);
    expect(await remote.lost).toBe("disconnected");
  });

  it("is not lost while it works on a request", async () => {
    const { remote, peer } = await rawSimulator({ heartbeatS: 0.05 });
    const { reset } = await counterSteps();
    const resetting = remote.reset(RESET);
    const { seq } = await peer.expect("reset");
    await new Promise((resolve) => setTimeout(resolve, 500)); // ten beats of silence
    await peer.say({ kind: "resetDone", ...reset }, seq);
    await expect(resetting).resolves.toMatchObject({ instruction: "count up" });
  });

  it("that was waiting to be taken is not dealt out", async () => {
    const { hub, events } = await openHub({ heartbeatS: 0.05 });
    const peer = new RawPeer(hub.endpoint);
    await peer.say(counterHello({ name: "gone", heartbeatS: 0.05 }));
    await peer.expect("welcome");
    while (!events.some(({ kind }) => kind === "left")) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    serve(createCounter(), { connect: hub.endpoint, name: "there" });
    expect((await hub.nextSimulator()).identity.name).toBe("there");
  });
});

describe("a peer that dials in again", () => {
  it("under the same routing id is a new peer, and the old one is lost", async () => {
    const { hub } = await openHub();
    const before = new RawPeer(hub.endpoint, { routingId: "arm" });
    await before.say(counterHello());
    const first = await hub.nextSimulator();
    const after = new RawPeer(hub.endpoint, { routingId: "arm" });
    await after.say(counterHello());
    const second = await hub.nextSimulator();
    expect(await first.lost).toBe("dialled in again");
    expect(second.peerId).not.toBe(first.peerId);
    await after.expect("welcome");
  });
});

describe("a simulator", () => {
  it("leaves when no runtime is heard for too long", async () => {
    const { ended } = serve(createCounter(), {
      connect: freshEndpoint("ipc"),
      forgottenAfterS: 0.2,
    });
    expect(await ended).toEqual({ kind: "forgotten", reason: "no runtime answered" });
  });

  it("leaves when its signal says so, and the runtime hears of it", async () => {
    const { hub } = await openHub();
    const { ended, stop } = serve(createCounter(), { connect: hub.endpoint });
    const remote = await hub.nextSimulator();
    await stop();
    expect(await ended).toEqual({ kind: "aborted" });
    expect(await remote.lost).toBe("left: stopped");
  });

  it("reports its own failures, and goes on serving", async () => {
    const env = createCounter({
      onStep: (count) => {
        if (count === 2) throw new Error("the gripper broke");
      },
    });
    const { hub } = await openHub();
    serve(env, { connect: hub.endpoint });
    const remote = await hub.nextSimulator();
    await remote.reset(RESET);
    const failing = remote.step(counterChunk(2), WANT_NOTHING);
    await expect(failing).rejects.toMatchObject({ name: "PeerError", code: "failed" });
    await expect(failing).rejects.toThrow(/the gripper broke/);
    await expect(remote.reset({ ...RESET, task: "fly" })).rejects.toMatchObject({
      code: "bad_request",
    });
    await expect(remote.reset(RESET)).resolves.toMatchObject({ instruction: "count up" });
  });

  it("answers in order what it is asked while it is still busy", async () => {
    const { hub } = await openHub();
    serve(createCounter(), { connect: hub.endpoint });
    const remote = await hub.nextSimulator();
    const resetting = remote.reset(RESET);
    await expect(remote.reset(RESET)).rejects.toThrow(/must be asked one thing at a time/);
    await resetting;
  });
});

describe("what a simulator sends", () => {
  const lies: [string, string, RegExp, (step: TimeStep) => TimeStep][] = [
    [
      "a NaN",
      "non_finite",
      /component "echo" has NaN at index 1/,
      (step) => withProprio(step, "echo", Float32Array.of(0, NaN)),
    ],
    [
      "an infinity without an infinite bound",
      "non_finite",
      /component "echo" has -Infinity at index 0, must be finite/,
      (step) => withProprio(step, "echo", Float32Array.of(-Infinity, 0)),
    ],
    [
      "an infinity on the side that is bounded",
      "non_finite",
      /component "count" has -Infinity/,
      (step) => withProprio(step, "count", Float32Array.of(-Infinity)),
    ],
    [
      "a component of another shape",
      "bad_observation",
      /component "echo" is float32\[1\], must be float32\[2\]/,
      (step) => withProprio(step, "echo", Float32Array.of(0)),
    ],
    [
      "a step out of order",
      "bad_observation",
      /numbered 7/,
      (step) => ({ ...step, observation: { ...step.observation, step: 7 } }),
    ],
    [
      "a first step in mid-episode",
      "bad_observation",
      /sent a first step/,
      (step) => ({ ...step, kind: "first", reward: 0 }),
    ],
    [
      "an undeclared component",
      "bad_observation",
      /component "extra" is sent/,
      (step) => withProprio(step, "extra", Float32Array.of(1)),
    ],
  ];

  it.each(lies)("is refused if it is %s", async (_, code, words, lie) => {
    const { remote, peer, step } = await runningRaw();
    const stepping = remote.step(counterChunk(1), WANT_NOTHING);
    const { seq } = await peer.expect("step");
    await peer.say({ kind: "stepDone", steps: [lie(step)] }, seq);
    await expect(stepping).rejects.toThrow(words);
    await expect(stepping).rejects.toMatchObject({ name: "PeerError", code });
    expect((await peer.expect("error")).code).toBe(code);
    await expect(remote.step(counterChunk(1), WANT_NOTHING)).rejects.toThrow(/reset first/);
  });

  it("may be infinite where the spec says so", async () => {
    const { remote, peer, step } = await runningRaw();
    const stepping = remote.step(counterChunk(1), WANT_NOTHING);
    const { seq } = await peer.expect("step");
    await peer.say(
      { kind: "stepDone", steps: [withProprio(step, "count", Float32Array.of(Infinity))] },
      seq,
    );
    await expect(stepping).resolves.toHaveLength(1);
  });

  it("must be the images that were asked for", async () => {
    const { remote, peer, step } = await runningRaw();
    const stepping = remote.step(counterChunk(1), WANT_ALL);
    const { seq } = await peer.expect("step");
    await peer.say({ kind: "stepDone", steps: [step] }, seq);
    await expect(stepping).rejects.toThrow(/image "count" is absent/);
  });

  it("must be as many steps as actions", async () => {
    const { remote, peer, step } = await runningRaw();
    const stepping = remote.step(counterChunk(2), WANT_NOTHING);
    const { seq } = await peer.expect("step");
    await peer.say({ kind: "stepDone", steps: [step] }, seq);
    await expect(stepping).rejects.toThrow(/executed 1 of 2 actions/);
  });

  it("must answer what was asked", async () => {
    const { remote, peer } = await runningRaw();
    const stepping = remote.step(counterChunk(1), WANT_NOTHING);
    const { seq } = await peer.expect("step");
    await peer.say({ kind: "snapshotDone", state: new Uint8Array(1) }, seq);
    await expect(stepping).rejects.toMatchObject({ code: "unexpected_message" });
    expect((await peer.expect("error")).code).toBe("unexpected_message");
  });

  it("is answered with an error if it is no message, and fails the open request", async () => {
    const { remote, peer, events } = await runningRaw();
    const stepping = remote.step(counterChunk(1), WANT_NOTHING);
    await peer.expect("step");
    await peer.sendFrames([Buffer.from("not a message")]);
    await expect(stepping).rejects.toMatchObject({ name: "PeerError", code: "malformed" });
    expect(await peer.expect("error")).toMatchObject({ code: "malformed", fatal: false });
    expect(events.at(-1)).toMatchObject({ kind: "trouble", code: "malformed" });
    // The peer is still there, and its numbering goes on.
    const { reset } = await counterSteps();
    const resetting = remote.reset(RESET);
    const { seq } = await peer.expect("reset");
    await peer.say({ kind: "resetDone", ...reset }, seq);
    await resetting;
  });

  it("ends the connection if a message is missing", async () => {
    const { remote, peer } = await runningRaw();
    peer.seq++;
    await peer.say({ kind: "heartbeat" });
    expect(await peer.expect("error")).toMatchObject({ code: "bad_sequence", fatal: true });
    expect(await remote.lost).toMatch(/seq 4, must be 3/);
  });

  it("is not for it to ask", async () => {
    const { peer } = await rawSimulator();
    await peer.say({ kind: "reset", ...RESET });
    expect(await peer.expect("error")).toMatchObject({ code: "unexpected_message", fatal: false });
  });
});

function withProprio(step: TimeStep, name: string, data: Float32Array): TimeStep {
  const proprio = {
    ...step.observation.proprio,
    [name]: { dtype: "float32" as const, shape: [data.length], data },
  };
  return { ...step, observation: { ...step.observation, proprio } };
}

describe("what is sent to a simulator", () => {
  it("is never an action that is not finite", async () => {
    const { hub } = await openHub();
    let steps = 0;
    serve(createCounter({ onStep: () => void steps++ }), { connect: hub.endpoint });
    const remote: Environment = await hub.nextSimulator();
    await remote.reset(RESET);
    const chunk = { data: Float32Array.of(0, 0, 0, NaN), horizon: 2, actionDim: 2 };
    await expect(remote.step(chunk, WANT_NOTHING)).rejects.toThrow(RangeError);
    await expect(remote.reset(RESET)).resolves.toBeDefined();
    await expect(remote.step(chunk, WANT_NOTHING)).rejects.toThrow(/row 1, entry 1 is NaN/);
    expect(steps).toBe(0);
  });

  it("is never a chunk of another width", async () => {
    const { hub } = await openHub();
    serve(createCounter(), { connect: hub.endpoint });
    const remote = await hub.nextSimulator();
    await remote.reset(RESET);
    const chunk = { data: new Float32Array(3), horizon: 1, actionDim: 3 };
    await expect(remote.step(chunk, WANT_NOTHING)).rejects.toThrow(TypeError);
  });
});

describe("a stranger", () => {
  it("that says no hello is told to", async () => {
    const { hub } = await openHub();
    const peer = new RawPeer(hub.endpoint);
    await peer.say({ kind: "heartbeat" });
    expect(await peer.expect("error")).toMatchObject({ code: "hello_expected", fatal: true });
  });

  it("with another schema is refused", async () => {
    const { hub, events } = await openHub();
    const peer = new RawPeer(hub.endpoint);
    await peer.say(counterHello({ schemaFingerprint: "0000000000000000" }));
    expect(await peer.expect("error")).toMatchObject({ code: "fingerprint", fatal: true });
    expect(events).toMatchObject([{ kind: "refused", code: "fingerprint" }]);
  });

  it("of another protocol version is told so", async () => {
    const { hub } = await openHub();
    const peer = new RawPeer(hub.endpoint);
    await peer.sendFrames([Uint8Array.of(0x08, 9, 0x10, 1)]);
    expect(await peer.expect("error")).toMatchObject({ code: "protocol_version" });
  });
});

describe("a second simulator of another spec", () => {
  it("is refused with every difference in words", async () => {
    const lines: string[] = [];
    const { hub, events } = await openHub({ log: (line) => lines.push(line) });
    serve(createCounter(), { connect: hub.endpoint });
    hub.requireSpec((await hub.nextSimulator()).spec);
    const { ended } = serve(createCounter({ imageSize: 16, maxSteps: 9 }), {
      connect: hub.endpoint,
    });
    await expect(ended).rejects.toThrow(PeerError);
    await expect(ended).rejects.toMatchObject({ code: "spec_mismatch" });
    await expect(ended).rejects.toThrow(
      /uint8\[16, 16, 3\], must be uint8\[8, 8, 3\].*maxSteps is 9, must be 50/,
    );
    expect(events.at(-1)).toMatchObject({
      kind: "refused",
      differences: [{ where: 'image "count"' }, { where: "maxSteps" }],
    });
    expect(lines).toHaveLength(1);
  });

  it("that is there already is dismissed", async () => {
    const { hub } = await openHub();
    const peer = new RawPeer(hub.endpoint);
    await peer.say(counterHello({ spec: otherSpec({ controlFreqHz: 99 }) }));
    const remote = await hub.nextSimulator();
    hub.requireSpec(createCounter().spec);
    await peer.expect("welcome");
    expect(await peer.expect("error")).toMatchObject({ code: "spec_mismatch", fatal: true });
    expect(await remote.lost).toMatch(/another spec/);
  });
});

describe("connectSim()", () => {
  it("takes the first simulator, and closes everything with it", async () => {
    let closed = false;
    let ended: Promise<unknown> = Promise.resolve();
    {
      await using env = await connectSim("tcp://127.0.0.1:*", {
        heartbeatS: 0.2,
        onListening: (connect) => ({ ended } = serve(createCounter(), { connect })),
        onClose: () => void (closed = true),
      });
      await env.reset(RESET);
      await env.step(counterChunk(4), WANT_NOTHING);
      const { roundTrip, bridge } = env.roundTripStats();
      expect(roundTrip.count).toBe(1);
      expect(bridge.maxMs).toBeLessThanOrEqual(roundTrip.maxMs);
    }
    expect(closed).toBe(true);
    expect(await ended).toMatchObject({ kind: "closed" });
  });

  it("gives up when none comes", async () => {
    let closed = false;
    const waiting = connectSim("tcp://127.0.0.1:*", {
      timeoutMs: 50,
      onClose: () => void (closed = true),
    });
    await expect(waiting).rejects.toThrow(BridgeTimeoutError);
    expect(closed).toBe(true);
  });
});

describe("createHub()", () => {
  it.each(["tcp://0.0.0.0:*", "tcp://*:5555", "tcp://192.168.1.2:5555", "tcp://[::]:*"])(
    "refuses %s without keys",
    async (endpoint) => {
      await expect(createHub({ endpoint })).rejects.toThrow(/must have CURVE keys/);
    },
  );

  it.each(["127.0.0.1:5555", "tcp://127.0.0.1", "http://127.0.0.1:80", "tcp://127.0.0.1:99999"])(
    "refuses %s as no endpoint",
    async (endpoint) => {
      await expect(createHub({ endpoint })).rejects.toThrow(/must be tcp:/);
    },
  );

  it("says so when the address is taken", async () => {
    const { hub } = await openHub();
    await expect(createHub({ endpoint: hub.endpoint })).rejects.toThrow(/must be a free address/);
  });

  it("ends waiting when it closes", async () => {
    const { hub } = await openHub();
    const waiting = hub.nextSimulator();
    const all = (async () => {
      for await (const env of hub) throw new RangeError(`Cannot happen: ${env.peerId} came`);
    })();
    const gone = new AbortController();
    const abandoned = hub.nextSimulator(gone.signal);
    gone.abort(new Error("never mind"));
    await expect(abandoned).rejects.toThrow("never mind");
    await hub.close();
    await expect(waiting).rejects.toThrow(/closed/);
    await all;
  });
});
