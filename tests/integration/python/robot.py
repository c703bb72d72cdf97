"""A robot that asks for three decisions and prints what it got, one JSON line each.

    python robot.py ENDPOINT
"""

import json
import sys

import numpy as np

from efference_sim import ComponentSpec, EnvironmentSpec, ImageSpec, LinkOptions, Observation, PolicyClient

SPEC = EnvironmentSpec(
    images=(ImageSpec("wrist", 2, 3, 3),),
    proprio=(ComponentSpec("joints", "joint_position", "float64", (2,), unit="rad"),),
    action=(ComponentSpec("joints", "joint_velocity", "float32", (2,), unit="rad/s"),),
    control_freq_hz=10.0,
    max_steps=50,
)


def main():
    with PolicyClient(LinkOptions(sys.argv[1], retry_s=10.0), SPEC, name="arm-1") as policy:
        policy.start_episode("pick", instruction="pick up the cup", seed=6)
        for step in range(3):
            observation = Observation(
                images={"wrist": np.full((2, 3, 3), step, np.uint8)},
                proprio={"joints": np.array([step + 0.5, -1.0])},
                instruction="pick up the cup",
                step=step,
                stamp_ns=step * 100_000_000,
            )
            decision = policy.decide(observation)
            line = {
                "chunk": decision.chunk.tolist(),
                "thoughts": list(decision.thoughts),
                "stages": sorted(decision.timing_ms),
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
