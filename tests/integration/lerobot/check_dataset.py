"""Reads a LeRobot v3 dataset with pyarrow and pandas alone and prints what it finds as JSON."""

import io
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq


def decode_png(data):
    """8-bit PNG without interlace, any filter."""
    at, parts, shape = 8, b"", None
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8
            shape = (height, width, {0: 1, 2: 3, 6: 4}[colour])
        if kind == b"IDAT":
            parts += body
        at += 12 + length
    height, width, channels = shape
    rows = np.frombuffer(zlib.decompress(parts), np.uint8).reshape(height, 1 + width * channels)
    assert set(rows[:, 0]) <= {2}, "only the filter Up is expected"
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(shape)


def main(root):
    root = Path(root)
    info = json.loads((root / "meta" / "info.json").read_text())
    stats = json.loads((root / "meta" / "stats.json").read_text())
    tasks = pd.read_parquet(root / "meta" / "tasks.parquet")
    episodes = pd.read_parquet(root / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    files = sorted((root / "data").rglob("*.parquet"))
    tables = [pq.read_table(path) for path in files]
    frames = pd.concat([table.to_pandas() for table in tables], ignore_index=True)
    camera = next((key for key in info["features"] if key.startswith("observation.images.")), None)
    images = [decode_png(cell["bytes"]) for cell in frames[camera]]
    pixels = np.stack(images).astype(np.float64) / 255
    json.dump(
        {
            "features": list(info["features"]),
            "total": [info["total_episodes"], info["total_frames"], info["total_tasks"]],
            "tasks": {name: int(row["task_index"]) for name, row in tasks.iterrows()},
            "episode_tasks": [list(names) for names in episodes["tasks"]],
            "lengths": [int(n) for n in episodes["length"]],
            "ranges": [[int(a), int(b)] for a, b in zip(episodes["dataset_from_index"], episodes["dataset_to_index"])],
            "files": [[int(a), int(b)] for a, b in zip(episodes["data/chunk_index"], episodes["data/file_index"])],
            "row_groups": [
                [pq.ParquetFile(path).metadata.row_group(i).num_rows for i in range(pq.ParquetFile(path).num_row_groups)]
                for path in files
            ],
            "types": {field.name: str(field.type) for field in tables[0].schema},
            "actions": [[float(x) for x in row] for row in frames["action"]],
            "state": [[float(x) for x in row] for row in frames["observation.state"]],
            "timestamp": [float(x) for x in frames["timestamp"]],
            "bookkeeping": [
                [int(row[key]) for key in ("frame_index", "episode_index", "index", "task_index")]
                for _, row in frames.iterrows()
            ],
            "image_bytes": [int(x) for x in images[1].reshape(-1)],
            "image_mean": [float(x) for x in pixels.mean(axis=(0, 1, 2))],
            "image_std": [float(x) for x in pixels.std(axis=(0, 1, 2))],
            "image_q10": [float(x) for x in np.quantile(pixels, 0.1, axis=(0, 1, 2))],
            "action_std": [float(x) for x in np.stack(frames["action"]).astype(np.float64).std(axis=0)],
            "action_q99": [float(x) for x in np.quantile(np.stack(frames["action"]).astype(np.float64), 0.99, axis=0)],
            "stats": stats,
            "episode_action_mean": [[float(x) for x in row] for row in episodes["stats/action/mean"]],
        },
        sys.stdout,
    )


main(sys.argv[1])
