from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive.naming import FileName, parse
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import daily, pentads, three_hourly

FIELD = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,20}\Z")


def test_the_name_is_as_published():
    assert FileName("dsr", "0p25deg", "global", "2015001", "v1").text == "MuSyQ.DSR.0p25deg.global.2015001.v1.h5"


@settings(deadline=None)
@given(FIELD.map(str.lower), FIELD, FIELD, FIELD, st.integers(0, 99))
def test_every_name_can_be_taken_apart(product, edition, tile, period, number):
    name = FileName(product, edition, tile, period, f"v{number}")
    assert parse(name.text) == name


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "../x",
        "a/b",
        "a\\b",
        "",
        ".",
        ".hidden",
        "-rf",
        "a.b",
        "a\0b",
        "a b",
        "x" * 65,
        "é",
        "%2e%2e",
        "a\n",
        "１",
    ],
)
@pytest.mark.parametrize("field", ["product", "edition", "tile", "period", "version"])
def test_no_field_leads_out_of_the_folder(field, text):
    good = {"product": "dsr", "edition": "1km", "tile": "global", "period": "2015001", "version": "v1"}
    with pytest.raises(InputError, match=field):
        FileName(**{**good, field: text})


@pytest.mark.parametrize("version", ["1", "v", "V1", "v1b", "latest"])
def test_a_version_is_v_and_a_number(version):
    with pytest.raises(InputError, match="version"):
        FileName("dsr", "1km", "global", "2015001", version)


@pytest.mark.parametrize(
    "name",
    [
        "x.h5",
        "MuSyQ.dsr.1km.global.2015001.v1.h5",
        "MuSyQ.DSR.1km.global.2015001.h5",
        ".MuSyQ.DSR.1km.g.1.v1.h5.ab.partial",
    ],
)
def test_other_files_are_not_ours(name):
    assert parse(name) is None


def test_v10_is_newer_than_v9():
    assert FileName("a", "b", "c", "d", "v10").number > FileName("a", "b", "c", "d", "v9").number


@pytest.mark.parametrize("convention", ["year", "month"])
def test_labels_of_core_periods_tell_their_first_instant(convention):
    for period in pentads(2016, convention):
        assert FileName("a", "b", "c", period.label, "v1").start == period.start


def test_labels_of_days_hours_months_and_years():
    for period in (daily(datetime(2016, 12, 31)), three_hourly(datetime(2016, 2, 29, 22))):
        assert FileName("a", "b", "c", period.label, "v1").start == period.start
    assert FileName("a", "b", "c", "2016", "v1").start == datetime(2016, 1, 1)
    assert FileName("a", "b", "c", "2016-07", "v1").start == datetime(2016, 7, 1)


@pytest.mark.parametrize("label", ["2011-2015", "climatology", "2015366", "2015000", "2016-13", "2015001-25", "0000"])
def test_labels_that_name_no_instant(label):
    assert FileName("a", "b", "c", label, "v1").start is None


@pytest.mark.parametrize(
    ("label", "start", "last"),
    [
        ("2015", "2015-01-01", "2015-12-31T23:59:59"),
        ("2011-2015", "2011-01-01", "2015-12-31T23:59:59"),
        ("2015-2011", None, None),
        ("2015-12", "2015-12-01", "2015-12-31T23:59:59"),
        ("2016-02-p6", "2016-02-26", "2016-02-29T23:59:59"),
        ("2015-01-p1", "2015-01-01", "2015-01-05T23:59:59"),
        ("2015001-21", "2015-01-01T21:00:00", "2015-01-01T23:59:59"),
        ("2015001-22", None, None),  # an instant
        ("2015001", None, None),  # a day, or five
        ("2015366", None, None),
        ("climatology", None, None),
    ],
)
def test_whole_periods_of_labels(label, start, last):
    found = FileName("a", "b", "c", label, "v1").span
    assert (found and found.start) == (start and datetime.fromisoformat(start))
    assert (found and found.last) == (last and datetime.fromisoformat(last))
