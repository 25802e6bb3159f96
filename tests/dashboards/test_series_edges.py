"""A place's series: nearest cell, sigma, quality in words, CSV that reads back, labels, summary."""

import csv
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from bokeh.models import Span
from bokeh.plotting import figure
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.quality import COMMON_FLAGS, flag_attributes
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._series import (
    Cursor,
    Series,
    _alone,
    _ticks,
    blank,
    draw,
    label,
    place,
    quality_html,
    series_at,
    series_dimension,
    summary,
    texts,
    to_csv,
    words,
)

DIMS = ("month", "latitude", "longitude")
COORDS = {"month": [1, 2, 3], "latitude": [10.0, 0.0, -10.0], "longitude": [-20.0, 0.0, 20.0, 40.0]}


def data(**more) -> xr.Dataset:
    values = np.arange(36.0).reshape(3, 3, 4)
    attrs = {"units": "W m-2", "long_name": "global radiation"}
    return xr.Dataset({"ghi": (DIMS, values, attrs), **more}, coords=COORDS)


def full() -> xr.Dataset:
    qa = np.zeros((3, 3, 4), "uint16")
    qa[1] = 16
    sigma = (DIMS, np.full((3, 3, 4), 2.0), {"units": "W m-2"})
    return data(ghi_uncertainty=sigma, ghi_qa=(DIMS, qa, flag_attributes(COMMON_FLAGS)))


def a_series(values, *, dim="month", labels=None, sigma=None, quality=None, units="W m-2", where="5.00° N, 6.00° E"):
    array = np.asarray(values, dtype=float)
    names = list(range(1, array.size + 1)) if labels is None else labels
    spread = None if sigma is None else np.asarray(sigma, dtype=float)
    said = quality or [""] * array.size
    kind = "uncertainty, one sigma" if sigma is not None else ""
    return Series("ghi", "radiation", units, dim, names, array, spread, kind, said, 6.0, 5.0, where)


@settings(max_examples=40, deadline=None)
@given(st.floats(-35, 55), st.floats(-16, 16))
def test_the_nearest_cell_is_read(x, y):
    truth = data()
    found = series_at(cube(truth), "ghi", {"month": 0}, (x, y))
    cells = truth.stack(cell=("latitude", "longitude"))
    far = (cells["longitude"] - found.x) ** 2 + (cells["latitude"] - found.y) ** 2
    assert float(far.min()) == 0
    best = abs(truth["longitude"] - x).min() ** 2 + abs(truth["latitude"] - y).min() ** 2
    assert (found.x - x) ** 2 + (found.y - y) ** 2 == pytest.approx(float(best), abs=1e-9)
    np.testing.assert_array_equal(found.values, truth["ghi"].sel(longitude=found.x, latitude=found.y))


def test_everything_known_of_a_place_is_told():
    found = series_at(cube(full()), "ghi", {"month": 2}, (21.0, -9.0))
    assert (found.variable, found.long_name, found.units, found.dim) == ("ghi", "global radiation", "W m-2", "month")
    assert found.labels == [1, 2, 3]
    assert found.sigma.tolist() == [2.0, 2.0, 2.0]
    assert found.quality[0] == found.quality[2] == ""
    assert "filled in from neighbours" in found.quality[1]
    assert found.place == "10.00° S, 20.00° E"


def test_without_companions_there_is_neither_sigma_nor_quality():
    found = series_at(cube(data()), "ghi", {"month": 0}, (0.0, 0.0))
    assert found.sigma is None
    assert found.quality == ["", "", ""]


def test_a_companion_without_steps_counts_for_all_of_them():
    flat = xr.DataArray(np.full((3, 4), 7.0), dims=DIMS[1:])
    found = series_at(cube(data(ghi_uncertainty=flat)), "ghi", {"month": 0}, (0.0, 0.0))
    assert found.sigma.tolist() == [7.0, 7.0, 7.0]


def test_a_map_without_steps_is_a_single_value():
    found = series_at(cube(data().isel(month=1, drop=True)), "ghi", {}, (-20.0, 10.0))
    assert (found.dim, found.labels, found.values.tolist()) == ("", [""], [12.0])
    assert summary(found) == "10.00° N, 20.00° W: 12 W m⁻²"


def test_the_other_dimensions_stay_where_the_map_is():
    more = xr.concat([data(), data() + 100], dim="tilt").assign_coords(tilt=[0, 30])
    found = series_at(cube(more), "ghi", {"tilt": 1, "month": 2}, (-20.0, 10.0))
    assert found.dim == "month"
    assert found.values.tolist() == [100.0, 112.0, 124.0]


@pytest.mark.parametrize(
    ("dims", "expected"),
    [(("tilt", "month"), "month"), (("month", "time"), "time"), (("year", "season"), "season"), (("tilt",), "tilt")],
)
def test_time_comes_before_other_dimensions(dims, expected):
    layer = xr.Dataset({"a": ((*dims, "y", "x"), np.ones((2,) * len(dims) + (2, 2)))})
    assert series_dimension(cube(layer), "a") == expected


def test_blank_has_the_axes_and_no_value():
    empty = blank(cube(data()), "ghi")
    assert empty.empty
    assert empty.labels == [1, 2, 3]
    assert len(empty.values) == len(empty.quality) == 3
    assert blank(cube(data().isel(month=0, drop=True)), "ghi").labels == [""]


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (0.0, 0.0, "0.00° N, 0.00° E"),
        (-0.5, -0.5, "0.50° S, 0.50° W"),
        (190.0, 45.0, "45.00° N, 170.00° W"),
        (359.0, -90.0, "90.00° S, 1.00° W"),
        (-181.0, 1.0, "1.00° N, 179.00° E"),
    ],
)
def test_a_place_in_words(x, y, text):
    assert place(cube(data()), x, y) == text


def test_a_place_of_a_projected_grid_has_no_degrees():
    metres = cube(data().rename(latitude="y", longitude="x"))
    assert place(metres, 500000.0, -3.5) == "x 500000, y -3.5"


@pytest.mark.parametrize(
    ("dim", "value", "text"),
    [
        ("month", 1, "January"),
        ("month", np.int64(12), "December"),
        ("month", 13, "13"),
        ("month", 0, "0"),
        ("month", 1.0, "1.0"),
        ("time", 0, "1970-01-01"),
        ("time", 1_577_836_800_000_000_000, "2020-01-01"),
        ("season", "DJF", "DJF"),
        ("tilt", 30, "30"),
        ("name", "x" * 40, "x" * 19),
        ("time", 1_577_847_600_000_000_000, "2020-01-01 03:00"),
    ],
)
def test_steps_in_words(dim, value, text):
    assert label(dim, value) == text


def test_times_of_a_dataset_become_dates():
    times = np.array(["2019-12-31", "2020-02-29"], "datetime64[ns]")
    layer = xr.Dataset({"a": (("time", "y", "x"), np.ones((2, 2, 2)))}, coords={"time": times})
    found = series_at(cube(layer), "a", {"time": 0}, (0, 0))
    assert [label("time", step) for step in found.labels] == ["2019-12-31", "2020-02-29"]
    assert [row[2] for row in csv.reader(to_csv(found))][1:] == ["2019-12-31", "2020-02-29"]


@pytest.mark.parametrize("count", [1, 2, 12, 13, 24, 25, 365])
def test_at_most_twelve_marks_and_the_first_always(count):
    marks = _ticks(a_series(np.ones(count), dim="step"))
    assert 1 <= len(marks) <= 12
    assert marks[0] == (0, "1")
    assert len({b[0] - a[0] for a, b in pairwise(marks)}) <= 1


def test_months_are_short():
    assert [text for _, text in _ticks(a_series(np.ones(12)))][:3] == ["Jan", "Feb", "Mar"]


def test_summary_names_the_extremes_and_skips_what_is_missing():
    text = summary(a_series([np.nan, 30.0, 10.0, 20.0]))
    assert text == "5.00° N, 6.00° E: mean 20 W m⁻², lowest 10 (March), highest 30 (February)"


def test_summary_of_nothing_says_so():
    assert summary(a_series([np.nan, np.nan])).startswith("No data at 5.00° N")
    assert a_series([np.inf, np.nan]).empty


@pytest.mark.parametrize(
    ("units", "sigma", "text"),
    [("W m-2", [0.5], "P: 3 ± 0.5 W m⁻²"), ("1", None, "P: 3"), ("", [0.5], "P: 3 ± 0.5"), ("K", None, "P: 3 K")],
)
def test_summary_of_one_value(units, sigma, text):
    assert summary(a_series([3.0], dim="", labels=[""], units=units, sigma=sigma, where="P")) == text


def test_the_table_of_quality_holds_flagged_steps_alone():
    page = quality_html(a_series([1.0, np.nan, 3.0], quality=["", "<i>filled</i>", ""], where="<P>"))
    assert "February" in page
    assert "January" not in page
    assert "nan" in page
    assert "<i>" not in page
    assert "<P>" not in page
    assert "no quality bit is set" in quality_html(a_series([1.0]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e30, 1e30) | st.just(np.nan), min_size=1, max_size=20))
def test_csv_reads_back(values):
    sigma = [abs(v) / 3 for v in values]
    header, *rows = csv.reader(to_csv(a_series(values, sigma=sigma, quality=['a, "b"; c'] * len(values))))
    assert header[2:6] == ["month", "ghi (W m-2)", "uncertainty, one sigma (W m-2)", "quality"]
    assert len(rows) == len(values)
    read = np.array([float(row[3] or "nan") for row in rows])
    np.testing.assert_allclose(read, values, rtol=1e-6)
    np.testing.assert_allclose([float(row[4] or "nan") for row in rows], sigma, rtol=1e-6)
    assert {row[5] for row in rows} == {'a, "b"; c'}
    assert {(row[0], row[1]) for row in rows} == {("5.0", "6.0")}


def test_csv_says_which_axes_its_places_are_on():
    assert next(csv.reader(to_csv(a_series([1.0]))))[:2] == ["latitude (degrees_north)", "longitude (degrees_east)"]
    header, row = csv.reader(to_csv(a_series([1.0], where="x 6, y 5", dim="", labels=[""], units="")))
    assert header == ["y", "x", "step", "ghi (1)", "uncertainty (1)", "quality", "place", "geometry (WKT)"]
    assert row[4] == ""


def test_long_curves_mark_flagged_and_lonely_values_alone():
    ready()
    values = np.ones(300)
    values[[10, 12]] = np.nan
    flags = ["x" if k == 50 else "" for k in range(300)]
    layers = draw([a_series(values, dim="step", quality=flags)], 100)
    assert layers.get(2).dimension_values("step").tolist() == [11]
    assert layers.get(3).dimension_values("step").tolist() == [50]


@pytest.mark.parametrize("sigma", [None, [1.0, 1.0, np.nan]])
@pytest.mark.parametrize("count", [1, 2])
def test_the_curves_have_the_same_layers_whatever_is_known(sigma, count):
    ready()  # draws with Bokeh's options, whichever test comes first
    plain = draw([a_series([1.0, 2.0, np.nan], sigma=sigma, quality=["", "x", ""])] * count, 100)
    kinds = [type(layer).__name__ for layer in plain]
    assert kinds == ["Area", "Curve", "Points", "Points"] * 2
    good, flagged = plain.get(2), plain.get(3)
    assert good.dimension_values("step").tolist() == [0]
    assert flagged.dimension_values("step").tolist() == [1]
    assert len(plain.get(5)) == 3 * (count - 1)
    width = plain.get(0).dimension_values("upper") - plain.get(0).dimension_values("value")
    np.testing.assert_allclose(width[:2], [2.0, 2.0] if sigma else [0.0, 0.0])


@pytest.mark.parametrize(
    ("dim", "labels", "said"),
    [
        ("month", [1, 2], ["January", "February"]),
        ("kind", ["a", "b"], ["a", "b"]),
        ("kind", ["x" * 20 + "a", "x" * 20 + "b"], ["x" * 19 + " (1)", "x" * 19 + " (2)"]),
        ("kind", ["a", "a", "b"], ["a (1)", "a (2)", "b (3)"]),
        ("step", [], []),
        ("time", ["2020-01-01T10:00:01", "2020-01-01T10:00:02"], ["2020-01-01 10:00 (1)", "2020-01-01 10:00 (2)"]),
    ],
)
def test_steps_that_read_alike_are_told_apart(dim, labels, said):
    found = texts(dim, labels)
    assert found == said
    assert len(set(found)) == len(labels)


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (500_030.0, 4_469_970.0, "x 500030, y 4469970"),
        (500_030.5, 4_469_970.25, "x 500030.5, y 4469970.25"),
        (0.1 + 0.2, -1e-3, "x 0.3, y -0.001"),
    ],
)
def test_a_projected_place_is_told_to_the_metre(x, y, text):
    assert place(cube(data().rename(latitude="y", longitude="x")), x, y) == text


@pytest.mark.parametrize(
    ("dim", "value", "text"),
    [
        ("time", "2011-01-05", "5 January 2011"),
        ("time", "2011-12-31T18:00:00", "31 December 2011 18:00 UTC"),
        ("month", 7, "July"),
        ("season", "DJF", "DJF"),
        ("year", 2011, "2011"),
        ("tilt", 30, "tilt 30"),
        ("time", 5.0, "5.0"),
    ],
)
def test_a_step_as_one_says_it(dim, value, text):
    assert words(dim, value) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_a_lonely_value_has_no_neighbour(there):
    values = np.where(there, 1.0, np.nan)
    for k, found in enumerate(_alone(values)):
        before = k > 0 and there[k - 1]
        after = k + 1 < len(there) and there[k + 1]
        assert bool(found) == (not before and not after)


def test_csv_of_a_region_has_count_and_sigma_of_the_mean_beside_places_without():
    region = replace(a_series([1.0, 2.0]), count=np.array([5.0, 0.0]), mean_sigma=np.array([0.5, np.nan]))
    head, *rows = csv.reader(to_csv(region, a_series([3.0, 4.0])))
    at = head.index("cells with a value")
    assert [row[at] for row in rows] == ["5", "0", "", ""]
    assert [row[at + 1] for row in rows] == ["0.5", "", "", ""]
    assert len({len(row) for row in (head, *rows)}) == 1


@pytest.mark.parametrize("bad", ['a,"b"', "line\nbreak", "=1+1", "', ;"])
def test_csv_of_any_name_reads_back(bad):
    series = replace(a_series([1.0], where=bad), geometry=bad)
    _, row = csv.reader(to_csv(series))
    assert row[-2:] == [bad, bad]


def test_the_line_of_the_step_moves_in_every_figure_and_forgets_closed_ones():
    ready()
    cursor = Cursor()
    figures = [SimpleNamespace(state=figure()) for _ in range(2)]
    for shown in (*figures, figures[0]):
        cursor.hook(shown, None)
    lines = [shown.state.select(Span) for shown in figures]
    spans = [list(found) for found in lines]
    assert [len(found) for found in spans] == [1, 1], "one line a figure, however often it is drawn"
    cursor.move(4)
    assert [found[0].location for found in spans] == [4, 4]
    cursor.hook(later := SimpleNamespace(state=figure()), None)
    assert next(iter(later.state.select(Span))).location == 4
