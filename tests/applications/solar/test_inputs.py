import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.applications import solar
from musyq_lab.applications.solar.potential import annual_sum
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS

GRID = GRIDS["0p25deg"].window(100, 30, 102, 32)


@pytest.fixture(scope="module")
def clear():
    return solar.clear_sky_shortwave(GRID)


def monthly(clear):
    return (clear * 0.6).rename("ghi").assign_attrs(units="W m-2")


@pytest.mark.parametrize(("units", "per_watt"), [("MJ m-2 d-1", 0.0864), ("kWh m-2 d-1", 0.024), ("W/m2", 1.0)])
def test_any_unit_of_radiation(clear, units, per_watt):
    data = (monthly(clear) * per_watt).assign_attrs(units=units)
    np.testing.assert_allclose(solar.own_dsr(data, clear)["dsr"], monthly(clear), rtol=1e-5)


def test_annual_data_keep_their_sum_and_take_the_season_of_the_clear_sky(clear):
    annual = xr.full_like(clear[0], 5400.0).drop_vars("month").rename("ghi").assign_attrs(units="MJ m-2 a-1")
    out = solar.own_dsr(annual, clear)
    np.testing.assert_allclose(annual_sum(out["dsr"]), 5400.0, rtol=3e-5)
    np.testing.assert_allclose(out["dsr"] / clear, (out["dsr"] / clear)[0].broadcast_like(clear), rtol=1e-5)


def test_a_year_is_picked_from_a_series(clear):
    times = pd.date_range("2014-01-15", periods=24, freq="MS")
    data = xr.concat([monthly(clear), monthly(clear) * 1.2], dim="month").rename(month="time")
    data = data.assign_coords(time=times).assign_attrs(units="W m-2")
    np.testing.assert_allclose(
        solar.own_dsr(data.assign_coords(time=pd.date_range("2014-01-01", periods=24, freq="MS")), clear, year=2015)[
            "dsr"
        ],
        monthly(clear) * 1.2,
        rtol=1e-5,
    )
    both = data.assign_coords(time=pd.date_range("2014-01-01", periods=24, freq="MS"))
    np.testing.assert_allclose(solar.own_dsr(both, clear)["dsr"], monthly(clear) * 1.1, rtol=1e-5)
    with pytest.raises(InputError, match="2014 to 2015"):
        solar.own_dsr(both, clear, year=2016)


def test_product_is_complete(clear):
    data = monthly(clear)
    data[:, 0, 0] = np.nan
    out = solar.own_dsr(data, clear)
    assert out.attrs["product"] == "dsr"
    assert out["dsr_qa"].dtype == np.uint16
    assert int(out["dsr_qa"][0, 0, 0]) == 1
    assert int(out["dsr_qa"][0, 1, 1]) == 0
    np.testing.assert_allclose(out["dsr_uncertainty"][:, 1, 1] / out["dsr"][:, 1, 1], 0.10, rtol=1e-5)


@pytest.mark.parametrize(
    ("units", "word"), [(None, "no units"), ("K", "dimensions"), ("MJ m-2", "a day, a month or a year")]
)
def test_wrong_or_missing_units_are_refused(clear, units, word):
    data = monthly(clear)
    data.attrs = {"units": units} if units else {}
    with pytest.raises(InputError, match=word):
        solar.own_dsr(data, clear)


@pytest.mark.parametrize("factor", [10.0, 0.0864, -1.0])
def test_values_that_belie_their_units_are_refused(clear, factor):
    with pytest.raises(InputError, match="units"):
        solar.own_dsr((monthly(clear) * factor).assign_attrs(units="W m-2"), clear)


def test_incomplete_or_empty_data_are_refused(clear):
    with pytest.raises(InputError, match="1 to 12"):
        solar.own_dsr(monthly(clear).isel(month=slice(0, 11)).assign_attrs(units="W m-2"), clear)
    with pytest.raises(InputError, match="no valid value"):
        solar.own_dsr((monthly(clear) * np.nan).assign_attrs(units="W m-2"), clear)
    with pytest.raises(InputError, match="no time axis"):
        solar.own_dsr(monthly(clear), clear, year=2015)


def test_the_shipped_climatology_has_no_single_years():
    solar.check_year(None, own_dsr=False)
    solar.check_year(2015, own_dsr=True)
    with pytest.raises(InputError, match="2011-2015"):
        solar.check_year(2015, own_dsr=False)
