"""A cart on a rail, wrapped for Efference: everything a simulator must say and do."""

import numpy as np

from efference_sim import ComponentSpec, Environment, EnvironmentIdentity, EnvironmentSpec, ImageSpec, State, TaskInfo


class MySimulator(Environment):
    spec = EnvironmentSpec(
        images=(ImageSpec("side", 32, 64, 3),),
        proprio=(ComponentSpec("cart", "joint_position", "float32", (1,), unit="m"),),
        action=(ComponentSpec("velocity", "joint_velocity", "float32", (1,), unit="m/s", low=(-1.0,), high=(1.0,)),),
        control_freq_hz=10.0,
        max_steps=100,
    )
    tasks = (TaskInfo("reach_right", instruction="drive the cart to the right end"),)
    identity = EnvironmentIdentity("cart", "1.0")

    def reset(self, request):
        self.position = float(np.random.default_rng(request.seed).uniform(-1.0, 0.0))
        return State(proprio={"cart": [self.position]})

    def step(self, action):
        self.position = float(np.clip(self.position + action[0] / 10.0, -1.0, 1.0))
        arrived = self.position > 0.9
        return State(proprio={"cart": [self.position]}, reward=float(arrived), terminated=arrived, success=arrived)

    def images(self, names):
        picture = np.full((32, 64, 3), 230, np.uint8)
        column = round((self.position + 1.0) / 2.0 * 59)
        picture[20:26, column : column + 4] = (200, 40, 40)
        return {"side": picture}
