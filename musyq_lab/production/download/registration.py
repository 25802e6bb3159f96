"""Who downloads, and what was downloaded: one local SQLite file that only its owner can read.

Downloads are free, subject to registration and attribution. Both stay on this machine: name, organisation, address and
purpose are written to this one file (mode 0600, in a folder of mode 0700) and to nothing else, neither data nor logs,
notebooks or provenance. It lies in ``$MUSYQ_HOME``, else ``$XDG_DATA_HOME/musyq-lab``, else
``~/.local/share/musyq-lab``.

A file that is damaged, locked or on a read-only disk never stops a download: the data and the receipt beside them are
whole without it, and a warning says what to do. :func:`register` and :func:`receipts`, which are about the file alone,
raise that as an error.

The file uses SQLite's rollback journal, not its write-ahead log: the log needs shared memory, which home folders on
network file systems do not have, and a receipt is one small transaction.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.core.registry import html_table

HOME_VARIABLE = "MUSYQ_HOME"
"""Names the folder of the file."""
FILE = "downloads.sqlite"
"""Its name."""

_WAIT = 30.0  # seconds for another download that is just writing its receipt
_VERSION = 1
_SCHEMA = """
CREATE TABLE registration (
  id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, organisation TEXT NOT NULL, email TEXT NOT NULL,
  purpose TEXT NOT NULL, registered TEXT NOT NULL);
CREATE TABLE receipt (
  id TEXT PRIMARY KEY, time TEXT NOT NULL, product TEXT NOT NULL, title TEXT NOT NULL, subset TEXT NOT NULL,
  format TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, seconds REAL NOT NULL,
  read_bytes INTEGER NOT NULL, licence TEXT NOT NULL, citation TEXT NOT NULL, terms TEXT NOT NULL,
  purpose TEXT NOT NULL);
"""
_EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[^@\s<>,;:\"()\[\]\\]+\.[^@\s<>,;:\"()\[\]\\.]{2,63}")
_LONGEST = 400
_SHOWN = ("time", "product", "subset", "format", "file", "sha256", "bytes", "licence", "citation", "terms", "purpose")


@dataclass(frozen=True, slots=True)
class Registration:
    """Who downloads."""

    name: str
    """Person."""
    organisation: str = ""
    """Where the person works."""
    email: str = ""
    """Address, only if the person wants to be told of new versions."""
    purpose: str = ""
    """What the data are for."""

    def __post_init__(self) -> None:
        """Refuse what is no name or address."""
        for field in ("name", "organisation", "email", "purpose"):
            value = getattr(self, field)
            if not isinstance(value, str) or len(value) > _LONGEST or not (value.isprintable() or value == ""):
                raise InputError(f"{field} must be one line of at most {_LONGEST} letters.")
            object.__setattr__(self, field, value.strip())
        if not self.name:
            raise InputError("A registration needs a name.")
        if self.email and not _EMAIL.fullmatch(self.email):
            raise InputError("The email is not an address like name@place.org. Leave it out if you want no mail.")


@dataclass(frozen=True, slots=True)
class Receipts:
    """What was downloaded with this registration, newest first; a table in a notebook."""

    rows: tuple[Mapping[str, Any], ...]
    """One mapping a download."""

    def __len__(self) -> int:
        """Count the downloads."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Iterate over the downloads, newest first."""
        return iter(self.rows)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """Return a download."""
        return self.rows[index]

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        return [list(_SHOWN), *([str(row[name]) for name in _SHOWN] for row in self.rows)]

    def to_dataframe(self) -> Any:
        """Return them as a pandas table."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=["id", *_SHOWN])

    def __repr__(self) -> str:
        """Count them."""
        return f"<{len(self)} receipts of downloads>"

    def _repr_html_(self) -> str:
        short = [[_short(cell) for cell in row] for row in self.table()]
        return html_table(short, f"{len(self)} receipts of downloads")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:58]} …"


def home() -> Path:
    """Return the folder of the file, made or not."""
    given = os.environ.get(HOME_VARIABLE)
    if given:
        return Path(given).expanduser()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "musyq-lab"


def register(name: str, organisation: str = "", email: str = "", purpose: str = "") -> Registration:
    """Register, once, for downloads from this account; a second time replaces what was said.

    It stays on this machine (:mod:`musyq_lab.production.download.registration`).

    Parameters
    ----------
    name : str
        Person.
    organisation : str
        Where the person works.
    email : str
        Address, optional.
    purpose : str
        What the data are for.

    Raises
    ------
    InputError
        If the name is empty or the address is none.
    ArchiveError
        If the file is damaged or cannot be written.
    """
    person = Registration(name, organisation, email, purpose)
    row = (person.name, person.organisation, person.email, person.purpose, _now())
    with _database(write=True) as base:
        base.execute("INSERT OR REPLACE INTO registration VALUES (1, ?, ?, ?, ?, ?)", row)
    return person


def registered() -> Registration | None:
    """Return the registration, None if there is none yet.

    Raises
    ------
    ArchiveError
        If the file is damaged or cannot be read.
    """
    if _absent():
        return None
    with _database(write=False) as base:
        found = base.execute("SELECT name, organisation, email, purpose FROM registration").fetchone()
    return Registration(*found) if found else None


def forget() -> None:
    """Remove the registration from the file; receipts, which name no person, stay."""
    if not _absent():
        with _database(write=True) as base:
            base.execute("DELETE FROM registration")


def add(receipt: Mapping[str, Any]) -> None:
    """Write the receipt of a download; one that is there already stays as it is.

    Parameters
    ----------
    receipt : mapping
        A value for every column of the table.

    Raises
    ------
    ArchiveError
        If the file is damaged or cannot be written.
    """
    values = {key: json.dumps(v, sort_keys=True) if isinstance(v, (dict, list)) else v for key, v in receipt.items()}
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    with _database(write=True) as base:
        base.execute(f"INSERT OR IGNORE INTO receipt ({names}) VALUES ({marks})", values)


def receipts() -> Receipts:
    """Return what was downloaded, newest first.

    Raises
    ------
    ArchiveError
        If the file is damaged or cannot be read.
    """
    if _absent():
        return Receipts(())
    with _database(write=False) as base:
        base.row_factory = sqlite3.Row
        rows = base.execute("SELECT * FROM receipt ORDER BY time DESC, rowid DESC").fetchall()
    return Receipts(tuple(dict(row) for row in rows))


def rate(format: str) -> float | None:
    """Return bytes read a second, the median of the last downloads in a format; None where there were none."""
    if _absent():
        return None
    query = "SELECT read_bytes / seconds FROM receipt WHERE format = ? AND seconds > 0 ORDER BY time DESC LIMIT 9"
    with _database(write=False) as base:
        found: Sequence[tuple[float]] = base.execute(query, (format,)).fetchall()
    values = sorted(value for (value,) in found)
    return values[len(values) // 2] if values else None


def _absent() -> bool:
    """Return whether there is no file yet; where none could be made either, that is told instead."""
    path = home() / FILE
    if os.path.lexists(path):
        return False
    folder = path.parent
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise _fault(path, NotADirectoryError(errno.ENOTDIR, f"{folder} is no folder"))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _fault(path, PermissionError(errno.EACCES, f"{folder} cannot be written to"))
    return True


@contextmanager
def _database(*, write: bool) -> Iterator[sqlite3.Connection]:
    """Open the file, made with mode 0600 and its tables if need be, for one transaction."""
    path = home() / FILE
    try:
        _prepare(path)
        with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as base:
            base.execute("PRAGMA trusted_schema = OFF")
            _tables(base)
            if write:
                base.execute("BEGIN IMMEDIATE")
            yield base
            if base.in_transaction:
                base.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise _fault(path, error) from error


def _prepare(path: Path) -> None:
    """Make folder and file before SQLite does, so that nobody else could ever read them; narrow wider modes."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        state = os.fstat(descriptor)
        if stat.S_IMODE(state.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _tables(base: sqlite3.Connection) -> None:
    """Make the tables of a new file; refuse one of a later MuSyQ Lab."""
    (version,) = base.execute("PRAGMA user_version").fetchone()
    if version == 0:
        base.execute("BEGIN IMMEDIATE")
        (version,) = base.execute("PRAGMA user_version").fetchone()  # another process may have been faster
        if version == 0:
            for statement in _SCHEMA.split(";"):
                base.execute(statement)
            base.execute(f"PRAGMA user_version = {_VERSION}")
        base.execute("COMMIT")
    elif version != _VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}, made by another MuSyQ Lab")


def _fault(path: Path, error: Exception) -> ArchiveError:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return ArchiveError(f"The record of downloads {path} is in use by another program. Try again in a moment.")
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return ArchiveError(
            f"The record of downloads {path} cannot be used ({error}). Move it away (mv '{path}' '{path}.damaged') and "
            "register again; each download's own receipt lies beside its data."
        )
    reason = getattr(error, "strerror", None) or error
    return ArchiveError(
        f"The record of downloads {path} cannot be opened ({reason}). Make its folder writable, or name another one by "
        f"the variable {HOME_VARIABLE}."
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
