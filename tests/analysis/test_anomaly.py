"""Anomalies against pandas and numpy, and false discoveries against a published example and drawn fields."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from musyq_lab.analysis.anomaly import anomaly, false_discovery
from musyq_lab.analysis.trend import trend
from musyq_lab.core.errors import InputError


@pytest.fixture
def years():
    values = np.random.default_rng(0).normal(500, 50, (8, 3, 4))
    return xr.DataArray(
        values,
        dims=("year", "y", "x"),
        coords={"year": np.arange(2009, 2017)},
        name="npp",
        attrs={"units": "g m-2 a-1", "long_name": "net primary production"},
    )


@pytest.fixture
def months():
    time = pd.date_range("2010-01-15", periods=60, freq="MS")
    values = np.random.default_rng(1).normal(5, 1, (60, 2)) + 3 * np.sin(2 * np.pi * np.arange(60) / 12)[:, None]
    return xr.DataArray(values, dims=("time", "x"), coords={"time": time}, name="gpp", attrs={"units": "g m-2 d-1"})


def test_absolute_anomalies_sum_to_nothing(years):
    found = anomaly(years, "year")
    np.testing.assert_allclose(found.sum("year"), 0, atol=1e-9)
    np.testing.assert_allclose(found, years - years.values.mean(axis=0))
    assert found.attrs["units"] == "g m-2 a-1"
    assert found.dims == years.dims


def test_a_baseline_is_inclusive(years):
    found = anomaly(years, "year", baseline=(2010, 2012))
    np.testing.assert_allclose(found, years.values - years.values[1:4].mean(axis=0))
    assert "2010 to 2012" in found.attrs["long_name"]


def test_standard_anomalies_are_z_scores(years):
    np.testing.assert_allclose(anomaly(years, "year", kind="standard"), stats.zscore(years.values, axis=0, ddof=1))


def test_relative_anomalies(years):
    found = anomaly(years, "year", kind="relative")
    np.testing.assert_allclose(found, years.values / years.values.mean(axis=0) - 1)
    assert found.attrs["units"] == "1"
    assert anomaly(-years, "year", kind="relative").isnull().all()


def test_months_are_compared_with_their_own_month(months):
    frame = months.to_pandas()
    expected = frame - frame.groupby(frame.index.month).transform("mean")
    np.testing.assert_allclose(anomaly(months), expected)
    z = expected / frame.groupby(frame.index.month).transform("std")
    np.testing.assert_allclose(anomaly(months, kind="standard"), z)
    assert "month" not in anomaly(months).coords


def test_one_date_a_year_needs_no_month(months):
    januaries = months[::12]
    np.testing.assert_allclose(anomaly(januaries), januaries.values - januaries.values.mean(axis=0))


def test_gaps_stay_gaps_and_short_series_have_no_spread(years):
    years[0, 0, 0] = np.nan
    found = anomaly(years, "year")
    assert np.isnan(found[0, 0, 0])
    assert np.isfinite(found).sum() == years.size - 1
    assert anomaly(years[:2], "year", kind="standard").isnull().all()
    assert anomaly(xr.ones_like(years), "year", kind="standard").isnull().all()


def test_dask_stays_lazy(years, months):
    for series, dim in ((years, "year"), (months, "time")):
        lazy = anomaly(series.chunk({dim: 2}), dim)
        assert lazy.chunks is not None
        np.testing.assert_allclose(lazy.compute(), anomaly(series, dim))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"dim": "month"}, "Name the one"), ({"kind": "percent"}, "Use one of"), ({"baseline": (1990, 1995)}, "They run")],
)
def test_what_is_refused(years, options, message):
    with pytest.raises(InputError, match=message):
        anomaly(years, **{"dim": "year", **options})


def test_the_example_of_benjamini_and_hochberg():
    # Benjamini & Hochberg (1995), section 4: of 15 tests the four smallest are significant at 5 %.
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    chances += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    found = false_discovery(xr.DataArray(chances, dims="test"), 0.05)
    assert found.values.tolist() == [True] * 4 + [False] * 11
    assert found.attrs["limit"] == 0.0095


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3])
def test_agrees_with_scipy(rate):
    rng = np.random.default_rng(3)
    chances = np.concatenate([rng.uniform(size=300), rng.beta(0.2, 8, size=100)]).reshape(20, 20)
    adjusted = stats.false_discovery_control(chances.ravel()).reshape(20, 20)
    found = false_discovery(xr.DataArray(chances, dims=("y", "x")), rate)
    np.testing.assert_array_equal(found, adjusted <= rate)


def test_no_tests_and_impossible_ones():
    assert not false_discovery(xr.DataArray([np.nan, np.nan], dims="x")).any()
    assert not false_discovery(xr.DataArray([0.9, 0.8], dims="x")).any()
    assert false_discovery(xr.DataArray([np.nan, 0.0], dims="x")).values.tolist() == [False, True]
    with pytest.raises(InputError, match="within 0 and 1"):
        false_discovery(xr.DataArray([1.5], dims="x"))
    with pytest.raises(InputError, match="within"):
        false_discovery(xr.DataArray([0.5], dims="x"), 0.0)


def test_noise_has_no_trends_and_a_greening_has(monkeypatch):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    rng = np.random.default_rng(8)
    year = np.arange(2003, 2015)
    noise = rng.normal(500, 30, (12, 20, 20))
    noise[:, :5] += 15 * (year - 2003)[:, None, None]
    series = xr.DataArray(noise, dims=("year", "y", "x"), coords={"year": year})
    found = false_discovery(trend(series, "year")["p_value"])
    assert found[:5].mean() > 0.8
    # At most a tenth of the discoveries should be false: 5 % of the 300 cells without trend would have been 15.
    assert int(found[5:].sum()) <= 0.15 * int(found.sum())
    assert int(found[5:].sum()) < 15
