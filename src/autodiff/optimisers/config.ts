import { adamW, lion } from "./adaptive.ts";
import type { GroupOptions } from "./groups.ts";
import type { Transform } from "./transform.ts";
import { chain } from "./transform.ts";
import { clipByGlobalNorm, ema, sgd } from "./transforms.ts";

interface CommonConfig extends GroupOptions {
  /** Largest norm of all gradients together; default: no clipping. */
  readonly clipNorm?: number;
  /** Memory of the moving average of the weights, in [0, 1); default: none is kept. */
  readonly emaDecay?: number;
  /** With it the memory grows to `emaDecay` by this power of the update, in (0, 1] (published: 0.75); default: at once. */
  readonly emaPower?: number;
}

/** An optimiser as plain data. The learning rate is no part of it: it comes with every step. */
export type OptimiserConfig =
  | (CommonConfig & {
      readonly kind: "adamw";
      /** Default 0.9 and 0.999. */
      readonly betas?: readonly [number, number];
      /** Default 1e-8. */
      readonly eps?: number;
    })
  | (CommonConfig & {
      readonly kind: "sgd";
      /** Default 0. */
      readonly momentum?: number;
      /** Default false. */
      readonly nesterov?: boolean;
    })
  | (CommonConfig & {
      readonly kind: "lion";
      /** Default 0.9 and 0.99. */
      readonly betas?: readonly [number, number];
    });

/** The graph form of an optimiser: clip, update, average. */
export function transformOf(config: OptimiserConfig): Transform {
  const { clipNorm, emaDecay, emaPower } = config;
  const transforms = [updateOf(config)];
  if (clipNorm !== undefined) transforms.unshift(clipByGlobalNorm(clipNorm));
  if (emaDecay !== undefined) transforms.push(ema(emaDecay, emaPower));
  return chain(...transforms);
}

function updateOf(config: OptimiserConfig): Transform {
  switch (config.kind) {
    case "adamw": {
      const [b1, b2] = config.betas ?? [0.9, 0.999];
      return adamW({ ...config, b1, b2 });
    }
    case "sgd":
      return sgd(config);
    case "lion": {
      const [b1, b2] = config.betas ?? [0.9, 0.99];
      return lion({ ...config, b1, b2 });
    }
  }
}
