"""Yearly means against gaps, and two periods against scipy."""

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from musyq_lab.analysis.years import compare_periods, yearly_means
from musyq_lab.core.errors import InputError

DAYS = pd.date_range("2010-01-01", "2015-12-31", freq="8D")


@pytest.fixture(scope="module")
def field() -> xr.DataArray:
    draw = np.random.Generator(np.random.Philox(11))
    angle = 2 * np.pi * DAYS.day_of_year.to_numpy() / 365.25
    y = 3 + 2 * np.sin(angle)[:, None, None] + (DAYS.year.to_numpy() - 2010)[:, None, None] * 0.1
    y = y + 0.05 * draw.standard_normal((DAYS.size, 2, 3))
    return xr.DataArray(y, {"time": DAYS}, ("time", "y", "x"), name="lai", attrs={"units": "m2 m-2"})


def test_means_of_whole_years_are_those_of_their_months(field):
    made = yearly_means(field)
    months = field.resample(time="MS").mean()
    expected = months.groupby("time.year").mean()
    np.testing.assert_allclose(made, expected, rtol=1e-12)
    assert made.dims == ("year", "y", "x")
    assert made.attrs == field.attrs
    assert made.year.values.tolist() == list(range(2010, 2016))


def test_a_hidden_winter_does_not_move_the_year(field):
    holes = field.where(~((field.time.dt.year == 2013) & field.time.dt.month.isin([1, 2])))
    plain = holes.groupby("time.year").mean()
    moved = abs(plain.sel(year=2013) - field.groupby("time.year").mean().sel(year=2013)).max()
    made = abs(yearly_means(holes).sel(year=2013) - yearly_means(field).sel(year=2013)).max()
    assert float(made) < 0.1 < 2 * float(moved)
    assert float(made) < float(moved) / 3


def test_years_with_too_few_months_and_places_without_any(field):
    holes = field.where(~((field.time.dt.year == 2013) & (field.time.dt.month > 6)))
    holes[:, 0, 0] = np.nan
    holes[3, 1, 1] = np.inf
    made = yearly_means(holes)
    assert made.sel(year=2013).isnull().all()
    assert made[:, 0, 0].isnull().all()
    assert np.isfinite(made[0, 1, 1])
    assert yearly_means(holes, least=0.5).sel(year=2013)[1, 1].notnull()


def test_one_value_a_year_is_that_value():
    y = xr.DataArray(
        [1.0, 5.0, np.nan], {"time": pd.to_datetime(["2001-07-01", "2002-07-01", "2003-07-01"])}, ("time",)
    )
    np.testing.assert_array_equal(yearly_means(y), [1.0, 5.0, np.nan])


def test_two_periods_are_those_of_scipy(field):
    made = compare_periods(field, (2010, 2012), (2013, 2015))
    years = yearly_means(field)
    one, two = years.sel(year=slice(2010, 2012)), years.sel(year=slice(2013, 2015))
    peer = stats.ttest_ind(two.values, one.values, axis=0, equal_var=False)
    np.testing.assert_allclose(made.p_value, peer.pvalue, rtol=1e-9)
    np.testing.assert_allclose(made.difference / made.standard_error, peer.statistic, rtol=1e-9)
    np.testing.assert_allclose(made.difference, 0.3, atol=0.02)
    np.testing.assert_allclose(made.after - made.before, made.difference)
    assert made.difference.attrs["units"] == "m2 m-2"


def test_years_themselves_and_single_years():
    y = xr.DataArray([1.0, 2.0, 4.0], {"year": [2001, 2002, 2003]}, ("year",))
    made = compare_periods(y, (2001, 2002), (2003, 2003), "year")
    assert float(made.difference) == 2.5
    assert np.isnan(made.standard_error)
    assert np.isnan(made.p_value)


def test_lazy_and_the_same(field):
    def refuse(*args, **kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        lazy = compare_periods(field.chunk({"time": 40, "x": 1}), (2010, 2011), (2014, 2015))
    xr.testing.assert_allclose(
        lazy.compute(scheduler="synchronous"), compare_periods(field, (2010, 2011), (2014, 2015)), rtol=1e-12
    )


def test_bad_input_is_told(field):
    with pytest.raises(InputError, match="in common"):
        compare_periods(field, (2010, 2012), (2012, 2015))
    with pytest.raises(InputError, match="They run 2010 to 2015"):
        compare_periods(field, (2010, 2012), (2020, 2022))
    with pytest.raises(InputError, match="dimension of dates"):
        yearly_means(field, "x")
    with pytest.raises(InputError, match="share"):
        yearly_means(field, least=0)
