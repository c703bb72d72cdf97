"""The protobuf classes of the wire, made at run time from the committed descriptor set.

Generated ``_pb2`` modules are tied to the protobuf release that made them; a serialized descriptor works with
every release from 4.21 on. The descriptors live in a pool of their own, so that they never clash with another
schema in the same process.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTOCOL_VERSION = 1
PROTO_PATH = Path(__file__).with_name("efference.proto")
DESCRIPTOR_PATH = Path(__file__).with_name("efference.binpb")


def fingerprint(proto_text: str) -> str:
    """First 16 hex digits of SHA-256 over the schema without comments and with runs of white space as one space."""
    bare = re.sub(r"//[^\n]*", "", proto_text)
    collapsed = re.sub(r"[ \t\r\n]+", " ", bare).strip(" ")
    return hashlib.sha256(collapsed.encode("utf-8")).hexdigest()[:16]


def _load_pool() -> Any:
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR_PATH.read_bytes())
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _message_class(pool: Any, name: str) -> Any:
    descriptor = pool.FindMessageTypeByName(f"efference.v1.{name}")
    # protobuf 4.21 has only the factory object, 5 and newer only the function.
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


POOL = _load_pool()
SCHEMA_FINGERPRINT = fingerprint(PROTO_PATH.read_text(encoding="utf-8"))

# The one class needed to build and parse: every other message is a field of it.
Envelope = _message_class(POOL, "Envelope")
