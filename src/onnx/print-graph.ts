import { elementCount } from "../core/index.ts";
import { bytesPerElement, isDtype } from "./element-type.ts";
import { externalFiles } from "./external-data.ts";
import type { Attribute, Dim, Model, Node, Tensor, ValueInfo, ValueType } from "./ir.ts";

export interface PrintOptions {
  /** Nodes shown before the rest is only counted; default 400. */
  readonly maxNodes?: number;
}

/** A model as text for people: inputs, parameters, every node with its result type, outputs. */
export function printGraph(model: Model, options: PrintOptions = {}): string {
  const { maxNodes = 400 } = options;
  const { graph } = model;
  const types = new Map(
    [...graph.inputs, ...graph.valueInfo, ...graph.outputs].map(({ name, type }) => [name, type]),
  );
  const lines = [`graph ${graph.name}  (${headWords(model)})`];
  lines.push(`inputs (${graph.inputs.length})`, ...aligned(graph.inputs.map(infoRow)));
  lines.push(`parameters (${parameterWords(graph.initializers)})`);
  lines.push(...aligned(graph.initializers.map((t) => [t.name, tensorWords(t)])));
  lines.push(`nodes (${graph.nodes.length})`);
  lines.push(...aligned(graph.nodes.slice(0, maxNodes).map((node) => nodeRow(node, types))));
  if (graph.nodes.length > maxNodes) lines.push(`  ... ${graph.nodes.length - maxNodes} more`);
  lines.push(`outputs (${graph.outputs.length})`, ...aligned(graph.outputs.map(infoRow)));
  return lines.join("\n") + "\n";
}

function headWords(model: Model): string {
  const opsets = Object.entries(model.opsets).map(
    ([domain, version]) => `${domain === "" ? "ai.onnx" : domain} ${version}`,
  );
  const files = externalFiles(model);
  return [
    `IR ${model.irVersion}`,
    `opset ${opsets.join(", ")}`,
    ...(model.producer === "" ? [] : [`by ${`${model.producer} ${model.producerVersion}`.trim()}`]),
    ...(files.length === 0 ? [] : [`data in ${files.join(", ")}`]),
  ].join("; ");
}

function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(72, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

function infoRow({ name, type }: ValueInfo): [string, string] {
  return [name, typeWords(type)];
}

function typeWords(type: ValueType): string {
  if (type.kind !== "tensor") return type.kind;
  const dims = type.shape?.map((dim: Dim) => dim ?? "?").join(", ") ?? "...";
  return `${type.elementType}[${dims}]`;
}

function parameterWords(tensors: readonly Tensor[]): string {
  const values = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const bytes = tensors.reduce(
    (sum, { shape, elementType }) =>
      sum + (isDtype(elementType) ? elementCount(shape) * bytesPerElement(elementType) : 0),
    0,
  );
  return `${tensors.length} tensors, ${values} values, ${bytes} bytes`;
}

function tensorWords(tensor: Tensor): string {
  const { payload } = tensor;
  const type = `${tensor.elementType}[${tensor.shape.join(", ")}]`;
  if (payload.kind === "external") return `${type} in ${payload.location}`;
  if (payload.kind !== "array" || payload.array.data.length > 8) return type;
  return `${type} = ${Array.from(payload.array.data, String).join(", ")}`;
}

function nodeRow(node: Node, types: ReadonlyMap<string, ValueType>): [string, string] {
  const attributes = Object.entries(node.attributes).map(([k, v]) => `${k}=${attributeWords(v)}`);
  const inputs = node.inputs.map((input) => (input === "" ? "-" : input));
  const domain = node.domain === "" ? "" : `${node.domain}.`;
  const call = `${domain}${node.opType}(${[...inputs, ...attributes].join(", ")})`;
  const made = node.outputs.map((output) => {
    const type = types.get(output);
    return type === undefined ? "" : typeWords(type);
  });
  return [`${node.outputs.join(", ")} = ${call}`, made.filter((words) => words !== "").join(" ")];
}

function attributeWords(attribute: Attribute): string {
  switch (attribute.kind) {
    case "float":
    case "int":
      return String(attribute.value);
    case "string":
      return JSON.stringify(attribute.value);
    case "floats":
    case "ints":
      return `[${attribute.value.join(", ")}]`;
    case "strings":
      return JSON.stringify(attribute.value);
    case "tensor":
      return tensorWords(attribute.value);
    case "tensors":
      return `${attribute.value.length} tensors`;
    case "graph":
      return `graph of ${attribute.value.nodes.length} nodes`;
    case "graphs":
      return `${attribute.value.length} graphs`;
    case "reference":
      return `@${attribute.value}`;
  }
}
