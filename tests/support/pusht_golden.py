"""Makes tests/integration/pusht/pusht.golden.json with the real PushT.

    python -m pip install gym-pusht==0.1.8 pymunk==6.11.1
    SDL_VIDEODRIVER=dummy python tests/support/pusht_golden.py tests/integration/pusht/pusht.golden.json

Twelve starts of 300 control steps: targets anywhere (walls included), targets at the T, targets beyond it. Actions
are quarters of a unit, exact in float32; states are those after every tenth step, keypoints those after the last one.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from importlib import metadata
from pathlib import Path

import gym_pusht  # noqa: F401
import gymnasium
import numpy as np

STARTS = 12
STEPS = 300
KEPT = 10


def target(env, rng, start, step, wandering):
    block = np.array(env.block.position)
    if start % 3 == 0:
        return wandering
    if start % 3 == 1:
        pushes = (step // 20) % 2 == 0
        return np.array(env.block.local_to_world((0, 45))) + rng.normal(0, 25, 2) if pushes else wandering
    return block + (block - 256) * 0.2 + rng.normal(0, 60, 2)


def state_of(env):
    return [*env.agent.position, *env.block.position, env.block.angle]


def trajectory(env, start):
    rng = np.random.default_rng(start)
    first = [*rng.integers(50, 450, 2).tolist(), *rng.integers(100, 400, 2).tolist(), rng.uniform(-np.pi, np.pi)]
    env.reset(options={"reset_to_state": first})
    made = {"start": first, "first": state_of(env), "actions": [], "states": [], "coverage": [], "rewards": []}
    wandering = rng.uniform(0, 512, 2)
    for step in range(STEPS):
        if step % 7 == 0:
            wandering = rng.uniform(0, 512, 2)
        action = np.round(np.clip(target(env, rng, start, step, wandering), 0, 512) * 4) / 4
        _, reward, _, _, info = env.step(np.float32(action))
        made["actions"].append(action.tolist())
        if step % KEPT == KEPT - 1:
            made["states"].append(state_of(env))
            made["coverage"].append(info["coverage"])
            made["rewards"].append(float(reward))
    made["keypoints"] = env.get_keypoints(env._block_shapes).flatten().tolist()
    return made


def covered(env):
    """Coverage of poses near the goal, and of the goal itself."""
    rng = np.random.default_rng(99)
    poses = [[256.0, 256.0, np.pi / 4]]
    poses += [
        [*rng.normal(256, spread, 2).tolist(), np.pi / 4 + rng.normal(0, spread / 40)]
        for spread in (1, 5, 20, 60)
        for _ in range(10)
    ]
    made = []
    for pose in poses:
        env.block.angle = pose[2]
        env.block.position = pose[:2]
        made.append([*pose, env._get_coverage()])
    return made


def pictures():
    env = gymnasium.make("gym_pusht/PushT-v0", obs_type="pixels").unwrapped
    made = []
    for index in range(8):
        rng = np.random.default_rng(index)
        start = [*rng.integers(50, 450, 2).tolist(), *rng.integers(100, 400, 2).tolist(), rng.uniform(-3, 3)]
        pixels, _ = env.reset(options={"reset_to_state": start})
        made.append({"start": start, "deflated": base64.b64encode(zlib.compress(pixels.tobytes(), 9)).decode()})
    return made


def main() -> None:
    env = gymnasium.make("gym_pusht/PushT-v0").unwrapped
    made = {
        "versions": {name: metadata.version(name) for name in ("gym-pusht", "pymunk", "shapely", "numpy")},
        "kept": KEPT,
        "trajectories": [trajectory(env, start) for start in range(STARTS)],
        "coverages": covered(env),
        "pictures": pictures(),
    }
    Path(sys.argv[1]).write_text(json.dumps(made) + "\n")


main()
