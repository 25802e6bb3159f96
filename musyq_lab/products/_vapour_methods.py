r"""Two closed forms of the column of water vapour: of reflectance near 0.94 um, and of temperatures at 11 and 12 um.

:func:`by_exponential` is pixel by pixel, with one exponential for all light (Kaufman & Gao 1992),

.. math:: T = \frac{\rho_{0.94}}{\sum_i w_i \rho_i} = e^{\alpha - \beta \sqrt{m W / m_0}}, \qquad
   W = \frac{m_0}{m} \left(\frac{\alpha - \ln T}{\beta}\right)^2, \qquad
   m = \frac{1}{\cos\theta_s} + \frac{1}{\cos\theta_v}

with W in g cm-2, :math:`\alpha = 0.020, \beta = 0.651` for mixed surfaces (0.012 over vegetation, -0.040 over bare
soil), and the window 0.865 um alone or 0.8 of it with 0.2 of 1.24 um. The numbers are often quoted with the path m W,
:math:`m_0 = 1`; so taken they find a third of the vapour that the tables of 6S hold for this band of MODIS. With the
air mass of a Sun at 45 degrees and a view from above, :math:`m_0 = 2.41`, they follow the tables within 8 % to
20 kg m-2 and 17 % at 40: so that is the default.

:func:`by_covariance` takes cells of pixels under the same air, whose surfaces differ in temperature (Li et al. 2003):
what the air leaves of the differences in one band over what it leaves in the other is the ratio of transmittances,

.. math:: R = \frac{\sum (T_1 - \bar T_1)(T_2 - \bar T_2)}{\sum (T_1 - \bar T_1)^2}, \qquad
   W = \cos\theta_v (c_0 + c_1 R + c_2 R^2) .

Where warm ground is bare ground, whose emissivity is higher at 12 um, R comes out too large: over the simulated Earth
in summer the column is 10 kg m-2 too low on average.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import read_table
from musyq_lab.standard import _aerosol_air as air
from musyq_lab.standard._aerosol_cells import Cells, by_cell
from musyq_lab.standard._aerosol_marks import clear, marks

Floats = NDArray[Any]

ALPHA, BETA = 0.020, 0.651
"""Of Kaufman & Gao 1992 for mixed surfaces."""
REFERENCE_AIR_MASS = 1.0 + 2.0**0.5
"""m0: of the Sun at 45 degrees and a view from above."""
WINDOWS = (0.8, 0.2)
"""Shares of 0.865 and 1.24 um in the window."""
CELL = 5000.0
"""Edge of a cell (m) of temperatures at least."""

_KG = 10.0  # kg m-2 in 1 g cm-2
_SURFACES = 0.03  # of alpha from mixed surfaces to vegetation and soil: half of 0.052
_MODEL = 0.25  # relative: light scattered above the vapour, and the distance of the numbers from the tables
_ALIKE = 0.9  # least correlation of the two bands: below, something else than the air differs (ours)
_NOISE = 0.1  # K, of either band
_EMISSIVITY = 0.2  # K: what goes with temperature in one band and not in the other, of 0.4 % in emissivity (assumed)
_LEAST_PIXELS = 10


class Relation(NamedTuple):
    """Column of vapour along the path (g cm-2) as a polynomial of R."""

    c0: float
    """g cm-2."""
    c1: float
    """g cm-2."""
    c2: float
    """g cm-2."""
    rmse: float
    """g cm-2."""


def by_exponential(absorbing: Any, near: Any, far: Any, air_mass: Any) -> tuple[Any, Any]:
    """Return the column (kg m-2) and one sigma; 0 where the light is not absorbed at all.

    Parameters
    ----------
    absorbing, near : DataArray
        Reflectance at the top of the atmosphere near 0.94 and 0.865 um.
    far : DataArray or None
        Near 1.24 um.
    air_mass : DataArray
        m / m0 of the module.
    """
    window = near if far is None else WINDOWS[0] * near + WINDOWS[1] * far
    positive = (absorbing > 0) & (window > 0)
    root = (ALPHA - np.log((absorbing / window).where(positive))) / BETA
    column = _KG * root.clip(0.0) ** 2 / air_mass
    # Of the square of a root with its own error; a root below 0 is as far off as one above.
    error = _SURFACES / BETA
    surfaces = _KG / air_mass * error * np.sqrt(4.0 * root**2 + 2.0 * error**2)
    return column, np.hypot(surfaces, _MODEL * _KG / air_mass * root**2)


@lru_cache(maxsize=1)
def _relations() -> dict[tuple[str, str], Relation]:
    rows = read_table("catalogs/water_vapour/covariance_ratio.csv")
    return {(row["sensor"], row["variant"]): Relation(*(float(row[name]) for name in Relation._fields)) for row in rows}


def relation(sensor: str, variant: str = "") -> Relation:
    """Return the coefficients of a sensor: published for Landsat, fitted to simulated atmospheres for others.

    Parameters
    ----------
    sensor, variant : str
        Key, platform or camera.

    Raises
    ------
    InputError
        If the sensor has no two bands at 11 and 12 um.
    """
    table = _relations()
    found = table.get((sensor, ""), table.get((sensor, variant)))
    if found is None:
        known = ", ".join(sorted({key for key, _ in table}))
        raise InputError(f"No coefficients of the covariance ratio serve {sensor!r}. Those that have some: {known}.")
    return found


def by_covariance(scene: xr.Dataset, coefficients: Relation, cell: float | None) -> tuple[Cells, Any]:
    """Return the cells, and of each the column (kg m-2), one sigma, and 1 where the temperatures told it, else 0.

    Where they did not, the climatology of the place and time remains.

    Parameters
    ----------
    scene : Dataset
        With ``brightness_temperature`` of the bands at 11 and 12 um.
    coefficients : Relation
        Of the sensor.
    cell : float or None
        Edge of a cell (m).
    """
    cells = Cells.of(scene, cell, CELL)
    view = scene.get("view_zenith", 0.0)
    known = [cells.means("view_zenith", view), *air.expected(cells, "water_vapour")]
    light = cells.sampled(scene["brightness_temperature"].transpose("thermal_band", *cells.plane).data)
    found = cells.apply(
        _covariance_cells, light, marks(scene, cells), air.stacked(known), leading=3, coefficients=coefficients
    )
    return cells, found


def _covariance_cells(
    light: Floats, marked: Floats, known: Floats, *, rows: int, columns: int, coefficients: Relation
) -> Floats:
    usable = clear(marked[0], rows, columns, halo=False) & np.isfinite(light).all(axis=0)
    first, second = by_cell(np.where(usable, light, np.nan).astype(np.float64), rows, columns)
    there = np.isfinite(first)
    count = there.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = [np.where(there, t - (np.where(there, t, 0).sum(-1) / count)[..., None], 0.0) for t in (first, second)]
        own, cross, other = (away[0] ** 2).sum(-1), (away[0] * away[1]).sum(-1), (away[1] ** 2).sum(-1)
        ratio, alike = cross / own, cross / np.sqrt(own * other)
        c0, c1, c2, rmse = coefficients
        cosine = np.cos(np.radians(known[0].astype(np.float64)))
        value = _KG * cosine * (c0 + c1 * ratio + c2 * ratio**2)
        lever = _KG * cosine * np.abs(c1 + 2.0 * c2 * ratio)
        noise = _NOISE**2 * (1.0 + ratio**2) / own + _EMISSIVITY**2 * count / own
        sigma = np.hypot(_KG * rmse, lever * np.sqrt(noise))
    told = (count >= _LEAST_PIXELS) & (alike >= _ALIKE) & (value > 0.0)
    parts = (np.where(told, value, known[1]), np.where(told, sigma, known[2]), told)
    return np.stack(parts).astype(np.float32)
