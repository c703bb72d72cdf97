import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { PeerLostError } from "../../../src/core/index.ts";
import { createCounter } from "../../../sim-bridge/counter.ts";
import { WANT_ALL, counterChunk, freshEndpoint, openHub, serve } from "../../support/bridge.ts";

const SCRIPT = fileURLToPath(new URL("../../support/bridge-child.mjs", import.meta.url));
const BUILT = fileURLToPath(new URL("../../../dist/sim-bridge/index.js", import.meta.url));
const RESET = { task: "count", seed: 1, want: WANT_ALL };

beforeAll(() => {
  if (!existsSync(BUILT))
    throw new Error(`Cannot start processes: ${BUILT} is absent, must be built (npm run build)`);
});

interface Child {
  readonly process: ChildProcess;
  /** Resolves with the first line that starts so, of those not yet waited for. */
  line(start: string): Promise<string>;
}

function start(role: "simulator" | "runtime", endpoint: string): Child {
  const child = spawn(process.execPath, [SCRIPT, role, endpoint], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async line(prefix) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`Cannot go on: the ${role} ended, must say "${prefix}"`);
        if (value.startsWith(prefix)) return value;
      }
    },
  };
}

describe("a simulator in a process of its own", () => {
  it("that is killed at work fails the request at once, and another one takes over", async () => {
    const { hub } = await openHub({ heartbeatS: 30 });
    const child = start("simulator", hub.endpoint);
    const remote = await hub.nextSimulator();
    await remote.reset(RESET);
    const stepping = (async () => {
      for (;;) await remote.step(counterChunk(1), WANT_ALL);
    })();
    await child.line("step 20");
    child.process.kill("SIGKILL");
    await expect(stepping).rejects.toThrow(PeerLostError);
    expect(await remote.lost).toBe("disconnected");
    start("simulator", hub.endpoint);
    const successor = await hub.nextSimulator();
    const { first } = await successor.reset(RESET);
    expect(first.observation.proprio["total"]?.data[0]).toBe(0n);
  });

  it("that is frozen is lost after its heartbeats stop, though its connection stands", async () => {
    const { hub } = await openHub({ heartbeatS: 0.1 });
    const child = start("simulator", hub.endpoint);
    const remote = await hub.nextSimulator();
    await remote.reset(RESET);
    child.process.kill("SIGSTOP");
    expect(await remote.lost).toMatch(/^was silent for/);
  });

  it("leaves when its runtime is killed, and no orphan stays", async () => {
    const runtime = start("runtime", "tcp://127.0.0.1:*");
    const endpoint = (await runtime.line("listening")).split(" ")[1] as string;
    const simulator = start("simulator", endpoint);
    await simulator.line("step 5");
    runtime.process.kill("SIGKILL");
    expect(await simulator.line("ended")).toBe("ended forgotten");
    expect(await exitOf(simulator.process)).toBe(0);
  });

  it("leaves when its runtime says goodbye", async () => {
    const { hub } = await openHub();
    const child = start("simulator", hub.endpoint);
    await hub.nextSimulator();
    await hub.close();
    expect(await child.line("ended")).toBe("ended closed");
    expect(await exitOf(child.process)).toBe(0);
  });
});

describe("a runtime that is killed and started anew", () => {
  it("gets its simulator back, which has lost no count", async () => {
    const endpoint = freshEndpoint("ipc");
    let steps = 0n;
    const env = createCounter({ maxSteps: 1_000_000, onStep: () => void steps++ });
    serve(env, { connect: endpoint });
    const runtime = start("runtime", endpoint);
    await runtime.line("stepped 10");
    runtime.process.kill("SIGKILL");
    await exitOf(runtime.process);
    const { hub } = await openHub({ endpoint });
    const remote = await hub.nextSimulator();
    const { first } = await remote.reset(RESET);
    expect(first.observation.proprio["total"]?.data[0]).toBe(steps);
    const [step] = await remote.step(counterChunk(1), WANT_ALL);
    expect(step?.observation.proprio["total"]?.data[0]).toBe(steps);
    expect(steps).toBeGreaterThan(10n);
  });
});

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}
