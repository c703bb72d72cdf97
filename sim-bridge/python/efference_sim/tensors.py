"""Tensors as raw little-endian bytes in C order, for every dtype of the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from .errors import WireError

# Wire name -> the NumPy dtype that holds it. NumPy has no bfloat16: its bits travel as uint16.
NUMPY_DTYPES: dict[str, np.dtype[Any]] = {
    "bool": np.dtype("bool"),
    "uint8": np.dtype("<u1"),
    "int8": np.dtype("<i1"),
    "uint16": np.dtype("<u2"),
    "int16": np.dtype("<i2"),
    "uint32": np.dtype("<u4"),
    "int32": np.dtype("<i4"),
    "uint64": np.dtype("<u8"),
    "int64": np.dtype("<i8"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
}


_PLAIN = {name: dtype for name, dtype in NUMPY_DTYPES.items() if name != "bfloat16"}
_WIRE_NAMES: dict[np.dtype[Any], str] = {
    **{dtype.newbyteorder("<"): name for name, dtype in _PLAIN.items()},
    **{dtype.newbyteorder(">"): name for name, dtype in _PLAIN.items()},
}


@dataclass(frozen=True)
class BFloat16:
    """The raw bits of a bfloat16 array, ``uint16[*shape]``: the upper half of a float32."""

    bits: NDArray[np.uint16]

    @staticmethod
    def of(values: NDArray[np.float32]) -> BFloat16:
        """Rounds float32 to the nearest bfloat16, ties to even; a NaN stays a (quiet) NaN."""
        wide = np.ascontiguousarray(values, dtype=np.float32)
        words = wide.view(np.uint32).astype(np.uint64)
        rounded = ((words + 0x7FFF + ((words >> 16) & 1)) >> 16).astype(np.uint16)
        quiet = ((words >> 16).astype(np.uint16)) | np.uint16(0x40)
        return BFloat16(np.where(np.isnan(wide), quiet, rounded).astype(np.uint16))

    def to_float32(self) -> NDArray[np.float32]:
        """The exact values as ``float32[*shape]``."""
        wide = np.asarray(self.bits, dtype=np.uint32) << np.uint32(16)
        return wide.view(np.float32)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BFloat16) and np.array_equal(self.bits, other.bits)

    __hash__ = None  # type: ignore[assignment]


Array = Union[NDArray[Any], BFloat16]


def dtype_name(array: Array) -> str:
    """The wire's name of an array's dtype.

    Raises:
        TypeError: the dtype has no name on the wire (object, complex, strings, times, long double).
    """
    if isinstance(array, BFloat16):
        return "bfloat16"
    # A dtype's own `name` is computed anew on every call, which would be a tenth of the time of a small step.
    name = _WIRE_NAMES.get(array.dtype)
    if name is None:
        known = ", ".join(NUMPY_DTYPES)
        raise TypeError(f"Cannot send an array: its dtype is {array.dtype}, must be one of {known}")
    return name


def shape_of(array: Array) -> tuple[int, ...]:
    return tuple(array.bits.shape if isinstance(array, BFloat16) else array.shape)


def tensor_bytes(array: Array) -> memoryview:
    """The array's bytes, little-endian, C order; copies only where the memory is laid out differently."""
    values = array.bits if isinstance(array, BFloat16) else array
    if values.dtype.byteorder == ">" or (values.dtype.byteorder == "=" and not np.little_endian):
        values = values.astype(values.dtype.newbyteorder("<"))
    flat = np.ascontiguousarray(values).reshape(-1)
    return memoryview(flat.view(np.uint8))  # type: ignore[arg-type]


def tensor_from(dtype: str, shape: Sequence[int], data: Any) -> Array:
    """A read-only array over ``data``, any bytes-like object.

    Raises:
        WireError: ``bad_tensor`` for an unknown dtype, a wrong number of bytes, or a bool that is neither 0 nor 1.
    """
    numpy_dtype = NUMPY_DTYPES.get(dtype)
    if numpy_dtype is None:
        raise WireError("bad_tensor", f"its dtype is {dtype!r:.42}, must be one of {', '.join(NUMPY_DTYPES)}")
    expected = prod(shape) * numpy_dtype.itemsize
    length = memoryview(data).nbytes
    if length != expected:
        words = f"{dtype}[{', '.join(str(dim) for dim in shape)}]"
        raise WireError("bad_tensor", f"its frame has {length} bytes, must have {expected} for {words}")
    if expected == 0:
        if any(dim >= 2**31 for dim in shape):
            raise WireError("bad_tensor", f"its shape is {list(shape)}, must have dimensions below 2^31")
        array = np.zeros(tuple(shape), numpy_dtype)
    elif dtype == "bool":
        bits = np.frombuffer(data, np.uint8)
        if bits.max() > 1:
            raise WireError("bad_tensor", "a bool is neither 0 nor 1, must be either")
        array = bits.view(np.bool_).reshape(tuple(shape))
    else:
        array = np.frombuffer(data, numpy_dtype).reshape(tuple(shape))
    return BFloat16(array) if dtype == "bfloat16" else array


def is_finite(array: Array) -> bool:
    """False where any entry is NaN or infinite; integers are always finite."""
    if isinstance(array, BFloat16):
        return bool(np.all((array.bits & 0x7F80) != 0x7F80))
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
