"""Whatever an environment puts into ``info``, as JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

MAX_ARRAY_ELEMENTS = 1024
MAX_DEPTH = 16
DROPPED_KEY = "_dropped"


class _Drop(Exception):
    pass


def _value(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _Drop
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        # JSON has no NaN; null is what JavaScript's own JSON.stringify makes of it.
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, np.ndarray):
        if value.size > MAX_ARRAY_ELEMENTS or value.dtype.kind not in "biuf":
            raise _Drop
        return _value(value.tolist(), depth)
    if isinstance(value, Mapping):
        return {str(key): _value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) > MAX_ARRAY_ELEMENTS:
            raise _Drop
        return [_value(item, depth + 1) for item in value]
    raise _Drop


def jsonable(info: Mapping[Any, Any] | None) -> dict[str, Any] | None:
    """The part of ``info`` that JSON can hold; names of the other keys stand under ``_dropped``.

    NumPy scalars and arrays of up to 1024 entries become numbers and lists, NaN and infinities null.
    None where nothing is left to say.
    """
    if not info:
        return None
    kept: dict[str, Any] = {}
    dropped: list[str] = []
    for key, value in info.items():
        try:
            kept[str(key)] = _value(value, 0)
        except _Drop:
            dropped.append(str(key))
    if dropped:
        kept[DROPPED_KEY] = dropped
    return kept
