/** The tensor that a `Constant` node stands for. */
import type { NdArray } from "../../core/index.ts";
import type { Node, Tensor } from "../ir.ts";
import { nodeLabel } from "./upgrade.ts";

/** @throws {TypeError} for sparse and string constants */
export function tensorOfConstant(node: Node): Tensor {
  const [[, attribute] = []] = Object.entries(node.attributes);
  const name = node.outputs[0] ?? "";
  switch (attribute?.kind) {
    case "tensor":
      return { ...attribute.value, name };
    case "int":
      return named(name, integers([BigInt(attribute.value)], []));
    case "ints":
      return named(name, integers(attribute.value.map(BigInt), [attribute.value.length]));
    case "float":
      return named(name, floats([attribute.value], []));
    case "floats":
      return named(name, floats(attribute.value, [attribute.value.length]));
    default:
      throw new TypeError(
        `Cannot import Constant "${nodeLabel(node)}": its value is ${attribute?.kind ?? "missing"}, ` +
          "must be a dense tensor or numbers",
      );
  }
}

/** An array as a tensor of the model. */
export function named(name: string, array: NdArray): Tensor {
  return { name, elementType: array.dtype, shape: array.shape, payload: { kind: "array", array } };
}

function integers(values: readonly bigint[], shape: readonly number[]): NdArray {
  return { dtype: "int64", shape, data: BigInt64Array.from(values) };
}

function floats(values: readonly number[], shape: readonly number[]): NdArray {
  return { dtype: "float32", shape, data: Float32Array.from(values) };
}
