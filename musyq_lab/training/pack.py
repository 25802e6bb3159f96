"""``musyq workshop pack``: a folder that installs and runs without a network."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.core.progress import track
from musyq_lab.core.resources import resource
from musyq_lab.files.digest import sha256
from musyq_lab.production.download.estimate import bytes_of
from musyq_lab.production.download.estimate import size as in_words
from musyq_lab.training import _wheels
from musyq_lab.twin.simulate import simulate

MANIFEST = "manifest.json"
"""Of a folder: what it was packed with, and the sha256 of each file."""
LARGE = 10**9
"""Bytes of wheels beyond which the user is asked first."""
EARTH: dict[str, Any] = {"days": 1, "size": 3.0, "sensors": ["landsat_oli"]}
"""The simulated Earth of the folder: one summer day and a granule, a few MB."""

_FORMAT = 1
_SHARE = 0.33  # of a wheel over what is installed of it, in bytes: all dependencies together, measured
_SCRIPTS = ("install.py", "install.sh", "install.bat", "start.sh", "start.bat", "README.md")


@dataclass(frozen=True)
class PackPlan:
    """What packing a folder takes."""

    folder: Path
    """Where to."""
    wheels: dict[str, str]
    """Name -> version of all that is to be installed."""
    missing: tuple[str, ...]
    """Names of wheels that are not there yet."""
    fetched_bytes: int
    """About how much they are to download."""
    installed_bytes: int
    """What all of it takes once it is installed."""

    @property
    def large(self) -> bool:
        """Whether the user should be asked first."""
        return self.fetched_bytes > LARGE

    def __str__(self) -> str:
        """Say it in a sentence."""
        there = len(self.wheels) - len(self.missing)
        return (
            f"{len(self.missing)} wheels to fetch, about {in_words(self.fetched_bytes)} ({there} are there); "
            f"{in_words(self.installed_bytes)} once installed."
        )


@dataclass(frozen=True)
class Workshop:
    """A folder that is packed."""

    folder: Path
    """Where it lies."""
    sizes: dict[str, int]
    """Part -> bytes: wheels, notebooks, data, and the rest."""

    @property
    def nbytes(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes.values())

    def __repr__(self) -> str:
        """Name the folder, its parts and the next command."""
        parts = ", ".join(f"{name} {in_words(size)}" for name, size in self.sizes.items())
        return f"{self.folder}: {in_words(self.nbytes)} ({parts}). Copy it, then run `sh install.sh` in it."

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def pack_plan(folder: str | Path) -> PackPlan:
    """Say what :func:`pack` would fetch, before anything is fetched.

    Parameters
    ----------
    folder
        Of the workshop; empty, new, or begun by an earlier call.

    Raises
    ------
    InputError
        If the folder holds something else.
    NotFoundError
        If what a workshop needs is not installed.
    """
    root = _own(Path(folder))
    found = _wheels.closure()
    others = {name: dist for name, dist in found.items() if name != _wheels.PROJECT}
    missing = [name for name, dist in others.items() if not _wheels.present(root / "wheels", name, dist.version)]
    return PackPlan(
        folder=root,
        wheels={name: dist.version for name, dist in found.items()},
        missing=tuple(missing),
        fetched_bytes=int(_SHARE * _wheels.installed_bytes(others[name] for name in missing)),
        installed_bytes=_wheels.installed_bytes(found.values()),
    )


def pack(
    folder: str | Path, *, wheels: str | Path | None = None, data: bool = True, limit: int | str | None = LARGE
) -> Workshop:
    """Make a folder with which a workshop installs and runs without a network.

    It holds the wheels of this environment, the notebooks, a small simulated Earth, a README, scripts that install and
    start, and a manifest with the sha256 of each file, which installing compares. A call that was stopped goes on.

    Parameters
    ----------
    folder
        Where to; empty, new, or begun by an earlier call.
    wheels
        Folder of wheels to take the dependencies from; by default pip fetches them, in the versions that are installed
        here, for this Python and platform.
    data
        Whether the simulated Earth is made.
    limit
        How much may be fetched, in bytes or as a text such as ``"500 MB"``; None for any amount.

    Raises
    ------
    InputError
        If the folder holds something else, or more than ``limit`` is to be fetched.
    NotFoundError
        If what a workshop needs is not installed, or not in ``wheels``.
    ArchiveError
        If a wheel cannot be fetched, or the folder cannot be written to.
    """
    plan, most = pack_plan(folder), bytes_of(limit)
    if wheels is None and most is not None and plan.fetched_bytes > most:
        raise InputError(f"{plan} That is more than {in_words(most)}. Give a larger `limit`, or None.")
    try:
        return _packed(plan, None if wheels is None else Path(wheels), data)
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise ArchiveError(f"{plan.folder} cannot be written to: {error.strerror}.") from error


def _packed(plan: PackPlan, source: Path | None, data: bool) -> Workshop:
    root = plan.folder
    (root / "wheels").mkdir(parents=True, exist_ok=True)
    _write_manifest(root, {}, complete=False)
    others = {name: version for name, version in plan.wheels.items() if name != _wheels.PROJECT}
    _wheels.fetch(others, root / "wheels", source)
    _wheels.project_wheel(root / "wheels")
    kept = _pin(root, plan.wheels)
    for path in set((root / "wheels").iterdir()) - kept:
        path.unlink()  # of an earlier version, or cut off
    _copy_notebooks(root / "notebooks")
    if data:
        simulate(root / "data" / "simulation", **EARTH)
    sizes = _sizes(root)
    _copy_scripts(root, sum(sizes.values()))
    _write_manifest(root, _digests(root), complete=True)
    return Workshop(root, _sizes(root))


def _own(folder: Path) -> Path:
    """Return a folder that may be filled: none yet, an empty one, or one that was begun."""
    if not folder.exists():
        return folder
    if not folder.is_dir():
        raise InputError(f"{folder} is a file. Name a folder for the workshop.")
    if any(folder.iterdir()) and _format_of(folder) != _FORMAT:
        raise InputError(f"{folder} is not empty and no workshop folder. Name a new or an empty one.")
    return folder


def _format_of(folder: Path) -> object:
    try:
        content = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content.get("workshop") if isinstance(content, dict) else None


def _pin(root: Path, wanted: dict[str, str]) -> set[Path]:
    """Write the requirements with the checksums of their wheels, and return the wheels."""
    lines, kept = [], set()
    for name, version in wanted.items():
        path = _wheels.present(root / "wheels", name, version)
        if path is None:
            raise ArchiveError(f"The wheel of {name} {version} did not arrive whole. Run the same command again.")
        kept.add(path)
        lines.append(f"{name}=={version} --hash=sha256:{sha256(path)}")
    (root / "requirements.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return kept


def _copy_notebooks(target: Path) -> None:
    """Copy what ships; what somebody did in the folder before it was packed again is replaced."""
    source = resource("notebooks")
    for path in sorted(source.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


def _copy_scripts(root: Path, size: int) -> None:
    said = {"PYTHON": _python(), "PLATFORM": sysconfig.get_platform(), "SIZE": in_words(size)}
    said["VERSION"] = package_version()
    for name in _SCRIPTS:
        text = (Path(__file__).parent / "workshop" / name).read_text("utf-8")
        for key, value in said.items():
            text = text.replace(f"@{key}@", value)
        ends = "\r\n" if name.endswith(".bat") else "\n"
        (root / name).write_text(text, "utf-8", newline=ends)
        (root / name).chmod(0o755 if name.endswith(".sh") else 0o644)


def _files(root: Path) -> list[Path]:
    """Return what was packed, without the manifest; an environment or results may lie beside it."""
    patterns = ("wheels/*.whl", "notebooks/**/*.ipynb", "data/**/*", "requirements.txt", *_SCRIPTS)
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def _digests(root: Path) -> dict[str, str]:
    """Return the sha256 of every file but the manifest, by its path."""
    paths = _files(root)
    return {path.relative_to(root).as_posix(): sha256(path) for path in track(paths, "checksums")}


def _write_manifest(root: Path, files: dict[str, str], *, complete: bool) -> None:
    content = {"workshop": _FORMAT, "complete": complete, "version": package_version(), "python": _python()}
    content |= {"platform": sysconfig.get_platform(), "files": files}
    partial = root / f".{MANIFEST}.partial"
    partial.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    partial.replace(root / MANIFEST)


def _python() -> str:
    return "{}.{}".format(*sys.version_info[:2])


def _sizes(root: Path) -> dict[str, int]:
    sizes: dict[str, int] = dict.fromkeys(("wheels", "notebooks", "data", "other"), 0)
    for path in _files(root):
        part = path.relative_to(root).parts[0]
        sizes[part if part in sizes else "other"] += path.stat().st_size
    return sizes
