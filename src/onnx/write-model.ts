import type { NdArray } from "../core/index.ts";
import { assertExternalLocation } from "./external-data.ts";
import { elementTypeCode } from "./element-type.ts";
import type { Attribute, Dim, Graph, Int, LocalFunction, Model, Node, Tensor } from "./ir.ts";
import type { ValueInfo, ValueType } from "./ir.ts";
import type * as proto from "./schema.ts";
import { encodeModelProto } from "./schema.ts";

/**
 * Serialises a model as an ONNX `ModelProto`. Equal models give equal bytes: attributes, opsets and
 * metadata are written in the order of their names.
 * @throws {TypeError} for values whose type is no tensor
 * @throws {SyntaxError} for an external location that leaves the folder
 */
export function writeModel(model: Model): Uint8Array {
  return encodeModelProto({
    ir_version: model.irVersion,
    producer_name: model.producer,
    producer_version: model.producerVersion,
    graph: graphProto(model.graph),
    opset_import: opsetProtos(model.opsets),
    metadata_props: sorted(model.metadata).map(([key, value]) => ({ key, value })),
    functions: model.functions.map(functionProto),
  });
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function opsetProtos(opsets: Readonly<Record<string, number>>): proto.OpsetProto[] {
  return sorted(opsets).map(([domain, version]) => ({ domain, version }));
}

function graphProto(graph: Graph): proto.GraphProto {
  return {
    node: graph.nodes.map(nodeProto),
    name: graph.name,
    initializer: graph.initializers.map(tensorProto),
    input: graph.inputs.map(valueInfoProto),
    output: graph.outputs.map(valueInfoProto),
    value_info: graph.valueInfo.map(valueInfoProto),
  };
}

function functionProto(f: LocalFunction): proto.FunctionProto {
  return {
    name: f.name,
    domain: f.domain,
    input: f.inputs,
    output: f.outputs,
    attribute: f.attributeNames,
    attribute_proto: attributeProtos(f.attributeDefaults),
    node: f.nodes.map(nodeProto),
    opset_import: opsetProtos(f.opsets),
  };
}

function nodeProto(node: Node): proto.NodeProto {
  return {
    input: node.inputs,
    output: node.outputs,
    name: node.name,
    op_type: node.opType,
    attribute: attributeProtos(node.attributes),
    ...(node.domain === "" ? {} : { domain: node.domain }),
  };
}

function attributeProtos(record: Readonly<Record<string, Attribute>>): proto.AttributeProto[] {
  return sorted(record).map(([name, attribute]) => ({ name, ...attributeValue(attribute) }));
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function attributeValue(attribute: Attribute): proto.AttributeProto {
  switch (attribute.kind) {
    case "float":
      return { type: 1, f: attribute.value };
    case "int":
      return { type: 2, i: int64(attribute.value) };
    case "string":
      return { type: 3, s: utf8(attribute.value) };
    case "tensor":
      return { type: 4, t: tensorProto(attribute.value) };
    case "graph":
      return { type: 5, g: graphProto(attribute.value) };
    case "floats":
      return { type: 6, floats: attribute.value };
    case "ints":
      return { type: 7, ints: attribute.value.map(int64) };
    case "strings":
      return { type: 8, strings: attribute.value.map(utf8) };
    case "tensors":
      return { type: 9, tensors: attribute.value.map(tensorProto) };
    case "graphs":
      return { type: 10, graphs: attribute.value.map(graphProto) };
    case "reference":
      return { type: attribute.typeCode, ref_attr_name: attribute.value };
  }
}

function int64(value: Int): proto.Int64 {
  if (typeof value === "number") return value;
  const bits = BigInt.asUintN(64, value);
  // Only `low` and `high` of a Long are looked at when encoding.
  return { low: Number(bits & 0xffffffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: false };
}

function valueInfoProto(info: ValueInfo): proto.ValueInfoProto {
  return { name: info.name, type: typeProto(info.type, info.name) };
}

function typeProto(type: ValueType, name: string): proto.TypeProto {
  if (type.kind !== "tensor") {
    throw new TypeError(
      `Cannot write ONNX model: value "${name}" is a ${type.kind}, must be a tensor`,
    );
  }
  const elem_type = elementTypeCode(type.elementType);
  if (type.shape === null) return { tensor_type: { elem_type } };
  return { tensor_type: { elem_type, shape: { dim: type.shape.map(dimProto) } } };
}

function dimProto(dim: Dim): proto.DimensionProto {
  if (dim === null) return {};
  return typeof dim === "number" ? { dim_value: dim } : { dim_param: dim };
}

function tensorProto(tensor: Tensor): proto.TensorProto {
  const { name, shape: dims, payload } = tensor;
  const head = {
    dims,
    data_type: elementTypeCode(tensor.elementType),
    ...(name === "" ? {} : { name }),
  };
  switch (payload.kind) {
    case "array":
      return { ...head, raw_data: littleEndianBytes(payload.array) };
    case "bytes":
      return { ...head, raw_data: payload.bytes };
    case "strings":
      return { ...head, string_data: payload.values };
    case "external": {
      assertExternalLocation(payload.location, name);
      const entries = [
        { key: "location", value: payload.location },
        { key: "offset", value: String(payload.offset) },
        ...(payload.length === null ? [] : [{ key: "length", value: String(payload.length) }]),
      ];
      return { ...head, data_location: 1, external_data: entries };
    }
  }
}

/** All machines that Node runs on are little-endian, which is what ONNX asks for. */
function littleEndianBytes({ data }: NdArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
