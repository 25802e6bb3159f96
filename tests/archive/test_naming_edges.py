"""Names that read back, and none that reads as another."""

import calendar
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive.naming import FileName, parse
from musyq_lab.core.errors import InputError

FIELD = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,12}", fullmatch=True)


@settings(max_examples=200, deadline=None)
@given(key=st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True), e=FIELD, t=FIELD, p=FIELD, v=st.integers(0, 999999))
def test_every_name_reads_back(key, e, t, p, v):
    name = FileName(key, e, t, p, f"v{v}")
    assert parse(name.text) == name
    assert name.text == f"{name.stem}.h5"
    assert name.number == v


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40).map(lambda t: f"MuSyQ.{t}.h5"))
def test_what_is_read_is_what_was_written(text):
    """Two names never mean one product: a file would be taken for another."""
    found = parse(text)
    assert found is None or found.text == text


@pytest.mark.parametrize(
    "text",
    [
        "MuSyQ.LA\u212a.1km.global.2015001.v1.h5",  # the sign of kelvin, whose small letter is a plain k
        "MuSyQ.LAI.1km.global.2015001.v\u0661.h5",
        "MuSyQ.LAI.1km.global.2015001.v1.h5\n",
        "MuSyQ.LAI.1km.global.2015001.v1.H5",
        "MuSyQ.lai.1km.global.2015001.v1.h5",
        "musyq.LAI.1km.global.2015001.v1.h5",
        "MuSyQ.LAI.1km..2015001.v1.h5",
        "MuSyQ.LAI.1km.global.2015001.v1.nc.h5",
        "MuSyQ.LAI.1km.global.2015001.1.h5",
        "MuSyQ.LAI.1km.global.2015001.v1234567.h5",
        "MuSyQ.LAI.1km.../..2015001.v1.h5",
        "",
        ".h5",
    ],
)
def test_names_that_nearly_are_some(text):
    assert parse(text) is None


@pytest.mark.parametrize("field", ["edition", "tile", "period", "version"])
@pytest.mark.parametrize("value", ["", "a b", "a.b", "../x", "-x", "_x", "x" * 65, "度"])
def test_fields_that_no_name_can_hold(field, value):
    fields = {"product": "lai", "edition": "1km", "tile": "global", "period": "2015001", "version": "v1"}
    with pytest.raises(InputError):
        FileName(**(fields | {field: value}))


def of(period):
    return FileName("lai", "1km", "global", period, "v1")


@settings(max_examples=120, deadline=None)
@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_days_of_the_year_are_those_of_the_calendar(day):
    label = f"{day.year:04d}{day.timetuple().tm_yday:03d}"
    assert of(label).start == datetime(day.year, day.month, day.day)


@pytest.mark.parametrize("year", [1900, 2000, 2015, 2016])
def test_day_366_is_of_leap_years_alone(year):
    start = of(f"{year}366").start
    assert (start is not None) == calendar.isleap(year)
    assert of(f"{year}367").start is None
    assert of(f"{year}000").start is None


@pytest.mark.parametrize("month", range(1, 13))
def test_months_and_their_sixths_follow_each_other(month):
    label = f"2016-{month:02d}"
    whole = of(label).span
    assert whole.start == datetime(2016, month, 1)
    assert (whole.end - whole.start).days == calendar.monthrange(2016, month)[1]
    parts = [of(f"{label}-p{n}").span for n in range(1, 7)]
    assert parts[0].start == whole.start
    assert parts[-1].end == whole.end
    assert all(a.end == b.start for a, b in pairwise(parts))


@pytest.mark.parametrize("hour", range(25))
def test_only_the_eight_hours_of_a_day_have_a_span(hour):
    name = of(f"2015001-{hour:02d}")
    assert name.start == (datetime(2015, 1, 1, hour) if hour < 24 else None)
    if name.span:
        assert hour % 3 == 0
        assert name.span.end - name.span.start == timedelta(hours=3)
    elif hour < 24:
        assert hour % 3 != 0


@pytest.mark.parametrize(
    ("label", "years"), [("2013-2015", 3), ("2015-2015", 1), ("2015-2013", None), ("1999-3000", None), ("2013", 1)]
)
def test_some_years(label, years):
    span = of(label).span
    found = None if span is None else span.end.year - span.start.year
    assert found == years


@pytest.mark.parametrize(
    "label", ["climatology", "static", "2015-13", "2015-00", "2015-01-p7", "2015-01-p0", "20150101"]
)
def test_labels_that_name_no_time(label):
    assert (of(label).start, of(label).span) == (None, None)
