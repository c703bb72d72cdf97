/**
 * Decisions of the shipped packages as the page makes them, on the engine's WebAssembly with one thread, compared to the
 * native engine with one thread in the same run; and how far their actions are apart.
 */
import * as onnxruntime from "onnxruntime-web/wasm";
import { assemblePolicy } from "../../dist/src/package/assemble-policy.js";
import { readGraph } from "../../dist/src/package/files.js";
import { loadPolicy, readPolicyPackage } from "../../dist/src/package/index.js";
import { packageFolder } from "../../dist/src/package/paths.js";
import { openWasmSession } from "../../dist/src/session/index.js";
import { shippedActPackage } from "../../dist/policies/act/index.js";
import { shippedEnergyPackage } from "../../dist/policies/energy/index.js";
import { createDetour } from "../../dist/sim-bridge/sims/detour/index.js";
import { createTabletop } from "../../dist/sim-bridge/sims/tabletop/index.js";
import { median } from "./_compare.mjs";

const [WARM, DECISIONS] = [5, 60];
const WANT = {
  images: "all",
  imagesAt: "every",
  poses: false,
  privileged: false,
  depth: false,
  segmentation: false,
};

onnxruntime.env.wasm.numThreads = 1;
onnxruntime.env.logLevel = "fatal";

async function openAsPage(folder) {
  const { manifest } = await readPolicyPackage(folder);
  const files = packageFolder(folder);
  return assemblePolicy({
    manifest,
    files,
    async openGraph(path) {
      const { bytes, external } = await readGraph(files, path);
      return openWasmSession(onnxruntime, bytes, { externalData: external });
    },
  });
}

async function measure(print, folder, { name, env, task }) {
  const { first } = await env.reset({ task, seed: 0, initialState: 0, want: WANT });
  const policies = { page: await openAsPage(folder), native: await loadPolicy(folder) };
  const start = { task, instruction: "", seed: 0, spec: env.spec };
  for (const policy of Object.values(policies)) await policy.reset(start);
  const took = { page: [], native: [] };
  let apart = 0;
  // In turns, so that what else the machine does meets both alike.
  for (let i = 0; i < WARM + DECISIONS; i++) {
    const chunks = {};
    for (const [key, policy] of Object.entries(policies)) {
      const { chunk, timing } = await policy.decide(first.observation);
      chunks[key] = chunk.data;
      if (i >= WARM) took[key].push(timing.totalMs);
    }
    chunks.page.forEach((value, k) => {
      apart = Math.max(apart, Math.abs(value - chunks.native[k]));
    });
  }
  const [page, native] = [median(took.page), median(took.native)];
  print(
    `${name.padEnd(24)} page ${page.toFixed(2)} ms, native ${native.toFixed(2)} ms: ${(page / native).toFixed(1)} x; ` +
      `apart by ${apart.toExponential(1)}`,
  );
  await Promise.all(Object.values(policies).map((policy) => policy.close()));
  await env.close();
  return { pageMs: page, nativeMs: native, ratio: page / native, apart };
}

export default {
  title: "policies in the page",
  async run(print) {
    return {
      act: await measure(print, shippedActPackage(), {
        name: "act, two 128 px images",
        env: await createTabletop(),
        task: "lift_red_cube",
      }),
      energy: await measure(print, shippedEnergyPackage(), {
        name: "energy, descent",
        env: createDetour(),
        task: "detour",
      }),
    };
  },
};
