"""What stops an export or a witness, in words for the person who started it."""

from __future__ import annotations


class LiberoError(Exception):
    """LIBERO's packages, assets, tasks or files are not as they must be; the message says what would do."""
