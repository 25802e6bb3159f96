"""Byte ranges over HTTP with the standard library: no further package, no further thread, and errors in plain words.

What a server sends is bounded in size and time, and is refused where it is not what was asked for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files._store import Info, shown

TIMEOUT = 30.0
"""Seconds without a byte after which a server is given up."""
PATIENCE = 300.0
"""Seconds for one whole answer: a server that sends a byte now and then does not hold a reader forever."""
MAX_INDEX = 8 * 2**20
"""Bytes of a page that lists a folder."""

_PIECE = 2**18
_PLAIN = "%/:?#[]@!$&'()*+,;=~"  # letters of an address that stay; blanks and Chinese are written in percents
_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18})", re.ASCII)
_LINK = re.compile(r"""<a\s[^>]{0,500}?href\s{0,9}=\s{0,9}["']([^"'<>]{1,1000})["']""", re.IGNORECASE)


class _SafeRedirects(HTTPRedirectHandler):
    """Follow only from http(s) to http(s), and never from an encrypted to an open connection."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        """Return the request to follow with.

        Raises
        ------
        URLError
            If it leads to another kind of address.
        """
        new, old = urlsplit(newurl).scheme, urlsplit(req.full_url).scheme
        if new not in ("http", "https") or (old == "https" and new == "http"):
            raise URLError(f"the server redirects to {new}://, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class HttpStore:
    """Files of web servers."""

    def info(self, url: str) -> Info:
        """Return size and state of a file, asked for with its first byte: not every server answers HEAD."""
        with self._answer(url, "bytes=0-0") as answer:
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            if answer.status == 206:
                return Info(_total(answer, url), tag, True)
            length = answer.headers.get("Content-Length", "")
            if not length.isdecimal():
                raise ArchiveError(f"{shown(url)} has no size: the server does not say it. {_fetch(url)}")
            return Info(int(length), tag, False)

    def read(self, url: str, start: int, stop: int, info: Info) -> bytes:
        """Return the bytes from ``start`` to before ``stop``, all of them."""
        with self._answer(url, f"bytes={start}-{stop - 1}" if info.ranges else "") as answer:
            if info.ranges and (answer.status != 206 or _total(answer, url) != info.size):
                raise ArchiveError(f"{shown(url)} changed while it was read. Open it again.")
            if info.tag and (answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "") != info.tag:
                raise ArchiveError(f"{shown(url)} changed while it was read. Open it again.")
            data = _body(answer, info.size if not info.ranges else stop - start, url)
        data = data if info.ranges else data[start:stop]
        if len(data) != stop - start:
            raise ArchiveError(f"{shown(url)} was cut off: {len(data)} of {stop - start} bytes came. Try again.")
        return data

    def is_folder(self, url: str) -> bool:
        """Whether an address names a folder: its last part has no ending such as ``.h5``."""
        return "." not in urlsplit(url).path.rpartition("/")[2]

    def names(self, url: str) -> list[str]:
        """Return the names that the page of a folder links to, of the folder itself and without those below."""
        with self._answer(url.rstrip("/") + "/", "") as answer:
            page = _body(answer, MAX_INDEX, url).decode("utf-8", "replace")
        links = (unquote(link.partition("?")[0].partition("#")[0]) for link in _LINK.findall(page))
        return sorted({link.removeprefix("./") for link in links if "/" not in link.removeprefix("./")})

    @contextmanager
    def _answer(self, url: str, span: str) -> Iterator[Any]:
        # Packed on the way, bytes would not be those of the file.
        headers = {"User-Agent": "musyq-lab", "Accept-Encoding": "identity"} | ({"Range": span} if span else {})
        try:
            with _opener().open(Request(quote(url, safe=_PLAIN), headers=headers), timeout=TIMEOUT) as answer:
                yield answer
        except HTTPError as error:
            error.close()
            raise _refusal(url, error) from error
        except TimeoutError as error:
            raise ArchiveError(f"{shown(url)} did not answer within {TIMEOUT:g} s. Try again later.") from error
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, ArchiveError):
                raise
            raise ArchiveError(
                f"{shown(url)} cannot be reached: {_reason(error)}. Check address and network."
            ) from error


def _opener() -> OpenerDirector:
    return build_opener(_SafeRedirects)


def _total(answer: Any, url: str) -> int:
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if not match:
        raise ArchiveError(
            f"The server of {shown(url)} answers a request for a part without saying which. {_fetch(url)}"
        )
    return int(match[3])


def _body(answer: IO[bytes], most: int, url: str) -> bytes:
    """Return the body, refused where it is longer than ``most`` or does not come to an end in time."""
    parts, size, end = [], 0, time.monotonic() + PATIENCE
    while piece := answer.read(min(_PIECE, most + 1 - size)):
        parts.append(piece)
        size += len(piece)
        if size > most:
            raise ArchiveError(f"The server of {shown(url)} sends more than the {most} bytes that were asked for.")
        if time.monotonic() > end:
            raise ArchiveError(f"{shown(url)} did not come within {PATIENCE:g} s. {_fetch(url)}")
    return b"".join(parts)


def _refusal(url: str, error: HTTPError) -> Exception:
    if error.code in (404, 410):
        return NotFoundError(f"There is no file {shown(url)} (the server answers {error.code}).")
    if error.code in (401, 403, 407):
        return ArchiveError(
            f"{shown(url)} is not open to everybody (the server answers {error.code}). Register there, fetch the file, "
            "and give its path."
        )
    if error.code == 416:
        return ArchiveError(f"{shown(url)} is empty (0 bytes). Fetch or write it again.")
    return ArchiveError(
        f"{shown(url)} cannot be read: the server answers {error.code} {error.reason}. Try again later."
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error or type(error).__name__)


def _fetch(url: str) -> str:
    return f"Fetch it (curl -O {shown(url)}) and give the path of the copy."
