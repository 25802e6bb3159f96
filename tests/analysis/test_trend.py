"""Trends of fields: units, dates, tests and dask."""

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from musyq_lab.analysis.trend import trend
from musyq_lab.core.errors import InputError

YEARS = np.arange(2001, 2013)


@pytest.fixture(scope="module")
def field():
    """Yearly values of 3 x 4 cells with a trend of 0.02 a year, some gaps; one cell has three values, one is flat."""
    draw = np.random.Generator(np.random.Philox(4))
    y = 0.3 + 0.02 * (YEARS - 2001)[:, None, None] + 0.05 * draw.normal(size=(YEARS.size, 3, 4))
    y[draw.random(y.shape) < 0.1] = np.nan
    y[3:, 0, 0] = np.nan
    y[:, 1, 1] = 0.4
    return xr.DataArray(y, {"year": YEARS}, ("year", "y", "x"), attrs={"units": "m2 m-2"})


@pytest.fixture(scope="module")
def found(field):
    return trend(field, "year")


def test_slope_and_chance_are_those_of_scipy(field, found):
    for cell in ((2, 3), (0, 1), (1, 0)):
        values = field.values[:, *cell]
        known = np.isfinite(values)
        peer = stats.theilslopes(values[known], YEARS[known], method="joint")
        assert found.slope.values[cell] == pytest.approx(peer.slope, rel=1e-9)
        tau = stats.kendalltau(YEARS[known], values[known])
        assert found.tau.values[cell] == pytest.approx(tau.statistic)
        n = int(known.sum())
        score, deviation = tau.statistic * n * (n - 1) / 2, np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
        # Mann-Kendall with the correction for continuity, as pymannkendall's original_test.
        z = (score - np.sign(score)) / deviation
        assert found.p_value.values[cell] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)


def test_limits_enclose_the_slope_and_narrow_with_less_confidence(field, found):
    narrow = trend(field, "year", confidence=0.5)
    known = found.slope.notnull().values
    for made in (found, narrow):
        assert (made.slope_low <= made.slope).values[known].all()
        assert (made.slope_high >= made.slope).values[known].all()
    assert float((found.slope_high - found.slope_low).mean()) > float((narrow.slope_high - narrow.slope_low).mean())


def test_few_values_and_flat_series(found):
    assert np.isnan(found.slope.values[0, 0])
    assert found["count"].values[0, 0] <= 3
    assert found.slope.values[1, 1] == 0.0
    assert found.p_value.values[1, 1] == 1.0


def test_units_and_meaning(found):
    assert found.slope.attrs["units"] == "m2 m-2 year-1"
    assert found.intercept.attrs["units"] == "m2 m-2"
    assert found.p_value.attrs["units"] == "1"
    assert found.slope_low.attrs["confidence"] == 0.95


def test_dates_give_a_slope_a_year_and_the_value_at_the_start():
    dates = pd.date_range("2010-01-01", periods=40, freq="91D")
    years = (dates - dates[0]).days.to_numpy() / 365.2425
    da = xr.DataArray(5.0 + 0.7 * years, {"time": dates}, ("time",), attrs={"units": "1"})
    made = trend(da)
    assert float(made.slope) == pytest.approx(0.7)
    assert float(made.intercept) == pytest.approx(5.0)
    assert made.slope.attrs["units"] == "year-1"


def test_dask_changes_nothing(field, found):
    lazy = trend(field.chunk({"year": 5, "y": 2, "x": 3}), "year")
    assert all(array.chunks is not None for array in lazy.data_vars.values())
    with dask.config.set(scheduler="threads", num_workers=4):
        xr.testing.assert_identical(lazy.compute(), found)


def test_what_is_wrong_is_said(field):
    with pytest.raises(InputError, match="needs that dimension"):
        trend(field)
    with pytest.raises(InputError, match="rise"):
        trend(field.isel(year=slice(None, None, -1)), "year")
    with pytest.raises(InputError, match="confidence"):
        trend(field, "year", confidence=1.0)


def test_infinite_values_are_gaps():
    years = {"year": np.arange(2000, 2008)}
    values = np.array([1.0, 2.5, np.inf, 3.0, 5.5, -np.inf, 6.0, 8.0])
    made = trend(xr.DataArray(values, years), "year")
    xr.testing.assert_identical(made, trend(xr.DataArray(np.where(np.isfinite(values), values, np.nan), years), "year"))
    assert made["count"] == 6
