"""Exports one task: files, then its record. What is written is compiled and compared with the original before."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .assets import fingerprint
from .errors import LiberoError
from .folder import DataFolder, Record, TaskWriter
from .initial_states import read_initial_states
from .meta import task_meta
from .original import RESETS, SEED, Original
from .scene import PhysicsScene, physics_scene
from .tasks import Task

# Of this exporter: to be raised whenever it would write other bytes for the same task.
EXPORT_VERSION = 1
# What must come out of the written text exactly as the original has it.
COMPARED = (
    "qpos0",
    "body_pos",
    "body_quat",
    "body_mass",
    "body_inertia",
    "jnt_range",
    "jnt_pos",
    "jnt_axis",
    "jnt_stiffness",
    "dof_armature",
    "dof_damping",
    "dof_frictionloss",
    "actuator_ctrlrange",
    "actuator_gainprm",
)
# The same for bodies that have mass. The compiler puts the centre of a body without any at its position in the parent,
# so for a fixture it moves with the pose that is baked into the text; nothing depends on it.
COMPARED_WHERE_MASSIVE = ("body_ipos", "body_iquat")


class TaskExporter:
    """Exports tasks of one opened stack into one folder."""

    def __init__(self, original: Original, root: Path, *, visuals: bool) -> None:
        self._original = original
        self._root = root
        self._visual = visual_module() if visuals else None
        self.folder = DataFolder(root)
        self.source: dict[str, Any] = {
            "package": "hf-libero",
            "version": original.versions["hf-libero"],
            "robosuite": original.versions["robosuite"],
            "mujoco": original.versions["mujoco"],
            "seed": SEED,
            "resets": RESETS,
        }
        self.visual: Mapping[str, Any] | None = None if self._visual is None else self._visual.describe()
        self._fixed = {"export": EXPORT_VERSION, "source": self.source, "visual": self.visual}
        self._assets = fingerprint(original.assets)

    def key(self, task: Task) -> str:
        """A hash over everything that decides what is written for a task."""
        made_from = {
            **self._fixed,
            "assets": self._assets,
            "task": [task.suite, task.index, task.name],
            "bddl": hashlib.sha256(_read(task.bddl)).hexdigest(),
            "initial_states": hashlib.sha256(_read(task.initial_states)).hexdigest(),
        }
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()

    def export(self, task: Task) -> None:
        """Writes everything of one task, and its record at the end."""
        states = read_initial_states(task.initial_states)
        env = self._original.make_official(task)
        try:
            env.set_init_state(states[0])
            writer = TaskWriter(self._root)
            scene = physics_scene(env)
            check_scene(scene, env, states)
            for path, content in scene.assets.items():
                writer.write(path, content)
            writer.write(f"{task.folder}/scene.xml", scene.xml)
            writer.write(f"{task.folder}/task.bddl", _read(task.bddl))
            writer.write(f"{task.folder}/init.pruned_init", _read(task.initial_states))
            meta = json.dumps(task_meta(env, task), allow_nan=False)
            writer.write(f"{task.folder}/meta.json", f"{meta}\n".encode())
            if self._visual is not None:
                self._visual.export_scene(env, task.folder, writer)
            problem = str(env.problem_name)
        finally:
            env.close()
        line = {
            "suite": task.suite,
            "index": task.index,
            "name": task.name,
            "language": task.language,
            "folder": task.folder,
            "problem": problem,
        }
        files = dict(sorted(writer.files.items()))
        self.folder.finish(task.folder, Record(self.key(task), self.source, self.visual, line, files))


def check_scene(scene: PhysicsScene, env: Any, states: np.ndarray[Any, Any]) -> None:
    """Compiles the text and compares it with the model that the original simulates.

    Raises:
        LiberoError: any of ``COMPARED``, or of ``COMPARED_WHERE_MASSIVE``, differs in one bit, or the initial states
        have another length.
    """
    import mujoco

    expected = env.sim.model._model
    compiled = mujoco.MjModel.from_xml_string(scene.xml.decode(), dict(scene.assets))
    if states.shape[1] != 1 + compiled.nq + compiled.nv:
        raise LiberoError(
            f"Cannot export the task: its initial states have {states.shape[1]} numbers, "
            f"must have {1 + compiled.nq + compiled.nv}"
        )
    massive = expected.body_mass > 0
    for name in (*COMPARED, *COMPARED_WHERE_MASSIVE):
        rows = massive if name in COMPARED_WHERE_MASSIVE else slice(None)
        if not np.array_equal(getattr(compiled, name)[rows], getattr(expected, name)[rows]):
            raise LiberoError(f"Cannot export the task: {name} of the written scene differs from the original's")


def visual_module() -> ModuleType | None:
    """``visual``, which exports what is drawn, where this package has it."""
    try:
        return importlib.import_module(f"{__package__}.visual")
    except ModuleNotFoundError as error:
        if error.name == f"{__package__}.visual":
            return None
        raise


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LiberoError(f"Cannot export the task: {error}") from None
