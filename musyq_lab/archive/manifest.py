"""Checksums that prove a file is what was written, and the record of the run that wrote it.

Beside each product lies ``<name>.h5.sha256`` in the format of ``sha256sum`` (``sha256sum -c *.sha256`` checks a folder
without Python). One small file for each product, replaced whole, needs no lock, survives a kill at any moment and lets
many writers work in one folder, which one shared manifest file would not.

Wall times, host and library versions go to ``<name>.h5.run.json``: inside the product they would give every run other
bytes, and two equal results could no longer be told by their checksum.
"""

from __future__ import annotations

import json
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import NotFoundError
from musyq_lab.files.digest import sha256

State = Literal["ok", "changed", "missing", "unlisted"]

SUFFIX = ".sha256"
RUN_SUFFIX = ".run.json"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)\n?", re.ASCII)
_LIBRARIES = ("numpy", "xarray", "dask", "h5py", "numba")
_SENTENCES: dict[State, str] = {
    "ok": "{name} is what was written",
    "changed": "{name} is not what was written: its checksum differs. Write it again or fetch a good copy",
    "missing": "{name} is listed and not there. Write it again, or remove its .sha256 file",
    "unlisted": "{name} has no readable .sha256 file beside it, so nothing says whether it is whole. Write it again",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check says about one product file."""

    path: Path
    """The product file."""
    state: State
    """ok, changed, missing or unlisted."""

    @property
    def message(self) -> str:
        """Return it as a sentence."""
        return _SENTENCES[self.state].format(name=self.path.name)


def listed(path: Path) -> str | None:
    """Return the SHA-256 a product should have, None where no readable list says it."""
    try:
        match = _LINE.fullmatch(side_file(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return match[1] if match and match[2] == path.name else None


def check(path: str | Path) -> Finding:
    """Compare one product file with its checksum."""
    path = Path(path)
    expected = listed(path)
    if not path.is_file():
        return Finding(path, "missing")
    if expected is None:
        return Finding(path, "unlisted")
    return Finding(path, "ok" if sha256(path) == expected else "changed")


def verify(root: str | Path) -> list[Finding]:
    """Compare every product file of a folder with its checksum, in the order of the names.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder of products.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}.")
    files = {path for path in folder.glob("*.h5") if not path.name.startswith(".")}
    files |= {path.with_name(path.name.removesuffix(SUFFIX)) for path in folder.glob(f"*.h5{SUFFIX}")}
    return [check(path) for path in sorted(files) if not path.name.startswith(".")]


def side_file(path: Path, suffix: str = SUFFIX) -> Path:
    """Return the path of a product's checksum (or, by its suffix, run record)."""
    return path.with_name(path.name + suffix)


def checksum_line(path: Path, digest: str) -> str:
    """Return the text of a checksum file, as ``sha256sum`` writes it."""
    return f"{digest}  {path.name}\n"


def run_record(path: Path, digest: str, size: int, started: datetime) -> str:
    """Return the text of a run record: what differs from run to run and therefore stays out of the product.

    Parameters
    ----------
    path : pathlib.Path
        The product file.
    digest : str
        Its SHA-256.
    size : int
        Bytes.
    started : datetime.datetime
        With a time zone.
    """
    ended = datetime.now(UTC)
    record: dict[str, Any] = {
        "file": path.name,
        "sha256": digest,
        "bytes": size,
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": round((ended - started).total_seconds(), 3),
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {"musyq-lab": package_version(), **{name: _version(name) for name in _LIBRARIES}},
    }
    return json.dumps(record, indent=1) + "\n"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
