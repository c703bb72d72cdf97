/**
 * `npm run engine`: makes the WebAssembly of `@mujoco/mujoco` anew with small functions inlined, which the package's own
 * build leaves as calls (`mju_dot3`, `mju_mulMatTVec` and the like, in other files than those that call them): a fifth less
 * time per step, the same numbers to the bit. Names of functions, half of the file, are left out. Takes some minutes;
 * the result is committed, so that nobody needs the optimiser to build or run.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, ensureInstalled } from "./setup.mjs";

const OPTIMISER = "binaryen@132.0.0";
const FEATURES = [
  "bulk-memory",
  "multivalue",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "sign-ext",
  "simd",
].map((name) => `--enable-${name}`);
/** Sizes up to which a function is inlined: without loops and calls, any, and called from one place. No fast mathematics. */
const OPTIONS = [
  "-O3",
  "--flexible-inline-max-function-size=100",
  "--always-inline-max-function-size=60",
  "--one-caller-inline-max-function-size=60",
  "--strip-debug",
];

await ensureInstalled();
const source = join(ROOT, "node_modules", "@mujoco", "mujoco", "mujoco.wasm");
const folder = join(ROOT, "sim-bridge", "sims", "manipulation", "engine");
const target = join(folder, "mujoco.wasm");
const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

const npm = ["exec", "--yes", `--package=${OPTIMISER}`, "--", "wasm-opt"];
execFileSync("npm", [...npm, ...FEATURES, ...OPTIONS, source, "-o", target], { stdio: "inherit" });
const made = {
  from: { package: "@mujoco/mujoco", file: "mujoco.wasm", sha256: sha256(source) },
  by: { optimiser: OPTIMISER, options: [...FEATURES, ...OPTIONS] },
  sha256: sha256(target),
};
writeFileSync(join(folder, "made.json"), `${JSON.stringify(made, null, 2)}\n`);
process.stdout.write(`wrote ${target}\n`);
