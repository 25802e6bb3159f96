"""Periods: every instant lies in exactly one, whatever the year, the zone and the type of the time."""

from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.core.period import daily, pentad, pentads, three_hourly

DAY = timedelta(days=1)
CHINA = timezone(timedelta(hours=8))
moments = st.datetimes(datetime(1980, 1, 1), datetime(2060, 12, 31))


@pytest.mark.parametrize("convention", ["year", "month"])
def test_every_day_of_25_years_is_in_exactly_one_pentad(convention):
    expected = datetime(2000, 1, 1)
    labels = []
    for year in range(2000, 2025):
        periods = list(pentads(year, convention))
        assert len(periods) == {"year": 73, "month": 72}[convention]
        for period in periods:
            assert period.start == expected  # no gap, no overlap
            lengths = {"year": (5, 6), "month": (3, 4, 5, 6)}[convention]
            assert (period.end - period.start).days in lengths
            day = period.start
            while day < period.end:
                assert pentad(day, convention) == period
                day += DAY
            expected = period.end
            labels.append(period.label)
    assert expected == datetime(2025, 1, 1)
    assert len(set(labels)) == len(labels)
    assert labels == sorted(labels)


@pytest.mark.parametrize(
    ("day", "convention", "start", "days", "label"),
    [
        (date(2015, 1, 1), "year", date(2015, 1, 1), 5, "2015001"),
        (date(2015, 1, 5), "year", date(2015, 1, 1), 5, "2015001"),
        (date(2015, 1, 6), "year", date(2015, 1, 6), 5, "2015006"),
        (date(2015, 12, 31), "year", date(2015, 12, 27), 5, "2015361"),
        (date(2016, 2, 29), "year", date(2016, 2, 25), 5, "2016056"),
        (date(2016, 12, 31), "year", date(2016, 12, 26), 6, "2016361"),
        (date(2015, 2, 28), "month", date(2015, 2, 26), 3, "2015-02-p6"),
        (date(2016, 2, 29), "month", date(2016, 2, 26), 4, "2016-02-p6"),
        (date(1900, 2, 28), "month", date(1900, 2, 26), 3, "1900-02-p6"),
        (date(2015, 1, 31), "month", date(2015, 1, 26), 6, "2015-01-p6"),
        (date(2015, 4, 30), "month", date(2015, 4, 26), 5, "2015-04-p6"),
        (date(2015, 12, 31), "month", date(2015, 12, 26), 6, "2015-12-p6"),
        (date(2015, 1, 6), "month", date(2015, 1, 6), 5, "2015-01-p2"),
    ],
)
def test_pentads_by_the_calendar(day, convention, start, days, label):
    period = pentad(day, convention)
    assert period.start.date() == start
    assert (period.end - period.start).days == days
    assert period.label == label


def test_unknown_convention_says_which_there_are():
    with pytest.raises(InputError, match=r"'week'.*Use 'year' \(73\) or 'month' \(72\)"):
        pentad(date(2015, 1, 1), "week")


@given(moments, st.sampled_from(["year", "month"]))
def test_half_open_bounds(moment, convention):
    for period in (pentad(moment, convention), daily(moment), three_hourly(moment)):
        assert moment in period
        assert period.start in period
        assert period.end not in period
        assert period.end - timedelta(microseconds=1) in period
        assert period.start < period.middle < period.end
        assert period.middle - period.start == period.end - period.middle


@given(moments)
def test_periods_nest(moment):
    three, day, five = three_hourly(moment), daily(moment), pentad(moment)
    assert five.start <= day.start <= three.start < three.end <= day.end <= five.end
    assert three.end - three.start == timedelta(hours=3)
    assert three.start.hour % 3 == 0
    assert day.end - day.start == DAY


def test_a_day_has_eight_three_hourly_periods_with_their_own_labels():
    found = {three_hourly(datetime(2016, 12, 31, hour, 59, 59, 999999)) for hour in range(24)}
    assert sorted(period.label for period in found) == [f"2016366-{hour:02d}" for hour in range(0, 24, 3)]
    assert max(found).end == datetime(2017, 1, 1)


@given(moments, st.integers(-14, 14))
def test_zones_are_turned_into_utc(moment, hours):
    local = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    for made, expected in [
        (pentad(local), pentad(moment)),
        (pentad(local, "month"), pentad(moment, "month")),
        (daily(local), daily(moment)),
        (three_hourly(local), three_hourly(moment)),
    ]:
        assert made == expected
        assert made.start.tzinfo is None
        assert local in made


def test_the_local_day_is_not_the_day_in_utc():
    early = datetime(2015, 1, 6, 2, tzinfo=CHINA)  # still 5 January in UTC
    assert pentad(early).label == "2015001"
    assert daily(early).label == "2015005"
    assert pentad(date(2015, 1, 6)).label == "2015006"


def test_pandas_timestamps_down_to_the_nanosecond():
    stamp = pd.Timestamp("2015-06-30T23:59:59.999999999")
    for period in (pentad(stamp), daily(stamp), three_hourly(stamp)):
        assert stamp in period
        assert type(period.start) is datetime
    assert three_hourly(stamp) == three_hourly(datetime(2015, 6, 30, 23))


def test_periods_hold_dates_and_can_be_sorted_and_hashed():
    first, second = pentad(date(2015, 1, 1)), pentad(date(2015, 1, 6))
    assert date(2015, 1, 5) in first
    assert date(2015, 1, 6) not in first
    assert sorted([second, first]) == [first, second]
    assert len({first, pentad(date(2015, 1, 3))}) == 1
