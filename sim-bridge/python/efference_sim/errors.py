"""Why bytes or values were refused; the codes travel in ``Error.code``."""

from __future__ import annotations


class WireError(ValueError):
    """Bytes that are no message of this protocol, or values that no message may hold.

    ``code`` is one of ``protocol_version``, ``malformed`` (bytes), ``bad_tensor`` (dtype, shape, data),
    ``bad_value``, ``non_finite`` and ``too_large``.
    """

    def __init__(self, code: str, problem: str, seq: int = 0) -> None:
        super().__init__(problem)
        self.code = code
        # Number of the refused message, where that much could be read; else 0.
        self.seq = seq
