"""Truth of LIBERO's goals in the original, at states made up so that it changes: the oracle of predicates.test.ts.

    predicates.py TASK [TASK ...] --states N --out DIR [--assets DIR]

For each task DIR gets NAME.qpos, float64[N, nq], and NAME.true, uint8[N, atoms]. Things of a goal are put in and around
where they belong, joints anywhere in their range; nothing is simulated, so the states need not be possible.
"""

import argparse
from pathlib import Path

import numpy as np

from efference_sim.libero.initial_states import read_initial_states
from efference_sim.libero.original import open_original
from efference_sim.libero.tasks import select_tasks


def target_of(problem, name):
    """Position, rotation and half extents of a region, or of a box about a thing's root."""
    data = problem.sim.data
    if name in problem.object_sites_dict:
        size = np.asarray(problem.object_sites_dict[name].size, float)
        return data.get_site_xpos(name).copy(), data.get_site_xmat(name).copy(), size
    body = problem.obj_body_id[name]
    return data.body_xpos[body].copy(), np.eye(3), np.array([0.04, 0.04, 0.04])


def place(problem, atom, random):
    """Puts the first thing of `(in a b)` or `(on a b)` about the second, upright or in any orientation."""
    position, rotation, size = target_of(problem, atom[2])
    scale = random.choice([0.3, 0.9, 1.3])
    offset = random.uniform(-scale, scale, 3) * size
    if atom[0] == "on":
        offset[2] = size[2] + random.uniform(-0.03, 0.13)
    joint = problem.get_object(atom[1]).joints[-1]
    pose = problem.sim.data.get_joint_qpos(joint).copy()
    pose[:3] = position + rotation @ offset
    if random.uniform() < 0.3:
        turned = random.normal(size=4)
        pose[3:] = turned / np.linalg.norm(turned)
    problem.sim.data.set_joint_qpos(joint, pose)


def turn(problem, atom, random):
    """Sets the joints of an articulated thing or region, often near where truth changes."""
    model = problem.sim.model
    for joint in problem.get_object(atom[1]).joints:
        low, high = model.jnt_range[model.joint_name2id(joint)]
        value = random.choice([low, 0.0, high]) + random.normal() * 0.03 * (high - low)
        if random.uniform() < 0.6:
            value = random.uniform(low - 0.02, high + 0.02)
        problem.sim.data.set_joint_qpos(joint, value)


def truths(env, states, count, random):
    """``(float64[count, nq], uint8[count, atoms])``."""
    problem = env.env
    goal = problem.parsed_problem["goal_state"]
    positions, answers = [], []
    for _ in range(count):
        env.set_state(states[random.integers(len(states))])
        problem.sim.forward()
        # Moving parts first: regions move with them.
        for atom in sorted(goal, key=len):
            (turn if len(atom) == 2 else place)(problem, atom, random)
            problem.sim.forward()
        positions.append(problem.sim.data.qpos.copy())
        answers.append([problem._eval_predicate(atom) for atom in goal])
    return np.array(positions), np.array(answers, np.uint8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--states", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--assets", type=Path)
    arguments = parser.parse_args()
    original = open_original(arguments.assets)
    for task in select_tasks(original.tasks, [], arguments.tasks):
        env = original.make_official(task)
        states = read_initial_states(task.initial_states)
        positions, answers = truths(env, states, arguments.states, np.random.default_rng(task.index))
        env.close()
        name = task.key.replace("/", "__")
        (arguments.out / f"{name}.qpos").write_bytes(positions.tobytes())
        (arguments.out / f"{name}.true").write_bytes(answers.tobytes())


main()
