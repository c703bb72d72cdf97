import { describe, expect, it, onTestFinished } from "vitest";
import type { Decision, EnvironmentSpec, Observation, Policy } from "../../../src/core/index.ts";
import {
  BridgeTimeoutError,
  PeerError,
  PeerLostError,
  WANT_NOTHING,
} from "../../../src/core/index.ts";
import { createCounter } from "../../../sim-bridge/counter.ts";
import type { ConnectPolicyOptions, PolicyConnection } from "../../../sim-bridge/index.ts";
import { connectPolicy } from "../../../sim-bridge/index.ts";
import { WANT_ALL, openHub } from "../../support/bridge.ts";
import { RawPeer, counterHello, otherSpec } from "../../support/raw-peer.ts";

const { spec } = createCounter();
const START = { task: "count", instruction: "count up", seed: 5 };

/** Answers with the count it was shown and the number of its own decisions. */
class CountingPolicy implements Policy {
  readonly spec = {
    name: "counting",
    observation: { images: spec.observation.images, proprio: [], texts: [] },
    action: spec.action,
    predictHorizon: 2,
    privileged: false,
  };
  readonly starts: unknown[] = [];
  isClosed = false;
  fails = false;
  emits = 0;
  pending: Promise<void> = Promise.resolve();
  #decisions = 0;

  async reset(start: { task: string; spec: EnvironmentSpec }): Promise<void> {
    this.#decisions = 0;
    this.starts.push(start);
  }

  async decide(observation: Observation): Promise<Decision> {
    await this.pending;
    if (this.fails) throw new Error("out of ideas");
    const count = observation.proprio["count"]?.data[0] as number;
    const data = Float32Array.of(count, this.#decisions++, this.emits, 0);
    return {
      chunk: { data, horizon: 2, actionDim: 2 },
      thoughts: [{ kind: "text", tag: "plan", text: "one more" }],
      timing: { totalMs: 1.5, encodeMs: 0.5 },
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

async function served(policy = new CountingPolicy()) {
  const { hub, events } = await openHub();
  const made: CountingPolicy[] = [];
  hub.servePolicy(() => {
    const instance = made.length === 0 ? policy : new CountingPolicy();
    made.push(instance);
    return instance;
  });
  return { hub, events, policy, made };
}

async function robot(
  endpoint: string,
  options: Partial<ConnectPolicyOptions> = {},
): Promise<PolicyConnection> {
  const connection = await connectPolicy(endpoint, { spec, heartbeatS: 0.2, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

async function observations(count: number): Promise<Observation[]> {
  const env = createCounter();
  const { first } = await env.reset({ task: "count", seed: 5, want: WANT_ALL });
  const data = new Float32Array(2 * count);
  const steps = await env.step({ data, horizon: count, actionDim: 2 }, WANT_ALL);
  return [first, ...steps].map(({ observation }) => observation);
}

describe("a robot", () => {
  it("starts an episode and gets decisions on what it shows", async () => {
    const { hub, policy } = await served();
    const connection = await robot(hub.endpoint);
    await connection.reset(START);
    expect(policy.starts).toEqual([{ ...START, spec }]);
    for (const [i, observation] of (await observations(3)).entries()) {
      const decision = await connection.decide(observation);
      expect(decision).toEqual({
        chunk: { data: Float32Array.of(i, i, 0, 0), horizon: 2, actionDim: 2 },
        thoughts: [{ kind: "text", tag: "plan", text: "one more" }],
        timing: { totalMs: 1.5, encodeMs: 0.5 },
      });
    }
  });

  it("has a policy of its own, which is closed when it leaves", async () => {
    const { hub, made, events } = await served();
    const [one, other] = [await robot(hub.endpoint), await robot(hub.endpoint)];
    const [shown] = (await observations(1)) as [Observation];
    await one.reset(START);
    await other.reset(START);
    await one.decide(shown);
    const { chunk } = await other.decide(shown);
    expect(chunk.data[1]).toBe(0);
    await one.close();
    while (!events.some(({ kind }) => kind === "left")) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(made.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  it("is refused if the policy does not fit it", async () => {
    const { hub, policy } = await served();
    const small = otherSpec({
      observation: {
        ...spec.observation,
        images: [{ name: "count", height: 4, width: 4, channels: 3 }],
      },
    });
    const connecting = robot(hub.endpoint, { spec: small });
    await expect(connecting).rejects.toMatchObject({ name: "PeerError", code: "spec_mismatch" });
    await expect(connecting).rejects.toThrow(
      /image "count" is uint8\[4, 4, 3\], must be uint8\[8, 8, 3\]/,
    );
    expect(policy.isClosed).toBe(true);
  });

  it("is refused where no policy is served", async () => {
    const { hub } = await openHub();
    await expect(robot(hub.endpoint)).rejects.toMatchObject({ code: "no_policy" });
  });

  it("is refused if the policy cannot be made", async () => {
    const { hub } = await openHub();
    hub.servePolicy(() => Promise.reject(new Error("no such package")));
    const connecting = robot(hub.endpoint);
    await expect(connecting).rejects.toMatchObject({ code: "policy_failed" });
    await expect(connecting).rejects.toThrow(/no such package/);
  });

  it("hears of a policy that fails, and may go on", async () => {
    const { hub, policy } = await served();
    const connection = await robot(hub.endpoint);
    const [shown] = (await observations(1)) as [Observation];
    await expect(connection.decide(shown)).rejects.toMatchObject({ code: "bad_request" });
    await connection.reset(START);
    policy.fails = true;
    await expect(connection.decide(shown)).rejects.toThrow(/policy_failed: out of ideas/);
    policy.fails = false;
    await expect(connection.decide(shown)).resolves.toBeDefined();
  });

  it("never gets an action that is not finite", async () => {
    const { hub, policy } = await served();
    const connection = await robot(hub.endpoint);
    await connection.reset(START);
    policy.emits = Infinity;
    const [shown] = (await observations(1)) as [Observation];
    await expect(connection.decide(shown)).rejects.toMatchObject({ code: "non_finite" });
  });

  it("is told if what it shows is not as declared", async () => {
    const { hub } = await served();
    const connection = await robot(hub.endpoint);
    await connection.reset(START);
    const [shown] = (await observations(1)) as [Observation];
    await expect(connection.decide({ ...shown, images: {} })).rejects.toThrow(
      /image "count" is absent/,
    );
    const noise = { dtype: "float64" as const, shape: [2], data: Float64Array.of(0, NaN) };
    const bad = { ...shown, proprio: { ...shown.proprio, noise } };
    await expect(connection.decide(bad)).rejects.toMatchObject({ code: "non_finite" });
  });

  it("cannot ask for two things at once", async () => {
    const { hub, policy } = await served();
    const peer = new RawPeer(hub.endpoint);
    await peer.say(counterHello({ role: "policyClient" }));
    await peer.expect("welcome");
    await peer.say({ kind: "episodeStart", ...START });
    await peer.expect("episodeStarted");
    let decide = (): void => undefined;
    policy.pending = new Promise((resolve) => (decide = resolve));
    const [observation] = (await observations(1)) as [Observation];
    await peer.say({ kind: "decide", observation });
    await peer.say({ kind: "decide", observation });
    expect(await peer.expect("error")).toMatchObject({ code: "busy" });
    decide();
    await peer.expect("decided");
    await peer.say({ kind: "reset", task: "count", seed: 1, want: WANT_NOTHING });
    expect(await peer.expect("error")).toMatchObject({ code: "unexpected_message" });
  });

  it("hears that the runtime is gone", async () => {
    const { hub } = await served();
    const connection = await robot(hub.endpoint);
    await hub.close();
    expect(await connection.lost).toBe("closed the connection: closed by the runtime");
    await expect(connection.reset(START)).rejects.toThrow(PeerLostError);
  });

  it("gives up where no runtime is", async () => {
    const connecting = robot("ipc:///nonexistent/hub", { timeoutMs: 50 });
    await expect(connecting).rejects.toThrow(BridgeTimeoutError);
  });

  it("has its deadline, too", async () => {
    const { hub, policy } = await served();
    const connection = await robot(hub.endpoint, { timeoutMs: 100 });
    await connection.reset(START);
    let decide = (): void => undefined;
    policy.pending = new Promise((resolve) => (decide = resolve));
    const [shown] = (await observations(1)) as [Observation];
    await expect(connection.decide(shown)).rejects.toThrow(BridgeTimeoutError);
    decide();
    expect(PeerError.name).toBe("PeerError");
  });
});
