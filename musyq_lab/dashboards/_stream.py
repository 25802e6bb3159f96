"""Finished files handed to a browser over HTTP, in pieces: a one-time address for each, resumable until all is sent.

A file of any size must not go through the websocket of a page, which holds it whole in memory on both sides. The page
asks the :data:`DESK` for an address that nobody can guess; the browser fetches it from :class:`StreamHandler`, which
reads a piece, sends it, and waits until the browser has taken it. An address

- belongs to one session (and one signed-in person) and ends with it;
- serves the whole file once: then it is spent. A transfer that broke off goes on from where it was (``Range``);
- serves one request at a time, and ends an hour after it was made.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bokeh.server.views.auth_request_handler import AuthRequestHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from musyq_lab.core.errors import InputError

PIECE = 2**20
"""Bytes read and sent at once."""
LIFETIME = 3600.0
"""Seconds after which an address that nobody used ends."""
MOST_FOR_ONE = 32
"""Addresses that one session may hold."""
MOST_AT_ONCE = 64
"""Transfers at once."""
PATIENCE = 120.0
"""Seconds within which a browser has to take a piece."""

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")
_LOG = logging.getLogger("musyq_lab.dashboards.stream")


@dataclass(frozen=True)
class Offer:
    """Bytes that wait to be fetched."""

    name: str
    """Name of the file that a browser saves."""
    media_type: str
    """MIME type."""
    size: int
    """Bytes."""
    sha256: str
    """SHA-256 of them, in hexadecimal digits."""
    open: Callable[[int], Iterator[bytes]]
    """Yields the bytes from a position on."""


def offer(download: Any) -> Offer:
    """Return a finished download as an offer.

    Parameters
    ----------
    download : Download
        From :func:`musyq_lab.production.download.download.download`. A folder is sent as a ZIP, which is made (and
        thrown away) once here, to know its size and checksum before the first byte is sent.
    """
    if not download.path.is_dir():
        return offer_file(download.path, download.stream_name, download.media_type, download.sha256)
    size, digest = 0, hashlib.sha256()
    for piece in download.stream(PIECE):
        size += len(piece)
        digest.update(piece)

    def pieces(start: int) -> Iterator[bytes]:
        return _after(download.stream(PIECE), start)

    return Offer(download.stream_name, download.media_type, size, digest.hexdigest(), pieces)


def offer_file(path: Path, name: str = "", media_type: str = "application/octet-stream", sha256: str = "") -> Offer:
    """Return a file as an offer.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name, media_type : str
        As the browser is told.
    sha256 : str, optional
        Its checksum, where it is known already.
    """
    if not sha256:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    def pieces(start: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(start)
            while piece := file.read(PIECE):
                yield piece

    return Offer(name or path.name, media_type, path.stat().st_size, sha256, pieces)


def _after(pieces: Iterator[bytes], start: int) -> Iterator[bytes]:
    """Leave out the first bytes of a stream that cannot be entered in the middle."""
    for piece in pieces:
        if start < len(piece):
            yield piece[start:]
        start = max(0, start - len(piece))


@dataclass
class _Ticket:
    """An address that was given out."""

    offer: Offer
    owner: str
    user: str | None
    spent: Callable[[], None] | None
    ends: float
    busy: bool = False
    sent: int = 0
    """Bytes from the start of the file that have been sent without a gap."""

    @property
    def done(self) -> bool:
        """Whether all of it has been sent."""
        return 0 < self.offer.size <= self.sent


@dataclass
class _Owner:
    """A session that holds addresses."""

    tickets: set[str] = field(default_factory=set)
    running: int = 0
    closed: Callable[[], None] | None = None


class Desk:
    """Hands out addresses and knows what is behind them; all methods may be called from any thread."""

    def __init__(self) -> None:
        self.serving = False
        """Whether a server of this process hands out files."""
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket] = {}
        self._owners: dict[str, _Owner] = {}

    def address(
        self, offer: Offer, owner: str, *, user: str | None = None, spent: Callable[[], None] | None = None
    ) -> str:
        """Return an address, relative to that of the page, at which the browser of one session finds an offer.

        Parameters
        ----------
        offer : Offer
            What it may fetch.
        owner : str
            The session's own id.
        user : str, optional
            Who is signed in, if anybody needs to.
        spent : callable, optional
            Called, from the server's thread, when all bytes have been sent.

        Raises
        ------
        InputError
            If the session holds too many addresses already.
        """
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sweep()
            holder = self._owners.setdefault(owner, _Owner())
            if len(holder.tickets) >= MOST_FOR_ONE:
                raise InputError(f"{MOST_FOR_ONE} files wait to be saved already. Save one of them first.")
            holder.tickets.add(token)
            self._tickets[token] = _Ticket(offer, owner, user, spent, time.monotonic() + LIFETIME)
        return f"./stream/{token}/{quote(offer.name, safe='')}"

    def close(self, owner: str, then: Callable[[], None] | None = None) -> None:
        """End all addresses of a session; ``then`` is called when no transfer of it runs any more."""
        with self._lock:
            holder = self._owners.setdefault(owner, _Owner())
            for token in list(holder.tickets):
                self._drop(token)
            if holder.running:
                holder.closed = then
                return
            self._owners.pop(owner, None)
        if then:
            then()

    @contextmanager
    def taken(self, token: str, user: str | None) -> Iterator[_Ticket]:
        """Hold an address while it is served to who is signed in, None where nobody needs to be.

        Raises
        ------
        tornado.web.HTTPError
            If there is none of that name for this person (404), it is being served (409), or too many are (503).
        """
        with self._lock:
            self._sweep()
            ticket = self._tickets.get(token)
            if ticket is None or (user is not None and ticket.user != user):
                raise HTTPError(404)
            if ticket.busy:
                raise HTTPError(409)
            if sum(holder.running for holder in self._owners.values()) >= MOST_AT_ONCE:
                raise HTTPError(503)
            ticket.busy = True
            self._owners[ticket.owner].running += 1
        try:
            yield ticket
        finally:
            self._returned(token, ticket)

    def _returned(self, token: str, ticket: _Ticket) -> None:
        with self._lock:
            ticket.busy = False
            if ticket.done:
                self._drop(token)
            holder = self._owners[ticket.owner]
            holder.running -= 1
            closed = holder.closed if not holder.running else None
            if not holder.running and (closed or not holder.tickets):
                self._owners.pop(ticket.owner, None)
        for call in (ticket.spent if ticket.done else None, closed):
            if call:
                call()

    def _sweep(self) -> None:
        now = time.monotonic()
        for token in [token for token, t in self._tickets.items() if t.ends < now and not t.busy]:
            self._drop(token)

    def _drop(self, token: str) -> None:
        ticket = self._tickets.pop(token, None)
        if ticket is not None and ticket.owner in self._owners:
            self._owners[ticket.owner].tickets.discard(token)


DESK = Desk()
"""The desk of this process."""


def patterns(desk: Desk = DESK) -> list[tuple[Any, ...]]:
    """Return the routes that a server needs (``extra_patterns=`` of ``panel.serve``); files stream from now on."""
    desk.serving = True
    return [(r"/stream/([A-Za-z0-9_-]{43})/[^/]*", StreamHandler, {"desk": desk})]


class StreamHandler(AuthRequestHandler):
    """Serves an address of the desk."""

    def initialize(self, desk: Desk) -> None:
        """Take over the desk."""
        self._desk = desk

    def set_default_headers(self) -> None:
        """Say that the answer is for this browser alone, is what it is called, and is no page."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")

    async def head(self, token: str) -> None:
        """Say what a GET would send."""
        with self._desk.taken(token, self._person()) as ticket:
            self._describe(ticket.offer)
            self.set_header("Content-Length", str(ticket.offer.size))

    async def get(self, token: str) -> None:
        """Send the bytes."""
        with self._desk.taken(token, self._person()) as ticket:
            start, stop = self._part(ticket.offer)
            self._describe(ticket.offer)
            if (start, stop) != (0, ticket.offer.size):
                self.set_status(206)
                self.set_header("Content-Range", f"bytes {start}-{stop - 1}/{ticket.offer.size}")
            self.set_header("Content-Length", str(stop - start))
            await self._send(ticket, start, stop)

    def _person(self) -> str | None:
        """Return who is signed in, None where nobody needs to be; without a sign-in that is needed nothing is here."""
        provider = getattr(self.application, "auth_provider", None)
        if provider is None or (provider.get_user is None and provider.get_user_async is None):
            return None
        user = self.current_user
        if not user:
            raise HTTPError(404)
        return user.decode() if isinstance(user, bytes) else str(user)

    async def prepare(self) -> None:
        """Find out who asks."""
        if getattr(self.application, "auth_provider", None) is not None:
            await super().prepare()  # type: ignore[no-untyped-call]  # Bokeh's has no hints

    def _part(self, given: Offer) -> tuple[int, int]:
        """Return the bytes that are asked for."""
        match = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        same = self.request.headers.get("If-Range", _tag(given)) == _tag(given)
        if not match or not same or len(match[1] + match[2]) > 40:
            return 0, given.size
        start, stop = int(match[1]), min(int(match[2]) + 1 if match[2] else given.size, given.size)
        if start >= stop:
            raise HTTPError(416)
        return start, stop

    def _describe(self, given: Offer) -> None:
        plain = _PLAIN.sub("_", given.name)
        self.set_header("Content-Type", given.media_type)
        self.set_header(
            "Content-Disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(given.name, safe='')}"
        )
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("ETag", _tag(given))
        self.set_header("X-SHA256", given.sha256)
        self.set_header("Repr-Digest", f"sha-256=:{base64.b64encode(bytes.fromhex(given.sha256)).decode()}:")

    async def _send(self, ticket: _Ticket, start: int, stop: int) -> None:
        """Send a stretch of bytes, no faster than they are taken."""
        loop = asyncio.get_running_loop()
        at = start
        try:
            pieces = ticket.offer.open(start)
            while at < stop:
                piece = await loop.run_in_executor(None, next, pieces, b"")
                if not piece:
                    raise OSError("it has become shorter")
                piece = piece[: stop - at]
                self.write(piece)
                await asyncio.wait_for(self.flush(), PATIENCE)
                at += len(piece)
                if start <= ticket.sent:
                    ticket.sent = max(ticket.sent, at)
        except StreamClosedError:
            return  # the browser went away; it may come back for the rest
        except TimeoutError:
            self._break_off()
        except OSError as error:
            _LOG.error("%s could not be sent: %s", ticket.offer.name, error.strerror or error)
            if self._headers_written:
                return self._break_off()  # an end that looks like one would pass for the whole file
            raise HTTPError(410) from error

    def _break_off(self) -> None:
        connection: Any = self.request.connection
        connection.stream.close()

    def check_etag_header(self) -> bool:
        """Never answer "not modified": the address is for one transfer."""
        return False

    def compute_etag(self) -> str | None:
        """Return none: it is set where the file is known."""
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say in a sentence why nothing comes."""
        self.clear_header("Content-Disposition")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{_SAID.get(status_code, 'The file cannot be sent.')}\n")

    def _log(self) -> None:
        """Log a refusal without the address, which is as good as a password."""
        if self.get_status() >= 400 and self.get_status() != 404:
            _LOG.warning("%d %s /stream/...", self.get_status(), self.request.method)


_SAID = {
    404: "There is no such file, or it has been saved already. Go back to the page and press Save once more.",
    409: "This file is being sent already.",
    410: "The file is gone. Go back to the page and make it once more.",
    416: "The file does not have these bytes.",
    503: "Too many files are being sent. Try again in a minute.",
}


def _tag(given: Offer) -> str:
    return f'"{given.sha256}"'
