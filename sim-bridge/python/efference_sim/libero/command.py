"""The ``libero`` command of ``python -m efference_sim``: the original environment as a simulator."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..environment import Environment
from ..loading import LoadError
from .tasks import SUITES


def add_parser(commands: Any, **style: Any) -> argparse.ArgumentParser:
    """Adds the command's parser; the caller adds the options that all commands share."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "libero", help="LIBERO's original environments, to compare with", **style
    )
    parser.add_argument("--suite", nargs="+", action="extend", default=[], metavar="S", help=", ".join(SUITES))
    parser.add_argument(
        "--task",
        nargs="+",
        action="extend",
        default=[],
        metavar="T",
        help="SUITE/NAME or SUITE/INDEX; default: all tasks",
    )
    parser.add_argument(
        "--assets", type=Path, metavar="DIR", help="meshes and textures; default: the package's own, or its download"
    )
    parser.add_argument(
        "--observe",
        choices=("sampled", "end"),
        default="sampled",
        help="read sensors one substep early, as robosuite does (default), or at the end of the step",
    )
    parser.add_argument(
        "--settle", type=_count, default=10, metavar="N", help="no-ops after a reset, not counted (default 10)"
    )
    parser.add_argument("--no-images", action="store_true", help="draw nothing: about six times as fast")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise argparse.ArgumentTypeError(f"it is {text!r}, must be a whole number from 0 to 9999")
    return int(text)


def make(arguments: argparse.Namespace) -> Environment:
    """The simulator that the arguments ask for.

    Raises:
        LoadError: LIBERO's packages or assets are missing, or a task is unknown.
    """
    from .errors import LiberoError
    from .original import open_original
    from .simulator import LiberoSimulator, SimulatorOptions
    from .tasks import select_tasks

    draws = not arguments.no_images
    height, width = arguments.image_size or (128, 128)
    if height != width:
        raise LoadError(f"Cannot serve LIBERO: --image-size is {height}x{width}, must be square")
    try:
        original = open_original(arguments.assets, draws=draws)
        tasks = select_tasks(original.tasks, arguments.suite, arguments.task)
        options = SimulatorOptions(
            image_size=height if draws else None,
            observes=arguments.observe,
            settle_steps=arguments.settle,
        )
        return LiberoSimulator(original, tasks, options)
    except LiberoError as error:
        raise LoadError(str(error)) from error
