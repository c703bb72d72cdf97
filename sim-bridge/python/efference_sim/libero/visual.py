"""What the cameras see of a task, exported at full resolution: shapes, materials, lights, meshes, textures.

Everything is read from the scene that MuJoCo's own renderer would draw (``mjvScene``), so groups, colours and hidden
shapes are decided by the original. Meshes and textures are named by their content and shared by all tasks; the task's
``visual.json`` refers to them. Formats: ``mesh_file`` and PNG.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .folder import TaskWriter

# Of these files: to be raised whenever a reader of an older one would draw something else.
FORMAT_VERSION = 1
LEVEL = "full"
CAMERAS = ("agentview", "robot0_eye_in_hand")
# Larger images show no difference at the sizes that policies look at.
TEXTURE_SIDE = 512
# ``robosuite`` shows visual shapes only: group 0 is what collides.
HIDDEN_GROUP = 0
# mjOBJ_GEOM, mjOBJ_SITE.
OBJECT_GEOM, OBJECT_SITE = 5, 6
# mjTEXROLE_RGB, mjTEXROLE_RGBA.
COLOUR_ROLES = (1, 8)
COLORSPACE_SRGB = 2
# Corners of a mesh without texture coordinates are drawn flat beyond this cosine (``mjr_uploadMesh``).
SMOOTH_COSINE = 0.8
MESH_MAGIC = b"EFM1"
ENCODING_FLOAT32 = 0

Array = np.ndarray[Any, Any]

# Meshes and textures are the same in many tasks: path and content by what they were made from.
_made: dict[str, tuple[str, bytes]] = {}


def describe() -> dict[str, Any]:
    """What the index says of the pictures' data."""
    return {"format_version": FORMAT_VERSION, "levels": [LEVEL], "texture_side": TEXTURE_SIDE}


def export_scene(env: Any, folder: str, writer: TaskWriter) -> None:
    """Writes ``visual.json`` of a ``ControlEnv`` as it is now (call it after ``set_init_state``), and what it uses."""
    sim = env.env.sim
    scene = _VisualScene(sim.model._model, writer)
    description = scene.describe(sim.data._data)
    writer.write(f"{folder}/visual.json", f"{json.dumps(description, allow_nan=False)}\n".encode())


@dataclass
class _VisualScene:
    """One scene while it is written: rows of meshes, textures and materials in order of first use."""

    model: Any
    writer: TaskWriter
    meshes: list[dict[str, Any]] = field(default_factory=list)
    textures: list[dict[str, Any]] = field(default_factory=list)
    materials: list[dict[str, Any]] = field(default_factory=list)
    _rows: dict[tuple[str, int, bool], int] = field(default_factory=dict)

    def describe(self, data: Any) -> dict[str, Any]:
        model = self.model
        shapes = _drawn_shapes(model, data)
        textured = {shape.dataid // 2 for shape in shapes if self._texture_of(shape.matid) >= 0}
        geoms = [self._shape(shape, textured) for shape in shapes]
        skies = [i for i in range(model.ntex) if int(model.tex_type[i]) == 2]
        visual = model.vis
        return {
            "format_version": FORMAT_VERSION,
            "geoms": geoms,
            "materials": self.materials,
            "meshes": self.meshes,
            "textures": [*self.textures, *(self._texture_entry(i) for i in skies)],
            "lights": [_light(model, i) for i in range(model.nlight)],
            "cameras": [_camera(model, name) for name in CAMERAS],
            "headlight": {
                "active": bool(visual.headlight.active),
                "ambient": _floats(visual.headlight.ambient),
                "diffuse": _floats(visual.headlight.diffuse),
                "specular": _floats(visual.headlight.specular),
            },
            "extent": float(model.stat.extent),
            "znear": float(visual.map.znear),
            "zfar": float(visual.map.zfar),
            "quality": {
                "slices": int(visual.quality.numslices),
                "stacks": int(visual.quality.numstacks),
                "quads": int(visual.quality.numquads),
            },
        }

    def _shape(self, shape: Any, textured: set[int]) -> dict[str, Any]:
        model, number = self.model, int(shape.objid)
        is_site = shape.objtype == OBJECT_SITE
        body = int((model.site_bodyid if is_site else model.geom_bodyid)[number])
        mesh = int(shape.dataid) // 2 if int(shape.type) == _TYPE_MESH else -1
        # A plane's third number is the spacing of its grid, which the drawn shape no longer has.
        size = model.geom_size[number] if int(shape.type) == _TYPE_PLANE else shape.size
        return {
            "kind": "site" if is_site else "geom",
            "name": _name(model, int(shape.objtype), number),
            "body": _name(model, 1, body) or "world",
            "type": int(shape.type),
            "size": _floats(size),
            "pos": _floats((model.site_pos if is_site else model.geom_pos)[number]),
            "quat": _floats((model.site_quat if is_site else model.geom_quat)[number]),
            "rgba": _floats(shape.rgba),
            "material": -1 if int(shape.matid) < 0 else self._material(int(shape.matid)),
            "mesh": -1 if mesh < 0 else self._mesh(mesh, mesh in textured),
        }

    def _material(self, number: int) -> int:
        return self._row("material", number, self.materials, lambda: self._material_entry(number))

    def _material_entry(self, number: int) -> dict[str, Any]:
        model = self.model
        texture = self._texture_of(number)
        return {
            "rgba": _floats(model.mat_rgba[number]),
            "emission": float(model.mat_emission[number]),
            "specular": float(model.mat_specular[number]),
            "shininess": float(model.mat_shininess[number]),
            "reflectance": float(model.mat_reflectance[number]),
            "texture": -1 if texture < 0 else self._texture(texture),
            "texrepeat": _floats(model.mat_texrepeat[number]),
            "texuniform": bool(model.mat_texuniform[number]),
        }

    def _texture_of(self, material: int) -> int:
        if material < 0:
            return -1
        roles = self.model.mat_texid[material]
        return next((int(roles[role]) for role in COLOUR_ROLES if roles[role] >= 0), -1)

    def _texture(self, number: int) -> int:
        return self._row("texture", number, self.textures, lambda: self._texture_entry(number))

    def _texture_entry(self, number: int) -> dict[str, Any]:
        model = self.model
        width, height = int(model.tex_width[number]), int(model.tex_height[number])
        channels, start = int(model.tex_nchannel[number]), int(model.tex_adr[number])
        pixels = model.tex_data[start : start + width * height * channels].reshape(height, width, channels)
        kind = int(model.tex_type[number])
        srgb = int(model.tex_colorspace[number]) == COLORSPACE_SRGB
        # A cube may be six square images, one below the other.
        faces = 6 if kind != 0 and height == 6 * width else 1
        key = f"texture {faces} {pixels.shape} {hashlib.sha256(np.ascontiguousarray(pixels)).hexdigest()}"
        path = self._write(key, "png", lambda: _png(pixels[:, :, :3], faces))
        return {"path": path, "type": kind, "srgb": srgb}

    def _mesh(self, number: int, textured: bool) -> int:
        """Texture coordinates that no texture uses are left out: they keep vertices apart that could be one."""
        return self._row("mesh", number, self.meshes, lambda: self._mesh_entry(number, textured), textured)

    def _mesh_entry(self, number: int, textured: bool) -> dict[str, Any]:
        corners, has_texcoords = _mesh_corners(self.model, number)
        corners = corners if textured and has_texcoords else np.ascontiguousarray(corners[:, :6])
        key = f"mesh {corners.shape} {hashlib.sha256(corners).hexdigest()}"
        path = self._write(key, "mesh", lambda: mesh_file(corners))
        return {"path": path, "triangles": len(corners) // 3}

    def _row(self, kind: str, number: int, rows: list[dict[str, Any]], make: Any, variant: bool = False) -> int:
        key = (kind, number, variant)
        if key not in self._rows:
            entry = make()
            self._rows[key] = len(rows)
            rows.append(entry)
        return self._rows[key]

    def _write(self, key: str, suffix: str, make: Any) -> str:
        if key not in _made:
            content = make()
            _made[key] = (f"visual/{hashlib.sha256(content).hexdigest()[:16]}.{suffix}", content)
        path, content = _made[key]
        self.writer.write(path, content)
        return path


_TYPE_PLANE, _TYPE_MESH = 0, 7


def _drawn_shapes(model: Any, data: Any) -> list[Any]:
    """Everything of the scene that is drawn with ``robosuite``'s settings, in drawing order. Needs no graphics."""
    import mujoco

    options = mujoco.MjvOption()
    options.geomgroup[HIDDEN_GROUP] = 0
    scene = mujoco.MjvScene(model, maxgeom=1000)
    everything = mujoco.mjtCatBit.mjCAT_ALL
    mujoco.mjv_updateScene(model, data, options, mujoco.MjvPerturb(), mujoco.MjvCamera(), everything, scene)
    shapes = [scene.geoms[i] for i in range(scene.ngeom)]
    return [shape for shape in shapes if int(shape.objtype) in (OBJECT_GEOM, OBJECT_SITE)]


def _mesh_corners(model: Any, number: int) -> tuple[Array, bool]:
    """``float32[3 triangles, 8]``: position, normal and texture coordinate of each corner, as they are drawn."""
    vertex, face = int(model.mesh_vertadr[number]), int(model.mesh_faceadr[number])
    normal, texcoord = int(model.mesh_normaladr[number]), int(model.mesh_texcoordadr[number])
    rows = slice(face, face + int(model.mesh_facenum[number]))
    positions = model.mesh_vert[vertex + model.mesh_face[rows]]
    normals = model.mesh_normal[normal + model.mesh_facenormal[rows]]
    corners = np.zeros((*positions.shape[:2], 8), dtype=np.float32)
    corners[..., :3] = positions
    if texcoord < 0:
        corners[..., 3:6] = flattened(positions, normals)
    else:
        corners[..., 3:6] = normals
        corners[..., 6:] = model.mesh_texcoord[texcoord + model.mesh_facetexcoord[rows]]
    return corners.reshape(-1, 8), texcoord >= 0


def flattened(positions: Array, normals: Array) -> Array:
    """Normals ``[n, 3, 3]`` as MuJoCo draws them: of the face where a corner is further off than ``SMOOTH_COSINE``."""
    faces = np.cross(positions[:, 1] - positions[:, 0], positions[:, 2] - positions[:, 0])
    faces /= np.maximum(np.linalg.norm(faces, axis=1, keepdims=True), 1e-20)
    cosines = (normals * faces[:, None]).sum(axis=-1, keepdims=True)
    return np.where(cosines < SMOOTH_COSINE, faces[:, None], normals)


def mesh_file(corners: Array) -> bytes:
    """A mesh with one vertex per distinct row of ``corners``, zlib-compressed.

    Little-endian: magic, encoding, vertices, triangles, 1 if there are texture coordinates (4 bytes each); then
    ``float32[n, 3]`` positions (m) and normals, ``float32[n, 2]`` texture coordinates, ``uint32[triangles, 3]``.
    """
    vertices, indices = np.unique(corners, axis=0, return_inverse=True)
    textured = corners.shape[1] > 6
    header = struct.pack("<4s4I", MESH_MAGIC, ENCODING_FLOAT32, len(vertices), len(corners) // 3, int(textured))
    parts = [vertices[:, :3], vertices[:, 3:6], *([vertices[:, 6:]] if textured else [])]
    arrays = [np.ascontiguousarray(part, dtype="<f4").tobytes() for part in parts]
    return zlib.compress(b"".join([header, *arrays, indices.reshape(-1).astype("<u4").tobytes()]), 6)


def _png(pixels: Array, faces: int) -> bytes:
    """At most ``TEXTURE_SIDE`` wide and high, by means over boxes; the faces of a cube stay one below the other."""
    from PIL import Image

    height, width = pixels.shape[0] // faces, pixels.shape[1]
    scale = min(1.0, TEXTURE_SIDE / max(width, height))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        images = [Image.fromarray(part).resize(size, Image.Resampling.BOX) for part in np.split(pixels, faces)]
        pixels = np.concatenate([np.asarray(image) for image in images])
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "png", optimize=True)
    return out.getvalue()


def _light(model: Any, number: int) -> dict[str, Any]:
    return {
        "type": int(model.light_type[number]),
        "body": _name(model, 1, int(model.light_bodyid[number])) or "world",
        "active": bool(model.light_active[number]),
        "castshadow": bool(model.light_castshadow[number]),
        "pos": _floats(model.light_pos[number]),
        "dir": _floats(model.light_dir[number]),
        "attenuation": _floats(model.light_attenuation[number]),
        "cutoff": float(model.light_cutoff[number]),
        "exponent": float(model.light_exponent[number]),
        "ambient": _floats(model.light_ambient[number]),
        "diffuse": _floats(model.light_diffuse[number]),
        "specular": _floats(model.light_specular[number]),
    }


def _camera(model: Any, name: str) -> dict[str, Any]:
    number = model.camera(name).id
    return {
        "name": name,
        "body": _name(model, 1, int(model.cam_bodyid[number])) or "world",
        "pos": _floats(model.cam_pos[number]),
        "quat": _floats(model.cam_quat[number]),
        "fovy": float(model.cam_fovy[number]),
    }


def _name(model: Any, kind: int, number: int) -> str | None:
    import mujoco

    name: str | None = mujoco.mj_id2name(model, kind, number)
    return name


def _floats(values: Any) -> list[float]:
    return [float(value) for value in np.ravel(values)]
