import type { TypedArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import type { ElementType } from "./element-type.ts";
import { bytesPerElement, elementTypeFromCode, isDtype } from "./element-type.ts";
import { allocate, typedView } from "./element-type.ts";
import { readExternal } from "./external-data.ts";
import type { Attribute, Dim, Graph, Int, LocalFunction, Model, Node, Tensor } from "./ir.ts";
import type { TensorPayload, ValueInfo, ValueType } from "./ir.ts";
import type * as proto from "./schema.ts";
import { decodeModelProto } from "./schema.ts";

/**
 * Reads a serialised ONNX `ModelProto`. Tensors are views into `bytes` where alignment allows it.
 * External data is not read, only named; its locations are checked.
 * @throws {SyntaxError} if the bytes are no ONNX model, or an external location leaves the folder
 */
export function readModel(bytes: Uint8Array): Model {
  const model = decodeModelProto(bytes);
  if (model.graph === undefined || model.graph === null) {
    fail("it has no graph", "must have one");
  }
  return {
    irVersion: safeInt(model.ir_version ?? 0, "ir_version"),
    opsets: readOpsets(model.opset_import),
    producer: model.producer_name ?? "",
    producerVersion: model.producer_version ?? "",
    metadata: Object.fromEntries(
      (model.metadata_props ?? []).map(({ key, value }) => [key ?? "", value ?? ""]),
    ),
    graph: readGraph(model.graph),
    functions: (model.functions ?? []).map(readFunction),
  };
}

function fail(what: string, must: string): never {
  throw new SyntaxError(`Cannot read ONNX model: ${what}, ${must}`);
}

function readOpsets(list: readonly proto.OpsetProto[] = []): Record<string, number> {
  return Object.fromEntries(
    list.map(({ domain, version }) => [
      domain === "ai.onnx" ? "" : (domain ?? ""),
      safeInt(version ?? 0, "opset version"),
    ]),
  );
}

function readGraph(graph: proto.GraphProto): Graph {
  if ((graph.sparse_initializer ?? []).length > 0) {
    fail("it has sparse initializers", "must have dense ones");
  }
  return {
    name: graph.name ?? "",
    inputs: (graph.input ?? []).map(readValueInfo),
    outputs: (graph.output ?? []).map(readValueInfo),
    initializers: (graph.initializer ?? []).map(readTensor),
    nodes: (graph.node ?? []).map(readNode),
    valueInfo: (graph.value_info ?? []).map(readValueInfo),
  };
}

function readFunction(f: proto.FunctionProto): LocalFunction {
  return {
    domain: f.domain ?? "",
    name: f.name ?? "",
    inputs: [...(f.input ?? [])],
    outputs: [...(f.output ?? [])],
    attributeNames: [...(f.attribute ?? [])],
    attributeDefaults: readAttributes(f.attribute_proto),
    nodes: (f.node ?? []).map(readNode),
    opsets: readOpsets(f.opset_import),
  };
}

function readNode(node: proto.NodeProto): Node {
  return {
    name: node.name ?? "",
    opType: node.op_type ?? "",
    domain: node.domain === "ai.onnx" ? "" : (node.domain ?? ""),
    inputs: [...(node.input ?? [])],
    outputs: [...(node.output ?? [])],
    attributes: readAttributes(node.attribute),
  };
}

function readAttributes(list: readonly proto.AttributeProto[] = []): Record<string, Attribute> {
  return Object.fromEntries(list.map((a) => [a.name ?? "", readAttribute(a)]));
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** By `AttributeProto.AttributeType`. */
function readAttribute(a: proto.AttributeProto): Attribute {
  if (a.ref_attr_name !== undefined && a.ref_attr_name !== "") {
    return { kind: "reference", value: a.ref_attr_name, typeCode: a.type ?? 0 };
  }
  const label = `attribute "${a.name ?? ""}"`;
  const need = <T>(value: T | null | undefined): T =>
    value ?? fail(`${label} has no value`, "must have one of its type");
  switch (a.type ?? 0) {
    case 1:
      return { kind: "float", value: a.f ?? 0 };
    case 2:
      return { kind: "int", value: readInt(a.i ?? 0) };
    case 3:
      return { kind: "string", value: text(a.s ?? new Uint8Array()) };
    case 4:
      return { kind: "tensor", value: readTensor(need(a.t)) };
    case 5:
      return { kind: "graph", value: readGraph(need(a.g)) };
    case 6:
      return { kind: "floats", value: [...(a.floats ?? [])] };
    case 7:
      return { kind: "ints", value: (a.ints ?? []).map(readInt) };
    case 8:
      return { kind: "strings", value: (a.strings ?? []).map(text) };
    case 9:
      return { kind: "tensors", value: (a.tensors ?? []).map(readTensor) };
    case 10:
      return { kind: "graphs", value: (a.graphs ?? []).map(readGraph) };
    default:
      return fail(`${label} has type code ${a.type ?? 0}`, "must be 1 to 10");
  }
}

function readValueInfo(info: proto.ValueInfoProto): ValueInfo {
  return { name: info.name ?? "", type: readType(info.type) };
}

function readType(type: proto.TypeProto | null | undefined): ValueType {
  if (type?.tensor_type) {
    const { elem_type: code, shape } = type.tensor_type;
    return {
      kind: "tensor",
      elementType: elementTypeFromCode(code ?? 0),
      shape: shape ? (shape.dim ?? []).map(readDim) : null,
    };
  }
  if (type?.sequence_type) return { kind: "sequence" };
  if (type?.map_type) return { kind: "map" };
  if (type?.sparse_tensor_type) return { kind: "sparse_tensor" };
  if (type?.optional_type) return { kind: "optional" };
  return { kind: "unknown" };
}

function readDim(dim: proto.DimensionProto): Dim {
  if (Object.hasOwn(dim, "dim_value")) return safeInt(dim.dim_value ?? 0, "a dimension");
  return dim.dim_param === undefined || dim.dim_param === "" ? null : dim.dim_param;
}

function readTensor(tensor: proto.TensorProto): Tensor {
  const elementType = elementTypeFromCode(tensor.data_type ?? 0);
  const name = tensor.name ?? "";
  const shape = (tensor.dims ?? []).map((dim) => safeInt(dim, `a dimension of tensor "${name}"`));
  if (shape.some((dim) => dim < 0)) {
    fail(`tensor "${name}" has shape [${shape.join(", ")}]`, "must have dimensions of 0 or more");
  }
  return { name, elementType, shape, payload: readPayload(tensor, { name, elementType, shape }) };
}

interface TensorHead {
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
}

function readPayload(tensor: proto.TensorProto, head: TensorHead): TensorPayload {
  const { name, elementType, shape } = head;
  if (tensor.data_location === 1) return readExternal(name, tensor.external_data ?? []);
  if (elementType === "string") return { kind: "strings", values: [...(tensor.string_data ?? [])] };
  const raw = tensor.raw_data;
  const hasRaw = raw !== undefined && raw !== null && Object.hasOwn(tensor, "raw_data");
  if (!isDtype(elementType)) return { kind: "bytes", bytes: hasRaw ? raw : new Uint8Array() };
  const count = elementCount(shape);
  let data: TypedArray;
  if (hasRaw) {
    const wanted = count * bytesPerElement(elementType);
    if (raw.byteLength !== wanted) {
      fail(`tensor "${name}" has ${raw.byteLength} bytes`, `must have ${wanted}`);
    }
    data = typedView(elementType, raw);
  } else {
    data = unpackFields(tensor, head);
  }
  return { kind: "array", array: { dtype: elementType, shape, data } };
}

/** The older encoding: one list of a wide type per group of element types. */
function unpackFields(
  tensor: proto.TensorProto,
  { name, elementType, shape }: TensorHead,
): TypedArray {
  if (!isDtype(elementType)) return fail(`tensor "${name}" is ${elementType}`, "must be numeric");
  const wide = elementType === "int64" || elementType === "uint64";
  const values: readonly (number | proto.Int64)[] =
    elementType === "float32"
      ? (tensor.float_data ?? [])
      : elementType === "float64"
        ? (tensor.double_data ?? [])
        : elementType === "int64"
          ? (tensor.int64_data ?? [])
          : elementType === "uint64" || elementType === "uint32"
            ? (tensor.uint64_data ?? [])
            : (tensor.int32_data ?? []);
  const count = elementCount(shape);
  if (values.length !== count) {
    fail(`tensor "${name}" has ${values.length} values`, `must have ${count}`);
  }
  const out = allocate(elementType, count);
  for (const [i, value] of values.entries()) {
    out[i] = wide ? BigInt(readInt(value)) : Number(readInt(value));
  }
  return out;
}

/** A protobuf int64 as a number where exact, else a bigint. Plain numbers pass through. */
function readInt(value: proto.Int64): Int {
  if (typeof value === "number") return value;
  const high = value.unsigned ? BigInt(value.high >>> 0) : BigInt(value.high | 0);
  const exact = (high << 32n) | BigInt(value.low >>> 0);
  const near = Number(exact);
  return Number.isSafeInteger(near) ? near : exact;
}

function safeInt(value: proto.Int64, what: string): number {
  const int = readInt(value);
  return typeof int === "number" ? int : fail(`${what} is ${int}`, "must be below 2^53");
}
