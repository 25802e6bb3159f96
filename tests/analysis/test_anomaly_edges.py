"""Anomalies and discoveries at their limits: baselines that lack months or order, spreads of nothing, many tests."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.analysis.anomaly import anomaly, false_discovery
from musyq_lab.core.errors import InputError


def yearly(values, first=2009, **attrs):
    values = np.asarray(values, float)
    return xr.DataArray(values, dims="year", coords={"year": first + np.arange(values.size)}, attrs=attrs, name="npp")


def monthly(count=36, start="2010-01-01", seed=2):
    values = np.random.default_rng(seed).normal(5, 1, count)
    return xr.DataArray(values, dims="time", coords={"time": pd.date_range(start, periods=count, freq="MS")})


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e8 + 0.1, 273.15])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_never_changes_is_no_standard_deviation_away(value, dtype):
    assert anomaly(yearly([value] * 8).astype(dtype), "year", kind="standard").isnull().all()


def test_months_that_the_baseline_lacks_have_no_anomaly():
    series = monthly()
    found = anomaly(series, baseline=("2010-01", "2010-06")).to_series()
    expected = series.to_series()
    past = expected["2010-01":"2010-06"]
    expected = expected - expected.index.month.map(past.groupby(past.index.month).mean()).to_numpy(float)
    pd.testing.assert_series_equal(found, expected, check_names=False, check_freq=False)
    assert found[found.index.month > 6].isna().all()


def test_a_baseline_of_dates_holds_the_whole_of_its_last_month():
    series = monthly()
    late = series.assign_coords(time=series["time"] + np.timedelta64(27, "D"))
    np.testing.assert_allclose(anomaly(late, baseline=("2010", "2011")), anomaly(series, baseline=("2010", "2011")))


@pytest.mark.parametrize("kind", ["absolute", "relative", "standard"])
def test_the_order_of_steps_does_not_matter_without_a_baseline(kind):
    series = yearly(np.random.default_rng(0).normal(10, 1, 9))
    order = np.random.default_rng(1).permutation(9)
    np.testing.assert_allclose(anomaly(series[order], "year", kind=kind), anomaly(series, "year", kind=kind)[order])


def test_a_baseline_of_steps_out_of_order_is_refused_with_the_remedy():
    mixed = yearly(range(4))[[3, 1, 2, 0]]
    with pytest.raises(InputError, match=r"do not rise.*sortby\('year'\)"):
        anomaly(mixed, "year", baseline=(2000, 2011))
    with pytest.raises(InputError, match="from 2012 to 2009"):
        anomaly(yearly(range(4))[::-1], "year", baseline=(2009, 2011))


def test_an_empty_series_says_that_there_is_none():
    with pytest.raises(InputError, match="there are none"):
        anomaly(yearly([]), "year")


@pytest.mark.parametrize(("count", "known"), [(2, False), (3, True)])
def test_three_values_make_a_spread(count, known):
    values = np.full(6, np.nan)
    values[:count] = np.arange(count)
    found = anomaly(yearly(values), "year", kind="standard")
    assert bool(found[:count].notnull().all()) == known
    assert found[count:].isnull().all()


def test_scaling_and_shifting():
    series = yearly(np.random.default_rng(3).normal(10, 1, 12))
    np.testing.assert_allclose(anomaly(series + 7, "year"), anomaly(series, "year"), atol=1e-12)
    for kind in ("relative", "standard"):
        np.testing.assert_allclose(
            anomaly(3 * series, "year", kind=kind), anomaly(series, "year", kind=kind), rtol=1e-9
        )


def test_words_and_units():
    plain = anomaly(yearly([1.0, 2.0, 4.0]), "year")
    assert "units" not in plain.attrs  # none were given, so none are made up
    assert plain.name == "npp"
    assert plain.attrs["long_name"] == "npp: difference from the mean of all steps"
    named = yearly([1.0, 2.0, 4.0], long_name="net production", units="g", valid_min=0.0, grid_mapping="crs")
    found = anomaly(named, "year", kind="standard", baseline=(2009, 2011))
    assert found.attrs == {
        "long_name": "net production: standard deviations above the mean of 2009 to 2011",
        "units": "1",
        "grid_mapping": "crs",
    }
    assert named.attrs["valid_min"] == 0.0


def test_the_input_is_not_changed():
    series = yearly([1.0, 2.0, 4.0], units="g")
    before = series.copy(deep=True)
    anomaly(series, "year", kind="relative")
    xr.testing.assert_identical(series, before)


# ---- discoveries -----------------------------------------------------------------------------------------------------
def chances(values):
    return xr.DataArray(np.asarray(values, float), dims="cell", attrs={"method": "m"})


def by_hand(values, rate):
    """Step up through all k, as the definition is worded."""
    tests = sorted(v for v in values if np.isfinite(v))
    largest = max((k for k in range(1, len(tests) + 1) if tests[k - 1] <= rate * k / len(tests)), default=0)
    limit = tests[largest - 1] if largest else -1.0
    return [bool(np.isfinite(v) and v <= limit) for v in values]


@pytest.mark.parametrize("seed", range(12))
def test_against_the_definition_with_gaps_and_ties(seed):
    rng = np.random.default_rng(seed)
    values = np.round(rng.beta(0.4, 3, rng.integers(1, 40)), 2)  # rounding makes ties
    values[rng.random(values.size) < 0.2] = np.nan
    rate = float(rng.choice([0.05, 0.1, 0.4]))
    assert false_discovery(chances(values), rate).values.tolist() == by_hand(values.tolist(), rate)


def test_a_later_test_that_passes_carries_those_before_it():
    # 0.04 alone is above 0.05 / 2, but both are below 0.05: k = 2.
    assert false_discovery(chances([0.04, 0.05]), 0.05).all()
    assert not false_discovery(chances([0.04, 0.051]), 0.05).any()


def test_gaps_are_no_tests():
    values = [0.001, 0.02, 0.5]
    padded = false_discovery(chances([*values, *[np.nan] * 1000]), 0.1)
    assert padded.values[:3].tolist() == false_discovery(chances(values), 0.1).values.tolist()
    assert not padded.values[3:].any()


def test_more_of_a_rate_never_takes_away():
    values = chances(np.random.default_rng(5).beta(0.5, 4, 300))
    counts = [int(false_discovery(values, rate).sum()) for rate in (0.01, 0.05, 0.1, 0.3, 0.9)]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


@pytest.mark.parametrize("rate", [-0.1, 0.0, 1.0, 2.0, np.nan])
def test_rates_outside_are_refused(rate):
    with pytest.raises(InputError, match=r"within \(0, 1\)"):
        false_discovery(chances([0.5]), rate)


@pytest.mark.parametrize("wrong", [-1e-9, 1.0000001])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(InputError, match="within 0 and 1"):
        false_discovery(chances([0.5, wrong]))


def test_the_result_says_its_limit_and_keeps_the_rest():
    found = false_discovery(chances([0.001, 0.9]), 0.1)
    assert found.dtype == bool
    assert found.attrs["limit"] == 0.001
    assert found.attrs["method"] == "m"
    assert "10 %" in found.attrs["long_name"]
    assert false_discovery(chances([]), 0.1).size == 0
