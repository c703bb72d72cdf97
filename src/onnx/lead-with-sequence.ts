import { encodeModelProto } from "./schema.ts";

/** Of float32 in `TensorProto.DataType`. */
const FLOAT = 1;

/**
 * A serialised model with one more output before its own: an empty sequence of tensors, by the name `name`.
 * Needs operator set 11 or later. Messages that lie one behind the other are one message to protobuf, in
 * which lists are joined, so the model itself is neither read nor changed.
 */
export function leadWithSequence(model: Uint8Array, name: string): Uint8Array {
  const elem_type = { tensor_type: { elem_type: FLOAT } };
  const lead = encodeModelProto({
    graph: {
      node: [{ name, op_type: "SequenceEmpty", output: [name] }],
      output: [{ name, type: { sequence_type: { elem_type } } }],
    },
  });
  const joined = new Uint8Array(lead.length + model.length);
  joined.set(lead);
  joined.set(model, lead.length);
  return joined;
}
