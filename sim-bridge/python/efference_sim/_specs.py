"""Specs and tasks of a Hello, to protobuf and back, checked in both directions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .environment import COMPONENT_FORMATS, ComponentSpec, EnvironmentSpec, ImageSpec, TaskInfo, TextSpec
from .errors import WireError
from .limits import Limits, check_length, check_name, check_positive, check_safe, check_text, check_unique
from .tensors import NUMPY_DTYPES

_OPTIONAL_TEXTS = ("unit", "frame", "charset", "description")


def write_spec(target: Any, spec: EnvironmentSpec) -> None:
    for image in spec.images:
        target.images.add(name=image.name, height=image.height, width=image.width, channels=image.channels)
    for component in spec.proprio:
        _write_component(target.proprio.add(), component)
    for text in spec.texts:
        target.texts.add(name=text.name, max_length=text.max_length)
    for component in spec.action:
        _write_component(target.action.add(), component)
    target.control_freq_hz = spec.control_freq_hz
    target.max_steps = spec.max_steps
    target.privileged = spec.privileged
    target.snapshot = spec.snapshot
    target.SetInParent()


def _write_component(target: Any, spec: ComponentSpec) -> None:
    target.name, target.format, target.dtype = spec.name, spec.format, spec.dtype
    target.shape.extend(spec.shape)
    target.low.extend(float(value) for value in spec.low)
    target.high.extend(float(value) for value in spec.high)
    target.categories.extend(spec.categories)
    for key in (*_OPTIONAL_TEXTS, "min_length"):
        value = getattr(spec, key)
        if value is not None:
            setattr(target, key, value)


def write_tasks(target: Any, tasks: Iterable[TaskInfo]) -> None:
    for task in tasks:
        message = target.add(name=task.name, suite=task.suite, instruction=task.instruction)
        message.initial_states = task.initial_states
        if task.max_steps is not None:
            message.max_steps = task.max_steps


def read_spec(message: Any, limits: Limits) -> EnvironmentSpec:
    if message.max_steps < 1:
        raise WireError("bad_value", "max_steps is 0, must be at least 1")
    spec = EnvironmentSpec(
        images=tuple(_read_image(image, limits) for image in message.images),
        proprio=tuple(_read_component(component, limits) for component in message.proprio),
        texts=tuple(TextSpec(check_name(text.name, "a text", limits), text.max_length) for text in message.texts),
        action=tuple(_read_component(component, limits) for component in message.action),
        control_freq_hz=check_positive(message.control_freq_hz, "control_freq_hz"),
        max_steps=message.max_steps,
        privileged=message.privileged,
        snapshot=message.snapshot,
    )
    check_unique([image.name for image in spec.images], "image", limits)
    check_unique([component.name for component in spec.proprio], "observation component", limits)
    check_unique([text.name for text in spec.texts], "text", limits)
    check_unique([component.name for component in spec.action], "action component", limits)
    return spec


def _read_image(message: Any, limits: Limits) -> ImageSpec:
    name = check_name(message.name, "an image", limits)
    if message.channels not in (1, 3, 4) or message.height < 1 or message.width < 1:
        words = f"uint8[{message.height}, {message.width}, {message.channels}]"
        raise WireError("bad_value", f'image "{name}" is {words}, must have pixels and 1, 3 or 4 channels')
    return ImageSpec(name, message.height, message.width, message.channels)


def _read_component(message: Any, limits: Limits) -> ComponentSpec:
    name = check_name(message.name, "a component", limits)
    what = f'component "{name}"'
    if message.format not in COMPONENT_FORMATS:
        raise WireError("bad_value", f"format of {what} is {message.format!r:.42}, must be one of the table")
    if message.dtype not in NUMPY_DTYPES:
        raise WireError("bad_value", f"dtype of {what} is {message.dtype!r:.42}, must be one of the table")
    if len(message.shape) > limits.max_rank:
        raise WireError("too_large", f"{what} has {len(message.shape)} dimensions, must have at most {limits.max_rank}")
    texts = {key: getattr(message, key) for key in _OPTIONAL_TEXTS if message.HasField(key)}
    for key, text in texts.items():
        check_text(text, f"{key} of {what}", limits)
    check_length(len(message.categories), f"categories of {what}", limits)
    spec = ComponentSpec(
        name=name,
        format=message.format,
        dtype=message.dtype,
        shape=tuple(check_safe(dim, f"a dimension of {what}") for dim in message.shape),
        low=tuple(message.low),
        high=tuple(message.high),
        categories=tuple(check_safe(count, f"categories of {what}") for count in message.categories),
        min_length=message.min_length if message.HasField("min_length") else None,
        **texts,
    )
    _check_bounds(spec.low, f"lower bound of {what}", spec.width)
    _check_bounds(spec.high, f"upper bound of {what}", spec.width)
    _check_categories(spec, what)
    return spec


def _check_bounds(bounds: Sequence[float], what: str, count: int) -> None:
    if len(bounds) > 1 and len(bounds) != count:
        raise WireError("bad_value", f"{what} has {len(bounds)} entries, must have 1 or {count}")
    if any(math.isnan(bound) for bound in bounds):
        raise WireError("non_finite", f"{what} is NaN, must be a number or infinite")


def _check_categories(spec: ComponentSpec, what: str) -> None:
    expected = {"discrete": 1, "multi_discrete": spec.width}.get(spec.format, 0)
    if len(spec.categories) != expected:
        counts = len(spec.categories)
        raise WireError("bad_value", f"{what} has {counts} category counts, must have {expected} for {spec.format}")
    if 0 in spec.categories:
        raise WireError("bad_value", f"{what} has an entry with 0 categories, must have at least 1")


def read_tasks(messages: Any, limits: Limits) -> tuple[TaskInfo, ...]:
    tasks = tuple(_read_task(message, limits) for message in messages)
    check_unique([task.name for task in tasks], "task", limits)
    return tasks


def _read_task(message: Any, limits: Limits) -> TaskInfo:
    name = check_name(message.name, "a task", limits)
    max_steps = message.max_steps if message.HasField("max_steps") else None
    if max_steps == 0:
        raise WireError("bad_value", f'max_steps of task "{name}" is 0, must be at least 1')
    return TaskInfo(
        name=name,
        suite=check_text(message.suite, f'suite of task "{name}"', limits),
        instruction=check_text(message.instruction, f'instruction of task "{name}"', limits),
        initial_states=message.initial_states,
        max_steps=max_steps,
    )
