"""Periods: every instant lies in exactly one, whatever the year, the zone and the type of the time."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.core.period import daily, pentad, pentads, pentads_of, three_hourly, whole_period

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


def test_coverage_is_the_first_and_the_last_second():
    """ACDD's end is the time of the last data, not the first instant after them."""
    found = pentad(datetime(2016, 2, 28), "month").coverage
    assert found == {"time_coverage_start": "2016-02-26T00:00:00Z", "time_coverage_end": "2016-02-29T23:59:59Z"}
    assert three_hourly(datetime(2016, 12, 31, 23)).last == datetime(2016, 12, 31, 23, 59, 59)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2015", datetime(2015, 1, 1), datetime(2016, 1, 1)),
        ("2016-02", datetime(2016, 2, 1), datetime(2016, 3, 1)),
        ("2015-12", datetime(2015, 12, 1), datetime(2016, 1, 1)),
        ("2015-07-p1", datetime(2015, 7, 1), datetime(2015, 7, 6)),
        ("2015-07-p6", datetime(2015, 7, 26), datetime(2015, 8, 1)),
        ("2016-02-29", datetime(2016, 2, 29), datetime(2016, 3, 1)),
        ("2015-07-01/2015-08-15", datetime(2015, 7, 1), datetime(2015, 8, 16)),
        (" 2015-07 / 2016 ", datetime(2015, 7, 1), datetime(2017, 1, 1)),
        ("2015-07-01/2015-07-01", datetime(2015, 7, 1), datetime(2015, 7, 2)),
    ],
)
def test_a_text_names_a_stretch_of_time_whose_last_day_counts(text, start, end):
    span = whole_period(text)
    assert (span.start, span.end, span.label) == (start, end, text)


@pytest.mark.parametrize(
    "text",
    ["", "/", "2015/", "/2015", "15", "2015-13", "2015-02-29", "2015-07-p7", "2015-7", "2015-07-01T00", "٢٠١٥", "a"],
)
def test_a_text_that_names_no_time_is_refused_with_examples(text):
    with pytest.raises(InputError, match="2015-07-01/2015-08-15"):
        whole_period(text)


def test_an_end_before_the_start_is_refused():
    with pytest.raises(InputError, match="ends before it starts"):
        whole_period("2015-07/2015-06")


@given(st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.integers(0, 40))
def test_pentads_of_a_stretch_are_those_that_its_days_lie_in(day, days):
    last = day + timedelta(days=days)
    span = whole_period(f"{day:%Y-%m-%d}/{last:%Y-%m-%d}")
    found = list(pentads_of(span))
    assert found == sorted({pentad(day + timedelta(days=n)) for n in range(days + 1)})
    assert all(before.end == after.start for before, after in pairwise(found))


def test_pentads_of_a_year_are_its_pentads():
    for convention in ("year", "month"):
        assert list(pentads_of(whole_period("2016"), convention)) == list(pentads(2016, convention))
