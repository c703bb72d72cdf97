"""A small runtime for tests: a ROUTER that welcomes one peer and asks things of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import zmq

from efference_sim import messages as m
from efference_sim.codec import decode, encode
from efference_sim.environment import (
    ComponentSpec,
    Environment,
    EnvironmentIdentity,
    EnvironmentSpec,
    ImageSpec,
    ResetRequest,
    State,
    TaskInfo,
    Want,
)
from efference_sim.wire import SCHEMA_FINGERPRINT

PACKAGE_ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = PACKAGE_ROOT.parents[1]
EVERYTHING = Want(images="all", images_at="every")
DEADLINE_S = 20.0


class Runtime:
    """Answers Hello with Welcome and keeps every message that arrives."""

    def __init__(self, *, endpoint="tcp://127.0.0.1:*", secret=None, heartbeat_s=1.0, welcome=True):
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.setsockopt(zmq.LINGER, 0)
        if secret is not None:
            self.router.setsockopt(zmq.CURVE_SERVER, 1)
            self.router.setsockopt(zmq.CURVE_SECRETKEY, secret)
        self.router.bind(endpoint)
        self.endpoint = self.router.getsockopt(zmq.LAST_ENDPOINT).decode().rstrip("\0")
        self.heartbeat_s = heartbeat_s
        self.welcome = welcome
        self.peer = None
        self.hello = None
        self.seq = 0
        self.seen = []
        self.heartbeats = 0

    def send(self, message, in_reply_to=0, peer=None):
        self.seq += 1
        self.router.send_multipart([peer or self.peer, *encode(message, self.seq, in_reply_to)])
        return self.seq

    def take(self, timeout_s=DEADLINE_S):
        """The next message, after greeting a new peer; heartbeats are counted and sent too."""
        deadline = time.monotonic() + timeout_s
        beat_at = time.monotonic()
        while time.monotonic() < deadline:
            if self.peer is not None and time.monotonic() >= beat_at:
                self.send(m.Heartbeat())
                beat_at = time.monotonic() + self.heartbeat_s / 2
            if not self.router.poll(20):
                continue
            identity, *frames = self.router.recv_multipart()
            received = decode(frames)
            self.seen.append(received)
            if isinstance(received.message, m.Heartbeat):
                self.heartbeats += 1
                continue
            if isinstance(received.message, m.Hello):
                self.peer, self.hello, self.seq = identity, received.message, 0
                if self.welcome:
                    reply = m.Welcome(SCHEMA_FINGERPRINT, "test", self.heartbeat_s, 1 << 28)
                    self.send(reply, received.seq)
            return received
        raise TimeoutError(f"no message within {timeout_s} s")

    def greet(self):
        received = self.take()
        assert isinstance(received.message, m.Hello), received
        return received.message

    def ask(self, message):
        """Sends a request and returns its answer."""
        seq = self.send(message)
        received = self.take()
        assert received.in_reply_to == seq, received
        return received.message

    def reset(self, task, seed=0, want=EVERYTHING, **more):
        return self.ask(m.Reset(ResetRequest(task=task, seed=seed, want=want, **more)))

    def step(self, rows, want=EVERYTHING):
        return self.ask(m.Step(np.atleast_2d(np.asarray(rows, np.float32)), want))

    def close(self):
        self.router.close(0)
        self.context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Counter(Environment):
    """Counts its steps in the observation, so that order and number of steps prove themselves."""

    def __init__(self, *, limit=5, reset_s=0.0):
        self.spec = EnvironmentSpec(
            images=(ImageSpec("front", 2, 3, 3),),
            proprio=(ComponentSpec("count", "raw", "int64", (1,)), ComponentSpec("sum", "raw", "float64", ())),
            action=(ComponentSpec("push", "raw", "float32", (2,), unit="1"),),
            control_freq_hz=10.0,
            max_steps=limit,
            snapshot=True,
        )
        self.tasks = (TaskInfo("count", "tests", "count the steps"),)
        self.identity = EnvironmentIdentity("counter", "1", {"engine": "none"})
        self.reset_s = reset_s
        self.rendered = 0
        self.closed = False

    def _state(self, **rest):
        return State(proprio={"count": [self.count], "sum": self.sum}, **rest)

    def reset(self, request):
        time.sleep(self.reset_s)
        self.count, self.sum = 0, float(request.seed)
        return self._state()

    def step(self, action):
        if action[0] == 66:
            raise RuntimeError("the arm fell off")
        if action[0] == 77:
            return State(proprio={"count": [self.count], "sum": float("nan")})
        self.count += 1
        self.sum += float(action.sum())
        return self._state(reward=1.0, terminated=bool(action[0] == 99), info={"count": self.count})

    def images(self, names):
        self.rendered += 1
        return {"front": np.full((2, 3, 3), self.count, np.uint8)}

    def snapshot(self):
        return np.array([self.count, self.sum]).tobytes()

    def restore(self, snapshot):
        count, total = np.frombuffer(snapshot)
        self.count, self.sum = int(count), float(total)
        return self._state()

    def close(self):
        self.closed = True


class InThread:
    """Runs a function beside the test and hands its result over."""

    def __init__(self, function):
        self.result = None
        self.error = None

        def run():
            try:
                self.result = function()
            except BaseException as error:
                self.error = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def join(self, timeout_s=DEADLINE_S):
        self.thread.join(timeout_s)
        assert not self.thread.is_alive(), "it is still running"
        if self.error is not None:
            raise self.error
        return self.result


def spawn(*arguments, cwd=PACKAGE_ROOT):
    """The real command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "efference_sim", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def to_row(space, action):
    """An independent way from an action to a row, by gymnasium's own spaces."""
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        return [entry for key, inner in space.spaces.items() for entry in to_row(inner, action[key])]
    if isinstance(space, spaces.Tuple):
        return [entry for inner, item in zip(space.spaces, action) for entry in to_row(inner, item)]
    if isinstance(space, spaces.Text):
        letters = sorted(space.character_set)
        return [letters.index(letter) for letter in action] + [-1] * (space.max_length - len(action))
    start = getattr(space, "start", 0)
    return (np.asarray(action) - start).reshape(-1).astype(float).tolist()
