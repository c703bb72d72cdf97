/**
 * LIBERO's official tasks run in the manipulation runtime with nothing but their data: actions give the
 * states robosuite recorded, and episodes that succeeded there succeed here.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Environment, TimeStep } from "../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../src/core/index.ts";
import { createManipulationEnvironment } from "../../../sim-bridge/sims/manipulation/environment.ts";
import { decodeSnapshot } from "../../../sim-bridge/sims/manipulation/snapshot.ts";
import {
  LIBERO_ABSENT,
  LIBERO_DEMOS,
  LIBERO_SCENES,
  liberoTaskNames,
  liberoWorld,
  readFloat64,
} from "./libero-world.ts";

const isFull = process.env["EFFERENCE_FULL"] === "1";
/** Every task and demonstration with EFFERENCE_FULL=1, else evenly spaced ones. */
function sample<T>(items: readonly T[], count: number): readonly T[] {
  if (isFull || items.length <= count) return items;
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}

const tasks = LIBERO_ABSENT === undefined ? liberoTaskNames() : [];
const demos = LIBERO_ABSENT === undefined ? readdirSync(LIBERO_DEMOS) : [];

const environments: Environment[] = [];
async function open(
  firstSubstep: "fresh" | "held",
  names: readonly string[],
): Promise<Environment> {
  const environment = await createManipulationEnvironment(liberoWorld(names), {
    firstSubstep,
    maxCompiledScenes: 2,
  });
  environments.push(environment);
  return environment;
}
afterAll(() => Promise.all(environments.map((environment) => environment.close())));

function row(data: Float32Array): { data: Float32Array; horizon: number; actionDim: number } {
  return { data, horizon: data.length / 7, actionDim: 7 };
}

describe.skipIf(LIBERO_ABSENT !== undefined)(`LIBERO (${LIBERO_ABSENT ?? "data present"})`, () => {
  it("has the 130 official tasks", () => {
    expect(tasks).toHaveLength(130);
  });

  it.each(sample(tasks, 13))(
    "%s follows robosuite's recorded states",
    async (task) => {
      const environment = await open("held", [task]);
      await environment.reset({ task, seed: 0, initialState: 0, want: WANT_NOTHING });
      const actions = readFloat64(join(LIBERO_SCENES, task, "ref_act.f64"));
      const recorded = readFloat64(join(LIBERO_SCENES, task, "ref_step_qpos.f64"));
      const nq = recorded.length / (actions.length / 7);
      const errors: number[] = [];
      for (let k = 0; k < 10; k++) {
        await stepExactly(environment, actions.subarray(7 * k, 7 * k + 7));
        const { numbers } = decodeSnapshot(await environment.snapshot!());
        // The engine's state begins with the time, then qpos.
        const qpos = numbers.state.subarray(1, 1 + nq);
        errors.push(Math.max(...qpos.map((q, i) => Math.abs(q - recorded[k * nq + i]!))));
      }
      expect(errors[0]).toBeLessThan(1e-15);
      expect(errors[9]).toBeLessThan(1e-12);
      await environment.close();
    },
    60_000,
  );

  it.each(sample(demos, 6))(
    "%s succeeds as it did in the original",
    async (file) => {
      const [suite, name, initialState] = file.replace(".f64", "").split("__");
      const task = `${suite}/${name}`;
      const environment = await open("fresh", [task]);
      const first = await environment.reset({
        task,
        seed: 0,
        initialState: Number(initialState),
        want: WANT_NOTHING,
      });
      expect(first.first.success).toBe(false);
      const actions = Float32Array.from(readFloat64(join(LIBERO_DEMOS, file)));
      let last = (await environment.step(row(actions), WANT_NOTHING)).at(-1)!;
      // Things may still be falling into place when the recorded actions end.
      const wait = Float32Array.of(0, 0, 0, 0, 0, 0, -1);
      for (let k = 0; k < 30 && last.kind !== "last"; k++) {
        last = (await environment.step(row(wait), WANT_NOTHING))[0]!;
      }
      expect(summary(last)).toEqual({ kind: "last", terminated: true, success: true });
      await environment.close();
    },
    60_000,
  );
});

function summary({ kind, terminated, success }: TimeStep): object {
  return { kind, terminated, success };
}

/** The references were made from float64 actions; float32 ones differ by 6e-8. */
async function stepExactly(environment: Environment, action: Float64Array): Promise<void> {
  const chunk = { data: action as unknown as Float32Array, horizon: 1, actionDim: 7 };
  await environment.step(chunk, WANT_NOTHING);
}
