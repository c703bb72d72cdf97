"""The original LIBERO as its users evaluate in it: one process, one task, a loop. Prints one JSON object.

    libero_loop.py --task object/0 --steps 280 --episodes 2 [--model model.onnx] [--images 128] [--assets DIR]

Without a model it executes small random actions; with one it asks it for a chunk and executes the whole of it. The model takes
`proprio` float32[1, 8] (position, quaternion, opening) and, with images, `image/agentview` and `image/robot0_eye_in_hand`
uint8[1, size, size, 3]; it gives `action` float32[1, horizon, 7]. `seconds` counts from the first reset: imports and the
construction of the environment are not in it, but in `loadMs`. `resetsMs` has a reset with its settling steps for each episode.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

from efference_sim.libero.initial_states import read_initial_states
from efference_sim.libero.original import open_original
from efference_sim.libero.simulator import CAMERAS, FULL_OPENING_M, SETTLE_ACTION, SETTLE_STEPS
from efference_sim.libero.tasks import select_tasks


def feeds_of(observation, size):
    fingers = observation["robot0_gripper_qpos"]
    opening = np.clip((fingers[0] - fingers[1]) / FULL_OPENING_M, 0, 1)
    parts = [observation["robot0_eef_pos"], observation["robot0_eef_quat"], [opening]]
    feeds = {"proprio": np.concatenate(parts).astype(np.float32)[None]}
    if size is not None:
        for camera in CAMERAS:
            feeds[f"image/{camera}"] = np.ascontiguousarray(observation[f"{camera}_image"][::-1])[None]
    return feeds


def policy_of(model, size):
    """From an observation to a chunk of actions, float[horizon, 7]."""
    if model is None:
        random = np.random.default_rng(0)
        return lambda observation: random.uniform(-0.3, 0.3, (8, 7))
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return lambda observation: session.run(["action"], feeds_of(observation, size))[0][0].astype(np.float64)


def begin(env, state):
    """The first observation that a policy sees."""
    env.reset()
    observation = env.set_init_state(state)
    for _ in range(SETTLE_STEPS):
        observation, *_ = env.step(np.array(SETTLE_ACTION))
    return observation


def run_episode(env, decide, observation, limit):
    """Control steps executed and whether the goal was reached."""
    step = 0
    while True:
        for action in decide(observation):
            observation, _, done, _ = env.step(np.clip(action, -1, 1))
            step += 1
            if done or step == limit:
                return step, bool(done)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--episodes", type=int, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--images", type=int)
    parser.add_argument("--assets", type=Path)
    arguments = parser.parse_args()
    size = arguments.images
    loading = time.perf_counter()
    original = open_original(arguments.assets, draws=size is not None)
    (task,) = select_tasks(original.tasks, [], [arguments.task])
    rendering = {}
    if size is not None:
        sizes = {"camera_heights": size, "camera_widths": size, "camera_names": list(CAMERAS)}
        rendering = {"use_camera_obs": True, "has_offscreen_renderer": True, **sizes}
    env = original.make(task, **rendering)
    states = read_initial_states(task.initial_states)
    decide = policy_of(arguments.model, size)
    env.seed(0)
    load_ms = 1000 * (time.perf_counter() - loading)
    resets_ms = []
    started = time.perf_counter()
    steps = successes = 0
    for episode in range(arguments.episodes):
        resetting = time.perf_counter()
        observation = begin(env, states[episode % len(states)])
        resets_ms.append(1000 * (time.perf_counter() - resetting))
        taken, success = run_episode(env, decide, observation, arguments.steps)
        steps += taken
        successes += success
    seconds = time.perf_counter() - started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report = {"episodes": arguments.episodes, "steps": steps, "successes": successes, "seconds": seconds}
    print(json.dumps({**report, "loadMs": load_ms, "resetsMs": resets_ms, "peakMib": peak_mib}))


main()
