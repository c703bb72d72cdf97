"""The 130 official tasks, in their official order: suites, names, instructions.

Suites are called ``spatial``, ``object``, ``goal``, ``10`` and ``90``; officially they carry the prefix ``libero_``.
A task is named ``SUITE/NAME`` with the name of its BDDL file, or ``SUITE/INDEX``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import LiberoError

SUITES = ("spatial", "object", "goal", "10", "90")

# How long an evaluation lets a policy try, in control steps; papers that report LIBERO use these.
STEP_LIMITS = {"spatial": 220, "object": 280, "goal": 300, "10": 520, "90": 400}


@dataclass(frozen=True)
class Task:
    """One official task and where its two official files are."""

    suite: str
    index: int
    name: str
    # As the benchmark gives it to policies, made from the name. The BDDL file holds another wording in 34 tasks.
    language: str
    bddl: Path
    initial_states: Path

    @property
    def key(self) -> str:
        return f"{self.suite}/{self.name}"

    @property
    def folder(self) -> str:
        return f"tasks/{self.suite}/{self.name}"


def instruction_of(name: str) -> str:
    """The benchmark's instruction: the name without its scene, with spaces."""
    return re.sub(r"^[A-Z][A-Z_]*SCENE\d+_", "", name).replace("_", " ")


def read_tasks(package: Path) -> tuple[Task, ...]:
    """All tasks of an installed ``libero.libero``, suite by suite.

    The order stands in a Python file of a package that imports PyTorch, so it is read as a literal.
    """
    path = package / "benchmark" / "libero_suite_task_map.py"
    try:
        source = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LiberoError(f"Cannot list LIBERO's tasks: {error}") from None
    return tuple(
        Task(
            suite=suite,
            index=index,
            name=name,
            language=instruction_of(name),
            bddl=package / "bddl_files" / f"libero_{suite}" / f"{name}.bddl",
            initial_states=package / "init_files" / f"libero_{suite}" / f"{name}.pruned_init",
        )
        for suite, names in _orders_in(source, path).items()
        for index, name in enumerate(names)
    )


def _orders_in(source: str, path: Path) -> dict[str, list[str]]:
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
            found = ast.literal_eval(statement.value)
            if all(f"libero_{suite}" in found for suite in SUITES):
                return {suite: list(found[f"libero_{suite}"]) for suite in SUITES}
    raise LiberoError(f"Cannot list LIBERO's tasks: {path} holds no table of {', '.join(SUITES)}")


def select_tasks(tasks: Sequence[Task], suites: Iterable[str], names: Iterable[str]) -> tuple[Task, ...]:
    """Those of the given suites and names (``SUITE/NAME`` or ``SUITE/INDEX``), in official order; all if none is given.

    Raises:
        LiberoError: a suite or a task is unknown.
    """
    suites, names = tuple(suites), tuple(names)
    if not suites and not names:
        return tuple(tasks)
    for suite in suites:
        if suite not in SUITES:
            raise LiberoError(f'Cannot select suite "{suite}": must be one of {", ".join(SUITES)}')
    wanted = {task.key for task in tasks if task.suite in suites}
    by_name = {key: task.key for task in tasks for key in (task.key, f"{task.suite}/{task.index}")}
    for name in names:
        if name not in by_name:
            raise LiberoError(f'Cannot select task "{name}": must be SUITE/NAME or SUITE/INDEX, e.g. "object/0"')
        wanted.add(by_name[name])
    return tuple(task for task in tasks if task.key in wanted)
