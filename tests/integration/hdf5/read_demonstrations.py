"""Prints as JSON what h5py reads in a file of demonstrations: `read_demonstrations.py FILE`. As robomimic and LIBERO open them."""

import json
import sys

import h5py
import numpy as np


def plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def arrays(group):
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset):
            value = node[()]
            entry = {"shape": list(value.shape), "dtype": str(value.dtype)}
            # Images by what tells them apart: the mean of each row of the first and last.
            if value.ndim == 4:
                entry["row_means"] = [value[i].mean(axis=(1, 2)).tolist() for i in (0, -1)]
            else:
                entry["values"] = value.tolist()
            found[name] = entry

    group.visititems(visit)
    return found


with h5py.File(sys.argv[1], "r") as file:
    data = file["data"]
    report = {
        "attributes": {name: plain(value) for name, value in data.attrs.items()},
        "demos": {
            name: {
                "attributes": {key: plain(value) for key, value in demo.attrs.items()},
                "arrays": arrays(demo),
            }
            for name, demo in data.items()
        },
    }
print(json.dumps(report))
