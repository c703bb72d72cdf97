"""The policies of tests/support/models/chunk-policies.mjs, as one would write them in PyTorch for acting."""

import math

import torch
from models import EnergyAttention, heads_of, merged
from torch import nn
from torch.nn import functional as F

gelu = lambda x: F.gelu(x, approximate="tanh")


class Block(nn.Module):
    """Keys and values of what is observed are made once, before the loop."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.RMSNorm(width, eps=1e-6) for _ in range(3))
        self.self = EnergyAttention(width, heads, False)
        self.cross = EnergyAttention(width, heads, True)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)

    def observe(self, memory):
        k, v = (heads_of(t, self.cross.heads) for t in self.cross.kv(memory).chunk(2, -1))
        return self.cross.k_norm(k), v

    def forward(self, x, k, v):
        h = self.norm1(x)
        x = x + self.self(h, h)
        q = self.cross.q_norm(heads_of(self.cross.q(self.norm2(x)), self.cross.heads))
        attended = F.scaled_dot_product_attention(q, k, v)
        x = x + self.cross.out(merged(attended))
        return x + self.down(gelu(self.up(self.norm3(x))))


class FrameBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        self.self = EnergyAttention(width, heads, False)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x, mask):
        h = self.norm1(x)
        x = x + self.self(h, h, mask)
        return x + self.down(gelu(self.up(self.norm2(x))))


def sinusoids(positions, width):
    angles = positions[:, None] * torch.exp(-math.log(1e4) * torch.arange(0, width, 2) / width)
    return torch.stack([angles.sin(), angles.cos()], -1).view(len(positions), width)


class ChunkNetwork(nn.Module):
    def __init__(self, width, heads, layers, rows, actionDim, timed):
        super().__init__()
        self.lift, self.lift_norm = nn.Linear(actionDim, width), nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.RMSNorm(width, eps=1e-6)
        self.last, self.out = nn.Linear(width, width), nn.Linear(width, actionDim)
        self.time = nn.Sequential(nn.Linear(width, width), nn.GELU("tanh"), nn.Linear(width, width)) if timed else None
        self.register_buffer("places", sinusoids(torch.arange(rows), width))
        self.width = width

    def observe(self, tokens):
        return [t for block in self.blocks for t in block.observe(tokens)]

    def forward(self, chunk, time, *observed):
        x = gelu(self.inner(gelu(self.lift_norm(self.lift(chunk))))) + self.places
        if self.time is not None:
            x = x + self.time(sinusoids(1000 * time, self.width))[:, None]
        for i, block in enumerate(self.blocks):
            x = block(x, observed[2 * i], observed[2 * i + 1])
        return self.out(gelu(self.last(self.norm(x))))


class Encoder(nn.Module):
    def __init__(self, width, heads, frameLayers, frames, state):
        super().__init__()
        self.lift = nn.Linear(state, width)
        self.places = nn.Parameter(torch.zeros(frames, width))
        self.blocks = nn.ModuleList(FrameBlock(width, heads) for _ in range(frameLayers))
        self.register_buffer("mask", torch.full((frames, frames), -1e9).triu(1))

    def forward(self, state):
        x = self.lift(state) + self.places
        for block in self.blocks:
            x = block(x, self.mask)
        return x


def squared_cosine(steps):
    f = lambda t: torch.cos((t / steps + 0.008) / 1.008 * math.pi / 2) ** 2
    t = torch.arange(steps)
    return torch.cumprod(1 - (1 - f(t + 1) / f(t)).clamp(max=0.999), 0)


def policy(config, kind, steps, compiled):
    """A function that makes one decision."""
    width, heads, rows, dims = (config[key] for key in ("width", "heads", "rows", "actionDim"))
    encoder = Encoder(width, heads, config["frameLayers"], config["frames"], config["state"]).eval()
    network = ChunkNetwork(width, heads, config["layers"], rows, dims, kind != "energy").eval()
    network.requires_grad_(False)
    fast = compiled(network)
    state, noise = torch.randn(1, config["frames"], config["state"]), torch.randn(1, rows, dims)
    alphas = squared_cosine(100)

    def observed():
        with torch.no_grad():
            return network.observe(encoder(state))

    def descend():
        memory, at = observed(), noise
        for _ in range(steps):
            at = at.detach().requires_grad_()
            energy = fast(at, None, *memory).mean((1, 2)).sum()
            (slope,) = torch.autograd.grad(energy, at)
            at = at - 0.1 * at[0].numel() * slope
        return at

    @torch.inference_mode()
    def flow():
        memory, at = observed(), noise
        for i in range(steps):
            at = at + fast(at, torch.full((1,), i / steps), *memory) / steps
        return at

    @torch.inference_mode()
    def denoise():
        memory, at = observed(), noise
        for t in range(100 - 100 // steps, -1, -(100 // steps)):
            now = alphas[t]
            before = alphas[t - 100 // steps] if t > 0 else torch.tensor(1.0)
            said = fast(at, torch.full((1,), t / 100), *memory)
            clean = ((at - (1 - now).sqrt() * said) / now.sqrt()).clamp(-1, 1)
            if kind == "ddim":
                at = before.sqrt() * clean + (1 - before).sqrt() * said
                continue
            beta = 1 - now / before
            at = before.sqrt() * beta / (1 - now) * clean + (now / before).sqrt() * (1 - before) / (1 - now) * at
            if t > 0:
                at = at + ((1 - before) / (1 - now) * beta).sqrt() * torch.randn_like(at)
        return at

    return {"energy": descend, "flow": flow, "ddim": denoise, "ddpm": denoise}[kind]
