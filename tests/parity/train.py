"""Trains a twin: `train.py FOLDER`, with `case.json`, `weights.safetensors` and `data.safetensors` there.

Writes `gradients.safetensors`, those of the first step before clipping, and `losses.json`.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "support" / "torch"))
from exchange import gradients, load, read, write  # noqa: E402
from trainers import loss_of, optimiser_of, update  # noqa: E402

folder = Path(sys.argv[1])
case = json.loads((folder / "case.json").read_text())
torch.set_num_threads(1)
model, loss = loss_of(case["model"], case["config"], case["options"])
model.train()
load(model, read(folder / "weights.safetensors"))
batch = read(folder / "data.safetensors")

loss(batch).backward()
write(folder / "gradients.safetensors", gradients(model))
optimiser = optimiser_of(model, case["rate"])
losses = [update(model, optimiser, lambda: loss(batch)).item() for _ in range(case["steps"])]
(folder / "losses.json").write_text(json.dumps(losses))
