"""Versions of products: which file superseded which, what is current, and what is no longer there.

The record beside every file (``<name>.h5.run.json``) says which earlier versions it supersedes and which earlier
contents of its own name it replaces, each with its SHA-256 and the instant it was written. A record repeats what the
records before it said, so that a version stays known after its files are gone. There is no common file that two writers
could spoil or a kill could leave half-written: the history of a folder is derived from the small files whenever it is
asked for, and the order of versions is that of their numbers, even where two were written at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from musyq_lab.archive._side import RUN_SUFFIX, SUFFIX, SUFFIXES, WITHDRAWN_SUFFIX, listed, record, seal, side_file
from musyq_lab.archive.draft import plain, publish, write_text
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.registry import html_table

Fate = Literal["current", "superseded", "withdrawn", "gone"]

SUMS = "SHA256SUMS"
LISTING = "MANIFEST.json"
_MOST_EARLIER = 10_000  # entries that are taken from one record: a damaged one must not cost the memory


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a product's file."""

    name: FileName
    """Fields of its name."""
    state: Fate
    """current; superseded by a newer one; withdrawn on purpose; gone (its file is not there, and nobody said why)."""
    sha256: str | None
    """SHA-256 it was written with, None where no record says it."""
    size: int | None
    """Bytes."""
    written: str | None
    """Instant at which it was written (ISO 8601, UTC)."""
    superseded_by: str | None = None
    """Version that took its place."""
    superseded_at: str | None = None
    """Instant at which that one was written."""
    reason: str = ""
    """Why it was withdrawn."""
    replaced: tuple[tuple[str, str], ...] = ()
    """(SHA-256, instant) of earlier contents of the same name."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "file": self.name.text,
            "version": self.name.version,
            "state": self.state,
            "sha256": self.sha256,
            "bytes": self.size,
            "written": self.written,
            "superseded_by": self.superseded_by,
            "superseded_at": self.superseded_at,
            **({"reason": self.reason} if self.reason else {}),
            "replaced": [{"sha256": digest, "written": instant} for digest, instant in self.replaced],
        }


@dataclass(frozen=True, slots=True)
class History:
    """The versions of a folder's products, in order of product, edition, tile, period and version."""

    root: Path
    """The folder."""
    versions: tuple[Version, ...]
    """Every version that is there or that a record tells of."""

    def __iter__(self) -> Iterator[Version]:
        """Iterate over the versions."""
        return iter(self.versions)

    def __len__(self) -> int:
        """Count them."""
        return len(self.versions)

    @property
    def current(self) -> tuple[Version, ...]:
        """The newest version that is there, of every period."""
        return tuple(item for item in self.versions if item.state == "current")

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        rows = [
            [
                item.name.stem,
                item.state + (f" by {item.superseded_by}" if item.superseded_by else ""),
                item.written or "unknown",
                (item.sha256 or "unknown")[:12],
                item.reason,
            ]
            for item in self.versions
        ]
        return [["file", "state", "written", "sha256", "reason"], *rows]

    def __repr__(self) -> str:
        """Show the table."""
        rows = self.table()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        return html_table(self.table(), f"{len(self)} versions in {self.root.name}")


def history(
    root: str | Path,
    product: str | None = None,
    *,
    edition: str | None = None,
    tile: str | None = None,
    period: str | None = None,
) -> History:
    """Return the versions of a folder's products: which is current, what superseded what and when.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder of products.
    product, edition, tile, period : str, optional
        Fields of the name; all by default.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}.")
    wanted = {"product": product, "edition": edition, "tile": tile, "period": period}
    names = {n for n in _named(folder) if all(v is None or getattr(n, k) == v for k, v in wanted.items())}
    known = _known(folder, names)
    series: dict[tuple[str, ...], list[FileName]] = {}
    for name in sorted(known, key=lambda n: (_series(n), n.number, n.version)):
        series.setdefault(_series(name), []).append(name)
    return History(folder, tuple(item for members in series.values() for item in _chain(folder, members, known)))


def earlier(path: Path, digest: str = "") -> dict[str, list[dict[str, Any]]]:
    """Return what a file that is about to be published supersedes and replaces, for its record.

    Parameters
    ----------
    path : pathlib.Path
        Final name of the file; what lies there now is what it replaces.
    digest : str
        SHA-256 of the file to publish: the same content again replaces nothing.
    """
    name = parse(path.name)
    if name is None or not path.parent.is_dir():
        return {"supersedes": [], "replaces": []}
    pattern = name.text.removesuffix(f"{name.version}.h5")
    known = _known(path.parent, {n for n in _named(path.parent, f"{pattern}v*") if _series(n) == _series(name)})
    older = sorted((n for n in known if n.number < name.number), key=lambda n: (n.number, n.version))
    return {
        "supersedes": [{"file": n.text, **known[n]} for n in older],
        "replaces": [item for item in _replaced(path) if item["sha256"] != digest],
    }


def withdraw(path: str | Path, reason: str) -> Path:
    """Take a product file away and leave a record of it: name, SHA-256, size, when and why.

    The record is on the disk before anything is removed; a call that was killed is finished by calling again.

    Parameters
    ----------
    path : str or pathlib.Path
        The product file.
    reason : str
        Why, in a sentence; shown by :func:`history`.

    Returns
    -------
    pathlib.Path
        The record, ``<name>.h5.withdrawn.json``.

    Raises
    ------
    NotFoundError
        If there is neither the file nor a record that it was withdrawn.
    InputError
        If no reason is given.
    """
    path = Path(path)
    if not reason.strip():
        raise InputError("Say why the file is withdrawn: withdraw(path, 'the calibration of May was wrong').")
    target = side_file(path, WITHDRAWN_SUFFIX)
    if not path.is_file() and not target.is_file():
        raise NotFoundError(f"There is no file {path}, so it cannot be withdrawn.")
    try:
        if path.is_file():
            publish({write_text(target, _tombstone(path, reason)): target})
        for item in (path, side_file(path, SUFFIX), side_file(path, RUN_SUFFIX)):
            item.unlink(missing_ok=True)
    except OSError as error:
        raise plain(error, target) from error
    return target


def withdrawn(path: Path) -> bool:
    """Whether a file was taken away on purpose: its record is there and it is not."""
    return not path.exists() and bool(record(path, WITHDRAWN_SUFFIX))


def collect(root: str | Path) -> tuple[Path, Path]:
    """Write the listing of a folder from its small files: ``SHA256SUMS`` and ``MANIFEST.json``.

    Nothing here reads them; they are for whom a folder is handed to (``sha256sum -c SHA256SUMS`` checks it).

    Parameters
    ----------
    root : str or pathlib.Path
        Folder of products.

    Returns
    -------
    tuple of pathlib.Path
        The two files.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    """
    found = history(root)
    folder = found.root
    present = [item for item in found if (folder / item.name.text).is_file()]
    lines = "".join(f"{item.sha256}  {item.name.text}\n" for item in present if item.sha256)
    listing = json.dumps({"files": [item.as_dict() for item in found]}, indent=1) + "\n"
    targets = folder / SUMS, folder / LISTING
    try:
        publish({write_text(t, text): t for t, text in zip(targets, (lines, listing), strict=True)})
    except OSError as error:
        raise plain(error, targets[0]) from error
    return targets


def _series(name: FileName) -> tuple[str, ...]:
    return name.product, name.edition, name.tile, name.period


def _named(folder: Path, pattern: str = "MuSyQ.*") -> set[FileName]:
    """Return the names of a folder's products, be it that only a small file is left of them."""
    texts = {item.name for item in folder.glob(f"{pattern}.h5*") if not item.name.startswith(".")}
    for suffix in SUFFIXES:
        texts = {text.removesuffix(suffix) for text in texts}
    return {name for text in texts if (name := parse(text)) is not None}


def _known(folder: Path, names: set[FileName]) -> dict[FileName, dict[str, Any]]:
    """Return what is known of each version: of those with files of their own, then of those their records tell of."""
    known = {name: _entry(folder / name.text) for name in names}
    for name in sorted(names):
        for entry in _told(folder / name.text, "supersedes"):
            old = parse(str(entry.get("file", "")))
            if old is not None and _series(old) == _series(name) and old.number < name.number:
                known.setdefault(old, {key: entry.get(key) for key in ("sha256", "bytes", "written")})
    return known


def _entry(path: Path) -> dict[str, Any]:
    """Return what the small files say of a file; the checksum file speaks before the record of a run."""
    run = record(path) or record(path, WITHDRAWN_SUFFIX)
    return {"sha256": listed(path) or run.get("sha256"), "bytes": run.get("bytes"), "written": _written(run)}


def _written(run: dict[str, Any]) -> str | None:
    value = run.get("written") or run.get("ended")
    return value if isinstance(value, str) else None


def _told(path: Path, key: str) -> list[dict[str, Any]]:
    return [*_listed_entries(record(path, WITHDRAWN_SUFFIX), key), *_listed_entries(record(path), key)]


def _listed_entries(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = found.get(key)
    items = value[:_MOST_EARLIER] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _replaced(path: Path) -> list[dict[str, Any]]:
    """Return the earlier contents of a name, oldest first, each once; what lies there now is the last of them."""
    run, gone = record(path), record(path, WITHDRAWN_SUFFIX)
    found = _told(path, "replaces")
    for told, digest in ((gone, gone.get("sha256")), (run, listed(path) or run.get("sha256"))):
        if digest:
            found.append({"sha256": digest, "written": _written(told)})
    return list({str(item.get("sha256")): item for item in found}.values())


def _tombstone(path: Path, reason: str) -> str:
    entry = _entry(path)
    return seal(
        {
            "file": path.name,
            **entry,
            "bytes": path.stat().st_size,
            "withdrawn": datetime.now(UTC).isoformat(timespec="seconds"),
            "reason": reason.strip(),
            **earlier(path, str(entry["sha256"])),
        }
    )


def _chain(folder: Path, names: list[FileName], known: dict[FileName, dict[str, Any]]) -> Iterator[Version]:
    """Yield the versions of one period in order, each with what took its place."""
    there = [name for name in names if (folder / name.text).is_file()]
    for index, name in enumerate(names):
        path, entry = folder / name.text, known[name]
        later = names[index + 1 :]
        # The next one that is there took its place; where all later ones are gone, so is what they superseded.
        successor = next((n for n in later if n in there), None)
        gone = record(path, WITHDRAWN_SUFFIX)
        state: Fate = "superseded" if successor else "current"
        if name not in there:
            state = "withdrawn" if gone else "gone"
        size, digest = entry.get("bytes"), entry.get("sha256")
        yield Version(
            name,
            state,
            digest if isinstance(digest, str) else None,
            size if isinstance(size, int) else None,
            _written(entry),
            successor.version if successor else None,
            _written(known[successor]) if successor else None,
            str(gone.get("reason", "")) if state == "withdrawn" else "",
            tuple((str(i.get("sha256")), str(i.get("written"))) for i in _told(path, "replaces")),
        )
