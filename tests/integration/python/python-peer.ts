/** The real Python peer as a child process, and the interpreter it needs. */
import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ComponentSpec, EnvironmentSpec, NdArray, Rng } from "../../../src/core/index.ts";
import { actionDim, elementCount } from "../../../src/core/index.ts";
import { ensureVenv } from "../../support/python-venv.mjs";

/** Home-made environments live here: the working directory of every Python process of these tests. */
export const HERE = fileURLToPath(new URL(".", import.meta.url));
const DIRECT_ROLLOUT = fileURLToPath(new URL("../../support/direct_rollout.py", import.meta.url));

/** `npm test` has made the environment already and says where; alone, a test makes it itself. */
export async function findPython(): Promise<{ python?: string; unavailable?: string }> {
  const given = process.env["EFFERENCE_PYTHON"];
  return given !== undefined && given !== "" ? { python: given } : ensureVenv();
}

export interface PythonPeer extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Everything it wrote to stderr so far. */
  stderr(): string;
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export function startPeer(python: string, args: readonly string[]): PythonPeer {
  const child = spawn(python, ["-m", "efference_sim", ...args], {
    cwd: HERE,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | string>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  return {
    child,
    stderr: () => stderr,
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}

export interface DirectStep {
  readonly arrays: Readonly<Record<string, { dtype: string; shape: number[]; sha256: string }>>;
  readonly texts: Readonly<Record<string, string>>;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
}

/** What the environment gives to a program that steps it directly, with the same seed and actions. */
export async function directRollout(
  python: string,
  run: { envId: string; seed: number; actions: Float32Array; width: number },
): Promise<DirectStep[]> {
  const folder = mkdtempSync(join(tmpdir(), "efference-direct-"));
  try {
    const file = join(folder, "actions.f32");
    writeFileSync(file, new Uint8Array(run.actions.buffer));
    const { stdout } = await promisify(execFile)(
      python,
      [DIRECT_ROLLOUT, run.envId, String(run.seed), file, String(run.width)],
      { cwd: HERE, maxBuffer: 1 << 26 },
    );
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as DirectStep);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Random legal actions, `float32[rows, actionDim]`, drawn from what the spec alone says. */
export function randomActions(spec: EnvironmentSpec, rows: number, rng: Rng): Float32Array {
  const width = actionDim(spec.action);
  const actions = new Float32Array(rows * width);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const component of spec.action.components) {
      const entries = randomEntries(component, rng);
      actions.set(entries, at);
      at += entries.length;
    }
  }
  return actions;
}

function randomEntries(component: ComponentSpec, rng: Rng): number[] {
  const { format, categories = [], low = [-1], high = [1], charset = "" } = component;
  const count = elementCount(component.shape);
  const fill = (entry: (i: number) => number): number[] =>
    Array.from({ length: count }, (_, i) => entry(i));
  const pick = (bounds: readonly number[], i: number): number => bounds[i] ?? bounds[0] ?? 0;
  if (format === "discrete" || format === "multi_discrete") {
    return fill((i) => rng.int(pick(categories, i)));
  }
  if (format === "binary") return fill(() => rng.int(2));
  if (format === "text") {
    const letters = Array.from(charset).length;
    const shortest = component.minLength ?? 0;
    const length = shortest + rng.int(count - shortest + 1);
    return fill((i) => (i < length ? rng.int(letters) : -1));
  }
  return fill((i) => {
    const from = Math.max(pick(low, i), -100);
    const to = Math.min(pick(high, i), 100);
    return from + rng.uniform() * (to - from);
  });
}

/** The bytes of an array as they lie in memory. */
export function bytesOf({ data }: NdArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
