"""The Sun over the pixels of a dataset, where it has dates and places but no angles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.kernels import solar

_PLACE = ("latitude", "longitude")
_LONGEST = np.timedelta64(2, "h")  # an orbit takes 1.7: what covers more has no one place of the Sun, as three hours


def sun_of(name: str, dataset: xr.Dataset | None, given: Mapping[str, xr.DataArray]) -> xr.DataArray | None:
    """Return the zenith angle of the Sun, or its irradiance above the atmosphere, None where nothing tells it.

    Parameters
    ----------
    name : str
        ``sun_zenith`` (degree, true) or ``extraterrestrial_shortwave`` (W m-2); None for any other, and where the data
        are means over time (``cell_methods``), as of a day, which has no one place of the Sun.
    dataset : xarray.Dataset or None
        ``time`` (coordinate, UTC), else the attribute ``time_coverage_start`` of a granule (one whose
        ``time_coverage_end`` is not more than two hours later), tells when; ``latitude`` and
        ``longitude`` (degrees) where.
    given : mapping of str to xarray.DataArray
        Inputs by keyword, whose coordinates serve as well.
    """
    if name not in ("sun_zenith", "extraterrestrial_shortwave"):
        return None
    sources = [*([] if dataset is None else [dataset]), *given.values()]
    time = _time(sources)
    if time is None or _averaged(sources):
        return None
    if name == "extraterrestrial_shortwave":
        beyond: xr.DataArray = xr.apply_ufunc(_irradiance, time, output_dtypes=[float])
        return beyond.rename(name).assign_attrs(units="W m-2")
    latitude, longitude = (_coordinate(sources, place) for place in _PLACE)
    if latitude is None or longitude is None:
        return None
    lazy = any(getattr(variable, "chunks", None) for variable in _variables(sources))
    places = [_chunked(place, sources) if lazy else place for place in (time, latitude, longitude)]
    zenith: xr.DataArray = xr.apply_ufunc(_zenith, *places, dask="parallelized", output_dtypes=[float])
    return zenith.rename(name).assign_attrs(units="degree")


def _variables(sources: list[Any]) -> list[xr.DataArray]:
    return [v for s in sources for v in (s.data_vars.values() if isinstance(s, xr.Dataset) else [s])]


def _averaged(sources: list[Any]) -> bool:
    return any("time: mean" in str(variable.attrs.get("cell_methods", "")) for variable in _variables(sources))


def _time(sources: list[Any]) -> xr.DataArray | None:
    time = _coordinate(sources, "time")
    if time is not None and time.dtype.kind == "M":
        return time
    told = next((s.attrs for s in sources if "time_coverage_start" in s.attrs), None)
    if told is None:
        return None
    start, end = (_moment(told.get(name)) for name in ("time_coverage_start", "time_coverage_end"))
    return None if end - start > _LONGEST else xr.DataArray(start)


def _moment(said: Any) -> np.datetime64[Any]:
    return np.datetime64("NaT" if said is None else str(said).removesuffix("Z"), "ns")


def _coordinate(sources: list[Any], name: str) -> xr.DataArray | None:
    found = next((s[name] for s in sources if name in s.coords or name in getattr(s, "data_vars", ())), None)
    if found is None:
        return None
    bare: xr.DataArray = found.drop_vars([c for c in found.coords if c not in found.dims])
    return bare


def _chunked(array: xr.DataArray, sources: list[Any]) -> xr.DataArray:
    """Return a coordinate in the chunks of the data, so that what follows from it is as lazy as they are."""
    sizes = {d: chunks for v in _variables(sources) if v.chunks for d, chunks in v.chunksizes.items()}
    # A coordinate that indexes its own dimension cannot be chunked: its values are.
    plain = array.variable.to_base_variable()
    chunked = plain.chunk({d: sizes[d] for d in plain.dims if d in sizes})
    return xr.DataArray(chunked, coords=array.coords)


def _zenith(time: NDArray[Any], latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[np.float64]:
    zenith, _ = solar.zenith_azimuth(time, latitude, longitude)
    # Fill values of swaths, such as -999, are no places.
    on_earth = (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 360.0)
    return np.asarray(np.where(on_earth, zenith, np.nan), np.float64)


def _irradiance(time: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(solar.extraterrestrial(time), np.float64)
