"""Breaks: imposed steps found within their limits, false alarms, peers by brute force, seasons, gaps, dask."""

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.analysis import _break_search as inner
from musyq_lab.analysis.breaks import break_course, breaks
from musyq_lab.core.errors import InputError

MONTHS = pd.date_range("2009-01-01", periods=144, freq="MS")
STEP_AT = 61


def noise(rows: int, times: int, alike: float = 0.0, seed: int = 3) -> np.ndarray:
    """Rows of unit variance whose successive values have a given correlation."""
    draw = np.random.Generator(np.random.Philox(seed)).standard_normal((rows, times + 50))
    for k in range(1, times + 50):
        draw[:, k] = alike * draw[:, k - 1] + np.sqrt(1 - alike**2) * draw[:, k]
    return draw[:, 50:]


def season() -> np.ndarray:
    angle = 2 * np.pi * (MONTHS.day_of_year.to_numpy() - 1) / 365.2425
    return 4 * np.sin(angle) + 1.5 * np.cos(2 * angle)


def field(values: np.ndarray, times=MONTHS) -> xr.DataArray:
    return xr.DataArray(values.T, {"time": times}, ("time", "x"), attrs={"units": "m2 m-2"})


@pytest.fixture(scope="module")
def stepped() -> xr.DataArray:
    """100 series of twelve years of months: a season, a slope, noise, and a step of three sigma."""
    y = noise(100, 144) + season() + 0.02 * np.arange(144)
    y[:, STEP_AT:] += 3.0
    return field(y)


@pytest.fixture(scope="module")
def found(stepped):
    return breaks(stepped)


def test_imposed_steps_are_found_within_their_limits(found):
    when = np.datetime64(MONTHS[STEP_AT])
    assert (found["count"] >= 1).all()
    within = ((found.date_low <= when) & (found.date_high >= when)).any("break")
    assert int(within.sum()) >= 90
    first = found.sel({"break": 1})
    assert float(np.median(first["shift"])) == pytest.approx(3.0, abs=0.3)
    assert int((found["count"] > 1).sum()) <= 10
    assert float(first.p_value.max()) <= 0.01
    assert float(first.slope_before.mean()) == pytest.approx(0.24, abs=0.08)  # per year
    assert first.slope_before.attrs["units"] == "m2 m-2 year-1"


def test_limits_hold_the_date_as_often_as_they_say():
    y = noise(400, 144, seed=8)
    y[:, STEP_AT:] += 1.5
    made = breaks(field(y), model="level", most=1, season=False, confidence=0.9)
    when = np.datetime64(MONTHS[STEP_AT])
    within = (made.date_low <= when) & (made.date_high >= when)
    # The limits are those of a continuous place, so that on a grid of months they hold it somewhat too often.
    assert 0.88 <= float(within.mean()) <= 0.99


@pytest.mark.parametrize("model", ["trend", "level"])
@pytest.mark.parametrize("alike", [0.0, 0.3])
def test_false_alarms_are_as_rare_as_the_level_says(model, alike):
    made = breaks(field(noise(300, 144, alike) + season()), model=model)
    assert float((made["count"] > 0).mean()) <= 0.10


def test_a_trend_is_no_break_of_lines_but_one_of_levels():
    y = field(noise(60, 144) * 0.3 + np.linspace(0, 3, 144))
    assert float((breaks(y)["count"] > 0).mean()) <= 0.1
    assert float((breaks(y, model="level")["count"] > 0).mean()) == 1.0


def test_two_breaks_are_told_apart():
    y = noise(40, 144, seed=5) * 0.5
    y[:, 45:] += 3.0
    y[:, 95:] -= 4.0
    made = breaks(field(y), model="level")
    assert float((made["count"] == 2).mean()) >= 0.9
    two = made.where(made["count"] == 2, drop=True)
    np.testing.assert_allclose(two["shift"].sel({"break": [1, 2]}).mean("x"), [3.0, -4.0], atol=0.15)
    assert (two.date.sel({"break": 1}) < two.date.sel({"break": 2})).all()
    assert two.date.sel({"break": 3}).isnull().all()


def naive(y: np.ndarray, t: np.ndarray, least: int, slope: bool) -> tuple[int, float]:
    """The best single split by numpy's own least squares, and by how much it lowers the sum of squares."""
    known = np.flatnonzero(np.isfinite(y))
    basis = np.column_stack([np.ones(t.size), t])[:, : 2 if slope else 1]

    def squares(rows):
        fit = np.linalg.lstsq(basis[rows], y[rows], rcond=None)[0]
        return float(((y[rows] - basis[rows] @ fit) ** 2).sum())

    splits = {k: squares(known[known < k]) + squares(known[known >= k]) for k in known if least <= (known < k).sum()}
    splits = {k: s for k, s in splits.items() if (known >= k).sum() >= least}
    best = min(splits, key=splits.get)
    return int(best), squares(known) - splits[best]


@pytest.mark.parametrize("slope", [True, False])
def test_splits_and_statistics_are_those_of_least_squares(slope):
    draw = np.random.Generator(np.random.Philox(2))
    y = noise(6, 40) + 100.0  # a mean far from zero, so that lost digits show
    y[:, 22:] += 2.0
    y[draw.random(y.shape) < 0.2] = np.nan
    t = np.sort(draw.uniform(0, 9, 40))
    sums = inner.Sums(y, t, slope)
    zero, full = np.zeros(6, np.int64), np.full(6, 40)
    drop, place = inner.split(sums, zero, full, 6)
    for row in range(6):
        where, lower = naive(y[row], t, 6, slope)
        assert place[row] == where
        assert drop[row] == pytest.approx(lower, rel=1e-8)


def test_chance_values_are_those_of_the_published_table():
    # Andrews 1993 (table I, corrected 2003), 15 % cut off at each end, 5 %: 8.68 for one parameter, 11.72 for two.
    for slope, published in ((False, 8.68), (True, 11.72)):
        null = inner.null_of(300, 45, slope, 1)
        assert np.quantile(null.first, 0.95) == pytest.approx(published, rel=0.15)


def test_pieces_and_season_are_those_that_were_planted():
    y = season() + 2.0 + 0.01 * np.arange(144)
    y[STEP_AT:] += 5.0
    made = break_course(field(y[None] + 0.01 * noise(1, 144)))
    np.testing.assert_allclose((made.pieces + made.season).values[:, 0], y, atol=0.05)
    np.testing.assert_allclose(made.season.values[:, 0], season(), atol=0.05)
    assert made.pieces.dims == ("time", "x")


def test_gaps_constants_and_nothing():
    y = noise(5, 144) * 0.2
    y[:, STEP_AT:] += 2.0
    y[0, 50:70] = np.nan  # the step lies in a gap
    y[1] = np.nan
    y[2] = 7.0
    y[3, 10:] = np.nan
    y[4, ::3] = np.inf
    made = breaks(field(y), season=False)
    np.testing.assert_array_equal(made["count"], [1, 0, 0, 0, 1])
    first = made.isel({"break": 0})
    assert first.date.values[0] == np.datetime64(MONTHS[70])
    assert first.date_low.values[0] <= np.datetime64(MONTHS[70])
    assert np.isnat(first.date.values[1:4]).all()
    assert np.isnan(first["shift"].values[1:4]).all()


def test_a_perfect_step_is_found_where_it_is():
    y = np.where(np.arange(30) < 12, 1.0, 2.0)
    made = breaks(xr.DataArray(y, {"year": np.arange(1990, 2020)}, ("year",)), "year")
    assert int(made["count"]) == 1
    assert float(made.date[0]) == 2002
    assert float(made.date_low[0]) == float(made.date_high[0]) == 2002
    assert float(made["shift"][0]) == pytest.approx(1.0)
    assert "units" not in made["shift"].attrs


def test_dask_is_lazy_and_the_same(stepped, found):
    def refuse(*args, **kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        lazy = breaks(stepped.chunk({"x": 30, "time": 50}))
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), found)


def test_one_value_rows_and_unused_dimensions_keep_their_shape(stepped):
    one = breaks(stepped.isel(x=0))
    assert one["count"].dims == ()
    assert one.date.dims == ("break",)
    none = breaks(stepped.isel(x=slice(0, 0)))
    assert none.date.shape == (0, 3)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"dim": "year"}, "needs that dimension"),
        ({"model": "curve"}, "trend, level"),
        ({"level": 0.0}, "within"),
        ({"least": 2}, "too few"),
        ({"least": 80}, "needs 160 steps"),
    ],
)
def test_bad_options_are_told(stepped, options, told):
    with pytest.raises(InputError, match=told):
        breaks(stepped, **options)


def test_short_and_unsorted_series_are_told(stepped):
    with pytest.raises(InputError, match="needs 12 steps"):
        breaks(stepped.isel(time=slice(0, 11)))
    with pytest.raises(InputError, match="rise"):
        breaks(stepped.isel(time=slice(None, None, -1)))
