import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** ARCHITECTURE.md, "Layers": a folder imports only from lower rungs, or from itself. */
const RUNGS: readonly (readonly [folder: string, rung: number])[] = [
  ["src/core", 0],
  ["src/math", 1],
  ["src/tensor", 1],
  ["src/files", 1],
  ["src/onnx", 2],
  ["src/episode", 2],
  ["src/autodiff", 3],
  ["src/session", 3],
  ["sim-bridge", 3],
  ["robots", 3],
  ["src/rollout", 4],
  ["src/train", 4],
  ["src/package", 4],
  ["src/viewer", 4],
  ["src/imitation", 4],
  ["policies", 5],
  ["src/cli", 6],
  ["src/play", 6],
  ["src/index.ts", 6],
];

/** Folders of one rung that may use each other, beyond themselves. */
const ALLOWED_WITHIN_RUNG = new Set([
  "sim-bridge -> robots",
  "src/tensor -> src/math",
  "src/train -> src/package",
  "src/imitation -> src/train",
  "src/imitation -> src/package",
  "src/index.ts -> src/cli",
]);
/** Exceptions to "lower rungs only" in the other direction: what a higher folder must not see. */
const FORBIDDEN = new Set([
  "policies -> sim-bridge",
  "policies -> robots",
  "policies -> src/viewer",
  "src/viewer -> src/session",
  "src/viewer -> sim-bridge",
]);
/** The only folders that may import a native or browser package. */
const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  zeromq: ["sim-bridge"],
  "onnxruntime-node": ["src/session"],
  // Loaded by the player, which gives it to sessions and names the address of its WebAssembly.
  "onnxruntime-web": ["src/play"],
  // The player names the address of its WebAssembly.
  "@mujoco/mujoco": ["sim-bridge", "src/play"],
  three: ["src/viewer"],
  mathjs: ["src/imitation"],
  h5wasm: ["src/episode/hdf5"],
  hyparquet: ["src/episode/lerobot"],
  "hyparquet-writer": ["src/episode/lerobot"],
  "@huggingface/tokenizers": ["src/package"],
};
const BROWSER_SAFE = ["src/core", "src/math", "src/tensor", "src/viewer/app", "src/play"];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes("node_modules") && !path.includes("/python/"));
}

const FILES = ["src", "sim-bridge", "policies", "robots"].flatMap(sources);
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = match[2] ?? match[3] ?? "";
    const to = target.startsWith(".")
      ? relative(ROOT, resolve(ROOT, dirname(file), target))
      : target;
    return { from: file, to, typeOnly: match[1] !== undefined };
  });
}

function folderOf(path: string): readonly [string, number] | undefined {
  return RUNGS.find(([folder]) => path === folder || path.startsWith(`${folder}/`));
}

const IMPORTS = FILES.flatMap(importsOf);

describe("architecture", () => {
  it("finds the sources and their imports", () => {
    expect(FILES.length).toBeGreaterThan(30);
    expect(IMPORTS.length).toBeGreaterThan(60);
  });

  it("lets a folder import only from lower rungs", () => {
    const violations = IMPORTS.flatMap(({ from, to }) => {
      const a = folderOf(from);
      const b = folderOf(to);
      if (a === undefined || b === undefined || a[0] === b[0]) return [];
      const edge = `${a[0]} -> ${b[0]}`;
      const legal = (b[1] < a[1] && !FORBIDDEN.has(edge)) || ALLOWED_WITHIN_RUNG.has(edge);
      return legal ? [] : [`${from} imports ${to}`];
    });
    expect(violations).toEqual([]);
  });

  it("keeps policies apart from each other", () => {
    const policy = (path: string): string | undefined => /^policies\/([^/]+)\//.exec(path)?.[1];
    const violations = IMPORTS.filter(({ from, to }) => {
      const [a, b] = [policy(from), policy(to)];
      return a !== undefined && b !== undefined && a !== b;
    });
    expect(violations).toEqual([]);
  });

  it("has no import cycles at run time", () => {
    const graph = new Map<string, string[]>();
    for (const { from, to, typeOnly } of IMPORTS) {
      if (!typeOnly && FILES.includes(to)) graph.set(from, [...(graph.get(from) ?? []), to]);
    }
    const cycles: string[] = [];
    const state = new Map<string, "open" | "done">();
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, "done");
    };
    for (const file of FILES) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("gives every native package one owner", () => {
    const violations = IMPORTS.filter(({ from, to }) => {
      const owners = Object.entries(PACKAGE_OWNERS).find(
        ([name]) => to === name || to.startsWith(`${name}/`),
      )?.[1];
      return owners !== undefined && !owners.some((owner) => from.startsWith(`${owner}/`));
    });
    expect(violations).toEqual([]);
  });

  it("keeps node: modules out of everything that the page and its player are made of", () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const { from, to, typeOnly } of IMPORTS) if (from === file && !typeOnly) visit(to);
    };
    visit("src/viewer/app/main.ts");
    visit("src/play/worker.ts");
    expect(seen.size).toBeGreaterThan(100);
    expect([...seen].filter((name) => name.startsWith("node:"))).toEqual([]);
  });

  it("keeps node: modules out of browser-safe folders", () => {
    const violations = IMPORTS.filter(
      ({ from, to, typeOnly }) =>
        !typeOnly &&
        to.startsWith("node:") &&
        BROWSER_SAFE.some((folder) => from.startsWith(`${folder}/`)) &&
        !from.endsWith("vite.config.ts"),
    );
    expect(violations).toEqual([]);
  });
});
