import type { Value } from "./graph-core.ts";
import { NetworkBuilder } from "./network-builder.ts";
import type { StaticDim } from "./rules/rule.ts";

export interface AttentionOptions {
  /** Number of heads of operands of rank 3; left out for operands of rank 4. */
  readonly heads?: number;
  /** Number of heads of keys and values, where several heads of queries share one; default `heads`. */
  readonly keyHeads?: number;
  /**
   * Broadcasts to the scores `[batch, heads, queries, keys]`: `bool`, true = may be seen, or floats that are
   * added. A query that may see nothing sees everything alike.
   */
  readonly mask?: Value;
  /** Whether query `i` sees keys 0 to `i` only. */
  readonly causal?: boolean;
  /** Default: 1 / sqrt(width of a head). */
  readonly scale?: number;
  /** Multiplies the shares that the softmax gives, `[batch, heads, queries, keys]`: dropout. Not with `keyHeads`. */
  readonly keep?: Value;
}

/** What attention works on. */
export interface AttentionOperands {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

export interface LossOptions {
  /** One for every class. */
  readonly weights?: Value;
  /** Places with this label do not count. */
  readonly ignoreIndex?: number;
  /** Default `mean`, over the weights of the places that count. */
  readonly reduction?: "none" | "mean" | "sum";
}

/** The part of `GraphBuilder` with attention, losses and sorting. */
export class AttentionBuilder extends NetworkBuilder {
  // ---- attention --------------------------------------------------------------------------------

  /**
   * Scaled dot-product attention `softmax(q kᵀ * scale + mask) v` (Vaswani et al. 2017, arXiv:1706.03762,
   * eq. 1), with grouped queries where there are fewer key heads (Ainslie et al. 2023, arXiv:2305.13245).
   * @param operands each `[batch, heads, length, width]`, or `[batch, length, heads * width]` with `heads` given
   * @returns in the layout of `q`
   * @throws {TypeError} if the operands do not belong together
   */
  attention({ q, k, v }: AttentionOperands, options: AttentionOptions = {}): Value {
    const { heads } = options;
    if (heads === undefined) return this.#attend({ q, k, v }, options);
    const keyHeads = options.keyHeads ?? heads;
    const apart = {
      q: this.splitHeads(q, heads),
      k: this.splitHeads(k, keyHeads),
      v: this.splitHeads(v, keyHeads),
    };
    return this.mergeHeads(this.#attend(apart, options));
  }

  /** `[batch, length, heads * width]` to `[batch, heads, length, width]`. */
  splitHeads(x: Value, heads: number): Value {
    const [batch, length, all] = x.shape;
    if (x.shape.length !== 3 || batch === undefined || length === undefined) {
      throw new TypeError(
        `Cannot split heads of "${x.name}": its rank is ${x.shape.length}, must be 3`,
      );
    }
    const width = Number(all) / heads;
    if (!Number.isInteger(width)) {
      throw new TypeError(
        `Cannot split "${x.name}": ${all} is its width, must be ${heads} * width`,
      );
    }
    return this.transpose(this.reshape(x, [batch, length, heads, width]), [0, 2, 1, 3]);
  }

  /** `[batch, heads, length, width]` to `[batch, length, heads * width]`. */
  mergeHeads(x: Value): Value {
    const [batch = 1, heads, length = 1, width] = x.shape;
    return this.reshape(this.transpose(x, [0, 2, 1, 3]), [
      batch,
      length,
      Number(heads) * Number(width),
    ]);
  }

  #attend({ q, k, v }: AttentionOperands, options: AttentionOptions): Value {
    const [heads, keyHeads] = [q.shape.at(-3), k.shape.at(-3)];
    if (heads === keyHeads || q.shape.length !== 4) return this.#attendAlike({ q, k, v }, options);
    const groups = Number(heads) / Number(keyHeads);
    if (!Number.isInteger(groups)) {
      throw new TypeError(
        `Cannot build attention: ${heads} query heads share ${keyHeads} key heads, must divide evenly`,
      );
    }
    if (options.keep !== undefined) {
      throw new TypeError(
        "Cannot build attention: shares of grouped queries are kept, must be all",
      );
    }
    const [batch = 1, , queries = 1, width = 1] = q.shape;
    const grouped = this.reshape(q, [batch, Number(keyHeads), groups, queries, width]);
    const shared = { k: this.unsqueeze(k, [2]), v: this.unsqueeze(v, [2]) };
    const { mask, ...rest } = options;
    const apart = mask === undefined ? {} : { mask: this.#groupedMask(mask, groups) };
    const y = this.#attendAlike({ q: grouped, ...shared }, { ...rest, ...apart });
    return this.reshape(y, [batch, Number(heads), queries, v.shape.at(-1) ?? 1]);
  }

  #groupedMask(mask: Value, groups: number): Value {
    const heads = mask.shape.at(-3);
    if (heads === undefined) return mask;
    const at = mask.shape.length - 3;
    if (heads === 1) return this.unsqueeze(mask, [at]);
    const shape: StaticDim[] = [...mask.shape];
    shape.splice(at, 1, Number(heads) / groups, groups);
    return this.reshape(mask, shape);
  }

  #attendAlike({ q, k, v }: AttentionOperands, options: AttentionOptions): Value {
    const { mask, causal = false } = options;
    const scale = options.scale ?? 1 / Math.sqrt(Number(q.shape.at(-1)));
    let scores = this.#scores(q, k, scale);
    if (mask !== undefined) scores = this.add(scores, this.#additive(mask, q));
    if (causal) scores = this.add(scores, this.#causalMask(scores));
    const shares = this.softmax(scores);
    const kept = options.keep === undefined ? shares : this.mul(shares, options.keep);
    return this.one("FusedMatMul", [kept, v], { domain: "com.microsoft" });
  }

  #scores(q: Value, k: Value, scale: number): Value {
    const attributes = { transB: 1, alpha: { kind: "float", value: scale } } as const;
    return this.one("FusedMatMul", [q, k], { domain: "com.microsoft", attributes });
  }

  #additive(mask: Value, like: Value): Value {
    if (mask.elementType !== "bool") return mask;
    const { elementType } = like;
    const [seen, hidden] = [this.scalar(0, elementType), this.#hidden(like)];
    return this.where(mask, seen, hidden);
  }

  /** Finite, so that a row of it is no row of NaN. */
  #hidden({ elementType }: Value): Value {
    return this.scalar(elementType === "float16" ? -3e4 : -1e9, elementType);
  }

  #causalMask(scores: Value): Value {
    const [queries, keys] = [scores.shape.at(-2), scores.shape.at(-1)];
    if (typeof queries !== "number" || typeof keys !== "number") {
      throw new TypeError(
        `Cannot build causal attention: the scores are [${scores.shape.join(", ")}], must have numbers at the end`,
      );
    }
    const data = Uint8Array.from({ length: queries * keys }, (_, i) =>
      i % keys <= Math.floor(i / keys) ? 1 : 0,
    );
    const seen = this.constant({ dtype: "bool", shape: [queries, keys], data });
    return this.#additive(seen, scores);
  }

  /**
   * Rotary position embedding (Su et al. 2021, arXiv:2104.09864, eq. 34): turns pairs of numbers by angles
   * that grow with the position.
   * @param x `[batch, heads, length, width]`
   * @param tables cosines and sines, each `[positions, width / 2]`
   * @param options `interleaved`: pairs are neighbours, instead of halves of the width; `positions`:
   *   `int64[batch, length]`, default 0, 1, ...
   */
  rotary(
    x: Value,
    tables: { readonly cos: Value; readonly sin: Value },
    options: { readonly positions?: Value; readonly interleaved?: boolean } = {},
  ): Value {
    const { positions = this.ints([0]), interleaved = false } = options;
    return this.one("RotaryEmbedding", [x, positions, tables.cos, tables.sin], {
      domain: "com.microsoft",
      attributes: { interleaved: interleaved ? 1 : 0 },
    });
  }

  // ---- losses -----------------------------------------------------------------------------------

  /** Of `scores[batch, classes, ...]`, which need not add up to anything, and `labels[batch, ...]`. */
  crossEntropy(scores: Value, labels: Value, options: LossOptions = {}): Value {
    return this.#loss("SoftmaxCrossEntropyLoss", [scores, labels], options);
  }

  /** The same of logarithms of probabilities. */
  negativeLogLikelihood(logarithms: Value, labels: Value, options: LossOptions = {}): Value {
    return this.#loss("NegativeLogLikelihoodLoss", [logarithms, labels], options);
  }

  #loss(opType: string, inputs: readonly Value[], options: LossOptions): Value {
    const { weights, ignoreIndex, reduction = "mean" } = options;
    const attributes = {
      reduction,
      ...(ignoreIndex === undefined ? {} : { ignore_index: ignoreIndex }),
    };
    return this.one(opType, weights === undefined ? inputs : [...inputs, weights], { attributes });
  }

  // ---- sorting ----------------------------------------------------------------------------------

  /** The `k` largest (or smallest) along one axis in order, and where they were. */
  topK(
    x: Value,
    k: number,
    options: { readonly axis?: number; readonly largest?: boolean } = {},
  ): { readonly values: Value; readonly indices: Value } {
    const { axis = -1, largest = true } = options;
    const attributes = { axis, largest: largest ? 1 : 0, sorted: 1 };
    const call = { attributes, outputCount: 2 };
    const [values, indices] = this.op("TopK", [x, this.ints([k])], call);
    if (values === undefined || indices === undefined) {
      throw new TypeError("Cannot build TopK: it has not 2 outputs");
    }
    return { values, indices };
  }

  /** All along one axis, the smallest first. */
  sort(
    x: Value,
    options: { readonly axis?: number; readonly descending?: boolean } = {},
  ): { readonly values: Value; readonly indices: Value } {
    const { axis = -1, descending = false } = options;
    const length = x.shape.at(axis);
    if (typeof length !== "number") {
      throw new TypeError(`Cannot sort "${x.name}": axis ${axis} is ${length}, must be a number`);
    }
    return this.topK(x, length, { axis, largest: descending });
  }
}
