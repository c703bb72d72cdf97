"""The data folder: files written whole or not at all, a record of every finished task, and the index.

An export may be killed at any moment. A task counts as finished once its record is there, which is written after its
files; the index is written last. Records stay in ``.export/``, so that another suite can be added later.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import LiberoError
from .tasks import SUITES

FORMAT = "efference_libero"
FORMAT_VERSION = 1
INDEX = "libero.json"
RECORDS = ".export"

FileEntry = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """A finished task: what it was made from, its line in the index, its files."""

    # Of everything that decides the files' contents.
    key: str
    source: Mapping[str, Any]
    visual: Mapping[str, Any] | None
    task: Mapping[str, Any]
    files: Mapping[str, FileEntry]


class TaskWriter:
    """Writes the files of one task and remembers what it wrote. Paths are relative to the folder, with slashes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.files: dict[str, FileEntry] = {}

    def write(self, path: str, content: bytes) -> None:
        """Writes a file under another name, then renames it; a file that is there with these bytes is left alone."""
        entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if path in self.files and self.files[path] != entry:
            raise LiberoError(f"Cannot write {path}: two different files would have this name")
        self.files[path] = entry
        target = self._root / path
        if not _is_intact(target, entry):
            replace_file(self._root, target, content)


class DataFolder:
    """One data folder, held by one exporter at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._intact: dict[str, FileEntry] = {}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other exporters out, and clears what a killed one left half-written."""
        records = self.root / RECORDS
        try:
            records.mkdir(parents=True, exist_ok=True)
            lock = open(records / "lock", "w")  # noqa: SIM115 (held for the whole export)
        except OSError as error:
            raise LiberoError(f"Cannot write to {self.root}: {error}") from None
        with lock:
            _lock(lock, self.root)
            shutil.rmtree(_temporary(self.root), ignore_errors=True)
            yield

    def finished(self, folder: str, key: str) -> bool:
        """Whether the task of this folder was made from the same things and its files still hold the same bytes."""
        record = self._read_record(self._record_path(folder))
        return record is not None and record.key == key and self._all_intact(record)

    def finish(self, folder: str, record: Record) -> None:
        """Marks a task as finished; its files must be there."""
        replace_file(self.root, self._record_path(folder), _json_bytes(vars(record)))

    def write_index(self, source: Mapping[str, Any], visual: Mapping[str, Any] | None) -> dict[str, Any]:
        """Writes the index over all finished tasks of this source, after checking every file of theirs.

        Raises:
            LiberoError: a file is missing or holds other bytes.
        """
        records = [record for record in self._records() if record.source == source and record.visual == visual]
        records.sort(key=lambda record: (SUITES.index(record.task["suite"]), record.task["index"]))
        files: dict[str, FileEntry] = {}
        for record in records:
            files.update(record.files)
        for path, entry in files.items():
            if not self._intact_once(path, entry):
                raise LiberoError(f"Cannot finish the export: {path} is missing or damaged, export it again")
        index = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "source": dict(source),
            "tasks": [dict(record.task) for record in records],
            "visual": None if visual is None else dict(visual),
            "files": dict(sorted(files.items())),
        }
        replace_file(self.root, self.root / INDEX, _json_bytes(index))
        return index

    def _records(self) -> Sequence[Record]:
        paths = sorted((self.root / RECORDS / "tasks").glob("*/*.json"))
        return [record for record in map(self._read_record, paths) if record is not None]

    def _record_path(self, folder: str) -> Path:
        return self.root / RECORDS / f"{folder}.json"

    def _read_record(self, path: Path) -> Record | None:
        """None where there is none or one of another version; the task is then exported again."""
        try:
            return Record(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _all_intact(self, record: Record) -> bool:
        return all(self._intact_once(path, entry) for path, entry in record.files.items())

    def _intact_once(self, path: str, entry: FileEntry) -> bool:
        """Meshes and textures are shared by many tasks: each is read once."""
        if self._intact.get(path) != entry:
            if not _is_intact(self.root / path, entry):
                return False
            self._intact[path] = entry
        return True


def replace_file(root: Path, target: Path, content: bytes) -> None:
    """The file appears with all its bytes, or stays as it was."""
    temporary = _temporary(root) / f"{os.getpid()}-{target.name}"
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, target)
    except OSError as error:
        raise LiberoError(f"Cannot write {target}: {error}") from None


def _temporary(root: Path) -> Path:
    return root / RECORDS / "half-written"


def _is_intact(path: Path, entry: FileEntry) -> bool:
    try:
        if path.stat().st_size != entry["bytes"]:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
    except OSError:
        return False


def _json_bytes(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def _lock(file: Any, root: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows, where robosuite 1.4.0 does not run either
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise LiberoError(f"Cannot write to {root}: another export is writing there, must have ended") from None
