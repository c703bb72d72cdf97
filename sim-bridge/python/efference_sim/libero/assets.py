"""Finds LIBERO's meshes and textures, which its package does not contain, or downloads them as the package would.

The package takes a folder for complete once its subfolders are there, so a download that was interrupted would be
taken for a whole one. Here a mark is set at the end, and without the mark the download goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from .errors import LiberoError

FOLDERS = ("articulated_objects", "scenes", "stable_hope_objects", "stable_scanned_objects", "turbosquid_objects")
# The data set on the Hugging Face hub that hf-libero names, and the folder in which it keeps it.
HUB_REPOSITORY = "lerobot/libero-assets"
DOWNLOAD_FOLDER = Path(".cache", "libero", "assets")
COMPLETE = ".efference-complete"

ADVICE = "must be given with --assets DIR, the folder libero/libero/assets of LIBERO's repository"


def assets_folder(package: Path, given: Path | None) -> Path:
    """The given folder, else the package's own, else the downloaded one.

    Raises:
        LiberoError: it lacks a folder, or there is none and the hub cannot be reached.
    """
    folder = given
    if folder is None:
        own = package / "assets"
        folder = own if own.is_dir() else download(Path.home() / DOWNLOAD_FOLDER, _fetch)
    missing = [name for name in FOLDERS if not (folder / name).is_dir()]
    if missing:
        raise LiberoError(f"Cannot find LIBERO's assets: {folder} has no {', '.join(missing)}, {ADVICE}")
    return folder.resolve()


def download(folder: Path, fetch: Callable[[Path], None]) -> Path:
    """Brings ``folder`` up to the hub's state unless that was done before; ``fetch`` skips files that are there.

    Raises:
        LiberoError: the hub cannot be reached.
    """
    if not (folder / COMPLETE).is_file():
        try:
            fetch(folder)
            (folder / COMPLETE).touch()
        except Exception as error:
            words = str(error).strip().splitlines()
            reason = f"{type(error).__name__}: {words[0] if words else ''}"
            raise LiberoError(f"Cannot download LIBERO's assets from {HUB_REPOSITORY} ({reason}), {ADVICE}") from error
    return folder


def _fetch(folder: Path) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(repo_id=HUB_REPOSITORY, repo_type="dataset", local_dir=str(folder))


def fingerprint(folder: Path) -> str:
    """Over the names and sizes of all assets, and the contents of those that describe objects."""
    digest = hashlib.sha256()
    hidden = (COMPLETE, ".cache")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name.startswith(hidden):
            continue
        digest.update(f"{name} {path.stat().st_size}\n".encode())
        if path.suffix == ".xml":
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
