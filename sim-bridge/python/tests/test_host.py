"""The semantics of an episode, without a socket."""

import numpy as np
import pytest
from support import EVERYTHING, Counter

from efference_sim import messages as m
from efference_sim.actions import ActionChecker
from efference_sim.environment import (
    ComponentSpec,
    Environment,
    EnvironmentIdentity,
    EnvironmentSpec,
    ResetRequest,
    State,
    TaskInfo,
    Want,
)
from efference_sim.host import EpisodeHost, RequestError
from efference_sim.tensors import BFloat16


def started(seed=0, **more):
    environment = Counter(**more)
    host = EpisodeHost(environment)
    host.handle(m.Reset(ResetRequest("count", seed, want=EVERYTHING)))
    return host, environment


def step(host, rows, want=EVERYTHING):
    return host.handle(m.Step(np.atleast_2d(np.asarray(rows, np.float32)), want)).steps


def refusal(host, message):
    with pytest.raises(RequestError) as caught:
        host.handle(message)
    return caught.value


def counts(steps):
    return [int(one.observation.proprio["count"][0]) for one in steps]


def test_an_episode_counts_every_row_once_and_ends_at_the_limit():
    host, _ = started(limit=5)
    steps = step(host, np.zeros((3, 2))) + step(host, np.zeros((9, 2)))
    assert counts(steps) == [1, 2, 3, 4, 5]
    assert [one.kind for one in steps] == ["mid"] * 4 + ["last"]
    assert [one.observation.step for one in steps] == [1, 2, 3, 4, 5]
    assert [one.observation.stamp_ns for one in steps] == [k * 100_000_000 for k in range(1, 6)]
    assert (steps[-1].truncated, steps[-1].terminated) == (True, False)
    assert all(one.busy_ns > 0 for one in steps)
    assert host.finished_episodes == 1


def test_a_terminated_step_ends_the_chunk_and_is_not_truncated():
    host, _ = started(limit=2)
    steps = step(host, [[0, 0], [99, 0], [0, 0]])
    assert counts(steps) == [1, 2]
    assert (steps[-1].kind, steps[-1].terminated, steps[-1].truncated) == ("last", True, False)


def test_the_request_and_the_task_can_only_shorten_an_episode():
    host, _ = started(limit=5)
    host.handle(m.Reset(ResetRequest("count", 0, max_steps=2)))
    assert counts(step(host, np.zeros((9, 2)))) == [1, 2]
    host.handle(m.Reset(ResetRequest("count", 0, max_steps=50)))
    assert counts(step(host, np.zeros((9, 2)))) == [1, 2, 3, 4, 5]


def test_images_are_rendered_only_where_wanted():
    host, environment = started()
    environment.rendered = 0
    assert [dict(one.observation.images) for one in step(host, np.zeros((2, 2)), Want())] == [{}, {}]
    assert environment.rendered == 0
    last_only = step(host, np.zeros((2, 2)), Want(images=("front",)))
    assert [sorted(one.observation.images) for one in last_only] == [[], ["front"]]
    assert environment.rendered == 1
    assert last_only[1].observation.images["front"][0, 0, 0] == 4


def test_stepping_before_a_reset_or_after_the_end_is_refused():
    host = EpisodeHost(Counter(limit=1))
    chunk = m.Step(np.zeros((1, 2), np.float32))
    assert refusal(host, chunk).code == "bad_request"
    host.handle(m.Reset(ResetRequest("count", 0)))
    host.handle(chunk)
    assert "has ended" in str(refusal(host, chunk))


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (m.Reset(ResetRequest("fly", 0)), "bad_request", 'task is "fly", must be one of "count"'),
        (m.Reset(ResetRequest("count", 0, initial_state=0)), "bad_request", "initial_state is 0"),
        (m.Reset(ResetRequest("count", 0, want=Want(images=("rear",)))), "bad_request", '"rear"'),
        (m.Step(np.zeros((1, 3), np.float32)), "bad_request", "float32[1, 3], must be float32[horizon, 2]"),
        (m.Step(np.array([[0, np.nan]], np.float32)), "bad_request", '"push" is nan at row 0'),
        (m.EpisodeStart("x"), "unexpected_message", "EpisodeStart"),
        (m.Restore(b"nonsense"), "bad_request", "no snapshot"),
    ],
)
def test_wrong_requests_are_refused_and_leave_the_episode_alone(message, code, words):
    host, _ = started()
    error = refusal(host, message)
    assert error.code == code
    assert words in str(error)
    assert counts(step(host, [[0, 0]])) == [1]


def test_a_bad_row_stops_the_whole_chunk_before_its_first_step():
    host, environment = started()
    refusal(host, m.Step(np.array([[0, 0], [0, np.inf]], np.float32)))
    assert environment.count == 0


def test_an_exception_of_the_simulator_names_itself_and_the_next_reset_works():
    host, _ = started()
    error = refusal(host, m.Step(np.array([[66, 0]], np.float32)))
    assert error.code == "failed"
    assert "RuntimeError: the arm fell off" in str(error)
    assert refusal(host, m.Step(np.zeros((1, 2), np.float32))).code == "bad_request"
    host.handle(m.Reset(ResetRequest("count", 0)))
    assert counts(step(host, [[0, 0]])) == [1]


def test_nan_in_an_observation_names_the_component():
    host, _ = started()
    error = refusal(host, m.Step(np.array([[77, 0]], np.float32)))
    assert error.code == "non_finite"
    assert 'observation component "sum"' in str(error)


def test_a_snapshot_brings_count_limit_and_world_back():
    host, _ = started(seed=3, limit=4)
    step(host, [[1, 1], [1, 1]])
    state = host.handle(m.Snapshot()).state
    ahead = step(host, [[2, 0], [3, 0]])
    other = EpisodeHost(Counter(limit=4))
    back = other.handle(m.Restore(state, EVERYTHING)).step
    assert (back.kind, back.observation.step) == ("mid", 2)
    again = step(other, [[2, 0], [3, 0]])
    for one, two in zip(ahead, again):
        assert (one.kind, one.truncated) == (two.kind, two.truncated)
        assert one.observation.proprio["sum"].tobytes() == two.observation.proprio["sum"].tobytes()


def test_a_simulator_may_reuse_its_buffers():
    class Reusing(Counter):
        buffer = np.zeros(1, np.int64)

        def _state(self, **rest):
            self.buffer[0] = self.count
            return State(proprio={"count": self.buffer, "sum": self.sum}, **rest)

    host = EpisodeHost(Reusing())
    host.handle(m.Reset(ResetRequest("count", 0)))
    assert counts(step(host, np.zeros((3, 2)))) == [1, 2, 3]


class Shown(Environment):
    """Shows one value under one component spec."""

    def __init__(self, spec, value):
        self.spec = EnvironmentSpec(proprio=(spec,), action=(ComponentSpec("a", "raw", "float32", (1,)),))
        self.tasks = (TaskInfo("t"),)
        self.identity = EnvironmentIdentity("shown")
        self.value = value

    def reset(self, request):
        return State(proprio={"x": self.value})

    def step(self, action):
        raise NotImplementedError


def shown(value, **spec):
    host = EpisodeHost(Shown(ComponentSpec("x", "raw", **spec), value))
    return host.handle(m.Reset(ResetRequest("t", 0))).first.observation.proprio["x"]


def test_an_infinity_is_allowed_only_where_its_bound_is_declared_infinite():
    bounds = {"low": (-np.inf, 0.0), "high": (1.0, np.inf)}
    assert np.isinf(shown([-np.inf, np.inf], dtype="float32", shape=(2,), **bounds)).all()
    for value in ([np.inf, 0], [0, -np.inf], [np.nan, 0]):
        with pytest.raises(RequestError, match='component "x"') as caught:
            shown(value, dtype="float32", shape=(2,), **bounds)
        assert caught.value.code == "non_finite"
    with pytest.raises(RequestError, match="not declared infinite"):
        shown(np.inf, dtype="float64", shape=())


def test_values_are_brought_to_the_declared_dtype_but_never_squeezed_into_it():
    assert shown([0.5], dtype="float32", shape=(1,)).dtype == np.float32
    assert shown(3, dtype="int64", shape=()) == 3
    with pytest.raises(RequestError, match="is float64, must be int64"):
        shown(0.5, dtype="int64", shape=())
    with pytest.raises(RequestError, match=r"has shape \[2\], must have \[1\]"):
        shown([1.0, 2.0], dtype="float32", shape=(1,))
    values = BFloat16.of(np.array([1.5], np.float32))
    assert shown(values, dtype="bfloat16", shape=(1,)).bits == values.bits


@pytest.mark.parametrize(
    ("spec", "row", "words"),
    [
        (ComponentSpec("c", "discrete", "int64", (), categories=(3,)), [3], "must be an integer from 0 to 2"),
        (ComponentSpec("c", "discrete", "int64", (), categories=(3,)), [-1], "must be an integer from 0 to 2"),
        (ComponentSpec("c", "discrete", "int64", (), categories=(3,)), [0.5], "is 0.5"),
        (ComponentSpec("c", "multi_discrete", "int64", (2,), categories=(2, 9)), [1, 9], "entry 1"),
        (ComponentSpec("c", "binary", "int8", (2,)), [1, 2], "must be 0 or 1"),
        (ComponentSpec("c", "raw", "bool", (1,)), [0.5], "must be 0 or 1"),
        (ComponentSpec("c", "raw", "uint8", (1,)), [256], "outside uint8"),
        (ComponentSpec("c", "raw", "uint8", (1,)), [-1], "outside uint8"),
        (ComponentSpec("c", "raw", "int64", (1,)), [2.0**63], "outside int64"),
        (ComponentSpec("c", "text", "int32", (3,), charset="ab"), [0, -1, 1], "after the padding"),
        (ComponentSpec("c", "text", "int32", (3,), charset="ab"), [2, -1, -1], "no index"),
        (ComponentSpec("c", "text", "int32", (3,), charset="ab", min_length=2), [0, -1, -1], "at least 2"),
    ],
)
def test_actions_outside_their_format_are_refused_by_name(spec, row, words):
    with pytest.raises(ValueError, match='component "c"') as caught:
        ActionChecker([spec]).check(np.array([row], np.float32))
    assert words in str(caught.value)


def test_actions_at_the_edge_of_their_format_pass():
    specs = [
        ComponentSpec("a", "discrete", "int64", (), categories=(2**24,)),
        ComponentSpec("b", "raw", "int64", (1,)),
        ComponentSpec("c", "raw", "uint8", (2,)),
        ComponentSpec("d", "text", "int32", (2,), charset="ab", min_length=0),
        ComponentSpec("e", "raw", "float32", (0,)),
    ]
    row = [2**24 - 1, -(2.0**63), 0, 255.4, -1, -1]
    ActionChecker(specs).check(np.array([row], np.float32))
