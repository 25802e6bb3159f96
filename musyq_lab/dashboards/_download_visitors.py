"""Who downloads from a served platform: one local file that only the account of the server can read.

In a notebook the one person of the account registers with :func:`musyq_lab.production.download.registration.register`.
A server has one account and many visitors: each says on the page who it is, which is kept with the session and written
to this file and nowhere else, neither to the data nor to logs. The record of downloads of the account itself names no
visitor.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import ArchiveError, MusyqError
from musyq_lab.production.download import registration
from musyq_lab.production.download.registration import Registration

FILE = "visitors.jsonl"
"""Its name, beside the record of downloads; one JSON object a line."""
SERVER = "Visitors of the served platform"
"""What the account of a server that nobody registered is called in its own record."""

_LOG = logging.getLogger(__name__)


def path() -> Path:
    """Return the file, made or not."""
    return registration.home() / FILE


def note(person: Registration, request: Mapping[str, Any]) -> None:
    """Add a line; a file that cannot be written to stops nobody, as with the account's own record.

    Parameters
    ----------
    person : Registration
        Who downloads.
    request : mapping
        What, in words that name no machine.
    """
    row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **asdict(person), "request": dict(request)}
    line = json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n"
    try:
        _append(path(), line.encode())
    except OSError as error:
        _LOG.warning("The record of visitors %s cannot be written (%s).", path(), error.strerror or error)


def _append(target: Path, line: bytes) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def account() -> None:
    """Register the account of a server under a name that is nobody's, unless its owner has registered."""
    try:
        if registration.registered() is None:
            registration.register(SERVER)
    except ArchiveError as error:
        _LOG.warning("%s", error)


def known() -> Registration | None:
    """Return who has registered in this account; a record that cannot be read stops nobody."""
    try:
        return registration.registered()
    except MusyqError:
        return None
