"""The peer against a real ROUTER: life signs, losses, errors, keys."""

import time

import numpy as np
import pytest
import zmq
from support import DEADLINE_S, EVERYTHING, Counter, InThread, Runtime

from efference_sim import messages as m
from efference_sim.codec import encode
from efference_sim.environment import Want
from efference_sim.link import CurveKeys, Link, LinkOptions
from efference_sim.peer import serve
from efference_sim.wire import SCHEMA_FINGERPRINT, Envelope

FAST = {"heartbeat_s": 0.05, "retry_s": DEADLINE_S}


def served(runtime, environment=None, *, max_episodes=None, **options):
    """A peer in a thread; its report of events stays quiet."""
    settings = LinkOptions(runtime.endpoint, **{**FAST, **options})
    environment = environment or Counter()
    return InThread(lambda: serve(environment, settings, max_episodes=max_episodes, say=lambda _: None))


def test_the_peer_introduces_itself_and_leaves_when_told():
    with Runtime() as runtime:
        peer = served(runtime)
        hello = runtime.greet()
        assert (hello.role, hello.name, hello.version) == ("simulator", "counter", "1")
        assert hello.schema_fingerprint == SCHEMA_FINGERPRINT
        assert hello.spec == Counter().spec
        assert [task.name for task in hello.tasks] == ["count"]
        runtime.send(m.Close("the evaluation is done"))
        result = peer.join()
        assert (result.why, result.reason) == ("closed", "the evaluation is done")


def test_an_episode_over_the_wire_carries_state_images_and_text():
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        first = runtime.reset("count", seed=7)
        assert (first.first.kind, first.instruction) == ("first", "count the steps")
        assert first.first.observation.proprio["sum"] == 7.0
        steps = runtime.step([[1, 2], [3, 4]], Want(images="all")).steps
        assert [one.observation.proprio["sum"].item() for one in steps] == [10.0, 17.0]
        assert [sorted(one.observation.images) for one in steps] == [[], ["front"]]
        assert steps[1].observation.images["front"].tolist() == np.full((2, 3, 3), 2).tolist()
        assert steps[1].info == {"count": 2}
        runtime.send(m.Close())
        peer.join()


def test_a_reply_whose_wake_up_is_lost_comes_with_the_next_heartbeat(monkeypatch):
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        monkeypatch.setattr(Link, "_wake", lambda _: None)
        first = runtime.reset("count", seed=7)
        assert first.first.observation.proprio["sum"] == 7.0
        monkeypatch.undo()
        runtime.send(m.Close())
        peer.join()


def test_messages_are_numbered_without_gaps():
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        for _ in range(3):
            runtime.reset("count")
            runtime.step(np.zeros((2, 2)))
        runtime.send(m.Close())
        peer.join()
        assert [received.seq for received in runtime.seen] == list(range(1, len(runtime.seen) + 1))


def test_a_long_reset_does_not_look_dead():
    with Runtime() as runtime:
        peer = served(runtime, Counter(reset_s=1.0))
        runtime.greet()
        runtime.heartbeats = 0
        assert isinstance(runtime.reset("count"), m.ResetDone)
        assert runtime.heartbeats >= 5
        runtime.send(m.Close())
        peer.join()


def test_an_idle_peer_sends_heartbeats_too():
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        with pytest.raises(TimeoutError):
            runtime.take(timeout_s=0.5)
        assert runtime.heartbeats >= 3
        runtime.send(m.Close())
        peer.join()


def test_errors_are_answers_and_the_peer_lives_on():
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        for request, code in (
            (m.Step(np.zeros((1, 2), np.float32)), "bad_request"),
            (m.EpisodeStart("x"), "unexpected_message"),
        ):
            assert runtime.ask(request).code == code
        runtime.reset("count")
        assert "RuntimeError: the arm fell off" in runtime.step([66, 0]).message
        answer = runtime.step([0, 0])
        assert (answer.code, "must be reset" in answer.message) == ("bad_request", True)
        runtime.reset("count")
        answer = runtime.step([77, 0])
        assert (answer.code, '"sum"' in answer.message, answer.fatal) == ("non_finite", True, False)
        runtime.reset("count")
        assert runtime.step([0, 0]).steps[0].observation.step == 1
        runtime.send(m.Close())
        peer.join()


def test_a_message_that_cannot_be_read_is_answered_under_its_number():
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        frames = encode(m.Step(np.zeros((1, 2), np.float32)), 2)
        envelope = Envelope.FromString(frames[0])
        envelope.tensors[0].dtype = "float99"
        runtime.seq += 1
        runtime.router.send_multipart([runtime.peer, envelope.SerializeToString(), frames[1]])
        received = runtime.take()
        assert (received.message.code, received.in_reply_to) == ("bad_tensor", 2)
        runtime.seq += 1
        runtime.router.send_multipart([runtime.peer, b"garbage"])
        received = runtime.take()
        assert (received.message.code, received.in_reply_to) == ("malformed", 0)
        assert isinstance(runtime.reset("count"), m.ResetDone)
        runtime.send(m.Close())
        peer.join()


def test_a_reply_the_runtime_would_refuse_for_its_size_becomes_an_error():
    with Runtime(welcome=False) as runtime:
        peer = served(runtime)
        hello = runtime.take()
        runtime.send(m.Welcome(SCHEMA_FINGERPRINT, "test", 0.2, 60), hello.seq)
        assert runtime.reset("count").code == "too_large"
        runtime.send(m.Close())
        peer.join()


def test_a_refusal_ends_the_peer_with_its_reason():
    with Runtime(welcome=False) as runtime:
        peer = served(runtime)
        runtime.take()
        runtime.send(m.Error("spec_mismatch", "image front is absent", fatal=True))
        result = peer.join()
        assert (result.why, result.reason) == ("refused", "spec_mismatch: image front is absent")


def test_another_schema_is_refused_by_the_peer():
    with Runtime(welcome=False) as runtime:
        peer = served(runtime)
        runtime.take()
        runtime.send(m.Welcome("0" * 16, "test", 0.2, 1 << 20))
        result = peer.join()
        assert result.why == "refused"
        assert "fingerprint" in result.reason


def test_a_runtime_that_has_forgotten_the_peer_is_greeted_again():
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        former = runtime.peer
        runtime.send(m.Error("hello_expected", "who are you?", fatal=True))
        runtime.greet()
        assert runtime.peer != former
        assert isinstance(runtime.reset("count"), m.ResetDone)
        runtime.send(m.Close())
        peer.join()


def test_a_runtime_that_repeats_a_number_is_told_and_greeted_again():
    with Runtime() as runtime:
        peer = served(runtime)
        runtime.greet()
        runtime.seq = 0
        runtime.send(m.Heartbeat())
        complaint = runtime.take().message
        assert (complaint.code, complaint.fatal) == ("bad_sequence", True)
        runtime.greet()
        runtime.send(m.Close())
        peer.join()


def test_the_peer_waits_for_a_runtime_that_starts_later_and_comes_back_to_one_that_restarts():
    with zmq.Context() as context, context.socket(zmq.ROUTER) as probe:
        port = probe.bind_to_random_port("tcp://127.0.0.1")
    endpoint = f"tcp://127.0.0.1:{port}"
    environment = Counter()
    settings = LinkOptions(endpoint, **FAST)
    peer = InThread(lambda: serve(environment, settings, say=lambda _: None))
    time.sleep(0.2)
    for seed in (1, 2):
        with Runtime(endpoint=endpoint) as runtime:
            runtime.greet()
            assert runtime.reset("count", seed=seed).first.observation.proprio["sum"] == seed
            if seed == 2:
                runtime.send(m.Close("done"))
                assert peer.join().reason == "done"


def test_a_silent_runtime_is_given_up():
    with Runtime(heartbeat_s=0.05) as runtime:
        peer = served(runtime, retry_s=0.3, hello_timeout_s=0.2)
        runtime.greet()
        # Nobody answers any more, not even the next Hello.
        result = peer.join()
        assert result.why == "unreachable"
        assert "no runtime answered at tcp://" in result.reason


def test_nobody_there_is_reported_after_the_time_given():
    settings = LinkOptions("tcp://127.0.0.1:9", heartbeat_s=0.05, retry_s=0.3)
    result = serve(Counter(), settings, say=lambda _: None)
    assert (result.why, "for 0.3 s" in result.reason) == ("unreachable", True)


def test_the_peer_leaves_after_the_episodes_asked_for():
    with Runtime() as runtime:
        peer = served(runtime, Counter(limit=1), max_episodes=2)
        runtime.greet()
        for _ in range(2):
            runtime.reset("count")
            assert runtime.step([0, 0]).steps[-1].kind == "last"
        assert runtime.take().message == m.Close("served 2 episodes")
        assert peer.join().why == "finished"


def test_a_chunk_is_executed_once_even_when_the_answer_is_lost():
    with Runtime() as runtime:
        environment = Counter(limit=100)
        peer = served(runtime, environment)
        runtime.greet()
        runtime.reset("count")
        runtime.send(m.Step(np.zeros((3, 2), np.float32), EVERYTHING))
        runtime.take()
        runtime.send(m.Error("hello_expected", "restarted", fatal=True))
        runtime.greet()
        assert environment.count == 3
        runtime.send(m.Close())
        peer.join()


def curve_runtime():
    public, secret = zmq.curve_keypair()
    return Runtime(secret=secret), public.decode()


def test_curve_keys_let_a_peer_in():
    runtime, public = curve_runtime()
    with runtime:
        peer = served(runtime, keys=CurveKeys.ephemeral(public))
        assert runtime.greet().name == "counter"
        assert isinstance(runtime.reset("count"), m.ResetDone)
        runtime.send(m.Close())
        peer.join()


@pytest.mark.parametrize("with_wrong_key", [False, True])
def test_without_the_right_curve_key_nothing_passes(with_wrong_key):
    runtime, _ = curve_runtime()
    with runtime:
        wrong = CurveKeys.ephemeral(zmq.curve_keypair()[0].decode()) if with_wrong_key else None
        peer = served(runtime, keys=wrong, retry_s=0.5)
        with pytest.raises(TimeoutError):
            runtime.take(timeout_s=0.4)
        result = peer.join()
        assert result.why == "unreachable"
        assert ("--server-key" in result.reason) == with_wrong_key


def test_secret_keys_do_not_appear_in_text():
    keys = CurveKeys.ephemeral(zmq.curve_keypair()[0].decode())
    assert keys.secret not in repr(keys)
