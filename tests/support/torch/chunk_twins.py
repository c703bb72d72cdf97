"""Twins of the policies that imitate chunks, written from their papers and from what their READMEs say.

Weights are a dictionary of tensors by the names that the other side has; nothing here is a module. Matrices of linear
layers come as `[in, out]`. Energy: EBT-Policy (arXiv 2510.27545); U-Net: Chi et al. 2023 (arXiv 2303.04137); the way
from places of feature maps to numbers: Levine et al. 2016 (arXiv 1504.00702).
"""

import math

import numpy as np
import torch
from torch.nn import functional as F


def attribute(value):
    """ONNX keeps attributes as float32, whatever the tensors are."""
    return float(np.float32(value))


def gelu(x):
    return F.gelu(x, approximate="tanh")


def rms(x, scale):
    return x / (x.square().mean(-1, keepdim=True) + attribute(1e-6)).sqrt() * scale


def sinusoids(positions, width):
    """`[n]` to `[n, width / 2]` angles."""
    frequencies = 1e4 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return positions[:, None] * frequencies.to(positions.dtype)


class Twin:
    def __init__(self, weights, config):
        self.weights, self.config = weights, config

    def linear(self, name, x):
        y = x @ self.weights[f"{name}/weight"]
        return y + self.weights[f"{name}/bias"] if f"{name}/bias" in self.weights else y

    def norm(self, name, x):
        return rms(x, self.weights[f"{name}/scale"])

    def group_norm(self, name, x, groups):
        return F.group_norm(x, groups, self.weights[f"{name}/scale"], self.weights[f"{name}/bias"], attribute(1e-5))

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.weights[f"{name}/scale"], self.weights[f"{name}/bias"], attribute(1e-5))

    def conv(self, name, x, **options):
        convolve = F.conv2d if x.dim() == 4 else F.conv1d
        return convolve(x, self.weights[f"{name}/weight"], self.weights[f"{name}/bias"], **options)

    def attention(self, name, x, memory, causal=False, keep=None):
        """Queries and keys are normalised per head; `keep` multiplies the shares."""
        heads = self.config["heads"]

        def apart(y):
            return y.reshape(*y.shape[:-1], heads, -1).transpose(1, 2)

        q = self.norm(f"{name}/q_norm", apart(self.linear(f"{name}/q", x)))
        k = self.norm(f"{name}/k_norm", apart(self.linear(f"{name}/k", memory)))
        v = apart(self.linear(f"{name}/v", memory))
        scores = q @ k.transpose(-1, -2) * attribute(1 / math.sqrt(q.shape[-1]))
        if causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(later, -math.inf)
        shares = scores.softmax(-1) if keep is None else scores.softmax(-1) * keep
        mixed = (shares @ v).transpose(1, 2).reshape(x.shape)
        return self.linear(f"{name}/out", mixed)

    def forward_part(self, name, x):
        return self.linear(f"{name}/down", gelu(self.linear(f"{name}/up", x)))

    def camera(self, name, image):
        """`uint8[n, height, width, 3]` to `[n, features]`: residual blocks, then where each map is strongest."""
        options = self.config["image"]
        size = options["groupSize"]
        x = (image.to(self.weights[f"{name}/features/weight"].dtype) * 2 / 255 - 1).permute(0, 3, 1, 2)
        kernel, stride = options["kernel"], options["stride"]
        padding = 0 if stride >= kernel else kernel // 2
        x = self.conv(f"{name}/stem", x, stride=stride, padding=padding)
        x = self.group_norm(f"{name}/stem_norm", x, x.shape[1] // size).relu()
        for i, filters in enumerate(options["filters"]):
            block, step = f"{name}/blocks/{i}", 1 if i == 0 else 2
            y = self.conv(f"{block}/conv1", x, stride=step, padding=1)
            y = self.group_norm(f"{block}/norm1", y, filters // size).relu()
            y = self.group_norm(f"{block}/norm2", self.conv(f"{block}/conv2", y, padding=1), filters // size)
            if f"{block}/around/weight" in self.weights:
                x = self.group_norm(f"{block}/norm", self.conv(f"{block}/around", x, stride=step), filters // size)
            x = (x + y).relu()
        maps = self.conv(f"{name}/keypoints", x)
        shares = maps.flatten(2).softmax(-1).reshape(maps.shape)
        places = [
            (shares * torch.linspace(-1, 1, maps.shape[axis], dtype=maps.dtype).reshape(shape)).sum((2, 3))
            for axis, shape in ((3, (1, 1, 1, -1)), (2, (1, 1, -1, 1)))
        ]
        return self.linear(f"{name}/features", torch.stack(places, -1).flatten(1))

    def tokens(self, batch):
        """`[batch, frames, width]`"""
        proprio, frames = batch["proprio"], self.config["observeHorizon"]
        size = proprio.shape[0]
        parts = [proprio.reshape(size * frames, -1)]
        for camera in self.config["cameras"]:
            image = batch[f"image/{camera}"]
            parts.append(self.camera(f"camera/{camera}", image.reshape(size * frames, *image.shape[-3:])))
        x = self.linear("observation/lift", torch.cat(parts, -1).reshape(size, frames, -1))
        if self.config["frameLayers"] == 0:
            x = self.linear("observation/inner", gelu(x))
        x = x + self.weights["observation/places"]
        for i in range(self.config["frameLayers"]):
            name = f"observation/frames/{i}"
            h = self.norm(f"{name}/norm1", x)
            keep = batch.get(f"keep/frames/{i}")
            x = x + self.attention(f"{name}/self", h, h, causal=True, keep=keep)
            x = x + self.forward_part(name, self.norm(f"{name}/norm2", x))
        return x

    def time(self, name, time):
        angles = sinusoids(1000 * time, self.config["width"])
        waves = torch.cat([angles.sin(), angles.cos()], -1)
        return self.forward_part(f"{name}/time", waves)

    def chunk(self, name, chunk, tokens, time=None, keeps=None):
        """`[batch, rows, actionDim]`: what the network says of every number. `keeps` are by `<block>/self` and `/cross`."""
        keeps = keeps or {}
        x = gelu(self.layer_norm(f"{name}/lift_norm", self.linear(f"{name}/lift", chunk)))
        x = gelu(self.linear(f"{name}/inner", x))
        angles = sinusoids(torch.arange(chunk.shape[1], dtype=chunk.dtype), self.config["width"])
        x = x + torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
        if time is not None:
            x = x + self.time(name, time)[:, None]
        for i in range(self.config["layers"]):
            block = f"{name}/blocks/{i}"
            h = self.norm(f"{block}/norm1", x)
            x = x + self.attention(f"{block}/self", h, h, keep=keeps.get(f"{i}/self"))
            x = x + self.across(block, x, tokens, keeps.get(f"{i}/cross"))
            x = x + self.forward_part(block, self.norm(f"{block}/norm3", x))
        return self.linear(f"{name}/out", gelu(self.linear(f"{name}/last", self.norm(f"{name}/norm", x))))

    def across(self, block, x, tokens, keep):
        """What a block takes from the observation. One token has every share, whatever a query says: then there are none."""
        if tokens.shape[1] == 1 and keep is None:
            return self.linear(f"{block}/cross/out", self.linear(f"{block}/cross/v", tokens))
        return self.attention(f"{block}/cross", self.norm(f"{block}/norm2", x), tokens, keep=keep)

    def activated(self, name, x):
        padding = self.config["unet"]["kernel"] // 2
        x = self.conv(f"{name}/conv", x, padding=padding)
        return F.mish(self.group_norm(f"{name}/norm", x, self.config["unet"]["groups"]))

    def residual(self, name, x, by):
        scale, shift = self.linear(f"{name}/film", by)[..., None].chunk(2, 1)
        y = self.activated(f"{name}/first", x) * (1 + scale) + shift
        y = self.activated(f"{name}/second", y)
        return y + (self.conv(f"{name}/around", x) if f"{name}/around/weight" in self.weights else x)

    def unet(self, name, chunk, condition):
        by, widths = F.mish(condition), self.config["unet"]["widths"]

        def pair(part, x):
            return self.residual(f"{name}/{part}/1", self.residual(f"{name}/{part}/0", x, by), by)

        x, kept = chunk.transpose(1, 2), []
        for i in range(len(widths)):
            x = pair(f"down/{i}", x)
            if i + 1 < len(widths):
                kept.append(x)
                x = self.conv(f"{name}/down/{i}/half", x, stride=2, padding=1)
        x = pair("middle", x)
        for i in range(len(widths) - 1):
            double = f"{name}/up/{i}/double"
            weight, bias = self.weights[f"{double}/weight"], self.weights[f"{double}/bias"]
            x = F.conv_transpose1d(x, weight, bias, stride=2, padding=1)
            x = pair(f"up/{i}", torch.cat([x, kept.pop()], 1))
        return self.conv(f"{name}/out", self.activated(f"{name}/last", x)).transpose(1, 2)

    def energy(self, chunk, tokens, keeps=None):
        return self.chunk("energy", chunk, tokens, keeps=keeps).mean((1, 2))


def masked_errors(off, mask):
    """`[batch]`: mean square over the rows that are there."""
    return (off.square().mean(2) * mask).sum(1) / mask.sum(1)


def keeps_of(draws):
    """Dropout's factors without their prefix."""
    return {name.removeprefix("keep/"): t for name, t in draws.items() if name.startswith("keep/")}


def slope_of(twin, chunk, tokens, keeps=None):
    """Energy and its slope at a chunk; the slope may be differentiated."""
    at = chunk if chunk.requires_grad else chunk.detach().requires_grad_()
    energy = twin.energy(at, tokens, keeps)
    (slope,) = torch.autograd.grad(energy.sum(), at, create_graph=True)
    step = twin.config["step"]
    if step["gradient"] == "sum":
        slope = slope * at[0].numel()
    if step["clampGradient"] > 0:
        slope = slope.clamp(-step["clampGradient"], step["clampGradient"])
    return energy, slope


def energy_step(twin, state, tokens, draws):
    """One step down; see the policy's README. `state` is detached: no gradient crosses two steps."""
    step = twin.config["step"]
    chunk, velocity = (t.detach() for t in state)
    if step["normalise"] != "none":
        axes = (1, 2) if step["normalise"] == "sample" else (0, 1, 2)
        chunk = chunk / (chunk.square().mean(axes, keepdim=True) + 1e-6).sqrt()
    chunk = chunk + draws.get("noise", 0.0)
    energy, slope = slope_of(twin, chunk + step["momentum"] * velocity, tokens, keeps_of(draws))
    rate = step["rate"] / step["temperature"] * draws.get("factor", 1.0)
    if step["energyScaled"]:
        cap = step["energyCap"]
        rate = rate * torch.exp(energy if cap == 0 else cap * torch.tanh(energy / cap))[:, None, None]
    velocity = step["momentum"] * velocity - rate * slope
    return chunk + velocity, velocity


def energy_loss(twin, batch):
    tokens, target, mask = twin.tokens(batch), batch["target"], batch["action_mask"]
    if twin.config["objective"] == "equilibrium":
        _, slope = slope_of(twin, batch["start"], tokens, keeps_of(batch))
        return masked_errors(slope - target, mask).mean()
    state = (batch["start"], torch.zeros_like(batch["start"]))
    loss = twin.config["train"]["loss"]
    most = twin.config["train"]["steps"] + twin.config["train"]["extraSteps"]
    before = int(batch["loop_steps"]) if loss == "last" and most > 1 else most - 1
    errors = []
    for k in range(before + 1):
        names = [name.removeprefix("last_") for name in batch if name.startswith("last_")]
        draws = {name: batch[f"last_{name}"] if k == before else batch[name][k] for name in names}
        state = energy_step(twin, state, tokens, draws)
        errors.append(masked_errors(state[0] - target, mask))
    if loss == "one":
        # The first chunks after one step, the next after two, and so on.
        size = len(target)
        ends = [int((k + 1) * size / most + 0.5) for k in range(most)]
        judged_at = [next(k for k in range(most) if i < ends[k]) for i in range(size)]
        return sum(errors[k][i] for i, k in enumerate(judged_at)) / size
    means = torch.stack(errors).mean(1)
    return (means * batch["step_weights"]).sum() if loss == "every" else means[-1]


def noise_loss(twin, batch):
    """Diffusion, flow matching and regression alike: the network is given a chunk and a time, and asked for a target."""
    tokens, mask = twin.tokens(batch), batch["action_mask"]
    if twin.config["backbone"] == "unet":
        condition = torch.cat([twin.time("network", batch["time"]), tokens.flatten(1)], 1)
        said = twin.unet("network", batch["noisy"], condition)
    else:
        said = twin.chunk("network", batch["noisy"], tokens, batch["time"], keeps_of(batch))
    return ((said - batch["target"]).square().mean(2) * mask).sum() / mask.sum()
