"""The connection to the runtime: one thread owns the ZeroMQ socket, sends heartbeats and reconnects.

    main thread                     I/O thread (owns the DEALER)             runtime (ROUTER)
    receive()  <--- SimpleQueue ---  decode, note that the runtime lives  <---
    send()     --- inproc PAIR --->  number, encode, send                 --->
                                     Heartbeat every heartbeat_s          --->

A ZeroMQ socket must never be used by two threads. Since the simulator's work happens in the main thread, a reset
of many seconds leaves the heartbeats alone (as long as the simulator lets go of Python's interpreter lock, as
NumPy, MuJoCo and every pure Python program do).
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Literal, Union

import zmq

from . import messages as m
from .codec import Encoded, decode, pack
from .errors import WireError
from .limits import DEFAULT_LIMITS, Limits
from .messages import Received

# Fatal errors of a runtime that does not know this peer (any more): saying Hello again helps.
FORGOTTEN_CODES = frozenset({"hello_expected", "bad_sequence"})
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0


@dataclass(frozen=True)
class CurveKeys:
    """CURVE: the runtime's public key, and this peer's own pair. Z85 text, 40 characters each."""

    server_public: str
    public: str
    secret: str = field(repr=False)

    @staticmethod
    def ephemeral(server_public: str) -> CurveKeys:
        """A fresh pair of keys; enough where the runtime admits every client that knows its public key."""
        public, secret = zmq.curve_keypair()
        return CurveKeys(server_public, public.decode("ascii"), secret.decode("ascii"))


@dataclass(frozen=True)
class LinkOptions:
    endpoint: str
    # Give up after so long without a runtime; also the time it may be away in between.
    retry_s: float = 30.0
    # Sends a Heartbeat at least this often.
    heartbeat_s: float = 1.0
    # The runtime is lost after so many heartbeat periods (the slower side's) without a message.
    silent_beats: float = 3.0
    hello_timeout_s: float = 5.0
    keys: CurveKeys | None = None
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class Connected:
    session: int
    welcome: m.Welcome


@dataclass(frozen=True)
class Incoming:
    session: int
    received: Received


@dataclass(frozen=True)
class Lost:
    """The runtime fell silent; the link is trying to reach it again."""

    reason: str


@dataclass(frozen=True)
class Ended:
    """Nothing follows. `closed`: by the runtime or by us; `refused`: it does not want us; else out of reach."""

    why: Literal["closed", "refused", "unreachable", "failed"]
    reason: str


Event = Union[Connected, Incoming, Lost, Ended]


@dataclass
class Sent:
    """A message on its way. ``seq`` is 0 until the I/O thread has numbered it."""

    session: int
    encoded: Encoded
    seq: int = 0


class _SessionLost(Exception):
    pass


class _Finished(Exception):
    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class Link:
    """A connection that says Hello, stays alive and comes back. ``receive`` and ``send`` from one thread only."""

    def __init__(
        self, hello: m.Hello, options: LinkOptions, on_ended: Callable[[Ended], None] = lambda _: None
    ) -> None:
        """Starts to connect. ``on_ended`` is called in the I/O thread, should the caller be too busy to listen."""
        self.options = options
        self._hello = hello
        self._on_ended = on_ended
        self._context: Any = zmq.Context()
        self._inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._outbox: deque[Sent] = deque()
        self._stop_reason: str | None = None
        self._session = 0
        # Messages of this session, sent and received: both sides number theirs without gaps.
        self._seq = 0
        self._heard = 0
        # Jitter for back-off only: two hundred peers must not knock in step. No episode depends on it.
        self._jitter = random.Random()
        wake_address = "inproc://efference-wake"
        self._wake_in: Any = self._context.socket(zmq.PAIR)
        self._wake_in.bind(wake_address)
        self._wake_out: Any = self._context.socket(zmq.PAIR)
        self._wake_out.connect(wake_address)
        self._thread = threading.Thread(target=self._run, name="efference-link", daemon=True)
        self._thread.start()

    def receive(self, timeout_s: float | None = None) -> Event:
        """The next event. Raises TimeoutError after ``timeout_s``."""
        try:
            return self._inbox.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"Cannot receive: the runtime did not answer within {timeout_s} s") from None

    def send(self, session: int, message: m.Message, in_reply_to: int = 0) -> Sent:
        """Sends in the given session; dropped if that one is over. Raises as ``codec.pack`` does."""
        sent = Sent(session, pack(message, in_reply_to))
        self._outbox.append(sent)
        self._wake()
        return sent

    def close(self, reason: str) -> None:
        """Says Close to the runtime and ends the thread. Safe to call twice."""
        if self._context.closed:
            return
        self._stop_reason = reason
        self._wake()
        self._thread.join(timeout=5.0)
        self._wake_out.close(0)
        if not self._thread.is_alive():
            self._context.term()

    def _wake(self) -> None:
        try:
            self._wake_out.send(b"", zmq.DONTWAIT)
        except zmq.ZMQError:
            return  # The queue is full, so the thread is about to wake anyway; or it has ended.

    # ---- everything below runs in the I/O thread ------------------------------------------------

    def _run(self) -> None:
        try:
            self._connect_forever()
        except _Finished as finished:
            self._end(finished.ended)
        except Exception as error:
            self._end(Ended("failed", f"{type(error).__name__}: {error}"))
        finally:
            self._wake_in.close(0)

    def _end(self, ended: Ended) -> None:
        self._inbox.put(ended)
        self._on_ended(ended)

    def _connect_forever(self) -> None:
        retry_s = self.options.retry_s
        give_up_at = time.monotonic() + retry_s
        pause_s = FIRST_PAUSE_S
        while True:
            dealer = self._open_dealer()
            welcome = None
            try:
                welcome = self._greet(dealer, give_up_at)
                if welcome is not None:
                    self._inbox.put(Connected(self._session, welcome))
                    self._converse(dealer, welcome)
            except _SessionLost as lost:
                self._inbox.put(Lost(str(lost)))
            finally:
                # Lets last words such as Close out, but waits for nobody.
                dealer.close(linger=200)
            if welcome is not None:
                give_up_at, pause_s = time.monotonic() + retry_s, FIRST_PAUSE_S
            elif time.monotonic() >= give_up_at:
                raise _Finished(Ended("unreachable", self._unreachable_words()))
            self._pause(pause_s * self._jitter.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _unreachable_words(self) -> str:
        hint = ""
        if self.options.keys is not None:
            hint = " (is --server-key the runtime's public key, and is this peer's key allowed?)"
        return f"no runtime answered at {self.options.endpoint} for {self.options.retry_s:g} s{hint}"

    def _open_dealer(self) -> Any:
        dealer = self._context.socket(zmq.DEALER)
        # IMMEDIATE: messages wait for a finished handshake, so POLLOUT means "somebody is there".
        dealer.setsockopt(zmq.IMMEDIATE, 1)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.SNDHWM, 64)
        dealer.setsockopt(zmq.RCVHWM, 64)
        dealer.setsockopt(zmq.RECONNECT_IVL, 100)
        dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
        dealer.setsockopt(zmq.MAXMSGSIZE, self.options.limits.max_message_bytes)
        dealer.setsockopt(zmq.IPV6, 1 if "[" in self.options.endpoint else 0)
        keys = self.options.keys
        if keys is not None:
            dealer.setsockopt(zmq.CURVE_SERVERKEY, keys.server_public.encode("ascii"))
            dealer.setsockopt(zmq.CURVE_PUBLICKEY, keys.public.encode("ascii"))
            dealer.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode("ascii"))
        dealer.connect(self.options.endpoint)
        self._session += 1
        self._seq = self._heard = 0
        return dealer

    def _greet(self, dealer: Any, give_up_at: float) -> m.Welcome | None:
        """Says Hello once somebody is there. None where nobody answered in time."""
        while not dealer.poll(50, zmq.POLLOUT):
            self._check_stop(dealer)
            if time.monotonic() >= give_up_at:
                return None
        self._send(dealer, pack(self._hello))
        deadline = time.monotonic() + self.options.hello_timeout_s
        while time.monotonic() < deadline:
            self._check_stop(dealer)
            if not dealer.poll(50, zmq.POLLIN):
                continue
            received = self._decode(dealer, dealer.recv_multipart())
            message = None if received is None else received.message
            if isinstance(message, m.Welcome):
                return self._checked(dealer, message)
            if isinstance(message, m.Close):
                raise _Finished(Ended("closed", message.reason))
            if isinstance(message, m.Error):
                self._raise_error(message)
        return None

    def _checked(self, dealer: Any, welcome: m.Welcome) -> m.Welcome:
        found, own = welcome.schema_fingerprint, self._hello.schema_fingerprint
        if found != own:
            words = f"the runtime's schema has the fingerprint {found}, must be {own}"
            self._send(dealer, pack(m.Close(words)))
            raise _Finished(Ended("refused", f"fingerprint: {words}"))
        return welcome

    def _raise_error(self, error: m.Error) -> None:
        words = f"{error.code}: {error.message}"
        raise _SessionLost(words) if error.code in FORGOTTEN_CODES else _Finished(Ended("refused", words))

    def _converse(self, dealer: Any, welcome: m.Welcome) -> None:
        """Sends and receives until the runtime is lost or says Close."""
        beat_s = self.options.heartbeat_s
        silence_s = max(welcome.heartbeat_s, beat_s) * self.options.silent_beats
        poller = zmq.Poller()
        poller.register(self._wake_in, zmq.POLLIN)
        poller.register(dealer, zmq.POLLIN)
        heard_at = said_at = time.monotonic()
        while True:
            now = time.monotonic()
            # A simulator that held the interpreter lock kept us from listening: then look before judging.
            if now - heard_at >= silence_s and not dealer.poll(0, zmq.POLLIN):
                raise _SessionLost(f"the runtime was silent for {silence_s:g} s")
            if now - said_at >= beat_s:
                self._send(dealer, pack(m.Heartbeat()))
                said_at = now
            wait_s = min(said_at + beat_s, heard_at + silence_s) - now
            ready = {socket for socket, _ in poller.poll(max(1, round(wait_s * 1000)))}
            if self._wake_in in ready:
                self._drain_wake()
            # At every turn, not only when woken: a wake-up that got lost costs a heartbeat, not the reply.
            self._check_stop(dealer, welcome)
            if self._flush(dealer, welcome):
                said_at = time.monotonic()
            if dealer in ready:
                heard_at = time.monotonic()
                self._take(dealer)

    def _drain_wake(self) -> None:
        """Several wake-ups mean no more than one."""
        while True:
            try:
                self._wake_in.recv(zmq.DONTWAIT)
            except zmq.Again:
                return

    def _pause(self, seconds: float) -> None:
        """Waits, unless the main thread has something to say."""
        if self._wake_in.poll(max(1, round(seconds * 1000))):
            self._drain_wake()

    def _flush(self, dealer: Any, welcome: m.Welcome) -> bool:
        """Sends what the main thread left; says whether there was anything."""
        any_sent = False
        while self._outbox:
            pending = self._outbox.popleft()
            if pending.session != self._session:
                continue  # Answers a runtime that is gone.
            limit = welcome.max_message_bytes
            encoded = pending.encoded
            if 0 < limit < encoded.nbytes:
                words = f"Cannot send: the message has {encoded.nbytes} bytes, the runtime takes {limit}"
                encoded = pack(m.Error("too_large", words), in_reply_to=encoded.envelope.in_reply_to)
            pending.seq = self._seq + 1
            self._send(dealer, encoded)
            any_sent = True
        return any_sent

    def _send(self, dealer: Any, encoded: Encoded) -> None:
        self._seq += 1
        try:
            dealer.send_multipart(encoded.frames(self._seq), zmq.DONTWAIT)
        except zmq.Again:
            raise _SessionLost("the connection to the runtime broke") from None

    def _take(self, dealer: Any) -> None:
        for _ in range(64):
            try:
                frames = dealer.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            received = self._decode(dealer, frames)
            if received is None or isinstance(received.message, m.Heartbeat):
                continue
            message = received.message
            if isinstance(message, m.Close):
                raise _Finished(Ended("closed", message.reason))
            if isinstance(message, m.Error) and message.fatal:
                self._raise_error(message)
            self._inbox.put(Incoming(self._session, received))

    def _decode(self, dealer: Any, frames: list[bytes]) -> Received | None:
        """One message, or None where it was answered with an error at once."""
        self._heard += 1
        try:
            received = decode(frames, self.options.limits)
        except WireError as error:
            self._send(dealer, pack(m.Error(error.code, str(error)), error.seq))
            return None
        final = isinstance(received.message, m.Error) and received.message.fatal
        if received.seq != self._heard and not final:
            words = f"a message of the runtime has seq {received.seq}, must be {self._heard}"
            self._send(dealer, pack(m.Error("bad_sequence", words, fatal=True)))
            raise _SessionLost(words)
        return received

    def _check_stop(self, dealer: Any, welcome: m.Welcome | None = None) -> None:
        if self._stop_reason is None:
            return
        if dealer.poll(0, zmq.POLLOUT):
            if welcome is not None:
                self._flush(dealer, welcome)
            self._send(dealer, pack(m.Close(self._stop_reason)))
        raise _Finished(Ended("closed", self._stop_reason))
