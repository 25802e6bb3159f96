"""What is in stock by names and times alone: which file serves a period, and what there is in a sentence."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from musyq_lab.archive.naming import FileName
from musyq_lab.catalog.stock import LayerFile, Shot, Stock, period_of_label, take_stock
from musyq_lab.core.errors import MusyqError, NotFoundError
from musyq_lab.core.period import Period, pentad, pentads

MAY = pentad(datetime(2019, 5, 3))


def file(period, *variables, product="air", version="v1", tile="here"):
    name = FileName(product, "1km", tile, period, version)
    return LayerFile(name, period_of_label(name), variables or ("t",), f"/nowhere/{name.text}")


@pytest.mark.parametrize("year", [2019, 2020])
def test_the_pentads_of_a_year_are_read_from_their_labels(year):
    for period in pentads(year):
        assert period_of_label(FileName("x", "y", "z", period.label, "v1")) == period


@pytest.mark.parametrize(
    ("label", "start", "days"),
    [
        ("2019002", datetime(2019, 1, 2), 1),  # no pentad begins on the second: a day
        ("2019001", datetime(2019, 1, 1), 5),
        ("2019361", datetime(2019, 12, 27), 5),
        ("2020361", datetime(2020, 12, 26), 6),  # the last one takes day 366
        ("2019", datetime(2019, 1, 1), 365),
        ("2020-02", datetime(2020, 2, 1), 29),
        ("2019-02-p6", datetime(2019, 2, 26), 3),
        ("2019001-03", datetime(2019, 1, 1, 3), 0.125),
        ("2019001-04", datetime(2019, 1, 1, 4), 0.125),
    ],
)
def test_labels_stand_for_their_time(label, start, days):
    found = period_of_label(FileName("x", "y", "z", label, "v1"))
    assert (found.start, found.end - found.start) == (start, timedelta(days=days))


@pytest.mark.parametrize("label", ["static", "climatology"])
def test_other_labels_hold_for_all_times(label):
    assert period_of_label(FileName("x", "y", "z", label, "v1")) is None
    assert file(label).covers(MAY)
    assert Stock(layers=(file(label),)).layer("t", MAY) == (file(label),)


@pytest.mark.parametrize(
    ("label", "covers"),
    [
        ("2019121", True),  # the period itself: 1 to 5 May
        ("2019116", False),  # ends where it begins
        ("2019126", False),
        ("2019123", True),  # a day in it
        ("2019", True),
        ("2019-05", True),
        ("2019-04", False),
        ("2018", False),
    ],
)
def test_which_file_serves_a_period(label, covers):
    assert (MAY.start, MAY.end) == (datetime(2019, 5, 1), datetime(2019, 5, 6))
    assert file(label).covers(MAY) is covers


def test_of_one_period_the_newest_version_serves_in_any_order():
    files = [file("2019121", version=v) for v in ("v2", "v10", "v9")]
    for order in permutations(files):
        assert Stock(layers=order).layer("t", MAY) == (files[1],)


def test_a_newer_version_without_the_layer_does_not_hide_an_older_one_that_has_it():
    old, new = file("2019121", "t", "q"), file("2019121", "t", version="v2")
    stock = Stock(layers=(old, new))
    assert stock.layer("q", MAY) == (old,)
    assert stock.layer("t", MAY) == (new,)


def test_tiles_and_products_are_files_of_their_own():
    files = (file("2019121"), file("2019121", tile="there"), file("2019121", product="other"))
    assert set(Stock(layers=files).layer("t", MAY)) == set(files)
    assert Stock(layers=files).layer("absent", MAY) == ()
    assert Stock(layers=files).variables() == {"t"}


def test_days_of_a_period_come_in_their_order():
    days = [file(f"2019{n}") for n in (125, 122, 124, 123)]
    assert [f.name.period for f in Stock(layers=tuple(days)).layer("t", MAY)] == [f"2019{n}" for n in range(122, 126)]


def shot(day, sensor="modis"):
    return Shot(datetime(2019, 5, day, 3), sensor, f"{sensor}{day}", "/nowhere")


def test_the_span_is_from_the_first_to_the_last_granule():
    stock = Stock((shot(7), shot(2)), (file("2010"),))  # layers do not stretch it
    span = stock.span()
    assert (span.start, span.end) == (datetime(2019, 5, 2, 3), datetime(2019, 5, 7, 3, 0, 1))
    assert shot(7).time in span


def test_without_granules_it_is_that_of_the_dated_layers():
    stock = Stock(layers=(file("2019121"), file("static"), file("2019-07")))
    assert (stock.span().start, stock.span().end) == (datetime(2019, 5, 1), datetime(2019, 8, 1))
    with pytest.raises(NotFoundError, match="Nothing in stock has a date"):
        Stock(layers=(file("static"),)).span()
    with pytest.raises(NotFoundError):
        Stock().span()


def test_a_sentence_names_sensors_days_and_layers():
    stock = Stock((shot(2), shot(9, "gf1_wfv")), (file("2019121", "t", "t_uncertainty", "air_qa"),))
    assert stock.said() == "2 granules of gf1_wfv, modis, 2019-05-02 to 2019-05-09; the layers t."
    many = Stock(layers=(file("2019121", *(f"v{n:02d}" for n in range(15))),))
    assert many.said().endswith("v11 and 3 more.")
    assert Stock().said() == "."


def test_granules_are_in_order_of_time():
    assert sorted([shot(9), shot(2, "z"), shot(2, "a")]) == [shot(2, "a"), shot(2, "z"), shot(9)]


def test_a_period_that_only_touches_is_not_covered():
    day = Period(datetime(2019, 5, 6), datetime(2019, 5, 7), "2019126")
    assert not file("2019121").covers(day)
    assert file("2019126").covers(day)


def test_a_catalog_that_is_not_there_is_told(tmp_path):
    with pytest.raises(MusyqError):
        take_stock(tmp_path / "absent.yml")
    with pytest.raises(MusyqError):
        take_stock(tmp_path)


def test_an_empty_catalog_has_nothing_in_stock(tmp_path):
    (tmp_path / "catalog.yml").write_text("metadata:\n  version: 1\nsources: {}\n")
    with pytest.raises(NotFoundError, match="nothing in stock"):
        take_stock(tmp_path)
