"""What a place of remote files must be able to do, and the one that asks fsspec (memory, S3, Google, Azure)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, NotFoundError

PACKAGES = {"memory": "", "s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs"}
"""Scheme of an address -> package that fsspec needs for it."""


@dataclass(frozen=True, slots=True)
class Info:
    """State of a remote file."""

    size: int
    """Bytes."""
    tag: str
    """Whatever changes when the file does (entity tag, time of change); empty where nothing says it."""
    ranges: bool = True
    """Whether a part can be asked for."""


class Store(Protocol):
    """Files by address."""

    def info(self, url: str) -> Info:
        """Return size and state of a file."""

    def read(self, url: str, start: int, stop: int, info: Info) -> bytes:
        """Return the bytes from ``start`` to before ``stop``, all of them."""

    def is_folder(self, url: str) -> bool:
        """Whether an address names a folder."""

    def names(self, url: str) -> list[str]:
        """Return the names of the files of a folder."""


class FsspecStore:
    """Files of whatever fsspec reaches."""

    def info(self, url: str) -> Info:
        """Return size and state of a file."""
        with _plain(url):
            fs, path = _filesystem(url)
            found = fs.info(path)
            if found.get("type") == "directory":
                raise ArchiveError(f"{shown(url)} is not a file.")
            tags = (found.get(key) for key in ("ETag", "etag", "LastModified", "mtime", "updated", "created"))
            return Info(int(found["size"]), next((str(tag) for tag in tags if tag), ""))

    def read(self, url: str, start: int, stop: int, info: Info) -> bytes:
        """Return the bytes from ``start`` to before ``stop``, all of them."""
        with _plain(url):
            fs, path = _filesystem(url)
            data = bytes(fs.cat_file(path, start=start, end=stop))
        if len(data) != stop - start:
            raise ArchiveError(f"{shown(url)} was cut off: {len(data)} of {stop - start} bytes came. Open it again.")
        return data

    def is_folder(self, url: str) -> bool:
        """Whether an address names a folder."""
        with _plain(url):
            fs, path = _filesystem(url)
            return bool(fs.isdir(path))

    def names(self, url: str) -> list[str]:
        """Return the names of the files of a folder, without those below it."""
        with _plain(url):
            fs, path = _filesystem(url)
            found = fs.ls(path, detail=True)
        return sorted(str(item["name"]).rpartition("/")[2] for item in found if item.get("type") == "file")


def shown(url: str) -> str:
    """Return an address without what may be secret in it: name, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a broken IPv6 address
        return url.partition("?")[0]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec  # type: ignore[import-untyped,unused-ignore]

    fs, path = fsspec.core.url_to_fs(url)
    return fs, path


@contextmanager
def _plain(url: str) -> Iterator[None]:
    """Turn whatever the packages behind fsspec raise into errors that say what to do."""
    try:
        yield
    except MusyqError:
        raise
    except ImportError as error:
        package = PACKAGES.get(urlsplit(url).scheme) or "fsspec"
        raise InputError(f"{shown(url)} needs the package {package}: python -m pip install {package}") from error
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {shown(url)}.") from None
    except PermissionError as error:
        message = f"{shown(url)} is not open to you ({error}). Check the access keys of this machine."
        raise ArchiveError(message) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise ArchiveError(f"{shown(url)} cannot be read ({reason}). Check address and network.") from error
