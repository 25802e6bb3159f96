"""Whose jobs a page may see: a secret of the browser in a cookie, so that a reloaded page knows its jobs again."""

from __future__ import annotations

import re
import secrets
import weakref
from typing import Any

from bokeh.models import CustomJS

from musyq_lab.dashboards._extension import pn

COOKIE = "musyq_jobs"
"""Name of the cookie."""
_DAY = 86_400
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_OWN = secrets.token_urlsafe(32)
"""Of a notebook, whose process serves one person."""
_known: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()  # document of an open session -> secret


def owner() -> str:
    """Return the secret of whoever looks at the page that is being made.

    A signed-in user's own jobs go with the name; otherwise the browser gets a random secret in a cookie that is sent to
    this server alone. In a notebook it is one for the process.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        return _OWN
    if pn.state.user and pn.state.user != "guest":
        return f"user {pn.state.user} {_OWN}"
    if (known := _known.get(document)) is not None:
        return known
    sent = str((pn.state.cookies or {}).get(COOKIE, ""))
    secret = sent if _SECRET.fullmatch(sent) else secrets.token_urlsafe(32)
    if secret != sent:
        document.js_on_event("document_ready", CustomJS(code=_set_cookie(secret)))
    _known[document] = secret
    return secret


def _set_cookie(secret: str) -> str:
    # Strict: a page of another site that links here does not send it.
    return f"document.cookie = '{COOKIE}={secret}; path=/; max-age={_DAY}; SameSite=Strict'"
