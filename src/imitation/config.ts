/** The keys that policies which imitate chunks have in common, in the `policy` section of a training configuration. */
import { z } from "zod";
import { messageOf } from "../core/index.ts";

const count = z.int().min(1);

/** Spread into the `strictObject` of a policy's own schema. */
export const imitationKeys = {
  /** Cameras by name, in the order their features have; none: a policy of state alone. */
  cameras: z.array(z.string().min(1)).default([]),
  /** Proprio components in the order they are read; default: all that the data have. */
  proprio: z.array(z.string().min(1)).min(1).exactOptional(),
  /** Formulas of the proprio whose values are read beside it, not normalised; see `derivedColumns`. Absent: none. */
  derived: z.array(z.string().min(1)).min(1).exactOptional(),
  /**
   * Actions that are places, by component (`joint_position`) or entry (`target_0`), and the proprio that each is told from; see
   * `originsOf`. Absent: none.
   */
  relative: z.record(z.string().min(1), z.string().min(1)).exactOptional(),
  /**
   * Frames that are looked at: that of this decision and of the decisions before it, `executeHorizon` steps apart.
   */
  observeHorizon: count.default(1),
  /** Rows of a predicted chunk. */
  horizon: count.default(16),
  /** Rows that are executed before the next look; default: half of the horizon. */
  executeHorizon: count.exactOptional(),
  /** How actions are made to lie around 0: their range to [-1, 1], or mean 0 and deviation 1. */
  actions: z.enum(["min_max", "mean_std"]).default("min_max"),
  /** Of every token. */
  width: count.default(128),
  heads: count.default(4),
  /** Blocks of the network that reads the chunk. */
  layers: count.default(4),
  /** Causal blocks over the frames; 0: each frame goes through two layers of its own. */
  frameLayers: z.int().min(0).default(0),
  /** Share of the attention that an update does not see, of all blocks. */
  dropout: z.number().min(0).max(0.9).default(0),
  /** The network that looks at one camera. */
  image: z
    .strictObject({
      /** Of the first convolution, pixels. */
      kernel: count.default(5),
      stride: count.default(4),
      /** Filters of the first convolution and of each residual block; all blocks but the first halve the size. */
      filters: z.array(count).min(1).default([32, 64]),
      /** Channels normalised together. */
      groupSize: count.default(16),
      /** Places that it looks for. */
      keypoints: count.default(32),
      /** Numbers it says of a frame. */
      features: count.default(64),
    })
    .prefault({}),
} as const;

export interface ImitationConfig {
  readonly cameras: readonly string[];
  readonly proprio?: readonly string[];
  readonly derived?: readonly string[];
  readonly relative?: Readonly<Record<string, string>>;
  readonly observeHorizon: number;
  readonly horizon: number;
  readonly executeHorizon?: number;
  readonly actions: "min_max" | "mean_std";
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly frameLayers: number;
  readonly dropout: number;
  readonly image: {
    readonly kernel: number;
    readonly stride: number;
    readonly filters: readonly number[];
    readonly groupSize: number;
    readonly keypoints: number;
    readonly features: number;
  };
}

/** Rows that are executed before the next look. */
export function executedRows({ horizon, executeHorizon }: ImitationConfig): number {
  return executeHorizon ?? Math.ceil(horizon / 2);
}

/**
 * A `policy` section that a schema accepts and whose numbers go together.
 * @param what the kind of policy, for messages
 * @throws {SyntaxError} naming every key that is wrong
 */
export function parseImitation<T extends ImitationConfig>(
  json: unknown,
  what: string,
  schema: z.ZodType<T>,
): T {
  const parsed = schema.safeParse(json);
  const fail = (why: string): never => {
    throw new SyntaxError(`Cannot configure a policy of kind "${what}": ${why}`);
  };
  if (!parsed.success) {
    const places = parsed.error.issues.map(
      ({ path, message }) => `${["policy", ...path].join(".")}: ${message}`,
    );
    return fail(messageOf(places.join("; ")));
  }
  const { horizon, width, heads, cameras, image } = parsed.data;
  const executed = executedRows(parsed.data);
  if (executed > horizon) {
    fail(`policy.executeHorizon is ${executed}, must be at most ${horizon} (horizon)`);
  }
  if (width % heads !== 0 || width % 2 !== 0) {
    fail(`policy.width is ${width}, must be even and a multiple of ${heads} (heads)`);
  }
  const odd = image.filters.find((filters) => filters % image.groupSize !== 0);
  if (cameras.length > 0 && odd !== undefined) {
    fail(`policy.image.filters has ${odd}, must be multiples of ${image.groupSize} (groupSize)`);
  }
  return parsed.data;
}
