/**
 * Evaluating a chunk-of-8 policy on LIBERO: episodes per hour of `efference eval` against the loop that users of the original
 * write, with the same ONNX file, the same task and limits, in two processes each, with and without two cameras of 128 px.
 * Needs a prepared data folder and the original's packages (`efference libero prepare` makes both).
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ensureLiberoPython } from "../../dist/src/cli/libero-python.js";
import { liberoNeeds } from "./_libero.mjs";
import { writeBenchPolicy } from "./_libero-policy.mjs";

const run = promisify(execFile);
const CLI = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const LOOP = fileURLToPath(new URL("python/libero_loop.py", import.meta.url));
const TASK = "object/0";
const STEPS = 280;
const PROCESSES = 2;
/** Of ours and, for each process, of theirs; drawing makes theirs slow. */
const CASES = {
  state: { size: undefined, ours: 24, theirs: 4, goal: undefined },
  images: { size: 128, ours: 24, theirs: 1, goal: 20 },
};

/** Episodes per hour, from start to end of the command. */
async function ours(folder, { ours: episodes }) {
  const started = performance.now();
  const out = ["--out", join(folder, "run"), "--json"];
  const args = ["eval", "--sim", "libero", "--task", TASK, "--policy", join(folder, "policy")];
  const counts = [
    "--episodes",
    `${episodes}`,
    "--workers",
    `${PROCESSES}`,
    "--max-steps",
    `${STEPS}`,
  ];
  await run(process.execPath, [CLI, ...args, ...counts, ...out], { maxBuffer: 1 << 26 });
  return (3.6e6 * episodes) / (performance.now() - started);
}

/** Episodes per hour of both processes together, construction left out. */
async function theirs({ python, env }, { model, theirs: episodes, size }) {
  const assets = process.env.EFFERENCE_LIBERO_ASSETS ?? "";
  const args = [
    ...[LOOP, "--task", TASK, "--steps", `${STEPS}`, "--episodes", `${episodes}`, "--model", model],
    ...(size === undefined ? [] : ["--images", `${size}`]),
    ...(assets === "" ? [] : ["--assets", assets]),
  ];
  const PYTHONPATH = [env.PYTHONPATH, process.env.PYTHONPATH].filter(Boolean).join(delimiter);
  const answers = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      run(python, args, { env: { ...process.env, PYTHONPATH }, maxBuffer: 1 << 26 }),
    ),
  );
  return answers
    .map(({ stdout }) => JSON.parse(stdout.trim().split("\n").at(-1)))
    .reduce((sum, { seconds }) => sum + (3600 * episodes) / seconds, 0);
}

/** The original's environment does without; only this comparison runs a model in Python. */
async function assertOnnxruntime({ python }) {
  try {
    await run(python, ["-c", "import onnxruntime"]);
  } catch {
    throw new Error(
      `Cannot compare: ${python} has no onnxruntime, must have (${python} -m pip install onnxruntime)`,
    );
  }
}

/** Without pictures unless they are asked for, because drawing makes theirs slow. */
async function bench(print, { cases = ["state"] } = {}) {
  const original = await ensureLiberoPython();
  await assertOnnxruntime(original);
  print(`episodes per hour, ${TASK}, ${STEPS} steps each, ${PROCESSES} processes`);
  const results = {};
  for (const name of cases) {
    const folder = mkdtempSync(join(tmpdir(), "efference-bench-"));
    try {
      const model = await writeBenchPolicy(join(folder, "policy"), CASES[name].size);
      const rates = {
        ours: await ours(folder, CASES[name]),
        original: await theirs(original, { model, ...CASES[name] }),
      };
      const ratio = rates.ours / rates.original;
      results[name] = { ...rates, ratio };
      const goal = CASES[name].goal === undefined ? "" : ` (goal ${CASES[name].goal})`;
      const words = Object.entries(rates).map(([side, rate]) => `${side} ${rate.toFixed(0)}`);
      print(`${name.padEnd(8)}${words.join("  ")}  ratio ${ratio.toFixed(1)}${goal}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return results;
}

export default {
  name: "libero-eval",
  title: "LIBERO: evaluating a policy, against the original",
  cases: Object.keys(CASES),
  needs: liberoNeeds,
  run: bench,
};
