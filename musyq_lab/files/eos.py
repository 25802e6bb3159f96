"""The texts inside HDF-EOS files: which grids there are and where they lie, and the inventory metadata.

Both are written in ODL, a language of ``NAME = value`` lines in nested groups. The corners of a grid are the outer
edges of its corner cells (HDF-EOS Library User's Guide, 170-EMD-001, GDcreate), in metres for a map projection and in
packed degrees (DDDMMMSSS.SS) for geographic grids.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, SceneError, closest

SPHERE = 6371007.181
"""Radius (m) of the sphere of the MODIS sinusoidal grid."""

_PAIR = re.compile(r"([\w.]+)\s*=\s*(.*)", re.DOTALL)
_ITEM = re.compile(r'"[^"]*"|[^\s,()"]+')
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_MAX_CELLS = 400_000


@dataclass(frozen=True, eq=False)
class EosGrid:
    """One grid of an HDF-EOS file."""

    name: str
    """Name in the file."""
    x: NDArray[np.float64]
    """Centres of the columns: metres, or degrees east."""
    y: NDArray[np.float64]
    """Centres of the rows: metres, or degrees north."""
    proj: str
    """CRS as a PROJ string."""
    geographic: bool
    """Whether the coordinates are degrees."""
    dims: Mapping[str, tuple[str, ...]]
    """Field -> names of its axes."""

    @property
    def crs(self) -> Any:
        """The CRS (:class:`pyproj.crs.CRS`)."""
        from pyproj import CRS

        return CRS.from_user_input(self.proj)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.y), len(self.x)


def joined(attributes: Mapping[str, Any], name: str) -> str:
    """Return a text that a file keeps in numbered attributes (``CoreMetadata.0``, ``.1`` ...), "" where it has none."""
    numbered = [(int(m[1]), str(v)) for k, v in attributes.items() if (m := re.fullmatch(rf"{name}\.(\d+)", k))]
    # No attribute is longer than 65,535 bytes, so a text is cut anywhere; padding follows the last part.
    return "".join(part.rstrip("\0 ") if part.endswith("\0") else part for _, part in sorted(numbered)).rstrip("\0 \n")


def _statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each statement; a value in parentheses or quotes may run over several lines."""
    pending = ""
    for line in text.splitlines():
        pending = f"{pending}\n{line}" if pending else line.strip()
        open_quote = pending.count('"') % 2
        bare = re.sub(r'"[^"]*"', "", pending)
        if open_quote or bare.count("(") > bare.count(")"):
            continue
        if match := _PAIR.match(pending):
            yield match[1], match[2].strip()
        pending = ""


def _value(text: str) -> Any:
    items = [_item(item) for item in _ITEM.findall(text)]
    if text.startswith("("):
        return tuple(items)
    return items[0] if len(items) == 1 else text


def _item(text: str) -> Any:
    if text.startswith('"'):
        return text.strip('"').strip()
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def inventory(text: str) -> dict[str, Any]:
    """Return the inventory metadata.

    Parameters
    ----------
    text : str
        ``CoreMetadata.0``.

    Returns
    -------
    dict
        Object -> value; of several objects alike (numbered classes) the first. The pairs ADDITIONALATTRIBUTENAME and
        PARAMETERVALUE become one entry each.
    """
    found: dict[str, Any] = {}
    current = pending = ""
    for name, value in _statements(text):
        if name == "OBJECT":
            current = value
        elif name == "VALUE" and current == "ADDITIONALATTRIBUTENAME":
            pending = str(_value(value))
        elif name == "VALUE" and current == "PARAMETERVALUE" and pending:
            found.setdefault(pending, _value(value))
            pending = ""
        elif name == "VALUE" and current:
            found.setdefault(current.upper(), _value(value))
    return found


def grids(text: str, path: str) -> dict[str, EosGrid]:
    """Return the grids that a file describes, by name.

    Parameters
    ----------
    text : str
        ``StructMetadata.0``.
    path : str
        File, for messages.

    Raises
    ------
    SceneError
        If a grid makes no sense or is in a projection that this package does not know.
    """
    made = (_grid(fields, dims, path) for fields, dims in _grid_groups(text))
    return {grid.name: grid for grid in made}


def chosen(found: Mapping[str, EosGrid], name: str | None, path: str) -> EosGrid:
    """Return the grid of a name, or the only one.

    Raises
    ------
    SceneError
        If there is none.
    NotFoundError
        If there is none of that name.
    InputError
        If there are several and none is named.
    """
    if not found:
        raise SceneError(f"{path} describes no grid (StructMetadata.0). It is damaged, or no HDF-EOS grid file.")
    if name is None and len(found) > 1:
        raise InputError(f"{path} has {len(found)} grids: {', '.join(found)}. Name one.")
    if name is not None and name not in found:
        raise NotFoundError(f"{path} has no grid {name!r}.{closest(name, found)}")
    return found[name] if name is not None else next(iter(found.values()))


def _grid_groups(text: str) -> Iterator[tuple[dict[str, Any], dict[str, tuple[str, ...]]]]:
    """Yield the statements of each grid and the axes of its fields."""
    fields: dict[str, Any] = {}
    dims: dict[str, tuple[str, ...]] = {}
    inside = False
    field = ""
    for name, value in _statements(text):
        if name == "GROUP" and re.fullmatch(r"GRID_\d+", value):
            inside, fields, dims = True, {}, {}
        elif name == "END_GROUP" and re.fullmatch(r"GRID_\d+", value):
            inside = False
            yield fields, dims
        elif inside and name == "DataFieldName":
            field = str(_value(value))
        elif inside and name == "DimList" and field:
            listed = _value(value)
            dims[field] = tuple(map(str, listed if isinstance(listed, tuple) else (listed,)))
        elif inside:
            fields.setdefault(name, _value(value))


def _grid(fields: Mapping[str, Any], dims: Mapping[str, tuple[str, ...]], path: str) -> EosGrid:
    name = str(fields.get("GridName", ""))
    projection = str(fields.get("Projection", ""))
    unit: Callable[[float], float]
    if projection == "GCTP_GEO":
        proj, unit, limits = "EPSG:4326", _degrees, (180.0 + 1e-6, 90.0 + 1e-6)
    elif projection == "GCTP_SNSOID":
        radius, meridian = _sinusoid(fields, path)
        proj = f"+proj=sinu +lon_0={meridian:.12g} +x_0=0 +y_0=0 +R={radius:.12g} +units=m +no_defs"
        unit, limits = float, (math.pi * radius + 1.0, math.pi / 2 * radius + 1.0)
    else:
        raise SceneError(f"{path}: the grid {name!r} is in the projection {projection!r}, which is not known here.")
    corners = [_pair(fields, key, unit) for key in ("UpperLeftPointMtrs", "LowerRightMtrs")]
    size = _pair(fields, ("XDim", "YDim"), int)
    if not (corners[0] and corners[1] and size) or not _sensible(corners[0], corners[1], size, limits):
        raise SceneError(
            f"{path}: the corners or the size of the grid {name!r} are missing or damaged. Fetch it again."
        )
    (west, north), (east, south), (columns, rows) = corners[0], corners[1], size
    x = west + (east - west) * (np.arange(columns) + 0.5) / columns
    y = north + (south - north) * (np.arange(rows) + 0.5) / rows
    return EosGrid(name, x, y, proj, projection == "GCTP_GEO", dict(dims))


def _sinusoid(fields: Mapping[str, Any], path: str) -> tuple[float, float]:
    """Return radius (m) and central meridian (degree) from the 13 parameters of GCTP."""
    parameters = fields.get("ProjParams", ())
    if not isinstance(parameters, tuple) or len(parameters) < 5 or not all(_is_number(p) for p in parameters):
        raise SceneError(f"{path}: the parameters of the sinusoidal projection are missing or damaged. Fetch it again.")
    radius = float(parameters[0]) or SPHERE
    if not 6.3e6 < radius < 6.4e6:
        raise SceneError(f"{path}: the sinusoidal projection is on a sphere of {radius:g} m. The header is damaged.")
    return radius, _degrees(parameters[4])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _pair(fields: Mapping[str, Any], keys: str | tuple[str, str], kind: Any) -> tuple[Any, Any] | None:
    both = fields.get(keys, ()) if isinstance(keys, str) else tuple(fields.get(key) for key in keys)
    if isinstance(both, tuple) and len(both) == 2 and all(_is_number(v) for v in both):
        return kind(both[0]), kind(both[1])
    return None


def _sensible(first: tuple[float, float], last: tuple[float, float], size: Any, limits: tuple[float, float]) -> bool:
    inside = all(abs(x) <= limits[0] and abs(y) <= limits[1] for x, y in (first, last))
    return inside and first[0] < last[0] and first[1] > last[1] and all(0 < n <= _MAX_CELLS for n in size)


def _degrees(packed: float) -> float:
    """Return degrees from DDDMMMSSS.SS."""
    minutes, seconds = divmod(abs(float(packed)), 1000.0)
    degrees, minutes = divmod(minutes, 1000.0)
    return math.copysign(degrees + minutes / 60.0 + seconds / 3600.0, packed) if packed else 0.0
