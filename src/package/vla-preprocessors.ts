/** Steps that VLA exporters put before their graphs: images in a frame, prompts, padded states. */
import { z } from "zod";
import type { NdArray } from "../core/index.ts";
import type { Component } from "./component.ts";
import { parametersOf } from "./component.ts";
import type { FeatureKinds, Features, Preprocessor } from "./features.ts";
import { arrayOf, requireKind, textOf } from "./features.ts";
import { resizeWithPad } from "./resize-with-pad.ts";

const count = z.int().min(1).max(100_000);
const resolution = z.tuple([count.max(4096), count.max(4096)]);
/** Names that the published runtime gives to what comes in (physicalai.inference.constants). */
const [IMAGES, MASKS, STATE, TASK] = ["images", "image_masks", "state", "task"];

/** `task` ends with a line feed. */
export function newLine(): Preprocessor {
  return {
    type: "new_line",
    plan(kinds) {
      requireKind(kinds, { type: "new_line", name: TASK, kind: "text" });
      return [TASK];
    },
    apply(features) {
      const text = textOf(features, TASK);
      features.set(TASK, text.endsWith("\n") ? text : `${text}\n`);
    },
  };
}

const smolvlaSchema = z.looseObject({
  image_resolution: resolution.default([512, 512]),
  image_key_reorder_map: z.record(z.string(), z.int().min(0).max(63)).nullish(),
  num_cameras: z.int().min(0).max(64).default(0),
});

/**
 * Images `images` or `images.NAME` become `images`, `float32[cameras, 1, 3, height, width]` in [-1, 1], padded left and
 * above, and `image_masks`, `bool[cameras, 1]`; cameras that are not there are -1 with mask 0.
 */
export function smolvlaResize(component: Component, at: string): Preprocessor {
  const fields = parametersOf(component, smolvlaSchema, at);
  const [height, width] = fields.image_resolution;
  const slots = slotsOf(fields.image_key_reorder_map ?? {}, fields.num_cameras, at);
  return {
    type: component.type,
    plan: (kinds) => planImages(kinds, component.type, slots),
    apply(features) {
      replaceImages(features, slots(imageNames(features)), { height, width, pad: "before" });
    },
  };
}

type Slots = (names: readonly string[]) => readonly (string | undefined)[];

const bare = (name: string): string => name.replace(/^images\./, "");

/** Which camera stands where. */
function slotsOf(order: Readonly<Record<string, number>>, cameras: number, at: string): Slots {
  const places = new Map(Object.entries(order).map(([name, slot]) => [bare(name), slot]));
  return (names) => {
    const slotOf = (name: string, i: number): number => {
      const slot = places.size === 0 ? i : places.get(bare(name));
      if (slot === undefined) refuse(`${at}.image_key_reorder_map lacks "${name}"`, "must have it");
      return slot;
    };
    const used = new Map<number, string>();
    for (const [i, name] of names.entries()) {
      const slot = slotOf(name, i);
      const other = used.get(slot);
      if (other !== undefined) {
        refuse(`"${other}" and "${name}" are both camera ${slot}`, "must be one each");
      }
      if (cameras > 0 && slot >= cameras) {
        refuse(`"${name}" is camera ${slot} of ${cameras}`, "must be below num_cameras");
      }
      used.set(slot, name);
    }
    if (cameras > 0) return Array.from({ length: cameras }, (_, slot) => used.get(slot));
    return [...used].sort(([a], [b]) => a - b).map(([, name]) => name);
  };
}

const pi05Schema = z.looseObject({
  image_resolution: resolution.default([224, 224]),
  empty_cameras: z.int().min(0).max(16).default(0),
});

/**
 * Images as `smolvla_resize` makes them but padded on both sides, with `empty_cameras` more that are -1 with mask 0;
 * `task` becomes `Task: ..., State: ...;\nAction: ` with the normalised `state` in 256 bins from -1 to 1 (pi0.5,
 * Physical Intelligence 2025, arXiv:2504.16054), -1 below them.
 */
export function pi05(component: Component, at: string): Preprocessor {
  const fields = parametersOf(component, pi05Schema, at);
  const [height, width] = fields.image_resolution;
  const slots: Slots = (names) => [
    ...names,
    ...Array.from({ length: fields.empty_cameras }, () => undefined),
  ];
  return {
    type: component.type,
    plan(kinds) {
      requireKind(kinds, { type: component.type, name: STATE, kind: "array" });
      requireKind(kinds, { type: component.type, name: TASK, kind: "text" });
      return [...planImages(kinds, component.type, slots), STATE, TASK];
    },
    apply(features) {
      replaceImages(features, slots(imageNames(features)), { height, width, pad: "both" });
      features.set(TASK, pi05Prompt(textOf(features, TASK), arrayOf(features, STATE)));
    },
  };
}

export function pi05Prompt(task: string, state: NdArray): string {
  const last = Array.from(state.data, Number).slice(-(state.shape.at(-1) ?? 0));
  const bins = last.map((x) => Math.min(Math.max(Math.floor((x + 1) * 128), -1), 255));
  const cleaned = task.trim().replaceAll("_", " ").replaceAll("\n", " ");
  return `Task: ${cleaned}, State: ${bins.join(" ")};\nAction: `;
}

/** The last dimension of a feature filled up with zeros. */
export function padded(type: string, name: string, width: number): Preprocessor {
  return {
    type,
    plan(kinds) {
      requireKind(kinds, { type, name, kind: "array" });
      return [name];
    },
    apply(features) {
      const { shape, data } = arrayOf(features, name);
      const own = shape.at(-1) ?? 0;
      if (own > width) {
        throw new RangeError(
          `Cannot decide: "${name}" has ${own} entries, must have at most ${width}`,
        );
      }
      const rows = own === 0 ? 0 : data.length / own;
      const out = new Float32Array(rows * width);
      for (let row = 0; row < rows; row++) {
        for (let i = 0; i < own; i++) out[row * width + i] = Number(data[row * own + i]);
      }
      features.set(name, { dtype: "float32", shape: [...shape.slice(0, -1), width], data: out });
    },
  };
}

/** Features under the names that the graphs use. */
export function renamed(pairs: readonly (readonly [string, string])[]): Preprocessor {
  const move = <T>(features: Map<string, T>): string[] => {
    const found = pairs.filter(([from]) => features.has(from));
    // All are taken away before any is put back: names may change places.
    const values = found.map(([from]) => features.get(from) as T);
    for (const [from] of found) features.delete(from);
    for (const [i, [, to]] of found.entries()) features.set(to, values[i] as T);
    return found.map(([from]) => from);
  };
  return { type: "rename", plan: move, apply: move };
}

function imageNames(features: ReadonlyMap<string, unknown>): string[] {
  return [...features.keys()].filter((name) => name === IMAGES || name.startsWith(`${IMAGES}.`));
}

function planImages(kinds: FeatureKinds, type: string, slots: Slots): readonly string[] {
  const names = imageNames(kinds);
  if (names.length === 0)
    refuse(`the step "${type}" finds no images`, "must be images or images.NAME");
  for (const name of names) requireKind(kinds, { type, name, kind: "array" });
  slots(names);
  for (const name of names) kinds.delete(name);
  kinds.set(IMAGES, "float32").set(MASKS, "bool");
  return names;
}

interface Frame {
  readonly height: number;
  readonly width: number;
  readonly pad: "before" | "both";
}

function replaceImages(
  features: Features,
  names: readonly (string | undefined)[],
  frame: Frame,
): void {
  const { height, width } = frame;
  const size = 3 * height * width;
  const data = new Float32Array(names.length * size).fill(-1);
  for (const [i, name] of names.entries()) {
    if (name === undefined) continue;
    const { planes, from } = planesOf(arrayOf(features, name), name);
    data.set(
      resizeWithPad(planes, from, frame).map((x) => x * 2 - 1),
      i * size,
    );
  }
  for (const name of imageNames(features)) features.delete(name);
  const shape = [names.length, 1, 3, height, width];
  features.set(IMAGES, { dtype: "float32", shape, data });
  const present = Uint8Array.from(names, (name) => (name === undefined ? 0 : 1));
  features.set(MASKS, { dtype: "bool", shape: [names.length, 1], data: present });
}

/** `[1, 3, height, width]` or `[1, height, width, 3]` in [0, 1], as planes. */
function planesOf({ dtype, shape, data }: NdArray, name: string) {
  const first = shape[1] === 3;
  const [height, width] = first ? [shape[2], shape[3]] : [shape[1], shape[2]];
  const ambiguous = first === (shape[3] === 3);
  if (shape.length !== 4 || ambiguous || height === undefined || width === undefined) {
    throw new TypeError(
      `Cannot decide: image "${name}" is ${dtype}[${shape.join(", ")}], must be [1, 3, height, width] or [1, height, width, 3]`,
    );
  }
  const scale = dtype === "uint8" ? 1 / 255 : 1;
  const planes = new Float32Array(3 * height * width);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) {
      planes[c * height * width + i] =
        Number(data[first ? c * height * width + i : i * 3 + c]) * scale;
    }
  }
  return { planes, from: { channels: 3, height, width } };
}

function refuse(what: string, must: string): never {
  throw new RangeError(`Cannot load policy: ${what}, ${must}`);
}
