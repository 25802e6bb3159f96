"""Which times a period takes, against datetimes written out."""

from datetime import datetime

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.period import whole_period
from musyq_lab.production.download.period import span, within


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2015", datetime(2015, 1, 1), datetime(2016, 1, 1)),
        ("2015-07", datetime(2015, 7, 1), datetime(2015, 8, 1)),
        ("2015-12", datetime(2015, 12, 1), datetime(2016, 1, 1)),
        ("2016-02", datetime(2016, 2, 1), datetime(2016, 3, 1)),
        ("2016-02-29", datetime(2016, 2, 29), datetime(2016, 3, 1)),
        ("2015-07-01/2015-08-15", datetime(2015, 7, 1), datetime(2015, 8, 16)),
        ("2014/2015-02", datetime(2014, 1, 1), datetime(2015, 3, 1)),
        (" 2015 / 2016 ", datetime(2015, 1, 1), datetime(2017, 1, 1)),
    ],
)
def test_the_first_instant_and_that_after_the_last(text, start, end):
    found = whole_period(text)
    assert (found.start, found.end) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "2015-13",
        "2015-02-29",
        "2015/",
        "/2015",
        "2016/2015",
        "2015-7",
        "July",
        "2015/2016/2017",
        "9999",
        "0000",
    ],
)
def test_what_is_no_period_is_refused(text):
    with pytest.raises(InputError, match=r"names no time|ends before it starts"):
        within(xr.Dataset(coords={"time": np.array(["2015-07-01"], "datetime64[ns]")}), text)


def times(*moments):
    values = np.array(moments, "datetime64[ns]")
    return xr.Dataset({"v": ("time", np.arange(values.size))}, {"time": values})


def test_both_ends_are_included_to_the_last_instant():
    ds = times("2015-06-30T23:59:59", "2015-07-01", "2015-07-31T21:00", "2015-07-31T23:59:59.999", "2015-08-01")
    assert within(ds, "2015-07")["v"].values.tolist() == [1, 2, 3]
    assert within(ds, "2015-07-31/2015-08-01")["v"].values.tolist() == [2, 3, 4]
    assert within(ds, None) is ds


def test_times_in_any_order_and_unit():
    ds = times("2015-07-05", "2014-01-01", "2015-07-10").assign_coords(
        time=np.array(["2015-07-05", "2014-01-01", "2015-07-10"], "datetime64[us]")
    )
    assert within(ds, "2015")["v"].values.tolist() == [0, 2]


def test_a_stretch_without_times_names_the_nearest():
    ds = times("2015-06-25", "2015-08-04")
    with pytest.raises(InputError, match=r"last before is 2015-06-25T00:00; the next is 2015-08-04T00:00"):
        within(ds, "2015-07")
    with pytest.raises(InputError, match=r"The next is 2015-06-25"):
        within(ds, "2014")


def test_labels_of_periods_choose_too():
    ds = times("2015-06-25", "2015-06-30").assign_coords(period=("time", ["2015176", "2015181"]))
    assert within(ds, "2015181")["v"].values.tolist() == [1]
    words = xr.Dataset({"v": ("period", [1, 2])}, {"period": ["2011-2015", "climatology"]})
    assert within(words, "climatology")["v"].values.tolist() == [2]
    with pytest.raises(InputError, match="names no times"):
        within(words, "2015")


def test_a_product_of_one_period_is_of_that_period():
    ds = xr.Dataset({"v": 1}, attrs={"period": "2015181"})
    assert within(ds, "2015181") is ds
    assert within(ds, "2015-06") is ds  # day 181 is 30 June
    with pytest.raises(InputError, match=r"is of 2015-06-30 00:00"):
        within(ds, "2015-07")
    scalar = xr.Dataset({"v": 1}, {"time": np.datetime64("2015-07-02T03:00", "ns")})
    assert within(scalar, "2015-07") is scalar
    with pytest.raises(InputError, match="no text"):
        within(ds, 2015)
    with pytest.raises(InputError, match="Leave period out"):
        within(xr.Dataset({"v": 1}), "2015")


def test_words_for_file_names():
    assert span(xr.Dataset({"v": 1})) == ""
    assert span(xr.Dataset({"v": 1}, attrs={"period": "2015181"})) == "2015181"
    ds = times("2015-06-25", "2015-06-30")
    assert span(ds) == "2015-06-25_2015-06-30"
    assert span(ds.isel(time=[0])) == "2015-06-25"
    labelled = ds.assign_coords(period=("time", ["2015176", "2015181"]))
    assert span(labelled.isel(time=[0])) == "2015176"
