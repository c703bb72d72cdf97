/**
 * The part of the public ONNX protobuf schema that the runtime reads and writes. Field numbers and
 * types are those of `onnx.proto` (ONNX 1.17, IR version 10); fields that are not listed are skipped
 * when reading and never written.
 */
import protobuf from "protobufjs";

const SCHEMA = `
syntax = "proto2";
package onnx;

message ModelProto {
  optional int64 ir_version = 1;
  optional string producer_name = 2;
  optional string producer_version = 3;
  optional string domain = 4;
  optional int64 model_version = 5;
  optional string doc_string = 6;
  optional GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
  repeated StringStringEntryProto metadata_props = 14;
  repeated FunctionProto functions = 25;
}
message OperatorSetIdProto {
  optional string domain = 1;
  optional int64 version = 2;
}
message StringStringEntryProto {
  optional string key = 1;
  optional string value = 2;
}
message FunctionProto {
  optional string name = 1;
  repeated string input = 4;
  repeated string output = 5;
  repeated string attribute = 6;
  repeated NodeProto node = 7;
  optional string doc_string = 8;
  repeated OperatorSetIdProto opset_import = 9;
  optional string domain = 10;
  repeated AttributeProto attribute_proto = 11;
}
message GraphProto {
  repeated NodeProto node = 1;
  optional string name = 2;
  repeated TensorProto initializer = 5;
  optional string doc_string = 10;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
  repeated ValueInfoProto value_info = 13;
  repeated SparseTensorProto sparse_initializer = 15;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  optional string name = 3;
  optional string op_type = 4;
  repeated AttributeProto attribute = 5;
  optional string doc_string = 6;
  optional string domain = 7;
}
message AttributeProto {
  optional string name = 1;
  optional float f = 2;
  optional int64 i = 3;
  optional bytes s = 4;
  optional TensorProto t = 5;
  optional GraphProto g = 6;
  repeated float floats = 7 [packed = false];
  repeated int64 ints = 8 [packed = false];
  repeated bytes strings = 9;
  repeated TensorProto tensors = 10;
  repeated GraphProto graphs = 11;
  optional int32 type = 20;
  optional string ref_attr_name = 21;
}
message ValueInfoProto {
  optional string name = 1;
  optional TypeProto type = 2;
  optional string doc_string = 3;
}
message TypeProto {
  message Tensor {
    optional int32 elem_type = 1;
    optional TensorShapeProto shape = 2;
  }
  message Sequence {
    optional TypeProto elem_type = 1;
  }
  message Opaque {}
  oneof value {
    Tensor tensor_type = 1;
    Sequence sequence_type = 4;
    Opaque map_type = 5;
    Opaque sparse_tensor_type = 8;
    Opaque optional_type = 9;
  }
}
message TensorShapeProto {
  message Dimension {
    oneof value {
      int64 dim_value = 1;
      string dim_param = 2;
    }
  }
  repeated Dimension dim = 1;
}
message SparseTensorProto {
  optional TensorProto values = 1;
}
message TensorProto {
  repeated int64 dims = 1 [packed = false];
  optional int32 data_type = 2;
  repeated float float_data = 4 [packed = true];
  repeated int32 int32_data = 5 [packed = true];
  repeated bytes string_data = 6;
  repeated int64 int64_data = 7 [packed = true];
  optional string name = 8;
  optional bytes raw_data = 9;
  repeated double double_data = 10 [packed = true];
  repeated uint64 uint64_data = 11 [packed = true];
  repeated StringStringEntryProto external_data = 13;
  optional int32 data_location = 14;
}
`;

/** What protobufjs makes of an int64: a number where no 64-bit type is at hand, else a Long. */
export type Int64 =
  number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

export interface EntryProto {
  key?: string;
  value?: string;
}
export interface OpsetProto {
  domain?: string;
  version?: Int64;
}
export interface TensorProto {
  dims?: readonly Int64[];
  data_type?: number;
  float_data?: readonly number[];
  int32_data?: readonly number[];
  string_data?: readonly Uint8Array[];
  int64_data?: readonly Int64[];
  name?: string;
  raw_data?: Uint8Array;
  double_data?: readonly number[];
  uint64_data?: readonly Int64[];
  external_data?: readonly EntryProto[];
  data_location?: number;
}
export interface DimensionProto {
  dim_value?: Int64;
  dim_param?: string;
}
export interface TypeProto {
  tensor_type?: { elem_type?: number; shape?: { dim?: readonly DimensionProto[] } };
  sequence_type?: { elem_type?: TypeProto };
  map_type?: object;
  sparse_tensor_type?: object;
  optional_type?: object;
}
export interface ValueInfoProto {
  name?: string;
  type?: TypeProto;
  doc_string?: string;
}
export interface AttributeProto {
  name?: string;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: readonly number[];
  ints?: readonly Int64[];
  strings?: readonly Uint8Array[];
  tensors?: readonly TensorProto[];
  graphs?: readonly GraphProto[];
  type?: number;
  ref_attr_name?: string;
}
export interface NodeProto {
  input?: readonly string[];
  output?: readonly string[];
  name?: string;
  op_type?: string;
  attribute?: readonly AttributeProto[];
  doc_string?: string;
  domain?: string;
}
export interface GraphProto {
  node?: readonly NodeProto[];
  name?: string;
  initializer?: readonly TensorProto[];
  doc_string?: string;
  input?: readonly ValueInfoProto[];
  output?: readonly ValueInfoProto[];
  value_info?: readonly ValueInfoProto[];
  sparse_initializer?: readonly object[];
}
export interface FunctionProto {
  name?: string;
  input?: readonly string[];
  output?: readonly string[];
  attribute?: readonly string[];
  node?: readonly NodeProto[];
  doc_string?: string;
  opset_import?: readonly OpsetProto[];
  domain?: string;
  attribute_proto?: readonly AttributeProto[];
}
export interface ModelProto {
  ir_version?: Int64;
  producer_name?: string;
  producer_version?: string;
  domain?: string;
  model_version?: Int64;
  doc_string?: string;
  graph?: GraphProto;
  opset_import?: readonly OpsetProto[];
  metadata_props?: readonly EntryProto[];
  functions?: readonly FunctionProto[];
}

const modelType = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType("onnx.ModelProto");

/**
 * Raw protobuf decoding; `bytes` fields are views into `bytes`.
 * @throws {SyntaxError} if the bytes are no such message
 */
export function decodeModelProto(bytes: Uint8Array): ModelProto {
  try {
    return modelType.decode(bytes) as unknown as ModelProto;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(
      `Cannot read ONNX model: the protobuf is corrupt (${reason}), must be a serialised ModelProto`,
      { cause: error },
    );
  }
}

export function encodeModelProto(proto: ModelProto): Uint8Array {
  // In Node this is a Buffer; a plain view of it behaves the same everywhere.
  const bytes = modelType.encode(modelType.create(proto)).finish();
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
