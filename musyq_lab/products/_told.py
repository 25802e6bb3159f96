"""What a retrieval's function is told beside its arrays: the sensor of the scene, the years of a series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Product
from musyq_lab.standard.layout import variant_of


class Years(NamedTuple):
    """The calendar of a series."""

    days: NDArray[np.float64]
    """Days since 1970-01-01 of each sample, shape (time,)."""
    labels: tuple[int, ...]
    """Every calendar year from the first to the last that holds a sample."""
    members: NDArray[np.bool_]
    """Which samples lie in which year, shape (time, year)."""


def sensor_of(dataset: xr.Dataset | None) -> str:
    """Return ``"<sensor>/<variant>"`` whose bands a scene has, or was adjusted to; empty if it does not say."""
    attrs: Mapping[str, Any] = {} if dataset is None else dataset.attrs
    if sensor := attrs.get("reference_sensor"):
        return f"{sensor}/{attrs.get('reference_platform', '')}"
    if dataset is None or "sensor" not in attrs:
        return ""
    return f"{attrs['sensor']}/{variant_of(dataset)}"


def days_of(spec: Product, arrays: Mapping[str, xr.DataArray]) -> NDArray[np.float64]:
    """Return the dates of the inputs' series as days since 1970-01-01, shape (time,).

    Raises
    ------
    InputError
        If the inputs have no coordinate ``time`` of dates.
    """
    return (_stamps(spec, arrays) - np.datetime64("1970-01-01", "ns")) / np.timedelta64(1, "D")


def years_of(spec: Product, arrays: Mapping[str, xr.DataArray]) -> Years:
    """Return the calendar of the inputs' series.

    Raises
    ------
    InputError
        If the inputs have no coordinate ``time`` of dates in rising order.
    """
    stamps = _stamps(spec, arrays)
    if np.isnat(stamps).any() or (np.diff(stamps) <= np.timedelta64(0)).any():
        raise InputError(f'retrieve("{spec.key}") needs dates in rising order, each once. Use ds.sortby("time").')
    years = stamps.astype("datetime64[Y]").astype(int) + 1970
    labels = tuple(range(int(years[0]), int(years[-1]) + 1)) if years.size else ()
    members = years[:, None] == np.array(labels, int)[None, :]
    return Years(days_of(spec, arrays), labels, members)


def _stamps(spec: Product, arrays: Mapping[str, xr.DataArray]) -> NDArray[np.datetime64]:
    time = next((a.coords["time"] for a in arrays.values() if "time" in a.coords), None)
    if time is None or time.dtype.kind != "M" or time.ndim != 1:
        raise InputError(
            f'retrieve("{spec.key}") works on series: its inputs need a dimension "time" with dates (datetime64) as '
            "coordinate."
        )
    return np.asarray(time.values.astype("datetime64[ns]"))
