"""What every method of the aerosol product looks at: cells of a scene, their air, the sampled light of some bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.standard import _aerosol_air as air
from musyq_lab.standard import atmosphere, layout
from musyq_lab.standard._aerosol_cells import Cells
from musyq_lab.standard._aerosol_marks import NEAR, marks

Floats = NDArray[Any]

CELL = 5000.0
"""Edge of a cell (m) at least, by default; ten pixels where that is more."""


@dataclass(frozen=True)
class Look:
    """A scene, seen by cells, in some bands."""

    cells: Cells
    """Cells."""
    keys: list[Any]
    """Tables of the bands."""
    toa: Any
    """Light of the pixels looked at, shape (band, y, x)."""
    marked: Any
    """Which may be looked at, shape (1, y, x): see :func:`musyq_lab.standard._aerosol_marks.marks`."""
    sky: Any
    """Zenith angles of Sun and view, relative azimuth, vapour, ozone, pressure of cells, shape (6, rows, columns)."""
    prior: Any
    """Mean and sigma of the optical depth before the scene is looked at, shape (2, rows, columns)."""
    slope: Any
    """Factor from the cell to each pixel above uneven ground."""

    @property
    def halo(self) -> bool:
        """Whether a cloud spoils the pixels beside it."""
        return self.cells.spacing < NEAR


def look(
    scene: xr.Dataset, bands: tuple[str, ...], given: dict[str, Any], prior: Any = None, cell: float | None = None
) -> Look:
    """Look at a scene.

    Parameters
    ----------
    scene : Dataset
        Standard scene of reflectance at the top of the atmosphere.
    bands : tuple of str
        Roles.
    given : dict
        ``water_vapour``, ``ozone``, ``pressure`` (hPa); None for the climatology.
    prior, cell
        As for :func:`musyq_lab.standard.aerosol.estimate`.
    """
    sensor, variant = str(scene.attrs["sensor"]), layout.variant_of(scene)
    keys = [atmosphere.key_of(sensor, role, variant) for role in bands]
    cells = Cells.of(scene, cell, CELL)
    state = air.state(cells, given)
    toa = cells.sampled(scene["reflectance"].sel(band=list(bands)).transpose("band", *cells.plane).data)
    sky = air.stacked([*cells.geometry(), *state.values()])
    before = air.stacked(list(air.prior(cells, prior)))
    slope = air.slope(cells, given["pressure"], state["pressure"])
    return Look(cells, keys, toa, marks(scene, cells), sky, before, slope)


def spread(cells: Cells, values: Any) -> tuple[Any, Any]:
    """Interpolate a field of cells to the pixels among the cells that have a value; also how much of them has one."""
    known = np.isfinite(values)
    share = cells.spread(known.astype(np.float32))
    total = cells.spread(_filled(values, known))
    return total / np.where(share > 0.0, share, np.float32(np.nan)), share


def _filled(values: Any, known: Any) -> Any:
    return np.where(known, values, np.float32(0.0)).astype(np.float32)
