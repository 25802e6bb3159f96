"""The `.musyq` accessor."""

import dask.array as da
import pytest
import xarray as xr

import musyq_lab.core.accessor  # noqa: F401  (registers it)
from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convert


def test_to_is_convert():
    data = xr.DataArray([20.0, 25.0], dims="x", name="t", attrs={"units": "degC"})
    assert data.musyq.to("K").identical(convert(data, "K"))
    assert data.musyq.to("K").values.tolist() == [293.15, 298.15]


def test_to_stays_lazy():
    data = xr.DataArray(da.zeros(3), dims="x", attrs={"units": "degC"})
    assert isinstance(data.musyq.to("K").data, da.Array)


def test_refusal_reaches_the_user():
    with pytest.raises(InputError, match="'t' says no units"):
        xr.DataArray([1.0], name="t").musyq.to("K")


def test_units_set_after_first_use_are_seen():
    data = xr.DataArray([1.0], attrs={"units": "kWh"})
    assert float(data.musyq.to("MJ")[0]) == 3.6
    data.attrs["units"] = "MJ"
    assert float(data.musyq.to("kWh")[0]) == pytest.approx(1 / 3.6)
