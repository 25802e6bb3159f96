"""The raw granules of a shelf, however deep its folders are nested, and the small real ones that ship."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from musyq_lab.core.errors import MusyqError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.sensors._granule import Granule, find_all

_DEPTH = 5
"""Levels of folders looked into: `musyq simulate` writes granules/<sensor>/<time and platform>/."""
_SAMPLES = "catalogs/samples/landsat"
_MOST = 400
"""Folders looked into, so that a page over a whole disk still opens."""


def granules(shelf: Shelf) -> dict[str, Granule]:
    """Return the granules of a shelf in order of their names, and behind them those that ship: name -> granule."""
    found = dict(shelf.granules())
    for folder in _folders(shelf):
        try:
            inside = find_all(folder)
        except (MusyqError, OSError):
            continue  # it was removed meanwhile, or cannot be looked into
        for granule in inside:
            found.setdefault(granule.name, granule)
    return {**dict(sorted(found.items())), **{g.name: g for g in _shipped() if g.name not in found}}


@cache
def _shipped() -> tuple[Granule, ...]:
    try:
        return tuple(find_all(resource(_SAMPLES)))
    except NotFoundError:
        return ()


def _folders(shelf: Shelf) -> list[Path]:
    """Return the folders below those of a shelf that its own search does not reach."""
    found: list[Path] = []
    for top in shelf.folders:
        for place, names, _ in os.walk(top):
            depth = len(Path(place).relative_to(top).parts)
            names[:] = sorted(name for name in names if not name.startswith(".")) if depth < _DEPTH else []
            # A search of a folder looks into its folders as well.
            if depth and depth % 2 == 0:
                found.append(Path(place))
            if len(found) == _MOST:
                return found
    return found
