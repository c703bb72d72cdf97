"""One dataclass per message of the wire. ``codec`` turns them into frames and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union

import numpy as np
from numpy.typing import NDArray

from .environment import WANT_NOTHING, EnvironmentSpec, Observation, ResetRequest, TaskInfo, TimeStep, Want


@dataclass(frozen=True)
class Hello:
    role: Literal["simulator", "policy_client"]
    name: str
    version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    schema_fingerprint: str = ""
    spec: EnvironmentSpec | None = None
    tasks: Sequence[TaskInfo] = ()
    heartbeat_s: float = 1.0


@dataclass(frozen=True)
class Welcome:
    schema_fingerprint: str = ""
    runtime_version: str = ""
    heartbeat_s: float = 1.0
    max_message_bytes: int = 0


@dataclass(frozen=True)
class Reset:
    request: ResetRequest


@dataclass(frozen=True)
class ResetDone:
    first: TimeStep
    scene: Mapping[str, Any] | None = None
    instruction: str = ""


@dataclass(frozen=True)
class Step:
    # float32[horizon, action_dim]
    chunk: NDArray[np.float32]
    want: Want = WANT_NOTHING


@dataclass(frozen=True)
class StepDone:
    steps: Sequence[TimeStep]


@dataclass(frozen=True)
class Snapshot:
    pass


@dataclass(frozen=True)
class SnapshotDone:
    state: bytes


@dataclass(frozen=True)
class Restore:
    state: bytes
    want: Want = WANT_NOTHING


@dataclass(frozen=True)
class RestoreDone:
    step: TimeStep


@dataclass(frozen=True)
class Close:
    reason: str = ""


@dataclass(frozen=True)
class Error:
    code: str
    message: str
    fatal: bool = False


@dataclass(frozen=True)
class Heartbeat:
    pass


@dataclass(frozen=True)
class EpisodeStart:
    task: str
    instruction: str = ""
    seed: int = 0


@dataclass(frozen=True)
class EpisodeStarted:
    pass


@dataclass(frozen=True)
class Decide:
    observation: Observation


@dataclass(frozen=True)
class Decided:
    # float32[horizon, action_dim]
    chunk: NDArray[np.float32]
    # Thoughts as JSON values.
    thoughts: Sequence[Mapping[str, Any]] = ()
    timing_ms: Mapping[str, float] = field(default_factory=dict)


Message = Union[
    Hello,
    Welcome,
    Reset,
    ResetDone,
    Step,
    StepDone,
    Snapshot,
    SnapshotDone,
    Restore,
    RestoreDone,
    Close,
    Error,
    Heartbeat,
    EpisodeStart,
    EpisodeStarted,
    Decide,
    Decided,
]


@dataclass(frozen=True)
class Received:
    """A decoded message with its place in the conversation."""

    seq: int
    # The seq of the request this answers; 0 where it answers nothing.
    in_reply_to: int
    message: Message
