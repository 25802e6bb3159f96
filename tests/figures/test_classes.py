"""Class tables: right-open intervals, refusals, and what catalogs/classes.yml holds."""

import itertools

import numpy as np
import pytest
import yaml

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.figures.classes import ClassTable, class_table, class_tables

BOTH = {"en": "a", "zh": "甲"}


def make(breaks=(1.0, 2.0, 3.0, 4.0), **changes):
    row = {"key": "k", "title": BOTH, "units": "1", "breaks": breaks, "colour_map": "musyq_radiation", "source": BOTH}
    return ClassTable(**{**row, **changes})


def test_intervals_are_right_open():
    table = make()
    assert table.classify([0.999, 1.0, 1.999, 2.0, 4.0, 1e9]).tolist() == [0, 1, 1, 2, 4, 4]
    just_below = np.nextafter(np.array(table.breaks), -np.inf)
    assert (table.classify(table.breaks) - table.classify(just_below)).tolist() == [1, 1, 1, 1]


def test_nan_has_no_class_and_infinities_have_the_outer_ones():
    assert make().classify([np.nan, -np.inf, np.inf]).tolist() == [-1, 0, 4]


def test_classes_partition_the_line():
    values = np.random.default_rng(0).uniform(0, 5, 10_000)
    table = make()
    limits = [-np.inf, *table.breaks, np.inf]
    loop = [sum(low <= v < high for v in values) for low, high in itertools.pairwise(limits)]
    assert np.bincount(table.classify(values), minlength=len(table)).tolist() == loop


def test_labels_and_widths():
    table = make((0.1, 1.0, 2.5, 2100.0))
    assert table.labels("en") == ("< 0.1", "0.1–1", "1–2.5", "2.5–2,100", "≥ 2,100")
    assert table.widths == pytest.approx((0.9, 0.9, 1.5, 2097.5, 2097.5))
    assert len(table.colours) == len(table) == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"breaks": (1.0, 2.0)}, "3 classes"),
        ({"breaks": tuple(map(float, range(9)))}, "10 classes"),
        ({"breaks": (1.0, 3.0, 2.0, 4.0)}, "ascending"),
        ({"breaks": (1.0, 1.0, 2.0, 4.0)}, "ascending"),
        ({"breaks": (1.0, 2.0, 3.0, float("nan"))}, "finite"),
        ({"title": {"en": "a"}}, "no title in zh"),
        ({"source": {"en": "", "zh": "甲"}}, "no source in en"),
        ({"colour_map": "jet"}, "rainbow"),
        ({"colour_map": "no_such_map"}, "no colour map"),
    ],
)
def test_a_bad_table_is_refused(changes, message):
    with pytest.raises((InputError, NotFoundError), match=message):
        make(**changes)


GOOD = {"title": BOTH, "units": "K", "breaks": [1, 2, 3, 4], "colour_map": "inferno", "source": BOTH}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**GOOD, "breaks": "1, 2"}, "list of numbers"),
        ({**GOOD, "breaks": 3}, "list of numbers"),
        ({k: v for k, v in GOOD.items() if k != "units"}, "lacks units"),
        ({**GOOD, "colors": []}, "unknown fields colors"),
        ({**GOOD, "source": "mine"}, "source must give"),
        ("text", "not a mapping"),
    ],
)
def test_a_bad_row_of_the_file_is_refused(tmp_path, row, message):
    path = tmp_path / "classes.yml"
    path.write_text(yaml.safe_dump({"mine": row}), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        class_tables(path)


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1\n"])
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    path = tmp_path / "classes.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="file of class tables"):
        class_tables(path)


def test_a_users_file_is_read(tmp_path):
    path = tmp_path / "classes.yml"
    path.write_text(yaml.safe_dump({"mine": GOOD}), encoding="utf-8")
    assert class_tables(path)["mine"].breaks == (1.0, 2.0, 3.0, 4.0)


def test_an_unknown_name_names_the_near_one():
    with pytest.raises(NotFoundError, match="dsr_annual"):
        class_table("dsr_anual")


def test_shipped_tables():
    assert {"dsr_annual", "dsr_annual_mj", "pv_potential", "pv_yield"} <= set(class_tables())
    raw = yaml.safe_load(resource("catalogs/classes.yml").read_text(encoding="utf-8"))
    assert all(row["note"] for row in raw.values())


def test_both_units_of_radiation_have_the_same_classes():
    kwh, mj = class_table("dsr_annual"), class_table("dsr_annual_mj")
    assert [3.6 * limit for limit in kwh.breaks] == pytest.approx(list(mj.breaks))
    assert kwh.colours == mj.colours


def test_yield_classes_are_half_a_kilowatt_hour_a_day_apart():
    daily = np.array(class_table("pv_yield").breaks) / 365.25
    assert daily == pytest.approx(np.arange(2.5, 5.6, 0.5), abs=0.01)
