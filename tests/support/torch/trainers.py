"""Losses by name, and an update as a training loop does it."""

import torch
from models import Act, Energy, Gpt, ResnetBlockLoss, UnetBlockLoss, descended_loss
from torch.nn import functional as F


def loss_of(name, config, options):
    """A model and the function that gives the loss of a batch."""
    if name == "energy":
        model = Energy(**config)
        steps, last = options["steps"], options["differentiated"]
        return model, lambda batch: descended_loss(model, **batch, steps=steps, differentiated=last)
    if name == "act":
        model = Act(**config)
        return model, lambda batch: F.l1_loss(model(batch["image"], batch["state"]), batch["target"])
    kinds = {"gpt": Gpt, "resnet_block": ResnetBlockLoss, "unet_block": UnetBlockLoss}
    model = kinds[name](**config)
    return model, lambda batch: model(**batch)


def optimiser_of(model, rate):
    """AdamW that lets biases and scales alone."""
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in learned if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)


def update(model, optimiser, loss):
    """@returns the loss before the update. Gradients stay until the next one, clipped."""
    optimiser.zero_grad(set_to_none=True)
    value = loss()
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return value
