import { lowerBody, liftBody } from "./bodies.ts";
import { envelopeReader } from "./envelope-reader.ts";
import { wireError } from "./errors.ts";
import type { WireLimits } from "./limits.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { Message, MessageKind } from "./messages.ts";
import { PROTOCOL_VERSION } from "./messages.ts";
import { safeInteger } from "./numbers.ts";
import { envelopeType } from "./schema.ts";
import { TensorReader, TensorWriter } from "./tensors.ts";
import type { WireEnvelope } from "./wire-types.ts";

/**
 * One message as ZeroMQ frames: the envelope, then one frame per tensor. Tensor frames are views of
 * the caller's arrays, which must not change until the message is sent. Equal messages give equal
 * bytes: maps and named tensors are written in order of their names.
 *
 * @throws {TypeError} for a tensor whose dtype, shape and data disagree
 * @throws {RangeError} for a value the wire does not allow, such as a non-finite action
 */
export function encodeMessage(message: Message, limits: WireLimits = DEFAULT_LIMITS): Uint8Array[] {
  const tensors = new TensorWriter();
  const { body } = message;
  // Built before the envelope, because it fills `tensors`.
  const wireBody = lowerBody(body, { tensors, limits });
  const header = envelopeType
    .encode({
      protocolVersion: PROTOCOL_VERSION,
      seq: assertSeq(message.seq),
      inReplyTo: safeInteger(message.inReplyTo, "in_reply_to"),
      tensors: tensors.descriptions,
      [body.kind]: wireBody,
    })
    .finish();
  const frames = [header, ...tensors.frames];
  assertSize("encode", frames, limits);
  return frames;
}

/**
 * The message in these frames, every part of it checked. Tensors are views of the frames wherever
 * they are aligned, so the frames must not be reused.
 *
 * @throws {SyntaxError} for bytes that are no message
 * @throws {TypeError} for a tensor whose dtype, shape and frame disagree
 * @throws {RangeError} for values or sizes out of range, and for another protocol version;
 *   every error carries its `WireErrorCode` as `code`
 */
export function decodeMessage(
  frames: readonly Uint8Array[],
  limits: WireLimits = DEFAULT_LIMITS,
): Message {
  const header = frames[0];
  if (header === undefined) {
    throw wireError("malformed", "Cannot decode a message: it has no frame, must have an envelope");
  }
  assertSize("decode", frames, limits);
  const envelope = decodeEnvelope(header);
  if (envelope.protocolVersion !== PROTOCOL_VERSION) {
    throw wireError(
      "protocol_version",
      `Cannot decode a message: protocol_version is ${envelope.protocolVersion}, must be ${PROTOCOL_VERSION}`,
    );
  }
  const { body: kind } = envelope;
  if (kind === undefined) {
    throw wireError(
      "malformed",
      "Cannot decode a message: its body is none this version knows, must be one of protocol.md",
    );
  }
  const tensors = new TensorReader(envelope.tensors, { frames, limits });
  const body = liftBody<MessageKind>(kind, envelope[kind], {
    tensors,
    limits,
  });
  tensors.finish();
  return {
    seq: assertSeq(safeInteger(envelope.seq, "seq")),
    inReplyTo: safeInteger(envelope.inReplyTo, "in_reply_to"),
    body,
  };
}

function decodeEnvelope(header: Uint8Array): WireEnvelope {
  try {
    return envelopeType.decode(envelopeReader(header)) as object as WireEnvelope;
  } catch (cause) {
    throw wireError(
      "malformed",
      "Cannot decode a message: its first frame is no envelope, must be",
      cause,
    );
  }
}

function assertSeq(seq: number): number {
  if (!Number.isSafeInteger(seq) || seq < 1) {
    throw wireError("bad_value", `Cannot accept a message: seq is ${seq}, must be at least 1`);
  }
  return seq;
}

function assertSize(action: string, frames: readonly Uint8Array[], limits: WireLimits): void {
  let bytes = 0;
  for (const frame of frames) bytes += frame.byteLength;
  const headerBytes = (frames[0] as Uint8Array).byteLength;
  const tooMuch =
    bytes > limits.maxMessageBytes
      ? `it has ${bytes} bytes, must have at most ${limits.maxMessageBytes}`
      : headerBytes > limits.maxHeaderBytes
        ? `its envelope has ${headerBytes} bytes, must have at most ${limits.maxHeaderBytes}`
        : frames.length - 1 > limits.maxTensors
          ? `it has ${frames.length - 1} tensors, must have at most ${limits.maxTensors}`
          : undefined;
  if (tooMuch !== undefined) throw wireError("too_large", `Cannot ${action} a message: ${tooMuch}`);
}
