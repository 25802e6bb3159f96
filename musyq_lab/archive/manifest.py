"""Checksums that prove a file is what was written, and the record of the run that wrote it.

Beside each product lies ``<name>.h5.sha256`` in the format of ``sha256sum`` (``sha256sum -c *.sha256`` checks a folder
without Python). One small file for each product, replaced whole, needs no lock, survives a kill at any moment and lets
many writers work in one folder, which one shared manifest file would not.

Wall times, host, library versions and what a file supersedes go to ``<name>.h5.run.json``: inside the product they
would give every run other bytes, and two equal results could no longer be told by their checksum.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from musyq_lab.archive._side import RUN_SUFFIX, SUFFIX, listed, seal, side_file
from musyq_lab.archive.versions import collect, earlier, history, withdraw, withdrawn
from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import NotFoundError
from musyq_lab.files.digest import sha256
from musyq_lab.files.remote import place

__all__ = [
    "RUN_SUFFIX",
    "SUFFIX",
    "Finding",
    "check",
    "checksum_line",
    "collect",
    "history",
    "listed",
    "run_record",
    "side_file",
    "verify",
    "withdraw",
]

State = Literal["ok", "changed", "missing", "unlisted"]

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


def check(path: str | Path) -> Finding:
    """Compare one product file, here or at an address, with its checksum."""
    path = place(path)
    expected = listed(path)
    if not path.is_file():
        return Finding(path, "missing")
    if expected is None:
        return Finding(path, "unlisted")
    return Finding(path, "ok" if sha256(path) == expected else "changed")


def verify(root: str | Path) -> list[Finding]:
    """Compare every product file of a folder with its checksum, in the order of the names.

    A file that was withdrawn is not missed.

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
    named = (path for path in sorted(files) if not path.name.startswith("."))
    return [check(path) for path in named if not withdrawn(path)]


def checksum_line(path: Path, digest: str) -> str:
    """Return the text of a checksum file, as ``sha256sum`` writes it."""
    return f"{digest}  {path.name}\n"


def run_record(path: Path, digest: str, size: int, started: datetime) -> str:
    """Return the text of a run record: what differs from run to run and therefore stays out of the product.

    It also says which earlier versions the file supersedes (:mod:`musyq_lab.archive.versions`), and it ends with its
    own SHA-256.

    Parameters
    ----------
    path : pathlib.Path
        The product file, by its final name.
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
        **earlier(path, digest),
    }
    return seal(record)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
