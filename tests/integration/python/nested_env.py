"""An environment with every space, nested, in observation and action: what any adapter must carry unharmed.

The next observation is drawn from a hash of everything that has happened, the exact types and bytes of the actions
included, so a single wrong bit on the way in changes everything on the way out.
"""

import hashlib
import string

import gymnasium
import numpy as np
from gymnasium import spaces

OBSERVATION = spaces.Dict(
    {
        "camera": spaces.Box(0, 255, (6, 8, 3), np.uint8),
        "grey": spaces.Box(0, 255, (5, 4, 1), np.uint8),
        "no_image": spaces.Box(0, 255, (4, 4), np.uint8),
        "half_range": spaces.Box(0, 127, (3, 3, 3), np.uint8),
        "a/b~c": spaces.Box(-1.0, 1.0, (2, 3), np.float64),
        "half": spaces.Box(-2.0, 2.0, (3,), np.float16),
        "unbounded": spaces.Box(-np.inf, np.inf, (2,), np.float32),
        "long": spaces.Box(-(2**40), 2**40, (2,), np.int64),
        "short": spaces.Box(-300, 300, (1, 2), np.int16),
        "mode": spaces.Discrete(5, start=-2),
        "gears": spaces.MultiDiscrete([[3, 4], [5, 6]]),
        "bits": spaces.MultiBinary([2, 2]),
        "note": spaces.Text(12, min_length=0, charset="aé€😀"),
        "inner": spaces.Tuple(
            (
                spaces.Discrete(3),
                spaces.Dict({"deep": spaces.Tuple((spaces.Box(0, 1, (), np.float32), spaces.Text(5)))}),
                spaces.Box(0, 255, (2, 2, 4), np.uint8),
            )
        ),
    }
)
ACTION = spaces.Dict(
    {
        "arm": spaces.Box(-1.0, 1.0, (2, 2), np.float64),
        "jump": spaces.Box(-10, 10, (3,), np.int32),
        "mode": spaces.Discrete(4, start=10),
        "gears": spaces.MultiDiscrete([[3, 4], [5, 6]]),
        "bits": spaces.MultiBinary(3),
        "say": spaces.Text(4, min_length=1, charset=string.ascii_lowercase),
        "inner": spaces.Tuple((spaces.Discrete(2), spaces.Dict({"x": spaces.Box(-1, 1, (), np.float32)}))),
    }
)


def describe(value):
    """Type, dtype, shape and bytes of a nested value, as text."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{describe(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(describe(item) for item in value) + ")"
    if isinstance(value, str):
        return repr(value)
    array = np.asarray(value)
    return f"{array.dtype}{array.shape}{array.tobytes().hex()}"


def draw(space, rng):
    """A member of the space, from a generator of our own: `space.sample` may change between releases."""
    if isinstance(space, spaces.Dict):
        return {key: draw(inner, rng) for key, inner in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(draw(inner, rng) for inner in space.spaces)
    if isinstance(space, spaces.Discrete):
        return np.int64(space.start + rng.integers(space.n))
    if isinstance(space, spaces.MultiDiscrete):
        return rng.integers(space.nvec).astype(space.dtype)
    if isinstance(space, spaces.MultiBinary):
        return rng.integers(2, size=space.shape).astype(np.int8)
    if isinstance(space, spaces.Text):
        letters = sorted(space.character_set)
        length = rng.integers(space.min_length, space.max_length + 1)
        return "".join(letters[index] for index in rng.integers(len(letters), size=length))
    if space.dtype.kind in "iu":
        return rng.integers(space.low, space.high, dtype=space.dtype, endpoint=True)
    values = rng.uniform(np.maximum(space.low, -1.0), np.minimum(space.high, 1.0))
    if np.isinf(space.high).any() and rng.random() < 0.25:
        values = np.full(space.shape, np.inf)
    return np.asarray(values, dtype=space.dtype)


class NestedEnv(gymnasium.Env):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 8}  # noqa: RUF012

    observation_space = OBSERVATION
    action_space = ACTION

    def __init__(self, length=12, render_mode=None):
        self.length = length
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        self.digest = hashlib.sha256(f"seed {seed}".encode()).digest()
        return self._observe(), {"digest": self.digest.hex()}

    def step(self, action):
        assert self.action_space.contains(action), f"{action} is not in the action space"
        self.count += 1
        self.digest = hashlib.sha256(self.digest + describe(action).encode()).digest()
        reward = self.digest[0] / 7
        info = {"digest": self.digest.hex(), "is_success": self.digest[1] > 127}
        return self._observe(), reward, self.count >= self.length, False, info

    def render(self):
        return np.full((4, 6, 3), self.digest[2], np.uint8)

    def _observe(self):
        rng = np.random.default_rng(int.from_bytes(self.digest[:8], "little"))
        return draw(self.observation_space, rng)


if "Nested-v3" not in gymnasium.registry:
    gymnasium.register("Nested-v3", entry_point=NestedEnv, max_episode_steps=10)
