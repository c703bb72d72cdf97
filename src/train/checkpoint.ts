import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { NdArray } from "../core/index.ts";
import { messageOf } from "../core/index.ts";
import { syncFolder, writeNew } from "../files/index.ts";
import { readSafetensors, writeSafetensors } from "../package/index.ts";

/** Everything a run needs to go on as if it had never stopped, besides the tensors. */
export interface CheckpointState {
  /** Updates done. */
  readonly step: number;
  /** Where the next batch begins. */
  readonly position: { readonly epoch: number; readonly index: number };
  /** Seed of every draw; what is random in step n depends on it and on n alone. */
  readonly seed: number;
  /** SHA-256 of the configuration, less what may change between start and resume. */
  readonly configHash: string;
  /** Of every dataset, in order. */
  readonly dataHashes: readonly string[];
  /** The best value so far of the metric that decides, and where it was reached. */
  readonly best: { readonly step: number; readonly value: number } | null;
  /** Evaluations since then. */
  readonly sinceBest: number;
  readonly provenance: Readonly<Record<string, unknown>>;
}

export interface Checkpoint {
  readonly state: CheckpointState;
  readonly weights: Readonly<Record<string, NdArray>>;
  /** The optimiser's state, by tensor name. */
  readonly optimiser: Readonly<Record<string, NdArray>>;
}

const stateSchema = z.looseObject({
  step: z.int().min(0),
  position: z.strictObject({ epoch: z.int().min(0), index: z.int().min(0) }),
  seed: z.int().min(0),
  configHash: z.string(),
  dataHashes: z.array(z.string()),
  best: z.strictObject({ step: z.int().min(0), value: z.number() }).nullable(),
  sinceBest: z.int().min(0),
  provenance: z.record(z.string(), z.unknown()),
});

const fileSchema = z.strictObject({
  format: z.literal("efference_checkpoint"),
  version: z.literal(1),
  state: stateSchema,
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
});

const WEIGHTS = "weights.safetensors";
const OPTIMISER = "optimiser.safetensors";
const STATE = "state.json";
const NAME = /^step-(\d{8,})$/;

/** Name of a checkpoint's folder: sorted by name is sorted by step. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/**
 * Writes a checkpoint so that there is never half of one: all files into a new folder, forced to the disk,
 * then renamed into place. One of the same step is left as it is.
 */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<string> {
  const target = join(folder, checkpointName(checkpoint.state.step));
  if (existsSync(target)) return target;
  const fresh = join(folder, `.${checkpointName(checkpoint.state.step)}.${randomUUID()}.new`);
  await mkdir(fresh, { recursive: true });
  try {
    const tensors = {
      [WEIGHTS]: writeSafetensors(checkpoint.weights),
      [OPTIMISER]: writeSafetensors(checkpoint.optimiser),
    };
    const files: Record<string, string> = {};
    for (const [name, bytes] of Object.entries(tensors)) {
      files[name] = createHash("sha256").update(bytes).digest("hex");
      await writeNew(join(fresh, name), bytes);
    }
    const json = { format: "efference_checkpoint", version: 1, state: checkpoint.state, files };
    await writeNew(join(fresh, STATE), new TextEncoder().encode(JSON.stringify(json, null, 1)));
    await syncFolder(fresh);
    await rename(fresh, target);
    await syncFolder(folder);
    return target;
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Reads a checkpoint and verifies every byte of it.
 * @throws {SyntaxError} naming the file that is absent, damaged or not ours
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const { state, files } = await readState(folder);
  const load = async (name: string): Promise<Readonly<Record<string, NdArray>>> => {
    const bytes = await readOne(folder, name);
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (hash !== files[name])
      fail(folder, `${name} is damaged`, "must have the hash in state.json");
    return readSafetensors(bytes);
  };
  return { state, weights: await load(WEIGHTS), optimiser: await load(OPTIMISER) };
}

/** Complete checkpoints of a run, oldest first. What a kill left half-written is removed. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const names = await readdir(folder);
  for (const name of names) {
    if (name.startsWith(".step-") && name.endsWith(".new")) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Removes all but the newest `keep` and those in `spare`. */
export async function pruneCheckpoints(
  folder: string,
  { keep, spare }: { readonly keep: number; readonly spare: readonly string[] },
): Promise<void> {
  const all = await listCheckpoints(folder);
  const old = all.slice(0, Math.max(0, all.length - keep));
  for (const path of old) {
    if (spare.includes(path)) continue;
    // Out of sight first: a kill in the middle must not leave half a checkpoint under its name.
    const doomed = join(folder, `.${path.split("/").at(-1) ?? ""}.${randomUUID()}.new`);
    await rename(path, doomed);
    await rm(doomed, { recursive: true, force: true });
  }
}

async function readState(folder: string): Promise<z.infer<typeof fileSchema>> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await readOne(folder, STATE)));
  } catch (error) {
    if (error instanceof SyntaxError && error.message.startsWith("Cannot read checkpoint"))
      throw error;
    fail(folder, `${STATE} is no JSON (${messageOf(error)})`, "must be");
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? "" : `${issue.path.join(".")}: ${issue.message}`;
    fail(folder, `${STATE} is wrong at ${where}`, "must be an efference_checkpoint of version 1");
  }
  return parsed.data;
}

async function readOne(folder: string, name: string): Promise<Uint8Array> {
  return readFile(join(folder, name)).catch((error: unknown) =>
    fail(folder, `${name} cannot be read (${messageOf(error)})`, "must be there"),
  );
}

function fail(folder: string, what: string, must: string): never {
  throw new SyntaxError(`Cannot read checkpoint ${folder}: ${what}, ${must}`);
}
