"""Yearly means and two periods at their edges: identities that hold for any series, and periods of many forms."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.analysis.years import compare_periods, yearly_means
from musyq_lab.core.errors import InputError

MONTHS = pd.date_range("2001-01-01", periods=60, freq="MS")


def field(seed=3, times=MONTHS) -> xr.DataArray:
    draw = np.random.Generator(np.random.Philox(seed))
    values = draw.standard_normal((len(times), 2, 3)) + 3
    return xr.DataArray(values, {"time": times}, ("time", "y", "x"), name="a", attrs={"units": "K"})


def gappy(share=0.2) -> xr.DataArray:
    draw = np.random.Generator(np.random.Philox(4))
    return field().where(draw.random(field().shape) > share)


def test_a_constant_stays_one_whatever_is_missing():
    made = yearly_means(gappy(0.4) * 0 + 7.0, least=0.01)
    np.testing.assert_allclose(made.values[np.isfinite(made.values)], 7.0)
    assert np.isfinite(made).any()


def test_a_season_alone_is_the_same_in_every_year_whatever_is_missing():
    season = np.sin(np.arange(60) * np.pi / 6)[:, None, None] * np.ones((60, 2, 3)) * 5
    data = field().copy(data=season).where(gappy(0.2).notnull())
    made = yearly_means(data, least=0.01)
    spread = (made.max("year") - made.min("year")).values
    np.testing.assert_allclose(spread, 0.0, atol=1e-12)


@pytest.mark.parametrize(("factor", "shift"), [(2.0, 0.0), (1.0, 100.0), (-0.5, 3.0)])
def test_means_follow_the_scale_of_the_values(factor, shift):
    np.testing.assert_allclose(
        yearly_means(gappy() * factor + shift), yearly_means(gappy()) * factor + shift, rtol=1e-9
    )


def test_the_order_of_the_steps_does_not_matter():
    shuffled = gappy().isel(time=np.random.Generator(np.random.Philox(1)).permutation(60))
    xr.testing.assert_allclose(yearly_means(shuffled), yearly_means(gappy()))


def test_places_do_not_touch_each_other():
    whole = yearly_means(gappy())
    for y in range(2):
        for x in range(3):
            np.testing.assert_allclose(whole[:, y, x], yearly_means(gappy()[:, y, x]))


@pytest.mark.parametrize(("months", "there"), [(8, False), (9, True), (12, True)])
def test_three_quarters_of_the_months_make_a_year(months, there):
    data = field().where((field().time.dt.year != 2003) | (field().time.dt.month <= months))
    assert bool(yearly_means(data).sel(year=2003).notnull().all()) == there


def test_years_keep_their_place_among_the_dimensions():
    made = yearly_means(field().transpose("y", "time", "x").rename(time="when"), "when")
    assert made.dims == ("y", "year", "x")
    assert made.year.dtype == np.int64


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_precision_are_the_same(unit):
    times = MONTHS.to_numpy().astype(f"datetime64[{unit}]")
    xr.testing.assert_allclose(yearly_means(field(times=times)), yearly_means(field()))


def test_infinite_values_are_gaps():
    wild = field().copy()
    wild[5], wild[17] = np.inf, -np.inf
    holes = field().copy()
    holes[[5, 17]] = np.nan
    xr.testing.assert_allclose(yearly_means(wild), yearly_means(holes))


@pytest.mark.parametrize("least", [-0.1, 0.0, 1.01, np.nan])
def test_shares_that_are_none_are_told(least):
    with pytest.raises(InputError, match="share"):
        yearly_means(field(), least=least)


def test_periods_turned_round_change_the_sign_alone():
    one = compare_periods(field(), (2001, 2002), (2003, 2005))
    two = compare_periods(field(), (2003, 2005), (2001, 2002))
    np.testing.assert_allclose(one.difference, -two.difference)
    np.testing.assert_allclose(one.p_value, two.p_value)
    np.testing.assert_allclose(one.standard_error, two.standard_error)
    np.testing.assert_allclose(one.before, two.after)


@pytest.mark.parametrize("period", [("2001", "2002"), (2001.0, 2002.0), [2001, 2002], (1900, 2002)])
def test_periods_of_any_form_are_years(period):
    made = compare_periods(field(), period, (2004, 2005))
    expected = compare_periods(field(), (2001, 2002), (2004, 2005))
    np.testing.assert_allclose(made.difference, expected.difference)


def test_no_change_at_all_is_no_proof_of_one():
    made = compare_periods(field() * 0 + 1.0, (2001, 2002), (2003, 2005))
    assert (made.difference == 0).all()
    assert not (made.p_value < 0.05).any()


def test_a_place_with_gaps_has_its_own_count_of_years():
    data = yearly_means(field()).copy()
    data[0, 0, 0] = np.nan
    made = compare_periods(data, (2001, 2002), (2003, 2005), "year")
    assert np.isnan(made.p_value[0, 0]), "one year left in the first period"
    assert np.isfinite(made.p_value.values.ravel()[1:]).all()
    assert float(made.before[0, 0]) == float(data[1, 0, 0])


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((2001, 2003), (2003, 2005), "in common"),
        ((2002, 2002), (2001, 2005), "in common"),
        ((1990, 1995), (2001, 2002), "run 2001 to 2005"),
        ((2002, 2001), (2003, 2004), "No year"),
    ],
)
def test_periods_that_cannot_be_compared_are_told(before, after, words):
    with pytest.raises(InputError, match=words):
        compare_periods(field(), before, after)
