"""Lengths of steps against the calendar, and means of months against pandas."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.applications.carbon.steps import days_in_year, monthly, with_days
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import pentads


def series(time, values=None):
    time = pd.DatetimeIndex(time)
    values = np.arange(time.size, dtype=float) if values is None else values
    return xr.Dataset({"gpp": ("time", values, {"units": "g m-2 d-1"})}, coords={"time": time})


@pytest.mark.parametrize("year", [2015, 2016])
def test_lengths_add_up_to_the_year(year):
    starts = {
        "days": pd.date_range(f"{year}-01-01", f"{year}-12-31"),
        "months": pd.date_range(f"{year}-01-01", periods=12, freq="MS"),
        "mid-months": pd.date_range(f"{year}-01-01", periods=12, freq="MS") + pd.Timedelta(days=14),
        "pentads": pd.DatetimeIndex([period.start for period in pentads(year)]),
        "eight": pd.date_range(f"{year}-01-01", periods=46, freq="8D"),
    }
    for name, time in starts.items():
        assert with_days(series(time))["days"].sum() == days_in_year(year), name


def test_the_last_pentad_of_a_leap_year_has_six_days():
    days = with_days(series([period.start for period in pentads(2016)]))["days"].values
    assert (days[:-1] == 5).all()
    assert days[-1] == 6


def test_years_follow_each_other():
    time = [period.start for year in (2014, 2015, 2016) for period in pentads(year)]
    assert with_days(series(time))["days"].sum() == 365 + 365 + 366


def test_given_lengths_are_kept():
    given = series(["2015-01-01", "2015-03-07"]).assign_coords(days=("time", [7.0, 3.0]))
    assert with_days(given)["days"].values.tolist() == [7.0, 3.0]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (["2015-01-01"], "one date alone"),
        (["2015-01-01", "2015-01-17", "2015-02-02"], "16 days apart"),
        (["2015-02-01", "2015-01-01"], "do not rise"),
    ],
)
def test_what_cannot_be_told_is_refused(time, message):
    with pytest.raises(InputError, match=message):
        with_days(series(time))
    with pytest.raises(InputError, match="along 'time'"):
        with_days(xr.Dataset({"a": ("year", [1.0])}))


def test_months_are_the_weighted_means_of_pandas():
    time = pd.date_range("2015-01-01", "2016-12-31")
    values = np.random.default_rng(0).normal(5, 2, time.size)
    months = monthly(with_days(series(time, values)))
    expected = pd.Series(values, time).resample("MS").mean()
    np.testing.assert_allclose(months["gpp"], expected)
    assert months["time"].values.tolist() == expected.index.to_numpy("datetime64[ns]").tolist()
    assert months["days"].sum() == 731


def test_pentads_weigh_by_their_days_and_gaps_do_not_count():
    days = with_days(series([period.start for period in pentads(2016)])).isel(time=slice(66, 73))
    days["gpp"][1] = np.nan
    december = monthly(days).sel(time="2016-12-01")
    inside = days.sel(time=slice("2016-12-01", None))
    weight = inside["days"].where(inside["gpp"].notnull(), 0)
    assert december["gpp"].item() == pytest.approx(float((inside["gpp"].fillna(0) * weight).sum() / weight.sum()))
    assert december["days"].item() == inside["days"].sum()


def test_layers_without_time_and_attributes_stay():
    ds = with_days(series(pd.date_range("2015-01-01", periods=60))).assign(land_cover=((), 4.0, {"units": "1"}))
    months = monthly(ds)
    assert months["land_cover"].item() == 4.0
    assert months["gpp"].attrs["units"] == "g m-2 d-1"
    assert monthly(ds.assign(gpp=ds["gpp"] * np.nan))["gpp"].isnull().all()


def test_leap_years():
    assert [days_in_year(y) for y in (1900, 2000, 2015, 2016)] == [
        (date(y + 1, 1, 1) - date(y, 1, 1)).days for y in (1900, 2000, 2015, 2016)
    ]
