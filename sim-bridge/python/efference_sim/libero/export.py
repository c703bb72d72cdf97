"""Exports LIBERO's tasks into a data folder: ``python -m efference_sim.libero.export --out DIR``.

A task that was finished before, from the same packages, assets and options, is kept. Kill it at any time and start it
again: the result is the same as that of an undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import LiberoError
from .folder import INDEX
from .original import open_original
from .task_export import TaskExporter
from .tasks import SUITES, Task, select_tasks

EXIT_FAILED = 1

EXAMPLES = """\
examples:
  python -m efference_sim.libero.export --out ~/.cache/efference/libero --assets LIBERO/libero/libero/assets
  python -m efference_sim.libero.export --out data --suite object goal --no-visuals
  python -m efference_sim.libero.export --out data --task object/0 90/12
"""


@dataclass(frozen=True)
class ExportJob:
    """What the workers need to do their part."""

    root: Path
    assets: Path | None
    visuals: bool


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="efference_sim.libero.export",
        description="Exports LIBERO's official tasks, so that they run without Python.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the data folder")
    parser.add_argument(
        "--assets", type=Path, metavar="DIR", help="meshes and textures; default: the package's own, or its download"
    )
    parser.add_argument("--suite", nargs="+", action="extend", default=[], metavar="S", help=", ".join(SUITES))
    parser.add_argument("--task", nargs="+", action="extend", default=[], metavar="T", help="SUITE/NAME or SUITE/INDEX")
    parser.add_argument("--no-visuals", action="store_true", help="physics only: no images can be drawn from it")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, about 1.5 GB each (default 1)")
    parser.add_argument("--leave-on-eof", action="store_true", help="end when stdin ends: whoever started it is gone")
    parser.add_argument("--json-progress", action="store_true", help="one JSON object a line instead of words")
    return parser


def export_tasks(
    job: ExportJob, selection: tuple[Sequence[str], Sequence[str]], workers: int
) -> Iterator[dict[str, Any]]:
    """Exports and yields what happened: ``start``, one ``task`` for each, ``index``.

    ``selection`` holds suites and names as ``select_tasks`` takes them.

    Raises:
        LiberoError: something is missing, differs or cannot be written; what was finished stays.
    """
    original = open_original(job.assets)
    exporter = TaskExporter(original, job.root, visuals=job.visuals)
    tasks = select_tasks(original.tasks, *selection)
    with exporter.folder.held():
        todo = [task for task in tasks if not exporter.folder.finished(task.folder, exporter.key(task))]
        done = len(tasks) - len(todo)
        yield {"event": "start", "tasks": len(tasks), "done": done}
        run = _one_by_one(exporter, todo) if workers <= 1 or len(todo) <= 1 else _in_processes(job, todo, workers)
        for task, seconds in run:
            done += 1
            yield {"event": "task", "task": task.key, "seconds": round(seconds, 3), "done": done, "tasks": len(tasks)}
        index = exporter.folder.write_index(exporter.source, exporter.visual)
    size = sum(entry["bytes"] for entry in index["files"].values())
    yield {
        "event": "index",
        "path": str(job.root / INDEX),
        "tasks": len(index["tasks"]),
        "files": len(index["files"]),
        "bytes": size,
        "visual": index["visual"],
    }


def _one_by_one(exporter: TaskExporter, tasks: Sequence[Task]) -> Iterator[tuple[Task, float]]:
    for task in tasks:
        yield task, _timed_export(exporter, task)


def _timed_export(exporter: TaskExporter, task: Task) -> float:
    started = time.monotonic()
    try:
        exporter.export(task)
    except LiberoError:
        raise
    except Exception as error:
        raise LiberoError(f"Cannot export {task.key}: {type(error).__name__}: {error}") from error
    return time.monotonic() - started


_worker: TaskExporter | None = None


def _start_worker(job: ExportJob) -> None:
    global _worker
    _worker = TaskExporter(open_original(job.assets), job.root, visuals=job.visuals)


def _work(task: Task) -> float:
    assert _worker is not None
    return _timed_export(_worker, task)


def _in_processes(job: ExportJob, tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, float]]:
    context = multiprocessing.get_context("spawn")
    count = min(workers, len(tasks))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker, initargs=(job,)) as pool:
        running = {pool.submit(_work, task): task for task in tasks}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BrokenProcessPool:
            raise LiberoError(
                f"Cannot go on: one of {count} workers was ended (out of memory?), "
                "run it again with fewer --workers; finished tasks are kept"
            ) from None
        finally:
            for future in running:
                future.cancel()


def _words(event: dict[str, Any]) -> str:
    if event["event"] == "start":
        return f"{event['tasks']} tasks, {event['done']} of them finished before"
    if event["event"] == "task":
        return f"{event['done']}/{event['tasks']} {event['task']} ({event['seconds']:.1f} s)"
    return f"{event['path']}: {event['tasks']} tasks, {event['files']} files, {event['bytes'] / 1e6:.1f} MB"


def _leave_on_eof() -> None:
    """Ends the process with its starter, even a killed one. Files are whole at any moment, so nothing is tidied up."""

    descriptor = sys.stdin.fileno()

    def wait() -> None:
        # Unbuffered: a thread that waits in a buffered stream breaks the interpreter's shutdown.
        while os.read(descriptor, 4096):
            pass
        os._exit(EXIT_FAILED)

    threading.Thread(target=wait, daemon=True).start()


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    arguments = build_parser().parse_args(argv)
    if arguments.leave_on_eof:
        _leave_on_eof()
    job = ExportJob(arguments.out.absolute(), arguments.assets, visuals=not arguments.no_visuals)
    try:
        for event in export_tasks(job, (arguments.suite, arguments.task), arguments.workers):
            print(json.dumps(event) if arguments.json_progress else _words(event), flush=True)
    except LiberoError as error:
        if arguments.json_progress:
            print(json.dumps({"event": "error", "message": str(error)}), flush=True)
        print(f"efference_sim.libero.export: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
