import { messageOf } from "../core/index.ts";
import { GraphBuilder, writeModel } from "../onnx/index.ts";
import type { Device } from "./devices.ts";
import { DEVICES, deviceAdvice, missingForDevice } from "./devices.ts";
import { createWorker, openSession } from "./open-session.ts";
import type { BackendsBody } from "./protocol.ts";
import { WorkerLink } from "./worker-link.ts";

export interface DeviceReport {
  readonly device: Device;
  /** Whether a graph ran on it just now. */
  readonly usable: boolean;
  /** Why not, and what to do; empty when usable. */
  readonly reason: string;
}

/** Tries every device with a graph of one node; for `efference doctor`. Never throws. */
export async function listDevices(): Promise<readonly DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of DEVICES) reports.push(await tryDevice(device));
  return reports;
}

async function tryDevice(device: Device): Promise<DeviceReport> {
  const missing = missingForDevice(device);
  if (missing !== undefined) {
    return { device, usable: false, reason: `${missing}, ${deviceAdvice(device)}` };
  }
  try {
    const session = await openSession(doublingModel(), { device });
    try {
      const x = { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } as const;
      const { outputs } = await session.run({ x });
      const usable = outputs["y"]?.data.join() === "2,4";
      return {
        device,
        usable,
        reason: usable ? "" : "a graph of one addition gave a wrong result",
      };
    } finally {
      await session.close();
    }
  } catch (error) {
    return { device, usable: false, reason: messageOf(error) };
  }
}

function doublingModel(): Uint8Array {
  const g = new GraphBuilder("doubling");
  const x = g.input("x", "float32", [2]);
  g.output("y", g.add(x, x));
  return writeModel(g.build());
}

/** Names of the providers this build of the engine knows, and whether their libraries come with it. */
export async function listProviders(): Promise<BackendsBody> {
  const link = new WorkerLink(createWorker());
  try {
    return (await link.request("list providers", { kind: "backends" })) as BackendsBody;
  } finally {
    await link.terminate();
  }
}
