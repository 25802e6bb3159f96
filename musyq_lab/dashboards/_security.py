"""What keeps a served platform safe: who may connect, who must sign in, how much anybody may have.

Nothing here is of our own make where Panel, Bokeh and Tornado have it: sign-in is Panel's basic auth or OAuth, sessions
and websockets are Bokeh's. This module checks what they are given, and adds headers and caps.

What it does not do: it encrypts nothing (put a proxy with TLS in front of a platform that is open to others), and a
session can take memory of the process up to the caps of jobs and pages.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.web import OutputTransform

from musyq_lab.core.errors import InputError, closest
from musyq_lab.dashboards import _download_work, _granules_upload, _stream
from musyq_lab.dashboards._download_work import DownloadLimits
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._jobs import JOBS, JobLimits
from musyq_lab.dashboards._page import WIDE
from musyq_lab.production.download.estimate import bytes_of

SECRET = "MUSYQ_COOKIE_SECRET"
"""Variable with the secret that signs the cookies of those who have signed in."""
OAUTH_KEY, OAUTH_SECRET = "MUSYQ_OAUTH_KEY", "MUSYQ_OAUTH_SECRET"
"""Variables with what the OAuth provider gave; not options, since those show in the list of processes."""

MESSAGE = 20 * 2**20
"""Bytes of one message that a browser may send: Bokeh cuts the connection at more."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LOCAL = ("127.0.0.1", "localhost")
_LEAST_SECRET = 32
_LEAST_PASSWORD = 8
_LOG = logging.getLogger(__name__)

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}
"""What every answer says; those of a handler of its own stay."""
FRAMES = "frame-ancestors 'self'"
"""Who may show a page inside another: this server alone."""


@dataclass(frozen=True)
class Safety:
    """The settings of a served platform; each default is the careful one."""

    origins: tuple[str, ...] = ()
    """Further ``host:port`` from which a page may connect, behind a proxy; compared whole."""
    basic_auth: Path | None = None
    """JSON file with name -> password of those who may sign in; readable by its owner alone."""
    oauth: str = ""
    """Name of an OAuth provider that Panel knows, such as ``github``."""
    redirect: str = ""
    """Address to which the OAuth provider sends people back."""
    sessions: int = 200
    """Pages open at once; further ones are told to come back."""
    upload: str = "20 MB"
    """Most that a visitor may hand in at once; ``0`` for nothing."""
    downloads: DownloadLimits = field(default_factory=DownloadLimits)
    """What a visitor may download."""
    jobs: JobLimits = field(default_factory=JobLimits)
    """How much may be computed."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.basic_auth is not None and self.oauth:
            raise InputError("Give a file of passwords or an OAuth provider, not both.")
        if self.sessions < 1:
            raise InputError(f"sessions={self.sessions} would let nobody in. Give 1 or more.")
        if (bytes_of(self.upload) or 0) > MESSAGE:
            raise InputError(f"upload={self.upload!r} is more than the {MESSAGE // 2**20} MiB that a browser can send.")

    def options(self, port: int, address: str) -> dict[str, Any]:
        """Return the arguments for ``panel.serve``, and put the limits into force.

        Parameters
        ----------
        port, address
            Where the server listens.

        Raises
        ------
        InputError
            If an origin, the file of passwords or a secret cannot be used. That others can connect and nobody has to
            sign in is warned of, not refused.
        """
        found: dict[str, Any] = {
            "websocket_origin": origins(port, address, self.origins),
            "extra_patterns": _stream.patterns(),
            "transforms": [Headers],
            "websocket_max_message_size": MESSAGE,
            "admin": False,
            **self._sign_in(),
        }
        if address not in _LOCAL and not (self.basic_auth or self.oauth):
            _LOG.warning(
                "The platform listens on %s and nobody has to sign in: whoever reaches it may use it.", address
            )
        JOBS.limits = self.jobs
        _download_work.PLACE.limits = self.downloads
        _granules_upload.LIMITS.most = bytes_of(self.upload) or 0
        return found

    def _sign_in(self) -> dict[str, Any]:
        if self.basic_auth is not None:
            return {"basic_auth": str(passwords(self.basic_auth)), "cookie_secret": cookie_secret()}
        if self.oauth:
            return {"cookie_secret": cookie_secret(), **_oauth(self.oauth, self.redirect)}
        return {}


def origins(port: int, address: str, more: Sequence[str] = ()) -> list[str]:
    """Return the hosts whose pages may open a connection: this server's own names, and those given.

    Bokeh compares them whole, in small letters, with host and port of the page; a page of another scheme on the same
    host and port is the same server.

    Parameters
    ----------
    port, address
        Where the server listens.
    more : sequence of str
        Further ``host:port``.

    Raises
    ------
    InputError
        If one is a pattern or no ``host:port``: ``*`` would let any web page read what is served; or if the variable
        ``BOKEH_ALLOW_WS_ORIGIN`` would override them.
    """
    if os.environ.get("BOKEH_ALLOW_WS_ORIGIN"):
        raise InputError(
            "The variable BOKEH_ALLOW_WS_ORIGIN is set and would replace the check of origins. Unset it and give "
            "origins= (--origin host:port)."
        )
    local = address in _LOCAL
    own = [f"127.0.0.1:{port}", f"localhost:{port}"] if local else [f"{address.lower()}:{port}"]
    return [*own, *(_origin(given) for given in more)]


def _origin(given: str) -> str:
    host, _, number = given.lower().rpartition(":")
    if not (_HOST.fullmatch(host) and number.isascii() and number.isdigit() and 0 < int(number) < 65536):
        raise InputError(f"{given!r} is no origin. Give host:port, such as 'lab.example.org:443', no wildcards.")
    return f"{host}:{int(number)}"


def passwords(path: Path) -> Path:
    """Check the file with which Panel's basic auth lets people in.

    Parameters
    ----------
    path : pathlib.Path
        JSON object: name -> password, in plain text, as Panel compares it; so nobody but its owner may read it.

    Raises
    ------
    InputError
        If it is not there, can be read by others, or holds something else. No password is repeated.
    """
    path = path.expanduser()
    try:
        state = path.stat()
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is not JSON"
        raise InputError(f"The file of passwords {path} cannot be used: {reason}. {_HOW}") from None
    if stat.S_IMODE(state.st_mode) & 0o077:
        raise InputError(f"The file of passwords {path} can be read by others. Run: chmod 600 {path}")
    good = isinstance(found, dict) and found
    if not good or not all(isinstance(k, str) and k.strip() and isinstance(v, str) for k, v in found.items()):
        raise InputError(f"The file of passwords {path} does not hold names and passwords. {_HOW}")
    if short := sorted(name for name, word in found.items() if len(word) < _LEAST_PASSWORD):
        raise InputError(f"The password of {short[0]!r} has fewer than {_LEAST_PASSWORD} letters. Choose a longer one.")
    return path


_HOW = 'It holds one JSON object, {"name": "password", ...}, and has mode 600.'


def cookie_secret() -> str:
    """Return the secret that signs cookies: that of the environment, else a new one, which ends with the server.

    Raises
    ------
    InputError
        If the one given is short enough to be guessed. It is not repeated.
    """
    given = os.environ.get(SECRET, "")
    if not given:
        return secrets.token_urlsafe(_LEAST_SECRET)
    if len(given) < _LEAST_SECRET:
        raise InputError(
            f"The variable {SECRET} has fewer than {_LEAST_SECRET} letters. Make one: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return given


def _oauth(provider: str, redirect: str) -> dict[str, Any]:
    from panel.auth import AUTH_PROVIDERS

    if provider not in AUTH_PROVIDERS:
        raise InputError(f"There is no OAuth provider {provider!r}.{closest(provider, AUTH_PROVIDERS)}")
    key, secret = os.environ.get(OAUTH_KEY, ""), os.environ.get(OAUTH_SECRET, "")
    if not (key and secret):
        raise InputError(f"Sign-in by {provider} needs the variables {OAUTH_KEY} and {OAUTH_SECRET}.")
    found = {"oauth_provider": provider, "oauth_key": key, "oauth_secret": secret}
    return {**found, "oauth_redirect_uri": redirect} if redirect else found


class Headers(OutputTransform):
    """Adds :data:`HEADERS` to every answer of the server, pages and their parts alike."""

    def transform_first_chunk(
        self, status_code: int, headers: Any, chunk: bytes, finishing: bool
    ) -> tuple[int, Any, bytes]:
        """Add what the handler has not said itself."""
        for name, value in HEADERS.items():
            if name not in headers:
                headers[name] = value
        policy = headers.get("Content-Security-Policy", "")
        headers["Content-Security-Policy"] = f"{policy}; {FRAMES}" if policy else FRAMES
        # Bokeh lets any page load the script with which it would embed ours, with a session of its own in it.
        if headers.get("Access-Control-Allow-Origin") == "*":
            del headers["Access-Control-Allow-Origin"]
        return status_code, headers, chunk


def limited(page: Callable[[], Any], most: int) -> Callable[[], Any]:
    """Return a page that is shown to so many at once; others are told to come back.

    Parameters
    ----------
    page : callable
        Makes the page of a session.
    most : int
        Sessions at once, of all pages together.
    """

    def guarded() -> Any:
        if live_sessions() > most:
            text = f"{most} pages of this platform are open, which is as many as it serves. Try again in a minute."
            return pn.pane.Alert(text, alert_type="warning", **WIDE)
        return page()

    return guarded


def live_sessions() -> int:
    """Return how many sessions this process has, the one that asks among them."""
    return sum(len(server.get_sessions()) for server, *_ in pn.state._servers.values())
