import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { actionDim } from "../core/index.ts";
import { outcomeWords } from "../rollout/listener.ts";
import type { EpisodeReader } from "../episode/types.ts";
import type { Results } from "../rollout/results.ts";
import { formatTable, parseResults, rateTable, summariseBy } from "../rollout/results.ts";
import { UsageError } from "./exit.ts";

export interface InspectOptions {
  json?: boolean;
  /** For results: what a row of the table is. */
  by: "task" | "suite" | "family";
}

/** `efference inspect PATH`: an episode, a policy package, an ONNX file, the results of a run, a training run. */
export async function inspectCommand(path: string, options: InspectOptions): Promise<void> {
  if (!existsSync(path)) {
    throw new UsageError(`Cannot inspect ${path}: it is not there, must be a file or a folder`);
  }
  const { value, words } = await inspect(path, options);
  process.stdout.write(options.json === true ? `${JSON.stringify(value, jsonSafe)}\n` : words);
}

/** What says that a folder is a package: its manifest, or the metadata that came before manifests. */
const PACKAGE_FILES = ["manifest.json", "metadata.yaml", "metadata.yml", "metadata.json"];

interface Inspection {
  readonly value: unknown;
  readonly words: string;
}

async function inspect(path: string, options: InspectOptions): Promise<Inspection> {
  if (statSync(path).isDirectory()) {
    if (PACKAGE_FILES.some((file) => existsSync(join(path, file)))) return inspectPackage(path);
    if (existsSync(join(path, "results.json"))) {
      return inspectResults(join(path, "results.json"), options);
    }
    const { readRunConfig, readRunFolder } = await import("../train/run-folder.ts");
    if ((await readRunConfig(path)) !== undefined) {
      const { describeTraining } = await import("./inspect-training.ts");
      return describeTraining(path, await readRunFolder(path));
    }
    throw new UsageError(
      `Cannot inspect ${path}: it has no manifest.json, no results.json and no config.json of training, must be a policy package or a run`,
    );
  }
  if (path.endsWith(".mcap")) return inspectEpisode(path);
  if (path.endsWith(".onnx")) return inspectOnnx(path);
  if (path.endsWith(".json")) return inspectResults(path, options);
  throw new UsageError(
    `Cannot inspect ${path}: it must be an .mcap, .onnx or results .json file, or the folder of a package or a run`,
  );
}

async function inspectEpisode(path: string): Promise<Inspection> {
  const { fileSource } = await import("../episode/node.ts");
  const { openEpisode } = await import("../episode/index.ts");
  const source = fileSource(path);
  try {
    return describeEpisode(await openEpisode(source));
  } finally {
    await source.close();
  }
}

function describeEpisode(episode: EpisodeReader): Inspection {
  const { header, outcome, steps, decisions, events } = episode;
  const last = steps.at(-1);
  const value = {
    kind: "episode",
    episodeId: header.episodeId,
    task: header.task,
    suite: header.suite,
    instruction: header.instruction,
    seed: header.seed,
    initialState: header.initialState,
    attempt: header.attempt,
    policy: header.policy.name,
    environment: header.environment,
    versions: header.versions,
    controlFreqHz: header.spec.controlFreqHz,
    actionDim: actionDim(header.spec.action),
    complete: episode.complete,
    outcome,
    steps: Math.max(0, steps.length - 1),
    durationS: last === undefined ? 0 : Number(last.stampNs) / 1e9,
    return: steps.reduce((sum, step) => sum + step.reward, 0),
    decisions: decisions.length,
    cameras: episode.cameras,
    bodies: header.scene?.bodies.length ?? 0,
    events,
  };
  const rows = [
    ["episode", header.episodeId],
    ["task", `${header.task}: ${header.instruction}`],
    ["outcome", outcome === undefined ? "unfinished (running, or cut off)" : outcomeWords(outcome)],
    ["policy", header.policy.name],
    ["environment", `${header.environment.name} ${header.environment.version}`],
    [
      "seed",
      `${header.seed}, initial state ${header.initialState ?? "-"}, attempt ${header.attempt}`,
    ],
    [
      "length",
      `${value.steps} steps, ${value.durationS.toFixed(2)} s at ${value.controlFreqHz} Hz`,
    ],
    [
      "recorded",
      `${decisions.length} decisions, ${episode.cameras.length} cameras, ${value.bodies} bodies`,
    ],
    ["return", value.return.toFixed(3)],
  ];
  const eventLines = events.map((event) => `  step ${event.step}  ${event.kind}  ${event.text}`);
  return {
    value,
    words: `${formatTable([["what", "value"], ...rows])}\nevents\n${eventLines.join("\n")}\n`,
  };
}

async function inspectPackage(path: string): Promise<Inspection> {
  const { describePackage, hashPackage, readPolicyPackage } = await import("../package/index.ts");
  const read = await readPolicyPackage(path);
  const hash = await hashPackage(path);
  const { manifest } = read;
  const description = await describePackage(read);
  const { runner, runnable, preprocessors, postprocessors, graphs } = description;
  const binding = manifest.efference?.inputs.map(({ input, from }) => `${input} from ${from}`);
  const rows = [
    ["policy", manifest.policy.name],
    ["sha256", hash],
    ["runs", runnable ? runner : `not here: ${runner}`],
    ["before", listed(preprocessors)],
    ["after", listed(postprocessors)],
    ["observations", `${manifest.model.n_obs_steps} at a time`],
    ["binding", binding === undefined ? "none: give one to loadPolicy" : listed(binding)],
    ...graphs.flatMap(({ role, path: file, bytes, inputs, outputs }) => [
      [role, `${file}, ${bytes} bytes`],
      ["  takes", listed(inputs)],
      ["  gives", listed(outputs)],
    ]),
  ];
  const table = formatTable([["what", "value"], ...rows]);
  return {
    value: { kind: "policy_package", hash, description, manifest },
    words: `policy package ${path}\n\n${table}\n${JSON.stringify(manifest, null, 2)}\n`,
  };
}

const listed = (words: readonly string[]): string => (words.length === 0 ? "-" : words.join("; "));

async function inspectOnnx(path: string): Promise<Inspection> {
  const { printGraph, readModel } = await import("../onnx/index.ts");
  const model = readModel(await readFile(path));
  const words = printGraph(model);
  return { value: { kind: "onnx", graph: words }, words };
}

async function inspectResults(path: string, { by }: InspectOptions): Promise<Inspection> {
  const results = parseResults(await readFile(path, "utf8"));
  const families = by === "family" ? await familiesOf(results) : undefined;
  const groupOf = (task: string, suite: string): string =>
    by === "task" ? task : by === "suite" ? suite : (families?.get(task) ?? "unknown");
  const episodes = results.episodeResults.map((episode) => ({
    ...episode,
    inferenceMs: [],
    bridgeMs: [],
  }));
  const rows = summariseBy(episodes, ({ job }) => groupOf(job.task, job.suite));
  const { name, version } = results.environment;
  const head = `${results.policy.name} on ${name} ${version}, seed ${results.seed}, ${results.createdAt}\n${results.command}\n\n`;
  return { value: { kind: "results", rows, results }, words: head + rateTable(rows, results) };
}

async function familiesOf(results: Results): Promise<ReadonlyMap<string, string>> {
  const { SIMULATORS } = await import("./registry.ts");
  const simulator = SIMULATORS.find(({ name }) => name === results.environment.name);
  if (simulator?.families !== undefined) return simulator.families();
  throw new UsageError(
    `Cannot group by family: the tasks of "${results.environment.name}" have none, must be task or suite`,
  );
}

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
