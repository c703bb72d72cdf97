"""Spaces to specs and values to rows, both ways."""

import collections
import sys

import numpy as np
import pytest
from support import REPOSITORY, to_row

from efference_sim.actions import ActionChecker
from efference_sim.spaces import ActionMapper, ObservationMapper, UnsupportedSpaceError, flat_row

gymnasium = pytest.importorskip("gymnasium")
from gymnasium import spaces  # noqa: E402

sys.path.insert(0, str(REPOSITORY / "tests" / "integration" / "python"))
import nested_env  # noqa: E402


def by_name(parts):
    return {part.name: part for part in parts}


def test_the_nested_observation_space_is_described_leaf_by_leaf():
    mapper = ObservationMapper(nested_env.OBSERVATION)
    images, proprio, texts = by_name(mapper.images), by_name(mapper.proprio), by_name(mapper.texts)
    assert {name: (i.height, i.width, i.channels) for name, i in images.items()} == {
        "camera": (6, 8, 3),
        "grey": (5, 4, 1),
        "inner/2": (2, 2, 4),
    }
    assert {name: text.max_length for name, text in texts.items()} == {"note": 12, "inner/1/deep/1": 5}
    assert {name: (p.format, p.dtype, p.shape) for name, p in proprio.items()} == {
        "no_image": ("raw", "uint8", (4, 4)),
        "half_range": ("raw", "uint8", (3, 3, 3)),
        "a~1b~0c": ("raw", "float64", (2, 3)),
        "half": ("raw", "float16", (3,)),
        "unbounded": ("raw", "float32", (2,)),
        "long": ("raw", "int64", (2,)),
        "short": ("raw", "int16", (1, 2)),
        "mode": ("discrete", "int64", ()),
        "gears": ("multi_discrete", "int64", (2, 2)),
        "bits": ("binary", "int8", (2, 2)),
        "inner/0": ("discrete", "int64", ()),
        "inner/1/deep/0": ("raw", "float32", ()),
    }
    assert (proprio["mode"].categories, proprio["mode"].low, proprio["mode"].high) == ((5,), (-2.0,), (2.0,))
    assert proprio["gears"].categories == (3, 4, 5, 6)
    assert (proprio["unbounded"].low, proprio["unbounded"].high) == ((-np.inf,), (np.inf,))


def test_the_nested_action_space_is_one_row():
    mapper = ActionMapper(nested_env.ACTION)
    order = [component.name for component in mapper.components]
    assert sorted(order) == ["arm", "bits", "gears", "inner/0", "inner/1/x", "jump", "mode", "say"]
    assert mapper.width == 4 + 3 + 4 + 1 + 1 + 3 + 1 + 4
    say = by_name(mapper.components)["say"]
    assert (say.format, say.shape, say.min_length, say.charset) == ("text", (4,), 1, "abcdefghijklmnopqrstuvwxyz")


def test_a_row_becomes_a_member_of_the_space_with_exact_types():
    mapper = ActionMapper(nested_env.ACTION)
    parts = {
        "arm": [0.25, -0.5, 1, -1],
        "jump": [-10, 2.5, 3.5],
        "mode": [3],
        "gears": [2, 3, 4, 5],
        "bits": [1, 0, 1],
        "say": [0, 25, -1, -1],
        "inner/0": [1],
        "inner/1/x": [0.5],
    }
    row = flat_row(mapper, [parts[component.name] for component in mapper.components])
    ActionChecker(mapper.components).check(row[None])
    action = mapper.join(row)
    assert nested_env.ACTION.contains(action)
    assert action["arm"].dtype == np.float64
    assert action["arm"].tolist() == [[0.25, -0.5], [1, -1]]
    assert action["jump"].dtype == np.int32
    assert action["jump"].tolist() == [-10, 2, 4]  # half to even
    assert (action["mode"], type(action["mode"])) == (13, np.int64)
    assert action["gears"].tolist() == [[2, 3], [4, 5]]
    assert action["bits"].dtype == np.int8
    assert action["say"] == "az"
    assert action["inner"][0] == 1
    assert action["inner"][1]["x"].shape == ()


def test_every_sampled_action_comes_back_from_its_row():
    space = nested_env.ACTION
    space.seed(5)
    mapper = ActionMapper(space)
    checker = ActionChecker(mapper.components)
    for _ in range(200):
        action = space.sample()
        row = np.array(to_row(space, action), np.float32)
        checker.check(row[None])
        back = mapper.join(row)
        assert space.contains(back)
        np.testing.assert_array_equal(np.array(to_row(space, back), np.float32), row)


def test_every_sampled_observation_is_taken_apart_without_loss():
    space = nested_env.OBSERVATION
    space.seed(6)
    mapper = ObservationMapper(space)
    for _ in range(50):
        observation = space.sample()
        proprio, texts = mapper.split_proprio(observation), mapper.split_texts(observation)
        assert proprio["a~1b~0c"] is observation["a/b~c"]
        assert proprio["inner/1/deep/0"] is observation["inner"][1]["deep"][0]
        assert texts["inner/1/deep/1"] == observation["inner"][1]["deep"][1]
        assert mapper.split_images(observation)["inner/2"] is observation["inner"][2]
        assert len(proprio) + len(texts) + len(mapper.images) == 17


@pytest.mark.parametrize(
    ("space", "name", "kind"),
    [
        (spaces.Box(0, 255, (4, 4, 3), np.uint8), "image", "images"),
        (spaces.Box(-1, 1, (2,), np.float32), "observation", "proprio"),
        (spaces.Discrete(4), "observation", "proprio"),
        (spaces.Text(3), "observation", "texts"),
    ],
)
def test_a_space_that_is_not_nested_has_a_fixed_name(space, name, kind):
    assert [part.name for part in getattr(ObservationMapper(space), kind)] == [name]
    assert [part.name for part in ActionMapper(space).components] == ["action"]


@pytest.mark.parametrize(
    "space",
    [
        spaces.Graph(spaces.Box(-1, 1, (2,)), None),
        spaces.Sequence(spaces.Discrete(2)),
        spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]),
    ],
)
def test_a_space_without_a_place_is_refused_with_path_and_type(space):
    nested = spaces.Dict({"outer": spaces.Tuple((spaces.Discrete(2), space))})
    with pytest.raises(UnsupportedSpaceError, match="at outer/1: it is " + type(space).__name__):
        ObservationMapper(nested)


def test_more_categories_than_a_float32_counts_are_refused_in_actions_only():
    assert ObservationMapper(spaces.Discrete(2**24 + 1)).proprio[0].categories == (2**24 + 1,)
    assert ActionMapper(spaces.Discrete(2**24)).width == 1
    with pytest.raises(UnsupportedSpaceError, match="16777216 categories"):
        ActionMapper(spaces.Discrete(2**24 + 1))


def test_an_action_space_without_entries_is_refused():
    for space in (spaces.Dict({}), spaces.Tuple(()), spaces.Box(-1, 1, (0,))):
        with pytest.raises(UnsupportedSpaceError, match="at least one entry"):
            ActionMapper(space)


def test_bounds_are_stated_once_where_equal_and_not_at_all_where_too_many():
    wide = spaces.Box(np.arange(5000, dtype=np.float32) * -1, np.arange(5000, dtype=np.float32) + 1)
    assert ObservationMapper(wide).proprio[0].low == ()
    assert ObservationMapper(spaces.Box(-1, 1, (5000,))).proprio[0].low == (-1.0,)
    mixed = spaces.Box(np.array([-1, -np.inf], np.float32), np.array([1, np.inf], np.float32))
    assert ObservationMapper(mixed).proprio[0].low == (-1.0, -np.inf)


def test_look_alikes_of_spaces_are_understood():
    box = collections.namedtuple("BoxSpace", "low, high, shape, dtype")(0, 255, (4, 5, 3), np.uint8)
    discrete = collections.namedtuple("DiscreteSpace", "n")(7)
    assert ObservationMapper(box).images[0].width == 5
    mapper = ActionMapper(discrete)
    assert mapper.components[0].categories == (7,)
    assert mapper.join(np.array([6], np.float32)) == 6


def test_a_subclass_counts_as_its_space():
    class Angle(spaces.Box):
        pass

    assert ObservationMapper(Angle(-1, 1, (2,), np.float32)).proprio[0].shape == (2,)
