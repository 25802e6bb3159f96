"""Rows of ``SOURCES.yml`` and the licence texts beside the data."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .origins import Origin, Origins

HEADER = """\
# Where each sample comes from. Written by derive.py: edit the module that makes the file, not this table.
# `file` may be a folder; its `members` then carry the sha256 of each file.
"""


@dataclass(frozen=True)
class Row:
    """One row of ``SOURCES.yml``.

    Attributes
    ----------
    file : str
        Path of the derived file below the samples folder.
    title : str
        What it is, in one line.
    origins : tuple of Origin
        Packages it was made from.
    producer : str
        Who made the original data.
    licence : str
        Terms of the data (and, where they differ, of the package).
    licence_files : tuple of str
        Texts in ``LICENCES/``.
    references : tuple of str
        DOIs and citations to quote.
    processing : str
        What was done to it here.
    notes : str
        What a user has to know: doubts, traps, things not stated by the source.
    columns : dict
        For tables: column -> unit, meaning, column of the origin.
    """

    file: str
    title: str
    origins: tuple[Origin, ...]
    producer: str
    licence: str
    licence_files: tuple[str, ...]
    references: tuple[str, ...]
    processing: str
    notes: str = ""
    columns: dict[str, dict[str, str]] = field(default_factory=dict)

    def bytes(self, out: Path) -> int:
        """Return the size of the file, or of all files of the folder."""
        return sum(path.stat().st_size for path in members(out / self.file))

    def as_mapping(self, out: Path) -> dict[str, Any]:
        """Return the row as plain data, with size and sha256 of what lies in `out`."""
        row: dict[str, Any] = {key: value for key, value in asdict(self).items() if value}
        row["origins"] = [origin.label for origin in self.origins]
        row["licence_files"] = [f"LICENCES/{name}" for name in self.licence_files]
        row["references"] = list(self.references)
        row["bytes"] = self.bytes(out)
        path = out / self.file
        if path.is_dir():
            row["members"] = {member.name: sha256(member) for member in members(path)}
        else:
            row["sha256"] = sha256(path)
        return row


def members(path: Path) -> list[Path]:
    """Return a file as a list of one, or the files of a folder in order."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def sha256(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal text."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def update_sources(out: Path, rows: list[Row]) -> None:
    """Write ``SOURCES.yml``: new rows replace old rows of the same file, the others stay."""
    path = out / "SOURCES.yml"
    table = {row["file"]: row for row in yaml.safe_load(path.read_text("utf-8"))["samples"]} if path.exists() else {}
    table |= {row.file: row.as_mapping(out) for row in rows}
    body = {"samples": [table[name] for name in sorted(table)]}
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)
    path.write_text(HEADER + text, encoding="utf-8")


def keep_licence(origins: Origins, origin: Origin, member: str, out: Path, name: str) -> str:
    """Copy the licence text of an origin to ``LICENCES/name`` and return the name."""
    target = out / "LICENCES" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(origins.read(origin, member))
    return name
