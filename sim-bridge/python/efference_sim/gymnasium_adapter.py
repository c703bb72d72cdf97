"""Any Gymnasium environment, or one of the years before it, as an ``Environment``."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .environment import (
    Environment,
    EnvironmentIdentity,
    EnvironmentSpec,
    ImageSpec,
    ResetRequest,
    State,
    TaskInfo,
)
from .jsonable import jsonable
from .legacy import LegacyEnv, accepts, is_modern
from .loading import LoadError, factory_of
from .pixels import AreaResize, as_image
from .spaces import ActionMapper, ObservationMapper

DEFAULT_CONTROL_FREQ_HZ = 20.0
# Where neither the environment nor the caller states a limit.
DEFAULT_MAX_STEPS = 10_000


@dataclass(frozen=True)
class GymnasiumOptions:
    """How to make the environment. ``target`` is an id, ``MODULE:ID`` or ``MODULE:ClassName``."""

    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    # Adds a camera that shows `render()`; None = no such camera.
    camera: str | None = None
    # Height and width of that camera's images; None = as rendered.
    image_size: tuple[int, int] | None = None
    # None = the environment's own limit, else 10 000.
    max_steps: int | None = None
    # None = `metadata["render_fps"]`, else 20.
    control_freq_hz: float | None = None


def make_environment(options: GymnasiumOptions) -> GymnasiumEnvironment:
    """Makes and describes the environment.

    Raises:
        LoadError: it cannot be found, made or rendered. UnsupportedSpaceError: it has a space without a mapping.
    """
    factory, source = factory_of(options.target)
    kwargs = dict(options.kwargs)
    takes_mode = source == "registered" or accepts(factory, "render_mode")
    if options.camera is not None and takes_mode:
        kwargs.setdefault("render_mode", "rgb_array")
    if source == "registered" and options.max_steps is not None:
        kwargs.setdefault("max_episode_steps", options.max_steps)

    def make(**extra: Any) -> Any:
        return factory(**{**kwargs, **extra})

    try:
        made = make()
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise LoadError(f'Cannot make "{options.target}": {words}') from error
    if is_modern(made):
        return GymnasiumEnvironment(made, options)
    # The bare factory says by its signature whether it takes a seed; ours would hide that.
    maker = _SeedableMaker(factory, kwargs) if accepts(factory, "seed") else make
    return GymnasiumEnvironment(LegacyEnv(maker, made), options)


class _SeedableMaker:
    def __init__(self, factory: Any, kwargs: Mapping[str, Any]) -> None:
        self._factory = factory
        self._kwargs = dict(kwargs)

    def __call__(self, *, seed: int) -> Any:
        return self._factory(**{**self._kwargs, "seed": seed})


class GymnasiumEnvironment(Environment):
    """Serves one environment object; `reset` reseeds it for every episode."""

    def __init__(self, env: Any, options: GymnasiumOptions) -> None:
        self._env = env
        self._camera = options.camera
        self._resize: AreaResize | None = None
        self._observation: Any = None
        self._mapper = ObservationMapper(env.observation_space)
        self._actions = ActionMapper(env.action_space)
        images = self._mapper.images
        if self._camera is not None:
            if self._camera in {image.name for image in images}:
                raise LoadError(f'Cannot add camera "{self._camera}": an observation has that name')
            images = (*images, self._render_spec(self._camera, options.image_size))
        self.spec = EnvironmentSpec(
            images=images,
            proprio=self._mapper.proprio,
            texts=self._mapper.texts,
            action=self._actions.components,
            control_freq_hz=options.control_freq_hz or _render_fps(env) or DEFAULT_CONTROL_FREQ_HZ,
            max_steps=options.max_steps or _step_limit(env) or DEFAULT_MAX_STEPS,
        )
        self.tasks = _tasks_of(env, options.target)
        self._many_tasks = _listed_tasks(env) is not None
        self.identity = _identity_of(env, options.target)

    def reset(self, request: ResetRequest) -> State:
        options: dict[str, Any] = {}
        if self._many_tasks:
            options["task"] = request.task
        if request.initial_state is not None:
            options["initial_state"] = request.initial_state
        seed_actions = getattr(self._env.action_space, "seed", None)
        if callable(seed_actions):
            seed_actions(request.seed)
        observation, info = self._env.reset(seed=request.seed, options=options or None)
        instruction = info.get("instruction") if isinstance(info, Mapping) else None
        return self._state(observation, info, instruction=instruction)

    def step(self, action: NDArray[np.float32]) -> State:
        observation, reward, terminated, truncated, info = self._env.step(self._actions.join(action))
        return self._state(
            observation,
            info,
            reward=_number(reward),
            terminated=bool(terminated),
            truncated=bool(truncated),
        )

    def images(self, names: Sequence[str]) -> Mapping[str, Any]:
        images = self._mapper.split_images(self._observation)
        if self._camera is not None and self._camera in names:
            picture = as_image(self._env.render())
            images[self._camera] = picture if self._resize is None else self._resize(picture)
        return images

    def close(self) -> None:
        self._env.close()

    def _state(self, observation: Any, info: Any, **rest: Any) -> State:
        self._observation = observation
        return State(
            proprio=self._mapper.split_proprio(observation),
            texts=self._mapper.split_texts(observation),
            success=_success_in(info),
            info=jsonable(info),
            **rest,
        )

    def _render_spec(self, name: str, size: tuple[int, int] | None) -> ImageSpec:
        """Renders once, for only a picture tells its size."""
        modes = _metadata(self._env).get("render_modes", _metadata(self._env).get("render.modes"))
        if modes is not None and "rgb_array" not in modes:
            raise LoadError(f"Cannot add a render camera: the environment renders {list(modes)}, not rgb_array")
        try:
            self._env.reset(seed=0, options=None)
            picture = as_image(self._env.render())
        except Exception as error:
            raise LoadError(f"Cannot add a render camera: {type(error).__name__}: {error}") from error
        height, width, channels = picture.shape
        if size is not None and size != (height, width):
            self._resize = AreaResize((height, width), size)
            height, width = size
        return ImageSpec(name, height, width, channels)


def _number(value: Any) -> float:
    """A reward, also where it comes as an array with one entry."""
    return float(value) if isinstance(value, (float, int)) else float(np.asarray(value).item())


def _metadata(env: Any) -> Mapping[str, Any]:
    found = getattr(env, "metadata", None)
    return found if isinstance(found, Mapping) else {}


def _render_fps(env: Any) -> float | None:
    value = _metadata(env).get("render_fps", _metadata(env).get("video.frames_per_second"))
    return float(value) if isinstance(value, (int, float)) and 0 < value < float("inf") else None


def _step_limit(env: Any) -> int | None:
    limit = getattr(getattr(env, "spec", None), "max_episode_steps", None)
    return int(limit) if isinstance(limit, int) and limit > 0 else None


def _success_in(info: Any) -> bool | None:
    """``info["is_success"]`` or ``info["success"]`` where it is a bool, 0 or 1; None elsewhere."""
    if not isinstance(info, Mapping):
        return None
    for key in ("is_success", "success"):
        value = info.get(key)
        if isinstance(value, (bool, np.bool_, int, float, np.number)) and value in (0, 1):
            return bool(value)
    return None


def _listed_tasks(env: Any) -> Sequence[Any] | None:
    """The attribute `tasks`, unless it holds things of another kind than ours."""
    listed = getattr(env.unwrapped, "tasks", None)
    if not isinstance(listed, (list, tuple)):
        return None
    return listed if all(isinstance(entry, (str, Mapping, TaskInfo)) for entry in listed) else None


def _tasks_of(env: Any, target: str) -> tuple[TaskInfo, ...]:
    """The environment's own `tasks` (names, dicts or TaskInfo), or a single one named like the target."""
    listed = _listed_tasks(env)
    if listed is None:
        return (TaskInfo(name=target, suite="gymnasium"),)
    tasks = []
    for entry in listed:
        if isinstance(entry, TaskInfo):
            tasks.append(entry)
        elif isinstance(entry, Mapping):
            tasks.append(TaskInfo(**{"suite": "gymnasium", **entry}))
        else:
            tasks.append(TaskInfo(name=entry, suite="gymnasium"))
    if not tasks:
        raise LoadError(f'Cannot serve "{target}": its list of tasks is empty, must have at least one')
    return tuple(tasks)


def _package_version(module_name: str) -> str | None:
    package = module_name.partition(".")[0]
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        version = getattr(sys.modules.get(package), "__version__", None)
        return version if isinstance(version, str) else None


def _identity_of(env: Any, target: str) -> EnvironmentIdentity:
    module_name = type(env.unwrapped).__module__
    versions = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numpy": np.__version__,
    }
    for package in ("gymnasium", module_name.partition(".")[0]):
        version = _package_version(package) if package in sys.modules else None
        if version is not None:
            versions[package] = version
    registered = getattr(getattr(env, "spec", None), "version", None)
    version = str(registered) if registered is not None else _package_version(module_name)
    return EnvironmentIdentity(name=f"gymnasium:{target}", version=version or "", versions=versions)
