"""Phenology: planted seasons on both halves of the Earth, methods, bits and stated errors."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.products.phenology import SPEC, phenology

pytestmark = pytest.mark.slow  # the five kernels of a season compile in some twenty seconds

FLAG = {flag.name: flag.mask for flag in SPEC.all_flags}
DAYS = pd.date_range("2010-01-01", "2012-12-31", freq="8D")


def course(day, base=0.15, height=0.7):
    """Vector PHENO-1 as a function of the day of the year."""
    return base + height * (1 / (1 + np.exp(-0.08 * (day - 120))) + 1 / (1 + np.exp(0.06 * (day - 280))) - 1)


def series(shifts, noise=0.0, gaps=0.0, days=DAYS, **shape):
    """Return NDVI (time, x): the course, each column later by its shift."""
    turn = (days - pd.Timestamp("2010-01-01")).days.to_numpy(float) + 1
    draw = np.random.Generator(np.random.Philox(5))
    y = np.stack([course((turn - s - 1) % 365.25 + 1, **shape) for s in shifts], axis=1)
    y += noise * draw.standard_normal(y.shape)
    y[draw.random(y.shape) < gaps] = np.nan
    return xr.DataArray(y, {"time": days}, ("time", "x"), attrs={"units": "1"})


def of(ndvi, **options):
    """Return the phenology of NDVI."""
    return phenology(ndvi=ndvi, **options)


def has(made, name):
    return (made.phenology_qa.values & FLAG[name]) > 0


@pytest.fixture(scope="module")
def clean():
    return of(series([0.0, 190.0, 60.0]))


def test_dates_of_the_planted_season(clean):
    north = clean.isel(x=0)
    np.testing.assert_allclose(north.start_of_season, 119.8, atol=1.0)
    np.testing.assert_allclose(north.peak_of_season, 190.6, atol=1.0)
    np.testing.assert_allclose(north.end_of_season, 280.3, atol=1.0)
    np.testing.assert_allclose(north.length_of_season, north.end_of_season - north.start_of_season)
    np.testing.assert_allclose(north.season_base, 0.15, atol=0.01)
    np.testing.assert_allclose(north.season_amplitude, 0.694, atol=0.01)
    assert (north.phenology_qa == 0).all()


def test_a_southern_season_begins_in_the_year_before(clean):
    south = clean.isel(x=1, year=[1, 2])
    np.testing.assert_allclose(south.start_of_season, 119.8 + 190 - 365.25, atol=1.5)
    np.testing.assert_allclose(south.peak_of_season, 190.6 + 190 - 365.25, atol=1.5)
    np.testing.assert_allclose(south.end_of_season, 280.3 + 190 - 365.25, atol=1.5)


def test_a_season_that_the_series_cuts_is_marked_or_left_out(clean):
    first = clean.isel(x=1, year=0)
    assert np.isnan(first.start_of_season) or has(first, "cut_at_series_start")
    late = of(series([60.0], days=DAYS[: 365 // 8 * 2 + 35]))
    assert has(late.isel(year=2), "cut_at_series_end").all()


def test_stated_errors_cover_the_true_ones():
    made = of(series(np.zeros(300), noise=0.04, gaps=0.25)).isel(year=1)
    for name, true in (("start_of_season", 119.8), ("end_of_season", 280.2), ("season_amplitude", 0.694)):
        error, said = (made[name] - true).values, made[f"{name}_uncertainty"].values
        assert np.isfinite(error).all()
        assert abs(error.mean()) < 0.3 * error.std() + 0.02
        assert 0.55 < (np.abs(error) < said).mean() < 0.8, name


@pytest.mark.parametrize(
    ("method", "start", "end"),
    [("derivative", 120.0, 280.0), ("gu", 95.0, 313.0), ("curvature", 91.4, 318.2), ("double_logistic", 120.0, 280.0)],
)
def test_methods_give_their_dates(method, start, end):
    made = of(series([0.0]), method=method, uncertainty=False).isel(year=1, x=0)
    assert float(made.start_of_season) == pytest.approx(start, abs=1.5)
    assert float(made.end_of_season) == pytest.approx(end, abs=1.5)
    assert made.attrs["method"].startswith(method)


def test_share_moves_the_start_up_the_curve():
    days = [float(of(series([0.0]), share=s, uncertainty=False).start_of_season[1, 0]) for s in (0.15, 0.2, 0.5, 0.9)]
    assert np.diff(days).min() > 0
    assert days[1] == pytest.approx(102.5, abs=1.0)


def test_leaf_area_and_smooth_curve():
    lai = series([0.0], base=0.3, height=4.0)
    made = phenology(lai=lai.assign_attrs(units="m2 m-2"), method="threshold_lai", curve="smooth").isel(year=1, x=0)
    # The smoother flattens a rise a little; thresholds of it still lie within a few days.
    assert float(made.start_of_season) == pytest.approx(119.8, abs=3.0)
    assert float(made.season_amplitude) == pytest.approx(3.97, abs=0.1)
    assert float(made.start_of_season_uncertainty) > 0


def test_bits_say_what_is_wrong():
    weak = of(series([0.0], height=0.06))
    assert has(weak, "weak_season").all()
    assert not has(of(series([0.0], height=0.06), least_amplitude=0.03), "weak_season").any()
    flat = of(series([0.0], height=0.0))
    assert has(flat, "no_season").all()
    assert np.isnan(flat.start_of_season).all()
    rough = of(series([0.0], noise=0.3))
    assert has(rough, "poor_fit").any()


def test_a_gap_at_the_start_is_marked():
    y = series([0.0])
    day = y.time.dt.dayofyear
    y = y.where(~((day > 90) & (day < 150)))
    made = of(y)
    assert has(made, "long_gap").all()
    assert float(made.start_of_season_uncertainty[1, 0]) > 0


def test_two_seasons_are_counted():
    turn = (DAYS - DAYS[0]).days.to_numpy(float) % 365.25
    y = 0.4 - 0.25 * np.cos(4 * np.pi * turn / 365.25)
    made = of(xr.DataArray(y[:, None], {"time": DAYS}, ("time", "x"), attrs={"units": "1"}))
    assert (made.seasons == 2).all()
    assert has(made, "several_seasons").all()


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="share within"):
        of(series([0.0]), share=1.5)
    with pytest.raises(InputError, match="reads a fitted curve"):
        of(series([0.0]), method="curvature", curve="smooth")


def test_a_season_around_the_turn_of_the_year_keeps_its_peak():
    """The fitted peak lies some days across the bound of the year in which the smooth curve has its own."""
    days = pd.date_range("2018-01-04T10:30", "2021-12-30", freq="8D")
    since = (days - pd.Timestamp("2018-01-01")) / pd.Timedelta(days=1)
    for peak in (0.0, 1.0):
        values = 0.5 + 0.3 * np.cos(2 * np.pi * (since.to_numpy() - peak) / 365.25)
        made = of(xr.DataArray(values[None], {"time": days}, ("x", "time"), attrs={"units": "1"}))
        found = made.peak_of_season.where(made.seasons > 0)
        assert int(np.isfinite(found).sum()) == int((made.seasons > 0).sum()) >= 3
        turn = np.minimum(np.abs(found - 1), np.abs(found - 366))
        assert float(turn.max()) < 4


def test_values_bits_and_errors_share_one_fit(monkeypatch):
    import sys

    find = sys.modules["musyq_lab.products.phenology"]._find
    made, function = [], find.function
    monkeypatch.setattr(find, "function", lambda *given: made.append(1) or function(*given))
    of(series([3.25]))
    assert len(made) == 1


def test_a_single_date_is_no_series():
    with pytest.raises(InputError, match="got 1"):
        of(series([0.0], days=DAYS[:1]))
