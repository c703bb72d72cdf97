"""A robot in Python asking a runtime for decisions."""

import numpy as np
import pytest
from support import DEADLINE_S, InThread, Runtime

from efference_sim import ComponentSpec, EnvironmentSpec, LinkOptions, Observation, PolicyClient, RuntimeReportedError
from efference_sim import messages as m

JOINTS = ComponentSpec("joints", "joint_position", "float32", (2,), unit="rad")
SPEC = EnvironmentSpec(proprio=(JOINTS,), action=(JOINTS,), control_freq_hz=20.0)
SEEN = Observation(proprio={"joints": np.array([0.5, -0.5], np.float32)}, step=3)


def connected(runtime, work, **options):
    """Runs `work(client)` in a thread, connected."""

    def run():
        settings = LinkOptions(runtime.endpoint, heartbeat_s=0.05, retry_s=DEADLINE_S)
        with PolicyClient(settings, SPEC, name="arm-1", **options) as client:
            return work(client)

    return InThread(run)


def test_a_robot_starts_an_episode_and_gets_decisions():
    def work(client):
        client.start_episode("pick", instruction="pick up the cup", seed=5)
        return [client.decide(SEEN) for _ in range(2)]

    with Runtime() as runtime:
        robot = connected(runtime, work)
        hello = runtime.greet()
        assert (hello.role, hello.spec) == ("policy_client", SPEC)
        started = runtime.take()
        assert started.message == m.EpisodeStart("pick", "pick up the cup", 5)
        runtime.send(m.EpisodeStarted(), started.seq)
        for number in range(2):
            asked = runtime.take()
            assert asked.message.observation.proprio["joints"].tolist() == [0.5, -0.5]
            thoughts = [{"kind": "scalar", "tag": "energy", "value": 0.5}]
            chunk = np.full((3, 2), number, np.float32)
            runtime.send(m.Decided(chunk, thoughts, {"total_ms": 2.0}), asked.seq)
        decisions = robot.join()
        assert [decision.chunk.tolist() for decision in decisions] == [[[0, 0]] * 3, [[1, 1]] * 3]
        assert decisions[0].thoughts == [{"kind": "scalar", "tag": "energy", "value": 0.5}]
        assert decisions[0].timing_ms == {"total_ms": 2.0}


def test_an_error_of_the_runtime_is_raised_with_its_code():
    with Runtime() as runtime:
        robot = connected(runtime, lambda client: client.decide(SEEN))
        runtime.greet()
        runtime.send(m.Error("bad_request", "no episode is running"), runtime.take().seq)
        with pytest.raises(RuntimeReportedError, match="no episode is running") as caught:
            robot.join()
        assert caught.value.code == "bad_request"


def test_an_unreadable_request_is_an_error_at_once():
    with Runtime() as runtime:
        robot = connected(runtime, lambda client: client.decide(SEEN))
        runtime.greet()
        runtime.take()
        runtime.send(m.Error("malformed", "its first frame is no envelope"))
        with pytest.raises(RuntimeReportedError, match="malformed"):
            robot.join()


def test_a_refused_robot_learns_why():
    with Runtime(welcome=False) as runtime:
        robot = connected(runtime, lambda client: None)
        runtime.take()
        runtime.send(m.Error("no_policy", "no policy is served here", fatal=True))
        with pytest.raises(RuntimeReportedError) as caught:
            robot.join()
        assert caught.value.code == "no_policy"


def test_a_late_answer_is_dropped_and_never_taken_for_the_next_one():
    def work(client):
        with pytest.raises(TimeoutError):
            client.decide(SEEN)
        client.timeout_s = DEADLINE_S
        return client.decide(SEEN).chunk.tolist()

    with Runtime() as runtime:
        robot = connected(runtime, work, timeout_s=0.3)
        runtime.greet()
        first, second = runtime.take(), runtime.take()
        runtime.send(m.Decided(np.full((1, 2), 1, np.float32), [], {"total_ms": 1.0}), first.seq)
        runtime.send(m.Decided(np.full((1, 2), 2, np.float32), [], {"total_ms": 1.0}), second.seq)
        assert robot.join() == [[2.0, 2.0]]


def test_a_runtime_that_closes_ends_the_wait():
    with Runtime() as runtime:
        robot = connected(runtime, lambda client: client.decide(SEEN))
        runtime.greet()
        runtime.take()
        runtime.send(m.Close("shutting down"))
        with pytest.raises(ConnectionError, match="shutting down"):
            robot.join()


def test_after_a_loss_decide_says_so_and_a_new_episode_works():
    def work(client):
        client.start_episode("a")
        with pytest.raises(ConnectionResetError, match="hold still"):
            client.decide(SEEN)
        client.start_episode("b")
        return client.decide(SEEN).chunk.tolist()

    with Runtime() as runtime:
        robot = connected(runtime, work)
        runtime.greet()
        runtime.send(m.EpisodeStarted(), runtime.take().seq)
        runtime.take()
        runtime.send(m.Error("hello_expected", "restarted", fatal=True))
        runtime.greet()
        started = runtime.take()
        assert started.message.task == "b"
        runtime.send(m.EpisodeStarted(), started.seq)
        runtime.send(m.Decided(np.ones((1, 2), np.float32), [], {"total_ms": 1.0}), runtime.take().seq)
        assert robot.join() == [[1.0, 1.0]]
