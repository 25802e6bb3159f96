"""Files that ship with the package or with one it needs: where they lie, their terms, whether they are whole."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.files.digest import sha256

SAMPLES = "catalogs/samples"


def locate(name: str) -> Path:
    """Return the path of a shipped file, or of one inside an installed package.

    Parameters
    ----------
    name : str
        ``"catalogs/samples/x.nc"``, or ``"pvlib:data/LinkeTurbidities.h5"`` for a file of package pvlib.
    """
    package, sign, inside = name.partition(":")
    if not sign:
        return resource(name)
    spec = find_spec(package) if package.isidentifier() else None
    path = Path(spec.origin).parent / inside if spec and spec.origin else None
    if path is None or not path.is_file():
        raise NotFoundError(
            f"Package {package!r} has no file {inside!r}. Reinstall with `python -m pip install {package}`"
        )
    return path


@cache
def sources() -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of ``catalogs/samples/SOURCES.yml`` by the path of each file from the top of the tree."""
    import yaml

    table = yaml.safe_load(resource(f"{SAMPLES}/SOURCES.yml").read_text(encoding="utf-8"))
    found: dict[str, Mapping[str, Any]] = {}
    for entry in table["samples"]:
        name = posixpath.normpath(posixpath.join(SAMPLES, entry["file"]))
        if "members" not in entry:
            found[name] = entry
        for member, digest in entry.get("members", {}).items():
            found[posixpath.join(name, member)] = {**entry, "sha256": digest, "bytes": None}
    return found


def damage(name: str) -> str:
    """Return what is wrong with a shipped sample in words, empty if it is whole.

    Parameters
    ----------
    name : str
        A key of :func:`sources`.
    """
    try:
        path = resource(name)
    except NotFoundError:
        return f"{name} is missing"
    size, expected = path.stat().st_size, sources()[name]
    if expected.get("bytes") not in {None, size}:
        return f"{name} has {size} bytes instead of {expected['bytes']}"
    return "" if sha256(path) == expected["sha256"] else f"{name} differs from the file that was shipped (sha256)"


def verify(name: str) -> None:
    """Raise ArchiveError if a shipped sample is not the file that was shipped."""
    if name in sources() and (fault := damage(name)):
        raise ArchiveError(f"{fault}. Reinstall with `python -m pip install --force-reinstall .`")
