"""The original LIBERO as a simulator of the runtime: the witness against which the simulator in Node is compared.

Tasks, components and actions carry the same names as there. Every reset is the official one: seed 0, one reset of a new
model, ``set_init_state``.

What robosuite returns as an observation is sampled one substep (2 ms) before the control step ends, images too, while
success is read at its end. ``observes="end"`` calls the same sensors at the end instead, when somebody asks for them,
which also spares drawing what nobody looks at. ``poses`` are always those at the end.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..environment import (
    ComponentSpec,
    Environment,
    EnvironmentIdentity,
    EnvironmentSpec,
    ImageSpec,
    ResetRequest,
    State,
    TaskInfo,
)
from .errors import LiberoError
from .initial_states import read_initial_states
from .original import Original
from .tasks import STEP_LIMITS, Task

CAMERAS = ("agentview", "robot0_eye_in_hand")
# Our names of what the body feels, and robosuite's.
SENSORS = {
    "eef_position": "robot0_eef_pos",
    "eef_quat_xyzw": "robot0_eef_quat",
    "gripper_qpos": "robot0_gripper_qpos",
    "joint_position": "robot0_joint_pos",
    "joint_velocity": "robot0_joint_vel",
}
CONTROL_FREQ_HZ = 20.0
# As published evaluations do: the arm stays and the gripper opens.
SETTLE_STEPS = 10
SETTLE_ACTION = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0)
# How far the fingers are apart when the hand is open, m.
FULL_OPENING_M = 0.08


@dataclass(frozen=True)
class SimulatorOptions:
    # Side of the square images, px; None = none are drawn.
    image_size: int | None = 128
    # When sensors are read: as robosuite does it, or at the end of the control step.
    observes: Literal["sampled", "end"] = "sampled"
    # No-ops after a reset, before the first observation, not counted: things fall into place.
    settle_steps: int = SETTLE_STEPS


class LiberoSimulator(Environment):
    """Serves the given tasks; the model of the last one is kept."""

    def __init__(self, original: Original, tasks: Sequence[Task], options: SimulatorOptions) -> None:
        if not tasks:
            raise LiberoError("Cannot serve LIBERO: no task is selected, must be at least one")
        self._original = original
        self._options = options
        self._by_name = {task.key: task for task in tasks}
        self._states = {task.key: read_initial_states(task.initial_states) for task in tasks}
        self._env: Any = None
        self._env_task: Task | None = None
        # By robosuite's names; empty where sensors are read when they are asked for.
        self._sampled: Mapping[str, Any] = {}
        self.tasks = tuple(
            TaskInfo(
                name=task.key,
                suite=task.suite,
                instruction=task.language,
                initial_states=len(self._states[task.key]),
                max_steps=STEP_LIMITS[task.suite],
            )
            for task in tasks
        )
        self.spec = _spec(options)
        self.identity = EnvironmentIdentity(
            name="libero_original",
            version=original.versions["hf-libero"],
            versions={**original.versions, "python": platform.python_version(), "numpy": np.__version__},
        )

    def reset(self, request: ResetRequest) -> State:
        task = self._by_name[request.task]
        states = self._states[task.key]
        index = request.seed % len(states) if request.initial_state is None else request.initial_state
        if self._env_task is not task:
            self.close()
            self._env = self._original.make(task, **self._rendering())
            self._env_task = task
            self._choose_sampling()
        self._original.reset_officially(self._env)
        self._sampled = self._env.set_init_state(states[index])
        for _ in range(self._options.settle_steps):
            self._sampled, *_ = self._env.step(np.array(SETTLE_ACTION))
        return self._state(success=bool(self._env.check_success()))

    def step(self, action: NDArray[np.float32]) -> State:
        self._sampled, reward, done, _ = self._env.step(action.astype(np.float64))
        # LIBERO's own `done` is "the goal holds"; limits are the runtime's.
        return self._state(reward=float(reward), terminated=bool(done), success=bool(done))

    def images(self, names: Sequence[str]) -> Mapping[str, Any]:
        # robosuite's row 0 is at the bottom.
        return {name: self._sense(f"{name}_image")[::-1] for name in names}

    def poses(self) -> NDArray[np.float64] | None:
        data = self._env.sim.data
        return np.concatenate([data.xpos, data.xquat], axis=1)

    def close(self) -> None:
        if self._env is not None:
            self._env.close()
        self._env, self._env_task = None, None

    def _rendering(self) -> Mapping[str, Any]:
        size = self._options.image_size
        if size is None:
            return {}
        return {
            "use_camera_obs": True,
            "has_offscreen_renderer": True,
            "camera_names": list(CAMERAS),
            "camera_heights": size,
            "camera_widths": size,
        }

    def _choose_sampling(self) -> None:
        if self._options.observes == "end":
            for name in (*SENSORS.values(), *(f"{camera}_image" for camera in CAMERAS)):
                if name in self._env.env._observables:
                    self._env.env.modify_observable(name, "enabled", False)

    def _sense(self, name: str) -> Any:
        """One of robosuite's observables: as sampled, or read now."""
        if self._options.observes == "sampled":
            return self._sampled[name]
        return self._env.env._observables[name]._sensor({})

    def _state(self, **rest: Any) -> State:
        seen = {ours: np.asarray(self._sense(theirs)) for ours, theirs in SENSORS.items()}
        fingers = seen["gripper_qpos"]
        opening = np.clip((fingers[0] - fingers[1]) / FULL_OPENING_M, 0.0, 1.0)
        proprio = {**seen, "gripper_opening": [opening]}
        return State(proprio={name: np.asarray(value, np.float32) for name, value in proprio.items()}, **rest)


def _spec(options: SimulatorOptions) -> EnvironmentSpec:
    """The Panda's words of ``robots/panda/spec.ts``: a policy made for one of the two worlds fits the other."""
    size = options.image_size
    unit_box: dict[str, Any] = {"low": (-1.0,), "high": (1.0,)}
    return EnvironmentSpec(
        images=() if size is None else tuple(ImageSpec(name, size, size, 3) for name in CAMERAS),
        proprio=(
            _component("eef_position", "position", 3, unit="m", frame="world"),
            _component("eef_quat_xyzw", "quat_xyzw", 4, unit="1", frame="world"),
            _component("gripper_qpos", "joint_position", 2, unit="m"),
            _component("gripper_opening", "gripper_opening", 1, unit="1", low=(0.0,), high=(1.0,)),
            _component("joint_position", "joint_position", 7, unit="rad"),
            _component("joint_velocity", "joint_velocity", 7, unit="rad/s"),
        ),
        action=(
            _component("delta_position", "delta_position", 3, unit="0.05 m", frame="world", **unit_box),
            _component("delta_rotation", "delta_axis_angle", 3, unit="0.5 rad", frame="world", **unit_box),
            _component("gripper", "gripper_close_positive", 1, unit="1", **unit_box),
        ),
        control_freq_hz=CONTROL_FREQ_HZ,
        max_steps=max(STEP_LIMITS.values()),
    )


def _component(name: str, kind: str, width: int, **rest: Any) -> ComponentSpec:
    return ComponentSpec(name, kind, "float32", (width,), **rest)
