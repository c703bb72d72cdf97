/** The world of LIBERO's tasks, from data that are not all there. */
import { describe, expect, it } from "vitest";
import type { LiberoFiles, LiberoIndex } from "../../../../../sim-bridge/sims/libero/index.ts";
import {
  LIBERO_SUITES,
  liberoWorld,
  MAX_STEPS,
} from "../../../../../sim-bridge/sims/libero/index.ts";

const index: LiberoIndex = {
  format: "efference_libero",
  format_version: 1,
  source: { package: "hf-libero", version: "0.1.4", robosuite: "1.4.0", mujoco: "3.14.0" },
  visual: null,
  files: {},
  tasks: LIBERO_SUITES.map((suite, i) => ({
    suite,
    index: i,
    name: "open_it",
    language: "open it",
    folder: `tasks/${suite}/open_it`,
    problem: "LIBERO",
  })),
};

/** Files of one task alone are asked for here; none is there. */
function emptyFolder(): { files: LiberoFiles; asked: string[] } {
  const asked: string[] = [];
  const read = (path: string): Promise<Uint8Array> => {
    asked.push(path);
    return Promise.reject(new Error("ENOENT"));
  };
  return { files: { place: "nowhere", read }, asked };
}

describe("liberoWorld", () => {
  it("tells of all tasks without reading any", async () => {
    const { files, asked } = emptyFolder();
    const world = await liberoWorld(files, index);
    expect(world.tasks).toEqual(
      LIBERO_SUITES.map((suite) => ({
        name: `${suite}/open_it`,
        suite,
        family: suite,
        instruction: "open it",
        initialStates: 50,
        maxSteps: MAX_STEPS[suite],
      })),
    );
    expect(asked).toEqual([]);
  });

  it("reads a task's own files when it is asked for, and names what is missing", async () => {
    const { files, asked } = emptyFolder();
    const world = await liberoWorld(files, index);
    expect(() => world.buildScene("goal/open_it")).toThrow("prepare must come first");
    await expect(world.prepare!("goal/open_it")).rejects.toThrow(
      /Cannot open LIBERO: nowhere has no tasks\/goal\/open_it\/\S+, must be there/,
    );
    expect(asked.sort()).toEqual(
      ["init.pruned_init", "meta.json", "scene.xml", "task.bddl"].map(
        (file) => `tasks/goal/open_it/${file}`,
      ),
    );
    await world.prepare!("moon/landing");
    expect(asked).toHaveLength(4);
  });
});
