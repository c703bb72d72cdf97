import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

let project = "";
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "efference-readme-"));
  await mkdir(join(project, "node_modules"));
  await symlink(ROOT, join(project, "node_modules", "efference"), "dir");
  await writeFile(join(project, "package.json"), '{ "name": "somebody", "type": "module" }');
});
afterAll(() => rm(project, { recursive: true }));

describe("README.md", () => {
  it("has a library program that runs as printed", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const program = /```js\n([\s\S]*?)```/.exec(readme)?.[1];
    expect(program).toBeDefined();
    // As fast as the simulator goes, so that the test does not last as long as a robot would.
    const quick = program!.replace(/clock: realTime\(\),\s*/, "").replace(/realTime,\s*/, "");
    await writeFile(join(project, "program.mjs"), quick);
    const { stdout } = await run(process.execPath, ["program.mjs"], { cwd: project });
    expect(stdout).toMatch(/lift_red_cube seed 0: (success|failure)/);
    expect(stdout).toMatch(/\d+ steps, (success|failure)/);
    expect(await readdir(join(project, "episodes"))).toEqual([expect.stringMatching(/\.mcap$/)]);
  });

  it("differentiates a graph as printed", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const program = [...readme.matchAll(/```js\n([\s\S]*?)```/g)][1]?.[1] ?? "";
    const check = `
      import { openSession } from "efference/session";
      const session = await openSession(bytes, { device: "cpu" });
      const data = Float32Array.of(0, 1, -1, 2, 0.5, 0, 3);
      const { outputs } = await session.run({ action: { dtype: "float32", shape: [1, 7], data } });
      console.log(JSON.stringify(Array.from(outputs.next.data)));
      await session.close();`;
    await writeFile(join(project, "gradient.mjs"), program + check);
    const { stdout } = await run(process.execPath, ["gradient.mjs"], { cwd: project });
    const next = JSON.parse(stdout) as number[];
    // E = sum a tanh a, dE/da = tanh a + a (1 - tanh^2 a).
    for (const [i, a] of [0, 1, -1, 2, 0.5, 0, 3].entries()) {
      const slope = Math.tanh(a) + a * (1 - Math.tanh(a) ** 2);
      expect(next[i]).toBeCloseTo(a - 0.1 * slope, 5);
    }
  });

  it("names only files that are there", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) await expect(readFile(join(ROOT, link))).resolves.toBeDefined();
  });

  it("names only commands that exist", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const { stdout } = await run(process.execPath, [join(ROOT, "dist/src/cli/main.js"), "--help"]);
    for (const [, command] of readme.matchAll(/^efference (\w+)/gm))
      expect(stdout).toContain(command);
  });
});

describe("the npm package", () => {
  it("has what it needs at run time and nothing of the work tree", async () => {
    const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: ROOT,
      maxBuffer: 64 * 1024 * 1024,
    });
    const [{ files, size }] = JSON.parse(stdout) as [{ files: { path: string }[]; size: number }];
    const paths = files.map(({ path }) => path);
    for (const needed of [
      "dist/src/index.js",
      "dist/src/index.d.ts",
      "dist/src/cli/main.js",
      "dist/viewer/index.html",
      "dist/src/session/worker.mjs",
      "dist/sim-bridge/wire/efference.proto",
      "dist/policies/act/pretrained/lift/manifest.json",
      "sim-bridge/python/pyproject.toml",
      "sim-bridge/protocol.md",
    ]) {
      expect(paths).toContain(needed);
    }
    expect(
      paths.filter((path) => /node_modules|__pycache__|\.venv|^tests\/|runs\//.test(path)),
    ).toEqual([]);
    expect(size).toBeLessThan(24 * 1024 * 1024);
  });
});
