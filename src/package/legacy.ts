/**
 * Packages from before `manifest.json`: a `metadata.yaml` (or `.json`) with `policy_class`, `backend`, `chunk_size`
 * and `use_action_queue` beside one model, as early releases of physicalai wrote them. They become the same
 * manifest in memory; what they do not say (inputs, outputs, statistics) comes from `LoadPolicyOptions.binding`.
 */
import { readdir, readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { messageOf } from "../core/index.ts";
import type { Manifest } from "./manifest.ts";
import { issueWords, validateManifest } from "./manifest.ts";

const FILES = ["metadata.yaml", "metadata.yml", "metadata.json"];
const MAX_METADATA_BYTES = 1 << 20;

const legacySchema = z.looseObject({
  policy_class: z.string().min(1).max(1024).default(""),
  backend: z.literal("onnx", "must be onnx, the only backend here"),
  chunk_size: z.int().min(1).max(100_000).default(1),
  use_action_queue: z.boolean().default(false),
});

/**
 * @returns undefined where there is no such file
 * @throws {SyntaxError} naming every field that is wrong
 * @throws {RangeError} unless exactly one model is beside it
 */
export async function readLegacyManifest(folder: string): Promise<Manifest | undefined> {
  const name = FILES.find((file) => existsSync(join(folder, file)));
  if (name === undefined) return undefined;
  const bytes = await readFile(join(folder, name));
  const { chunk_size: chunkSize, ...rest } = await parseMetadata(name, bytes);
  const graphs = (await readdir(folder)).filter((file) => file.endsWith(".onnx")).sort();
  const [graph, ...others] = graphs;
  if (graph === undefined || others.length > 0) {
    const found = graphs.length === 0 ? "no .onnx file" : graphs.join(", ");
    throw new RangeError(
      `Cannot read policy package ${folder}: beside ${name} there is ${found}, must be one .onnx file`,
    );
  }
  const runner = rest.use_action_queue
    ? { type: "action_chunking", chunk_size: chunkSize }
    : { type: "single_pass" };
  return validateManifest({
    format: "policy_package",
    version: "1.0",
    policy: { name: policyName(rest.policy_class), source: { class_path: rest.policy_class } },
    model: { n_obs_steps: 1, runner, artifacts: { model: graph } },
    metadata: { legacy: { chunk_size: chunkSize, ...rest } },
  });
}

/**
 * The fields of a metadata file.
 * @throws {SyntaxError} naming every field that is wrong
 */
export async function parseMetadata(
  name: string,
  bytes: Uint8Array,
): Promise<z.infer<typeof legacySchema>> {
  if (bytes.byteLength > MAX_METADATA_BYTES) {
    wrong(name, `it has ${bytes.byteLength} bytes, must have at most ${MAX_METADATA_BYTES}`);
  }
  const value = await parseText(name, bytes);
  const result = legacySchema.safeParse(value);
  return result.success ? result.data : wrong(name, issueWords(value, result.error.issues));
}

async function parseText(name: string, bytes: Uint8Array): Promise<unknown> {
  const language = name.endsWith(".json") ? "JSON" : "YAML";
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (language === "JSON") return JSON.parse(text);
    const { parseDocument } = await import("yaml");
    const document = parseDocument(text, { schema: "core", logLevel: "silent" });
    // A tag that nobody resolves is a warning: an object of Python, which must not pass for its text.
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    // Aliases could multiply without end; what exporters write has none.
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch (error) {
    return wrong(name, `it is no ${language} (${messageOf(error)})`, error);
  }
}

/** `physicalai.policies.act.policy.ACT` is `act`: what follows `policies`, else the class. */
function policyName(classPath: string): string {
  const parts = classPath.toLowerCase().split(".");
  const after = parts.indexOf("policies") + 1;
  return (after > 0 ? parts[after] : undefined) ?? parts.at(-1) ?? "";
}

function wrong(name: string, what: string, cause?: unknown): never {
  throw new SyntaxError(`Cannot read policy package: ${name} is wrong: ${what}`, { cause });
}
