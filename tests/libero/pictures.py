"""Pictures of the original's own renderer, with the poses they show: what our pictures are compared with.

First initial states of a task, and states of a random walk that begins in one of them. Writes ``pictures.json``
(a line for each picture) and ``pictures.bin`` (poses, colours and labels, one after the other) into ``--out``.
"""

import argparse
import json
from pathlib import Path

import mujoco
import numpy as np

from efference_sim.libero.initial_states import read_initial_states
from efference_sim.libero.original import open_original
from efference_sim.libero.tasks import select_tasks
from efference_sim.libero.visual import CAMERAS

# Steps of the random walk between two pictures.
STRIDE = 12
# mjOBJ_GEOM.
GEOM = 5
UNKNOWN = 65535


def states_of(env, states, count):
    """Half of them official initial states, half on a walk with the gripper down and moving."""
    generator = np.random.default_rng(0)
    for number in range(count // 2):
        yield env.set_init_state(states[number])
    env.set_init_state(states[0])
    for _ in range(count - count // 2):
        action = generator.uniform(-1, 1, 7)
        action[2] -= 0.5
        for _ in range(STRIDE):
            env.step(np.clip(action, -1, 1))
        yield None


def labels(context, model, size, camera):
    """Per pixel: 1 + place of the shape in the scene, 0 for none, UNKNOWN behind a site; row 0 at the bottom.

    Sites that no picture shows, because their alpha is below 0, still have labels.
    """
    context.render(size, size, camera, segmentation=True)
    colours = context.read_pixels(size, size).astype(np.int64)
    numbers = colours[:, :, 0] + 256 * colours[:, :, 1] + 65536 * colours[:, :, 2]
    table = np.zeros(int(numbers.max()) + 1, np.uint16)
    for place in range(context.scn.ngeom):
        shape = context.scn.geoms[place]
        if 0 <= shape.segid < len(table) - 1:
            table[shape.segid + 1] = place + 1 if int(shape.objtype) == GEOM else UNKNOWN
    return table[numbers]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path)
    # One a process: a second graphics context of robosuite's draws nothing.
    parser.add_argument("--task", required=True)
    parser.add_argument("--states", type=int, default=6)
    parser.add_argument("--size", type=int, nargs="+", default=[128])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    original = open_original(arguments.assets, draws=True)
    (task,) = select_tasks(original.tasks, [], [arguments.task])
    env = original.make_official(
        task, has_offscreen_renderer=True, use_camera_obs=True, camera_heights=128, camera_widths=128
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    with open(arguments.out / "pictures.bin", "wb") as out:
        lines = list(pictures(env, task, arguments, out))
    (arguments.out / "pictures.json").write_text(json.dumps(lines))
    env.close()


def pictures(env, task, arguments, out):
    """Draws and writes; yields what each picture is."""
    model, data = env.env.sim.model._model, env.env.sim.data._data
    context = env.env.sim._render_context_offscreen
    bodies = [mujoco.mj_id2name(model, 1, body) or "world" for body in range(model.nbody)]
    states = read_initial_states(task.initial_states)
    for number, _ in enumerate(states_of(env, states, arguments.states)):
        mujoco.mj_forward(model, data)
        poses = np.concatenate([data.xpos, data.xmat.reshape(-1, 9)], axis=1)
        for size in arguments.size:
            for name in CAMERAS:
                camera = model.camera(name).id
                context.render(size, size, camera)
                colours = context.read_pixels(size, size)[::-1]
                marks = labels(context, model, size, camera)[::-1]
                out.write(poses.astype("<f8").tobytes())
                out.write(np.ascontiguousarray(colours, np.uint8).tobytes())
                out.write(np.ascontiguousarray(marks, "<u2").tobytes())
                yield {"task": task.key, "state": number, "camera": name, "size": size, "bodies": bodies}


main()
