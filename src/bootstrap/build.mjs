/**
 * Builds `dist/`: TypeScript with declarations, assets copied beside the code that loads them, and the
 * viewer's page. Does nothing when no source changed since the last build.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT, createProgress, ensureInstalled, runQuietly } from "./setup.mjs";

const SOURCE_FOLDERS = ["src", "sim-bridge", "policies", "robots"];
const NOT_BUILT = new Set(["python", "results", "node_modules", "__pycache__", "screenshots"]);
const NOT_ASSETS = new Set([".ts", ".md", ".tsx"]);

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || NOT_BUILT.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

function sourceFiles() {
  return SOURCE_FOLDERS.flatMap((folder) => [...walk(join(ROOT, folder))]).sort();
}

function fingerprintOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(ROOT, path)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** What Vite makes into the page and its player. */
const APP_FOLDERS = [join("src", "viewer", "app"), join("src", "play")];
const isApp = (path) => APP_FOLDERS.some((folder) => relative(ROOT, path).startsWith(folder));

function copyAssets(paths) {
  for (const path of paths) {
    if (NOT_ASSETS.has(extname(path)) || isApp(path)) continue;
    const target = join(ROOT, "dist", relative(ROOT, path));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(path, target);
  }
}

const readStamp = (name) => {
  const path = join(ROOT, "dist", name);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
};

/** Brings `dist/` up to date. */
export async function ensureBuilt() {
  const files = sourceFiles();
  const config = ["package.json", "tsconfig.json", "tsconfig.build.json"].map((f) => join(ROOT, f));
  const stamps = {
    ".stamp-code": fingerprintOf([...files.filter((path) => !isApp(path)), ...config]),
    // The page and its player import browser-safe parts of everything, so any change rebuilds them, too.
    ".stamp-viewer": fingerprintOf(files),
  };
  const stale = Object.keys(stamps).filter((name) => readStamp(name) !== stamps[name]);
  if (stale.length === 0) return;
  const progress = createProgress();
  const started = Date.now();
  progress.update("building");
  const bin = (name) => join(ROOT, "node_modules", name);
  const jobs = [];
  if (stale.includes(".stamp-code")) {
    jobs.push(
      runQuietly(process.execPath, [bin("typescript/bin/tsc"), "-p", "tsconfig.build.json"]).then(
        () => copyAssets(files),
      ),
    );
  }
  const viteConfig = join("src", "viewer", "app", "vite.config.ts");
  if (stale.includes(".stamp-viewer") && existsSync(join(ROOT, viteConfig))) {
    jobs.push(
      runQuietly(process.execPath, [bin("vite/bin/vite.js"), "build", "--config", viteConfig]),
    );
  }
  await Promise.all(jobs);
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  for (const name of stale) writeFileSync(join(ROOT, "dist", name), stamps[name]);
  progress.done(`built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await ensureInstalled();
  await ensureBuilt();
}
