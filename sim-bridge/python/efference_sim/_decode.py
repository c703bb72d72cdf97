"""Protobuf bodies to dataclasses, with every claim of the sender checked. Trust begins behind this module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from . import messages as m
from ._specs import read_spec, read_tasks
from .environment import Observation, ResetRequest, TimeStep, Want
from .errors import WireError
from .limits import (
    Limits,
    check_finite,
    check_length,
    check_name,
    check_positive,
    check_safe,
    check_text,
    parse_json,
)
from .scenes import check_scene, check_scene_graph
from .tensors import Array, dtype_name, is_finite, shape_of

ROLES = ("simulator", "policy_client")
KINDS = ("first", "mid", "last")
_FORMS: Mapping[str, Callable[[Any], None]] = {"scene_json": check_scene, "privileged_json": check_scene_graph}
_STAGE = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")
_THOUGHT_FIELDS: Mapping[str, tuple[tuple[str, type], ...]] = {
    "text": (("tag", str), ("text", str)),
    "point": (("tag", str), ("position", list)),
    "scalar": (("tag", str), ("value", float)),
}


class Source:
    """The tensors of one incoming message; each belongs to exactly one place."""

    def __init__(self, tensors: Sequence[Array], limits: Limits) -> None:
        self.limits = limits
        self._tensors = tensors
        self._unused = set(range(len(tensors)))

    def take(self, index: int, what: str) -> Array:
        if index >= len(self._tensors):
            raise WireError("bad_tensor", f"{what} names tensor {index}, must be below {len(self._tensors)}")
        if index not in self._unused:
            raise WireError("bad_tensor", f"tensor {index} is named twice, must belong to one place")
        self._unused.remove(index)
        return self._tensors[index]

    def take_named(self, entries: Any, what: str) -> dict[str, Array]:
        named: dict[str, Array] = {}
        for entry in entries:
            name = check_name(entry.name, what, self.limits)
            if name in named:
                raise WireError("bad_value", f'{what} "{name}" appears twice, must be unique')
            named[name] = self.take(entry.index, what)
        return named

    def take_plain(self, index: int, what: str, dtype: str) -> Any:
        """A matrix of the given dtype, every number finite."""
        array = self.take(index, what)
        if dtype_name(array) != dtype or len(shape_of(array)) != 2:
            words = f"{dtype_name(array)}{list(shape_of(array))}"
            raise WireError("bad_tensor", f"{what} is {words}, must be a matrix of {dtype}")
        if not is_finite(array):
            raise WireError("non_finite", f"{what} has NaN or infinity, must be finite")
        return array

    def take_chunk(self, index: int) -> Any:
        chunk = self.take_plain(index, "action chunk", "float32")
        if 0 in chunk.shape:
            words = "must be [horizon, action_dim] with at least one row and column"
            raise WireError("bad_tensor", f"shape of the action chunk is {list(chunk.shape)}, {words}")
        return chunk

    def finish(self) -> None:
        if self._unused:
            raise WireError("bad_tensor", f"tensor {min(self._unused)} is named nowhere, must be used")


def _optional(message: Any, key: str) -> Any:
    return getattr(message, key) if message.HasField(key) else None


def _need(message: Any, key: str) -> Any:
    if not message.HasField(key):
        raise WireError("malformed", f"it lacks {key}, must have it")
    return getattr(message, key)


def _texts(texts: Mapping[str, str], what: str, limits: Limits) -> dict[str, str]:
    check_length(len(texts), what, limits)
    return {check_name(key, what, limits): check_text(text, f'{what} "{key}"', limits) for key, text in texts.items()}


def _json_object(text: str, what: str, limits: Limits) -> Any:
    if text == "":
        return None
    value = parse_json(text, what, limits)
    if what in _FORMS:
        _FORMS[what](value)
    if not isinstance(value, dict):
        raise WireError("bad_value", f"{what} is a JSON {type(value).__name__}, must be an object")
    return value


def _want(message: Any, limits: Limits) -> Want:
    check_length(len(message.images), "wanted images", limits)
    images: Any = tuple(check_name(name, "a wanted image", limits) for name in message.images)
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


def _observation(message: Any, source: Source) -> Observation:
    limits = source.limits
    return Observation(
        images=source.take_named(message.images, "image"),
        proprio=source.take_named(message.proprio, "observation component"),
        texts=_texts(message.texts, "text", limits),
        instruction=check_text(message.instruction, "instruction", limits),
        step=message.step,
        stamp_ns=message.stamp_ns,
        privileged=_json_object(message.privileged_json, "privileged_json", limits),
        depth=source.take_named(message.depth, "depth image"),
        segmentation=source.take_named(message.segmentation, "segmentation image"),
    )


def _check_rules(step: TimeStep) -> None:
    """dm_env's semantics: only a last step ends an episode and says why; the first has no reward."""
    ended = step.terminated or step.truncated
    if ended != (step.kind == "last"):
        found = "terminated or truncated" if ended else "neither terminated nor truncated"
        raise WireError("bad_value", f"a {step.kind} time step is {found}, must be the opposite")
    if step.kind == "first" and step.reward != 0:
        raise WireError("bad_value", f"reward of a first time step is {step.reward}, must be 0")


def _poses(message: Any, source: Source) -> Any:
    if not message.HasField("poses"):
        return None
    poses = source.take_plain(message.poses, "poses", "float64")
    if poses.shape[1] != 7:
        raise WireError("bad_tensor", f"poses have {poses.shape[1]} columns, must have 7")
    return poses


def _time_step(message: Any, source: Source) -> TimeStep:
    if not 1 <= message.kind <= len(KINDS):
        raise WireError("bad_value", f"kind of a time step is {message.kind}, must be 1, 2 or 3")
    kind: Any = KINDS[message.kind - 1]
    step = TimeStep(
        kind=kind,
        observation=_observation(_need(message, "observation"), source),
        reward=check_finite(message.reward, "reward"),
        terminated=message.terminated,
        truncated=message.truncated,
        success=_optional(message, "success"),
        busy_ns=message.busy_ns,
        poses=_poses(message, source),
        info=_json_object(message.info_json, "info_json", source.limits),
    )
    _check_rules(step)
    return step


def _fingerprint(text: str) -> str:
    if len(text) != 16 or not set(text) <= set("0123456789abcdef"):
        raise WireError("bad_value", f'schema fingerprint is "{text[:40]}", must be 16 hexadecimal digits')
    return text


def _hello(body: Any, source: Source) -> m.Hello:
    limits = source.limits
    if not 1 <= body.role <= len(ROLES):
        raise WireError("bad_value", f"role is {body.role}, must be 1 (simulator) or 2 (policy client)")
    role: Any = ROLES[body.role - 1]
    return m.Hello(
        role=role,
        name=check_name(body.name, "a peer", limits),
        version=check_text(body.version, "version", limits),
        versions=_texts(body.versions, "version of", limits),
        schema_fingerprint=_fingerprint(body.schema_fingerprint),
        spec=read_spec(_need(body, "spec"), limits),
        tasks=read_tasks(body.tasks, limits),
        heartbeat_s=check_positive(body.heartbeat_s, "heartbeat_s"),
    )


def _welcome(body: Any, source: Source) -> m.Welcome:
    return m.Welcome(
        schema_fingerprint=_fingerprint(body.schema_fingerprint),
        runtime_version=check_text(body.runtime_version, "version", source.limits),
        heartbeat_s=check_positive(body.heartbeat_s, "heartbeat_s"),
        max_message_bytes=check_safe(body.max_message_bytes, "max_message_bytes"),
    )


def _reset(body: Any, source: Source) -> m.Reset:
    max_steps = _optional(body, "max_steps")
    if max_steps == 0:
        raise WireError("bad_value", "max_steps is 0, must be at least 1")
    request = ResetRequest(
        task=check_name(body.task, "a task", source.limits),
        seed=check_safe(body.seed, "seed"),
        initial_state=_optional(body, "initial_state"),
        max_steps=max_steps,
        want=_want(body.want, source.limits),
    )
    return m.Reset(request)


def _reset_done(body: Any, source: Source) -> m.ResetDone:
    return m.ResetDone(
        first=_time_step(_need(body, "first"), source),
        scene=_json_object(body.scene_json, "scene_json", source.limits),
        instruction=check_text(body.instruction, "instruction", source.limits),
    )


def _step_done(body: Any, source: Source) -> m.StepDone:
    if len(body.steps) == 0:
        raise WireError("malformed", "it lacks a time step, must have it")
    check_length(len(body.steps), "list of time steps", source.limits)
    return m.StepDone([_time_step(step, source) for step in body.steps])


def _check_thought(thought: Any) -> None:
    if not isinstance(thought, dict) or not isinstance(thought.get("kind"), str):
        raise WireError("bad_value", "a thought has no kind, must be an object with one")
    for name, kind in _THOUGHT_FIELDS.get(thought["kind"], ()):
        value = thought.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
            raise WireError(
                "bad_value", f"{name} of a {thought['kind']} thought is {value!r:.40}, must be a {kind.__name__}"
            )


def _thoughts(text: str, limits: Limits) -> list[Any]:
    if text == "":
        return []
    thoughts = parse_json(text, "thoughts_json", limits)
    if not isinstance(thoughts, list):
        raise WireError("bad_value", f"thoughts_json is a JSON {type(thoughts).__name__}, must be an array")
    for thought in thoughts:
        _check_thought(thought)
    return thoughts


def _decided(body: Any, source: Source) -> m.Decided:
    limits = source.limits
    timing = dict(body.timing_ms)
    check_length(len(timing), "timing stages", limits)
    for stage, value in timing.items():
        check_name(stage, "a timing stage", limits)
        if _STAGE.fullmatch(stage) is None:
            raise WireError("bad_value", f'timing stage is "{stage:.40}", must be a name like total_ms')
        check_finite(value, f'timing of "{stage}"')
    if "total_ms" not in timing:
        raise WireError("malformed", "it lacks the timing total_ms, must have it")
    return m.Decided(
        chunk=source.take_chunk(body.chunk),
        thoughts=_thoughts(body.thoughts_json, limits),
        timing_ms=timing,
    )


def _error(body: Any, source: Source) -> m.Error:
    code = check_name(body.code, "an error code", source.limits)
    return m.Error(code, check_text(body.message, "error message", source.limits), body.fatal)


def _episode_start(body: Any, source: Source) -> m.EpisodeStart:
    limits = source.limits
    return m.EpisodeStart(
        task=check_text(body.task, "task", limits),
        instruction=check_text(body.instruction, "instruction", limits),
        seed=check_safe(body.seed, "seed"),
    )


READERS: dict[str, Any] = {
    "hello": _hello,
    "welcome": _welcome,
    "reset": _reset,
    "reset_done": _reset_done,
    "step": lambda b, s: m.Step(s.take_chunk(b.chunk), _want(b.want, s.limits)),
    "step_done": _step_done,
    "snapshot": lambda _b, _s: m.Snapshot(),
    "snapshot_done": lambda b, _s: m.SnapshotDone(b.state),
    "restore": lambda b, s: m.Restore(b.state, _want(b.want, s.limits)),
    "restore_done": lambda b, s: m.RestoreDone(_time_step(_need(b, "step"), s)),
    "close": lambda b, s: m.Close(check_text(b.reason, "reason", s.limits)),
    "error": _error,
    "heartbeat": lambda _b, _s: m.Heartbeat(),
    "episode_start": _episode_start,
    "episode_started": lambda _b, _s: m.EpisodeStarted(),
    "decide": lambda b, s: m.Decide(_observation(_need(b, "observation"), s)),
    "decided": _decided,
}
