import { join, resolve } from "node:path";
import type { Results } from "../rollout/index.ts";
import { resultsTable } from "../rollout/index.ts";
import { newRunFolder } from "./eval.ts";
import { EXIT, UsageError } from "./exit.ts";
import { Interrupted, interruptSignal } from "./interrupt.ts";
import { openBrowser } from "./open-browser.ts";
import type { Progress } from "./progress.ts";
import { createProgress, durationWords } from "./progress.ts";
import type { ThoughtRequest } from "./registry.ts";
import { runEvaluation } from "./run-evaluation.ts";
import { selectTasks } from "./select-tasks.ts";
import type { SimSettings } from "./sim-settings.ts";
import { untilInterrupted, viewerAppFolder } from "./view.ts";
import { withSimulators } from "./with-simulators.ts";

export interface DemoOptions {
  policy: string;
  episodes: number;
  workers: number;
  port: number;
  out?: string;
  open: boolean;
  exit?: boolean;
  json?: boolean;
}

interface DemoPart {
  readonly policy: string;
  readonly thoughts?: ThoughtRequest;
  readonly label: string;
  readonly tasks: readonly string[];
}

interface Demo {
  readonly simulator: string;
  readonly settings?: SimSettings;
  readonly parts: readonly DemoPart[];
}

const LIFTS = ["lift_red_cube", "lift_soup_can"] as const;

/** What each demo shows: the experts, and a learned policy beside them. */
const DEMOS: Readonly<Record<string, Demo>> = {
  act: {
    simulator: "tabletop",
    parts: [
      {
        policy: "scripted",
        label: "scripted experts (they read the simulator's ground truth)",
        tasks: [...LIFTS, "stack_green_cube_on_red_cube", "open_top_drawer", "press_button"],
      },
      {
        policy: "act",
        label: "learned policy (ACT, trained on the lift family; sees pixels and its own body)",
        tasks: LIFTS,
      },
    ],
  },
  energy: {
    simulator: "detour",
    parts: [
      {
        policy: "scripted-detour",
        label: "scripted experts (left or right of the disc, drawn for every episode)",
        tasks: ["detour"],
      },
      {
        policy: "energy",
        thoughts: "landscape",
        label: "learned policy (energy transformer: goes downhill from noise, on either side)",
        tasks: ["detour", "detour_disturbed"],
      },
    ],
  },
  "energy-lift": {
    simulator: "tabletop",
    settings: { image_size: "64" },
    parts: [
      {
        policy: "energy-lift",
        thoughts: "landscape",
        label: "learned policy (energy transformer that sees two cameras and its own body)",
        tasks: ["lift_red_cube"],
      },
    ],
  },
};

/** `efference demo`, which is what `npm start` runs. */
export async function demo(options: DemoOptions): Promise<void> {
  const { simulator, settings = {}, parts } = demoOf(options.policy);
  const startedMs = performance.now();
  const folder = resolve(options.out ?? newRunFolder("demo"));
  const progress = createProgress();
  const interrupt = interruptSignal();
  let viewer: { url: string; close(): Promise<void> } | undefined;
  try {
    viewer = options.exit === true ? undefined : await openViewer(folder, options.port, progress);
    const results: Record<string, Results> = {};
    let sawFirst = false;
    const simulators = {
      simulator,
      settings,
      workers: options.workers,
      progress,
      onListening: (endpoint: string) =>
        progress.line(`${options.workers} ${simulator} simulators dial in to ${endpoint}`),
    };
    await withSimulators(simulators, async (pool, hub) => {
      for (const part of parts) {
        const { policy, label, tasks } = part;
        progress.line(`\n${label}`);
        results[policy] = await runEvaluation(
          partConfig(part, { simulator, settings, folder, options }),
          {
            folder: join(folder, policy),
            pool,
            requireSpec: (spec) => hub.requireSpec(spec),
            progress,
            resume: false,
            signal: interrupt.signal,
            workerTimeoutMs: 60_000,
            select: (all) => selectTasks(all, { task: tasks.join(",") }),
            onResult: () => {
              if (sawFirst) return;
              sawFirst = true;
              progress.line(
                `first result after ${durationWords((performance.now() - startedMs) / 1000)}`,
              );
            },
          },
        );
        const table = resultsTable(results[policy]);
        if (options.json === true) process.stderr.write(table);
        else process.stdout.write(table);
      }
    });
    if (options.json === true)
      process.stdout.write(`${JSON.stringify(summaryOf(results, folder))}\n`);
    else process.stdout.write(`\nepisodes and results: ${folder}\n`);
    if (Object.values(results).some(({ crashes }) => crashes > 0))
      process.exitCode = EXIT.incomplete;
    if (viewer !== undefined) {
      process.stdout.write(`viewer: ${viewer.url}   (Ctrl-C ends it)\n`);
      if (options.open) openBrowser(viewer.url);
      interrupt.dispose();
      await untilInterrupted();
    } else {
      progress.line(`look at them with: efference view ${folder}`);
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.exitCode = EXIT.interrupted;
  } finally {
    interrupt.dispose();
    await viewer?.close();
  }
}

async function openViewer(
  folder: string,
  port: number,
  progress: Progress,
): Promise<{ url: string; close(): Promise<void> }> {
  const { mkdir } = await import("node:fs/promises");
  const { serveViewer } = await import("../viewer/server/serve.ts");
  const { shippedPackages } = await import("./registry.ts");
  const policyFolders = await shippedPackages();
  await mkdir(folder, { recursive: true });
  const serve = (chosen: number): ReturnType<typeof serveViewer> =>
    serveViewer({ folder, port: chosen, appFolder: viewerAppFolder(), policyFolders });
  // The usual port may be taken by another demo; any other does as well.
  const viewer = await serve(port).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return serve(0);
    throw error;
  });
  progress.line(`watch it live: ${viewer.url}`);
  return viewer;
}

/** @throws {UsageError} if there is no demo of the policy */
function demoOf(policy: string): Demo {
  const demo = DEMOS[policy];
  if (demo !== undefined) return demo;
  const names = Object.keys(DEMOS).join(", ");
  throw new UsageError(
    `Cannot show policy "${policy}": there is no demo of it, must be one of ${names}`,
  );
}

function partConfig(
  { policy, tasks, thoughts }: DemoPart,
  at: { simulator: string; settings: SimSettings; folder: string; options: DemoOptions },
): Parameters<typeof runEvaluation>[0] {
  return {
    runId: policy,
    command: `efference ${process.argv.slice(2).join(" ")}`,
    simulator: at.simulator,
    simSettings: at.settings,
    policy,
    policyOptions: { seed: 0, ...(thoughts === undefined ? {} : { thoughts }) },
    episodes: at.options.episodes,
    firstState: 0,
    seed: 0,
    record: join(at.folder, policy, "episodes"),
    workers: at.options.workers,
    task: tasks.join(","),
  };
}

function summaryOf(results: Record<string, Results>, folder: string): unknown {
  const policies = Object.entries(results).map(([policy, { episodeResults: _, ...rest }]) => ({
    ...rest,
    policy,
  }));
  const total = (key: "episodes" | "successes" | "crashes"): number =>
    policies.reduce((sum, part) => sum + part[key], 0);
  return {
    folder,
    episodes: total("episodes"),
    successes: total("successes"),
    crashes: total("crashes"),
    policies,
  };
}
