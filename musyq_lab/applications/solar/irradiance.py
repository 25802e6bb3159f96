r"""Monthly GHI at 0.25 degree from a coarse climatology: clear-sky index times clear-sky irradiance.

Clear-sky irradiance is Ineichen & Perez 2002 (doi 10.1016/S0038-092X(02)00045-2) with the monthly Linke turbidity and
altitude of the pvlib package. Its global part is

.. math:: G_c = c_1 E_0 \cos\theta\, e^{-m B}, \quad B = c_2 \frac{p}{p_0} (f_1 + f_2 (T_L - 1))

where the relative air mass m depends on the sun alone and B on the place alone. The mean over a day and a month is
therefore a smooth function of (latitude, month, B); it is integrated at Chebyshev nodes of B and evaluated as a
polynomial of degree 12, which costs seconds for the globe and differs from the integral by less than 1e-4.

The altitude in :math:`c_1, c_2, f_1, f_2` is held back, :math:`h' = 1600\,(1 - e^{-h/2000})` m. Taken as it is, the
model transmits 0.94 of the sunlight at 3,000 m and more than all of it above 4,500 m, where Bird's and Solis' models,
which follow the pressure, stay below 0.86; with h' it agrees with Bird's to 5 % up to 5,000 m.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from musyq_lab.applications.solar.constants import DAYS_OF_MONTH, constant
from musyq_lab.core.grid import LATITUDE, LONGITUDE, GeoGrid
from musyq_lab.core.resources import resource
from musyq_lab.standard.regrid import regrid, target_axes

Floats = NDArray[np.float64]
Target = GeoGrid | str | xr.DataArray | xr.Dataset

MONTHS = np.arange(1, 13)
NIGHT = 1.0
"""Below this clear-sky irradiance (W m-2, mean of the month) an index has no meaning: polar night."""
_B_RANGE = (0.01, 0.60)  # from the Himalaya in clean air to sea level at a Linke turbidity of 14
_DEGREE = 12
_DAYS_SAMPLED = 4
_HOURS_SAMPLED = 24
_INDEX_RANGE = (0.02, 1.2)
_CORRECTIONS = 2


def terrain_altitude(target: Target | None = None) -> xr.DataArray:
    """Return the altitude (m) that ships with pvlib, 5 arc-minutes in steps of 28 m, or its mean on a grid."""
    levels = _pvlib_field("Altitude.h5", "Altitude")
    metres = levels.astype(np.float32) * np.float32(28.0) - np.float32(450.0)
    data = metres.where(levels != 255, np.float32(0.0)).rename("altitude")
    data.attrs = {
        "units": "m",
        "standard_name": "surface_altitude",
        "source": "pvlib Altitude.h5 (Mapzen terrain tiles)",
    }
    return data if target is None else regrid(data, target)


def linke_turbidity(target: Target) -> xr.DataArray:
    """Return the monthly Linke turbidity that ships with pvlib (Remund et al. 2003), its mean on a grid."""
    stored = _pvlib_field("LinkeTurbidities.h5", "LinkeTurbidity")
    months = [regrid(stored.sel(month=m, drop=True), target).astype(np.float32) for m in MONTHS]
    data = xr.concat(months, dim=stored.month) / np.float32(20.0)  # the file holds 20 times the turbidity
    return data.rename("linke_turbidity").assign_attrs(units="1", source="pvlib LinkeTurbidities.h5 (SoDa)")


def _pvlib_field(file: str, name: str) -> xr.DataArray:
    import pvlib

    path = Path(pvlib.__file__).parent / "data" / file
    with xr.open_dataset(path, engine="h5netcdf", phony_dims="sort") as opened:
        data = opened[name].load()
    rows, columns = data.shape[:2]
    data = data.rename(dict(zip(data.dims, ("latitude", "longitude", "month"), strict=False)))
    if "month" in data.dims:  # the file keeps the months of a cell together; reading a month wants them apart
        data = data.transpose("month", ...).copy(data=np.ascontiguousarray(np.moveaxis(data.values, -1, 0)))
    axes = {
        "latitude": 90.0 - (np.arange(rows) + 0.5) * 180.0 / rows,
        "longitude": -180.0 + (np.arange(columns) + 0.5) * 360.0 / columns,
    }
    return data.assign_coords(axes | ({"month": MONTHS} if "month" in data.dims else {}))


def effective_altitude(altitude: NDArray[Any]) -> NDArray[Any]:
    """Return the altitude (m) that Ineichen's model gets (see the module)."""
    limit, scale = (constant(f"altitude_{name}").value for name in ("limit", "scale"))
    return np.asarray(limit * -np.expm1(-np.maximum(altitude, 0.0) / scale), altitude.dtype)


def clear_sky_shortwave(target: Target, *, altitude: xr.DataArray | None = None) -> xr.DataArray:
    """Return the monthly mean clear-sky irradiance on a horizontal surface.

    Parameters
    ----------
    target : GeoGrid, str, DataArray or Dataset
        Grid to work on.
    altitude : DataArray, optional
        Altitude (m) on that grid; pvlib's by default.

    Returns
    -------
    DataArray, dims (month, latitude, longitude)
        W m-2, mean over day and night; 0 in polar night.
    """
    latitude, longitude = target_axes(target)
    height = effective_altitude(np.asarray(terrain_altitude(target) if altitude is None else altitude, np.float32))
    out = np.empty((MONTHS.size, latitude.size, longitude.size), np.float32)
    turbidity = linke_turbidity(target).values
    for i, month in enumerate(MONTHS):
        attenuation, scale = _attenuation(height, turbidity[i])
        out[i] = scale * np.maximum(_evaluate(_daily_series(latitude, int(month)), attenuation), 0.0)
    return xr.DataArray(
        out,
        dims=("month", "latitude", "longitude"),
        coords={
            "month": MONTHS,
            "latitude": ("latitude", latitude, dict(LATITUDE)),
            "longitude": ("longitude", longitude, dict(LONGITUDE)),
        },
        name="clear_sky_shortwave",
        attrs={
            "units": "W m-2",
            "standard_name": "surface_downwelling_shortwave_flux_in_air_assuming_clear_sky",
            "long_name": "clear-sky irradiance, mean of the month",
            "references": "https://doi.org/10.1016/S0038-092X(02)00045-2",
        },
    )


def _attenuation(altitude: NDArray[Any], turbidity: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return B and c1 of the module's equation (coefficients as in pvlib.clearsky.ineichen)."""
    from pvlib.atmosphere import alt2pres

    f1, f2 = np.exp(-altitude / 8000.0), np.exp(-altitude / 1250.0)
    c1, c2 = 5.09e-05 * altitude + 0.868, 3.92e-05 * altitude + 0.0387
    pressure = alt2pres(altitude) / 101325.0
    return np.clip(c2 * pressure * (f1 + f2 * (turbidity - 1.0)), *_B_RANGE), c1


def _daily_series(latitude: Floats, month: int) -> Floats:
    """Return Chebyshev coefficients (degree + 1, rows) of the mean of E0 cos(zenith) exp(-m B) as a function of B."""
    from pvlib.atmosphere import get_relative_airmass
    from pvlib.irradiance import get_extra_radiation

    first = 1.0 + sum(DAYS_OF_MONTH[: month - 1])
    days = first + DAYS_OF_MONTH[month - 1] * (np.arange(_DAYS_SAMPLED) + 0.5) / _DAYS_SAMPLED
    cosine, weight = sun_path(latitude[:, None], days[None, :])
    zenith = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    mass = np.nan_to_num(get_relative_airmass(zenith), nan=40.0)
    power = get_extra_radiation(days)[None, :, None] * np.maximum(cosine, 0.0) * weight / _DAYS_SAMPLED
    nodes = chebyshev.chebpts1(_DEGREE + 1)
    values = np.array([(power * np.exp(-mass * b)).sum(axis=(1, 2)) for b in _from_unit(nodes)])
    return np.asarray(chebyshev.chebfit(nodes, values, _DEGREE))


def _from_unit(x: Floats) -> Floats:
    low, high = _B_RANGE
    return low + (x + 1.0) / 2.0 * (high - low)


def _evaluate(series: Floats, attenuation: NDArray[Any]) -> NDArray[Any]:
    low, high = _B_RANGE
    x = np.float32(2.0 / (high - low)) * (attenuation - np.float32(low)) - np.float32(1.0)
    return np.asarray(chebyshev.chebval(x, series[:, :, None].astype(np.float32), tensor=False))


def sun_path(latitude: Floats, day: Floats, samples: int = _HOURS_SAMPLED) -> tuple[Floats, Floats]:
    """Return the cosine of the zenith over half a day and the weights of a daily mean.

    Gauss-Legendre nodes of the hour angle from noon to sunset (Spencer's declination); the two halves of a day are
    alike for a surface that faces north, south or up.

    Parameters
    ----------
    latitude : ndarray
        Degrees north.
    day : ndarray
        Day of the year (1 is 1 January); broadcasts with ``latitude``.
    samples : int
        Nodes.

    Returns
    -------
    cosine, weight : ndarray, shape (..., samples)
        Sum of weight x quantity over the nodes is the mean over 24 hours.
    """
    from pvlib.solarposition import declination_spencer71

    phi, delta = np.broadcast_arrays(np.radians(latitude), declination_spencer71(day))
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(delta), -1.0, 1.0))
    nodes, weights = np.polynomial.legendre.leggauss(samples)
    hour = sunset[..., None] * (nodes + 1.0) / 2.0
    cosine = np.sin(phi)[..., None] * np.sin(delta)[..., None]
    cosine = cosine + (np.cos(phi) * np.cos(delta))[..., None] * np.cos(hour)
    return cosine, sunset[..., None] * weights / 2.0 / np.pi


def ghi_climatology() -> xr.Dataset:
    """Return the shipped GHI climatology (MERRA-2 2011-2015, 3 degrees; month, latitude, longitude; W m-2)."""
    with xr.open_dataset(resource("catalogs/samples/ghi_merra2_monthly.nc"), engine="h5netcdf") as opened:
        return opened[["ghi", "ghi_standard_deviation"]].load()


def clear_sky_index(ghi: xr.Dataset | xr.DataArray, clear_sky: xr.DataArray) -> xr.Dataset:
    """Return the field of the clear-sky index on the grid of the clear-sky irradiance.

    The index of each coarse cell is its GHI over the mean clear-sky irradiance of the fine cells in it. Cells without
    GHI (sea, polar night) take the nearest one that has it. The index is interpolated bilinearly, and corrected
    until the mean of index x clear sky over every coarse cell is the GHI again.

    Parameters
    ----------
    ghi : Dataset or DataArray, dims (month, latitude, longitude)
        GHI (W m-2) on the coarse grid; a Dataset may hold ``ghi_standard_deviation``, the spread of the days.
    clear_sky : DataArray, dims (month, latitude, longitude)
        Clear-sky irradiance on the fine grid. Give the globe and cut afterwards: at the edge of a window the
        interpolation would miss the neighbours beyond it.

    Returns
    -------
    Dataset
        ``clear_sky_index``, its one-sigma ``clear_sky_index_uncertainty`` (common GHI error and the spread among
        neighbouring coarse cells), ``clear_sky_index_spread`` (one sigma of the days of a month) and ``source_share``
        (share of the interpolation that comes from coarse cells with data).
    """
    source = ghi if isinstance(ghi, xr.DataArray) else ghi["ghi"]
    spread = ghi.get("ghi_standard_deviation") if isinstance(ghi, xr.Dataset) else None
    # Month by month: a dozen layers of the globe at 0.25 degree in float64 are 100 MB each time they are copied.
    months = [
        _month_index(
            source.sel(month=m, drop=True),
            None if spread is None else spread.sel(month=m, drop=True),
            clear_sky.sel(month=m, drop=True),
        )
        for m in source.month.values
    ]
    out = xr.concat(months, dim=source.month)
    for name, words in _INDEX_NAMES.items():
        if name in out:
            out[name].attrs = {"units": "1", "long_name": words}
    return out


def _month_index(ghi: xr.DataArray, spread: xr.DataArray | None, clear_sky: xr.DataArray) -> xr.Dataset:
    coarse = regrid(clear_sky, ghi)
    index = (ghi / coarse).where(coarse > NIGHT).clip(*_INDEX_RANGE)
    known = index.notnull()
    filled = _fill_nearest(index)
    fine = _conservative(filled, ghi.where(known), clear_sky)
    relative = constant("ghi_common_relative_sigma").value
    out = xr.Dataset({"clear_sky_index": fine})
    out["clear_sky_index_uncertainty"] = np.hypot(
        relative * fine, regrid(_neighbour_spread(filled), clear_sky, "bilinear")
    )
    if spread is not None:
        days = _fill_nearest((spread / coarse).where(known))
        out["clear_sky_index_spread"] = regrid(days, clear_sky, "bilinear")
    out["source_share"] = regrid(known.astype(float), clear_sky, "bilinear")
    return out.astype(np.float32)


_INDEX_NAMES = {
    "clear_sky_index": "global horizontal irradiance over its clear-sky value",
    "clear_sky_index_uncertainty": "one standard uncertainty of the clear-sky index",
    "clear_sky_index_spread": "standard deviation of the daily clear-sky index within the month",
    "source_share": "share of the interpolation that comes from source cells with data",
}


def _conservative(index: xr.DataArray, ghi: xr.DataArray, clear_sky: xr.DataArray) -> xr.DataArray:
    """Interpolate the index and correct it until coarse means of index x clear sky give the GHI again."""
    low, high = _INDEX_RANGE
    fine = regrid(index, clear_sky, "bilinear")
    for _ in range(_CORRECTIONS):
        ratio = (ghi / regrid(fine * clear_sky, ghi)).clip(0.5, 2.0)
        fine = (fine * regrid(_fill_nearest(ratio), clear_sky, "bilinear")).clip(low, high)
    return fine


def _fill_nearest(data: xr.DataArray) -> xr.DataArray:
    """Fill missing cells from the nearest valid cell (counted in cells, across the antimeridian)."""
    from scipy.ndimage import distance_transform_edt

    values = data.values
    missing = ~np.isfinite(values)
    if not missing.any() or missing.all():
        return data
    width = values.shape[1]
    indices: Any = distance_transform_edt(np.tile(missing, 3), return_distances=False, return_indices=True)
    return data.copy(data=np.tile(values, 3)[tuple(indices)][:, width : 2 * width])


def _neighbour_spread(index: xr.DataArray) -> xr.DataArray:
    """Return half the root mean square difference to the four neighbours: what happens between two coarse cells."""
    values = index.values
    padded = np.pad(values, ((1, 1), (0, 0)), mode="edge")
    neighbours = np.stack([np.roll(values, -1, axis=1), np.roll(values, 1, axis=1), padded[2:], padded[:-2]])
    return index.copy(data=0.5 * np.sqrt(np.mean((neighbours - values) ** 2, axis=0)))
