import { z } from "zod";
import { imitationKeys, parseImitation } from "../../src/imitation/index.ts";

const count = z.int().min(1);

export const diffusionConfigSchema = z.strictObject({
  kind: z.literal("diffusion"),
  /** Where the defaults come from. */
  preset: z.enum(["small", "paper"]).default("small"),
  ...imitationKeys,
  /** What the network learns: the noise in a chunk, the way from noise to a chunk, or the chunk itself. */
  objective: z.enum(["diffusion", "flow", "regression"]).default("flow"),
  /** What reads the noisy chunk. */
  backbone: z.enum(["transformer", "unet"]).default("transformer"),
  /** Of `backbone: "unet"`. */
  unet: z
    .strictObject({
      /** Channels at each scale; the length is halved between them. */
      widths: z.array(count).min(1).default([64, 128, 256]),
      kernel: count.default(5),
      /** Groups that channels are normalised in. */
      groups: count.default(8),
    })
    .prefault({}),
  /** Of `objective: "diffusion"`; names are those of `diffusers`. */
  diffusion: z
    .strictObject({
      trainTimesteps: count.default(100),
      betaSchedule: z
        .enum(["linear", "scaled_linear", "squaredcos_cap_v2"])
        .default("squaredcos_cap_v2"),
      /** Clips predicted chunks to [-1, 1] at every step of sampling. */
      clipSample: z.boolean().default(true),
      /** Of the noise that DDPM adds. */
      varianceType: z.enum(["fixed_small", "fixed_large"]).default("fixed_small"),
    })
    .prefault({}),
  infer: z
    .strictObject({
      /** Of `objective: "diffusion"`. */
      sampler: z.enum(["ddpm", "ddim"]).default("ddpm"),
      /** Default: all training steps for DDPM, 10 for DDIM, 4 for flow. */
      steps: count.exactOptional(),
    })
    .prefault({}),
});

export type DiffusionConfig = z.infer<typeof diffusionConfigSchema>;

/** The transformer of the published baseline beside EBT-Policy. */
const PAPER = {
  objective: "diffusion",
  width: 256,
  layers: 8,
  frameLayers: 8,
  observeHorizon: 2,
  dropout: 0.3,
} as const;

/** @throws {SyntaxError} naming every key that is wrong */
export function parseDiffusionConfig(json: unknown): DiffusionConfig {
  const paper =
    typeof json === "object" && json !== null && "preset" in json && json.preset === "paper";
  const section: unknown = paper ? { ...PAPER, ...json } : json;
  const config = parseImitation(section, "diffusion", diffusionConfigSchema);
  assertSteps(config);
  assertUnet(config);
  return config;
}

/** Network runs of one decision. */
export function samplingSteps({ objective, infer, diffusion }: DiffusionConfig): number {
  if (objective === "regression") return 1;
  const usual = objective === "flow" ? 4 : infer.sampler === "ddim" ? 10 : diffusion.trainTimesteps;
  return infer.steps ?? usual;
}

function assertSteps(config: DiffusionConfig): void {
  const steps = samplingSteps(config);
  const { trainTimesteps } = config.diffusion;
  if (config.objective !== "diffusion" || steps <= trainTimesteps) return;
  fail(`policy.infer.steps is ${steps}, must be at most ${trainTimesteps} (trainTimesteps)`);
}

function assertUnet({ backbone, unet, horizon }: DiffusionConfig): void {
  if (backbone !== "unet") return;
  const parts = 2 ** (unet.widths.length - 1);
  if (horizon % parts !== 0) {
    fail(`policy.horizon is ${horizon}, must be a multiple of ${parts} (halved between scales)`);
  }
  const odd = unet.widths.find((width) => width % unet.groups !== 0);
  if (odd !== undefined) {
    fail(`policy.unet.widths has ${odd}, must be multiples of ${unet.groups} (groups)`);
  }
  if (unet.kernel % 2 === 0) fail(`policy.unet.kernel is ${unet.kernel}, must be odd`);
}

function fail(why: string): never {
  throw new SyntaxError(`Cannot configure a policy of kind "diffusion": ${why}`);
}
