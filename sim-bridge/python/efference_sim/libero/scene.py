"""The physics of a task as one MJCF text: what the original compiles, without anything that is only looked at.

Fixtures (cabinets, stoves, racks) are placed by ``reset`` in the compiled model, not in ``qpos``, so no initial state
holds their poses; here they stand in the text, with ``repr`` of every float, so that the text compiles to the same
bits.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import LiberoError

# The original reserves room for 5000 contacts, a gigabyte; the arena has no influence on results.
ARENA = "32M"
ORIENTATIONS = ("euler", "axisangle", "xyaxes", "zaxis")


@dataclass(frozen=True)
class PhysicsScene:
    xml: bytes
    # Content by the path that the text names, relative to the data folder's root.
    assets: Mapping[str, bytes]


def physics_scene(env: Any) -> PhysicsScene:
    """The scene of a ``ControlEnv`` as it is now (call it after ``set_init_state``)."""
    root = ET.fromstring(env.env.model.get_xml())
    world, asset = root.find("worldbody"), root.find("asset")
    if world is None or asset is None:
        raise LiberoError("Cannot export a scene: it has no worldbody or no assets")
    bake_fixture_poses(root, env.env)
    remove_what_is_only_seen(world)
    _keep_used_meshes(asset, {geom.get("mesh") for geom in world.iter("geom")})
    files = _move_assets(asset)
    compiler, size = root.find("compiler"), root.find("size")
    if compiler is not None:
        compiler.attrib.pop("meshdir", None)
        compiler.attrib.pop("texturedir", None)
    if size is not None:
        size.attrib.clear()
        size.set("memory", ARENA)
    return PhysicsScene(ET.tostring(root), files)


def bake_fixture_poses(root: ET.Element, problem: Any) -> None:
    """Writes the poses that ``reset`` gave the fixtures into the text."""
    model = problem.sim.model
    fixtures = {item.root_body for item in problem.fixtures_dict.values() if hasattr(item, "root_body")}
    for body in root.iter("body"):
        name = body.get("name")
        if name in fixtures:
            number = model.body_name2id(name)
            body.set("pos", _words(model.body_pos[number]))
            body.set("quat", _words(model.body_quat[number]))
            for orientation in ORIENTATIONS:
                body.attrib.pop(orientation, None)


def remove_what_is_only_seen(body: ET.Element) -> None:
    """Geoms that touch nothing and materials. Nothing that is left gets other mass: visual geoms carry none."""
    for child in list(body):
        if child.tag == "geom" and child.get("contype") == "0" and child.get("conaffinity") == "0":
            body.remove(child)
        elif child.tag in ("geom", "site"):
            child.attrib.pop("material", None)
        elif child.tag == "body":
            remove_what_is_only_seen(child)


def _keep_used_meshes(asset: ET.Element, used: set[str | None]) -> None:
    for item in list(asset):
        if item.tag in ("texture", "material") or (item.tag == "mesh" and item.get("name") not in used):
            asset.remove(item)


def _move_assets(asset: ET.Element) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for item in asset:
        source = item.get("file")
        if source is None:
            continue
        try:
            content = Path(source).read_bytes()
        except OSError as error:
            raise LiberoError(f"Cannot export a scene: {error}") from None
        path = f"assets/{content_name(content, Path(source).name)}"
        files[path] = content
        item.set("file", path)
    return files


def content_name(content: bytes, name: str) -> str:
    """A name that two different files never share."""
    return f"{hashlib.sha1(content, usedforsecurity=False).hexdigest()[:10]}_{name}"


def _words(values: Iterable[Any]) -> str:
    return " ".join(repr(float(value)) for value in values)
