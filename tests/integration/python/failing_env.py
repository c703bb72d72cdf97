"""An environment that fails in the ways environments do, one action each."""

import time

import gymnasium
import numpy as np


class FailingEnv(gymnasium.Env):
    observation_space = gymnasium.spaces.Dict({"arm": gymnasium.spaces.Box(-10, 10, (2,), np.float64)})
    # 0 works, 1 raises, 2 gives NaN, 3 takes a minute
    action_space = gymnasium.spaces.Discrete(4)

    def __init__(self, reset_s=0.0):
        self.reset_s = reset_s

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        time.sleep(self.reset_s)
        return {"arm": np.zeros(2)}, {}

    def step(self, action):
        if action == 1:
            raise RuntimeError("the gripper is jammed")
        if action == 3:
            time.sleep(60)
        arm = np.array([0.0, np.nan]) if action == 2 else np.ones(2)
        return {"arm": arm}, 0.0, False, False, {}
