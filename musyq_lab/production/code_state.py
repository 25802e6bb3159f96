"""One checksum for everything besides inputs and parameters that a number can depend on: code, data shipped, libraries.

A version or a commit is not enough: a source tree that is being edited has the same ones from run to run.
"""

from __future__ import annotations

import hashlib
import platform
from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path

from musyq_lab.core.resources import resource

_PACKAGE = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def code_state() -> str:
    """Return the SHA-256 of MuSyQ Lab's source and catalogs, of the installed packages and of this Python."""
    total = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    installed = {f"{m['Name']} {m['Version']}" for m in (d.metadata for d in distributions()) if m["Name"]}
    total.update("\n".join(sorted(installed)).encode())
    for folder in (_PACKAGE, resource("catalogs")):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in {".pyc", ".nbi", ".nbc"}:
                total.update(path.relative_to(folder).as_posix().encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
