"""The form of the JSON fields that describe scenes, checked before they are sent and after they arrive.

The words are those of the runtime (camelCase); keys that are not listed here pass as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .errors import WireError

Check = Callable[[Any, str], None]


def _fail(path: str, expected: str) -> None:
    raise WireError("bad_value", f"{path} has the wrong form, must be {expected}")


def _number(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _fail(path, "a number")


def _unit(value: Any, path: str) -> None:
    _number(value, path)
    if not 0 <= value <= 1:
        _fail(path, "a number in [0, 1]")


def _index(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _fail(path, "an integer of at least 0")


def _text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        _fail(path, "a string")


def _list(item: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, (list, tuple)):
            _fail(path, "an array")
        for number, entry in enumerate(value):
            item(entry, f"{path}.{number}")

    return check


def _vector(length: int) -> Check:
    numbers = _list(_number)

    def check(value: Any, path: str) -> None:
        numbers(value, path)
        if len(value) != length:
            _fail(path, f"{length} numbers")

    return check


def _one_of(*words: str) -> Check:
    def check(value: Any, path: str) -> None:
        if value not in words:
            _fail(path, f"one of {', '.join(words)}")

    return check


def _record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            _fail(path, "an object")
        for key, item in required.items():
            if key not in value:
                _fail(f"{path}.{key}", "present")
            item(value[key], f"{path}.{key}")
        for key, item in (optional or {}).items():
            if key in value:
                item(value[key], f"{path}.{key}")

    return check


def _values(item: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            _fail(path, "an object")
        for key, entry in value.items():
            item(entry, f"{path}.{key}")

    return check


_VEC3, _VEC4 = _vector(3), _vector(4)
_SHAPES: Mapping[str, Check] = {
    "box": _record({"halfExtents": _VEC3}),
    "sphere": _record({"radius": _number}),
    "ellipsoid": _record({"radii": _VEC3}),
    "cylinder": _record({"radius": _number, "halfLength": _number}),
    "capsule": _record({"radius": _number, "halfLength": _number}),
    "plane": _record({"halfExtents": _vector(2)}),
    "mesh": _record({"vertices": _list(_number), "triangles": _list(_index)}),
}


def _shape(value: Any, path: str) -> None:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in _SHAPES:
        _fail(f"{path}.kind", f"one of {', '.join(_SHAPES)}")
    else:
        _SHAPES[kind](value, path)


_GEOM = _record({"body": _text, "shape": _shape, "position": _VEC3, "quatWxyz": _VEC4, "rgba": _VEC4})
_CAMERA = _record({"name": _text, "body": _text, "position": _VEC3, "quatWxyz": _VEC4, "fovyRad": _number})
_PLACE = _record({"component": _text, "body": _text, "metresPerUnit": _number})
_SCENE = _record(
    {"bodies": _list(_text), "geoms": _list(_GEOM), "cameras": _list(_CAMERA)},
    {"gripperBody": _text, "actionPlace": _PLACE},
)
_BOX = _record({"xMin": _number, "yMin": _number, "xMax": _number, "yMax": _number})
_JOINT = _record({"value": _number, "low": _number, "high": _number, "axis": _VEC3, "kind": _one_of("slide", "hinge")})
_CUBOID = _record({"position": _VEC3, "quatWxyz": _VEC4, "halfExtents": _VEC3})
_ENTITY = _record(
    {
        "name": _text,
        "kind": _one_of("object", "fixture", "region"),
        "category": _text,
        "position": _VEC3,
        "quatWxyz": _VEC4,
        "halfExtents": _VEC3,
        "boxes": _values(_BOX),
    },
    {"parent": _text, "joint": _JOINT, "grasp": _VEC3, "cuboids": _list(_CUBOID)},
)
_GRIPPER = _record({"position": _VEC3, "quatWxyz": _VEC4, "opening": _unit, "holding": _list(_text)})
_SCENE_GRAPH = _record({"entities": _list(_ENTITY), "gripper": _GRIPPER, "goal": _list(_list(_text))})


def check_scene(value: Any) -> None:
    """Refuses what is no SceneDescription."""
    _SCENE(value, "scene_json")


def check_scene_graph(value: Any) -> None:
    """Refuses what is no SceneGraph."""
    _SCENE_GRAPH(value, "privileged_json")
