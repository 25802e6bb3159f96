"""Truth of exercises on simulated years, from small fields whose answer is known by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.training.truth import years

LATITUDE, LONGITUDE = np.array([60.0, 0.0]), np.array([0.0, 2.0, 4.0])
SPACE = {"latitude": LATITUDE, "longitude": LONGITUDE}
COSINE = np.cos(np.deg2rad(LATITUDE))


def field(values, **coords):
    dims = (*coords, "latitude", "longitude")
    return xr.DataArray(np.asarray(values, float), dims=dims, coords={**coords, **SPACE})


def mean_by_area(rows):
    """Mean of two rows of equal cells; the ellipsoid changes the ratio of their areas by less than a per cent."""
    return float((np.array(rows) * COSINE).sum() / COSINE.sum())


def test_uptake_of_a_year_counts_days_and_areas_where_all_months_have_values():
    time = pd.date_range("2015-01-01", periods=12, freq="MS")
    daily = np.ones((12, 2, 3))
    daily[:, 1] = 3.0
    daily[4, 0, 2] = np.nan  # a month without a value: the cell does not count
    true = field([[[400.0, 400.0, 9e9], [1000.0] * 3]], year=[2015])
    simulated = SimpleNamespace(annual=xr.Dataset({"gpp": true}))
    truth = years.yearly_uptake(simulated, xr.Dataset({"gpp": field(daily, time=time)}))
    weights = np.array([2 * COSINE[0], 3 * COSINE[1]])
    assert truth.value == pytest.approx(np.average([400, 1000], weights=weights), rel=3e-3)
    assert truth.mistakes["daily_mean"] == pytest.approx(np.average([1, 3], weights=weights), rel=3e-3)
    assert truth.mistakes["days_forgotten"] == pytest.approx(12 * truth.mistakes["daily_mean"])
    assert truth.mistakes["plain_mean"] == pytest.approx(365 * (2 * 1 + 3 * 3) / 5)


def test_greening_is_that_of_the_leaves_in_the_cells_that_were_asked_for():
    growth = field([[0.05, np.nan, 0.01], [0.03, 0.02, 0.0]])
    crops = field([[1, 1, 0], [1, 0, 0]]).astype(bool)
    slope, chance = field(np.full((2, 3), 0.2)), field([[0.01, 0.01, 0.9], [0.5, 0.9, 0.9]])
    simulated = SimpleNamespace(trend=xr.Dataset({"lai": field([[0.04] * 3, [0.02] * 3])}))
    found = xr.Dataset({"slope": slope, "p_value": chance})
    truth = years.cropland_greening(simulated, growth, crops, found)
    assert truth.value == pytest.approx(mean_by_area([0.04, 0.02]), rel=3e-3)
    assert truth.mistakes["not_relative"] == pytest.approx(0.2)
    assert truth.mistakes["significant_only"] == pytest.approx(0.05)
    weights = [COSINE[0]] * 2 + [COSINE[1]] * 3
    assert truth.mistakes["all_land"] == pytest.approx(
        np.average([0.05, 0.01, 0.03, 0.02, 0.0], weights=weights), rel=3e-3
    )


def test_greening_without_a_significant_cell_has_no_such_mistake():
    growth, crops = field(np.full((2, 3), 0.02)), field(np.ones((2, 3))).astype(bool)
    found = xr.Dataset({"slope": growth, "p_value": field(np.full((2, 3), 0.9))})
    truth = years.cropland_greening(SimpleNamespace(trend=xr.Dataset({"lai": growth})), growth, crops, found)
    assert truth.value == pytest.approx(0.02)
    assert np.isnan(truth.mistakes["significant_only"])


def test_the_share_kept_is_that_of_the_true_sums():
    table = pd.DataFrame({"npp_truth_tg": [1.0, 3.0], "gpp_truth_tg": [4.0, 4.0], "npp_tg": [9.0, 9.0], "gpp_tg": 1.0})
    truth = years.share_kept(table)
    assert truth.value == 0.5
    assert truth.mistakes == {"upside_down": 2.0}


@pytest.mark.parametrize("chunks", [None, {"time": 5, "latitude": 1}])
def test_the_error_is_that_of_all_months_and_cells_with_both(chunks):
    time = pd.date_range("2014-01-01", periods=24, freq="MS")
    rng = np.random.Generator(np.random.Philox(3))
    found, true = (field(rng.random((24, 2, 3)), time=time) for _ in range(2))
    found[3, 0, 1] = true[20, 1, 2] = np.nan
    if chunks:
        found, true = found.chunk(chunks), true.chunk(chunks)
    truth = years.uptake_error(SimpleNamespace(truth=xr.Dataset({"gpp": true})), found)
    off = (found - true).values
    known = off[np.isfinite(off)]
    assert known.size == 24 * 6 - 2
    assert truth.value == pytest.approx(np.sqrt(np.mean(known**2)))
    assert truth.mistakes["no_root"] == pytest.approx(np.mean(known**2))
    assert truth.mistakes["no_squares"] == pytest.approx(np.mean(known))
