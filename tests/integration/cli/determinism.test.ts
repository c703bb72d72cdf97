import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scriptedPolicy } from "../../../policies/scripted/index.ts";
import { createHub, serveEnvironment } from "../../../sim-bridge/index.ts";
import { createTabletop } from "../../../sim-bridge/sims/tabletop/index.ts";
import type { Environment, NdArray, TimeStep } from "../../../src/core/index.ts";
import { fileSource, openEpisode } from "../../../src/episode/node.ts";
import type { RolloutListener } from "../../../src/rollout/index.ts";
import { brokered, recordTo, rollout } from "../../../src/rollout/index.ts";
import { start } from "./cli.ts";

const STEPS = 20;

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "efference-determinism-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

/** One hash per time step over every byte of it: frames, body, poses, action. */
function hashSteps(hashes: string[]): RolloutListener {
  const add = ({ observation, reward, poses }: TimeStep, action?: Float32Array): void => {
    const hash = createHash("sha256").update(`${observation.stampNs} ${reward}`);
    const named: [string, NdArray][] = [
      ...Object.entries(observation.images),
      ...Object.entries(observation.proprio),
    ];
    for (const [name, { dtype, shape, data }] of byName(named)) {
      hash.update(`${name} ${dtype} ${shape.join()}`);
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    hash.update(String(action?.join()));
    hash.update(String(poses?.join()));
    hashes.push(hash.digest("hex"));
  };
  return {
    name: "hashes",
    wants: { images: "all", imagesAt: "every", poses: true },
    onStart: (_, first) => add(first),
    onStep: (timeStep, action) => add(timeStep, action),
  };
}

/** Names may come in any order: they are a set. */
function byName<T>(entries: readonly [string, T][]): [string, T][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

interface Played {
  /** One per time step. */
  readonly hashes: readonly string[];
  /** Over everything the recording gives back. */
  readonly recorded: string;
}

async function play(env: Environment, seed = 4): Promise<Played> {
  const hashes: string[] = [];
  const recorder = recordTo(join(cwd, "episodes"));
  await rollout(brokered(scriptedPolicy()), env, {
    task: "lift_red_cube",
    initialState: 3,
    seed,
    maxSteps: STEPS,
    listeners: [hashSteps(hashes), recorder],
  });
  return { hashes, recorded: await hashOfRecording(recorder.path!) };
}

async function hashOfRecording(path: string): Promise<string> {
  const source = fileSource(path);
  const { steps, cameras, ...episode } = await openEpisode(source).then((reader) => ({
    steps: reader.steps,
    cameras: reader.cameras,
    image: (camera: string, step: number) => reader.image(camera, step),
  }));
  const hash = createHash("sha256");
  for (const { step, proprio, action } of steps) {
    for (const [name, values] of byName(Object.entries(proprio)))
      hash.update(`${name} ${values.join()}`);
    hash.update(`${action?.join()}`);
    for (const camera of cameras) hash.update((await episode.image(camera, step))!.bytes);
  }
  await source.close();
  return hash.digest("hex");
}

async function inProcess(seed?: number): Promise<Played> {
  const env = await createTabletop();
  try {
    return await play(env, seed);
  } finally {
    await env.close();
  }
}

async function overInproc(): Promise<Played> {
  const hub = await createHub({ endpoint: "inproc://determinism" });
  const world = await createTabletop();
  const served = serveEnvironment(world, { connect: hub.endpoint });
  try {
    return await play(await hub.nextSimulator());
  } finally {
    await hub.close();
    await served;
    await world.close();
  }
}

/** The simulator in a process of its own, as users start it. */
async function inAnotherProcess(endpoint: string): Promise<Played> {
  const hub = await createHub({ endpoint });
  const peer = start(["sim", "run", "tabletop", "--connect", hub.endpoint], { cwd });
  try {
    return await play(await hub.nextSimulator());
  } finally {
    await hub.close();
    expect(await peer.ended).toBe(0);
  }
}

describe("one (task, initial state, seed)", () => {
  it("gives the same bytes in process, over inproc, ipc and tcp, seen and recorded", async () => {
    const here = await inProcess();
    expect(here.hashes).toHaveLength(STEPS + 1);
    expect(new Set(here.hashes).size).toBe(STEPS + 1);
    expect(await overInproc()).toEqual(here);
    expect(await inAnotherProcess(`ipc://${join(cwd, "socket")}`)).toEqual(here);
    expect(await inAnotherProcess("tcp://127.0.0.1:*")).toEqual(here);
  });
});
