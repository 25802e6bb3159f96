"""Digits: three significant, never more than the interval allows; units in the header."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.figures.tables import (
    Column,
    at_place,
    csv_text,
    html_text,
    last_place,
    sensible,
    sensible_table,
    write_table,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [(448.93, "449"), (0.012345, "0.0123"), (1234567.0, "1,230,000"), (9.999, "10.00"), (0.0, "0"), (-0.0, "0"),
     (-12.345, "-12.3"), (math.nan, "–"), (math.inf, "–"), (100.0, "100")],
)  # fmt: skip
def test_three_significant_digits(value, written):
    assert sensible(value) == written


@pytest.mark.parametrize(
    ("value", "half", "written"),
    [
        # Particle Data Group, introduction, 5.3: 0.827 +- 0.119 is written 0.83 +- 0.12, 0.827 +- 0.367 is 0.8 +- 0.4.
        (0.827, 0.119, "0.83"),
        (0.827, 0.367, "0.8"),
        (448.93, 58.0, "450"),
        (448.93, 5.8, "449"),
        (448.93, 0.001, "449"),
        (1778.0, 142.0, "1,780"),
        (12.0, 96.0, "10"),
        (12.0, 0.0, "12.0"),
    ],
)
def test_never_more_digits_than_the_interval_allows(value, half, written):
    assert sensible(value, value - half, value + half) == written


@given(st.floats(1e-6, 1e12), st.floats(1e-9, 2.0))
def test_rounding_costs_less_than_the_interval_and_less_than_half_a_percent(value, relative):
    half = value * relative
    written = float(sensible(value, value - half, value + half).replace(",", ""))
    assert abs(written - value) <= max(0.005 * value, 0.5 * half * 1.0001) * 1.0001


def test_the_same_place_for_value_and_interval():
    assert last_place(448.93, 58.0) == -1
    assert at_place(390.93, -1) == "390"
    assert at_place(-0.04, 1) == "0.0"


def make():
    return pd.DataFrame(
        {
            "name": ["A & B", "C"],
            "count": [1234, 5],
            "twh": [448.93, np.nan],
            "low": [390.9, np.nan],
            "high": [506.9, np.nan],
        }
    )


COLUMNS = (
    Column("name", "Country"),
    Column("count", "Cells"),
    Column("twh", "Potential", "TWh a-1", "low", "high"),
    Column("low", "95 % low", "TWh a-1"),
    Column("high", "95 % high", "TWh a-1"),
)


def test_a_table_has_units_in_its_header_and_one_place_a_row():
    table = sensible_table(make(), COLUMNS)
    assert list(table.columns) == [
        "Country", "Cells", "Potential (TWh a⁻¹)", "95 % low (TWh a⁻¹)", "95 % high (TWh a⁻¹)",
    ]  # fmt: skip
    assert table.iloc[0].tolist() == ["A & B", "1,234", "450", "390", "510"]
    assert table.iloc[1].tolist() == ["C", "5", "–", "–", "–"]


def test_a_missing_column_is_told():
    with pytest.raises(InputError, match="lacks the columns twh"):
        sensible_table(make().drop(columns="twh"), COLUMNS)


def test_csv_keeps_the_numbers():
    text = csv_text(make(), {"twh": "TWh a-1"})
    assert text.splitlines()[0] == "name,count,twh (TWh a-1),low,high"
    assert "448.93" in text
    assert "\r" not in text


def test_html_is_escaped_and_says_its_language():
    page = html_text(sensible_table(make(), COLUMNS), "<b>", "zh")
    assert "A &amp; B" in page
    assert "<b>" not in page.replace("<body>", "")
    assert 'lang="zh-CN"' in page
    assert '<td class="n">450</td>' in page


def test_both_files_are_written_the_same_each_time(tmp_path):
    csv, html = write_table(make(), COLUMNS, tmp_path / "countries", title="T")
    before = csv.read_bytes(), html.read_bytes()
    write_table(make(), COLUMNS, tmp_path / "countries", title="T")
    assert (csv.read_bytes(), html.read_bytes()) == before
    assert pd.read_csv(csv)["twh (TWh a-1)"][0] == 448.93
    assert sorted(path.name for path in tmp_path.iterdir()) == ["countries.csv", "countries.html"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ArchiveError, match="Choose another folder"):
        write_table(make(), COLUMNS, tmp_path / "none" / "countries", title="T")
