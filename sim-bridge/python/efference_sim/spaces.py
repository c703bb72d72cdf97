"""Spaces of Gymnasium (and look-alikes) as the components, images and texts of a spec, and values both ways.

| space | in an observation | in an action row |
| --- | --- | --- |
| `Box` uint8 [H, W, 1, 3 or 4], bounds 0..255 | image | as any other `Box` |
| other `Box` | component `raw`, own dtype and shape | the entries, rounded for integers |
| `Discrete(n, start)` | `discrete`, the value itself | index 0..n-1, `start` is added |
| `MultiDiscrete(nvec, start)` | `multi_discrete`, the values themselves | indices, `start` is added |
| `MultiBinary` | `binary`, int8 | 0 or 1 |
| `Text` | text | `max_length` indices into the charset, then -1 |
| `Dict`, `Tuple` | one entry per leaf | the leaves' entries in order |

Names of leaves are the keys joined by `/`, with `~` as `~0` and `/` as `~1` inside a key. A space that is not
nested is called `observation` (an image: `image`) or `action`. Spaces are recognised by the names of their classes,
so that neither gym nor gymnasium has to be installed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Callable, Union

import numpy as np
from numpy.typing import NDArray

from .actions import MAX_FLOAT32_INTEGER
from .environment import ComponentSpec, ImageSpec, TextSpec
from .limits import DEFAULT_LIMITS
from .tensors import NUMPY_DTYPES

MAX_STATED_BOUNDS = 4096
Path = tuple[Union[str, int], ...]


class UnsupportedSpaceError(TypeError):
    """A space that has no place on the wire; the message names its path and type."""

    def __init__(self, path: Path, space: Any, why: str) -> None:
        where = path_name(path) or "the top level"
        super().__init__(f"Cannot describe the space at {where}: it is {type(space).__name__}, {why}")


def path_name(path: Path) -> str:
    """Keys joined by `/`; `~` becomes `~0` and `/` becomes `~1` inside a key (as in JSON Pointer)."""
    return "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in path)


_KINDS = ("Box", "Discrete", "MultiDiscrete", "MultiBinary", "Text", "Dict", "Tuple")


def kind_of(space: Any) -> str:
    """Which space it is, by class name along its ancestry, else by its attributes; "" where unknown."""
    for ancestor in type(space).__mro__:
        name = ancestor.__name__
        if name in _KINDS:
            return name
        if name in ("Graph", "Sequence", "OneOf"):
            return ""
        # Named tuples that stand in for spaces where gym is not installed.
        if name.endswith("Space") and name[:-5] in _KINDS:
            return name[:-5]
    return ""


@dataclass(frozen=True)
class Leaf:
    path: Path
    kind: str
    space: Any


def _children(space: Any) -> list[tuple[str | int, Any]]:
    inner = space.spaces
    return list(inner.items()) if hasattr(inner, "items") else list(enumerate(inner))


def leaves_of(space: Any, path: Path = ()) -> Iterator[Leaf]:
    """Every leaf in order. Raises UnsupportedSpaceError."""
    kind = kind_of(space)
    if kind in ("Dict", "Tuple"):
        children = _children(space)
        names = [str(key) for key, _ in children]
        if len(set(names)) != len(names) or "" in names:
            raise UnsupportedSpaceError(path, space, "its keys must be non-empty and differ as text")
        for key, child in children:
            yield from leaves_of(child, (*path, key))
    elif kind == "":
        raise UnsupportedSpaceError(path, space, f"must be one of {', '.join(_KINDS)}")
    else:
        yield Leaf(path, kind, space)


def _dtype_of(leaf: Leaf, fallback: Any) -> np.dtype[Any]:
    given = getattr(leaf.space, "dtype", None)
    dtype = np.dtype(fallback if given is None else given)
    if dtype.name not in NUMPY_DTYPES:
        raise UnsupportedSpaceError(leaf.path, leaf.space, f"its dtype is {dtype}, must be a real number")
    return dtype


def _shape_of(leaf: Leaf) -> tuple[int, ...]:
    shape = tuple(int(dim) for dim in leaf.space.shape)
    if len(shape) > DEFAULT_LIMITS.max_rank:
        raise UnsupportedSpaceError(leaf.path, leaf.space, f"its rank must be at most {DEFAULT_LIMITS.max_rank}")
    return shape


def is_image(leaf: Leaf) -> bool:
    """A `Box` of uint8[H, W, 1, 3 or 4] with the bounds 0 and 255 throughout."""
    space = leaf.space
    if leaf.kind != "Box" or np.dtype(space.dtype) != np.uint8 or len(space.shape) != 3:
        return False
    height, width, channels = space.shape
    if channels not in (1, 3, 4) or height < 1 or width < 1:
        return False
    return bool(np.all(np.asarray(space.low) == 0) and np.all(np.asarray(space.high) == 255))


def _bounds(values: Any, shape: tuple[int, ...]) -> tuple[float, ...]:
    """One number where all agree, one per entry where few, none where unstated or too many to state."""
    flat = np.broadcast_to(np.asarray(values, dtype=np.float64), shape).reshape(-1)
    if flat.size == 0 or np.isnan(flat).any():
        return ()
    if (flat == flat[0]).all():
        return (float(flat[0]),)
    return tuple(flat.tolist()) if flat.size <= MAX_STATED_BOUNDS else ()


def _starts(space: Any, shape: tuple[int, ...]) -> NDArray[np.int64]:
    start = getattr(space, "start", None)
    return np.broadcast_to(np.asarray(0 if start is None else start, dtype=np.int64), shape)


def _charset(space: Any) -> str:
    return "".join(sorted(str(character) for character in space.character_set))


def component_of(leaf: Leaf, name: str) -> ComponentSpec:
    """The spec of one leaf that is neither an image nor an observed text."""
    space = leaf.space
    if leaf.kind == "Box":
        shape = _shape_of(leaf)
        low, high = _bounds(space.low, shape), _bounds(space.high, shape)
        dtype = _dtype_of(leaf, np.float32)
        return ComponentSpec(name, "raw", dtype.name, shape, low=low, high=high)
    if leaf.kind in ("Discrete", "MultiDiscrete"):
        return _category_component(leaf, name)
    if leaf.kind == "MultiBinary":
        return ComponentSpec(name, "binary", _dtype_of(leaf, np.int8).name, _shape_of(leaf))
    charset = _charset(space)
    return ComponentSpec(
        name,
        "text",
        "int32",
        (int(space.max_length),),
        charset=charset,
        min_length=int(space.min_length),
    )


def _category_component(leaf: Leaf, name: str) -> ComponentSpec:
    space = leaf.space
    discrete = leaf.kind == "Discrete"
    shape: tuple[int, ...] = () if discrete else _shape_of(leaf)
    counts = np.asarray(space.n if discrete else space.nvec, dtype=np.int64)
    starts = _starts(space, shape)
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    description = None
    if starts.any():
        low, high = _bounds(starts, shape), _bounds(starts + counts - 1, shape)
        description = f"category i stands for the value i + {starts.tolist()} of the environment"
    return ComponentSpec(
        name,
        "discrete" if discrete else "multi_discrete",
        _dtype_of(leaf, np.int64).name,
        shape,
        categories=tuple(int(count) for count in counts.reshape(-1)),
        low=low,
        high=high,
        description=description,
    )


def _named(leaf: Leaf, top: str) -> str:
    return path_name(leaf.path) or top


def _dig(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


class ObservationMapper:
    """Describes an observation space and takes its values apart. Raises UnsupportedSpaceError."""

    def __init__(self, space: Any) -> None:
        leaves = list(leaves_of(space))
        self._images: list[tuple[str, Path]] = []
        self._proprio: list[tuple[str, Path]] = []
        self._texts: list[tuple[str, Path]] = []
        images: list[ImageSpec] = []
        proprio: list[ComponentSpec] = []
        texts: list[TextSpec] = []
        for leaf in leaves:
            if is_image(leaf):
                name = _named(leaf, "image")
                images.append(ImageSpec(name, *(int(dim) for dim in leaf.space.shape)))
                self._images.append((name, leaf.path))
            elif leaf.kind == "Text":
                name = _named(leaf, "observation")
                texts.append(TextSpec(name, int(leaf.space.max_length)))
                self._texts.append((name, leaf.path))
            else:
                name = _named(leaf, "observation")
                proprio.append(component_of(leaf, name))
                self._proprio.append((name, leaf.path))
        self.images = tuple(images)
        self.proprio = tuple(proprio)
        self.texts = tuple(texts)

    def split_images(self, observation: Any) -> dict[str, Any]:
        return {name: _dig(observation, path) for name, path in self._images}

    def split_proprio(self, observation: Any) -> dict[str, Any]:
        return {name: _dig(observation, path) for name, path in self._proprio}

    def split_texts(self, observation: Any) -> dict[str, str]:
        return {name: str(_dig(observation, path)) for name, path in self._texts}


Convert = Callable[[NDArray[np.float32]], Any]


def _box_converter(spec: ComponentSpec) -> Convert:
    dtype = np.dtype(spec.dtype)
    shape = spec.shape
    if dtype.kind in "iu":
        return lambda entries: np.rint(entries.astype(np.float64)).astype(dtype).reshape(shape)
    return lambda entries: entries.astype(dtype).reshape(shape)


def _converter(leaf: Leaf, spec: ComponentSpec) -> Convert:
    """From float32[width], already checked against the spec, to the value that the space holds."""
    if leaf.kind in ("Box", "MultiBinary"):
        return _box_converter(spec)
    if leaf.kind == "Text":
        charset = spec.charset or ""
        return lambda entries: "".join(charset[int(index)] for index in entries if index >= 0)
    dtype = np.dtype(spec.dtype)
    starts = _starts(leaf.space, spec.shape)
    if leaf.kind == "Discrete":
        start = int(starts)
        return lambda entries: dtype.type(start + int(entries[0]))
    return lambda entries: (starts + entries.astype(np.int64).reshape(spec.shape)).astype(dtype)


def _check_action_leaf(leaf: Leaf, spec: ComponentSpec) -> None:
    if any(count > MAX_FLOAT32_INTEGER for count in spec.categories):
        why = f"an action row is float32, so it must have at most {MAX_FLOAT32_INTEGER} categories"
        raise UnsupportedSpaceError(leaf.path, leaf.space, why)


class ActionMapper:
    """Describes an action space and builds its values from rows. Raises UnsupportedSpaceError."""

    def __init__(self, space: Any) -> None:
        self._space = space
        self._leaves: dict[Path, tuple[slice, Convert]] = {}
        components: list[ComponentSpec] = []
        start = 0
        for leaf in leaves_of(space):
            spec = component_of(leaf, _named(leaf, "action"))
            _check_action_leaf(leaf, spec)
            components.append(spec)
            self._leaves[leaf.path] = (slice(start, start + spec.width), _converter(leaf, spec))
            start += spec.width
        if start == 0:
            raise UnsupportedSpaceError((), space, "an action must have at least one entry")
        self.components = tuple(components)
        self.width = start

    def join(self, row: NDArray[np.float32]) -> Any:
        """The action that ``row``, ``float32[width]``, stands for."""
        return self._build(self._space, row, ())

    def _build(self, space: Any, row: NDArray[np.float32], path: Path) -> Any:
        found = self._leaves.get(path)
        if found is not None:
            columns, convert = found
            return convert(row[columns])
        built = [(key, self._build(child, row, (*path, key))) for key, child in _children(space)]
        return OrderedDict(built) if kind_of(space) == "Dict" else tuple(value for _, value in built)


def flat_row(mapper: ActionMapper, values: Sequence[Any]) -> NDArray[np.float32]:
    """A row from one array per component, in order: the way back, for tests and demonstrations."""
    parts = [np.asarray(value, dtype=np.float32).reshape(-1) for value in values]
    row = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if row.size != mapper.width or row.size != sum(prod(c.shape) for c in mapper.components):
        raise ValueError(f"Cannot build a row: it has {row.size} entries, must have {mapper.width}")
    return row
