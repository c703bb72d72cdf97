"""Frames to messages and back: frame 0 is the protobuf envelope, frames 1..n are raw tensors.

Nothing here executes what it reads: no pickle, no object dtype; sizes, counts and depths are limited before
anything is allocated from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

from google.protobuf.message import DecodeError as ProtobufDecodeError

from ._decode import READERS, DecodeError
from ._encode import WRITERS, Tensors
from .messages import Message, Received
from .tensors import MAX_RANK, tensor_from
from .wire import PROTOCOL_VERSION, Envelope

__all__ = ["DEFAULT_LIMITS", "DecodeError", "Encoded", "Limits", "decode", "encode", "pack"]

Frame = Union[bytes, memoryview]


@dataclass(frozen=True)
class Limits:
    """What a decoder accepts at most."""

    max_message_bytes: int = 256 * 1024 * 1024
    max_envelope_bytes: int = 16 * 1024 * 1024
    max_frames: int = 4097


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Encoded:
    """A message that waits for its place in the conversation."""

    envelope: Any
    tensors: list[memoryview]

    @property
    def nbytes(self) -> int:
        return int(self.envelope.ByteSize()) + sum(frame.nbytes for frame in self.tensors)

    def frames(self, seq: int) -> list[Frame]:
        """The multipart message under sequence number ``seq``."""
        self.envelope.seq = seq
        return [self.envelope.SerializeToString(deterministic=True), *self.tensors]


def pack(message: Message, in_reply_to: int = 0) -> Encoded:
    """Everything of the encoding but the sequence number, which the sender's thread counts.

    Raises:
        TypeError: an array's dtype cannot travel. ValueError: a number or JSON value cannot.
    """
    envelope = Envelope(protocol_version=PROTOCOL_VERSION, in_reply_to=in_reply_to)
    field, write = WRITERS[type(message)]
    tensors = Tensors(envelope)
    body = getattr(envelope, field)
    body.SetInParent()
    write(body, message, tensors)
    return Encoded(envelope, tensors.frames)


def encode(message: Message, seq: int, in_reply_to: int = 0) -> list[Frame]:
    """One message as multipart frames."""
    return pack(message, in_reply_to).frames(seq)


def _check_sizes(frames: Sequence[Frame], limits: Limits) -> None:
    if not 1 <= len(frames) <= limits.max_frames:
        raise DecodeError(f"it has {len(frames)} frames, must have 1 to {limits.max_frames}", "too_large")
    envelope_bytes = memoryview(frames[0]).nbytes
    if envelope_bytes > limits.max_envelope_bytes:
        problem = f"its envelope has {envelope_bytes} bytes, must have at most {limits.max_envelope_bytes}"
        raise DecodeError(problem, "too_large")
    total = sum(memoryview(frame).nbytes for frame in frames)
    if total > limits.max_message_bytes:
        problem = f"it has {total} bytes, must have at most {limits.max_message_bytes}"
        raise DecodeError(problem, "too_large")


def decode(frames: Sequence[Frame], limits: Limits = DEFAULT_LIMITS) -> Received:
    """Reads one multipart message. Arrays are read-only views of the frames.

    Raises:
        DecodeError: anything but a well-formed message of this protocol version.
    """
    _check_sizes(frames, limits)
    try:
        envelope = Envelope.FromString(bytes(frames[0]))
    except ProtobufDecodeError:
        raise DecodeError("frame 0 is no Envelope, must be one") from None
    if envelope.protocol_version != PROTOCOL_VERSION:
        problem = f"protocol_version is {envelope.protocol_version}, must be {PROTOCOL_VERSION}"
        raise DecodeError(problem, "protocol_version")
    if len(envelope.tensors) != len(frames) - 1:
        described = len(envelope.tensors)
        raise DecodeError(f"it has {len(frames) - 1} tensor frames, its envelope describes {described}")
    tensors = []
    for number, (described, frame) in enumerate(zip(envelope.tensors, frames[1:])):
        if len(described.shape) > MAX_RANK:
            raise DecodeError(f"rank of tensor {number} is {len(described.shape)}, must be at most {MAX_RANK}")
        try:
            tensors.append(tensor_from(described.dtype, described.shape, frame))
        except ValueError as error:
            raise DecodeError(f"tensor {number}: {error}") from None
    field = envelope.WhichOneof("body")
    if field is None:
        raise DecodeError("its body is of no known kind, must be one of the schema's")
    return Received(envelope.seq, envelope.in_reply_to, READERS[field](getattr(envelope, field), tensors))
