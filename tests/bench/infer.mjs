/**
 * Inference through the runtime against a peer measured in the same run. One function per case; each prints
 * rows of: name | ours | peer | ratio (above 1 = ours is better) | goal.
 *
 * PyTorch is a peer where `$EFFERENCE_TORCH_PYTHON` names a Python that has it, or `npm run test:parity` has
 * installed it.
 *
 *     npm run bench -- infer [decode | act | unet | vit ...] [--json]
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { seeded } from "../../dist/src/core/index.js";
import { GraphBuilder, quantise, writeModel } from "../../dist/src/onnx/index.js";
import { KvDecoder, openLocalSession } from "../../dist/src/session/index.js";
import * as models from "../support/models/index.mjs";
import { buildLlama, llamaWeights } from "../support/tiny-llama.mjs";
import { findTorch } from "../support/torch-venv.mjs";
import { bestPeer, compare, median, ms } from "./_compare.mjs";

const TORCH = findTorch();
const ROUNDS = 3;
const WIDTHS = [44, 18, 34, 8];

function printRow(print, [name, ours, peer, ratio, goal]) {
  const cells = [name, ours, peer, ratio].map((cell, i) => cell.padEnd(WIDTHS[i]));
  print(`${cells.join("")}${goal}`);
}

/** @returns {Promise<number[] | undefined>} what a script of `torch/` printed; `undefined` without PyTorch */
async function runTorch(script, args) {
  if (TORCH.python === undefined) return undefined;
  const path = fileURLToPath(new URL(`torch/${script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(TORCH.python, [path, ...args.map(String)]);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** 117 million parameters, decoded one by one behind 100 tokens. */
const DECODER = {
  layers: 24,
  width: 512,
  heads: 8,
  hidden: 2048,
  vocabulary: 32_000,
  context: 256,
  slots: 256,
  spread: 0.03,
};
const FIRST = 100;
const TOKENS = 32;

async function openDecoder(model, threads) {
  const session = await openLocalSession(model, { threads, denormalsAsZero: true });
  const decoder = new KvDecoder(session, { capacity: DECODER.slots });
  await decoder.append(Array.from({ length: FIRST }, (_, i) => (7 * i) % DECODER.vocabulary));
  return { session, decoder };
}

async function tokensPerSecond(decoder) {
  decoder.reset(FIRST - 1);
  const { tokenMs } = await decoder.generate([5], { maxTokens: TOKENS + 1 });
  return (1000 * tokenMs.length) / tokenMs.reduce((a, b) => a + b, 0);
}

/** Medians by model, their rounds dealt in turns so that all see the same machine. The first warms up. */
async function decodeRates(models, threads) {
  const open = {};
  const rates = {};
  for (const [name, model] of Object.entries(models))
    open[name] = await openDecoder(model, threads);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, { decoder }] of Object.entries(open)) {
      const rate = await tokensPerSecond(decoder);
      if (round > 0) rates[name] = [...(rates[name] ?? []), rate];
    }
  }
  for (const { session } of Object.values(open)) await session.close();
  return Object.fromEntries(Object.entries(rates).map(([name, all]) => [name, median(all)]));
}

async function decodeCase(print) {
  const weights = llamaWeights(DECODER, seeded("decoder"));
  const float = buildLlama(GraphBuilder, { config: DECODER, weights, cached: true });
  const models = {
    float32: writeModel(float),
    int8: writeModel(quantise(float, { bits: 8 }).model),
    int4: writeModel(quantise(float, { bits: 4 }).model),
  };
  const size = (name) => `${(models[name].byteLength / 2 ** 20).toFixed(0)} MiB`;
  const rate = (value) => `${value.toFixed(1)} tok/s`;
  for (const threads of [1, 2]) {
    const where = `${threads} thread${threads > 1 ? "s" : ""}`;
    const ours = await decodeRates(models, threads);
    const config = JSON.stringify({ ...DECODER, first: FIRST, tokens: TOKENS });
    const torch = await runTorch("decoder.py", [threads, ROUNDS, config]);
    const peer = torch === undefined ? undefined : median(torch);
    printRow(print, [
      `decode 117 M, float32, ${size("float32")}, ${where}`,
      rate(ours.float32),
      peer === undefined ? TORCH.unavailable : `PyTorch ${rate(peer)}`,
      peer === undefined ? "-" : (ours.float32 / peer).toFixed(2),
      "1",
    ]);
    for (const [name, goal] of [
      ["int8", "2"],
      ["int4", "-"],
    ]) {
      printRow(print, [
        `decode 117 M, ${name}, ${size(name)}, ${where}`,
        rate(ours[name]),
        `float32 ${rate(ours.float32)}`,
        (ours[name] / ours.float32).toFixed(2),
        goal,
      ]);
    }
  }
}

/** Milliseconds of one forward pass of batch 1. */
function forwardCase({ name, title, config, goal }) {
  return async (print) => {
    for (const threads of [1, 2]) {
      const { ours, peers, notes } = await compare({ name, config, threads, compile: true });
      const peer = bestPeer(peers);
      printRow(print, [
        `${title}, ${threads} thread${threads > 1 ? "s" : ""}`,
        ms(ours),
        peer === undefined ? "-" : `PyTorch ${peer.label} ${ms(peer)}`,
        peer === undefined ? "-" : (peer.medianMs / ours.medianMs).toFixed(2),
        goal,
      ]);
      for (const note of notes) print(`  ${note}`);
    }
  };
}

const CASES = {
  decode: decodeCase,
  act: forwardCase({
    name: "act-forward",
    title: "ACT 34 M, ResNet-18, 128 px",
    config: models.ACT,
    goal: "1",
  }),
  unet: forwardCase({
    name: "unet-step",
    title: "diffusion U-Net 4 M, one step",
    config: models.UNET,
    goal: "1",
  }),
  vit: forwardCase({
    name: "vit-forward",
    title: "ViT-B/16, 224 px",
    config: models.VIT,
    goal: "1",
  }),
};

export default {
  name: "infer",
  title:
    "inference: tokens per second, or milliseconds (ratio above 1 = ours is faster than the peer)",
  cases: Object.keys(CASES),
  async run(print, { cases = Object.keys(CASES) } = {}) {
    const rows = [];
    const keep = (line) => {
      rows.push(line);
      print(line);
    };
    printRow(keep, ["case", "ours", "peer", "ratio", "goal"]);
    for (const name of cases) await CASES[name](keep);
    return rows;
  },
};
