"""What four evaluation loops on LIBERO feed to a policy and execute, as numbers. Needs NumPy and robosuite 1.4.0.

    python tests/support/conventions_golden.py > tests/unit/package/conventions.golden.json

Observations are made up: what robosuite's environment would return, images with row 0 at the bottom. Each loop's arithmetic is
written down here on its own, with robosuite's `quat2axisangle`; `npm run test:libero` makes the file again and compares.
"""

import json

import numpy as np
from robosuite.utils.transform_utils import quat2axisangle

HEIGHT, WIDTH = 2, 3


def quaternions():
    random = np.random.default_rng(7)
    for quat in random.normal(size=(8, 4)):
        yield quat / np.linalg.norm(quat)
    # Hands that point down, to both sides of the half turn; no turn at all, and a whole one.
    for w in (1e-3, -1e-3, 1e-7, -1e-7, 0.0):
        yield np.array([np.sqrt(1 - w * w), 0.0, 0.0, w])
    yield np.array([0.0, 0.0, 0.0, 1.0])
    yield np.array([0.0, 0.0, 0.0, -1.0])


def raw_observation(random, quat):
    image = lambda: random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)  # noqa: E731
    return {
        "agentview_image": image(),
        "robot0_eye_in_hand_image": image(),
        "robot0_eef_pos": random.normal(size=3).astype(np.float32),
        "robot0_eef_quat": quat.astype(np.float32),
        "robot0_gripper_qpos": random.uniform(-0.04, 0.04, 2).astype(np.float32),
        "robot0_joint_pos": random.normal(size=7).astype(np.float32),
        "robot0_joint_vel": random.normal(size=7).astype(np.float32),
    }


def state_of(raw):
    turn = quat2axisangle(raw["robot0_eef_quat"].astype(np.float64))
    return np.concatenate((raw["robot0_eef_pos"], turn, raw["robot0_gripper_qpos"]))


def half_turn(image):
    return np.rot90(image, 2)


def openvla(raw):
    images = {"full_image": raw["agentview_image"], "wrist_image": raw["robot0_eye_in_hand_image"]}
    return {name: half_turn(image) for name, image in images.items()}, {"state": state_of(raw)}


def lerobot(raw):
    names = {"image": "agentview_image", "image2": "robot0_eye_in_hand_image"}
    images = {f"observation.images.{name}": half_turn(raw[source]) for name, source in names.items()}
    return images, {"observation.state": state_of(raw)}


def openpi(raw):
    images = {
        "observation/image": half_turn(raw["agentview_image"]),
        "observation/wrist_image": half_turn(raw["robot0_eye_in_hand_image"]),
    }
    return images, {"observation/state": state_of(raw)}


def robosuite(raw):
    images = {name: array for name, array in raw.items() if name.endswith("_image")}
    return images, {name: array for name, array in raw.items() if not name.endswith("_image")}


def executed_openvla(action):
    """From [0, 1], 1 = open, to [-1, 1]; made binary; turned round, since the environment closes at +1."""
    return [*action[:-1], -np.sign(2 * action[-1] - 1)]


LOOPS = {"openvla": openvla, "lerobot": lerobot, "openpi": openpi, "robosuite": robosuite}
EXECUTED = {"openvla": executed_openvla}


def plain(array):
    return np.asarray(array).ravel().tolist()


def main():
    random = np.random.default_rng(11)
    cases = []
    for quat in quaternions():
        raw = raw_observation(random, quat)
        seen = {}
        for name, loop in LOOPS.items():
            images, states = loop(raw)
            seen[name] = {
                "images": {key: plain(image) for key, image in images.items()},
                "states": {key: plain(state) for key, state in states.items()},
            }
        cases.append({"raw": {key: plain(array) for key, array in raw.items()}, "seen": seen})
    made = [[*np.linspace(-0.5, 0.5, 6), gripper] for gripper in (0.0, 0.2, 0.49, 0.51, 0.9, 1.0)]
    actions = [
        {
            "made": action,
            "executed": {name: list(EXECUTED.get(name, list)(action)) for name in LOOPS},
        }
        for action in made
    ]
    print(json.dumps({"height": HEIGHT, "width": WIDTH, "cases": cases, "actions": actions}))


main()
