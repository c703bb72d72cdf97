import { describe, expect, it } from "vitest";
import { rowOf } from "../../../../../src/viewer/app/play/held-keys.ts";
import { playChoice, playLink } from "../../../../../src/viewer/app/play/link.ts";
import { PlayedEpisode } from "../../../../../src/viewer/app/play/played-episode.ts";
import { formatDeepLink, parseDeepLink } from "../../../../../src/viewer/app/deep-link.ts";
import type { PlayedStep } from "../../../../../src/viewer/play-protocol.ts";
import { synthesiseEpisode } from "../../../../support/synthetic-episode.ts";

const rounded = (row: Float32Array): number[] => [...row].map((x) => Math.round(x * 100) / 100);

describe("rowOf()", () => {
  it("moves in the world's frame, x away from the robot and y to its left", () => {
    const open = { closed: false, fine: false };
    expect(rounded(rowOf(new Set("wa"), open))).toEqual([0.4, 0.4, 0, 0, 0, 0, -1]);
    expect(rounded(rowOf(new Set("sdq"), open))).toEqual([-0.4, -0.4, -0.4, 0, 0, 0, -1]);
    expect(rounded(rowOf(new Set("ws"), open))).toEqual([0, 0, 0, 0, 0, 0, -1]);
  });

  it("turns, closes, and is finer where that is asked for", () => {
    const row = rowOf(new Set("ilu"), { closed: true, fine: true });
    expect(rounded(row)).toEqual([0, 0, 0, 0.05, 0.05, 0.05, 1]);
    expect(rounded(rowOf(new Set("x"), { closed: true, fine: false }))).toEqual([
      0, 0, 0, 0, 0, 0, 1,
    ]);
  });
});

describe("links to what is played", () => {
  it("survive the address bar, tasks with slashes too", () => {
    const choice = {
      world: "libero",
      task: "object/0",
      initialState: 7,
      driver: "expert",
    } as const;
    const link = parseDeepLink(formatDeepLink(playLink(choice)));
    expect(link).toEqual({ play: "libero/object/0", state: 7, drive: "expert" });
    expect(playChoice(link)).toEqual(choice);
  });

  it("name the policy that drives", () => {
    const choice = { world: "detour", task: "detour", initialState: 0 } as const;
    const link = playLink({ ...choice, driver: "policy:my policy" });
    const read = playChoice(parseDeepLink(formatDeepLink(link)));
    expect(read).toEqual({ ...choice, driver: "policy:my policy" });
    expect(playChoice(parseDeepLink("#play=detour/detour&drive=policy:")).driver).toBeUndefined();
  });

  it("fall back to the keyboard and the first state", () => {
    expect(playChoice(parseDeepLink("#play=tabletop/lift_red_cube&state=-1&drive=magic"))).toEqual({
      world: "tabletop",
      task: "lift_red_cube",
      initialState: 0,
    });
    const replay = { world: "tabletop", task: "t", initialState: 0, driver: "replay" } as const;
    expect(playLink(replay).drive).toBe("keyboard");
  });
});

describe("PlayedEpisode", () => {
  const { header, timeSteps, actions } = synthesiseEpisode({ seed: 1, steps: 4 });
  const step = (n: number): PlayedStep => ({
    timeStep: timeSteps[n]!,
    images: n === 2 ? {} : { front: Uint8Array.of(n) },
    ...(n === 0 ? {} : { action: actions[n - 1]! }),
  });

  it("is an episode that grows until it ends", async () => {
    const episode = new PlayedEpisode(header, step(0));
    expect(await episode.refresh()).toBe(true);
    expect(await episode.refresh()).toBe(false);
    for (const n of [1, 2, 3]) episode.addStep(step(n));
    expect(await episode.refresh()).toBe(true);
    expect(episode.steps.map((each) => each.step)).toEqual([0, 1, 2, 3]);
    expect(episode.steps[1]!.action).toEqual(actions[0]);
    expect(episode.poses(3)).toEqual(timeSteps[3]!.poses);
    const [name, array] = Object.entries(timeSteps[2]!.observation.proprio)[0]!;
    expect(episode.steps[2]!.proprio[name]).toEqual(Float64Array.from(array.data, Number));
    expect(episode.complete).toBe(false);
    episode.end({ kind: "success", step: 3 });
    expect(episode.complete).toBe(false);
    expect(await episode.refresh()).toBe(true);
    expect(episode.complete).toBe(true);
    expect(episode.outcome).toEqual({ kind: "success", step: 3 });
  });

  it("shows the newest image that is not later", async () => {
    const episode = new PlayedEpisode(header, step(0));
    for (const n of [1, 2, 3]) episode.addStep(step(n));
    expect(episode.cameras).toEqual(["front"]);
    expect(await episode.image("front", 2)).toMatchObject({ step: 1, bytes: Uint8Array.of(1) });
    expect(await episode.image("front", 9)).toMatchObject({ step: 3 });
    expect(await episode.image("wrist", 3)).toBeUndefined();
  });
});
