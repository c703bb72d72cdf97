"""Steps an environment directly, without the peer package, and prints what it gave: the reference of a bridge.

    python direct_rollout.py ENV_ID SEED ACTIONS_FILE WIDTH

ACTIONS_FILE holds float32 rows of WIDTH entries, little-endian. One JSON line per observation, the first one
included: dtype, shape and SHA-256 of every array by name, texts, reward, and how it ended. Stops after the end.
"""

import hashlib
import importlib
import json
import sys

import gymnasium
import numpy as np
from gymnasium import spaces


def make(env_id, seed):
    """The environment and its first observation."""
    if ":" not in env_id:
        env = gymnasium.make(env_id)
        return env, env.reset(seed=seed)[0]
    module, name = env_id.split(":")
    factory = getattr(importlib.import_module(module), name)
    if module == "crafter":
        env = factory(seed=seed)
        return env, env.reset()
    env = factory()
    return env, env.reset(seed=seed)[0]


def action_of(space, entries):
    """The action that the next entries of a row stand for."""
    if isinstance(space, spaces.Dict):
        return {key: action_of(inner, entries) for key, inner in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(action_of(inner, entries) for inner in space.spaces)
    if isinstance(space, spaces.Text):
        indices = [int(entries.pop(0)) for _ in range(space.max_length)]
        return "".join(sorted(space.character_set)[index] for index in indices if index >= 0)
    if not hasattr(space, "shape") or space.shape == () and hasattr(space, "n"):
        return np.int64(int(entries.pop(0)) + int(getattr(space, "start", 0)))
    flat = [entries.pop(0) for _ in range(int(np.prod(space.shape)))]
    if np.issubdtype(space.dtype, np.integer):
        flat = [round(value) for value in flat]
    values = np.array(flat).reshape(space.shape)
    return (values + getattr(space, "start", 0)).astype(space.dtype)


def leaves(value, path=()):
    """Every leaf of a nested observation with its name."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key.replace("~", "~0").replace("/", "~1")))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, str(index)))
    else:
        yield "/".join(path), value


def report(observation, **rest):
    arrays, texts = {}, {}
    for name, value in leaves(observation):
        if isinstance(value, str):
            texts[name] = value
            continue
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        arrays[name] = {"dtype": array.dtype.name, "shape": list(array.shape), "sha256": digest}
    print(json.dumps({"arrays": arrays, "texts": texts, **rest}))


def main():
    env_id, seed, actions_file, width = sys.argv[1:]
    rows = np.fromfile(actions_file, "<f4").reshape(-1, int(width))
    env, observation = make(env_id, int(seed))
    report(observation, reward=0.0, terminated=False, truncated=False)
    for row in rows:
        result = env.step(action_of(env.action_space, [float(value) for value in row]))
        observation, reward, terminated = result[:3]
        truncated = bool(result[3]) if len(result) == 5 else False
        report(observation, reward=float(reward), terminated=bool(terminated), truncated=truncated)
        if terminated or truncated:
            break


if __name__ == "__main__":
    sys.path.insert(0, "")
    main()
