"""Exports two small policies from PyTorch and writes what PyTorch itself makes of them, for
tests/unit/package/exported.test.ts.

    python -m pip install torch==2.10.0 diffusers==0.35.2 onnx==1.23.2 onnxscript==0.7.2 numpy
    python tests/support/torch/export_policies.py tests/support/exported

`diffusion`: an encoder of image and state, and a one-dimensional U-Net of one level that predicts noise, sampled by the
schedulers of `diffusers`. `flow`: a prefix of attention whose keys and values a step attends to, integrated as SmolVLA
does. Random weights; the exporter is `torch.onnx.export` as it comes.
"""

import json
import math
import sys
from pathlib import Path

import onnx
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import nn

HORIZON, DIM, WIDTH, SIDE = 8, 3, 16, 8
SCHEDULER = {"num_train_timesteps": 50, "beta_schedule": "squaredcos_cap_v2"}
STEPS = 10


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.mix = nn.Linear(4 + DIM, WIDTH)

    def forward(self, image, state):
        seen = torch.relu(self.conv(image)).mean(dim=(2, 3))
        return torch.tanh(self.mix(torch.cat([seen, state], dim=1)))


def sinusoid(timestep, width):
    half = width // 2
    frequency = torch.exp(-math.log(10000) * torch.arange(half) / (half - 1))
    angle = timestep.float()[:, None] * frequency[None]
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Mish())
        self.scale = nn.Linear(2 * WIDTH, 2 * WIDTH)
        self.enter = nn.Conv1d(DIM, WIDTH, 3, padding=1)
        self.norm = nn.GroupNorm(4, WIDTH)
        self.down = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose1d(WIDTH, WIDTH, 4, stride=2, padding=1)
        self.leave = nn.Conv1d(2 * WIDTH, DIM, 1)

    def forward(self, sample, timestep, cond):
        told = torch.cat([self.time(sinusoid(timestep, WIDTH)), cond], dim=-1)
        scale, shift = self.scale(told)[..., None].chunk(2, dim=1)
        x = nn.functional.mish(self.norm(self.enter(sample.transpose(1, 2))))
        skip = x * (1 + scale) + shift
        deep = self.up(nn.functional.mish(self.down(skip)))
        return self.leave(torch.cat([skip, deep], dim=1)).transpose(1, 2)


class Prefix(nn.Module):
    def __init__(self, vocabulary=32):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, WIDTH)
        self.state = nn.Linear(DIM, WIDTH)
        self.key, self.value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens, lang_mask, state):
        x = torch.cat([self.embed(tokens), self.state(state)[:, None]], dim=1)
        own = torch.ones_like(lang_mask[:, :1])
        return torch.cat([lang_mask, own], dim=1), self.key(x), self.value(x)


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.query = nn.Linear(DIM, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.leave = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, DIM))

    def forward(self, x_t, timestep, prefix_pad_mask, past_key_0, past_value_0):
        x = self.enter(x_t) + sinusoid(timestep * 100, WIDTH)[:, None]
        scores = self.query(x) @ past_key_0.transpose(1, 2) / math.sqrt(WIDTH)
        scores = scores.masked_fill(~prefix_pad_mask[:, None], -1e9)
        return self.leave(x + scores.softmax(-1) @ past_value_0)


def forget_sources(file):
    """The exporter notes in every node which line of which file of this machine it came from."""
    model = onnx.load(file)
    values = [*model.graph.value_info, *model.graph.input, *model.graph.output]
    for part in [model, model.graph, *model.graph.node, *model.graph.initializer, *values]:
        part.ClearField("metadata_props")
    onnx.save(model, file)


def export(folder, name, module, named, outputs):
    module.eval()
    file = folder / f"{name}.onnx"
    torch.onnx.export(
        module,
        tuple(named.values()),
        file,
        input_names=list(named),
        output_names=outputs,
        opset_version=18,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    forget_sources(file)
    with torch.no_grad():
        told = module(*named.values())
    return told if isinstance(told, tuple) else (told,)


def diffusion(folder, generator):
    image = torch.tensor([(i * 37 % 256) / 255 for i in range(SIDE * SIDE * 3)])
    image = image.reshape(1, SIDE, SIDE, 3).permute(0, 3, 1, 2).contiguous()
    state = torch.tensor([[0.3, -0.7, 1.1]])
    encoder, denoiser = Encoder(), Denoiser()
    named = {"image": image, "state": state}
    (cond,) = export(folder, "diffusion-encoder", encoder, named, ["cond"])
    noise = torch.randn((1, HORIZON, DIM), generator=generator)
    named = {"sample": noise, "timestep": torch.tensor([7]), "cond": cond}
    export(folder, "diffusion-denoise", denoiser, named, ["model_output"])
    results = {}
    for name, make in {"ddim": DDIMScheduler, "ddpm": DDPMScheduler}.items():
        scheduler = make(**SCHEDULER)
        scheduler.set_timesteps(STEPS)
        sample, drawn = noise.clone(), [noise]
        module = sys.modules[make.__module__]

        def randn(shape, **_):
            drawn.append(torch.randn(shape, generator=generator))
            return drawn[-1]

        module.randn_tensor = randn
        with torch.no_grad():
            for t in scheduler.timesteps:
                sample = scheduler.step(denoiser(sample, t[None], cond), t, sample).prev_sample
        flat = torch.cat([x.flatten() for x in drawn])
        results[name] = {"noise": flat.tolist(), "actions": sample.flatten().tolist()}
    return results


def flow(folder, generator):
    tokens = torch.tensor([[3, 14, 15, 9, 2, 6]])
    mask = torch.tensor([[True, True, True, True, False, False]])
    prefix, step = Prefix(), Step()
    named = {"tokens": tokens, "lang_mask": mask, "state": torch.tensor([[0.3, -0.7, 1.1]])}
    names = ["prefix_pad_mask", "past_key_0", "past_value_0"]
    past = export(folder, "flow-prefix", prefix, named, names)
    noise = torch.randn((1, HORIZON, DIM), generator=generator)
    named = {"x_t": noise, "timestep": torch.tensor([0.5]), **dict(zip(names, past))}
    export(folder, "flow-denoise", step, named, ["v_t"])
    x = noise.clone()
    with torch.no_grad():
        for i in range(STEPS):
            x = x - step(x, torch.tensor([1 - i / STEPS]), *past) / STEPS
    return {"noise": noise.flatten().tolist(), "actions": x.flatten().tolist()}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    results = {"torch": torch.__version__.split("+")[0], **diffusion(folder, generator)}
    results["flow"] = flow(folder, generator)
    (folder / "exported.golden.json").write_text(json.dumps(results) + "\n")


main()
