"""Writes a small LeRobot v3 dataset with pyarrow: two episodes in one file, the third in another."""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FPS, HEIGHT, WIDTH, LENGTHS, TASKS = 10, 6, 8, [4, 3, 5], ["open the door", "close the door"]
EPISODE_TASK = [0, 1, 0]


def png(image):
    """Every row by another filter's number would be a second encoder; none is enough here."""
    raw = b"".join(b"\0" + row.tobytes() for row in image)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def image(episode, step):
    y, x, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), np.arange(3), indexing="ij")
    return ((episode * 50 + step * 7 + y * 3 + x * 5 + c * 11) % 256).astype(np.uint8)


def rows_of(episode, start):
    length = LENGTHS[episode]
    step = np.arange(length)
    state = np.stack([np.sin(step + episode), step * 0.5, np.full(length, episode)], 1).astype(np.float32)
    action = np.stack([step + 10 * episode, -step.astype(np.float64)], 1).astype(np.float32)
    fixed = lambda values: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    images = [{"bytes": png(image(episode, s)), "path": None} for s in step]
    return pa.table(
        {
            "observation.images.top": pa.array(images, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "observation.state": fixed(state),
            "observation.touch": pa.array(step % 2 == 0),
            "action": fixed(action),
            "timestamp": pa.array((step / FPS).astype(np.float32)),
            "frame_index": pa.array(step, pa.int64()),
            "episode_index": pa.array([episode] * length, pa.int64()),
            "index": pa.array(start + step, pa.int64()),
            "task_index": pa.array([EPISODE_TASK[episode]] * length, pa.int64()),
        }
    )


def main(root, codec):
    root = Path(root)
    starts = np.concatenate([[0], np.cumsum(LENGTHS)])
    (root / "data" / "chunk-000").mkdir(parents=True)
    (root / "meta" / "episodes" / "chunk-000").mkdir(parents=True)
    for file, episodes in enumerate([[0, 1], [2]]):
        tables = [rows_of(e, int(starts[e])) for e in episodes]
        path = root / "data" / "chunk-000" / f"file-{file:03d}.parquet"
        with pq.ParquetWriter(path, tables[0].schema, compression=codec) as writer:
            for table in tables:
                writer.write_table(table)
    pd.DataFrame({"task_index": [0, 1]}, index=TASKS).to_parquet(root / "meta" / "tasks.parquet")
    pd.DataFrame(
        {
            "episode_index": [0, 1, 2],
            "tasks": [[TASKS[t]] for t in EPISODE_TASK],
            "length": LENGTHS,
            "data/chunk_index": [0, 0, 0],
            "data/file_index": [0, 0, 1],
            "dataset_from_index": starts[:-1],
            "dataset_to_index": starts[1:],
        }
    ).to_parquet(root / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    scalar = lambda dtype: {"dtype": dtype, "shape": [1], "names": None}
    features = {
        "observation.images.top": {"dtype": "image", "shape": [HEIGHT, WIDTH, 3], "names": ["height", "width", "channels"]},
        "observation.state": {"dtype": "float32", "shape": [3], "names": ["a", "b", "c"]},
        "observation.touch": scalar("bool"),
        "action": {"dtype": "float32", "shape": [2], "names": {"motors": ["left", "right"]}},
        "timestamp": scalar("float32"),
        **{key: scalar("int64") for key in ("frame_index", "episode_index", "index", "task_index")},
    }
    info = {
        "codebase_version": "v3.0", "robot_type": "door", "total_episodes": 3, "total_frames": sum(LENGTHS),
        "total_tasks": 2, "chunks_size": 1000, "data_files_size_in_mb": 100, "video_files_size_in_mb": 200,
        "fps": FPS, "splits": {"train": "0:3"}, "video_path": None,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet", "features": features,
    }
    (root / "meta" / "info.json").write_text(json.dumps(info))


main(sys.argv[1], sys.argv[2])
