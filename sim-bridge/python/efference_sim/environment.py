"""The words of Efference in Python: specs, observations, steps, and the ``Environment`` a simulator implements.

They mirror the runtime's own (``src/core``) one to one; names are snake_case as on the wire. This module knows no
socket, no message and no Gymnasium.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .tensors import Array

COMPONENT_FORMATS = frozenset(
    {
        "position",
        "delta_position",
        "axis_angle",
        "delta_axis_angle",
        "quat_wxyz",
        "quat_xyzw",
        "rot6d_row_major",
        "rot6d_col_major",
        "euler_xyz_extrinsic",
        "joint_position",
        "joint_velocity",
        "gripper_opening",
        "gripper_close_positive",
        "gripper_open_positive",
        "discrete",
        "multi_discrete",
        "binary",
        "text",
        "raw",
    }
)


@dataclass(frozen=True)
class ImageSpec:
    """One named camera image, ``uint8[height, width, channels]``, row 0 at the top; channels 1, 3 or 4."""

    name: str
    height: int
    width: int
    channels: int = 3


@dataclass(frozen=True)
class TextSpec:
    """A piece of text that is part of the observation."""

    name: str
    max_length: int


@dataclass(frozen=True)
class ComponentSpec:
    """One named part of a state or of an action. ``format`` says what the numbers mean."""

    name: str
    format: str
    dtype: str
    shape: tuple[int, ...]
    unit: str | None = None
    frame: str | None = None
    # Inclusive bounds: one entry per element, a single one for all, or none where unstated.
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    # discrete, multi_discrete: how many categories each entry has.
    categories: tuple[int, ...] = ()
    # text: the allowed characters in index order, and the shortest legal length.
    charset: str | None = None
    min_length: int | None = None
    description: str | None = None

    @property
    def width(self) -> int:
        """Entries of one action row that this component takes."""
        return prod(self.shape)


@dataclass(frozen=True)
class EnvironmentSpec:
    """The contract of an environment, exchanged at the handshake."""

    images: tuple[ImageSpec, ...] = ()
    proprio: tuple[ComponentSpec, ...] = ()
    texts: tuple[TextSpec, ...] = ()
    # In this order they are concatenated into one float32[action_dim] row.
    action: tuple[ComponentSpec, ...] = ()
    control_freq_hz: float = 20.0
    max_steps: int = 1000
    # True where `Environment.privileged` answers.
    privileged: bool = False
    # True where `Environment.snapshot` and `restore` are implemented.
    snapshot: bool = False

    @property
    def action_dim(self) -> int:
        return sum(component.width for component in self.action)


@dataclass(frozen=True)
class TaskInfo:
    name: str
    suite: str = ""
    instruction: str = ""
    # How many fixed initial states it has; 0 = seeds only.
    initial_states: int = 0
    # Step limit of this task; None = the spec's.
    max_steps: int | None = None


@dataclass(frozen=True)
class EnvironmentIdentity:
    """Who is simulating: recorded with every result."""

    name: str
    version: str = "0"
    # Names and versions of engines, renderers, languages; hashes of assets.
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Want:
    """What the runtime wants back; a simulator makes nothing that nobody asked for."""

    # Camera names, "all" or "none".
    images: tuple[str, ...] | Literal["all", "none"] = "none"
    # Of a chunk's steps, which come back with images: every one, or only the last executed.
    images_at: Literal["every", "last"] = "last"
    poses: bool = False
    privileged: bool = False
    depth: bool = False
    segmentation: bool = False


WANT_NOTHING = Want()


@dataclass(frozen=True)
class ResetRequest:
    task: str
    # Below 2^53.
    seed: int
    # Index of a fixed initial state; None = drawn from `seed`.
    initial_state: int | None = None
    max_steps: int | None = None
    want: Want = WANT_NOTHING


@dataclass(frozen=True)
class Observation:
    """What a policy may see at one control step."""

    images: Mapping[str, Array] = field(default_factory=dict)
    proprio: Mapping[str, Array] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    instruction: str = ""
    # Control steps since reset: 0 at the first observation.
    step: int = 0
    # Simulated (or, on a robot, measured) time since reset.
    stamp_ns: int = 0
    # Ground truth, a SceneGraph as JSON values (camelCase keys).
    privileged: Mapping[str, Any] | None = None
    # float32[height, width] metres and uint16[height, width] geom numbers, by camera.
    depth: Mapping[str, Array] = field(default_factory=dict)
    segmentation: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class TimeStep:
    """One step of an episode: first, mid or last. `terminated`: the world ended it; `truncated`: the limit did."""

    kind: Literal["first", "mid", "last"]
    observation: Observation
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    # Whether the task's goal holds now; None where the simulator has no notion of it.
    success: bool | None = None
    busy_ns: int = 0
    # float64[bodies, 7]: x y z (m), qw qx qy qz.
    poses: NDArray[np.float64] | None = None
    info: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class State:
    """What an ``Environment`` returns from ``reset`` and ``step``: everything but pixels, which are asked for."""

    proprio: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    success: bool | None = None
    info: Mapping[str, Any] | None = None
    # Only read after `reset`; None = the task's own instruction.
    instruction: str | None = None
    # Simulated time since reset; None = step / control_freq_hz.
    stamp_ns: int | None = None


class Environment(ABC):
    """A Python simulator. Implement ``reset`` and ``step``; override the rest where the spec promises it.

    The peer calls from one thread (the one that calls ``serve``), executes a chunk row by row, counts steps,
    truncates at the limit, checks every number against ``spec`` and asks for images only where the runtime
    wants them.
    """

    spec: EnvironmentSpec
    tasks: Sequence[TaskInfo]
    identity: EnvironmentIdentity

    @abstractmethod
    def reset(self, request: ResetRequest) -> State:
        """Starts an episode. The same request must give the same episode."""

    @abstractmethod
    def step(self, action: NDArray[np.float32]) -> State:
        """Executes one control step; ``action`` is ``float32[action_dim]``, already checked against the spec."""

    def images(self, names: Sequence[str]) -> Mapping[str, Any]:
        """``uint8[height, width, channels]`` by camera, of the present state. Called only with wanted names."""
        raise NotImplementedError("images")

    def depth(self, names: Sequence[str]) -> Mapping[str, Any]:
        """``float32[height, width]`` metres by camera; {} where the simulator has none."""
        return {}

    def segmentation(self, names: Sequence[str]) -> Mapping[str, Any]:
        """``uint16[height, width]`` by camera, 0 = background; {} where the simulator has none."""
        return {}

    def poses(self) -> NDArray[np.float64] | None:
        """``float64[bodies, 7]``, in the order of ``scene()["bodies"]``."""
        return None

    def scene(self) -> Mapping[str, Any] | None:
        """A SceneDescription as JSON values (camelCase keys), read after every ``reset``."""
        return None

    def privileged(self) -> Mapping[str, Any] | None:
        """A SceneGraph as JSON values (camelCase keys)."""
        return None

    def snapshot(self) -> bytes:
        """Bytes that bring the world back exactly. Never a pickle: whoever restores it must be able to trust it."""
        raise NotImplementedError("snapshot")

    def restore(self, snapshot: bytes) -> State:
        """Brings a snapshot back; the returned state is the one at which it was taken."""
        raise NotImplementedError("restore")

    def close(self) -> None:  # noqa: B027 (most simulators have nothing to free)
        """Frees what the simulator holds; called once, at the end."""
