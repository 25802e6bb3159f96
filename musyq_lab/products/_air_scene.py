"""Standard scenes made of the inputs of a retrieval, for the steps of :mod:`musyq_lab.standard` that work on them.

Reflectance, aerosol and water vapour look at a scene as a whole: at its place, its time, its quality bits and all its
bands. Their retrievals get arrays by name; here these become a scene again. Series along ``time`` are worked off date
by date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.variables import BAND_ROLES
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import layout

Arrays = dict[str, xr.DataArray]
Own = tuple[str, str]
"""Key of a sensor, and its platform or camera."""

TOA = "toa_reflectance_"
"""Prefix of the inputs that are bands."""
ANGLES = ("sun_zenith", "view_zenith", "relative_azimuth")
"""Inputs that are angles (degree)."""

# Whose bands stand for those of an unknown sensor: the first that has the role.
_ASSUMED: tuple[Own, ...] = (
    ("modis", "Terra"),
    ("sentinel2_msi", "Sentinel-2A"),
    ("gf6_wfv", ""),
    ("landsat_oli", "Landsat-8"),
)
_DUMMY = ("row_of_one", "column_of_one")


def bands_of(given: Mapping[str, Any]) -> Arrays:
    """Return the bands among the inputs, by role, without their uncertainties."""
    names = {
        name: name.removeprefix(TOA) for name, array in given.items() if name.startswith(TOA) and array is not None
    }
    return {role: given[name] for name, role in names.items() if role in BAND_ROLES}


def owner(sensor: str, roles: Iterable[str]) -> Own | None:
    """Return whose bands the roles are: the sensor told, else the first of a few that has all; None if none has.

    Parameters
    ----------
    sensor : str
        ``"<sensor>/<platform or camera>"``, empty where it is not known.
    roles : iterable of str
        Which bands.
    """
    key, _, variant = sensor.partition("/")
    told = [(key, variant)] if sensor else []
    wanted = set(roles)
    return next((own for own in (*told, *_ASSUMED) if wanted <= _roles(own)), None)


def _roles(own: Own) -> set[str]:
    return {band.name for band in SENSORS[own[0]].bands_of(own[1])}


def scene_of(
    bands: Arrays, given: Mapping[str, Any], own: Own, scene: xr.Dataset | None, *, thermal: bool = False
) -> xr.Dataset:
    """Return a standard scene of reflectance at the top of the atmosphere, lazily.

    Parameters
    ----------
    bands : dict of str to DataArray
        By role, of two dimensions or fewer.
    given : mapping of str to DataArray
        Inputs by name: angles and, where known, ``altitude`` and ``toa_reflectance_<role>_uncertainty``.
    own : tuple
        Whose bands they are.
    scene : Dataset or None
        Tells place, time, and quality bits.
    thermal : bool
        Whether the bands are brightness temperatures (K) instead.

    Notes
    -----
    The azimuth of the Sun is written as 0 and that of the sensor as the angle between both, which is all that the
    steps ask for.
    """
    template = _plane_like(bands)
    laid = {role: _laid(band, template) for role, band in bands.items()}
    stack, dim, units = ("brightness_temperature", "thermal_band", "K") if thermal else ("reflectance", "band", "1")
    made: dict[str, Any] = {stack: _stacked(laid, dim, units)}
    names = {role: f"{TOA}{role}_uncertainty" for role in bands}
    sigmas = {role: given[name] for role, name in names.items() if name in given}
    if len(sigmas) == len(bands):
        made["reflectance_random"] = _stacked({role: _laid(one, template) for role, one in sigmas.items()})
    made |= {name: _bare(angle) for name, angle in _angles(given).items()}
    made |= _extras(given, scene, template)
    whole = xr.Dataset(made).drop_vars([d for d in template.dims if d in _DUMMY], errors="ignore")
    return whole.assign_coords(_places(bands, scene, template)).assign_attrs(_attributes(own, scene))


def _plane_like(bands: Arrays) -> xr.DataArray:
    """Return a layer with the two dimensions of the plane; missing ones have the length one."""
    widest = max(bands.values(), key=lambda band: band.ndim)
    return widest.expand_dims([name for name in _DUMMY[widest.ndim :]]) if widest.ndim < 2 else widest


def _laid(band: xr.DataArray, template: xr.DataArray) -> xr.DataArray:
    missing = {d: template.sizes[d] for d in template.dims if d not in band.dims}
    return (band.expand_dims(missing) if missing else band).transpose(*template.dims)


def _stacked(layers: Arrays, dim: str = "band", units: str = "1") -> xr.DataArray:
    bare = [_bare(layer) for layer in layers.values()]
    whole = xr.concat(bare, dim, coords="minimal", compat="override", join="override")
    return whole.assign_coords({dim: list(layers)}).assign_attrs(units=units)


def _bare(array: xr.DataArray) -> xr.DataArray:
    return array.drop_vars([name for name in array.coords if name not in array.dims])


def _angles(given: Mapping[str, Any]) -> Arrays:
    found = {name: given[name] for name in ("sun_zenith", "view_zenith") if given.get(name) is not None}
    if (turn := given.get("relative_azimuth")) is not None:
        found |= {"view_azimuth": turn, "sun_azimuth": xr.zeros_like(turn)}
    return found


def _extras(given: Mapping[str, Any], scene: xr.Dataset | None, template: xr.DataArray) -> dict[str, Any]:
    """Return quality bits and altitude, where they lie on the pixels."""
    found: dict[str, Any] = {}
    altitude = given.get("altitude")
    if altitude is None and scene is not None:
        altitude = next((scene[name] for name in ("altitude", "elevation") if name in scene), None)
    if altitude is not None and set(altitude.dims) <= set(template.dims):
        found["elevation"] = _bare(altitude).astype(np.float32)
        found["elevation"].attrs["units"] = "m"
    qa = None if scene is None else scene.get("qa")
    if qa is not None and qa.dtype.kind in "iu" and set(qa.dims) == set(template.dims):
        found["qa"] = _bare(qa)
    return found


def _places(bands: Arrays, scene: xr.Dataset | None, template: xr.DataArray) -> dict[Any, Any]:
    """Return the coordinates that tell where the pixels are."""
    sources = [*([] if scene is None else [scene.coords]), *(band.coords for band in bands.values())]
    found = {}
    for name in ("latitude", "longitude", "spatial_ref", *template.dims):
        coordinate = next((s[name] for s in sources if name in s), None)
        if coordinate is not None and set(coordinate.dims) <= set(template.dims):
            found[name] = coordinate.variable
    return found


def _attributes(own: Own, scene: xr.Dataset | None) -> dict[str, Any]:
    known = {} if scene is None else scene.attrs
    attrs = {name: known[name] for name in ("time_coverage_start", "history") if name in known}
    if scene is not None and "time" in scene.coords and not scene["time"].ndim:
        attrs["time_coverage_start"] = f"{scene['time'].values.astype('datetime64[s]')}Z"
    return {**attrs, "sensor": own[0], "platform": own[1], "camera": own[1], "reflectance_level": layout.TOP}


def each_date(
    function: Callable[[Arrays, xr.Dataset | None], Arrays], arrays: Arrays, scene: xr.Dataset | None
) -> Arrays:
    """Run a function of a scene over each date of a series, or over the one scene there is.

    Parameters
    ----------
    function : callable
        Takes inputs by name, without ``time``, and the scene of the date; returns arrays by name.
    arrays : dict of str to DataArray
        Inputs, some of them along ``time``.
    scene : Dataset or None
        As the user gave it.
    """
    return joined([function(*one) for one in dates(arrays, scene)], arrays)


def dates(arrays: Arrays, scene: xr.Dataset | None) -> list[tuple[Arrays, xr.Dataset | None]]:
    """Return inputs and scene of each date of a series; of the one scene there is where nothing lies along ``time``."""
    along = _along(arrays)
    if along is None:
        return [(arrays, scene)]
    whole = xr.Dataset() if scene is None else scene
    found: list[tuple[Arrays, xr.Dataset | None]] = []
    for k in range(along.sizes["time"]):
        cut = {name: a.isel(time=k) if "time" in a.dims else a for name, a in arrays.items()}
        here = whole.isel(time=k) if "time" in whole.dims else whole
        if "time" in along.coords:
            here = here.assign_coords(time=along["time"].values[k])
        found.append((cut, here))
    return found


def joined(parts: list[Arrays], arrays: Arrays) -> Arrays:
    """Return the results of :func:`dates` along ``time`` again."""
    along = _along(arrays)
    if along is None:
        return parts[0]
    stamps = {"time": along["time"].variable} if "time" in along.coords else {}
    return {
        name: xr.concat([_bare(part[name]) for part in parts], "time", coords="minimal").assign_coords(stamps)
        for name in parts[0]
    }


def _along(arrays: Arrays) -> xr.DataArray | None:
    return next((array for array in arrays.values() if "time" in array.dims), None)


def check_angles(product: str, given: frozenset[str]) -> None:
    """Refuse a view without its azimuth.

    Parameters
    ----------
    product : str
        For the message.
    given : frozenset of str
        Names of the inputs that are there.
    """
    if "view_zenith" in given and "relative_azimuth" not in given:
        raise InputError(
            f'retrieve("{product}") is given view_zenith without relative_azimuth (degree, 0 with Sun and sensor on '
            "one side). Add it, or the azimuths sun_azimuth and view_azimuth."
        )


def on_pixels(made: Mapping[str, xr.DataArray], like: xr.DataArray) -> Arrays:
    """Return results with the dimensions and the coordinates of an input: those of length one are gone again."""
    found = {}
    for name, array in made.items():
        flat = _bare(array).squeeze([d for d in _DUMMY if d in array.dims], drop=True)
        found[name] = flat.drop_vars(list(flat.coords)).assign_coords(
            {n: c.variable for n, c in like.coords.items() if set(c.dims) <= set(flat.dims)}
        )
    return found
