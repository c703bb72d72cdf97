import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { checkLibero, defaultLiberoFolder } from "../../sim-bridge/sims/libero/node.ts";
import type { PackProgress } from "../../sim-bridge/sims/libero/visual/pack.ts";
import { packLevels } from "../../sim-bridge/sims/libero/visual/pack.ts";
import { EXIT, UsageError } from "./exit.ts";
import { Interrupted, interruptSignal } from "./interrupt.ts";
import type { LiberoPython } from "./libero-python.ts";
import { ensureLiberoPython } from "./libero-python.ts";
import type { Progress } from "./progress.ts";
import { createProgress, durationWords } from "./progress.ts";

export interface PrepareOptions {
  assets?: string;
  data?: string;
  out?: string;
  suite?: string[];
  task?: string[];
  visuals: boolean;
  workers: number;
  json?: boolean;
}

const exporterEvent = z.discriminatedUnion("event", [
  z.object({ event: z.literal("start"), tasks: z.number(), done: z.number() }),
  z.object({
    event: z.literal("task"),
    task: z.string(),
    done: z.number(),
    tasks: z.number(),
  }),
  z.object({
    event: z.literal("index"),
    tasks: z.number(),
    files: z.number(),
    bytes: z.number(),
    visual: z.unknown(),
  }),
  z.object({ event: z.literal("error"), message: z.string() }),
]);
type ExporterEvent = z.infer<typeof exporterEvent>;

/**
 * `efference libero prepare`: makes the Python environment, exports the original tasks into the data folder and checks what
 * is there. Run again it goes on where it was killed; afterwards no Python is needed.
 */
export async function prepareLibero(options: PrepareOptions): Promise<void> {
  const folder = dataFolder(options);
  const progress = createProgress();
  const interrupt = interruptSignal();
  const started = performance.now();
  try {
    const { signal } = interrupt;
    const log = (text: string): void => progress.line(text);
    const python = await ensureLiberoPython({ log, signal });
    const made = await runExporter(python, exporterArguments(folder, options), {
      signal,
      onEvent: reporter(progress),
    });
    const levels = await packLevels(folder, packReporter(progress), signal);
    progress.live("checking every file");
    await verifyDataFolder(folder);
    progress.clear();
    const seconds = (performance.now() - started) / 1000;
    const packed = Object.values(levels?.files ?? {});
    const { tasks } = made;
    const files = made.files + packed.length;
    const bytes = packed.reduce((sum, file) => sum + file.bytes, made.bytes);
    const visuals = levels !== undefined;
    if (options.json === true) {
      process.stdout.write(
        `${JSON.stringify({ folder, tasks, files, bytes, visuals, seconds })}\n`,
      );
    } else {
      const kind = visuals ? "physics and images" : "physics only";
      process.stdout.write(
        `${folder}: ${tasks} tasks, ${kind}, ${files} files, ${(bytes / 1e6).toFixed(1)} MB ` +
          `(${durationWords(seconds)})\n`,
      );
    }
  } catch (error) {
    progress.clear();
    if (!interrupt.signal.aborted) throw error;
    progress.line("stopped; the same command goes on from here");
    process.exitCode = EXIT.interrupted;
  } finally {
    progress.clear();
    interrupt.dispose();
  }
}

/** `--data`, else `$EFFERENCE_LIBERO`, else in the user's cache. */
function dataFolder({ data, out }: PrepareOptions): string {
  if (data !== undefined && out !== undefined && resolve(data) !== resolve(out)) {
    throw new UsageError(
      "Cannot prepare LIBERO: --data and --out name two folders, must be one (they mean the same)",
    );
  }
  return resolve(data ?? out ?? defaultLiberoFolder());
}

function exporterArguments(folder: string, options: PrepareOptions): string[] {
  const { assets, suite = [], task = [], visuals, workers } = options;
  return [
    ...["--out", folder, "--workers", String(workers)],
    ...(assets === undefined ? [] : ["--assets", resolve(assets)]),
    ...(suite.length === 0 ? [] : ["--suite", ...suite]),
    ...(task.length === 0 ? [] : ["--task", ...task]),
    ...(visuals ? [] : ["--no-visuals"]),
  ];
}

interface RunExporterOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: ExporterEvent) => void;
}

/** Runs the exporter to its end. @throws {Error} with its own words if it fails */
async function runExporter(
  { python, env }: LiberoPython,
  args: readonly string[],
  { signal, onEvent }: RunExporterOptions,
): Promise<Extract<ExporterEvent, { event: "index" }>> {
  const module = ["-m", "efference_sim.libero.export", "--json-progress", "--leave-on-eof"];
  // Its stdin stays open as long as this process lives: killed, it takes the exporter with it.
  const child = spawn(python, [...module, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4000)));
  const ended = new Promise<number | null>((done, fail) => {
    child.on("error", fail);
    child.on("close", done);
  });
  let index: Extract<ExporterEvent, { event: "index" }> | undefined;
  let problem: string | undefined;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const event = exporterEvent.parse(JSON.parse(line));
      if (event.event === "index") index = event;
      if (event.event === "error") problem = event.message;
      onEvent(event);
    }
    const code = await ended;
    if (signal.aborted) throw new Interrupted();
    if (index !== undefined && code === 0) return index;
    throw new Error(problem ?? `Cannot export LIBERO: the exporter ended with ${code}:\n${words}`);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** How far it is and how long it takes yet; off a terminal a line every few seconds. */
function reporter(progress: Progress): (event: ExporterEvent) => void {
  const quietMs = 5000;
  let started = 0;
  let before = 0;
  let said = 0;
  return (event) => {
    const now = performance.now();
    if (event.event === "start") {
      started = now;
      before = event.done;
      progress.line(
        `${event.tasks} tasks` + (before === 0 ? "" : `, ${before} of them finished before`),
      );
    } else if (event.event === "task") {
      const perTaskS = (now - started) / 1000 / (event.done - before);
      const left = durationWords(perTaskS * (event.tasks - event.done));
      const words = `${event.done}/${event.tasks} tasks  about ${left} left  ${event.task}`;
      progress.live(words);
      if (process.stderr.isTTY !== true && now - said > quietMs) {
        said = now;
        progress.line(words);
      }
    }
  };
}

function packReporter(progress: Progress): (packing: PackProgress) => void {
  return ({ done, tasks, task }) => progress.live(`${done}/${tasks} scenes packed  ${task}`);
}

/** @throws {Error} if a file is missing or holds other bytes than the index says */
async function verifyDataFolder(folder: string): Promise<void> {
  const { faults } = await checkLibero(folder);
  const [first] = faults;
  if (first === undefined) return;
  throw new Error(
    `Cannot use ${folder}: ${first.path} is ${first.fault === "missing" ? "missing" : "damaged"}` +
      `${faults.length > 1 ? ` and ${faults.length - 1} more` : ""}, must be as in libero.json (run the same command again)`,
  );
}
