/** LIBERO with data, states and actions that are not as they must be: each says what is wrong, and nothing hangs. */
import { afterAll, describe, expect, it } from "vitest";
import type { Environment } from "../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../src/core/index.ts";
import type { LiberoFiles } from "../../../sim-bridge/sims/libero/index.ts";
import { createLibero, readIndex } from "../../../sim-bridge/sims/libero/index.ts";
import type { RolloutListener } from "../../../src/rollout/index.ts";
import { brokered, rollout } from "../../../src/rollout/index.ts";
import { scriptedPolicy } from "../../../policies/scripted/index.ts";
import {
  LIBERO_ABSENT,
  LIBERO_SCENES,
  liberoFiles,
  liberoReference,
  readFloat64,
} from "../../support/libero-files.ts";
import { prunedInit, zipped } from "../../support/torch-zip.ts";

const TASK = "object/pick_up_the_milk_and_place_it_in_the_basket";
const ROWS = 50;
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** The data of one task, some files of which are others. */
function withFiles(others: Readonly<Record<string, Uint8Array>>): LiberoFiles {
  const whole = liberoFiles([TASK]);
  const read = (path: string): Promise<Uint8Array> => {
    const other = others[path.split("/").at(-1) ?? ""];
    return other === undefined ? whole.read(path) : Promise.resolve(other);
  };
  return { place: whole.place, read };
}

/** Official initial states, changed. */
function states(change: (rows: Float64Array, width: number) => Float64Array): Uint8Array {
  const rows = readFloat64(liberoReference(TASK, "init.f64"));
  const changed = change(rows, rows.length / ROWS);
  return prunedInit(ROWS, changed.length / ROWS, changed);
}

const environments: Environment[] = [];
afterAll(() => Promise.all(environments.map((environment) => environment.close())));

async function open(others: Readonly<Record<string, Uint8Array>> = {}): Promise<Environment> {
  const environment = await createLibero(withFiles(others), { settleSteps: 0 });
  environments.push(environment);
  return environment;
}

async function start(others: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
  const environment = await open(others);
  return environment.reset({ task: TASK, seed: 0, initialState: 0, want: WANT_NOTHING });
}

describe.skipIf(LIBERO_ABSENT !== undefined)(
  `LIBERO refuses (${LIBERO_ABSENT ?? "data present"})`,
  () => {
    it("an index of another version, naming it", async () => {
      const index = await readIndex(liberoFiles([TASK]));
      const text = (content: object): Uint8Array => ascii(JSON.stringify(content));
      await expect(
        readIndex(withFiles({ "libero.json": text({ ...index, format_version: 2 }) })),
      ).rejects.toThrow(`Cannot read ${LIBERO_SCENES}/libero.json: format_version`);
      await expect(
        readIndex(withFiles({ "libero.json": text({ format: "else" }) })),
      ).rejects.toThrow(/format: /);
      await expect(readIndex(withFiles({ "libero.json": ascii("{") }))).rejects.toThrow(/no JSON/);
    });

    it("goals with an unknown predicate, and says where", async () => {
      const problem = "(define (problem LIBERO)\n  (:goal (And (Juggle milk_1))))";
      await expect(start({ "task.bddl": ascii(problem) })).rejects.toThrow(
        /"juggle" is unknown, must be one of .* \(line 2, column 15\)/,
      );
    });

    it("initial states that are a hostile pickle, naming the file", async () => {
      const pickle = ascii("\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.");
      const hostile = zipped({ "archive/data.pkl": pickle });
      await expect(start({ "init.pruned_init": hostile })).rejects.toThrow(
        /init\.pruned_init is no file of initial states: .*"posix system" is named.*libero prepare/,
      );
    });

    it("initial states of another scene, or that are not finite", async () => {
      const narrow = states((rows, width) => rows.subarray(0, (width - 1) * ROWS));
      await expect(start({ "init.pruned_init": narrow })).rejects.toThrow(
        /have \d+ numbers, must have \d+ \(half an export/,
      );
      const wild = states((rows) => rows.with(3, NaN));
      await expect(start({ "init.pruned_init": wild })).rejects.toThrow(
        "Cannot reset: qpos[2] of the initial state is NaN, must be finite",
      );
    });

    it("actions of another width or that are not finite, before anything moves", async () => {
      const environment = await open();
      await environment.reset({ task: TASK, seed: 0, initialState: 0, want: WANT_NOTHING });
      const before = await environment.snapshot!();
      const step = (numbers: readonly number[], actionDim = 7): Promise<unknown> =>
        environment.step({ data: Float32Array.from(numbers), horizon: 1, actionDim }, WANT_NOTHING);
      await expect(step([0, 0, 0, 0, 0, 0], 6)).rejects.toThrow(/float32\[1, 6\].*must be/);
      await expect(step([0, 0, 0, 0, 0, 0])).rejects.toThrow(TypeError);
      await expect(step([0, 0, 0, Infinity, 0, 0, 0])).rejects.toThrow(
        /number 3 of row 0 is Infinity/,
      );
      expect(await environment.snapshot!()).toEqual(before);
    });

    it("to begin an episode where the physics diverges; the next one runs", async () => {
      const width = readFloat64(liberoReference(TASK, "init.f64")).length / ROWS;
      const environment = await open({
        "init.pruned_init": states((rows) => rows.with(width - 2, 1e11)),
      });
      const ends: string[] = [];
      const listener: RolloutListener = {
        name: "witness",
        onEnd: ({ kind }) => void ends.push(kind),
      };
      const run = (initialState: number): ReturnType<typeof rollout> =>
        rollout(brokered(scriptedPolicy()), environment, {
          ...{ task: TASK, initialState, maxSteps: 2 },
          listeners: [listener],
        });
      await expect(run(0)).rejects.toThrow(/diverged/);
      const { outcome } = await run(1);
      expect(outcome.kind).toBe("failure");
      expect(ends).toEqual(["failure"]);
    });
  },
);
