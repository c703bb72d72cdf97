"""Gymnasium environments, and the ones of before, as environments of the runtime."""

import hashlib
import sys
import textwrap

import numpy as np
import pytest
from support import EVERYTHING, REPOSITORY, to_row

from efference_sim import messages as m
from efference_sim.environment import ResetRequest, Want
from efference_sim.gymnasium_adapter import GymnasiumOptions, make_environment
from efference_sim.host import EpisodeHost, RequestError
from efference_sim.jsonable import jsonable
from efference_sim.loading import LoadError
from efference_sim.pixels import AreaResize, as_image
from efference_sim.spaces import UnsupportedSpaceError

gymnasium = pytest.importorskip("gymnasium")

NESTED = str(REPOSITORY / "tests" / "integration" / "python" / "nested_env.py")


def hosted(target, **options):
    environment = make_environment(GymnasiumOptions(target, **options))
    return EpisodeHost(environment), environment


def reset(host, task, seed, want=EVERYTHING):
    return host.handle(m.Reset(ResetRequest(task, seed, want=want))).first


def step(host, rows, want=EVERYTHING):
    return host.handle(m.Step(np.atleast_2d(np.asarray(rows, np.float32)), want)).steps


@pytest.mark.parametrize(("target", "row"), [("CartPole-v1", [1]), ("Pendulum-v1", [0.3]), ("Acrobot-v1", [2])])
def test_a_registered_environment_gives_what_it_gives_by_itself(target, row):
    host, environment = hosted(target)
    direct = gymnasium.make(target)
    observation, _ = direct.reset(seed=11)
    assert reset(host, target, 11).observation.proprio["observation"].tobytes() == observation.tobytes()
    action = np.array(row, np.float32) if target == "Pendulum-v1" else row[0]
    for one in step(host, [row] * 8):
        observation, reward, terminated, truncated, _ = direct.step(action)
        got = one.observation.proprio["observation"]
        assert (got.dtype, got.tobytes()) == (observation.dtype, observation.tobytes())
        assert (one.reward, one.terminated, one.truncated) == (float(reward), terminated, truncated)
    assert environment.spec.max_steps == direct.spec.max_episode_steps
    assert environment.spec.control_freq_hz == direct.metadata["render_fps"]


def test_time_limits_truncate_and_falls_terminate():
    host, _ = hosted("CartPole-v1", max_steps=5)
    reset(host, "CartPole-v1", 0)
    assert (step(host, [[0], [1]] * 4)[-1].truncated, host.finished_episodes) == (True, 1)
    host, _ = hosted("CartPole-v1")
    reset(host, "CartPole-v1", 0)
    last = step(host, [[1]] * 50)[-1]
    assert (last.kind, last.terminated, last.truncated) == ("last", True, False)


def test_the_step_limit_of_the_environment_can_be_raised():
    host, _ = hosted("CartPole-v1", max_steps=700)
    assert host.environment.spec.max_steps == 700
    assert host.environment._env.spec.max_episode_steps == 700


def test_equal_seeds_give_equal_episodes_and_other_seeds_do_not():
    host, _ = hosted("Pendulum-v1")

    def digest(seed):
        first = reset(host, "Pendulum-v1", seed)
        steps = step(host, [[0.5]] * 20)
        data = b"".join(one.observation.proprio["observation"].tobytes() for one in [first, *steps])
        return hashlib.sha256(data).hexdigest()

    assert digest(1) == digest(1) != digest(2)


def test_every_space_at_once_arrives_exactly():
    host, environment = hosted(f"{NESTED}:NestedEnv")
    assert len(environment.spec.proprio) + len(environment.spec.images) + len(environment.spec.texts) == 17
    module = sys.modules["nested_env"]
    direct = module.NestedEnv()
    observation, _ = direct.reset(seed=3)
    direct.action_space.seed(4)
    first = reset(host, environment.tasks[0].name, 3)
    mapper = environment._mapper
    seen = first
    for _ in range(12):
        for name, value in mapper.split_proprio(observation).items():
            got = seen.observation.proprio[name]
            assert got.tobytes() == np.asarray(value).tobytes(), name
        assert seen.observation.texts == mapper.split_texts(observation)
        for name, value in mapper.split_images(observation).items():
            assert seen.observation.images[name].tobytes() == value.tobytes()
        action = direct.action_space.sample()
        # A float64 entry travels as float32: let both sides use the rounded one.
        row = np.array(to_row(direct.action_space, action), np.float32)
        observation, reward, terminated, _, info = direct.step(environment._actions.join(row))
        (seen,) = step(host, row)
        assert (seen.reward, seen.terminated, seen.info["digest"]) == (reward, terminated, info["digest"])
        assert seen.success == info["is_success"]
    assert seen.kind == "last"


def test_a_module_that_registers_is_asked_for_its_id():
    _, environment = hosted(f"{NESTED}:Nested-v3")
    assert (environment.spec.max_steps, environment.spec.control_freq_hz) == (10, 8.0)
    assert environment.identity.version == "3"
    assert set(environment.identity.versions) >= {"python", "numpy", "gymnasium", "platform"}


def test_a_render_camera_is_made_only_when_wanted():
    host, environment = hosted(f"{NESTED}:NestedEnv", camera="eye", image_size=(2, 3))
    assert [(i.name, i.height, i.width) for i in environment.spec.images][-1] == ("eye", 2, 3)
    name = environment.tasks[0].name
    first = reset(host, name, 3, Want(images=("eye",)))
    assert list(first.observation.images) == ["eye"]
    assert first.observation.images["eye"].tolist() == np.full((2, 3, 3), environment._env.digest[2]).tolist()
    environment._env.render = None
    assert "eye" not in reset(host, name, 3, Want(images=("grey",))).observation.images


def test_an_environment_that_renders_nothing_has_no_camera(tmp_path):
    path = tmp_path / "blind_env.py"
    path.write_text(OLD_ENV)
    with pytest.raises(LoadError, match="render camera"):
        make_environment(GymnasiumOptions(f"{path}:OldEnv", camera="render"))


OLD_ENV = textwrap.dedent(
    """
    import collections
    import numpy as np

    Box = collections.namedtuple("BoxSpace", "low, high, shape, dtype")
    Discrete = collections.namedtuple("DiscreteSpace", "n")

    class OldEnv:
        observation_space = Box(-np.inf, np.inf, (1,), np.float64)
        action_space = Discrete(3)
        metadata = None
        made = []

        def __init__(self, scale=1.0, seed=None):
            self.scale, self.rng = scale, np.random.RandomState(seed)
            OldEnv.made.append(seed)

        def reset(self):
            self.count = 0
            return self.rng.normal(size=1) * self.scale

        def step(self, action):
            self.count += 1
            if self.count == 4:
                return np.full(1, np.nan), 0.0, False, {}
            info = {"discount": 1.0, "deep": {"x": np.float32(1)}, "odd": object()}
            return self.rng.normal(size=1), float(action), self.count >= 3, info

    class Seeded(OldEnv):
        def __init__(self):
            super().__init__()

        def seed(self, seed):
            self.rng = np.random.RandomState(seed)

    class Global(OldEnv):
        tasks = [object()]

        def __init__(self):
            super().__init__()
            self.rng = np.random

        def step(self, action):
            return self.rng.normal(size=1), np.array([0.5]), False, {}
    """
)


def test_an_old_environment_is_made_anew_with_each_seed(tmp_path, monkeypatch):
    (tmp_path / "old_env.py").write_text(OLD_ENV)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "old_env", raising=False)
    host, environment = hosted("old_env:OldEnv", kwargs={"scale": 2.0})
    first = reset(host, "old_env:OldEnv", 2**32 + 5)
    expected = np.random.RandomState(5).normal(size=1) * 2.0
    assert first.observation.proprio["observation"].tobytes() == expected.tobytes()
    assert sys.modules["old_env"].OldEnv.made == [None, 5]
    steps = step(host, [[1], [2], [0]])
    assert [one.reward for one in steps] == [1.0, 2.0, 0.0]
    assert (steps[-1].truncated, steps[-1].terminated) == (True, False)
    assert steps[0].info == {"discount": 1.0, "deep": {"x": 1.0}, "_dropped": ["odd"]}
    assert environment.spec.max_steps == 10_000
    host, _ = hosted("old_env:Seeded")
    first = reset(host, "old_env:Seeded", 9).observation.proprio["observation"]
    assert first.tobytes() == np.random.RandomState(9).normal(size=1).tobytes()


def test_an_old_environment_without_a_seed_draws_from_the_global_generator(tmp_path, monkeypatch):
    (tmp_path / "old_env.py").write_text(OLD_ENV)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "old_env", raising=False)
    host, environment = hosted("old_env:Global")
    assert [task.name for task in environment.tasks] == ["old_env:Global"]
    for _ in range(2):
        first = reset(host, "old_env:Global", 9).observation.proprio["observation"]
        assert first.tobytes() == np.random.RandomState(9).normal(size=1).tobytes()
    assert step(host, [0])[0].reward == 0.5


def test_crafter_is_understood_as_it_is():
    crafter = pytest.importorskip("crafter")
    host, environment = hosted("crafter:Env", kwargs={"area": [40, 40], "size": [64, 64]})
    first = reset(host, "crafter:Env", 4)
    direct = crafter.Env(area=[40, 40], size=[64, 64], seed=4)
    assert first.observation.images["image"].tobytes() == direct.reset().tobytes()
    for action, one in zip((1, 5, 16), step(host, [[1], [5], [16]])):
        observation, reward, _, info = direct.step(action)
        assert one.observation.images["image"].tobytes() == np.ascontiguousarray(observation).tobytes()
        assert one.reward == reward
        assert one.info["achievements"] == info["achievements"]
        assert one.info["_dropped"] == ["semantic"]
    assert environment.spec.action[0].categories == (17,)


TASKED = textwrap.dedent(
    """
    import gymnasium
    import numpy as np

    class Tasked(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        action_space = gymnasium.spaces.Discrete(2)
        tasks = ["a", {"name": "b", "instruction": "do b", "initial_states": 2, "max_steps": 1}]

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.options = options
            return np.zeros(1), {"instruction": "said so"} if options["task"] == "a" else {}

        def step(self, action):
            return np.zeros(1), 0.0, False, False, {"success": np.bool_(True)}
    """
)


def test_tasks_of_the_environment_are_offered_and_handed_over(tmp_path):
    path = tmp_path / "tasked.py"
    path.write_text(TASKED)
    host, environment = hosted(f"{path}:Tasked")
    assert [(t.name, t.instruction, t.initial_states) for t in environment.tasks] == [("a", "", 0), ("b", "do b", 2)]
    done = host.handle(m.Reset(ResetRequest("b", 0, initial_state=1)))
    assert (done.instruction, environment._env.options) == ("do b", {"task": "b", "initial_state": 1})
    (one,) = step(host, [0])
    assert (one.truncated, one.success) == (True, True)
    assert host.handle(m.Reset(ResetRequest("a", 0))).instruction == "said so"
    with pytest.raises(RequestError, match="initial_state is 2"):
        host.handle(m.Reset(ResetRequest("b", 0, initial_state=2)))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("CartPool-v1", "CartPool"),
        ("no_such_module:Env", "is it installed, or in the working directory"),
        ("./no/such/file.py:Env", "no such file"),
        (f"{NESTED}:NestedEnf", "did you mean NestedEnv"),
        (f"{NESTED}:np", "Cannot make"),
    ],
)
def test_what_cannot_be_loaded_says_why(target, words):
    with pytest.raises(LoadError, match="Cannot") as caught:
        make_environment(GymnasiumOptions(target))
    assert words in str(caught.value)


def test_wrong_constructor_keywords_say_so():
    with pytest.raises(LoadError, match="wings"):
        make_environment(GymnasiumOptions("CartPole-v1", kwargs={"wings": 2}))


def test_an_unsupported_space_names_its_place(tmp_path):
    path = tmp_path / "graphs.py"
    path.write_text(
        TASKED.replace("Discrete(2)", "Dict({'g': gymnasium.spaces.Sequence(gymnasium.spaces.Discrete(2))})")
    )
    with pytest.raises(UnsupportedSpaceError, match="at g: it is Sequence"):
        make_environment(GymnasiumOptions(f"{path}:Tasked"))


def test_info_becomes_json_or_is_named_as_dropped():
    info = {
        "n": np.int64(3),
        "f": np.float32(0.5),
        "b": np.bool_(True),
        "a": np.arange(3),
        "nan": float("nan"),
        "t": (1, [None, "x"]),
        7: {"deep": np.ones((1, 2))},
        "set": {1},
        "large": np.zeros(2000),
        "bytes": b"x",
    }
    assert jsonable(info) == {
        "n": 3,
        "f": 0.5,
        "b": True,
        "a": [0, 1, 2],
        "nan": None,
        "t": [1, [None, "x"]],
        "7": {"deep": [[1.0, 1.0]]},
        "_dropped": ["set", "large", "bytes"],
    }
    assert jsonable({}) is None
    circle = []
    circle.append(circle)
    assert jsonable({"c": circle}) == {"_dropped": ["c"]}


def test_area_resize_keeps_means_and_constant_pictures():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    small = AreaResize((40, 60), (10, 20))(picture)
    blocks = picture.reshape(10, 4, 20, 3, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_allclose(small, blocks, atol=0.51)
    flat = np.full((7, 5, 1), 200, np.uint8)
    assert (AreaResize((7, 5), (3, 9))(flat) == 200).all()
    assert AreaResize((40, 60), (40, 60))(picture).tolist() == picture.tolist()


def test_rendered_frames_of_other_kinds_are_told_apart():
    assert as_image(np.zeros((2, 3), np.uint8)).shape == (2, 3, 1)
    assert as_image([np.zeros((2, 3, 3), np.uint8), np.ones((2, 3, 3), np.uint8)])[0, 0, 0] == 1
    with pytest.raises(TypeError, match="must be uint8"):
        as_image(np.zeros((2, 3, 3)))
    with pytest.raises(TypeError, match="must be uint8"):
        as_image(None)
