"""One calling convention over the environments of today and of the years before them.

Old `gym`: `reset()` returns the observation alone, `step` four values, seeds go to the constructor, to `seed()` or
nowhere. Gymnasium: `reset(seed=, options=)` returns two values, `step` five.
"""

from __future__ import annotations

import inspect
import random
from typing import Any, Callable

import numpy as np

# Old environments feed the seed to np.random.RandomState, which takes 32 bits.
LEGACY_SEED_MODULUS = 2**32


def accepts(function: Any, name: str) -> bool:
    """Whether a callable takes a keyword of this name, by its own signature (``**kwargs`` does not count)."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def is_modern(environment: Any) -> bool:
    """Whether ``reset`` takes a seed, as in gymnasium."""
    for ancestor in type(environment).__mro__:
        if ancestor.__module__.split(".")[0] == "gymnasium" and ancestor.__name__ == "Env":
            return True
    return accepts(environment.reset, "seed")


class LegacyEnv:
    """Gives an old environment the calls of a new one.

    A seed is handed to the constructor where that takes `seed` (the environment is made anew for every episode),
    else to `seed()`, else to an integer attribute `_seed`, else to the global generators of NumPy and Python.
    `seeding` says which.
    """

    def __init__(self, make: Callable[..., Any], environment: Any) -> None:
        self._make = make
        self._environment = environment
        self.seeding = "global"
        if accepts(make, "seed"):
            self.seeding = "constructor"
        elif callable(getattr(environment, "seed", None)):
            self.seeding = "seed()"
        elif isinstance(getattr(environment, "_seed", None), int):
            self.seeding = "_seed"

    @property
    def unwrapped(self) -> Any:
        return getattr(self._environment, "unwrapped", self._environment)

    @property
    def observation_space(self) -> Any:
        return self._environment.observation_space

    @property
    def action_space(self) -> Any:
        return self._environment.action_space

    @property
    def metadata(self) -> Any:
        return getattr(self._environment, "metadata", None) or {}

    @property
    def spec(self) -> Any:
        return getattr(self._environment, "spec", None)

    def reset(self, *, seed: int, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        seed = seed % LEGACY_SEED_MODULUS
        if self.seeding == "constructor":
            self.close()
            self._environment = self._make(seed=seed)
        elif self.seeding == "seed()":
            self._environment.seed(seed)
        elif self.seeding == "_seed":
            self._environment._seed = seed
        else:
            np.random.seed(seed)
            random.seed(seed)
        if options and "task" in options and hasattr(self._environment, "set_task"):
            self._environment.set_task(options["task"])
        result = self._environment.reset()
        with_info = isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict)
        if with_info and type(self.observation_space).__name__ not in ("Tuple", "TupleSpace"):
            return result
        return result, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        result = self._environment.step(action)
        if len(result) == 5:
            return result
        observation, reward, done, info = result
        # An old `done` says both; gym's TimeLimit and dm_env's discount tell a time limit from an end.
        timed_out = bool(info.get("TimeLimit.truncated", info.get("discount") == 1.0))
        return observation, reward, bool(done and not timed_out), bool(done and timed_out), info

    def render(self) -> Any:
        render = self._environment.render
        return render(mode="rgb_array") if accepts(render, "mode") else render()

    def close(self) -> None:
        close = getattr(self._environment, "close", None)
        if callable(close):
            close()
