/** The worlds of `efference reproduce ebt` that LIBERO's suites are: their experts demonstrate what policies of state can learn. */
import { describe, expect, it } from "vitest";
import { WANT_NOTHING } from "../../src/core/index.ts";
import { startOf, tasksOf } from "../../src/cli/reproduce/tasks.ts";
import { TASK_STATE_SIZE } from "../../src/cli/reproduce/task-state.ts";
import { STUDY_WORLDS } from "../../src/cli/reproduce/worlds.ts";
import { brokered, perturbed, rollout } from "../../src/rollout/index.ts";

const WORLDS = ["libero-spatial", "libero-object", "libero-goal"] as const;

describe.each(WORLDS)("%s", (name) => {
  const world = STUDY_WORLDS[name];

  it("tells of every task, from the first official state, where its thing is and is to go", async () => {
    const env = await world.open();
    const tasks = tasksOf(env, world.task);
    expect(tasks).toHaveLength(10);
    const states = new Set<string>();
    for (const [i, task] of tasks.entries()) {
      const start = startOf(env, { task: world.task, from: world.evaluatedFrom }, i);
      expect(start).toEqual({ task, seed: i, initialState: 0 });
      const { first } = await env.reset({ ...start, want: WANT_NOTHING });
      expect(Object.keys(first.observation.proprio)).toEqual(["state"]);
      const state = Array.from(first.observation.proprio["state"]!.data, Number);
      expect(state).toHaveLength(TASK_STATE_SIZE);
      expect(state.every(Number.isFinite)).toBe(true);
      // Below the hand, within its reach.
      expect(state[12]).toBeLessThan(0);
      expect(Math.hypot(...state.slice(10, 13))).toBeLessThan(0.8);
      states.add(state.join(" "));
    }
    expect(states.size).toBe(10);
    await env.close();
  });

  it("is demonstrated, with the noise of the study, from drawn starts", async () => {
    const env = await world.open();
    const { noise, held = 0 } = world;
    const controller = perturbed(brokered(await world.expert()), { noise, held });
    let successes = 0;
    for (const [seed, task] of tasksOf(env, world.task).entries()) {
      const { outcome } = await rollout(controller, env, { task, seed });
      if (outcome.kind === "success") successes++;
    }
    expect(successes).toBeGreaterThanOrEqual(7);
    await env.close();
  });
});
