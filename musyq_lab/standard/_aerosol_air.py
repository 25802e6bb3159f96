"""The state of the air over the cells of a scene: what is given, and the climatology for the rest."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.standard import atmosphere, climatology
from musyq_lab.standard._aerosol_cells import Cells

_NAMES = ("aod", "water_vapour", "ozone", "pressure")


def state(cells: Cells, given: dict[str, Any]) -> dict[str, Any]:
    """Return fields of cells, of what is given or of the climatology, in the order of the tables.

    Parameters
    ----------
    cells : Cells
        Of the scene.
    given : dict
        Of ``aod``, ``water_vapour``, ``ozone`` and ``pressure`` those that matter, None for the climatology.
    """
    found = {}
    for name in (name for name in _NAMES if name in given):
        if given[name] is None:
            found[name] = expected(cells, name)[0]
        else:
            atmosphere.check(name, given[name])
            found[name] = cells.means(name, given[name])
    return found


def prior(cells: Cells, given: tuple[Any, Any] | None) -> tuple[Any, Any]:
    """Return mean and sigma of the optical depth of cells before the scene is looked at."""
    if given is None:
        mean, sigma = expected(cells, "aod")
        return mean, sigma
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InputError(f"prior must be the pair (value, sigma) of the optical depth, got {given!r}.")
    for part in given:
        atmosphere.check("aod", part)
    if any(not isinstance(part, xr.DataArray) and not part > 0 for part in given):
        raise InputError(f"prior={tuple(given)!r}: value and sigma of the optical depth must be above 0.")
    mean, sigma = (cells.means(name, part) for name, part in zip(("prior value", "prior sigma"), given, strict=True))
    return mean, sigma


def expected(cells: Cells, name: str) -> tuple[Any, Any]:
    """Return value and sigma of the climatology at the altitude of each cell."""
    own = cells.scene.get("elevation")
    place = {} if name == "pressure" and own is not None else cells.place()
    if own is None:
        height = climatology.elevation(**place)
    else:
        height = xr.DataArray(cells.means("elevation", own), dims=("row", "column"))
    if name == "pressure":
        parts = climatology.pressure(height)
    else:
        time = cells.scene.attrs.get("time_coverage_start")
        if time is None:
            raise InputError(
                f"The climatology of {name} needs attrs['time_coverage_start']. Set it, or give the prior, "
                "water_vapour and ozone."
            )
        raised = {} if name == "ozone" else {"elevation": height}
        parts = getattr(climatology, name)(**place, time=time, **raised)
    value, sigma = (part.transpose("row", "column").data.astype(np.float32) for part in parts)
    return value, sigma


def stacked(fields: list[Any]) -> Any:
    """Return fields of cells in one array, lazy where one is."""
    return da.stack(fields) if any(isinstance(field, da.Array) for field in fields) else np.stack(fields)


def slope(cells: Cells, given: Any, pressure: Any) -> Any:
    r"""Return the factor :math:`(p / p_{cell})^4` from the air of a cell to that over each pixel; 1 for an even one.

    It is that of aerosol, and of water vapour, whose scale heights are a fourth of that of air.
    """
    own = cells.scene.get("elevation")
    if isinstance(given, xr.DataArray) and set(given.dims) == set(cells.plane):
        pixels = given.transpose(*cells.plane).data
    elif given is None and own is not None:
        pixels = climatology.pressure(own.transpose(*cells.plane)).value.data
    else:
        return np.float32(1.0)
    ratio = pixels.astype(np.float32) / cells.spread(pressure)
    return ratio * ratio * ratio * ratio


def told(value: Any) -> Any:
    """Return what the history says of an argument."""
    if value is None:
        return "climatology"
    return f"field {value.name or ''}".strip() if isinstance(value, xr.DataArray) else float(value)
