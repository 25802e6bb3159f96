"""What the names of an expression stand for, and whether it all lies on one grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.analysis._expression_syntax import clipped
from musyq_lab.core.errors import InputError, NotFoundError, closest

SUFFIX = "_uncertainty"
"""What follows the name of a variable in that of its uncertainty."""
_GRID_ATTRIBUTES = ("crs_wkt", "grid_mapping_name")
_CLOSE = 1e-4
"""Share of a cell by which two grids may differ through rounding and still be the same."""


def looked_up(data: Mapping[str, Any], name: str) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Return the data of a name, and one sigma where there is one."""
    head, _, tail = name.partition(".")
    if not tail and isinstance(data.get(head), xr.DataArray):
        sigma = data.get(f"{head}{SUFFIX}")
        return data[head], sigma if isinstance(sigma, xr.DataArray) else None
    group = data.get(head)
    if tail and isinstance(group, xr.Dataset) and (tail in group.data_vars or tail in group.coords):
        return group[tail], group.data_vars.get(f"{tail}{SUFFIX}")
    known = _known(data)
    raise NotFoundError(f"There is no {clipped(name)!r} here.{closest(clipped(name), known)}{_list(name, known)}")


def _known(data: Mapping[str, Any]) -> list[str]:
    """Return all names that an expression may use."""
    found = []
    for name, item in data.items():
        if isinstance(item, xr.Dataset):
            found += [f"{name}.{part}" for part, array in item.data_vars.items() if array.ndim]
        elif item.ndim:
            found.append(name)
    return [name for name in found if not name.endswith(SUFFIX)]


def _list(name: str, known: list[str]) -> str:
    """Return the names, where the message does not list them already."""
    if "Known:" in closest(clipped(name), known) or not known:
        return ""
    shown = sorted(known)[:40]
    return f" Known: {', '.join(shown)}{', ...' if len(known) > len(shown) else ''}."


def bare(array: xr.DataArray) -> xr.DataArray:
    """Return the data without attributes and without further coordinates than the grid's."""
    grid = [n for n, c in array.coords.items() if c.ndim == 0 and set(_GRID_ATTRIBUTES) & set(c.attrs)]
    kept = {*array.dims, *grid}
    made = array.drop_vars([name for name in array.coords if name not in kept])
    return made.copy(deep=False).drop_attrs(deep=False)


def hollow(item: xr.DataArray | xr.Dataset) -> Any:
    """Return the same axes and attributes over data that do not exist."""
    import dask.array as da

    if isinstance(item, xr.Dataset):
        return item.assign({name: hollow(array) for name, array in item.data_vars.items()})
    return item.copy(data=da.zeros(item.shape, dtype=item.dtype, chunks=item.shape))


def unified(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give axes that differ by rounding alone the labels of the first; any other difference stays and is refused."""
    first: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for name, item in data.items():
        swaps = {}
        for dim in map(str, item.dims):
            if dim not in item.coords or item[dim].dtype.kind != "f":
                continue
            other = first.setdefault(dim, item[dim])
            if not other.equals(item[dim]) and _nearly(other.values, item[dim].values):
                swaps[dim] = other
        found[name] = item.assign_coords(swaps) if swaps else item
    return found


def _nearly(first: Any, second: Any) -> bool:
    if first.shape != second.shape or first.size < 2:
        return False
    step = abs(float(first[1]) - float(first[0]))
    return bool(np.allclose(first, second, rtol=0, atol=_CLOSE * step))


def one_crs(data: Mapping[str, Any], wanted: Iterable[str]) -> None:
    """Refuse data of different projections."""
    known: dict[str, str] = {}
    for name in wanted:
        for coord in looked_up(data, name)[0].coords.values():
            if coord.ndim == 0 and (wkt := str(coord.attrs.get("crs_wkt", ""))):
                known.setdefault(wkt, name)
    if len(known) > 1:
        first, second = list(known.values())[:2]
        raise InputError(f"{first} and {second} lie in different projections. Bring both to one grid first.")
