import type { Value } from "./graph-core.ts";
import { LayoutBuilder } from "./layout-builder.ts";

/** The part of `GraphBuilder` that takes or puts elements at places given by other tensors. */
export class IndexingBuilder extends LayoutBuilder {
  /** Slices of `data` at `indices` of one axis, in whose place stand the axes of `indices`. */
  gather(data: Value, indices: Value, axis = 0): Value {
    return this.one("Gather", [data, indices], { attributes: { axis } });
  }

  /** `y[i, j] = data[i, indices[i, j]]` for axis 1 of a matrix. */
  gatherElements(data: Value, indices: Value, axis = 0): Value {
    return this.one("GatherElements", [data, indices], { attributes: { axis } });
  }

  /** A slice of `data` for each tuple along the last axis of `indices`. */
  gatherNd(data: Value, indices: Value, batchDims = 0): Value {
    return this.one("GatherND", [data, indices], { attributes: { batch_dims: batchDims } });
  }

  /** `data` with `updates` put (or added) where `gatherElements` would take them. */
  scatterElements(
    data: Value,
    put: { indices: Value; updates: Value },
    options: { axis?: number; reduction?: "none" | "add" } = {},
  ): Value {
    const { axis = 0, reduction = "none" } = options;
    const attributes = { axis, reduction };
    return this.one("ScatterElements", [data, put.indices, put.updates], { attributes });
  }

  /**
   * `data` with `updates` put where `gatherNd` would take them. There is no adding here: on more than one
   * thread onnxruntime 1.30 loses additions to one place; `scatterElements` does not.
   */
  scatterNd(data: Value, put: { indices: Value; updates: Value }): Value {
    return this.one("ScatterND", [data, put.indices, put.updates]);
  }

  /** 1 where the last axis counts to the index, else 0. */
  oneHot(indices: Value, depth: number): Value {
    const values = { dtype: "float32", shape: [2], data: Float32Array.of(0, 1) } as const;
    return this.one("OneHot", [indices, this.scalar(depth, "int64"), this.constant(values)]);
  }
}
