/**
 * The protobuf schemas of an episode: Foxglove's well-known ones, as its package generates them, and our
 * own from `efference-episode.proto`. Node only; a reader needs none of this.
 */
import { readFileSync } from "node:fs";
import type {
  FoxgloveEnumSchema,
  FoxgloveMessageSchema,
} from "@foxglove/schemas/dist/internal/types.js";
import foxglove from "@foxglove/schemas/internal.js";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";

export type SchemaName =
  | "foxglove.CompressedImage"
  | "foxglove.CameraCalibration"
  | "foxglove.FrameTransforms"
  | "foxglove.SceneUpdate"
  | "foxglove.Log"
  | "efference.Step"
  | "efference.Decision"
  | "efference.Thought"
  | "efference.Event"
  | "efference.SceneDescription";

let root: protobuf.Root | undefined;
const descriptors = new Map<SchemaName, Uint8Array>();

/** Encodes a message given as a plain object with the field names of its schema. */
export function encodeMessage(schema: SchemaName, message: object): Uint8Array {
  return schemaRoot().lookupType(schema).encode(message).finish();
}

/** A serialised `google.protobuf.FileDescriptorSet` of the message and everything it uses. */
export function descriptorOf(schema: SchemaName): Uint8Array {
  const known = descriptors.get(schema);
  if (known !== undefined) return known;
  const types = new Set<protobuf.Type>();
  collectTypes(schemaRoot().lookupType(schema), types);
  const file = [...types].map(fileDescriptor);
  const encoded = descriptor.FileDescriptorSet.encode({ file }).finish();
  descriptors.set(schema, encoded);
  return encoded;
}

/** Made on first use, once per process. */
function schemaRoot(): protobuf.Root {
  root ??= buildRoot();
  return root;
}

function buildRoot(): protobuf.Root {
  const made = new protobuf.Root();
  const options = { keepCase: true };
  for (const name of ["timestamp", "duration"]) {
    const common = protobuf.common.get(`google/protobuf/${name}.proto`);
    if (common?.nested !== undefined && common.nested !== null) made.addJSON(common.nested);
  }
  for (const text of foxgloveProtos()) protobuf.parse(text, made, options);
  const own = readFileSync(new URL("./efference-episode.proto", import.meta.url), "utf8");
  protobuf.parse(own, made, options);
  made.resolveAll();
  return made;
}

function foxgloveProtos(): string[] {
  const enums: FoxgloveEnumSchema[] = Object.values(foxglove.foxgloveEnumSchemas);
  return Object.values(foxglove.foxgloveMessageSchemas as Record<string, FoxgloveMessageSchema>)
    .filter(({ name }) => name !== "Time" && name !== "Duration")
    .map((schema) => {
      const nested = enums.filter(({ parentSchemaName }) => parentSchemaName === schema.name);
      // All types share one root here, so nothing is to be imported.
      return foxglove.generateProto(schema, nested).replace(/^import "[^"]+";$/gm, "");
    });
}

/** Dependencies first, as a descriptor pool wants them. */
function collectTypes(type: protobuf.Type, into: Set<protobuf.Type>): void {
  for (const field of type.fieldsArray) {
    if (field.resolvedType instanceof protobuf.Type && field.resolvedType !== type) {
      collectTypes(field.resolvedType, into);
    }
  }
  into.add(type);
}

function fileName(type: protobuf.Type): string {
  const path = type.fullName.slice(1).replaceAll(".", "/");
  return path.startsWith("google/") ? `${path.toLowerCase()}.proto` : `${path}.proto`;
}

function fileDescriptor(type: protobuf.Type): protobuf.Message {
  const message = type.toDescriptor("proto3");
  const dependency = new Set<string>();
  for (const [i, field] of type.fieldsArray.entries()) {
    const used = field.resolvedType;
    if (used === null) continue;
    // Full names: relative ones are looked up differently by different readers.
    const described = message.field?.[i];
    if (described !== undefined && described !== null) described.typeName = used.fullName;
    if (used instanceof protobuf.Type && used !== type) dependency.add(fileName(used));
  }
  return descriptor.FileDescriptorProto.create({
    name: fileName(type),
    package: type.parent?.fullName.slice(1) ?? "",
    syntax: "proto3",
    dependency: [...dependency],
    messageType: [message],
  });
}
