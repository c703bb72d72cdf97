import { z } from "zod";
import { messageOf } from "../../src/core/index.ts";

const count = z.int().min(1);

/** What an ACT policy looks at and how large it is. Part of a training configuration, under `policy`. */
export const actConfigSchema = z.strictObject({
  kind: z.literal("act"),
  /** Cameras by name, in the order their tokens have. */
  cameras: z.array(z.string().min(1)).min(1).default(["front", "wrist"]),
  /** Proprio components in the order they are read. */
  proprio: z
    .array(z.string().min(1))
    .min(1)
    .default(["eef_position", "eef_quat_xyzw", "gripper_opening"]),
  /** Rows of a predicted chunk. */
  horizon: count.default(16),
  /** Rows that are executed before the next look; default: half of the horizon. */
  executeHorizon: count.exactOptional(),
  /**
   * What a chunk learns of the time after its demonstration's end: nothing, or that the last action goes on. Where success
   * ends a demonstration a step after what brought it about (a gripper that opens), only the latter shows that step often.
   */
  pastEnd: z.enum(["ignored", "repeated"]).default("ignored"),
  /** Images are cut into squares of so many pixels, which the first layer reads one by one. */
  patch: count.default(4),
  /** Feature maps of the convolutions. */
  filters: count.default(32),
  /** Convolutions between the patches and the keypoints. */
  convolutions: z.int().min(0).default(1),
  /** Places that each camera's encoder looks for. */
  keypoints: count.default(32),
  /** Tokens that each camera's keypoints become. */
  tokensPerCamera: count.default(4),
  width: count.default(128),
  heads: count.default(4),
  hidden: count.default(256),
  encoderLayers: z.int().min(0).default(2),
  decoderLayers: count.default(2),
});

export type ActConfig = z.infer<typeof actConfigSchema>;

/** @throws {SyntaxError} naming every key that is wrong */
export function parseActConfig(json: unknown): ActConfig {
  const parsed = actConfigSchema.safeParse(json);
  if (parsed.success) {
    const { horizon, executeHorizon = 1 } = parsed.data;
    if (executeHorizon <= horizon) return parsed.data;
    throw new SyntaxError(
      `Cannot configure an ACT policy: policy.executeHorizon is ${executeHorizon}, must be at most ${horizon} (horizon)`,
    );
  }
  const places = parsed.error.issues.map(
    ({ path, message }) => `policy.${path.join(".")}: ${message}`,
  );
  throw new SyntaxError(`Cannot configure an ACT policy: ${messageOf(places.join("; "))}`);
}
