"""Reads the official initial states, ``float64[50, 1 + nq + nv]`` rows of time, qpos, qvel, without PyTorch.

A ``.pruned_init`` file is a zip archive whose ``data.pkl`` is the pickle of one NumPy array. Only what such a pickle
needs is let through; a name that it does not need is refused, so nothing in the file can run.
"""

from __future__ import annotations

import codecs
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import LiberoError

MAX_PICKLE_BYTES = 64 * 1024 * 1024


def _allowed() -> dict[tuple[str, str], Any]:
    reconstruct = np.zeros(0).__reduce__()[0]
    table: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): codecs.encode,
    }
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        table[module, "_reconstruct"] = reconstruct
    return table


class _ArrayUnpickler(pickle.Unpickler):
    _table = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._table[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no array needs") from None


def read_initial_states(path: Path) -> NDArray[np.float64]:
    """``float64[states, 1 + nq + nv]``.

    Raises:
        LiberoError: the file is missing or holds anything but one such array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("data.pkl")]
            if len(names) != 1 or archive.getinfo(names[0]).file_size > MAX_PICKLE_BYTES:
                raise LiberoError(f"Cannot read {path}: it must hold exactly one data.pkl, of 64 MiB at most")
            pickled = archive.read(names[0])
        states = _ArrayUnpickler(io.BytesIO(pickled)).load()
    except LiberoError:
        raise
    except Exception as error:  # damaged bytes make both modules raise nearly anything
        raise LiberoError(f"Cannot read {path}: {type(error).__name__}: {error}") from None
    if not isinstance(states, np.ndarray) or states.dtype != np.float64 or states.ndim != 2:
        raise LiberoError(f"Cannot read {path}: it holds no float64 matrix of initial states")
    return states
