"""A remote file in blocks: what was fetched last is kept, up to a number of bytes, for all readers of this process."""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections import OrderedDict
from typing import Any

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files._store import FsspecStore, Info, Store, shown

BLOCK = 2**20
"""Bytes that are fetched at least."""
CACHE = 128 * 2**20
"""Bytes of blocks that are kept, for all files together."""
MAX_WHOLE = 64 * 2**20
"""Largest file that is fetched whole from a server that does not give parts."""
RECENT = 5.0
"""Seconds for which size and state of a file are taken as known; that it changed meanwhile shows when it is read."""

_RUN = 16  # blocks of one request
_MOST_INFOS = 4096


class BlockFile(io.RawIOBase):
    """A remote file as Python and HDF5 read files: at any position, in blocks that are kept for a while.

    It may be pickled: what arrives opens the address anew.

    Parameters
    ----------
    url : str
        The address.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.store = store_of(url)
        self.info = recent_info(url)
        # A file of which nothing tells that it changed shares its blocks with nobody.
        self._key = (url, self.info.tag or f"unknown {next(_COUNT)}", self.info.size)
        self._position = 0
        if not self.info.ranges and self.info.size > MAX_WHOLE:
            raise ArchiveError(
                f"The server of {shown(url)} gives whole files only; this one has {self.info.size / 2**20:.0f} MiB. "
                f"Fetch it (curl -O {shown(url)}) and give the path of the copy."
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the address alone."""
        return BlockFile, (self.url,)

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """Return what tells one state of one file from others."""
        return (self.url, self.info.tag, str(self.info.size))

    @property
    def name(self) -> str:
        """The address, for error messages of others."""
        return shown(self.url)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position from the start, from here or from the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.info.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as the file goes."""
        target = memoryview(buffer).cast("B")
        start, stop = self._position, min(self._position + len(target), self.info.size)
        done = 0
        while start + done < stop:  # a run at a time: the whole may be larger than what is kept
            last = min(stop, ((start + done) // BLOCK + _RUN) * BLOCK)
            piece = self._span(start + done, last)
            target[done : done + len(piece)] = piece
            done += len(piece)
        self._position += done
        return done

    def _span(self, start: int, stop: int) -> bytes:
        """Return the bytes of a stretch of at most ``_RUN`` blocks; those missing are fetched by one request."""
        numbers = range(start // BLOCK, -(-stop // BLOCK))
        held = {n: block for n in numbers if (block := _CACHE.get((*self._key, n))) is not None}
        missing = [n for n in numbers if n not in held]
        if missing:
            wanted = range(missing[0], missing[-1] + 1) if self.info.ranges else range(-(-self.info.size // BLOCK))
            held |= self._fetch(wanted)
        data = b"".join(held[n] for n in numbers)
        return data[start - numbers[0] * BLOCK : stop - numbers[0] * BLOCK]

    def _fetch(self, numbers: range) -> dict[int, bytes]:
        first, last = numbers[0] * BLOCK, min(self.info.size, (numbers[-1] + 1) * BLOCK)
        data = self.store.read(self.url, first, last, self.info)
        made = {n: data[n * BLOCK - first : (n + 1) * BLOCK - first] for n in numbers}
        for number, block in made.items():
            _CACHE.put((*self._key, number), block)
        return made


class _Recent:
    """The blocks used last, of all files, up to a number of bytes; and what was asked of files a moment ago."""

    def __init__(self) -> None:
        self._infos: dict[str, tuple[float, Info]] = {}
        self._held: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def info(self, url: str) -> Info:
        """Return size and state of a file: checking, opening and naming it ask one after another."""
        now = time.monotonic()
        asked, info = self._infos.get(url, (-RECENT, None))
        if info is not None and now - asked < RECENT:
            return info
        info = store_of(url).info(url)
        with self._lock:
            if len(self._infos) > _MOST_INFOS:
                self._infos.clear()
            self._infos[url] = (now, info)
        return info

    def get(self, key: tuple[Any, ...]) -> bytes | None:
        """Return a block that is held."""
        with self._lock:
            block = self._held.get(key)
            if block is not None:
                self._held.move_to_end(key)
            return block

    def put(self, key: tuple[Any, ...], block: bytes) -> None:
        """Hold a block, and let go of those used longest ago."""
        with self._lock:
            self._bytes += len(block) - len(self._held.pop(key, b""))
            self._held[key] = block
            while self._bytes > CACHE:
                self._bytes -= len(self._held.popitem(last=False)[1])

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._infos.clear()
            self._held.clear()
            self._bytes = 0


_CACHE = _Recent()
_COUNT = itertools.count()


def recent_info(url: str) -> Info:
    """Return size and state of a remote file, as they are now or were in the last :data:`RECENT` seconds."""
    return _CACHE.info(url)


def forget() -> None:
    """Let go of all that is kept of remote files."""
    _CACHE.clear()


def over_http(url: str) -> bool:
    """Whether an address is one of the web."""
    return url.startswith(("http://", "https://"))


def store_of(url: str) -> Store:
    """Return what reads files of that kind of address."""
    if not over_http(url):
        return FsspecStore()
    from musyq_lab.files._http import HttpStore

    return HttpStore()
