"""Tensors between the two sides: safetensors files, and whose parameter is whose.

Names are the path of scopes (`blocks/0/q/weight`). Matrices of linear layers stand here as PyTorch has them,
`[out, in]`, and there as `[in, out]`; what is one `Joint` layer here is several there.
"""

import json
import struct

import numpy as np
import torch
from torch import nn

DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "U8": np.uint8}
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d)


class Joint(nn.Linear):
    """Linear layers of one input with one product; `parts` are their names."""

    def __init__(self, width, parts, inputs=None):
        super().__init__(inputs or width, width * len(parts))
        self.parts = parts


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors


def write(path, tensors):
    """Doubles stay doubles; everything else becomes float32."""
    header, chunks, offset = {}, [], 0
    for name, tensor in sorted(tensors.items()):
        name_there, kept = ("F64", torch.float64) if tensor.dtype == torch.float64 else ("F32", torch.float32)
        data = tensor.detach().contiguous().to(kept).numpy().tobytes()
        end = offset + len(data)
        header[name] = {"dtype": name_there, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        chunks.append(data)
        offset = end
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(words)) + words + b"".join(chunks))


def _laid_out(module, key, part):
    """How a tensor of a module's parameter is seen from the other side."""
    if isinstance(module, Joint):
        rows = module.out_features // len(module.parts)
        return lambda t: t[part * rows : (part + 1) * rows].T if t.dim() == 2 else t[part * rows : (part + 1) * rows]
    if isinstance(module, nn.Linear):
        return lambda t: t.T if t.dim() == 2 else t
    return lambda t: t


def entries(model):
    """(name there, parameter here, view of a tensor of its shape) for everything that is learned."""
    for path, module in model.named_modules():
        prefix = path.split(".") if path else []
        for key, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            if isinstance(module, Joint):
                for i, part in enumerate(module.parts):
                    yield "/".join([*prefix[:-1], part, key]), parameter, _laid_out(module, key, i)
            else:
                shown = "scale" if isinstance(module, NORMS) and key == "weight" else key
                yield "/".join([*prefix, shown]), parameter, _laid_out(module, key, 0)


def load(model, tensors):
    """Copies weights in: exactly one tensor for every parameter."""
    with torch.no_grad():
        names = set()
        for name, parameter, view in entries(model):
            view(parameter).copy_(tensors[name])
            names.add(name)
    if names != set(tensors):
        raise ValueError(f"only one side has {sorted(names ^ set(tensors))}")


def gradients(model):
    """Zeros where the loss does not depend on a parameter."""
    return {
        name: view(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
        for name, parameter, view in entries(model)
    }
