"""What a decoder refuses, and the checks of plain values that both directions share."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import WireError

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Per message unless it says otherwise; the same figures as the runtime's."""

    max_message_bytes: int = 256 * MIB
    # Frame 0: names, texts, JSON and snapshots.
    max_header_bytes: int = 64 * MIB
    max_tensors: int = 4096
    # Dimensions of one tensor or component.
    max_rank: int = 8
    # UTF-16 units, as the runtime counts them.
    max_name_length: int = 256
    max_text_length: int = 65_536
    # Entries of a list: tasks, steps, components, bounds, map entries.
    max_list_length: int = 65_536
    max_json_depth: int = 32


DEFAULT_LIMITS = Limits()


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_name(name: str, what: str, limits: Limits = DEFAULT_LIMITS) -> str:
    """A name of 1 to ``max_name_length`` characters. ``__proto__`` is refused, for it is no key in JavaScript."""
    length = _utf16_length(name)
    if length > limits.max_name_length:
        raise WireError("too_large", f"name of {what} has {length} characters, must have 1 to {limits.max_name_length}")
    if name in ("", "__proto__"):
        raise WireError("bad_value", f'name of {what} is "{name}", must be neither empty nor "__proto__"')
    return name


def check_text(text: str, what: str, limits: Limits = DEFAULT_LIMITS) -> str:
    length = _utf16_length(text)
    if length > limits.max_text_length:
        raise WireError("too_large", f"{what} has {length} characters, must have at most {limits.max_text_length}")
    return text


def check_length(length: int, what: str, limits: Limits = DEFAULT_LIMITS) -> None:
    if length > limits.max_list_length:
        raise WireError("too_large", f"{what} has {length} entries, must have at most {limits.max_list_length}")


def check_finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise WireError("non_finite", f"{what} is {value}, must be finite")
    return value


def check_positive(value: float, what: str) -> float:
    if not 0 < value < math.inf:
        raise WireError("bad_value", f"{what} is {value}, must be finite and above 0")
    return value


def check_safe(value: int, what: str, least: int = 0) -> int:
    """An integer that a JavaScript number holds."""
    if not least <= value < 2**53:
        raise WireError("bad_value", f"{what} is {value}, must be in [{least}, 2^53)")
    return value


def check_unique(names: Sequence[str], what: str, limits: Limits = DEFAULT_LIMITS) -> None:
    check_length(len(names), f"list of {what}s", limits)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise WireError("bad_value", f'{what} "{name}" appears twice, must be unique')
        seen.add(name)


def check_json(value: Any, what: str, depth_left: int) -> None:
    """Refuses numbers that JSON cannot hold and too deep a nesting."""
    if isinstance(value, float):
        check_finite(value, f"a number in {what}")
        return
    if value is None or isinstance(value, (str, bool, int)):
        return
    if not isinstance(value, (Mapping, list, tuple)):
        raise WireError("bad_value", f"{what} has a {type(value).__name__}, which JSON cannot hold")
    if depth_left == 0:
        raise WireError("too_large", f"{what} is nested too deeply, must be flatter")
    for member in value.values() if isinstance(value, Mapping) else value:
        check_json(member, what, depth_left - 1)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def parse_json(text: str, what: str, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of a JSON field."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise WireError("too_large", f"{what} is nested too deeply, must be flatter") from None
    except ValueError:
        raise WireError("malformed", f"{what} is not JSON, must be") from None
    check_json(value, what, limits.max_json_depth)
    return value


def json_text(value: Any, what: str, limits: Limits = DEFAULT_LIMITS) -> str:
    """Compact JSON of a value."""
    check_json(value, what, limits.max_json_depth)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
