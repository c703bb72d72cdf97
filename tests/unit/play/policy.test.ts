/** Packages as a browser opens them, here from the disk: the engine is the WebAssembly that the page runs, too. */
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Environment, Observation } from "../../../src/core/index.ts";
import { loadPolicy } from "../../../src/package/index.ts";
import type { Fetching } from "../../../src/play/fetching.ts";
import { AbsentFileError } from "../../../src/play/fetching.ts";
import { findPolicy } from "../../../src/play/policy.ts";
import { rollout } from "../../../src/rollout/index.ts";
import { brokered } from "../../../src/rollout/controller.ts";
import { shippedActPackage } from "../../../policies/act/index.ts";
import { shippedEnergyPackage } from "../../../policies/energy/index.ts";
import { detourExpert } from "../../../policies/scripted/detour.ts";
import { scriptedPolicy } from "../../../policies/scripted/index.ts";
import { createDetour } from "../../../sim-bridge/sims/detour/index.ts";
import { createTabletop } from "../../../sim-bridge/sims/tabletop/index.ts";
import { createSimulator } from "../../../src/cli/registry.ts";

const ENGINE = createRequire(import.meta.url).resolve(
  "onnxruntime-web/ort-wasm-simd-threaded.wasm",
);
const BASE = "http://page/policies/p/";

type Change = (path: string, bytes: Uint8Array) => Uint8Array | undefined;

/** A server of one package, and of the engine at whatever address it has here. */
function serving(folder: string, change: Change = (_, bytes) => bytes): [Fetching, string[]] {
  const asked: string[] = [];
  const fetching: Fetching = async (url, what) => {
    const path = url.startsWith(BASE) ? decodeURIComponent(url.slice(BASE.length)) : undefined;
    asked.push(`${what}: ${path ?? "engine"}`);
    const file = path === undefined ? ENGINE : join(folder, path);
    const bytes = existsSync(file) ? new Uint8Array(await readFile(file)) : undefined;
    const answer = bytes === undefined ? undefined : change(path ?? "", bytes);
    if (answer === undefined) throw new AbsentFileError(`Cannot load the ${what}: 404`);
    return new Uint8Array(answer).buffer;
  };
  return [fetching, asked];
}

const place = { name: "p", url: BASE };

/** What an expert sees on its way, with every camera's picture. */
async function observationsOf(env: Environment, task: string): Promise<readonly Observation[]> {
  const seen: Observation[] = [];
  const expert = env.identity.name === "detour" ? detourExpert() : scriptedPolicy();
  await rollout(brokered(expert), env, {
    task,
    initialState: 2,
    maxSteps: 12,
    listeners: [
      {
        name: "kept",
        wants: { images: "all", imagesAt: "every", poses: false },
        onStart: (_, first) => void seen.push(first.observation),
        onStep: (timeStep) => void seen.push(timeStep.observation),
      },
    ],
  });
  return seen;
}

const createSmall = (): Promise<Environment> => createSimulator("tabletop", { image_size: "64" });

describe("findPolicy()", () => {
  it.each([
    ["act", shippedActPackage(), () => createTabletop(), "lift_red_cube"],
    ["energy", shippedEnergyPackage(), () => Promise.resolve(createDetour()), "detour"],
    ["energy-lift", shippedEnergyPackage("lift"), createSmall, "lift_red_cube"],
  ])("acts as Node's engine does, within 1e-5: %s", async (_, folder, create, task) => {
    const env = await create();
    const observations = (await observationsOf(env, task)).filter((_seen, i) => i % 4 === 0);
    const [fetching, asked] = serving(folder);
    const found = await findPolicy(place, fetching);
    expect(asked).toEqual(["policy: manifest.json"]);
    const [there, here] = [await found.open(), await loadPolicy(folder)];
    expect(there.spec).toEqual(here.spec);
    expect(found.spec).toEqual(here.spec);
    const start = { seed: 5, task, instruction: "", spec: env.spec };
    for (const policy of [there, here]) await policy.reset(start);
    for (const observation of observations) {
      const [a, b] = [await there.decide(observation), await here.decide(observation)];
      const off = a.chunk.data.map((value, i) => Math.abs(value - b.chunk.data[i]!));
      expect(Math.max(...off)).toBeLessThan(1e-5);
      expect(a.thoughts?.map(({ kind }) => kind)).toEqual(b.thoughts?.map(({ kind }) => kind));
    }
    expect(observations.length).toBeGreaterThan(3);
    // The engine is fetched once for all policies.
    expect(asked.filter((words) => words !== "policy engine: engine").sort()).toEqual([
      "policy: manifest.json",
      "policy: model.onnx",
      "policy: statistics.safetensors",
    ]);
    await Promise.all([there.close?.(), here.close?.(), env.close()]);
  });

  it("refuses files that were changed after packing, before their graph is opened", async () => {
    for (const name of ["model.onnx", "statistics.safetensors"]) {
      const flip: Change = (path, bytes) =>
        path === name ? bytes.map((byte, i) => (i === bytes.length - 9 ? byte ^ 1 : byte)) : bytes;
      const [fetching] = serving(shippedEnergyPackage(), flip);
      const found = await findPolicy(place, fetching);
      await expect(found.open()).rejects.toThrow(
        new RegExp(`Cannot read policy package ${BASE}: ${name} has hash .* changed after packing`),
      );
    }
  });

  it("says what is wrong with a package, and leaves it by no path", async () => {
    const text = (words: string): Uint8Array => new TextEncoder().encode(words);
    const manifest = JSON.parse(
      await readFile(join(shippedEnergyPackage(), "manifest.json"), "utf8"),
    ) as { model: { artifacts: { model: string } }; efference?: unknown };
    const withManifest = (changed: unknown) =>
      serving(shippedEnergyPackage(), (path, bytes) =>
        path === "manifest.json" ? text(JSON.stringify(changed)) : bytes,
      )[0];
    const absent = serving("/nowhere")[0];
    await expect(findPolicy(place, absent)).rejects.toThrow(
      `Cannot open "manifest.json" of policy package ${BASE}: it is absent, must be a file`,
    );
    await expect(findPolicy(place, withManifest({}))).rejects.toThrow(SyntaxError);
    const { efference: _, ...open } = manifest;
    await expect(findPolicy(place, withManifest(open))).rejects.toThrow('no "efference" section');
    const outside = structuredClone(manifest);
    outside.model.artifacts.model = "../../api/episodes.onnx";
    const found = await findPolicy(place, withManifest(outside));
    await expect(found.open()).rejects.toThrow("it is no plain path");
  });
});
