"""The ``.musyq`` accessor of DataArrays: units at hand where the data are."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.units import convert


@xr.register_dataarray_accessor("musyq")  # type: ignore[no-untyped-call]
class MusyqAccessor:
    """What a DataArray can do with the nomenclature's units.

    Parameters
    ----------
    data : xarray.DataArray
        The data it is reached from.
    """

    def __init__(self, data: xr.DataArray) -> None:
        self._data = data

    def to(self, units: str) -> xr.DataArray:
        """Return the data in other units, lazily (see :func:`musyq_lab.core.units.convert`)."""
        return convert(self._data, units)
