/** The study's worlds of LIBERO: a suite each, all of its tasks in turn, seen as state. They are there where its data are prepared. */
import { createSimulator } from "../registry.ts";
import type { WorldName } from "./study.ts";
import { EARLY_STEPS } from "./study.ts";
import { withTaskState } from "./task-state.ts";
import { oneWay } from "./turns.ts";
import type { StudyWorld } from "./worlds.ts";

/** The suites whose tasks have an expert. */
type Suite = "spatial" | "object" | "goal";

function liberoWorld(suite: Suite): StudyWorld {
  return {
    name: `libero-${suite}`,
    simulator: "libero",
    task: { suite, tasks: 10 },
    cameras: [],
    // The official ones, which demonstrations, drawn from seeds, do not have.
    evaluatedFrom: "fixed",
    noise: 0.1,
    open: async () => withTaskState(await createSimulator("libero", { image_size: "0" })),
    judgedSteps: EARLY_STEPS,
    isGraded: false,
    async expert() {
      const { scriptedPolicy } = await import("../../../policies/scripted/index.ts");
      return scriptedPolicy();
    },
    track: oneWay,
  };
}

export const LIBERO_WORLDS = {
  "libero-spatial": liberoWorld("spatial"),
  "libero-object": liberoWorld("object"),
  "libero-goal": liberoWorld("goal"),
} satisfies Partial<Record<WorldName, StudyWorld>>;
