"""What ``musyq doctor`` examines: each check says what was found and, on a fault, what to do."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.resources import resource
from musyq_lab.kernels import _store as _kernel_store
from musyq_lab.production.recipes import RECIPES
from musyq_lab.production.sources import damage, sources

HOLES = {
    "bokeh": ("3.8.2", "CVE-2026-21883: the origin of a request is checked by prefix"),
    "jupyter-server": ("2.18.0", "CVE-2026-35397: files beside the served folder can be read"),
    "distributed": ("2021.10.0", "CVE-2021-42343: a local cluster listens to the network"),
}
"""Package -> (first release without the hole, what the hole is)."""

DISK_GB = 1.0
MEMORY_GB = 2.0
GLYPHS = "太阳能光伏潜力图"

_REINSTALL = "python -m pip install --upgrade --force-reinstall musyq-lab (or `.` in the source tree)"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was examined."""

    title: str
    """What was looked at."""
    passed: bool
    """Whether it is as it should be."""
    found: str
    """What was seen."""
    remedy: str
    """What to do about a fault."""


def examine() -> Iterator[Check]:
    """Iterate over all checks; a check that itself fails is reported as a fault, never raised."""
    for title, remedy, look in _CHECKS:
        try:
            fault, found = look()
        except MusyqError as error:
            fault, found = True, str(error)
        except Exception as error:
            fault, found = True, f"{type(error).__name__}: {error}"
        yield Check(title, not fault, found, remedy)


def _python() -> tuple[bool, str]:
    return Version(platform.python_version()) < Version("3.11"), platform.python_version()


def _packages() -> tuple[bool, str]:
    wrong, right = [], 0
    for text in importlib.metadata.requires("musyq-lab") or ():
        need = Requirement(text)
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if need.specifier.contains(version, prereleases=True):
            right += 1
        else:
            wrong.append(f"{need.name} {version}, needs {need.specifier}")
    return bool(wrong), "; ".join(wrong) or f"{right} packages in the versions needed"


def _holes() -> tuple[bool, str]:
    wrong = []
    for name, (safe, hole) in HOLES.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if Version(version) < Version(safe):
            wrong.append(f"{name} {version} has {hole}; {safe} is the first without")
    return bool(wrong), "; ".join(wrong) or "no release with a known hole that matters here"


def _data() -> tuple[bool, str]:
    faults = list(filter(None, map(damage, sources())))
    return bool(faults), "; ".join(faults[:5]) or f"{len(sources())} shipped files are whole (sha256)"


def _recipes() -> tuple[bool, str]:
    faults = [f"{recipe.key}: {fault}" for recipe in RECIPES.values() for fault in recipe.problems()]
    return bool(faults) or not len(RECIPES), "; ".join(
        faults[:5]
    ) or f"{len(RECIPES)} recipes agree with their notebooks"


def _compiler() -> tuple[bool, str]:
    import numba

    @numba.njit(cache=False)
    def squares(count: int) -> int:
        total = 0
        for number in range(count):
            total += number * number
        return total

    return squares(10) != 285, f"numba {numba.__version__} compiles"


def _store() -> tuple[bool, str]:
    place = _kernel_store.folder()
    if not _kernel_store.enabled():
        return False, "MUSYQ_KERNEL_STORE=0: every process compiles its kernels again"
    try:
        found = _nearest(place)
    except OSError as error:
        return False, f"{place}: {error.strerror}; every process compiles its kernels again"
    if found == place and not _kernel_store.trusted(place.stat()):
        return True, f"{place} belongs to another user or may be written by others, so that it is not used"
    if not os.access(found, os.W_OK | os.X_OK):
        return False, f"{found} cannot be written: new kernels are compiled again in every process"
    sizes = [size.st_size for _, size in _kernel_store.files()]
    return False, f"{len(sizes)} compiled loops, {sum(sizes) / 1e6:.1f} MB, in {place}"


def _nearest(path: Path) -> Path:
    """Return the path, or the folder above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _fonts() -> tuple[bool, str]:
    from fontTools.ttLib import TTFont

    files = [
        p
        for p in sorted(resource("catalogs/samples/fonts").iterdir())
        if p.suffix in {".woff2", ".woff", ".ttf", ".otf"}
    ]
    for file in files:
        with TTFont(file) as font:
            if all(ord(glyph) in font.getBestCmap() for glyph in GLYPHS):
                return False, f"{file.name} shows {GLYPHS}"
    return True, f"none of the {len(files)} shipped fonts shows {GLYPHS}"


def _kernel() -> tuple[bool, str]:
    from musyq_lab.production.execute import execute
    from musyq_lab.production.progress import Silent

    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {"tags": ["parameters"]},
        "outputs": [],
        "execution_count": None,
    }
    notebook = {"cells": [{**cell, "source": "out = ''"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with tempfile.TemporaryDirectory(prefix="musyq-doctor-") as folder:
        source = Path(folder) / "try.ipynb"
        source.write_text(json.dumps(notebook), encoding="utf-8")
        execution = execute(source, Path(folder) / "done.ipynb", {"out": "."}, Silent())
    return not execution.cell_seconds, "a notebook runs"


def _disk() -> tuple[bool, str]:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return free < DISK_GB, f"{free:.1f} GB free in this folder's file system"


def _memory() -> tuple[bool, str]:
    free = available_memory()
    if free is None:
        return False, "the system does not tell"
    return free < MEMORY_GB * 1e9, f"{free / 1e9:.1f} GB available"


def available_memory(proc: Path = Path("/proc"), control: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the memory this process may still take in bytes: the machine's, or its container's if that is less.

    Parameters
    ----------
    proc : Path
        Where the kernel tells of memory.
    control : Path
        Where the kernel tells of a container's limits (version 2 control groups).
    """
    try:
        lines = dict(line.split(":", 1) for line in (proc / "meminfo").read_text(encoding="ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    try:
        limit, used = (
            (control / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current")
        )
        return free if limit == "max" else min(free, int(limit) - int(used))
    except (OSError, ValueError):
        return free


_CHECKS: tuple[tuple[str, str, Callable[[], tuple[bool, str]]], ...] = (
    ("Python", "install Python 3.11 or newer", _python),
    ("packages", _REINSTALL, _packages),
    ("known holes", "python -m pip install --upgrade bokeh jupyter-server distributed", _holes),
    ("shipped data", _REINSTALL, _data),
    ("recipes", _REINSTALL, _recipes),
    ("compiler", "python -m pip install --upgrade --force-reinstall numba llvmlite", _compiler),
    ("kernel store", "chmod 700 the folder, or let MUSYQ_CACHE_DIR name one of your own", _store),
    ("Chinese glyphs", _REINSTALL, _fonts),
    ("notebook kernel", "python -m pip install --upgrade ipykernel nbclient papermill", _kernel),
    ("disk", f"free at least {DISK_GB:g} GB or work in another folder", _disk),
    ("memory", f"close other programs: a recipe takes up to {MEMORY_GB:g} GB", _memory),
)
