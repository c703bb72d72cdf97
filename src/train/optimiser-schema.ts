import { z } from "zod";
import type { OptimiserConfig } from "../autodiff/index.ts";

const fraction = z.number().min(0).lt(1);
const common = {
  weightDecay: z.number().nonnegative().exactOptional(),
  mask: z.enum(["matrices", "all"]).exactOptional(),
  groups: z
    .array(
      z.strictObject({
        match: z.string().min(1),
        rateScale: z.number().nonnegative().exactOptional(),
        weightDecay: z.number().nonnegative().exactOptional(),
      }),
    )
    .exactOptional(),
  clipNorm: z.number().positive().exactOptional(),
  emaDecay: fraction.exactOptional(),
  emaPower: z.number().positive().max(1).exactOptional(),
};
const betas = z.tuple([fraction, fraction]).exactOptional();

/**
 * An optimiser as people write it into files: the part of `OptimiserConfig` that is plain data (in code,
 * groups may be matched by expressions and predicates as well).
 */
export const optimiserSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("adamw"),
    betas,
    eps: z.number().positive().exactOptional(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal("sgd"),
    momentum: fraction.exactOptional(),
    nesterov: z.boolean().exactOptional(),
    ...common,
  }),
  z.strictObject({ kind: z.literal("lion"), betas, ...common }),
]) satisfies z.ZodType<OptimiserConfig>;
