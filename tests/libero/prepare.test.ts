/** `efference libero prepare` with the original packages: what it writes, and that a kill changes nothing of it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { LIBERO_ABSENT, liberoReference } from "../support/libero-files.ts";
import { ASSETS, PYTHON } from "./sides.ts";

const CLI = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const TASKS = ["object/0", "90/12"];
const NAMES = [
  "object/pick_up_the_alphabet_soup_and_place_it_in_the_basket",
  "90/KITCHEN_SCENE2_put_the_black_bowl_at_the_back_on_the_plate",
];

const folders: string[] = [];
function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "efference-prepare-"));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function start(folder: string, args: readonly string[] = []) {
  const command = [CLI, "libero", "prepare", "--data", folder, "--no-visuals", "--json"];
  const child = spawn(process.execPath, [...command, ...ASSETS, "--task", ...TASKS, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, EFFERENCE_LIBERO_PYTHON: PYTHON },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, out, err })),
  );
  return { child, ended };
}

/** Hash of every file by its path, records of the exporter included. */
function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [
        relative(folder, path),
        createHash("sha256").update(readFileSync(path)).digest("hex"),
      ]),
  );
}

const undisturbed = freshFolder();

describe("efference libero prepare", () => {
  it("exports tasks into a folder that names every file", async () => {
    const { code, out, err } = await start(undisturbed).ended;
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ folder: undisturbed, tasks: 2, visuals: false });
    const index = JSON.parse(readFileSync(join(undisturbed, "libero.json"), "utf8"));
    expect(
      index.tasks.map((task: { suite: string; name: string }) => `${task.suite}/${task.name}`),
    ).toEqual(NAMES);
    expect(index.source).toMatchObject({
      robosuite: "1.4.0",
      mujoco: "3.14.0",
      seed: 0,
      resets: 1,
    });
    const written = Object.keys(contents(undisturbed)).filter(
      (path) => !path.startsWith(".export"),
    );
    expect(written.sort()).toEqual(["libero.json", ...Object.keys(index.files)].sort());
  });

  it.skipIf(LIBERO_ABSENT !== undefined)(
    `exports the very bytes of the reference (${LIBERO_ABSENT ?? "which is there"})`,
    () => {
      for (const name of NAMES) {
        const written = join(undisturbed, "tasks", name);
        const scene = readFileSync(join(written, "scene.xml"), "utf8");
        expect(scene).toBe(readFileSync(liberoReference(name, "phys.xml"), "utf8"));
        const meta = JSON.parse(readFileSync(liberoReference(name, "meta.json"), "utf8"));
        // Recorded for another test.
        delete meta.ref_pol;
        expect(JSON.parse(readFileSync(join(written, "meta.json"), "utf8"))).toEqual(meta);
      }
    },
  );

  it("does nothing the second time", async () => {
    const path = join(undisturbed, "tasks", NAMES[0]!, "scene.xml");
    const before = statSync(path).mtimeMs;
    const { code, err } = await start(undisturbed).ended;
    expect(code, err).toBe(0);
    expect(err).toContain("2 of them finished before");
    expect(statSync(path).mtimeMs).toBe(before);
  });

  it("goes on after a kill, to the same result", async () => {
    const folder = freshFolder();
    const { child, ended } = start(folder);
    const record = join(folder, ".export", "tasks", `${NAMES[0]}.json`);
    while (!existsSync(record) && child.exitCode === null) await sleep(5);
    child.kill("SIGKILL");
    await ended;
    expect(existsSync(join(folder, "libero.json"))).toBe(false);
    const { code, err } = await start(folder).ended;
    expect(code, err).toBe(0);
    expect(err).toContain("1 of them finished before");
    expect(contents(folder)).toEqual(contents(undisturbed));
  });

  it("writes the same with two workers", async () => {
    const folder = freshFolder();
    const { code, err } = await start(folder, ["--workers", "2"]).ended;
    expect(code, err).toBe(0);
    expect(contents(folder)).toEqual(contents(undisturbed));
  });

  it("exports a task again whose file was damaged", async () => {
    const folder = freshFolder();
    await start(folder).ended;
    const path = join(folder, "tasks", NAMES[1]!, "scene.xml");
    rmSync(path);
    const { code, err } = await start(folder).ended;
    expect(code, err).toBe(0);
    expect(contents(folder)).toEqual(contents(undisturbed));
  });
});
