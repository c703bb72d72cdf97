"""Turns a plain ``Environment`` into the runtime's semantics: requests in, replies out, no socket.

Counts steps, truncates at the limit, measures the simulator's time, renders what is wanted and refuses numbers
that the spec does not allow. An exception of the simulator becomes a ``RequestError`` and the next reset works.
"""

from __future__ import annotations

import json
import math
import struct
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from . import messages as m
from .actions import ActionChecker
from .environment import (
    ComponentSpec,
    Environment,
    ImageSpec,
    Observation,
    ResetRequest,
    State,
    TaskInfo,
    TimeStep,
    Want,
)
from .tensors import NUMPY_DTYPES, Array, BFloat16, is_finite

SNAPSHOT_MAGIC = b"EFS1"


class RequestError(Exception):
    """A request that cannot be served; becomes an ``Error`` message with this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def _simulator(action: str) -> Iterator[None]:
    """Whatever the simulator raises becomes an ``failed`` that says where."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        last = traceback.format_exception_only(type(error), error)[-1].strip()
        where = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
        raise RequestError("failed", f"Cannot {action}: {last}{where}") from error


def conform(spec: ComponentSpec, value: Any) -> Array:
    """``value`` as the spec's dtype and shape, copied, so that a simulator may reuse its buffers.

    Raises:
        RequestError: ``bad_observation`` for a wrong shape or kind of number, ``non_finite`` for NaN or infinity.
    """
    where = f'observation component "{spec.name}"'
    if spec.dtype == "bfloat16":
        bits = value.bits if isinstance(value, BFloat16) else np.asarray(value).view(np.uint16)
        array: Any = BFloat16(np.array(bits, dtype=np.uint16))
        shape = array.bits.shape
    else:
        given = np.asarray(value)
        shape = given.shape
        dtype = NUMPY_DTYPES[spec.dtype]
        if given.dtype != dtype and not np.can_cast(given.dtype, dtype, "same_kind"):
            raise RequestError("bad_observation", f"{where} is {given.dtype}, must be {spec.dtype}")
        array = np.array(given, dtype=dtype, order="C")
    if shape != spec.shape:
        raise RequestError("bad_observation", f"{where} has shape {list(shape)}, must have {list(spec.shape)}")
    if not is_finite(array):
        _check_declared_infinite(spec, array, where)
    return array


def _check_declared_infinite(spec: ComponentSpec, array: Array, where: str) -> None:
    """NaN is never allowed; an infinity only where the spec states that very bound as infinite."""
    values = array.to_float32() if isinstance(array, BFloat16) else array
    allowed = np.isfinite(values)
    for bounds, infinity in ((spec.low, -math.inf), (spec.high, math.inf)):
        if bounds:
            stated = np.asarray(bounds) if len(bounds) == 1 else np.asarray(bounds).reshape(spec.shape)
            allowed |= (values == infinity) & (stated == infinity)
    if not allowed.all():
        index = [int(number) for number in np.argwhere(~np.atleast_1d(allowed))[0]]
        value = float(np.atleast_1d(values)[tuple(index)])
        must = "a number" if math.isnan(value) else "finite, for its bound is not declared infinite"
        raise RequestError("non_finite", f"{where} has {value} at index {index}, must be {must}")


def _conform_image(spec: ImageSpec, value: Any) -> Array:
    array = np.asarray(value)
    shape = (spec.height, spec.width, spec.channels)
    if array.dtype != np.uint8 or array.shape != shape:
        words = ", ".join(str(dim) for dim in array.shape)
        raise RequestError(
            "bad_observation",
            f'image "{spec.name}" is {array.dtype}[{words}], must be uint8[{", ".join(map(str, shape))}]',
        )
    return np.array(array, order="C")


class EpisodeHost:
    """Serves the requests of one runtime, one at a time."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.finished_episodes = 0
        spec = environment.spec
        self._spec = spec
        self._tasks: dict[str, TaskInfo] = {task.name: task for task in environment.tasks}
        self._images = {image.name: image for image in spec.images}
        self._checker = ActionChecker(spec.action)
        self._task: TaskInfo | None = None
        self._instruction = ""
        self._limit = spec.max_steps
        self._step = 0
        # "none" before a reset or after a failure, "last" after the last step.
        self._phase: Literal["none", "running", "last"] = "none"

    def handle(self, message: m.Message) -> m.Message:
        """The reply to one request. Raises RequestError where there is none."""
        if isinstance(message, m.Reset):
            return self._reset(message.request)
        if isinstance(message, m.Step):
            return self._steps(message)
        if isinstance(message, m.Snapshot):
            return self._snapshot()
        if isinstance(message, m.Restore):
            return self._restore(message)
        kind = type(message).__name__
        raise RequestError("unexpected_message", f"Cannot serve {kind}: a simulator takes no such request")

    def _reset(self, request: ResetRequest) -> m.ResetDone:
        task = self._tasks.get(request.task)
        if task is None:
            known = ", ".join(f'"{name}"' for name in list(self._tasks)[:20])
            raise RequestError("bad_request", f'Cannot reset: task is "{request.task}", must be one of {known}')
        initial = request.initial_state
        if initial is not None and initial >= task.initial_states:
            raise RequestError(
                "bad_request",
                f"Cannot reset: initial_state is {initial}, task has {task.initial_states} of them",
            )
        self._check_want(request.want)
        limits = [self._spec.max_steps, task.max_steps, request.max_steps]
        self._phase = "none"
        self._task = task
        self._limit = min(limit for limit in limits if limit is not None and limit > 0)
        self._step = 0
        started = time.perf_counter_ns()
        with _simulator("reset"):
            state = self.environment.reset(request)
            self._instruction = task.instruction if state.instruction is None else state.instruction
            scene = self.environment.scene()
            first = self._time_step(state, (request.want, True), started)
        self._phase = "running"
        return m.ResetDone(first=first, scene=scene, instruction=self._instruction)

    def _steps(self, message: m.Step) -> m.StepDone:
        if self._phase != "running":
            why = "the episode has ended" if self._phase == "last" else "no episode is running"
            raise RequestError("bad_request", f"Cannot step: {why}, must be reset first")
        try:
            self._checker.check(message.chunk)
        except ValueError as error:
            raise RequestError("bad_request", f"Cannot step: {error}") from None
        self._check_want(message.want)
        steps: list[TimeStep] = []
        horizon = message.chunk.shape[0]
        for row in range(horizon):
            started = time.perf_counter_ns()
            try:
                with _simulator("step"):
                    state = self.environment.step(message.chunk[row])
                    self._step += 1
                    final = row == horizon - 1 or self._ends(state)
                    steps.append(self._time_step(state, (message.want, final), started))
            except RequestError:
                self._phase = "none"
                raise
            if steps[-1].kind == "last":
                self._phase = "last"
                self.finished_episodes += 1
                break
        return m.StepDone(steps)

    def _ends(self, state: State) -> bool:
        return bool(state.terminated or state.truncated or self._step >= self._limit)

    def _time_step(self, state: State, wanted: tuple[Want, bool], started: int) -> TimeStep:
        want, final = wanted
        kind: Literal["first", "mid", "last"] = "first"
        if self._step > 0:
            kind = "last" if self._ends(state) else "mid"
        elif state.terminated or state.truncated:
            raise RequestError("failed", "Cannot reset: the first step has already ended")
        reward = float(state.reward) if kind != "first" else 0.0
        if not math.isfinite(reward):
            raise RequestError("non_finite", f"reward is {reward}, must be finite")
        with_images = final or want.images_at == "every"
        observation = self._observation(state, want, with_images)
        terminated = bool(state.terminated)
        return TimeStep(
            kind=kind,
            observation=observation,
            reward=reward,
            terminated=terminated,
            # The limit truncates only what the world itself has not ended.
            truncated=bool(state.truncated) or (kind == "last" and not terminated),
            success=None if state.success is None else bool(state.success),
            poses=self.environment.poses() if want.poses else None,
            info=state.info,
            busy_ns=time.perf_counter_ns() - started,
        )

    def _observation(self, state: State, want: Want, with_images: bool) -> Observation:
        environment = self.environment
        names = self._wanted_images(want) if with_images else []
        stamp_ns = state.stamp_ns
        if stamp_ns is None:
            stamp_ns = round(self._step * 1e9 / self._spec.control_freq_hz)
        return Observation(
            images=self._take_images(names),
            proprio=self._take_proprio(state.proprio),
            texts=self._take_texts(state.texts),
            instruction=self._instruction,
            step=self._step,
            stamp_ns=stamp_ns,
            privileged=environment.privileged() if want.privileged else None,
            depth=_conform_depth(environment.depth(names)) if want.depth else {},
            segmentation=_copied(environment.segmentation(names), np.uint16) if want.segmentation else {},
        )

    def _take_images(self, names: Sequence[str]) -> dict[str, Array]:
        if not names:
            return {}
        images = self.environment.images(names)
        return {name: _conform_image(self._images[name], images[name]) for name in names}

    def _take_proprio(self, values: Mapping[str, Any]) -> dict[str, Array]:
        taken = {}
        for spec in self._spec.proprio:
            if spec.name not in values:
                words = f'observation component "{spec.name}" is absent, must be given'
                raise RequestError("bad_observation", words)
            taken[spec.name] = conform(spec, values[spec.name])
        return taken

    def _take_texts(self, texts: Mapping[str, str]) -> dict[str, str]:
        taken = {}
        for spec in self._spec.texts:
            text = texts[spec.name]
            if len(text) > spec.max_length:
                raise RequestError(
                    "bad_observation",
                    f'text "{spec.name}" has {len(text)} characters, must have at most {spec.max_length}',
                )
            taken[spec.name] = text
        return taken

    def _wanted_images(self, want: Want) -> list[str]:
        if want.images == "all":
            return list(self._images)
        return [] if want.images == "none" else list(want.images)

    def _check_want(self, want: Want) -> None:
        for name in self._wanted_images(want):
            if name not in self._images:
                known = ", ".join(f'"{image}"' for image in self._images) or "no images"
                raise RequestError("bad_request", f'Cannot send image "{name}": there is {known}')

    def _snapshot(self) -> m.SnapshotDone:
        if not self._spec.snapshot:
            raise RequestError("bad_request", "Cannot take a snapshot: this simulator offers none")
        if self._phase == "none" or self._task is None:
            raise RequestError("bad_request", "Cannot take a snapshot: no episode is running")
        header = {
            "task": self._task.name,
            "instruction": self._instruction,
            "step": self._step,
            "limit": self._limit,
            "ended": self._phase == "last",
        }
        text = json.dumps(header).encode("utf-8")
        with _simulator("take a snapshot"):
            state = self.environment.snapshot()
        return m.SnapshotDone(SNAPSHOT_MAGIC + struct.pack("<I", len(text)) + text + state)

    def _restore(self, message: m.Restore) -> m.RestoreDone:
        if not self._spec.snapshot:
            raise RequestError("bad_request", "Cannot restore: this simulator offers no snapshots")
        header, state = _split_snapshot(message.state)
        task = self._tasks.get(str(header.get("task")))
        if task is None:
            raise RequestError("bad_request", "Cannot restore: the snapshot is of another simulator")
        self._check_want(message.want)
        started = time.perf_counter_ns()
        self._phase = "none"
        with _simulator("restore"):
            restored = self.environment.restore(state)
            self._task = task
            self._instruction = str(header["instruction"])
            self._step = int(header["step"])
            self._limit = int(header["limit"])
            step = self._time_step(restored, (message.want, True), started)
        self._phase = "last" if step.kind == "last" else "running"
        return m.RestoreDone(step)


def _copied(arrays: Mapping[str, Any], dtype: Any) -> dict[str, Array]:
    return {name: np.array(array, dtype=dtype, order="C") for name, array in arrays.items()}


def _conform_depth(arrays: Mapping[str, Any]) -> dict[str, Array]:
    """Nothing in sight may be infinitely far, but no distance is NaN."""
    depth = _copied(arrays, np.float32)
    for name, array in depth.items():
        if np.isnan(np.asarray(array)).any():
            raise RequestError("non_finite", f'depth of "{name}" has NaN, must be numbers')
    return depth


def _split_snapshot(data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        if data[:4] != SNAPSHOT_MAGIC:
            raise ValueError("magic")
        (length,) = struct.unpack_from("<I", data, 4)
        header = json.loads(data[8 : 8 + length])
        if not isinstance(header, dict) or len(data) < 8 + length:
            raise ValueError("header")
    except (ValueError, struct.error):
        raise RequestError("bad_request", "Cannot restore: the bytes are no snapshot of this package") from None
    return header, data[8 + length :]
