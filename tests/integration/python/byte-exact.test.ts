import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Environment, TimeStep, Want } from "../../../src/core/index.ts";
import { WANT_NOTHING, actionDim, seeded } from "../../../src/core/index.ts";
import type { Hub } from "../../../sim-bridge/index.ts";
import { createHub } from "../../../sim-bridge/index.ts";
import type { DirectStep } from "./python-peer.ts";
import { bytesOf, directRollout, findPython, randomActions, startPeer } from "./python-peer.ts";

const { python = "", unavailable } = await findPython();
const HORIZON = 3;
const EVERY_IMAGE: Want = { ...WANT_NOTHING, images: "all", imagesAt: "every" };

/** A step in the words of `direct_rollout.py`. */
function described({ observation, reward, terminated, truncated }: TimeStep): DirectStep {
  const { images, proprio, texts } = observation;
  const arrays: Record<string, { dtype: string; shape: number[]; sha256: string }> = {};
  for (const [name, array] of [...Object.entries(images), ...Object.entries(proprio)]) {
    arrays[name] = {
      dtype: array.dtype,
      shape: [...array.shape],
      sha256: createHash("sha256").update(bytesOf(array)).digest("hex"),
    };
  }
  return { arrays, texts: { ...texts }, reward, terminated, truncated };
}

/** An observation that is not nested has no name of its own in the reference. */
function withTopName(step: DirectStep, name: string): DirectStep {
  const only = step.arrays[""];
  return only === undefined ? step : { ...step, arrays: { [name]: only } };
}

async function playEpisode(
  environment: Environment,
  { task, seed, actions }: { task: string; seed: number; actions: Float32Array },
): Promise<TimeStep[]> {
  const width = actionDim(environment.spec.action);
  const { first } = await environment.reset({ task, seed, want: EVERY_IMAGE });
  const steps = [first];
  for (let at = 0; at < actions.length && steps.at(-1)?.kind !== "last"; at += HORIZON * width) {
    const data = actions.slice(at, at + HORIZON * width);
    const chunk = { data, horizon: data.length / width, actionDim: width };
    steps.push(...(await environment.step(chunk, EVERY_IMAGE)));
  }
  return steps;
}

describe.skipIf(unavailable !== undefined)(
  `the Python peer against the same environment stepped directly (${unavailable ?? "Python is there"})`,
  () => {
    let hub: Hub;
    beforeAll(async () => {
      hub = await createHub({ endpoint: "tcp://127.0.0.1:*" });
    });
    afterAll(() => hub.close());

    test.each([
      { envId: "CartPole-v1", steps: 60, seeds: [0, 7], topName: "observation" },
      { envId: "Pendulum-v1", steps: 30, seeds: [1, 4_294_967_296], topName: "observation" },
      { envId: "Acrobot-v1", steps: 30, seeds: [2], topName: "observation" },
      { envId: "crafter:Env", steps: 24, seeds: [3], topName: "image" },
      { envId: "nested_env:NestedEnv", steps: 20, seeds: [5, 9_007_199_254_740_991], topName: "" },
    ])("$envId gives the very same bytes", async ({ envId, steps, seeds, topName }) => {
      await using peer = startPeer(python, ["gymnasium", envId, "--connect", hub.endpoint]);
      const environment = await hub.nextSimulator();
      expect(environment.identity.name).toBe(`gymnasium:${envId}`);
      const width = actionDim(environment.spec.action);
      for (const seed of seeds) {
        const actions = randomActions(environment.spec, steps, seeded(`${envId} ${seed}`));
        const run = { task: envId, seed, actions };
        const ours = (await playEpisode(environment, run)).map(described);
        const direct = await directRollout(python, { envId, seed, actions, width });
        expect(ours.length).toBeGreaterThan(5);
        expect(ours).toEqual(direct.map((step) => withTopName(step, topName)));
        // Once more: a second reset of the same peer gives the same episode.
        expect((await playEpisode(environment, run)).map(described)).toEqual(ours);
      }
      await environment.close();
      expect(await peer.ended).toBe(0);
    });

    test("images come back only where they are wanted", async () => {
      const args = ["gymnasium", "nested_env:NestedEnv", "--render", "--connect", hub.endpoint];
      await using peer = startPeer(python, args);
      const environment = await hub.nextSimulator();
      const { spec } = environment;
      const names = spec.observation.images.map(({ name }) => name);
      expect(names).toEqual(["camera", "grey", "inner/2", "render"]);
      const task = "nested_env:NestedEnv";
      const { first } = await environment.reset({ task, seed: 1, want: WANT_NOTHING });
      expect(first.observation.images).toEqual({});
      const data = randomActions(spec, 2, seeded(1));
      const chunk = { data, horizon: 2, actionDim: actionDim(spec.action) };
      const want: Want = { ...WANT_NOTHING, images: ["render", "grey"] };
      const seen = await environment.step(chunk, want);
      expect(seen.map(({ observation }) => Object.keys(observation.images).sort())).toEqual([
        [],
        ["grey", "render"],
      ]);
      await environment.close();
      expect(await peer.ended).toBe(0);
    });
  },
);
