"""The small files beside a product: their names, and what they say.

``<name>.h5.sha256`` is the checksum, ``<name>.h5.run.json`` the record of the run, ``<name>.h5.withdrawn.json`` what is
left of a file that was taken away on purpose.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUFFIX = ".sha256"
RUN_SUFFIX = ".run.json"
WITHDRAWN_SUFFIX = ".withdrawn.json"
SUFFIXES = (SUFFIX, RUN_SUFFIX, WITHDRAWN_SUFFIX)

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)\n?", re.ASCII)
_SEAL = "record_sha256"
_MOST = 2**20  # bytes of a record that are read: ours have one or two thousand


def side_file(path: Path, suffix: str = SUFFIX) -> Path:
    """Return the path of a product's checksum (or, by its suffix, of another file beside it)."""
    return path.with_name(path.name + suffix)


def listed(path: Path) -> str | None:
    """Return the SHA-256 a product should have, None where no readable list says it."""
    try:
        match = _LINE.fullmatch(side_file(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return match[1] if match and match[2] == path.name else None


def seal(record: Mapping[str, Any]) -> str:
    """Return the text of a record, its own SHA-256 as its last entry, so that a flipped bit in it is found too."""
    body = {key: value for key, value in record.items() if key != _SEAL}
    return json.dumps({**body, _SEAL: _digest(body)}, indent=1) + "\n"


def record(path: Path, suffix: str = RUN_SUFFIX) -> dict[str, Any]:
    """Return what a record beside a product says, nothing where there is none or it cannot be read.

    Parameters
    ----------
    path : pathlib.Path
        The product file, there or not.
    suffix : str
        Which record.
    """
    side = side_file(path, suffix)
    try:
        with side.open("rb") as file:
            found = json.loads(file.read(_MOST).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def sealed(path: Path, suffix: str = RUN_SUFFIX) -> bool | None:
    """Return whether a record is byte for byte what was written, None where it is absent or carries no seal."""
    found = record(path, suffix)
    side = side_file(path, suffix)
    if not found:
        return False if side.exists() else None
    if _SEAL not in found:
        # A record of before there were seals; one flipped bit hides the name of the seal or that of the other entry.
        return False if "supersedes" in found else None
    try:
        return side.read_bytes() == seal(found).encode()
    except (OSError, ValueError):
        return False


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
