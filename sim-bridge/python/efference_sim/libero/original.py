"""Opens LIBERO's original stack: no questions, no file outside the environment, assets where the user says.

Importing ``libero`` reads ``$LIBERO_CONFIG_PATH/config.yaml`` and asks on the terminal where there is none; importing
``robosuite`` opens a log file in a shared folder. Both are told beforehand, each by its own means.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from types import ModuleType
from typing import Any

from .assets import assets_folder
from .compat import adapt_robosuite
from .errors import LiberoError
from .tasks import Task, read_tasks

ROBOSUITE_VERSION = "1.4.0"
# What the official evaluation does before it sets an initial state: one seed, one reset. Fixtures are placed by it.
SEED = 0
RESETS = 1
# Stepping past the horizon raises, and our own limits are shorter; so it is out of reach.
HORIZON = 1_000_000


@dataclass(frozen=True)
class Original:
    """The imported stack."""

    tasks: tuple[Task, ...]
    assets: Path
    # Versions of LIBERO's own package, robosuite, MuJoCo.
    versions: dict[str, str]

    def make(self, task: Task, **kwargs: Any) -> Any:
        """LIBERO's ``ControlEnv`` of a task, after construction only; without rendering unless asked for."""
        wrapper = importlib.import_module("libero.libero.envs.env_wrapper")
        options = {"use_camera_obs": False, "has_offscreen_renderer": False, "horizon": HORIZON, "ignore_done": True}
        with _silent():
            return wrapper.ControlEnv(bddl_file_name=str(task.bddl), **{**options, **kwargs})

    def make_official(self, task: Task, **kwargs: Any) -> Any:
        """The same after ``reset_officially``, ready for ``set_init_state``."""
        env = self.make(task, **kwargs)
        self.reset_officially(env)
        return env

    @staticmethod
    def reset_officially(env: Any) -> None:
        """Seeds with 0 and resets once, which places the fixtures; the same places whatever happened before.

        The original adds the samplers of open drawers and lit stoves to a list once more at every reset, and each
        entry draws a random number. So the list is cut back to what construction made of it.
        """
        samplers = env.env.object_property_initializers
        if not hasattr(env, "efference_samplers"):
            env.efference_samplers = list(samplers)
        samplers[:] = env.efference_samplers
        env.seed(SEED)
        for _ in range(RESETS):
            env.reset()


def open_original(assets: Path | None = None, *, draws: bool = False) -> Original:
    """Imports the stack and finds its assets.

    ``assets`` is the folder ``libero/libero/assets`` of LIBERO's repository; without it the package's own copy is
    taken, or downloaded by the package. ``draws`` says whether environments will render; ``$MUJOCO_GL`` then says
    with what.

    Raises:
        LiberoError: a package is missing or of the wrong version, or there are no assets.
    """
    package, versions = import_stack(draws=draws)
    folder = assets_folder(package, assets)
    # Read by every module that loads a mesh; there is no other way to name the folder.
    importlib.import_module("libero.libero")._assets_path_cache = str(folder)  # type: ignore[attr-defined]
    return Original(tasks=read_tasks(package), assets=folder, versions=versions)


def import_stack(*, draws: bool = False) -> tuple[Path, dict[str, str]]:
    """Imports robosuite and LIBERO's environments; returns the folder of ``libero.libero`` and versions.

    Raises:
        LiberoError: a package is missing or of the wrong version.
    """
    package = _find_package()
    _answer_configuration(package)
    _choose_renderer(draws)
    _set_robosuite_macros()
    try:
        mujoco = importlib.import_module("mujoco")
        robosuite = importlib.import_module("robosuite")
        if robosuite.__version__ != ROBOSUITE_VERSION:
            raise LiberoError(
                f"Cannot open LIBERO: robosuite is {robosuite.__version__}, must be {ROBOSUITE_VERSION} "
                "(its controller changed later)"
            )
        adapt_robosuite(mujoco)
        importlib.import_module("libero.libero.envs")
    except ImportError as error:
        raise LiberoError(f"Cannot open LIBERO: {error}; must have the packages of requirements.txt") from error
    return package, {"hf-libero": _libero_version(), "robosuite": ROBOSUITE_VERSION, "mujoco": mujoco.__version__}


def _find_package() -> Path:
    """The folder of ``libero.libero``, found without importing it."""
    found = util.find_spec("libero")
    folders = [Path(place) / "libero" for place in (found.submodule_search_locations or [])] if found else []
    for folder in folders:
        if (folder / "bddl_files").is_dir():
            return folder
    raise LiberoError("Cannot open LIBERO: hf-libero is not installed (pip install --no-deps hf-libero)")


def _libero_version() -> str:
    for name in ("hf-libero", "libero"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return "unknown"


def _answer_configuration(package: Path) -> None:
    """Writes a config.yaml that belongs to this Python environment, unless the user named one of theirs."""
    given = os.environ.get("LIBERO_CONFIG_PATH")
    if given is not None and (Path(given) / "config.yaml").is_file():
        return
    paths = {
        "benchmark_root": package,
        "bddl_files": package / "bddl_files",
        "init_states": package / "init_files",
        "datasets": package.parent / "datasets",
        "assets": package / "assets",
    }
    # JSON strings are YAML strings, whatever a path contains.
    text = "".join(f"{name}: {json.dumps(str(path))}\n" for name, path in paths.items())
    folder = Path(sys.prefix) / "share" / "efference-libero"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_once(folder / "config.yaml", text)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="efference-libero-"))
        _write_once(folder / "config.yaml", text)
    os.environ["LIBERO_CONFIG_PATH"] = str(folder)


def _write_once(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def _choose_renderer(draws: bool) -> None:
    """Read when MuJoCo and robosuite are imported. Where nothing is drawn, no graphics library need be there."""
    if not draws:
        os.environ.setdefault("MUJOCO_GL", "disable")
    elif os.environ.setdefault("MUJOCO_GL", "egl") in ("egl", "osmesa"):
        os.environ.setdefault("PYOPENGL_PLATFORM", os.environ["MUJOCO_GL"])


def _set_robosuite_macros() -> None:
    """robosuite reads overrides from a private module: ours wants no warnings and no log file, and heeds $MUJOCO_GL."""
    name = "robosuite.macros_private"
    if name in sys.modules:
        return
    module = ModuleType(name)
    vars(module).update(CONSOLE_LOGGING_LEVEL="ERROR", FILE_LOGGING_LEVEL=None, MUJOCO_GPU_RENDERING=False)
    sys.modules[name] = module


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The packages print to stdout, which is for our own lines."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
