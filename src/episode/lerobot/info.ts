/** `meta/info.json` of a LeRobotDataset v3 and what its features are to us. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ActionSpec, ComponentSpec, Dtype, ImageSpec } from "../../core/index.ts";
import { elementCount, messageOf } from "../../core/index.ts";
import { decodeJson } from "../json.ts";

const featureSchema = z.looseObject({
  dtype: z.string(),
  shape: z.array(z.int().positive()),
  names: z.unknown().optional(),
});

const infoSchema = z.looseObject({
  codebase_version: z.string(),
  robot_type: z.string().nullish(),
  fps: z.number().positive(),
  total_episodes: z.int().nonnegative(),
  total_frames: z.int().nonnegative(),
  data_path: z.string(),
  video_path: z.string().nullish(),
  features: z.record(z.string(), featureSchema),
  /** Ours: the components behind `observation.state` and `action`, as text (see `json.ts`). */
  efference: z.looseObject({ components: z.string() }).optional(),
});

export type LeRobotInfo = z.infer<typeof infoSchema>;
export type LeRobotFeature = z.infer<typeof featureSchema>;

/** Columns that every dataset has, and that say nothing of the robot. */
export const BOOKKEEPING: ReadonlySet<string> = new Set([
  "timestamp",
  "frame_index",
  "episode_index",
  "index",
  "task_index",
]);

/**
 * @throws {RangeError} if the folder has no such file, or it is of another version
 * @throws {SyntaxError} if it is malformed
 */
export async function readInfo(folder: string): Promise<LeRobotInfo> {
  const path = join(folder, "meta", "info.json");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new RangeError(
      `Cannot open dataset "${folder}": meta/info.json is unreadable (${messageOf(cause)}), must be there`,
      { cause },
    );
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read "${path}": it is no JSON, must be`, { cause });
  }
  assertVersion(folder, (json as { codebase_version?: unknown } | null)?.codebase_version);
  const parsed = infoSchema.safeParse(json);
  if (!parsed.success) {
    throw new SyntaxError(`Cannot read "${path}": ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

function assertVersion(folder: string, version: unknown): void {
  if (typeof version === "string" && /^v3\.\d+$/.test(version)) return;
  const older = typeof version === "string" && version.startsWith("v2");
  const advice = older
    ? "; convert it with LeRobot's own script (lerobot.datasets.v30.convert_dataset_v21_to_v30)"
    : "";
  throw new RangeError(
    `Cannot open dataset "${folder}": its codebase_version is ${JSON.stringify(version)}, must be v3.x${advice}`,
  );
}

/** A camera of a dataset: what we call it, the column or video it is, and how it is stored. */
export interface LeRobotCamera {
  readonly key: string;
  readonly kind: "image" | "video";
  readonly spec: ImageSpec;
}

/** Features as specs. `stateKeys` lists the columns whose rows are concatenated into proprio. */
export interface LeRobotLayout {
  readonly cameras: readonly LeRobotCamera[];
  readonly proprio: readonly ComponentSpec[];
  readonly stateKeys: readonly { readonly key: string; readonly width: number }[];
  readonly action: ActionSpec;
  readonly actionDim: number;
}

/** @throws {RangeError} if there is no action, or an image of an unknown shape */
export function layoutOf(folder: string, info: LeRobotInfo): LeRobotLayout {
  const { features } = info;
  const { action } = features;
  if (action === undefined) {
    throw new RangeError(`Cannot open dataset "${folder}": it has no feature "action", must have`);
  }
  const states = Object.entries(features).filter(
    ([key, { dtype }]) => key.startsWith("observation.") && NUMBERS.has(dtype),
  );
  const own = ownComponents(info);
  const stateKeys = states.map(([key, { shape }]) => ({ key, width: elementCount(shape) }));
  const proprio = states.flatMap(([key, feature]) =>
    key === "observation.state" && fits(own?.proprio, feature)
      ? own!.proprio
      : [componentOf(key.slice("observation.".length), feature)],
  );
  const actionComponents = fits(own?.action, action)
    ? own!.action
    : [componentOf("action", action)];
  return {
    cameras: camerasOf(folder, features),
    proprio,
    stateKeys,
    action: { components: actionComponents },
    actionDim: elementCount(action.shape),
  };
}

const NUMBERS: ReadonlySet<string> = new Set<Dtype>([
  "float32",
  "float64",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint8",
  "bool",
]);

function componentOf(name: string, { dtype, shape, names }: LeRobotFeature): ComponentSpec {
  const flat = Array.isArray(names) ? names : Object.values(names ?? {}).flat();
  const words = flat.filter((item) => typeof item === "string").join(", ");
  return {
    name,
    format: "raw",
    dtype: NUMBERS.has(dtype) ? (dtype as Dtype) : "float32",
    shape,
    ...(words === "" ? {} : { description: words }),
  };
}

function camerasOf(folder: string, features: LeRobotInfo["features"]): LeRobotCamera[] {
  const keys = Object.keys(features).filter((key) =>
    ["image", "video"].includes(features[key]!.dtype),
  );
  const short = (key: string): string => key.replace(/^observation\.(images\.)?/, "");
  const names = keys.map(short);
  return keys.map((key, i): LeRobotCamera => {
    const { dtype, shape, names: axes } = features[key]!;
    const isChannelsFirst = Array.isArray(axes) && axes[0] === "channels";
    const [height, width, channels] = isChannelsFirst ? [shape[1], shape[2], shape[0]] : shape;
    const known = channels === 1 || channels === 3 || channels === 4;
    if (shape.length !== 3 || height === undefined || width === undefined || !known) {
      throw new RangeError(
        `Cannot open dataset "${folder}": feature "${key}" has shape [${shape.join(", ")}], must be [height, width, 1 | 3 | 4]`,
      );
    }
    // Two keys that would be one name keep their full names.
    const name = names.filter((other) => other === names[i]).length > 1 ? key : names[i]!;
    return { key, kind: dtype as "image" | "video", spec: { name, height, width, channels } };
  });
}

interface OwnComponents {
  readonly proprio: readonly ComponentSpec[];
  readonly action: readonly ComponentSpec[];
}

/** What our writer says of the vectors; undefined in datasets of others. */
function ownComponents({ efference }: LeRobotInfo): OwnComponents | undefined {
  if (efference === undefined) return undefined;
  const value = decodeJson(efference.components) as Partial<OwnComponents> | null;
  const whole = [value?.proprio, value?.action].every(
    (list) =>
      Array.isArray(list) &&
      list.every(
        (item: Partial<ComponentSpec> | null) =>
          typeof item?.name === "string" && Array.isArray(item.shape),
      ),
  );
  return whole ? (value as OwnComponents) : undefined;
}

/** Somebody may have changed the feature since: then its own shape counts. */
function fits(
  components: readonly ComponentSpec[] | undefined,
  { shape }: LeRobotFeature,
): boolean {
  const width = components?.reduce((sum, component) => sum + elementCount(component.shape), 0);
  return width === elementCount(shape);
}
