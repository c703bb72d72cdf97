import { afterAll, describe, expect, it } from "vitest";
import type { Environment } from "../../../src/core/index.ts";
import { monotonicNs } from "../../../src/core/index.ts";
import { decodePng } from "../../../src/episode/node.ts";
import { pausableClock } from "../../../src/play/clock.ts";
import { driverOf } from "../../../src/play/drivers.ts";
import { Player } from "../../../src/play/player.ts";
import type { Drive, FromPlayer } from "../../../src/viewer/play-protocol.ts";
import { scriptedPolicy } from "../../../policies/scripted/index.ts";
import { createTabletop } from "../../../sim-bridge/sims/tabletop/index.ts";

const env: Environment = await createTabletop({
  images: [{ name: "front", width: 16, height: 16, channels: 3 }],
});
afterAll(() => env.close());

const TASK = "press_button";
const observed = (
  await env.reset({
    task: TASK,
    seed: 0,
    initialState: 0,
    want: {
      images: "none",
      imagesAt: "last",
      poses: false,
      privileged: false,
      depth: false,
      segmentation: false,
    },
  })
).first.observation;

/** What a player says until an episode has ended or failed. */
async function said(
  drive: Drive,
  act: (player: Player, message: FromPlayer) => void = () => undefined,
): Promise<FromPlayer[]> {
  const messages: FromPlayer[] = [];
  await new Promise<void>((done) => {
    const player: Player = new Player({ env, expert: scriptedPolicy }, (message) => {
      messages.push(message);
      act(player, message);
      if (message.kind === "ended" || message.kind === "failed") done();
    });
    player.take({ kind: "begin", play: 1, task: TASK, initialState: 0, drive });
  });
  return messages;
}

describe("Player", () => {
  it("lets the expert act in real time and tells all that a recording would hold", async () => {
    const before = performance.now();
    const messages = await said({ kind: "expert" });
    const steps = messages.flatMap((each) => (each.kind === "stepped" ? [each.step] : []));
    expect(messages.at(-1)).toMatchObject({ kind: "ended", outcome: { kind: "success" } });
    // 20 Hz: the last step begins after all the periods before it.
    expect(performance.now() - before).toBeGreaterThan((steps.length - 1) * 50 - 1);
    expect(messages[0]).toMatchObject({ kind: "begun", header: { task: TASK, runId: "play" } });
    expect(steps.map(({ timeStep }) => timeStep.observation.step)).toEqual(
      steps.map((_, i) => i + 1),
    );
    expect(decodePng(steps[0]!.images["front"]!)).toMatchObject({ width: 16, height: 16 });
    expect(steps[0]!.action).toHaveLength(7);
    expect(messages.some(({ kind }) => kind === "decided")).toBe(true);
  }, 60_000);

  it("does what the newest command says, and stands still while paused", async () => {
    let stepsWhenPaused = -1;
    let steps = 0;
    const messages = await said({ kind: "keyboard" }, (player, message) => {
      if (message.kind !== "stepped") return;
      steps++;
      if (steps === 2)
        player.take({ kind: "command", row: Float32Array.of(0, 0.5, 0, 0, 0, 0, 1) });
      if (steps === 6) {
        player.take({ kind: "pause", paused: true });
        stepsWhenPaused = steps;
        setTimeout(() => {
          expect(steps - stepsWhenPaused).toBeLessThanOrEqual(1);
          player.take({
            kind: "begin",
            play: 2,
            task: "none",
            initialState: 0,
            drive: { kind: "keyboard" },
          });
        }, 400);
      }
    });
    const actions = messages.flatMap((each) =>
      each.kind === "stepped" ? [each.step.action![1]] : [],
    );
    expect(actions[0]).toBe(0);
    expect(actions.at(-1)).toBe(0.5);
    expect(messages.find(({ kind }) => kind === "ended")).toMatchObject({
      play: 1,
      outcome: { kind: "failure", reason: "stopped" },
    });
  }, 60_000);

  it("says why an episode cannot be played", async () => {
    const rows = new Float32Array(12);
    const [message] = await said({ kind: "replay", rows, actionDim: 6 });
    expect(message).toMatchObject({
      kind: "failed",
      play: 1,
      message: /rows of 6, must be rows of 7/,
    });
  });
});

const DRIVERS = { spec: env.spec, box: { row: new Float32Array(7) }, expert: scriptedPolicy };

describe("driverOf()", () => {
  it("replays rows in order, then holds still with the gripper as it was", async () => {
    const rows = Float32Array.from({ length: 14 }, (_, i) => i / 20);
    const driver = driverOf({ kind: "replay", rows, actionDim: 7 }, DRIVERS);
    const next = async (): Promise<number[]> => [...(await driver.next(observed)).chunk.data];
    expect(await next()).toEqual([...rows.subarray(0, 7)]);
    expect(await next()).toEqual([...rows.subarray(7)]);
    for (let i = 0; i < 2; i++) expect(await next()).toEqual([0, 0, 0, 0, 0, 0, rows[13]]);
  });

  it("stays where the last row said, where actions are places", async () => {
    const [component] = env.spec.action.components;
    const place = { ...component!, name: "place", format: "raw", shape: [2] } as const;
    const spec = { ...env.spec, action: { components: [place] } };
    const rows = Float32Array.of(1, 2, 3, 4);
    const driver = driverOf({ kind: "replay", rows, actionDim: 2 }, { ...DRIVERS, spec });
    const next = async (): Promise<number[]> => [...(await driver.next(observed)).chunk.data];
    for (const expected of [
      [1, 2],
      [3, 4],
      [3, 4],
      [3, 4],
    ])
      expect(await next()).toEqual(expected);
  });
});

describe("pausableClock()", () => {
  it("does not count the time it stood still", async () => {
    const clock = pausableClock();
    const start = clock.nowNs();
    clock.pause(true);
    const wall = monotonicNs();
    await new Promise((done) => setTimeout(done, 60));
    clock.pause(true);
    clock.pause(false);
    const stood = monotonicNs() - wall;
    expect(clock.nowNs() - start).toBeLessThan(stood);
    const deadline = clock.nowNs() + 30_000_000n;
    await clock.waitUntil(deadline);
    expect(clock.nowNs()).toBeGreaterThanOrEqual(deadline);
  });
});
