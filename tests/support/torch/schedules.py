"""Writes what the schedulers of `diffusers` do, for tests/unit/src/math/schedulers.test.ts.

    python -m pip install torch==2.10.0 diffusers==0.35.2 numpy
    python tests/support/torch/schedules.py > tests/unit/src/math/schedulers.golden.json

Predictions and noises are the formulas of `prediction` and `noise`, so that the file holds results alone.
"""

import itertools
import json
import math
import sys

import diffusers
import torch
from diffusers import DDIMScheduler, DDPMScheduler

LENGTH = 3


def row(f, index):
    return torch.tensor([[[f(index, i) for i in range(LENGTH)]]], dtype=torch.float32)


def start(_, i):
    return 1.5 * math.cos(1 + 2 * i)


def prediction(index, i):
    return 0.7 * math.cos(index + i)


def noise(index, i):
    return math.sin(3 * index + i)


def short(tensor):
    """Nine digits hold a float32."""
    return [float(f"{x:.9g}") for x in tensor.flatten().tolist()]


def trajectory(name, config, count, eta):
    scheduler = {"ddpm": DDPMScheduler, "ddim": DDIMScheduler}[name](**config)
    scheduler.set_timesteps(count)
    module = sys.modules[type(scheduler).__module__]
    sample, rows = row(start, 0), []
    for index, timestep in enumerate(scheduler.timesteps):
        module.randn_tensor = lambda *_, index=index, **__: row(noise, index)
        extra = {"eta": eta} if name == "ddim" else {}
        sample = scheduler.step(row(prediction, index), timestep, sample, **extra).prev_sample
        # Of a long loop, every 11th row.
        kept = count <= 10 or index % 11 == 0 or index == count - 1
        rows.append(short(sample) if kept else None)
    shown = sorted({0, 1, config["num_train_timesteps"] // 2, config["num_train_timesteps"] - 1})
    return {
        "name": name,
        "config": config,
        "count": count,
        "eta": eta,
        "timesteps": scheduler.timesteps.tolist(),
        "alphas": dict(zip(shown, short(scheduler.alphas_cumprod[shown]))),
        "rows": rows,
    }


def cases():
    for name, beta, prediction_type, spacing in itertools.product(
        ["ddpm", "ddim"],
        ["squaredcos_cap_v2", "linear", "scaled_linear"],
        ["epsilon", "sample", "v_prediction"],
        ["leading", "linspace", "trailing"],
    ):
        config = {
            "num_train_timesteps": 100,
            "beta_schedule": beta,
            "prediction_type": prediction_type,
            "timestep_spacing": spacing,
            "clip_sample": True,
        }
        yield name, config, 4, 0.0
    base = {"num_train_timesteps": 100, "beta_schedule": "squaredcos_cap_v2"}
    for name in ["ddpm", "ddim"]:
        yield name, {"num_train_timesteps": 1000}, 7, 0.0
        yield name, {**base, "clip_sample": False}, 100, 0.0
        yield name, {**base, "clip_sample_range": 0.25}, 3, 0.0
        yield name, {**base, "steps_offset": 1}, 10, 0.0
        # T / N = 12.5: halves are rounded to even.
        yield name, {**base, "timestep_spacing": "trailing"}, 8, 0.0
        yield name, {**base, "timestep_spacing": "linspace"}, 1, 0.0
    yield "ddim", {**base, "set_alpha_to_one": False}, 10, 0.0
    yield "ddim", {**base, "set_alpha_to_one": False, "steps_offset": 1}, 10, 0.5
    yield "ddim", {**base, "prediction_type": "sample"}, 10, 1.0
    yield "ddpm", {**base, "variance_type": "fixed_large"}, 10, 0.0
    yield "ddpm", {**base, "variance_type": "fixed_small_log"}, 10, 0.0
    yield "ddpm", {**base, "beta_schedule": "linear", "beta_start": 0.001, "beta_end": 0.3}, 10, 0.0


print("{")
print(f'"diffusers": "{diffusers.__version__}", "torch": "{torch.__version__.split("+")[0]}",')
print('"cases": [')
print(",\n".join(json.dumps(trajectory(*case)) for case in cases()))
print("]\n}")
