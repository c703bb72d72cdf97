"""What LIBERO's own programs make of a file of demonstrations: `demonstrations.py FILE TASK BDDL [--assets DIR]`, as JSON.

`get_dataset_info` is what LIBERO's datasets are looked at with; what robomimic's `SequenceDataset` reads is read as it does,
with h5py. Then states of the first demonstration are set in the original environment.
"""

import argparse
import contextlib
import io
import json
from pathlib import Path

import h5py
import numpy as np

from efference_sim.libero.original import open_original
from efference_sim.libero.tasks import select_tasks

LOW_DIM = ["gripper_states", "joint_states", "ee_states", "ee_pos", "ee_ori"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("task")
    parser.add_argument("bddl", type=Path)
    parser.add_argument("--assets", type=Path)
    arguments = parser.parse_args()
    original = open_original(arguments.assets, draws=False)
    from libero.libero.envs.bddl_utils import get_problem_info
    from libero.libero.utils.dataset_utils import get_dataset_info

    words = io.StringIO()
    with contextlib.redirect_stdout(words):
        get_dataset_info(str(arguments.file))
    (task,) = select_tasks(original.tasks, [], [arguments.task])
    env = original.make(task)
    env.seed(0)
    env.reset()
    errors = {name: 0.0 for name in ("state", "ee_pos", "joint_states", "gripper_states")}
    with h5py.File(arguments.file, "r") as file:
        data = file["data"]
        demos = sorted(data.keys(), key=lambda name: int(name[5:]))
        lengths = [int(data[name].attrs["num_samples"]) for name in demos]
        shapes = {name: list(data[demos[0]]["obs"][name].shape) for name in LOW_DIM}
        kinds = sorted(json.loads(data.attrs["env_args"]).keys())
        demo = data[demos[0]]
        states = demo["states"][()]
        for t in range(0, len(states), 10):
            seen = env.set_init_state(states[t])
            found = {
                "state": (env.sim.get_state().flatten(), states[t]),
                "ee_pos": (seen["robot0_eef_pos"], demo["obs/ee_pos"][t]),
                "joint_states": (seen["robot0_joint_pos"], demo["obs/joint_states"][t]),
                "gripper_states": (seen["robot0_gripper_qpos"], demo["obs/gripper_states"][t]),
            }
            for name, (theirs, ours) in found.items():
                errors[name] = max(errors[name], float(np.max(np.abs(theirs - ours))))
        info = json.loads(data.attrs["problem_info"])
    print(
        json.dumps(
            {
                "words": words.getvalue(),
                "lengths": lengths,
                "shapes": shapes,
                "env_args": kinds,
                "problem_info": info,
                "original_info": get_problem_info(str(arguments.bddl)),
                "errors": errors,
            }
        )
    )


main()
