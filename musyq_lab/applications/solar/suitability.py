r"""Which share of the land can carry photovoltaics: land cover, slope and the ground that rows of modules need.

Land cover gives a factor per IGBP class (``catalogs/solar.yml``), each for a conservative, a moderate and a liberal
reading. The default is ``"joule2019"``: it is the only published set made for this region, for these very classes and
with a stated range. ``"hoogwijk2004"`` is the older, far more cautious set of the integrated-assessment models.

Slopes are excluded by share, not all or nothing: within a cell the two components of the gradient are taken as
independent normal variables, so the share below a limit L is :math:`1 - \exp(-L^2 / s^2)` with s the root mean square
slope. A coarse terrain understates slopes, because slope falls with the baseline d as :math:`d^{1-D}` (Zhang et al.
1999, Earth Surf. Process. Landforms 24, 763-779); slopes of the shipped 9 km terrain are brought to a baseline of
1 km with one global D. A finer terrain is used as it is.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.applications.solar.constants import constant, entry
from musyq_lab.applications.solar.yields import optimum_tilt
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GeoGrid
from musyq_lab.standard.cells import SEMI_MAJOR_AXIS
from musyq_lab.standard.regrid import regrid

Scenario = Literal["conservative", "moderate", "liberal"]
SCENARIOS = ("conservative", "moderate", "liberal")
Target = GeoGrid | str | xr.DataArray | xr.Dataset

_DECLINATION = 23.44  # degrees, winter solstice
_LOWEST_SUN = 10.0  # degrees
_CLASS_OF_WATER = 17  # MCD12Q1 and MCD12C1 differ: water is 17 in the one and 0 in the other


def land_cover_factor(
    land_cover: xr.DataArray, target: Target, method: str = "joule2019", scenario: str = "moderate"
) -> xr.DataArray:
    """Return the share of each cell that its land cover leaves for photovoltaics.

    Parameters
    ----------
    land_cover : DataArray, dims (latitude, longitude)
        IGBP classes 0 to 16 (17 is read as water); anything else is no data.
    target : GeoGrid, str, DataArray or Dataset
        Grid of the result.
    method, scenario : str
        Row of ``suitability`` in ``catalogs/solar.yml``; conservative, moderate or liberal.

    Returns
    -------
    DataArray, dims (latitude, longitude)
        0 to 1.

    Raises
    ------
    InputError
        If the scenario is not known, or no cell holds an IGBP class.
    """
    factors = entry("suitability", method)["factors"]
    column = _column(scenario)
    table = np.full(256, np.nan, np.float32)
    for number, row in factors.items():
        table[int(number)] = row[column]
    table[_CLASS_OF_WATER] = table[0]
    shares = xr.apply_ufunc(
        _look_up, land_cover, kwargs={"table": table}, dask="parallelized", output_dtypes=[np.float32]
    )
    out = regrid(shares, target)
    if not bool(out.notnull().any()):
        raise InputError(
            f"No cell of {land_cover.name!r} holds an IGBP class (0-16, water 0 or 17). Give a land cover with IGBP "
            "classes, such as MCD12C1 Majority_Land_Cover_Type_1."
        )
    return out.rename("land_cover_factor").assign_attrs(
        units="1", long_name=f"share of the land that its cover leaves for photovoltaics ({method}, {scenario})"
    )


def land_share(land_cover: xr.DataArray, target: Target) -> xr.DataArray:
    """Return the share of each cell that is land: any IGBP class but water (0 or 17)."""
    table = np.full(256, np.nan, np.float32)
    table[1:_CLASS_OF_WATER] = 1.0
    table[[0, _CLASS_OF_WATER]] = 0.0
    land = xr.apply_ufunc(
        _look_up, land_cover, kwargs={"table": table}, dask="parallelized", output_dtypes=[np.float32]
    )
    return regrid(land, target).rename("land_share").assign_attrs(units="1", long_name="share of the cell that is land")


def _look_up(classes: NDArray[Any], *, table: NDArray[np.float32]) -> NDArray[np.float32]:
    whole = np.nan_to_num(classes, nan=255.0, posinf=255.0, neginf=255.0) if classes.dtype.kind == "f" else classes
    inside = (whole >= 0) & (whole <= 255)
    found: NDArray[np.float32] = table[np.where(inside, whole, 255).astype(np.uint8)]
    return found


def _column(scenario: str) -> int:
    if scenario not in SCENARIOS:
        raise InputError(f"There is no scenario {scenario!r}. Use one of {', '.join(SCENARIOS)}.")
    return SCENARIOS.index(scenario)


def slope(altitude: xr.DataArray) -> xr.DataArray:
    """Return the gradient of a terrain, rise over run, by central differences (float32).

    Parameters
    ----------
    altitude : DataArray, dims (latitude, longitude)
        m. Longitude is periodic where the field goes round the globe; missing altitude (sea) counts as 0.
    """
    values = np.nan_to_num(altitude.values.astype(np.float32))
    metre = np.radians(1.0) * SEMI_MAJOR_AXIS
    spacing = (np.gradient(altitude.latitude.values) * metre).astype(np.float32)
    step = float(np.median(np.diff(altitude.longitude.values)))
    round_the_globe = abs(step * altitude.sizes["longitude"] - 360.0) < step / 2
    east = np.empty_like(values)
    east[:, 1:-1] = values[:, 2:] - values[:, :-2]
    first, last = ((-1, 0), 2.0) if round_the_globe else ((0, -1), 1.0)
    east[:, 0] = (values[:, 1] - values[:, first[0]]) * 2.0 / last
    east[:, -1] = (values[:, first[1]] - values[:, -2]) * 2.0 / last
    width = np.maximum(step * metre * np.cos(np.radians(altitude.latitude.values)), 1.0)
    east /= (2.0 * width).astype(np.float32)[:, None]
    north = np.gradient(values, axis=0)
    north /= spacing[:, None]
    out = altitude.copy(data=np.hypot(north, east, out=north)).rename("slope")
    return out.assign_attrs(units="1", long_name="rise over run")


def relief_factor(baseline: float, dimension: float | None = None) -> float:
    """Return by how much slopes over a baseline (m) are to be raised: (baseline / 1 km)^(D - 1), at least 1."""
    d = constant("fractal_dimension").value if dimension is None else dimension
    return max(1.0, float((baseline / constant("relief_scale").value) ** (d - 1.0)))


def slope_share(steepness: xr.DataArray, target: Target, limit: float, *, factor: float | None = None) -> xr.Dataset:
    """Return the share of each cell that is flatter than a limit.

    Parameters
    ----------
    steepness : DataArray, dims (latitude, longitude)
        Result of :func:`slope`.
    target : GeoGrid, str, DataArray or Dataset
        Grid of the result.
    limit : float
        Steepest slope allowed, rise over run (0.05 is 5 %).
    factor : float, optional
        Relief factor; by default from the terrain's own spacing (1 for 1 km and finer).

    Returns
    -------
    Dataset
        ``slope_share`` (1), ``slope_share_uncertainty`` (1 sigma: the fractal dimension, where the factor is not 1)
        and attribute ``relief_factor``.
    """
    baseline = _baseline(steepness)
    used = relief_factor(baseline) if factor is None else factor
    flat = _flat(steepness, limit / used, target)
    unsure = xr.zeros_like(flat)
    if factor is None and used > 1.0:
        d = constant("fractal_dimension")
        low, high = (relief_factor(baseline, d.value + sign * d.sigma) for sign in (-1.0, 1.0))
        unsure = abs(_flat(steepness, limit / low, target) - _flat(steepness, limit / high, target)) / 2
    out = xr.Dataset({"slope_share": flat, "slope_share_uncertainty": unsure}, attrs={"relief_factor": used})
    for name in out.data_vars:
        out[name].attrs = {"units": "1", "long_name": f"share of the cell with slopes below {100 * limit:g} %"}
    return out


def _flat(steepness: xr.DataArray, limit: float, target: Target) -> xr.DataArray:
    """Return the mean of 1 - exp(-(limit / rms slope)^2) over each cell; flat ground counts whole."""
    ratio = np.float32(limit) / np.maximum(steepness.values, np.float32(1e-6))
    np.multiply(ratio, -ratio, out=ratio)
    np.exp(ratio, out=ratio)
    np.subtract(np.float32(1.0), ratio, out=ratio)
    return regrid(steepness.copy(data=ratio), target)


def _baseline(altitude: xr.DataArray) -> float:
    """Return the spacing of a terrain along the meridian, m."""
    return float(np.radians(np.abs(np.diff(altitude.latitude.values)).mean()) * SEMI_MAJOR_AXIS)


def ground_cover(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return module area over ground area for rows that do not shade each other when it matters.

    Rows keep free of shade from 9 to 15 h solar time on the winter solstice (the rule of the Chinese code GB
    50797-2012): with tilt t, sun elevation h and azimuth a at an hour angle of 45 degrees,
    :math:`1 / (\cos t + \sin t \cos a / \tan h)`. Beyond about 45 degrees the sun is then below 10
    degrees and the rule would soon forbid all rows; the elevation is held at 10 degrees (our choice).

    Parameters
    ----------
    latitude : ndarray
        Degrees north.

    Returns
    -------
    ndarray
        0 to 1.
    """
    phi, delta = np.radians(np.abs(latitude)), np.radians(-_DECLINATION)
    sine = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(np.pi / 4)
    height = np.arcsin(np.clip(sine, -1.0, 1.0))
    toward = np.cos(phi) * np.sin(delta) - np.sin(phi) * np.cos(delta) * np.cos(np.pi / 4)
    cos_azimuth = np.clip(-toward / np.maximum(np.cos(height), 1e-9), 0.0, 1.0)
    height = np.maximum(height, np.radians(_LOWEST_SUN))
    tilt = np.radians(np.abs(optimum_tilt(latitude)))
    return np.asarray(1.0 / np.maximum(np.cos(tilt) + np.sin(tilt) * cos_azimuth / np.tan(height), 1.0))
