"""PyTorch's side of comparisons of models: `models.py CASE THREADS eager|compile CONFIG`.

Prints one line of JSON when it is ready, then one for every line on standard input: the milliseconds of as many
steps as the line says, and the peak of its memory. CONFIG is JSON, the sizes of tests/support/models.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

case, threads, mode, config = sys.argv[1], int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
os.environ["OMP_NUM_THREADS"] = str(threads)

import torch  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2] / "support" / "torch"))
from chunk_policies import policy  # noqa: E402
from models import Act, Gpt, Unet, Vit  # noqa: E402
from trainers import loss_of, optimiser_of, update  # noqa: E402

torch.set_num_threads(threads)
torch.manual_seed(0)
compiled = torch.compile if mode == "compile" else (lambda model: model)


def training(model, loss):
    optimiser = optimiser_of(model, 1e-4)
    return lambda: update(model, optimiser, loss)


def gpt():
    model = Gpt(**config)
    fast = compiled(model)
    tokens = torch.randint(config["vocabulary"], (16, config["length"]))
    labels = (tokens * 5 + 3) % config["vocabulary"]
    return training(model, lambda: fast(tokens, labels))


def act():
    model = Act(**config)
    fast = compiled(model)
    image = torch.randn(8, 3, config["image"], config["image"])
    state, target = torch.randn(8, config["state"]), torch.randn(8, config["rows"], config["actionDim"])
    return training(model, lambda: torch.nn.functional.l1_loss(fast(image, state), target))


def energy(differentiated):
    model, loss = loss_of("energy", config, {"steps": 6, "differentiated": differentiated})
    rows = (64, config["rows"], config["actionDim"])
    batch = {
        "actions": torch.randn(rows),
        "observation": torch.randn(64, config["observed"], config["width"]),
        "target": torch.randn(rows),
    }
    return training(model, lambda: loss(batch))


def inference(model, *inputs):
    fast = compiled(model.eval())

    @torch.inference_mode()
    def step():
        fast(*inputs)

    return step


def act_forward():
    size = config["image"]
    return inference(Act(**config), torch.randn(1, 3, size, size), torch.randn(1, config["state"]))


def unet_step():
    noise = torch.randn(1, config["actionDim"], config["length"])
    return inference(Unet(**config), noise, torch.randn(1, config["condition"]))


def vit_forward():
    return inference(Vit(**config), torch.randn(1, 3, config["image"], config["image"]))


def chunk_policy():
    """Cases named after how they make a chunk, as `energy-2`."""
    kind, steps = (config.pop(key) for key in ("kind", "steps"))
    return policy(config, kind, steps, compiled)


CASES = {
    "gpt": gpt,
    "act": act,
    "energy-truncated": lambda: energy(1),
    "energy-full": lambda: energy(6),
    "act-forward": act_forward,
    "unet-step": unet_step,
    "vit-forward": vit_forward,
}


def say(message):
    print(json.dumps(message), flush=True)


step = CASES.get(case, chunk_policy)()
if mode == "compile":
    step()
say({"ready": True})
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        started = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - started))
    say({"times": times, "peakMib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})
