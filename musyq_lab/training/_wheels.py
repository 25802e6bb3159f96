"""The wheels of a workshop: this very environment, pinned, for machines without a network."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.progress import track

PROJECT = "musyq-lab"
"""Whose dependencies are packed."""
EXTRAS = ("lab", "lut")
"""What a workshop needs beyond the plain package: JupyterLab, and 6S for Earths that no training has seen."""
_BATCH = 8  # wheels a call of pip: one that is stopped costs no more than these
_NOT_PACKED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def closure(extras: Iterable[str] = EXTRAS) -> dict[str, metadata.Distribution]:
    """Return what is installed of all that the project needs here, itself included, by normalised name.

    Raises
    ------
    NotFoundError
        If something of it is not installed.
    """
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(PROJECT, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = _installed(name)
        for text in found[name].requires or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(need.name), own) for own in ("", *need.extras)]
    return dict(sorted(found.items()))


def _installed(name: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise NotFoundError(
            f"{name} is not installed here, so it cannot be packed. Install what a workshop needs first: "
            f"`python -m pip install '{PROJECT}[{','.join(EXTRAS)}]'`."
        ) from None


def installed_bytes(distributions: Iterable[metadata.Distribution]) -> int:
    """Return how many bytes the files of distributions take where they are installed."""
    return sum(file.size or 0 for found in distributions for file in found.files or [])


def present(folder: Path, name: str, version: str) -> Path | None:
    """Return the wheel of a distribution in a folder, if a whole one is there."""
    for path in sorted(folder.glob("*.whl")):
        try:
            own, its_version, *_ = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if (own, str(its_version)) == (canonicalize_name(name), version) and _whole(path):
            return path
    return None


def _whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def fetch(wanted: dict[str, str], folder: Path, source: Path | None = None) -> None:
    """Bring the wheels of distributions into a folder; what is there already stays.

    Parameters
    ----------
    wanted
        Name -> version.
    folder
        Where they go.
    source
        Folder of wheels to take them from; by default pip fetches them, and builds those that exist as sources only.

    Raises
    ------
    ArchiveError
        If pip cannot fetch one; what was fetched stays, and the next call goes on.
    NotFoundError
        If the folder of wheels lacks one.
    """
    missing = [f"{name}=={version}" for name, version in wanted.items() if not present(folder, name, version)]
    batches = [missing[k : k + _BATCH] for k in range(0, len(missing), _BATCH)]
    for batch in track(batches, "fetching wheels"):
        if source is None:
            _pip_wheel(batch, folder)
        else:
            for pin in batch:
                _copy(pin, source, folder)


def _copy(pin: str, source: Path, folder: Path) -> None:
    name, version = pin.split("==")
    found = present(source, name, version)
    if found is None:
        raise NotFoundError(f"{source} holds no whole wheel of {name} {version}.")
    shutil.copyfile(found, folder / found.name)


def _pip_wheel(arguments: Sequence[str], folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise InputError("This environment has no pip, which fetches the wheels. Run `python -m ensurepip` first.")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
    ]
    run = subprocess.run(
        [*command, "--wheel-dir", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if line.startswith("ERROR:")] or run.stderr.splitlines()[-1:]
        raise ArchiveError(
            f"pip could not fetch {', '.join(arguments)}: {' '.join(said)} What was fetched before stays in {folder}: "
            "run the same command again once the package index can be reached."
        )


def project_wheel(folder: Path) -> Path:
    """Make the wheel of the project itself, from its source tree or else from the installed files, and return it."""
    found = _installed(PROJECT)
    for old in folder.glob(f"{PROJECT.replace('-', '_')}-*.whl"):
        old.unlink()
    root = source_tree()
    if root is not None:
        prebuilt = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
        _pip_wheel([*prebuilt, str(root)], folder)
    else:
        repack(found, folder)
    made = present(folder, PROJECT, found.version)
    if made is None:
        raise ArchiveError(f"The wheel of {PROJECT} {found.version} could not be made in {folder}.")
    return made


def source_tree() -> Path | None:
    """Return the top of the source tree this package runs from, if it does."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


def repack(found: metadata.Distribution, folder: Path) -> Path:
    """Make a wheel of an installed distribution of pure Python; scripts are made anew where it is installed.

    Raises
    ------
    ArchiveError
        If a file is not what was installed.
    """
    name = f"{canonicalize_name(found.metadata['Name']).replace('-', '_')}-{found.version}"
    rows = []
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(found.files or [], key=str):
            if file.parts[0] == ".." or "__pycache__" in file.parts or file.name in _NOT_PACKED:
                continue
            content = file.read_binary()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if file.hash is not None and file.hash.value != digest:
                raise ArchiveError(f"{file} was changed after it was installed. Install {found.name} anew, then pack.")
            archive.writestr(str(file), content)
            rows.append(f"{file},sha256={digest},{len(content)}")
        record = f"{name}.dist-info/RECORD"
        archive.writestr(record, "\n".join([*rows, f"{record},,", ""]))
    return path
