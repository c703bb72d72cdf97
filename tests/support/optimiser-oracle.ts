/**
 * Update rules as plain float64 loops over one tensor, written from the papers' and PyTorch's formulae with
 * their bias corrections where those have them. Shares no code with graphs or kernels.
 */
export interface OracleGroup {
  readonly rate: number;
  readonly weightDecay: number;
}

export interface OracleTensor {
  readonly p: number[];
  readonly m: number[];
  readonly v: number[];
  readonly ema: number[];
}

export function oracleTensor(values: Iterable<number>): OracleTensor {
  const p = Array.from(values);
  return { p, m: p.map(() => 0), v: p.map(() => 0), ema: [...p] };
}

export type OracleRule = (
  tensor: OracleTensor,
  gradient: readonly number[],
  call: OracleGroup & { readonly t: number },
) => void;

/** `torch.optim.AdamW`: decay first, then the step with corrected moments. */
export function adamWOracle(b1: number, b2: number, eps: number): OracleRule {
  return ({ p, m, v }, gradient, { rate, weightDecay, t }) => {
    for (const [i, g] of gradient.entries()) {
      p[i]! *= 1 - rate * weightDecay;
      m[i] = b1 * m[i]! + (1 - b1) * g;
      v[i] = b2 * v[i]! + (1 - b2) * g * g;
      const mHat = m[i] / (1 - Math.pow(b1, t));
      const vHat = v[i] / (1 - Math.pow(b2, t));
      p[i]! -= (rate * mHat) / (Math.sqrt(vHat) + eps);
    }
  };
}

export function sgdOracle(momentum: number, nesterov: boolean): OracleRule {
  return ({ p, m }, gradient, { rate, weightDecay }) => {
    for (const [i, g] of gradient.entries()) {
      m[i] = momentum * m[i]! + g;
      const direction = nesterov ? g + momentum * m[i] : m[i];
      p[i] = p[i]! - rate * direction - rate * weightDecay * p[i]!;
    }
  };
}

export function lionOracle(b1: number, b2: number): OracleRule {
  return ({ p, m }, gradient, { rate, weightDecay }) => {
    for (const [i, g] of gradient.entries()) {
      const direction = Math.sign(b1 * m[i]! + (1 - b1) * g);
      p[i] = p[i]! - rate * (direction + weightDecay * p[i]!);
      m[i] = b2 * m[i]! + (1 - b2) * g;
    }
  };
}

export function emaOracle({ p, ema }: OracleTensor, decay: number): void {
  for (const [i, value] of p.entries()) ema[i] = decay * ema[i]! + (1 - decay) * value;
}

/** `torch.nn.utils.clip_grad_norm_`, on copies. */
export function clipOracle(
  gradients: Readonly<Record<string, readonly number[]>>,
  maxNorm: number,
): { norm: number; clipped: Record<string, number[]> } {
  const all = Object.values(gradients).flat();
  const norm = Math.sqrt(all.reduce((sum, g) => sum + g * g, 0));
  const factor = Math.min(1, maxNorm / (norm + 1e-6));
  const clipped = Object.entries(gradients).map(([name, g]) => [name, g.map((x) => x * factor)]);
  return { norm, clipped: Object.fromEntries(clipped) as Record<string, number[]> };
}
