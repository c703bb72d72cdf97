"""The golden messages that every implementation of the wire must read alike."""

import json
import struct

import pytest
from google.protobuf import json_format
from support import REPOSITORY

from efference_sim.codec import decode, encode
from efference_sim.errors import WireError
from efference_sim.limits import Limits
from efference_sim.wire import SCHEMA_FINGERPRINT, Envelope

CORPUS = REPOSITORY / "sim-bridge" / "wire" / "corpus"
CASES = sorted(path.stem for path in CORPUS.glob("*.json"))
GOOD = [name for name in CASES if not name.startswith("bad_")]
BAD = [name for name in CASES if name.startswith("bad_")]
JSON_FIELDS = ("sceneJson", "infoJson", "privilegedJson", "thoughtsJson")


def read_frames(name):
    data = (CORPUS / f"{name}.bin").read_bytes()
    (count,) = struct.unpack_from("<I", data, 0)
    offset, frames = 4, []
    for _ in range(count):
        (length,) = struct.unpack_from("<I", data, offset)
        frames.append(data[offset + 4 : offset + 4 + length])
        offset += 4 + length
    assert offset == len(data)
    return frames


def expectation(name):
    return json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))


def with_parsed_json(value):
    """JSON fields as values: two programs may write the same number differently."""
    if isinstance(value, list):
        return [with_parsed_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: json.loads(item) if key in JSON_FIELDS else with_parsed_json(item) for key, item in value.items()}


def snake(name):
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_the_corpus_is_there():
    assert len(GOOD) >= 20
    assert len(BAD) >= 50


@pytest.mark.parametrize("name", GOOD)
def test_a_good_message_is_read_and_written_again(name):
    frames, expected = read_frames(name), expectation(name)
    received = decode(frames)
    assert received.seq == int(expected["envelope"]["seq"])
    again = encode(received.message, received.seq, received.in_reply_to)
    envelope = json_format.MessageToDict(Envelope.FromString(again[0]))
    assert with_parsed_json(envelope) == with_parsed_json(expected["envelope"])
    assert [bytes(frame).hex() for frame in again[1:]] == expected["tensors_hex"]
    if not any(field in json.dumps(expected) for field in JSON_FIELDS):
        assert [bytes(frame) for frame in again] == frames


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_refused_with_its_code(name):
    expected = expectation(name)
    limits = Limits(**{snake(key): value for key, value in expected.get("limits", {}).items()})
    with pytest.raises(WireError) as caught:
        decode(read_frames(name), limits)
    assert caught.value.code == expected["error"]["code"]


def test_the_fingerprint_is_the_corpus_one():
    assert (CORPUS / "fingerprint.txt").read_text(encoding="utf-8").strip() == SCHEMA_FINGERPRINT
