"""Peer of the `infer` benchmark: the same decoder in PyTorch, eager, with a cache of its own.

Arguments: threads, rounds, and the config as JSON. Prints the tokens per second of every round as JSON.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads, hidden, slots):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.RMSNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.feed_norm = nn.RMSNorm(width, eps=1e-6)
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        shape = (heads, slots, width // heads)
        self.register_buffer("keys", torch.zeros(shape))
        self.register_buffer("values", torch.zeros(shape))

    def forward(self, x, position, turn):
        q, k, v = self.qkv(self.attention_norm(x)).view(3, self.heads, 1, -1)
        self.keys[:, position : position + 1] = turn(k)
        self.values[:, position : position + 1] = v
        used = slice(0, position + 1)
        mixed = F.scaled_dot_product_attention(
            turn(q)[None], self.keys[None, :, used], self.values[None, :, used]
        )
        x = x + self.out(mixed.reshape(1, -1))
        gate, up = self.gate_up(self.feed_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, heads = config["width"], config["heads"]
        self.embedding = nn.Embedding(config["vocabulary"], width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(
            Block(width, heads, config["hidden"], config["slots"]) for _ in range(config["layers"])
        )
        self.norm = nn.RMSNorm(width, eps=1e-6)
        dim = width // heads
        rates = 10_000 ** (-torch.arange(0, dim, 2) / dim)
        angles = torch.arange(config["slots"])[:, None] * torch.cat([rates, rates])
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, token, position):
        cos, sin = self.cos[position], self.sin[position]

        def turn(x):
            low, high = x.chunk(2, -1)
            return x * cos + torch.cat([-high, low], -1) * sin

        x = self.embedding(token)
        for block in self.blocks:
            x = block(x, position, turn)
        return self.norm(x) @ self.embedding.weight.T


@torch.inference_mode()
def main():
    threads, rounds, config = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = Decoder(config).eval()

    def generate():
        token = torch.tensor([5])
        started = time.perf_counter()
        for position in range(config["first"], config["first"] + config["tokens"]):
            token = model(token, position).argmax(-1)
        return config["tokens"] / (time.perf_counter() - started)

    generate()
    print(json.dumps([generate() for _ in range(rounds)]))


main()
