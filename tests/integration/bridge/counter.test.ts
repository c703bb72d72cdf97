import { describe, expect, it } from "vitest";
import type { Environment, TimeStep } from "../../../src/core/index.ts";
import { createCounter } from "../../../sim-bridge/counter.ts";
import {
  WANT_ALL,
  counterChunk,
  freshEndpoint,
  openHub,
  serve,
  withoutTiming,
} from "../../support/bridge.ts";

const TRANSPORTS = ["tcp", "ipc", "inproc"] as const;

const countOf = (step: TimeStep): number => step.observation.proprio["count"]?.data[0] as number;
const totalOf = (step: TimeStep): bigint => step.observation.proprio["total"]?.data[0] as bigint;

async function connected(transport: (typeof TRANSPORTS)[number], env = createCounter()) {
  const { hub, events } = await openHub({ endpoint: freshEndpoint(transport) });
  const { ended } = serve(env, { connect: hub.endpoint });
  return { hub, events, ended, remote: await hub.nextSimulator() };
}

/** Episodes with chunks of many lengths: whole, cut short by the limit, and left for a reset. */
async function story(env: Environment): Promise<TimeStep[]> {
  const seen: TimeStep[] = [];
  for (const [seed, limit] of [
    [1, 7],
    [2, 50],
    [2, 1],
  ] as const) {
    seen.push((await env.reset({ task: "count", seed, maxSteps: limit, want: WANT_ALL })).first);
    for (let i = 0; i < 4 && seen.at(-1)?.kind !== "last"; i++) {
      seen.push(...(await env.step(counterChunk(1 + i, seen.length), WANT_ALL)));
    }
  }
  return seen;
}

describe.each(TRANSPORTS)("a counter over %s", (transport) => {
  it("shows every count once and in order, across resets and truncation", async () => {
    const { remote } = await connected(transport);
    const seen = await story(remote);
    let total = 0n;
    let count = 0;
    for (const step of seen) {
      count = step.kind === "first" ? 0 : count + 1;
      total += step.kind === "first" ? 0n : 1n;
      expect([countOf(step), totalOf(step)]).toEqual([count, total]);
      expect(step.observation.step).toBe(count);
    }
    expect(seen.filter(({ kind }) => kind === "last")).toHaveLength(2);
  });

  it("is byte for byte what it is in this process", async () => {
    const { remote } = await connected(transport);
    const here = (await story(createCounter())).map(withoutTiming);
    const there = (await story(remote)).map(withoutTiming);
    expect(there).toEqual(here);
  });

  it("takes snapshots and goes on from them", async () => {
    const { remote } = await connected(transport);
    await remote.reset({ task: "count", seed: 3, want: WANT_ALL });
    await remote.step(counterChunk(5), WANT_ALL);
    const state = (await remote.snapshot?.()) as Uint8Array;
    const after = await remote.step(counterChunk(2, 9), WANT_ALL);
    const restored = await remote.restore?.(state, WANT_ALL);
    expect(restored?.observation.step).toBe(5);
    const again = await remote.step(counterChunk(2, 9), WANT_ALL);
    const noise = (steps: readonly TimeStep[]) => steps.map((s) => s.observation.proprio["noise"]);
    expect(noise(again)).toEqual(noise(after));
  });
});
