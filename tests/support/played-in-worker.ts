/** An episode that the page's player plays, with all numbers: its worker is spoken to as the page does. */
import type { Page } from "playwright-core";
import type { NdArray, Observation } from "../../src/core/index.ts";
import { decodePng } from "../../src/episode/node.ts";
import { loadPolicy } from "../../src/package/index.ts";
import type { FromPlayer, PlayedStep, ToPlayer } from "../../src/viewer/play-protocol.ts";

export interface PlayRequest {
  readonly world: string;
  readonly task: string;
  readonly initialState: number;
  /** Name of a policy package that the server offers. */
  readonly policy: string;
}

export interface PlayedDecision {
  /** What the policy saw. */
  readonly observation: Observation;
  /** `float32[horizon, actionDim]`. */
  readonly chunk: readonly number[];
}

/** What of a message goes from the browser to here, arrays as plain numbers. */
interface Said {
  readonly proprio: Readonly<Record<string, number[]>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly instruction: string;
  readonly step: number;
  readonly stampNs: string;
  /** PNG, base64. */
  readonly images: Readonly<Record<string, string>>;
}

interface Played {
  readonly steps: readonly Said[];
  readonly decisions: readonly { readonly step: number; readonly chunk: number[] }[];
  readonly outcome: string;
}

/** @throws {Error} with the player's words if it fails */
export async function playInWorker(
  page: Page,
  request: PlayRequest,
): Promise<{ decisions: readonly PlayedDecision[]; outcome: string }> {
  const played = await page.evaluate(playHere, request);
  const observations = new Map(played.steps.map((said) => [said.step, observationOf(said)]));
  return {
    outcome: played.outcome,
    decisions: played.decisions.map(({ step, chunk }) => ({
      observation: observations.get(step)!,
      chunk,
    })),
  };
}

/**
 * What the same package decides in Node, seeing the same.
 *
 * @returns largest difference of two entries of a chunk, in the policy's own units of action
 * @throws {RangeError} if chunks differ in size
 */
export async function differenceFromNode(
  packageFolder: string,
  { task, decisions }: { task: string; decisions: readonly PlayedDecision[] },
): Promise<number> {
  const policy = await loadPolicy(packageFolder);
  try {
    await policy.reset({ seed: 0, task, instruction: "", spec: {} as never });
    let most = 0;
    for (const { observation, chunk } of decisions) {
      const { data } = (await policy.decide(observation)).chunk;
      if (data.length !== chunk.length) {
        throw new RangeError(`Cannot compare chunks: ${chunk.length}, must be ${data.length}`);
      }
      for (const [i, value] of data.entries()) most = Math.max(most, Math.abs(value - chunk[i]!));
    }
    return most;
  } finally {
    await policy.close?.();
  }
}

/** In the page, and so without anything from outside of itself. */
function playHere({ world, task, initialState, policy }: PlayRequest): Promise<Played> {
  const below = (path: string): string => new URL(path, document.baseURI).href;
  const base64 = (bytes: Uint8Array): string => {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const told = ({ timeStep, images }: PlayedStep): Said => {
    const { proprio, instruction, step, stampNs } = timeStep.observation;
    const parts = Object.entries(proprio);
    return {
      proprio: Object.fromEntries(
        parts.map(([name, { data }]) => [name, Array.from(data, Number)]),
      ),
      shapes: Object.fromEntries(parts.map(([name, { shape }]) => [name, shape])),
      ...{ instruction, step, stampNs: String(stampNs) },
      images: Object.fromEntries(Object.entries(images).map(([name, png]) => [name, base64(png)])),
    };
  };
  return new Promise((resolve, reject) => {
    const worker = new Worker(below("player.js"), { type: "module" });
    const steps: Said[] = [];
    const decisions: Played["decisions"][number][] = [];
    worker.onerror = ({ message }) => reject(new Error(message));
    const say = (message: ToPlayer): void => worker.postMessage(message);
    worker.onmessage = ({ data }: MessageEvent<FromPlayer>) => {
      if (data.kind === "opened") {
        say({ kind: "begin", play: 1, task, initialState, drive: { kind: "policy" } });
      } else if (data.kind === "begun") steps.push(told(data.first));
      else if (data.kind === "stepped") steps.push(told(data.step));
      else if (data.kind === "decided") {
        decisions.push({ step: data.step, chunk: Array.from(data.decision.chunk.data, Number) });
      } else if (data.kind === "failed") reject(new Error(data.message));
      else if (data.kind === "ended") {
        worker.terminate();
        resolve({ steps, decisions, outcome: data.outcome.kind });
      }
    };
    say({
      kind: "open",
      world,
      dataUrl: below("worlds/"),
      policy: { name: policy, url: below(`policies/${policy}/`) },
    });
  });
}

function observationOf(said: Said): Observation {
  const numbers = (name: string, data: number[]): NdArray => ({
    dtype: "float64",
    shape: said.shapes[name]!,
    data: Float64Array.from(data),
  });
  const image = (png: string): NdArray => {
    const { height, width, channels, data } = decodePng(new Uint8Array(Buffer.from(png, "base64")));
    return { dtype: "uint8", shape: [height, width, channels], data };
  };
  return {
    images: Object.fromEntries(
      Object.entries(said.images).map(([name, png]) => [name, image(png)]),
    ),
    proprio: Object.fromEntries(
      Object.entries(said.proprio).map(([name, data]) => [name, numbers(name, data)]),
    ),
    texts: {},
    instruction: said.instruction,
    step: said.step,
    stampNs: BigInt(said.stampNs),
  };
}
