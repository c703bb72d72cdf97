/**
 * `npm run kernels`: compiles every `NAME.wat` of the sources into `module.ts` beside it, which is committed
 * so that nobody needs the compiler to build or run. With `--check` nothing is written, and the command fails
 * when a committed file is not what its source compiles to.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import wabt from "wabt";
import { ROOT } from "./setup.mjs";

const FOLDERS = ["src", "sim-bridge/sims", "policies"];

function sources() {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .filter((path) => path.endsWith(".wat"))
      .map((path) => join(ROOT, folder, path)),
  ).sort();
}

function compile({ parseWat }, source) {
  const name = basename(source);
  const module = parseWat(name, readFileSync(source, "utf8"), { simd: true });
  module.validate();
  const { buffer } = module.toBinary({});
  module.destroy();
  const lines = Buffer.from(buffer)
    .toString("base64")
    .match(/.{1,90}/g);
  const text = lines.map((line) => `  "${line}",`).join("\n");
  const loader = relative(dirname(source), join(ROOT, "src", "core", "wasm-module.ts"));
  return `// Made from ${name} by \`npm run kernels\`; do not edit.
import { lazyModule } from "${loader.replaceAll(sep, "/")}";

/** The module, ${buffer.length} bytes, in base64. */
const BYTES = [
${text}
].join("");

/** The WebAssembly module, compiled at the first call. */
export const kernelModule = lazyModule(BYTES);
`;
}

const compiler = await wabt();
const isCheck = process.argv.includes("--check");
for (const source of sources()) {
  const target = join(dirname(source), "module.ts");
  const text = compile(compiler, source);
  if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
  if (isCheck) {
    process.stderr.write(
      `Cannot use kernels: ${relative(ROOT, target)} is stale, must be made anew by npm run kernels\n`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(target, text);
    process.stdout.write(`wrote ${target}\n`);
  }
}
