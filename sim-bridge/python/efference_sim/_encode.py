"""Dataclasses to protobuf bodies. Tensors are collected beside the envelope, never inside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import messages as m
from ._specs import write_spec, write_tasks
from .environment import Observation, TimeStep, Want
from .errors import WireError
from .limits import check_name, json_text
from .scenes import check_scene, check_scene_graph
from .tensors import Array, dtype_name, is_finite, shape_of, tensor_bytes

ROLES = {"simulator": 1, "policy_client": 2}
KINDS = {"first": 1, "mid": 2, "last": 3}


class Tensors:
    """The tensors of one message: their descriptions in the envelope, their bytes as frames."""

    def __init__(self, envelope: Any) -> None:
        self._described = envelope.tensors
        self.frames: list[memoryview] = []

    def add(self, array: Array) -> int:
        """Appends an array and returns its index."""
        self._described.add(dtype=dtype_name(array), shape=shape_of(array))
        self.frames.append(tensor_bytes(array))
        return len(self.frames) - 1

    def add_finite(self, values: Any, dtype: Any, what: str) -> int:
        array = np.asarray(values, dtype=dtype)
        if not is_finite(array):
            raise WireError("non_finite", f"Cannot send the {what}: it has NaN or infinity, must be finite")
        return self.add(array)

    def add_named(self, target: Any, arrays: Mapping[str, Array]) -> None:
        """Adds a map in order of its names, so that equal maps give equal bytes."""
        for name in sorted(arrays):
            target.add(name=check_name(name, "a tensor"), index=self.add(arrays[name]))


def _json(value: Any, what: str) -> str:
    return "" if value is None else json_text(value, what)


def _scene_json(scene: Any) -> str:
    if scene is not None:
        check_scene(scene)
    return _json(scene, "scene_json")


def _graph_json(graph: Any) -> str:
    if graph is not None:
        check_scene_graph(graph)
    return _json(graph, "privileged_json")


def _want(target: Any, want: Want) -> None:
    target.SetInParent()
    if want.images == "all":
        target.all_images = True
    elif want.images != "none":
        target.images.extend(want.images)
    target.images_at_every_step = want.images_at == "every"
    target.poses = want.poses
    target.privileged = want.privileged
    target.depth = want.depth
    target.segmentation = want.segmentation


def _observation(target: Any, observation: Observation, tensors: Tensors) -> None:
    target.SetInParent()
    tensors.add_named(target.images, observation.images)
    tensors.add_named(target.proprio, observation.proprio)
    for name, text in observation.texts.items():
        target.texts[name] = text
    target.instruction = observation.instruction
    target.step = observation.step
    target.stamp_ns = observation.stamp_ns
    target.privileged_json = _graph_json(observation.privileged)
    tensors.add_named(target.depth, observation.depth)
    tensors.add_named(target.segmentation, observation.segmentation)


def _time_step(target: Any, step: TimeStep, tensors: Tensors) -> None:
    target.kind = KINDS[step.kind]
    _observation(target.observation, step.observation, tensors)
    target.reward = step.reward
    target.terminated = step.terminated
    target.truncated = step.truncated
    if step.success is not None:
        target.success = step.success
    target.busy_ns = step.busy_ns
    if step.poses is not None:
        target.poses = tensors.add_finite(step.poses, np.float64, "poses")
    target.info_json = _json(step.info, "info_json")


def _hello(body: Any, message: m.Hello, _: Tensors) -> None:
    body.role = ROLES[message.role]
    body.name = message.name
    body.version = message.version
    for key, value in message.versions.items():
        body.versions[key] = value
    body.schema_fingerprint = message.schema_fingerprint
    if message.spec is not None:
        write_spec(body.spec, message.spec)
    write_tasks(body.tasks, message.tasks)
    body.heartbeat_s = message.heartbeat_s


def _welcome(body: Any, message: m.Welcome, _: Tensors) -> None:
    body.schema_fingerprint = message.schema_fingerprint
    body.runtime_version = message.runtime_version
    body.heartbeat_s = message.heartbeat_s
    body.max_message_bytes = message.max_message_bytes


def _reset(body: Any, message: m.Reset, _: Tensors) -> None:
    request = message.request
    body.task = request.task
    body.seed = request.seed
    if request.initial_state is not None:
        body.initial_state = request.initial_state
    if request.max_steps is not None:
        body.max_steps = request.max_steps
    _want(body.want, request.want)


def _reset_done(body: Any, message: m.ResetDone, tensors: Tensors) -> None:
    _time_step(body.first, message.first, tensors)
    body.scene_json = _scene_json(message.scene)
    body.instruction = message.instruction


def _step(body: Any, message: m.Step, tensors: Tensors) -> None:
    body.chunk = tensors.add_finite(message.chunk, np.float32, "action chunk")
    _want(body.want, message.want)


def _step_done(body: Any, message: m.StepDone, tensors: Tensors) -> None:
    for step in message.steps:
        _time_step(body.steps.add(), step, tensors)


def _snapshot_done(body: Any, message: m.SnapshotDone, _: Tensors) -> None:
    body.state = message.state


def _restore(body: Any, message: m.Restore, _: Tensors) -> None:
    body.state = message.state
    _want(body.want, message.want)


def _restore_done(body: Any, message: m.RestoreDone, tensors: Tensors) -> None:
    _time_step(body.step, message.step, tensors)


def _close(body: Any, message: m.Close, _: Tensors) -> None:
    body.reason = message.reason


def _error(body: Any, message: m.Error, _: Tensors) -> None:
    body.code = message.code
    body.message = message.message
    body.fatal = message.fatal


def _episode_start(body: Any, message: m.EpisodeStart, _: Tensors) -> None:
    body.task = message.task
    body.instruction = message.instruction
    body.seed = message.seed


def _decide(body: Any, message: m.Decide, tensors: Tensors) -> None:
    _observation(body.observation, message.observation, tensors)


def _decided(body: Any, message: m.Decided, tensors: Tensors) -> None:
    body.chunk = tensors.add_finite(message.chunk, np.float32, "action chunk")
    thoughts = list(message.thoughts)
    body.thoughts_json = _json(thoughts if thoughts else None, "thoughts_json")
    for key, value in message.timing_ms.items():
        body.timing_ms[key] = value


def _nothing(_body: Any, _message: Any, _tensors: Tensors) -> None:
    return None


# Message class -> (name of the body field, writer).
WRITERS: dict[type, tuple[str, Any]] = {
    m.Hello: ("hello", _hello),
    m.Welcome: ("welcome", _welcome),
    m.Reset: ("reset", _reset),
    m.ResetDone: ("reset_done", _reset_done),
    m.Step: ("step", _step),
    m.StepDone: ("step_done", _step_done),
    m.Snapshot: ("snapshot", _nothing),
    m.SnapshotDone: ("snapshot_done", _snapshot_done),
    m.Restore: ("restore", _restore),
    m.RestoreDone: ("restore_done", _restore_done),
    m.Close: ("close", _close),
    m.Error: ("error", _error),
    m.Heartbeat: ("heartbeat", _nothing),
    m.EpisodeStart: ("episode_start", _episode_start),
    m.EpisodeStarted: ("episode_started", _nothing),
    m.Decide: ("decide", _decide),
    m.Decided: ("decided", _decided),
}
