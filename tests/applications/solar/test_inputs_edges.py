"""The user's own irradiance at the edges: order of months, limits of what is possible, coarse grids, gaps."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.applications import solar
from musyq_lab.applications.solar.constants import DAYS_OF_MONTH, constant
from musyq_lab.applications.solar.potential import annual_sum, climatology, month_lengths
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS
from musyq_lab.products.dsr import SPEC

GRID = GRIDS["0p25deg"].window(100, 30, 102, 32)


@pytest.fixture(scope="module")
def clear():
    return solar.clear_sky_shortwave(GRID)


def monthly(clear, factor=0.6):
    return (clear * factor).rename("ghi").assign_attrs(units="W m-2")


class TestPossible:
    @pytest.mark.parametrize("factor", [0.16, 0.3, 1.0, 1.19])
    def test_an_overcast_and_a_cloudless_land_pass(self, clear, factor):
        out = solar.own_dsr(monthly(clear, factor), clear)
        np.testing.assert_allclose(out["dsr"], clear * factor, rtol=1e-5)

    @pytest.mark.parametrize("factor", [0.0, 0.14, 1.21, 3.6, 24.0])
    def test_beyond_it_the_units_are_wrong(self, clear, factor):
        with pytest.raises(InputError, match="not possible"):
            solar.own_dsr(monthly(clear, factor), clear)

    def test_the_message_tells_the_units_and_the_percentage(self, clear):
        with pytest.raises(InputError, match=r"'W m-2'.* 360 %"):
            solar.own_dsr(monthly(clear, 3.6), clear)

    def test_a_few_wild_cells_do_not_decide(self, clear):
        data = monthly(clear)
        data[:, 0, 0] *= 50
        out = solar.own_dsr(data, clear)
        limit = SPEC.variable("dsr").valid_range[1]
        assert out["dsr"].max() <= limit
        wild = data[:, 0, 0].values > limit
        assert wild.any()
        np.testing.assert_array_equal(np.isnan(out["dsr"][:, 0, 0].values), wild)
        np.testing.assert_array_equal(out["dsr_qa"][:, 0, 0].values > 0, wild)

    def test_negative_cells_are_removed_and_flagged(self, clear):
        data = monthly(clear)
        data[3, 2, 2] = -5.0
        out = solar.own_dsr(data, clear)
        assert np.isnan(out["dsr"][3, 2, 2])
        assert int((out["dsr_qa"] > 0).sum()) == 1


class TestMonths:
    def test_order_does_not_matter(self, clear):
        mixed = monthly(clear).isel(month=[6, 0, 11, 3, 1, 2, 5, 4, 10, 9, 8, 7])
        out = solar.own_dsr(mixed, clear)
        assert out["month"].values.tolist() == list(range(1, 13))
        np.testing.assert_allclose(out["dsr"], monthly(clear), rtol=1e-6)

    def test_order_of_dimensions_does_not_matter(self, clear):
        turned = monthly(clear).transpose("longitude", "month", "latitude")
        out = solar.own_dsr(turned, clear)
        assert out["dsr"].dims == ("month", "latitude", "longitude")
        np.testing.assert_allclose(out["dsr"], monthly(clear), rtol=1e-6)

    @pytest.mark.parametrize("months", [[*range(1, 12), 11], list(range(12)), [1]])
    def test_a_wrong_set_of_months_is_refused(self, clear, months):
        data = monthly(clear).isel(month=slice(0, len(months))).assign_coords(month=months)
        with pytest.raises(InputError, match="1 to 12 are needed"):
            solar.own_dsr(data, clear)

    def test_a_series_that_lacks_a_month_is_refused(self, clear):
        times = pd.date_range("2015-01-01", periods=11, freq="MS")
        data = monthly(clear).isel(month=slice(0, 11)).rename(month="time").assign_coords(time=times)
        with pytest.raises(InputError, match=r"10, 11\]; all of 1 to 12"):
            solar.own_dsr(data, clear)

    def test_days_are_averaged_by_month(self, clear):
        times = pd.date_range("2015-01-01", "2015-12-31", freq="D")
        ramp = 1.0 + 0.2 * (times.day.values - (times.days_in_month.values + 1) / 2) / times.days_in_month.values
        daily = monthly(clear).sel(month=xr.DataArray(times.month.values, dims="time")).drop_vars("month")
        daily = (daily * xr.DataArray(ramp, dims="time")).assign_coords(time=times).assign_attrs(units="W m-2")
        # The ramp is symmetric about the middle of each month, so the means are those of the month.
        np.testing.assert_allclose(solar.own_dsr(daily, clear, year=2015)["dsr"], monthly(clear), rtol=1e-5)

    def test_a_year_without_data_tells_the_years_there_are(self, clear):
        times = pd.date_range("2001-01-01", periods=12, freq="MS")
        data = monthly(clear).rename(month="time").assign_coords(time=times)
        with pytest.raises(InputError, match="no data of 2015; it covers 2001 to 2001"):
            solar.own_dsr(data, clear, year=2015)


class TestGrid:
    def test_a_coarse_constant_stays_the_constant(self, clear):
        axes = {"latitude": [36.0, 33.0, 30.0, 27.0], "longitude": [96.0, 99.0, 102.0, 105.0]}
        coarse = xr.DataArray(
            np.full((12, 4, 4), 180.0), dims=("month", "latitude", "longitude"),
            coords={"month": np.arange(1, 13), **axes}, attrs={"units": "W m-2"},
        )  # fmt: skip
        out = solar.own_dsr(coarse, clear)
        assert out["dsr"].shape == clear.shape
        np.testing.assert_allclose(out["dsr"], 180.0, rtol=1e-5)

    def test_an_annual_mean_keeps_its_mean_in_every_cell(self, clear):
        annual = (clear.mean("month") * 0.5).rename("ghi").assign_attrs(units="W m-2")
        out = solar.own_dsr(annual, clear)
        np.testing.assert_allclose(
            np.average(out["dsr"].values, axis=0, weights=DAYS_OF_MONTH), annual.values, rtol=1e-5
        )

    def test_data_of_another_place_are_refused(self, clear):
        far = monthly(clear).assign_coords(longitude=clear["longitude"] - 150.0)
        with pytest.raises(InputError):
            solar.own_dsr(far, clear)


class TestProduct:
    def test_the_year_is_in_the_history(self, clear):
        times = pd.date_range("2015-01-01", periods=12, freq="MS")
        data = monthly(clear).rename(month="time").assign_coords(time=times)
        assert "2015" in solar.own_dsr(data, clear, year=2015).attrs["history"]

    def test_the_input_is_left_as_it_was(self, clear):
        data = monthly(clear)
        before = data.copy(deep=True)
        solar.own_dsr(data, clear)
        xr.testing.assert_identical(data, before)

    def test_uncertainty_is_a_share_of_the_value_and_missing_with_it(self, clear):
        data = monthly(clear)
        data[5, 1, 1] = np.nan
        out = solar.own_dsr(data, clear)
        share = out["dsr_uncertainty"] / out["dsr"]
        np.testing.assert_allclose(share.values[np.isfinite(share)], constant("ghi_common_relative_sigma").value)
        np.testing.assert_array_equal(np.isnan(out["dsr"]), np.isnan(out["dsr_uncertainty"]))

    def test_a_missing_month_leaves_no_annual_sum(self, clear):
        data = monthly(clear)
        data[5, 1, 1] = np.nan
        out = climatology(solar.own_dsr(data, clear))
        assert np.isnan(out["dsr_annual"][1, 1])
        assert int(np.isnan(out["dsr_annual"]).sum()) == 1

    def test_annual_sum_by_hand(self, clear):
        out = climatology(solar.own_dsr(monthly(clear), clear))
        joules = sum(0.6 * clear.values[m] * DAYS_OF_MONTH[m] * 24 * 3600 for m in range(12))
        np.testing.assert_allclose(out["dsr_annual"], joules / 1e6, rtol=1e-5)
        assert out["dsr_annual"].attrs["units"] == "MJ m-2 a-1"

    def test_100_watts_all_year_are_3156_megajoules(self, clear):
        # 100 W x 365.2425 d x 86,400 s = 3,155.7 MJ.
        level = xr.full_like(clear, 100.0)
        np.testing.assert_allclose(annual_sum(level), 3155.6952, rtol=1e-9)
        assert float(month_lengths(level).sum()) == pytest.approx(365.2425 * 86400)


@pytest.mark.parametrize("year", [1990, 2011, 2013, 2015, 2030])
def test_no_single_year_of_the_climatology(year):
    with pytest.raises(InputError, match=f"year={year}"):
        solar.check_year(year, own_dsr=False)
