"""Serves an ``Environment`` to the runtime: dials in, says Hello, then does as told."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Callable, Literal

from . import messages as m
from .environment import Environment
from .host import EpisodeHost, RequestError
from .link import Connected, CurveKeys, Ended, Incoming, Link, LinkOptions, Lost
from .wire import SCHEMA_FINGERPRINT


@dataclass(frozen=True)
class ServeResult:
    """Why ``serve`` returned. ``closed`` and ``finished`` are the good ends."""

    why: Literal["closed", "finished", "refused", "unreachable", "failed"]
    reason: str


def _say(text: str) -> None:
    print(f"efference-sim: {text}", file=sys.stderr, flush=True)


def hello_of(environment: Environment, heartbeat_s: float) -> m.Hello:
    """What a simulator says first."""
    identity = environment.identity
    return m.Hello(
        role="simulator",
        name=identity.name,
        version=identity.version,
        versions=dict(identity.versions),
        schema_fingerprint=SCHEMA_FINGERPRINT,
        spec=environment.spec,
        tasks=tuple(environment.tasks),
        heartbeat_s=heartbeat_s,
    )


def serve(
    environment: Environment,
    options: LinkOptions | str,
    *,
    max_episodes: int | None = None,
    say: Callable[[str], None] = _say,
    on_ended: Callable[[Ended], None] = lambda _: None,
) -> ServeResult:
    """Serves until the runtime says Close, refuses, or stays out of reach for ``retry_s``.

    The simulator runs in the calling thread. An exception of the simulator is answered as an ``Error`` and the
    peer lives on. The environment is not closed here.

    Args:
        options: an endpoint such as ``tcp://127.0.0.1:5555``, or all the options.
        max_episodes: leave after so many finished episodes, for simulators that leak.
        say: is told about connections, losses and simulator errors.
        on_ended: called from another thread when the connection is over for good, even while the simulator works.
    """
    settings = LinkOptions(options) if isinstance(options, str) else options
    host = EpisodeHost(environment)
    link = Link(hello_of(environment, settings.heartbeat_s), settings, on_ended)
    try:
        return _serve(host, link, (max_episodes, say))
    finally:
        link.close("the simulator is leaving")


def _serve(host: EpisodeHost, link: Link, manner: tuple[int | None, Callable[[str], None]]) -> ServeResult:
    max_episodes, say = manner
    while True:
        event = link.receive()
        if isinstance(event, Connected):
            say(f"connected to {link.options.endpoint} (runtime {event.welcome.runtime_version})")
        elif isinstance(event, Lost):
            say(f"lost the runtime: {event.reason}; trying again for {link.options.retry_s:g} s")
        elif isinstance(event, Ended):
            return ServeResult(event.why, event.reason)
        elif isinstance(event, Incoming):
            _answer(host, link, event, say)
            if max_episodes is not None and host.finished_episodes >= max_episodes:
                reason = f"served {host.finished_episodes} episodes"
                link.close(reason)
                return ServeResult("finished", reason)


def _answer(host: EpisodeHost, link: Link, event: Incoming, say: Callable[[str], None]) -> None:
    request = event.received.message
    if isinstance(request, m.Error):
        say(f"the runtime reports {request.code}: {request.message}")
        return
    try:
        reply = host.handle(request)
        link.send(event.session, reply, event.received.seq)
    except RequestError as error:
        say(f"{error.code}: {error}")
        link.send(event.session, m.Error(error.code, str(error)), event.received.seq)
    except (TypeError, ValueError) as error:
        # The simulator gave something that cannot travel, for instance NaN inside `info`.
        words = f"Cannot send the reply: {error}"
        say(f"failed: {words}")
        link.send(event.session, m.Error("failed", words), event.received.seq)


__all__ = ["CurveKeys", "LinkOptions", "ServeResult", "hello_of", "serve"]
