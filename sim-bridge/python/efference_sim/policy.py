"""A robot (or any program with observations) that asks the runtime's policy for actions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import messages as m
from .environment import EnvironmentSpec, Observation
from .link import Connected, Ended, Incoming, Link, LinkOptions, Lost
from .wire import SCHEMA_FINGERPRINT

LOST_WORDS = "Cannot go on: the runtime was lost, hold still and start the episode again"


class RuntimeReportedError(Exception):
    """The runtime answered with an error. ``code`` is one of the table in protocol.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Decision:
    """What a policy answers: ``chunk`` is ``float32[horizon, action_dim]`` in physical units."""

    chunk: NDArray[np.float32]
    thoughts: Sequence[Mapping[str, Any]]
    timing_ms: Mapping[str, float]


class PolicyClient:
    """Asks a runtime for decisions. Use from one thread; a context manager.

    ::

        with PolicyClient("tcp://127.0.0.1:5556", spec, name="arm-1") as policy:
            policy.start_episode("pick", instruction="pick up the cup")
            decision = policy.decide(observation)
    """

    def __init__(
        self,
        endpoint: str | LinkOptions,
        spec: EnvironmentSpec,
        *,
        name: str,
        version: str = "",
        versions: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Connects at once. Raises TimeoutError, ConnectionError, or RuntimeReportedError where refused."""
        options = LinkOptions(endpoint) if isinstance(endpoint, str) else endpoint
        self.timeout_s = timeout_s
        hello = m.Hello(
            role="policy_client",
            name=name,
            version=version,
            versions=dict(versions or {}),
            schema_fingerprint=SCHEMA_FINGERPRINT,
            spec=spec,
            heartbeat_s=options.heartbeat_s,
        )
        self._link = Link(hello, options)
        # None while the runtime is away.
        self._session: int | None = None
        self._patience_s = options.retry_s + options.hello_timeout_s
        try:
            self._await_connection(self._patience_s)
        except BaseException:
            self._link.close("could not connect")
            raise

    def start_episode(self, task: str, *, instruction: str = "", seed: int = 0) -> None:
        """Clears the policy's state for a new episode; waits for a runtime that is away at the moment."""
        self._catch_up()
        self._request(m.EpisodeStart(task, instruction, seed), m.EpisodeStarted)

    def decide(self, observation: Observation) -> Decision:
        """The policy's decision on what is seen now."""
        answer = self._request(m.Decide(observation), m.Decided)
        return Decision(answer.chunk, answer.thoughts, answer.timing_ms)

    def close(self, reason: str = "the robot is leaving") -> None:
        self._link.close(reason)

    def __enter__(self) -> PolicyClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _await_connection(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._link.receive(max(deadline - time.monotonic(), 0.0))
            if isinstance(event, Connected):
                self._session = event.session
                return
            self._raise_if_over(event)

    def _catch_up(self) -> None:
        """Takes note of losses and new connections since the last request."""
        while True:
            try:
                event = self._link.receive(0)
            except TimeoutError:
                break
            self._note(event)
        if self._session is None:
            self._await_connection(self._patience_s)

    def _note(self, event: Any) -> None:
        if isinstance(event, Connected):
            self._session = event.session
        elif isinstance(event, Lost):
            self._session = None
        else:
            self._raise_if_over(event)

    def _request(self, message: m.Message, reply: type) -> Any:
        session = self._session
        if session is None:
            raise ConnectionResetError(LOST_WORDS)
        request = self._link.send(session, message)
        deadline = time.monotonic() + self.timeout_s
        while True:
            event = self._link.receive(max(deadline - time.monotonic(), 0.0))
            self._note(event)
            if self._session != session:
                raise ConnectionResetError(LOST_WORDS)
            if not isinstance(event, Incoming) or request.seq == 0:
                continue
            answer, answered = event.received.message, event.received.in_reply_to
            # A runtime that could not even read the request's number reports so under none.
            if answered != request.seq and not (answered == 0 and isinstance(answer, m.Error)):
                continue
            if isinstance(answer, m.Error):
                raise RuntimeReportedError(answer.code, answer.message)
            if not isinstance(answer, reply):
                found = type(answer).__name__
                raise ConnectionError(f"Cannot use the reply: it is {found}, must be {reply.__name__}")
            return answer

    def _raise_if_over(self, event: Any) -> None:
        if isinstance(event, Ended):
            if event.why == "refused":
                code, _, text = event.reason.partition(": ")
                raise RuntimeReportedError(code, text)
            raise ConnectionError(f"Cannot go on: the connection is {event.why}, {event.reason}")
