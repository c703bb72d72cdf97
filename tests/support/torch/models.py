"""The models of tests/support/models, as one would write them in PyTorch."""

import math

import torch
from exchange import Joint
from torch import nn
from torch.nn import functional as F


def heads_of(x, heads):
    batch, length, width = x.shape
    return x.view(batch, length, heads, width // heads).transpose(1, 2)


def merged(x):
    batch, heads, length, width = x.shape
    return x.transpose(1, 2).reshape(batch, length, heads * width)


# ---- language model --------------------------------------------------------------------------------


class GptBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = Joint(width, ["q", "k", "v"])
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (heads_of(t, self.heads) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(merged(F.scaled_dot_product_attention(q, k, v, is_causal=True)))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, layers, width, heads, length, vocabulary):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = nn.ModuleList(GptBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens, labels):
        x = self.tokens(tokens) + self.places
        for block in self.blocks:
            x = block(x)
        scores = self.head(self.norm(x))
        return F.cross_entropy(scores.view(-1, scores.shape[-1]), labels.view(-1))


# ---- ResNet ----------------------------------------------------------------------------------------


class FrozenNorm(nn.Module):
    """Batch normalisation whose numbers are all fixed."""

    def __init__(self, channels):
        super().__init__()
        for name, value in (("scale", 1.0), ("bias", 0.0), ("mean", 0.0), ("variance", 1.0)):
            self.register_buffer(name, torch.full((1, channels, 1, 1), value))

    def forward(self, x):
        slope = self.scale * (self.variance + 1e-5).rsqrt()
        return x * slope + (self.bias - self.mean * slope)


class BasicBlock(nn.Module):
    def __init__(self, channels, filters, stride, norm):
        super().__init__()
        conv = lambda a, b, k, s: nn.Conv2d(a, b, k, s, k // 2, bias=False)
        self.conv1, self.norm1 = conv(channels, filters, 3, stride), norm(filters)
        self.conv2, self.norm2 = conv(filters, filters, 3, 1), norm(filters)
        self.same = stride == 1 and channels == filters
        if not self.same:
            self.shortcut, self.shortcut_norm = conv(channels, filters, 1, stride), norm(filters)

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.same else self.shortcut_norm(self.shortcut(x))))


class Resnet18(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.stem_norm = norm(64)
        widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
        self.stages = nn.ModuleList(
            BasicBlock(widths[i], widths[i + 1], 2 if i in (2, 4, 6) else 1, norm) for i in range(8)
        )

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem_norm(self.stem(x))), 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
        return x


class ResnetBlockLoss(nn.Module):
    def __init__(self, channels, filters, size, stride):
        super().__init__()
        self.block = BasicBlock(channels, filters, stride, nn.BatchNorm2d)

    def forward(self, x, target):
        return F.mse_loss(self.block(x), target)


# ---- U-Net -----------------------------------------------------------------------------------------


class ConvolutionBlock(nn.Module):
    def __init__(self, channels, filters, kernel, groups):
        super().__init__()
        self.conv = nn.Conv1d(channels, filters, kernel, padding=kernel // 2)
        self.norm = nn.GroupNorm(groups, filters)

    def forward(self, x):
        return F.mish(self.norm(self.conv(x)))


class ResidualBlock(nn.Module):
    def __init__(self, channels, filters, condition, kernel, groups):
        super().__init__()
        self.first = ConvolutionBlock(channels, filters, kernel, groups)
        self.film = nn.Linear(condition, 2 * filters)
        self.second = ConvolutionBlock(filters, filters, kernel, groups)
        self.around = nn.Conv1d(channels, filters, 1) if channels != filters else nn.Identity()

    def forward(self, x, condition):
        scale, shift = self.film(F.mish(condition)).unsqueeze(-1).chunk(2, 1)
        return self.second(self.first(x) * scale + shift) + self.around(x)


class UnetBlockLoss(nn.Module):
    def __init__(self, channels, filters, length, condition, kernel, groups):
        super().__init__()
        self.block = ResidualBlock(channels, filters, condition, kernel, groups)

    def forward(self, x, condition, target):
        return F.mse_loss(self.block(x, condition), target)


class Unet(nn.Module):
    def __init__(self, actionDim, length, widths, condition, kernel, groups):
        super().__init__()
        block = lambda a, b: ResidualBlock(a, b, condition, kernel, groups)
        pair = lambda a, b: nn.ModuleList([block(a, b), block(b, b)])
        before = [actionDim, *widths]
        self.down = nn.ModuleList(pair(before[i], width) for i, width in enumerate(widths))
        self.halves = nn.ModuleList(nn.Conv1d(width, width, 3, 2, 1) for width in widths[:-1])
        self.middle = pair(widths[-1], widths[-1])
        back = list(reversed(widths[:-1]))
        wide = list(reversed(widths))
        self.up = nn.ModuleList(pair(2 * wide[i], width) for i, width in enumerate(back))
        self.doubles = nn.ModuleList(nn.ConvTranspose1d(width, width, 4, 2, 1) for width in back)
        self.last = ConvolutionBlock(widths[0], widths[0], kernel, groups)
        self.noise = nn.Conv1d(widths[0], actionDim, 1)

    def forward(self, x, condition):
        kept = []
        for i, (first, second) in enumerate(self.down):
            x = second(first(x, condition), condition)
            kept.append(x)
            if i < len(self.halves):
                x = self.halves[i](x)
        for block in self.middle:
            x = block(x, condition)
        for (first, second), double in zip(self.up, self.doubles):
            x = torch.cat([x, kept.pop()], 1)
            x = double(second(first(x, condition), condition))
        return self.noise(self.last(x))


# ---- energy transformer ----------------------------------------------------------------------------


class EnergyAttention(nn.Module):
    """Written out, because the fused kernels have no second derivative."""

    def __init__(self, width, heads, cross):
        super().__init__()
        self.heads = heads
        self.cross = cross
        if cross:
            self.q = nn.Linear(width, width)
            self.kv = Joint(width, ["k", "v"])
        else:
            self.qkv = Joint(width, ["q", "k", "v"])
        self.q_norm = nn.RMSNorm(width // heads, eps=1e-6)
        self.k_norm = nn.RMSNorm(width // heads, eps=1e-6)
        self.out = nn.Linear(width, width, bias=not cross)

    def forward(self, x, memory, mask=None):
        if self.cross:
            q, (k, v) = self.q(x), self.kv(memory).chunk(2, -1)
        else:
            q, k, v = self.qkv(x).chunk(3, -1)
        q, k, v = (heads_of(t, self.heads) for t in (q, k, v))
        scores = self.q_norm(q) @ self.k_norm(k).transpose(-1, -2) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = scores + mask
        return self.out(merged(scores.softmax(-1) @ v))


class EnergyBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.RMSNorm(width, eps=1e-6) for _ in range(3))
        self.self = EnergyAttention(width, heads, False)
        self.cross = EnergyAttention(width, heads, True)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x, observation, mask):
        h = self.norm1(x)
        x = x + self.self(h, h)
        x = x + self.cross(self.norm2(x), observation, mask)
        return x + self.down(F.gelu(self.up(self.norm3(x)), approximate="tanh"))


class Energy(nn.Module):
    def __init__(self, layers, width, heads, rows, actionDim, observed, rate):
        super().__init__()
        self.rate = rate
        self.lift, self.lift_norm = nn.Linear(actionDim, width), nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.blocks = nn.ModuleList(EnergyBlock(width, heads) for _ in range(layers))
        self.norm = nn.RMSNorm(width, eps=1e-6)
        self.last, self.energy = nn.Linear(width, width), nn.Linear(width, actionDim)
        angles = torch.arange(rows)[:, None] * torch.exp(-math.log(1e4) * torch.arange(0, width, 2) / width)
        self.register_buffer("places", torch.stack([angles.sin(), angles.cos()], -1).view(rows, width))
        mask = torch.zeros(rows, observed)
        mask[0, 1:] = -1e9
        self.register_buffer("mask", mask)

    def forward(self, actions, observation):
        gelu = lambda x: F.gelu(x, approximate="tanh")
        x = gelu(self.inner(gelu(self.lift_norm(self.lift(actions))))) + self.places
        for block in self.blocks:
            x = block(x, observation, self.mask)
        return self.energy(gelu(self.last(self.norm(x)))).mean((1, 2))

    def descend(self, actions, observation, keep):
        """One step downhill. `keep`: differentiable."""
        energy = self(actions, observation).sum()
        (slope,) = torch.autograd.grad(energy, actions, create_graph=keep)
        return actions - self.rate * slope


def descended_loss(model, actions, observation, target, steps, differentiated):
    """After `steps` steps downhill, of which the last `differentiated` let gradients through."""
    at = actions.clone().requires_grad_()
    for i in range(steps):
        keep = i >= steps - differentiated
        if not keep or i == steps - differentiated:
            at = at.detach().requires_grad_()
        at = model.descend(at, observation, keep)
    return F.mse_loss(at, target)


# ---- action chunking -------------------------------------------------------------------------------


class ActAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, q, k, v):
        parts = (heads_of(t, self.heads) for t in (self.q(q), self.k(k), self.v(v)))
        return self.out(merged(F.scaled_dot_product_attention(*parts)))


class ActEncoderBlock(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.self = ActAttention(width, heads)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x, places):
        q = x + places
        x = self.norm1(x + self.self(q, q, x))
        return self.norm2(x + self.down(F.relu(self.up(x))))


class ActDecoderBlock(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.self, self.cross = ActAttention(width, heads), ActAttention(width, heads)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x, queries, memory, places):
        q = x + queries
        x = self.norm1(x + self.self(q, q, x))
        x = self.norm2(x + self.cross(x + queries, memory + places, memory))
        return self.norm3(x + self.down(F.relu(self.up(x))))


class Act(nn.Module):
    def __init__(self, width, heads, hidden, encoderLayers, image, state, rows, actionDim):
        super().__init__()
        self.backbone = Resnet18(FrozenNorm)
        self.pixels, self.state = nn.Linear(512, width), nn.Linear(state, width)
        self.places = nn.Parameter(0.02 * torch.randn((image // 32) ** 2 + 1, width))
        self.queries = nn.Parameter(0.02 * torch.randn(rows, width))
        blocks = (ActEncoderBlock(width, heads, hidden) for _ in range(encoderLayers))
        self.encoder = nn.ModuleList(blocks)
        self.decoder = ActDecoderBlock(width, heads, hidden)
        self.norm = nn.LayerNorm(width)
        self.action = nn.Linear(width, actionDim)

    def forward(self, image, state):
        seen = self.pixels(self.backbone(image).flatten(2).transpose(1, 2))
        memory = torch.cat([self.state(state)[:, None], seen], 1)
        for block in self.encoder:
            memory = block(memory, self.places)
        x = torch.zeros(len(image), *self.queries.shape)
        return self.action(self.norm(self.decoder(x, self.queries, memory, self.places)))


# ---- vision transformer ----------------------------------------------------------------------------


class VitBlock(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = Joint(width, ["q", "k", "v"]), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        q, k, v = (heads_of(t, self.heads) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(merged(F.scaled_dot_product_attention(q, k, v)))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Vit(nn.Module):
    def __init__(self, layers, width, heads, hidden, image, patch, classes):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.first = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn((image // patch) ** 2 + 1, width))
        self.blocks = nn.ModuleList(VitBlock(width, heads, hidden) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(len(x), -1, -1), x], 1) + self.places
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])
