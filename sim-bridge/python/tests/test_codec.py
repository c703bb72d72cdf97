"""Round trips, refusals, and a decoder that only ever answers with a message or a WireError."""

import pickle
import random
import struct

import numpy as np
import pytest
from support import REPOSITORY

from efference_sim import messages as m
from efference_sim.codec import decode, encode
from efference_sim.environment import Observation, ResetRequest, TimeStep, Want
from efference_sim.errors import WireError
from efference_sim.tensors import NUMPY_DTYPES, BFloat16, tensor_bytes
from efference_sim.wire import Envelope


def bits_of(dtype, shape, seed=0):
    """Every bit pattern may occur, NaN included, except in bools."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(2, size=shape).astype(bool)
    raw = rng.integers(0, 256, int(np.prod(shape)) * NUMPY_DTYPES[dtype].itemsize).astype(np.uint8)
    array = raw.view(NUMPY_DTYPES[dtype]).reshape(shape)
    return BFloat16(array) if dtype == "bfloat16" else array


def raw(array):
    return bytes(tensor_bytes(array))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0, 4), (2, 1, 2, 2)])
@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_every_dtype_and_shape_survives_bit_by_bit(dtype, shape):
    sent = bits_of(dtype, shape)
    observation = Observation(proprio={"x": sent}, images={"i": np.zeros((1, 1, 3), np.uint8)})
    frames = encode(m.Decide(observation), 3, 2)
    received = decode(frames)
    got = received.message.observation.proprio["x"]
    assert (received.seq, received.in_reply_to) == (3, 2)
    assert type(got) is type(sent)
    assert raw(got) == raw(sent)
    assert (got.bits if dtype == "bfloat16" else got).shape == shape
    if dtype != "bfloat16":
        assert got.dtype == NUMPY_DTYPES[dtype]


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float16", "float32", "float64", "int64"])
def test_big_endian_and_strided_arrays_travel_as_little_endian_c_order(dtype):
    plain = np.arange(12).reshape(3, 4).astype(dtype)
    for odd in (plain.astype(plain.dtype.newbyteorder(">")), np.asfortranarray(plain), plain[:, ::-1][:, ::-1]):
        assert raw(odd) == plain.tobytes()


@pytest.mark.parametrize("bad", [np.array([object()]), np.array(["a"]), np.array([1j]), np.array([1], "M8[s]")])
def test_arrays_without_a_place_on_the_wire_are_refused(bad):
    with pytest.raises(TypeError, match="dtype"):
        encode(m.Decide(Observation(proprio={"x": bad})), 1)


def test_bfloat16_is_rounded_to_nearest_even():
    values = np.array([1.0, -2.5, 3.14159, 1e-40, np.inf, -np.inf, 0.0, -0.0, 1.00390625, 1.01171875], np.float32)
    got = BFloat16.of(values).to_float32()
    expected = [1.0, -2.5, 3.140625, 2.0**-133, np.inf, -np.inf, 0.0, -0.0, 1.0, 1.015625]
    np.testing.assert_allclose(got, np.array(expected, np.float32), rtol=1e-5, atol=0)
    assert np.isnan(BFloat16.of(np.array([np.nan], np.float32)).to_float32()).all()


def test_a_pickle_is_refused_and_never_run():
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the decoder ran a pickle",))

    payload = pickle.dumps(Bomb())
    envelope = Envelope(protocol_version=1, seq=1)
    envelope.tensors.add(dtype="object", shape=[1])
    envelope.decide.observation.proprio.add(name="x", index=0)
    with pytest.raises(WireError) as caught:
        decode([envelope.SerializeToString(), payload])
    assert caught.value.code == "bad_tensor"
    with pytest.raises(WireError):
        decode([payload])


def test_decoded_arrays_cannot_be_written_to():
    frames = encode(m.Step(np.ones((1, 2), np.float32)), 1)
    chunk = decode([bytes(frame) for frame in frames]).message.chunk
    with pytest.raises(ValueError, match="read-only"):
        chunk[0, 0] = 2


def test_a_privileged_scene_of_the_wrong_form_is_not_sent():
    with pytest.raises(WireError, match="privileged_json"):
        encode(m.Decide(Observation(privileged={"entities": []})), 1)


def sample_messages():
    observation = Observation(
        images={"front": np.arange(18, dtype=np.uint8).reshape(2, 3, 3)},
        proprio={"q": np.array([1.5, -2.0]), "b": np.array([True, False])},
        texts={"chat": "grüß"},
        instruction="go",
        step=4,
        stamp_ns=2**40,
    )
    mid = TimeStep("mid", observation, 0.25, busy_ns=7, poses=np.zeros((2, 7)), info={"a": [1, None, "x"]})
    want = Want(images=("front",), images_at="every", poses=True)
    return [
        m.Step(np.ones((2, 3), np.float32), want),
        m.StepDone([mid, TimeStep("last", observation, 1.0, terminated=True, success=True)]),
        m.Reset(ResetRequest("t", 2**53 - 1, initial_state=0, max_steps=9, want=want)),
        m.ResetDone(TimeStep("first", observation), {"bodies": ["world"], "geoms": [], "cameras": []}, "go"),
        m.Restore(b"\0\xff", Want(images="all")),
        m.Decided(np.zeros((1, 2), np.float32), [{"kind": "text", "tag": "plan", "text": "x"}], {"total_ms": 1.5}),
        m.Error("failed", "boom", True),
        m.Close("bye"),
    ]


@pytest.mark.parametrize("message", sample_messages(), ids=lambda message: type(message).__name__)
def test_messages_come_back_equal(message):
    again = decode(encode(message, 5, 4)).message
    assert [bytes(f) for f in encode(again, 5, 4)] == [bytes(f) for f in encode(message, 5, 4)]
    assert type(again) is type(message)


def mutated(frames, rng):
    """One to four random injuries."""
    frames = [bytearray(frame) for frame in frames]
    for _ in range(rng.randint(1, 4)):
        injury = rng.randrange(6)
        frame = rng.choice(frames) if frames else bytearray()
        if injury == 0 and frame:
            frame[rng.randrange(len(frame))] = rng.randrange(256)
        elif injury == 1 and frame:
            del frame[rng.randrange(len(frame)) :]
        elif injury == 2:
            frame.extend(rng.randbytes(rng.randint(1, 9)))
        elif injury == 3 and frames:
            frames.pop(rng.randrange(len(frames)))
        elif injury == 4:
            frames.insert(rng.randint(0, len(frames)), bytearray(rng.randbytes(rng.randint(0, 40))))
        elif frame:
            at = rng.randrange(len(frame))
            frame[at : at + 1] = struct.pack("<Q", rng.randrange(2**64))
    return [bytes(frame) for frame in frames]


def corpus_messages():
    for path in sorted((REPOSITORY / "sim-bridge" / "wire" / "corpus").glob("*.bin")):
        data, offset, frames = path.read_bytes(), 4, []
        for _ in range(struct.unpack_from("<I", data)[0]):
            (length,) = struct.unpack_from("<I", data, offset)
            frames.append(data[offset + 4 : offset + 4 + length])
            offset += 4 + length
        yield frames


def test_ten_thousand_injured_messages_are_decoded_or_refused_but_never_crash():
    rng = random.Random(20260)
    originals = [[bytes(f) for f in encode(message, 1)] for message in sample_messages()]
    originals += list(corpus_messages())
    refused = 0
    for _ in range(10_000):
        frames = mutated(rng.choice(originals), rng)
        try:
            again = decode(frames)
        except WireError as error:
            refused += 1
            assert error.code in {
                "malformed",
                "bad_tensor",
                "bad_value",
                "non_finite",
                "too_large",
                "protocol_version",
            }
        else:
            encode(again.message, again.seq, again.in_reply_to)
    assert 2_000 < refused < 10_000
