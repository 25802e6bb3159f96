"""Files that lie elsewhere: an address in place of a path, read a block at a time through a cache of bounded size.

``http``, ``https`` and every scheme of :data:`SCHEMES` that fsspec reaches. Only what is asked for is fetched: opening
a product of 100 MB costs its headers, a pixel one chunk. The checks of :mod:`musyq_lab.files.safety` run on an address
as on a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import cast
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, NotFoundError
from musyq_lab.files._blocks import BlockFile, forget, over_http, recent_info, store_of
from musyq_lab.files._store import PACKAGES, Info, shown

__all__ = ["MAX_NAMES", "MAX_TEXT", "SCHEMES", "BlockFile", "RemotePath", "forget", "is_remote", "place", "states"]

SCHEMES = ("http", "https", *PACKAGES)
"""Kinds of address that can be read."""
MAX_TEXT = 2**20
"""Longest text (a catalog, a checksum)."""
MAX_NAMES = 100_000
"""Files of a remote folder."""


_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*::)*[A-Za-z][A-Za-z0-9+.\-]*://", re.ASCII)  # also chained ones
_MOST_ASKED = 16  # addresses whose state is asked for one by one


def is_remote(path: object) -> bool:
    """Whether something is an address (``scheme://...``) and not a path of this machine."""
    return isinstance(path, RemotePath) or (isinstance(path, str) and _ADDRESS.match(path) is not None)


def place(path: str | Path) -> Path:
    """Return the path or, of an address, the :class:`RemotePath`, which reads in the same way.

    Parameters
    ----------
    path : str or pathlib.Path
        Path of this machine or address.

    Raises
    ------
    InputError
        If it is an address of a kind that is not read.
    """
    return cast(Path, RemotePath(str(path))) if is_remote(path) else Path(path)


@dataclass(frozen=True, slots=True, order=True)
class RemotePath:
    """An address with the part of :class:`pathlib.Path`'s interface that readers use. It is no ``os.PathLike``.

    Raises
    ------
    InputError
        If the scheme is not one of :data:`SCHEMES`, or the address holds a password, a step upwards or a control
        character.
    """

    url: str
    """The address."""

    def __post_init__(self) -> None:
        """Refuse addresses that are not plain."""
        try:
            parts = urlsplit(self.url)
        except ValueError as error:  # a broken IPv6 address
            raise InputError(f"{self.url[:200]!r} is no address: {error}.") from None
        if parts.scheme not in SCHEMES or "::" in self.url:
            kinds = "://, ".join(SCHEMES)
            raise InputError(f"{self.url[:200]!r} is no address that can be read. Give {kinds}:// or a path.")
        if "@" in parts.netloc and parts.scheme != "abfs":
            raise InputError(f"{shown(self.url)}: leave name and password out of the address.")
        decoded = unquote(parts.path)
        if not self.url.isprintable() or not decoded.isprintable() or ".." in PurePosixPath(decoded).parts:
            raise InputError(f"{shown(self.url)!r} has '..' or a control character in it. Give the plain address.")

    def __str__(self) -> str:
        """Return the address."""
        return self.url

    @property
    def name(self) -> str:
        """Last part, decoded and without query."""
        path = self.url.partition("://")[2].partition("?")[0].rstrip("/")
        return unquote(path.rpartition("/")[2]) if over_http(self.url) else path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """Ending of the name."""
        return PurePosixPath(self.name).suffix

    @property
    def stem(self) -> str:
        """Name without its ending."""
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> RemotePath:
        """The folder."""
        scheme, _, path = self.url.partition("?")[0].partition("://")
        return RemotePath(f"{scheme}://{path.rstrip('/').rpartition('/')[0]}")

    def __truediv__(self, name: str) -> RemotePath:
        """Return the address of a file of the folder."""
        if not name.isprintable():  # surrogates among them, which no address can hold
            raise InputError(f"{name[:80]!a} has a control character in it, so it is no name.")
        last = quote(name) if over_http(self.url) else name
        return RemotePath(f"{self.url.partition('?')[0].rstrip('/')}/{last}")

    def with_name(self, name: str) -> RemotePath:
        """Return the address of a file beside this one."""
        return self.parent / name

    def absolute(self) -> RemotePath:
        """Return the address: it is absolute."""
        return self

    resolve = expanduser = absolute

    def info(self) -> Info:
        """Return size and state, as they are now or were in the last :data:`RECENT` seconds."""
        return recent_info(self.url)

    def is_file(self) -> bool:
        """Whether there is such a file."""
        try:
            return self.info().size >= 0
        except MusyqError:
            return False

    def is_dir(self) -> bool:
        """Whether it is a folder (over HTTP: whether its name has no ending)."""
        return store_of(self.url).is_folder(self.url)

    def exists(self) -> bool:
        """Whether there is such a file or folder; that a server cannot be reached is told, not taken for a no.

        Raises
        ------
        ArchiveError
            If it cannot be found out.
        """
        try:
            return self.is_dir() or self.info().size >= 0
        except NotFoundError:
            return False

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield the files of the folder whose names match, in order; a name that would lead elsewhere is left out.

        Raises
        ------
        ArchiveError
            If the folder cannot be listed, or holds more than :data:`MAX_NAMES` files.
        """
        names = store_of(self.url).names(self.url)
        if len(names) > MAX_NAMES:
            raise ArchiveError(f"{shown(self.url)} lists more than {MAX_NAMES} files. Name a folder with fewer.")
        for name in names:
            if name and "/" not in name and fnmatchcase(name, pattern):
                with suppress(InputError):
                    yield self / name

    rglob = glob

    def open(self, mode: str = "rb") -> BlockFile:
        """Open it for reading bytes.

        Raises
        ------
        NotFoundError, ArchiveError
            If it is not there or cannot be read.
        """
        if mode != "rb":
            raise InputError(f"{shown(self.url)} can only be read, as bytes.")
        return BlockFile(self.url)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the whole as text.

        Raises
        ------
        FileNotFoundError
            If it is not there, as of a path.
        ArchiveError
            If it is longer than :data:`MAX_TEXT`.
        """
        try:
            file = self.open()
        except NotFoundError as error:
            raise FileNotFoundError(str(error)) from None
        if file.info.size > MAX_TEXT:
            raise ArchiveError(f"{shown(self.url)} is longer than {MAX_TEXT} bytes, too long for a text.")
        return file.read().decode(encoding)


def states(paths: Sequence[str]) -> list[tuple[str, ...]]:
    """Return for each file what changes when it does: its time or, at an address, its tag and size.

    Of many addresses it is not asked for, file by file: the last element then is a name for this call alone.

    Parameters
    ----------
    paths : sequence of str
        Paths or addresses.
    """
    if sum(is_remote(path) for path in paths) > _MOST_ASKED:
        return [*((path,) for path in paths), (uuid4().hex,)]
    return [_state(path) for path in paths]


def _state(path: str) -> tuple[str, ...]:
    if not is_remote(path):
        return (path, str(Path(path).stat().st_mtime_ns))
    info = RemotePath(path).info()
    return (path, info.tag or uuid4().hex, str(info.size))
