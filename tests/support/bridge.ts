import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ActionChunk, Environment, TimeStep, Want } from "../../src/core/index.ts";
import { createHub, serveEnvironment } from "../../sim-bridge/index.ts";
import type { Hub, HubEvent, HubOptions, ServeEnd, ServeOptions } from "../../sim-bridge/index.ts";

export const WANT_ALL: Want = {
  images: "all",
  imagesAt: "every",
  poses: true,
  privileged: false,
  depth: false,
  segmentation: false,
};

/** A chunk for the counter, its numbers below 1 and all different. */
export function counterChunk(horizon: number, start = 0): ActionChunk {
  const data = Float32Array.from({ length: horizon * 2 }, (_, i) => ((start + i) % 1000) / 1024);
  return { data, horizon, actionDim: 2 };
}

let names = 0;

/** A fresh endpoint of each transport. The folder of an ipc socket is removed after the test. */
export function freshEndpoint(transport: "tcp" | "ipc" | "inproc"): string {
  if (transport === "tcp") return "tcp://127.0.0.1:*";
  if (transport === "inproc") return `inproc://bridge-${process.pid}-${++names}`;
  const folder = mkdtempSync(join(tmpdir(), "efference-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return `ipc://${join(folder, "hub")}`;
}

/** A hub that is closed after the test, and what it reported. */
export async function openHub(
  options: Partial<HubOptions> = {},
): Promise<{ hub: Hub; events: HubEvent[] }> {
  const events: HubEvent[] = [];
  const hub = await createHub({
    endpoint: "tcp://127.0.0.1:*",
    heartbeatS: 0.2,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => hub.close());
  return { hub, events };
}

/** Serves an environment in this process until the test is over. */
export function serve(
  environment: Environment,
  options: ServeOptions,
): { ended: Promise<ServeEnd>; stop: () => Promise<void> } {
  const controller = new AbortController();
  const ended = serveEnvironment(environment, {
    heartbeatS: 0.2,
    signal: controller.signal,
    ...options,
  });
  // A refusal is looked at by the test that expects one.
  const settled = ended.then(
    () => undefined,
    () => undefined,
  );
  const stop = async (): Promise<void> => {
    controller.abort();
    await settled;
  };
  onTestFinished(stop);
  return { ended, stop };
}

/** What a time step says, without the simulator's stopwatch. */
export function withoutTiming(step: TimeStep): Omit<TimeStep, "busyNs"> {
  const { busyNs: _, ...rest } = step;
  return rest;
}
