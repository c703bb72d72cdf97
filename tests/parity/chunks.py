"""Losses and gradients of policies' twins: `chunks.py FOLDER`, with a folder for each case.

Reads `case.json`, `weights.safetensors` and `data.safetensors` of each, writes `answers.safetensors`: `loss`,
`gradient/<parameter>`, and for energies `energy` and `slope` at `start`.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "support" / "torch"))
from chunk_twins import Twin, energy_loss, noise_loss, slope_of  # noqa: E402
from exchange import read, write  # noqa: E402


def answers_of(folder):
    config = json.loads((folder / "case.json").read_text())
    weights = {name: tensor.requires_grad_() for name, tensor in read(folder / "weights.safetensors").items()}
    batch = read(folder / "data.safetensors")
    twin = Twin(weights, config)
    answers = {}
    if config["kind"] == "energy":
        answers["energy"], answers["slope"] = slope_of(twin, batch["start"], twin.tokens(batch))
        loss = energy_loss(twin, batch)
    else:
        loss = noise_loss(twin, batch)
    loss.backward()
    answers["loss"] = loss[None]
    for name, tensor in weights.items():
        answers[f"gradient/{name}"] = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
    return answers


torch.set_num_threads(1)
for case in sorted(Path(sys.argv[1]).iterdir()):
    write(case / "answers.safetensors", answers_of(case))
