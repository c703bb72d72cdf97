"""Finds the environment or simulator that a command line names."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Callable


class LoadError(Exception):
    """What was named cannot be loaded; the message says why and what would do."""


def import_target(name: str) -> ModuleType:
    """A module by dotted name (from the working directory too) or by path to a ``.py`` file."""
    looks_like_path = name.endswith(".py") or os.sep in name
    if looks_like_path:
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            raise LoadError(f'Cannot import "{name}": there is no such file')
        return _import_file(path)
    working_folder = os.getcwd()
    if working_folder not in sys.path:
        sys.path.insert(0, working_folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            hint = "is it installed, or in the working directory?"
            raise LoadError(f'Cannot import "{name}": no module of this name is found; {hint}') from None
        raise LoadError(f'Cannot import "{name}": it needs {error.name}, which is not installed') from error
    except Exception as error:
        raise LoadError(f'Cannot import "{name}": {type(error).__name__}: {error}') from error


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise LoadError(f'Cannot import "{path}": it is no Python file')
    module = importlib.util.module_from_spec(spec)
    # Siblings of the file can be imported, and classes defined in it can be found by name.
    sys.path.insert(0, str(path.parent))
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LoadError(f'Cannot import "{path}": {type(error).__name__}: {error}') from error
    return module


def attribute_of(module: ModuleType, name: str) -> Any:
    """A (dotted) attribute of a module, or None."""
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            return None
    return found


def _gymnasium() -> Any:
    try:
        return importlib.import_module("gymnasium")
    except ImportError:
        return None


def _registered(gymnasium: Any, env_id: str) -> bool:
    return gymnasium is not None and env_id in gymnasium.registry


def factory_of(target: str) -> tuple[Callable[..., Any], str]:
    """How to make the environment that ``target`` names, and whether that is "registered" or a "callable".

    ``CartPole-v1`` is looked up in gymnasium. ``MODULE:NAME`` imports the module, then takes NAME from the registry
    where it is registered, else from the module. A registered environment's factory takes gymnasium.make's keywords.
    """
    gymnasium = _gymnasium()
    module_name, _, name = target.rpartition(":")
    if module_name == "":
        if gymnasium is None:
            raise LoadError(f'Cannot make "{target}": gymnasium is not installed (pip install gymnasium)')
        return _from_registry(gymnasium, target), "registered"
    module = import_target(module_name)
    if _registered(gymnasium, name):
        return _from_registry(gymnasium, name), "registered"
    found = attribute_of(module, name)
    if callable(found):
        return found, "callable"
    if found is not None and hasattr(found, "reset"):
        return lambda: found, "callable"
    offered = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    close = get_close_matches(name, offered, 3, 0.4)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise LoadError(f'Cannot make "{target}": {module_name} neither registers nor defines "{name}"{hint}')


def _from_registry(gymnasium: Any, env_id: str) -> Callable[..., Any]:
    try:
        gymnasium.spec(env_id)
    except gymnasium.error.Error as error:
        raise LoadError(f'Cannot make "{env_id}": {error}') from None

    def make(**kwargs: Any) -> Any:
        # The checker only warns, costs time, and refuses what this adapter handles.
        return gymnasium.make(env_id, disable_env_checker=True, **kwargs)

    return make
