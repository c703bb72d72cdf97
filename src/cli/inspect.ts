import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { actionDim } from "../core/index.ts";
import { outcomeWords } from "../rollout/listener.ts";
import { formatTable } from "../rollout/results.ts";
import { UsageError } from "./exit.ts";

/** `efference inspect PATH`: an episode, a policy package or an ONNX file. */
export async function inspectCommand(path: string, options: { json?: boolean }): Promise<void> {
  if (!existsSync(path)) {
    throw new UsageError(`Cannot inspect ${path}: it is not there, must be a file or a folder`);
  }
  const { value, words } = await inspect(path);
  process.stdout.write(options.json === true ? `${JSON.stringify(value, jsonSafe)}\n` : words);
}

interface Inspection {
  readonly value: unknown;
  readonly words: string;
}

function inspect(path: string): Promise<Inspection> {
  if (statSync(path).isDirectory()) {
    if (existsSync(join(path, "manifest.json"))) return inspectPackage(path);
    throw new UsageError(
      `Cannot inspect ${path}: it has no manifest.json, must be a policy package`,
    );
  }
  if (path.endsWith(".mcap")) return inspectEpisode(path);
  if (path.endsWith(".onnx")) return inspectOnnx(path);
  throw new UsageError(
    `Cannot inspect ${path}: it must be an .mcap or .onnx file, or a package folder`,
  );
}

async function inspectEpisode(path: string): Promise<Inspection> {
  const { fileSource } = await import("../episode/node.ts");
  const { openEpisode } = await import("../episode/index.ts");
  const episode = await openEpisode(fileSource(path));
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
  const { hashPackage, readPolicyPackage } = await import("../package/index.ts");
  const read = await readPolicyPackage(path);
  const hash = await hashPackage(path);
  const value = { kind: "policy_package", hash, manifest: read.manifest };
  return {
    value,
    words: `policy package ${path}\nsha256 ${hash}\n\n${JSON.stringify(read.manifest, null, 2)}\n`,
  };
}

async function inspectOnnx(path: string): Promise<Inspection> {
  const { printGraph, readModel } = await import("../onnx/index.ts");
  const model = readModel(await readFile(path));
  const words = printGraph(model);
  return { value: { kind: "onnx", graph: words }, words };
}

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
