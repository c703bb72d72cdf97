"""Rendered frames as the wire's images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_image(frame: Any) -> NDArray[np.uint8]:
    """``uint8[height, width, 1, 3 or 4]`` from what ``render()`` returned; a grey image gets its channel.

    Raises:
        TypeError: it is no such picture.
    """
    if isinstance(frame, (list, tuple)) and frame:
        frame = frame[-1]
    picture = np.asarray(frame)
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3, 4):
        words = f"{picture.dtype}[{', '.join(str(dim) for dim in picture.shape)}]"
        raise TypeError(f"Cannot use a rendered frame: it is {words}, must be uint8[height, width, 1, 3 or 4]")
    return np.ascontiguousarray(picture)


def _weights(source: int, target: int) -> NDArray[np.float32]:
    """``float32[target, source]``: how much of each source cell every target cell covers; rows sum to 1."""
    edges = np.linspace(0.0, source, target + 1)
    cells = np.arange(source)
    low = np.maximum(edges[:-1, None], cells[None, :])
    high = np.minimum(edges[1:, None], cells[None, :] + 1)
    covered = np.clip(high - low, 0.0, None)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


class AreaResize:
    """Exact area averaging from one fixed size to another; growing repeats pixels."""

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        self._rows = _weights(source[0], target[0])
        self._columns = _weights(source[1], target[1])

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``uint8[height, width, channels]`` of the source size to the target size, rounded half to even."""
        channels = np.moveaxis(picture.astype(np.float32), 2, 0)
        resized = self._rows @ channels @ self._columns.T
        return np.rint(np.moveaxis(resized, 0, 2)).astype(np.uint8)
