r"""Column of water vapour from the scene itself, by the light that it absorbs near 0.94 um.

The reflectance of the surface in the absorbing band is taken as a weighted sum of that in the windows beside it,
:math:`\rho_{0.94} = \sum_i w_i \rho_i` with the band near 0.865 um and, where the sensor has it, that near 1.24 um
(Gao & Kaufman 2003, doi:10.1029/2002JD003023, who interpolate linearly). The weights are fitted to the library of
land spectra (:mod:`musyq_lab.standard._library`), whose leaves absorb at 0.97 um; their relative error is part of the
uncertainty. The column is the one for which all bands agree, with the gas transmittances and the scattering of the
tables (:mod:`musyq_lab.standard.atmosphere`) in place of one exponential for all sensors.

It is the median over the clear pixels looked at in a cell of a kilometre or more, and follows the pressure above uneven
ground, :math:`W \propto p^4` (scale heights of 2 and 8 km).

>>> from musyq_lab.standard import vapour
>>> column = vapour.estimate(scene).water_vapour  # doctest: +SKIP
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.attributes import extend_history, history_line
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import aerosol as kernels
from musyq_lab.kernels.atmosphere import MAX_VAPOUR
from musyq_lab.standard import _aerosol_air as air
from musyq_lab.standard import atmosphere, layout
from musyq_lab.standard._aerosol_cells import Cells, by_cell, nodes
from musyq_lab.standard._aerosol_marks import median
from musyq_lab.standard._aerosol_surfaces import land

CELL = 2000.0
"""Edge of a cell (m) at least, by default."""

NODES = np.minimum(np.linspace(0.0, np.sqrt(MAX_VAPOUR), 25) ** 2, MAX_VAPOUR)
"""Columns (kg m-2) at which the bands are compared."""

CALIBRATION = 0.02
"""Relative error of the ratio of two bands (assumed: MODIS is calibrated to 2 %, Xiong & Barnes 2006,
doi:10.1007/s00376-006-0008-3)."""

TABLES = 0.02
"""Relative error of the gas transmittance as an error of the column (assumed)."""

_LEAST_LIGHT = 0.05  # reflectance at the top of the atmosphere in the window: darker ground tells of scattering
_HIDDEN = ("cloud", "cloud_shadow", "cirrus", "no_data", "saturated", "water", "terrain_shadow", "night")

Floats = NDArray[Any]


def estimate(
    scene: xr.Dataset, *, aod: Any = None, ozone: Any = None, pressure: Any = None, cell: float | None = None
) -> xr.Dataset:
    """Return the column of water vapour over the pixels of a scene, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene of reflectance at the top of the atmosphere, with the bands ``water_vapour`` and ``nir``, or
        ``nir_narrow`` where there is none (band 16 of MODIS saturates over land), and ``nir_1240`` where there is one;
        angles as for :func:`musyq_lab.standard.aerosol.estimate`. Pixels flagged as cloud, shadow, water or missing
        are not looked at, nor are dark ones.
    aod, ozone, pressure : float or DataArray, optional
        As for :func:`musyq_lab.standard.correction.correct`; the climatology by default.
    cell : float, optional
        Edge of a cell (m); 2 km or ten pixels by default, whichever is more.

    Returns
    -------
    xarray.Dataset, dims of the plane
        ``water_vapour`` and ``water_vapour_uncertainty`` (one sigma; kg m-2). Cells without a clear pixel take the
        mean of the others, NaN where there is none at all: ``water_vapour_share`` (1) is 0 there.

    Raises
    ------
    InputError
        If bands or angles are missing, the reflectance is that of the surface, or what is given cannot be used.
    """
    needed = ("reflectance", "sun_zenith")
    layout.require(scene, "vapour.estimate", bands=("water_vapour",), variables=needed, level=layout.TOP)
    bands, keys = _bands(scene)
    cells = Cells.of(scene, cell, CELL)
    given = {"aod": aod, "ozone": ozone, "pressure": pressure}
    state = air.state(cells, given)
    sky = air.stacked([*cells.geometry(), *state.values()])
    toa = cells.sampled(scene["reflectance"].sel(band=list(bands)).transpose("band", *cells.plane).data)
    hidden = cells.sampled(layout.flagged(scene, *_HIDDEN).transpose(*cells.plane).data[None])
    weights, error = windows(str(scene.attrs["sensor"]), bands, layout.variant_of(scene))
    told = {"keys": keys, "weights": weights, "error": float(np.hypot(error, CALIBRATION))}
    found = cells.apply(_columns, toa, hidden, sky, leading=2, **told)
    slope = air.slope(cells, pressure, state["pressure"])
    words = {"water_vapour": "column of water vapour", "water_vapour_uncertainty": "its standard uncertainty"}
    made = {
        name: (cells.plane, cells.spread(found[k]) * slope, {"units": "kg m-2", "long_name": title})
        for k, (name, title) in enumerate(words.items())
    }
    words_of_share = {"units": "1", "long_name": "share of cells with a clear pixel, interpolated"}
    made["water_vapour_share"] = (cells.plane, cells.spread(np.isfinite(found[0]).astype(np.float32)), words_of_share)
    coords = {name: c for name, c in scene.coords.items() if set(map(str, c.dims)) <= set(cells.plane)}
    out = xr.Dataset(made, coords=coords, attrs=dict(scene.attrs))
    out["water_vapour"].attrs["standard_name"] = "atmosphere_mass_content_of_water_vapor"
    line = history_line("vapour.estimate", {name: air.told(value) for name, value in given.items()} | {"cell": cell})
    return out.assign_attrs(history=extend_history(str(scene.attrs.get("history", "")), line))


@lru_cache(maxsize=64)
def windows(sensor: str, bands: tuple[str, ...], variant: str = "") -> tuple[tuple[float, ...], float]:
    """Return the weights of the windows, and the relative error of their sum as the absorbing band's reflectance.

    Parameters
    ----------
    sensor, variant : str
        Key, and platform or camera.
    bands : tuple of str
        The absorbing band, then the windows.
    """
    spectra = land(sensor, bands, variant)
    ratios = spectra[:, 1:] / spectra[:, :1]  # relative errors count, not those of bright surfaces
    normal = np.einsum("si,sk->ik", ratios, ratios)
    weights = np.linalg.solve(normal, ratios.sum(axis=0))
    error = np.sqrt(np.mean((np.einsum("si,i->s", ratios, weights) - 1.0) ** 2))
    return tuple(map(float, weights)), float(error)


def _bands(scene: xr.Dataset) -> tuple[tuple[str, ...], list[Any]]:
    own = [str(name) for name in scene["band"].values]
    near = next((name for name in ("nir", "nir_narrow") if name in own), None)
    if near is None:
        raise InputError(
            f"vapour.estimate needs nir or nir_narrow beside water_vapour; this scene has {', '.join(own)}. Open the "
            "scene at a resolution that has both, or leave the column to the climatology."
        )
    bands = ("water_vapour", near, *(["nir_1240"] if "nir_1240" in own else []))
    sensor, variant = str(scene.attrs["sensor"]), layout.variant_of(scene)
    return bands, [atmosphere.key_of(sensor, name, variant) for name in bands]


def _columns(
    toa: Floats, hidden: Floats, sky: Floats, *, rows: int, columns: int, keys: Any, weights: Any, error: float
) -> Floats:
    """Return column and uncertainty of each cell, shape (2, rows, columns)."""
    usable = ~hidden & (toa[1:2] > _LEAST_LIGHT)
    light = np.moveaxis(by_cell(np.where(usable, toa, np.nan).astype(np.float32), rows, columns), 0, -1)
    tables = [part[:, :, None] for part in nodes(keys, sky, water_vapour=NODES)]
    numbers = (np.asarray(weights, np.float32), NODES.astype(np.float32))
    each = np.stack(kernels.vapour(np.ascontiguousarray(light), *tables, *numbers))  # result, rows, columns, pixel
    count = np.isfinite(each[0]).sum(-1)
    column, response = median(each[0], count), median(each[1], count)
    spread = median(np.abs(each[0] - column[..., None]), count) * 1.4826  # of a normal distribution
    noise = spread / np.sqrt(np.maximum(count, 1))
    sigma = np.sqrt((response * error) ** 2 + (TABLES * column) ** 2 + noise**2)
    return np.stack([column, sigma]).astype(np.float32)
