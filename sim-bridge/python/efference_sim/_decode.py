"""Protobuf bodies to dataclasses, with every claim of the sender checked. Trust begins behind this module."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import messages as m
from ._encode import KINDS, ROLES
from .environment import (
    COMPONENT_FORMATS,
    ComponentSpec,
    EnvironmentSpec,
    ImageSpec,
    Observation,
    ResetRequest,
    TaskInfo,
    TextSpec,
    TimeStep,
    Want,
)
from .tensors import MAX_RANK, NUMPY_DTYPES, Array, dtype_name

MAX_SEED = 2**53
MAX_JSON_DEPTH = 64
_ROLE_NAMES = {number: name for name, number in ROLES.items()}
_KIND_NAMES = {number: name for name, number in KINDS.items()}


class DecodeError(ValueError):
    """Bytes that are no message of this protocol. ``code`` is what an ``Error`` message says about it."""

    def __init__(self, problem: str, code: str = "bad_message") -> None:
        super().__init__(f"Cannot decode a message: {problem}")
        self.code = code


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _depth(value: Any, left: int) -> bool:
    if left < 0:
        return False
    if isinstance(value, dict):
        return all(_depth(item, left - 1) for item in value.values())
    if isinstance(value, list):
        return all(_depth(item, left - 1) for item in value)
    return True


def _json(text: str, kind: type, where: str) -> Any | None:
    if text == "":
        return None
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"{where} is not JSON ({error}), must be JSON") from None
    if not isinstance(value, kind):
        raise DecodeError(f"{where} is a JSON {type(value).__name__}, must be a {kind.__name__}")
    if not _depth(value, MAX_JSON_DEPTH):
        raise DecodeError(f"{where} is nested deeper than {MAX_JSON_DEPTH}, must be flatter")
    return value


def _tensor(tensors: Sequence[Array], index: int, where: str) -> Array:
    if index >= len(tensors):
        raise DecodeError(f"{where} is tensor {index}, there are {len(tensors)}")
    return tensors[index]


def _ndarray(tensors: Sequence[Array], index: int, expect: tuple[str, int, str]) -> Any:
    dtype, rank, where = expect
    array = _tensor(tensors, index, where)
    if dtype_name(array) != dtype or not isinstance(array, np.ndarray) or array.ndim != rank:
        raise DecodeError(f"{where} is {dtype_name(array)} of another rank, must be {dtype} of rank {rank}")
    return array


def _named(entries: Any, tensors: Sequence[Array], where: str) -> dict[str, Array]:
    named: dict[str, Array] = {}
    for entry in entries:
        if entry.name in named:
            raise DecodeError(f"{where} {entry.name!r:.80} appears twice, must appear once")
        named[entry.name] = _tensor(tensors, entry.index, f"{where} {entry.name!r:.80}")
    return named


def _finite(value: float, where: str) -> float:
    if not np.isfinite(value):
        raise DecodeError(f"{where} is {value}, must be finite", "non_finite")
    return value


def _optional(message: Any, key: str) -> Any:
    return getattr(message, key) if message.HasField(key) else None


def _component(message: Any) -> ComponentSpec:
    where = f"component {message.name!r:.80}"
    if message.format not in COMPONENT_FORMATS:
        raise DecodeError(f"format of {where} is {message.format!r:.40}, must be a known one")
    if message.dtype not in NUMPY_DTYPES:
        raise DecodeError(f"dtype of {where} is {message.dtype!r:.40}, must be a known one")
    if len(message.shape) > MAX_RANK:
        raise DecodeError(f"rank of {where} is {len(message.shape)}, must be at most {MAX_RANK}")
    spec = ComponentSpec(
        name=message.name,
        format=message.format,
        dtype=message.dtype,
        shape=tuple(message.shape),
        unit=_optional(message, "unit"),
        frame=_optional(message, "frame"),
        low=tuple(message.low),
        high=tuple(message.high),
        categories=tuple(message.categories),
        charset=_optional(message, "charset"),
        min_length=_optional(message, "min_length"),
        description=_optional(message, "description"),
    )
    for bound in (spec.low, spec.high, spec.categories):
        if len(bound) not in (0, 1, spec.width):
            raise DecodeError(f"{where} has {len(bound)} bounds or categories, must have 0, 1 or {spec.width}")
    return spec


def _spec(message: Any) -> EnvironmentSpec:
    for image in message.images:
        if image.channels not in (1, 3, 4) or image.height < 1 or image.width < 1:
            words = f"uint8[{image.height}, {image.width}, {image.channels}]"
            raise DecodeError(f"image {image.name!r:.80} is {words}, must have 1, 3 or 4 channels")
    spec = EnvironmentSpec(
        images=tuple(ImageSpec(i.name, i.height, i.width, i.channels) for i in message.images),
        proprio=tuple(_component(component) for component in message.proprio),
        texts=tuple(TextSpec(text.name, text.max_length) for text in message.texts),
        action=tuple(_component(component) for component in message.action),
        control_freq_hz=_finite(message.control_freq_hz, "control_freq_hz"),
        max_steps=message.max_steps,
        privileged=message.privileged,
        snapshot=message.snapshot,
    )
    for what in ("images", "proprio", "texts", "action"):
        names = [part.name for part in getattr(spec, what)]
        if len(set(names)) != len(names):
            raise DecodeError(f"{what} of the spec has a name twice, must have each once")
    return spec


def _want(message: Any) -> Want:
    images: Any = tuple(message.images)
    if message.all_images:
        images = "all"
    elif not images:
        images = "none"
    return Want(
        images=images,
        images_at="every" if message.images_at_every_step else "last",
        poses=message.poses,
        privileged=message.privileged,
        depth=message.depth,
        segmentation=message.segmentation,
    )


def _observation(message: Any, tensors: Sequence[Array]) -> Observation:
    return Observation(
        images=_named(message.images, tensors, "image"),
        proprio=_named(message.proprio, tensors, "component"),
        texts=dict(message.texts),
        instruction=message.instruction,
        step=message.step,
        stamp_ns=message.stamp_ns,
        privileged=_json(message.privileged_json, dict, "privileged_json"),
        depth=_named(message.depth, tensors, "depth image"),
        segmentation=_named(message.segmentation, tensors, "segmentation image"),
    )


def _time_step(message: Any, tensors: Sequence[Array]) -> TimeStep:
    kind: Any = _KIND_NAMES.get(message.kind)
    if kind is None:
        raise DecodeError(f"kind of a time step is {message.kind}, must be 1, 2 or 3")
    if not message.HasField("observation"):
        raise DecodeError("a time step has no observation, must have one")
    ended = message.terminated or message.truncated
    if ended != (kind == "last"):
        raise DecodeError(f"a {kind} step has terminated or truncated {ended}, must be {not ended}")
    poses = None
    if message.HasField("poses"):
        poses = _ndarray(tensors, message.poses, ("float64", 2, "poses"))
        if poses.shape[1] != 7:
            raise DecodeError(f"poses have {poses.shape[1]} columns, must have 7")
    return TimeStep(
        kind=kind,
        observation=_observation(message.observation, tensors),
        reward=_finite(message.reward, "reward"),
        terminated=message.terminated,
        truncated=message.truncated,
        success=_optional(message, "success"),
        busy_ns=message.busy_ns,
        poses=poses,
        info=_json(message.info_json, dict, "info_json"),
    )


def _task(message: Any) -> TaskInfo:
    return TaskInfo(
        name=message.name,
        suite=message.suite,
        instruction=message.instruction,
        initial_states=message.initial_states,
        max_steps=_optional(message, "max_steps"),
    )


def _hello(body: Any, _: Sequence[Array]) -> m.Hello:
    role: Any = _ROLE_NAMES.get(body.role)
    if role is None:
        raise DecodeError(f"role is {body.role}, must be 1 (simulator) or 2 (policy client)")
    return m.Hello(
        role=role,
        name=body.name,
        version=body.version,
        versions=dict(body.versions),
        schema_fingerprint=body.schema_fingerprint,
        spec=_spec(body.spec) if body.HasField("spec") else None,
        tasks=tuple(_task(task) for task in body.tasks),
        heartbeat_s=_finite(body.heartbeat_s, "heartbeat_s"),
    )


def _welcome(body: Any, _: Sequence[Array]) -> m.Welcome:
    return m.Welcome(
        schema_fingerprint=body.schema_fingerprint,
        runtime_version=body.runtime_version,
        heartbeat_s=_finite(body.heartbeat_s, "heartbeat_s"),
        max_message_bytes=body.max_message_bytes,
    )


def _seed(value: int) -> int:
    if value >= MAX_SEED:
        raise DecodeError(f"seed is {value}, must be below 2^53")
    return value


def _reset(body: Any, _: Sequence[Array]) -> m.Reset:
    request = ResetRequest(
        task=body.task,
        seed=_seed(body.seed),
        initial_state=_optional(body, "initial_state"),
        max_steps=_optional(body, "max_steps"),
        want=_want(body.want),
    )
    return m.Reset(request)


def _chunk(tensors: Sequence[Array], index: int) -> Any:
    chunk = _ndarray(tensors, index, ("float32", 2, "chunk"))
    if chunk.shape[0] < 1:
        raise DecodeError("chunk has no row, must have at least one")
    return chunk


def _step_done(body: Any, tensors: Sequence[Array]) -> m.StepDone:
    if len(body.steps) == 0:
        raise DecodeError("step_done has no step, must have at least one")
    return m.StepDone([_time_step(step, tensors) for step in body.steps])


def _decided(body: Any, tensors: Sequence[Array]) -> m.Decided:
    thoughts = _json(body.thoughts_json, list, "thoughts_json") or []
    if not all(isinstance(thought, dict) for thought in thoughts):
        raise DecodeError("thoughts_json has an entry that is no object, must have objects")
    return m.Decided(chunk=_chunk(tensors, body.chunk), thoughts=thoughts, timing_ms=dict(body.timing_ms))


def _scene(body: Any) -> Any | None:
    return _json(body.scene_json, dict, "scene_json")


READERS: dict[str, Any] = {
    "hello": _hello,
    "welcome": _welcome,
    "reset": _reset,
    "reset_done": lambda b, t: m.ResetDone(_time_step(b.first, t), _scene(b), b.instruction),
    "step": lambda b, t: m.Step(_chunk(t, b.chunk), _want(b.want)),
    "step_done": _step_done,
    "snapshot": lambda _b, _t: m.Snapshot(),
    "snapshot_done": lambda b, _t: m.SnapshotDone(b.state),
    "restore": lambda b, _t: m.Restore(b.state, _want(b.want)),
    "restore_done": lambda b, t: m.RestoreDone(_time_step(b.step, t)),
    "close": lambda b, _t: m.Close(b.reason),
    "error": lambda b, _t: m.Error(b.code, b.message, b.fatal),
    "heartbeat": lambda _b, _t: m.Heartbeat(),
    "episode_start": lambda b, _t: m.EpisodeStart(b.task, b.instruction, _seed(b.seed)),
    "episode_started": lambda _b, _t: m.EpisodeStarted(),
    "decide": lambda b, t: m.Decide(_observation(b.observation, t)),
    "decided": _decided,
}
