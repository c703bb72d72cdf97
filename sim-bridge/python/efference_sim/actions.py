"""Checks a chunk of actions against the action spec, before the simulator executes any of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

from .environment import ComponentSpec

# Above this, float32 no longer holds every integer, so an index could not travel in an action row.
MAX_FLOAT32_INTEGER = 2**24

Block = NDArray[np.float32]
Check = Callable[[Block], "str | None"]


def _integers(block: Block) -> bool:
    return bool((block == np.floor(block)).all())


def _category_check(spec: ComponentSpec) -> Check:
    counts = np.broadcast_to(np.asarray(spec.categories, dtype=np.float64), (spec.width,))

    def check(block: Block) -> str | None:
        if _integers(block) and bool(((block >= 0) & (block < counts)).all()):
            return None
        wrong = ~((block == np.floor(block)) & (block >= 0) & (block < counts))
        row, entry = (int(index) for index in np.argwhere(wrong)[0])
        top = int(counts[entry]) - 1
        return f"is {block[row, entry]:g} at row {row}, entry {entry}, must be an integer from 0 to {top}"

    return check


def _binary_check(block: Block) -> str | None:
    wrong = (block != 0) & (block != 1)
    if not wrong.any():
        return None
    row, entry = (int(index) for index in np.argwhere(wrong)[0])
    return f"is {block[row, entry]:g} at row {row}, entry {entry}, must be 0 or 1"


def _text_check(spec: ComponentSpec) -> Check:
    size = len(spec.charset or "")
    shortest = spec.min_length or 0

    def check(block: Block) -> str | None:
        if not _integers(block) or bool(((block < -1) | (block >= size)).any()):
            return f"has an entry that is no index, must be integers from 0 to {size - 1}, or -1 after the end"
        used = block >= 0
        lengths = used.sum(axis=1)
        if not (used == (np.arange(spec.width) < lengths[:, None])).all():
            return "has a character after the padding, must be padded with -1 at the end only"
        if lengths.min() < shortest:
            return f"has {int(lengths.min())} characters, must have at least {shortest}"
        return None

    return check


def _integer_range_check(dtype: str) -> Check:
    limits = np.iinfo(dtype)

    def check(block: Block) -> str | None:
        rounded = np.rint(block.astype(np.float64))
        # float64 cannot hold 2^63 - 1 nor 2^64 - 1; one less would still round up to the power of two.
        too_high = rounded >= float(limits.max) + (0.0 if limits.bits == 64 else 1.0)
        if not ((rounded < float(limits.min)) | too_high).any():
            return None
        return f"has a value outside {dtype}, must be from {limits.min} to {limits.max}"

    return check


def _check_of(spec: ComponentSpec) -> Check | None:
    if spec.format in ("discrete", "multi_discrete"):
        return _category_check(spec)
    if spec.format == "binary" or spec.dtype == "bool":
        return _binary_check
    if spec.format == "text":
        return _text_check(spec)
    if np.dtype(np.uint16 if spec.dtype == "bfloat16" else spec.dtype).kind in "iu" and (spec.dtype != "bfloat16"):
        return _integer_range_check(spec.dtype)
    return None


class ActionChecker:
    """Prepared once from a spec; ``check`` runs on every chunk."""

    def __init__(self, components: Sequence[ComponentSpec]) -> None:
        self.action_dim = sum(spec.width for spec in components)
        self._components = list(components)
        self._checks: list[tuple[str, slice, Check]] = []
        start = 0
        for spec in components:
            check = _check_of(spec)
            if check is not None and spec.width > 0:
                self._checks.append((spec.name, slice(start, start + spec.width), check))
            start += spec.width

    def check(self, chunk: NDArray[Any]) -> None:
        """Raises ValueError naming the component whose numbers the spec forbids.

        ``chunk`` is ``float32[horizon, action_dim]``.
        """
        if chunk.ndim != 2 or chunk.shape[1] != self.action_dim:
            shape = ", ".join(str(dim) for dim in chunk.shape)
            raise ValueError(f"action chunk is float32[{shape}], must be float32[horizon, {self.action_dim}]")
        if not np.isfinite(chunk).all():
            row, entry = (int(index) for index in np.argwhere(~np.isfinite(chunk))[0])
            name = self._name_at(entry)
            value = float(chunk[row, entry])
            raise ValueError(f'action component "{name}" is {value} at row {row}, must be finite')
        for name, columns, check in self._checks:
            problem = check(chunk[:, columns])
            if problem is not None:
                raise ValueError(f'action component "{name}" {problem}')

    def _name_at(self, entry: int) -> str:
        end = 0
        for spec in self._components:
            end += spec.width
            if entry < end:
                return spec.name
        raise IndexError(entry)
