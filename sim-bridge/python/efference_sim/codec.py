"""Frames to messages and back: frame 0 is the protobuf envelope, frames 1..n are raw tensors.

Nothing here executes what it reads: no pickle, no object dtype; sizes, counts and depths are limited before
anything is allocated from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

from google.protobuf.message import DecodeError

from ._decode import READERS, Source
from ._encode import WRITERS, Tensors
from .errors import WireError
from .limits import DEFAULT_LIMITS, Limits, check_safe
from .messages import Message, Received
from .tensors import Array, tensor_from
from .wire import PROTOCOL_VERSION, Envelope

Frame = Union[bytes, memoryview]


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
        TypeError: an array's dtype cannot travel. WireError: a name, number or JSON value cannot.
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


def decode(frames: Sequence[Frame], limits: Limits = DEFAULT_LIMITS) -> Received:
    """Reads one multipart message. Arrays are read-only views of the frames.

    Raises:
        WireError: anything but a well-formed message of this protocol version.
    """
    try:
        return _decode(frames, limits)
    except WireError as error:
        raise WireError(error.code, f"Cannot decode a message: {error}", error.seq) from None


def _decode(frames: Sequence[Frame], limits: Limits) -> Received:
    if not frames:
        raise WireError("malformed", "it has no frame, must have an envelope")
    _check_sizes(frames, limits)
    try:
        envelope = Envelope.FromString(bytes(frames[0]))
    except DecodeError:
        raise WireError("malformed", "its first frame is no envelope, must be") from None
    if envelope.protocol_version != PROTOCOL_VERSION:
        problem = f"protocol_version is {envelope.protocol_version}, must be {PROTOCOL_VERSION}"
        raise WireError("protocol_version", problem)
    field = envelope.WhichOneof("body")
    if field is None:
        raise WireError("malformed", "its body is none this version knows, must be one of protocol.md")
    seq = check_safe(envelope.seq, "seq", 1)
    in_reply_to = check_safe(envelope.in_reply_to, "in_reply_to")
    try:
        source = Source(_read_tensors(envelope.tensors, frames[1:], limits), limits)
        message = READERS[field](getattr(envelope, field), source)
        source.finish()
    except WireError as error:
        error.seq = seq
        raise
    return Received(seq, in_reply_to, message)


def _check_sizes(frames: Sequence[Frame], limits: Limits) -> None:
    total = sum(memoryview(frame).nbytes for frame in frames)
    header = memoryview(frames[0]).nbytes
    count = len(frames) - 1
    for found, most, what in (
        (total, limits.max_message_bytes, "bytes"),
        (header, limits.max_header_bytes, "bytes of envelope"),
        (count, limits.max_tensors, "tensors"),
    ):
        if found > most:
            raise WireError("too_large", f"it has {found} {what}, must have at most {most}")


def _read_tensors(described: Any, frames: Sequence[Frame], limits: Limits) -> list[Array]:
    if len(described) != len(frames):
        raise WireError("bad_tensor", f"{len(frames)} tensor frames arrived, must be {len(described)}")
    tensors = []
    for number, (tensor, frame) in enumerate(zip(described, frames)):
        if len(tensor.shape) > limits.max_rank:
            rank = len(tensor.shape)
            raise WireError("too_large", f"tensor {number} has {rank} dimensions, must have at most {limits.max_rank}")
        for dim in tensor.shape:
            check_safe(dim, "a tensor dimension")
        try:
            tensors.append(tensor_from(tensor.dtype, tensor.shape, frame))
        except WireError as error:
            raise WireError(error.code, f"tensor {number}: {error}") from None
    return tensors
