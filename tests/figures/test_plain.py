"""Maps on their own grid: where each class is painted, what the text says."""

import io

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from musyq_lab.core.errors import InputError
from musyq_lab.figures.plain import _ends, _shares, describe_plain, draw_plain

COLOURS, LABELS = ("#ff0000", "#00ff00", "#0000ff"), ("low", "middle", "high")


def field(down=(20.0, 10.0), across=(0.0, 10.0, 20.0), dims=("y", "x"), **attrs) -> xr.DataArray:
    values = np.arange(float(len(down) * len(across))).reshape(len(down), len(across))
    return xr.DataArray(values, {dims[0]: list(down), dims[1]: list(across)}, dims, "a", attrs)


def painted(figure) -> np.ndarray:
    stream = io.BytesIO()
    figure.savefig(stream, dpi=100, facecolor="white")
    return np.asarray(Image.open(stream).convert("RGB")).astype(int)


@pytest.mark.parametrize("down", [(20.0, 10.0), (10.0, 20.0)])
def test_each_class_is_painted_where_its_cells_are(down):
    data = field(down)
    classes = np.array([[0, 0, 1], [2, 2, 255]])
    classes = classes if down[0] > down[1] else classes[::-1]
    figure = draw_plain(data, classes=classes, colours=COLOURS, labels=LABELS, title="T")
    pixels = painted(figure)
    box = figure.axes[0].get_position()
    height, width, _ = pixels.shape

    def at(x: float, y: float) -> list[int]:
        column, row = width * (box.x0 + x * box.width), height * (1 - box.y0 - y * box.height)
        return pixels[int(row), int(column)].tolist()

    assert at(1 / 6, 0.75) == at(0.5, 0.75) == [255, 0, 0]
    assert at(5 / 6, 0.75) == [0, 255, 0]
    assert at(1 / 6, 0.25) == [0, 0, 255]
    assert at(5 / 6, 0.25) == [255, 255, 255]


def test_the_legend_names_the_classes_that_are_there_with_their_share():
    figure = draw_plain(
        field(), classes=np.array([[0, 0, 0], [2, 255, 255]]), colours=COLOURS, labels=LABELS, title="T"
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["low  75 %", "high  25 %"]


def test_the_text_tells_range_and_largest_classes():
    words = describe_plain(field(units="K"), classes=np.array([[0, 0, 0], [2, 1, 1]]), labels=LABELS, title="T")
    assert (
        words
        == "Map of T. Values from 0 to 5.00 K. Largest classes by number of cells: low 50 %, middle 33 %, high 17 %."
    )
    named = describe_plain(field(), classes=np.array([[0, 0, 0], [0, 0, 255]]), labels=LABELS, title="T")
    assert named == "Map of T. Largest classes by number of cells: low 100 %."
    assert "No cell has data" in describe_plain(field(), classes=np.full((2, 3), 255), labels=LABELS, title="T")


@pytest.mark.parametrize("dims", [("y", "x"), ("latitude", "longitude")])
def test_both_kinds_of_axes_are_drawn(dims):
    figure = draw_plain(field(dims=dims), classes=np.zeros((2, 3), int), colours=COLOURS, labels=LABELS, title="T")
    assert figure.axes[0].get_xlim() == (-5.0, 25.0)
    assert sorted(figure.axes[0].get_ylim()) == [5.0, 25.0]


@pytest.mark.parametrize("data", [field(down=(1.0,)), field(dims=("row", "column"))])
def test_what_is_no_map_is_told(data):
    with pytest.raises(InputError, match="at least two cells"):
        draw_plain(data, classes=np.zeros(data.shape, int), colours=COLOURS, labels=LABELS, title="T")


# -------------------------------------------------------------------------------------------- edges


def plain(data: xr.DataArray, classes, **more):
    return draw_plain(data, classes=np.asarray(classes), colours=COLOURS, labels=LABELS, title="T", **more)


def shown(figure) -> np.ndarray:
    """What is painted, from the top left; -1 where there is nothing."""
    (picture,) = figure.axes[0].images
    return np.ma.filled(picture.get_array(), -1)


@pytest.mark.parametrize("flip_down", [False, True])
@pytest.mark.parametrize("flip_across", [False, True])
@pytest.mark.parametrize("dims", [("y", "x"), ("latitude", "longitude")])
def test_north_is_up_and_west_is_left_whichever_way_the_axes_run(flip_down, flip_across, dims):
    data, classes = field(dims=dims), np.array([[0, 1, 2], [1, 1, 0]])
    if flip_down:
        data, classes = data[::-1], classes[::-1]
    if flip_across:
        data, classes = data[:, ::-1], classes[:, ::-1]
    figure = plain(data, classes)
    np.testing.assert_array_equal(shown(figure), [[0, 1, 2], [1, 1, 0]])
    assert figure.axes[0].images[0].get_extent() == [-5.0, 25.0, 5.0, 25.0]


@pytest.mark.parametrize("bad", [-1, 3, 255, -128, 99])
def test_what_is_no_number_of_a_class_is_not_painted_and_not_counted(bad):
    figure = plain(field(), [[0, bad, 1], [bad, bad, 1]])
    np.testing.assert_array_equal(shown(figure), [[0, -1, 1], [-1, -1, 1]])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["low  33 %", "middle  67 %"]


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int64"])
def test_classes_of_any_whole_number(kind):
    classes = np.array([[0, 1, 2], [2, 2, 2]], kind)
    np.testing.assert_array_equal(shown(plain(field(), classes)), classes)
    words = describe_plain(field(), classes=classes, labels=LABELS, title="T")
    assert "high 67 %" in words


def test_a_field_without_any_class_has_an_empty_legend_and_says_so():
    figure = plain(field(), np.full((2, 3), 255))
    assert figure.legends[0].get_texts() == []
    assert (shown(figure) == -1).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 255, -1]), min_size=6, max_size=6))
def test_shares_are_counts_and_sum_to_one(classes):
    found = _shares(np.array(classes).reshape(2, 3), 3)
    known = [c for c in classes if 0 <= c < 3]
    for k in range(3):
        assert found[k] == pytest.approx(known.count(k) / len(known) if known else 0)
    assert found.sum() == pytest.approx(1 if known else 0)


@pytest.mark.parametrize(
    ("axis", "ends"),
    [([0.0, 1.0], (-0.5, 1.5)), ([3.0, 2.0, 1.0], (0.5, 3.5)), ([-30.0, 0.0, 30.0, 60.0], (-45.0, 75.0))],
)
def test_the_edges_are_half_a_cell_beyond_the_centres(axis, ends):
    assert _ends(np.array(axis)) == ends


def test_metres_are_written_out_and_not_as_powers():
    """A northing of 4.47e6 read as 4.47 with "1e6" at the end of the axis would mislead."""
    data = field(down=(4_470_030.0, 4_470_000.0), across=(500_000.0, 500_030.0, 500_060.0))
    figure = plain(data, [[0, 1, 2], [0, 1, 2]])
    figure.canvas.draw()
    axes = figure.axes[0]
    for axis in (axes.xaxis, axes.yaxis):
        assert axis.get_offset_text().get_text() == ""
        texts = [text.get_text() for text in axis.get_ticklabels()]
        assert any(text.isdigit() and int(text) > 400_000 for text in texts)


@pytest.mark.parametrize(("rows", "columns"), [(2, 400), (400, 2), (2, 2)])
def test_very_flat_and_very_tall_maps_keep_their_legend_on_the_sheet(rows, columns):
    data = xr.DataArray(
        np.zeros((rows, columns)), {"y": -np.arange(float(rows)), "x": np.arange(float(columns))}, ("y", "x")
    )
    figure = plain(data, np.tile([0, 1], (rows, columns // 2)))
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    assert 0.1 < height / width < 2
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1 + 1
    assert box.y0 >= 0
    assert box.y1 <= figure.bbox.y1 + 1


@pytest.mark.parametrize(("size", "width"), [("column", 89), ("two-column", 183)])
def test_the_sheet_is_as_wide_as_its_format(size, width):
    assert plain(field(), np.zeros((2, 3), int), size=size).get_size_inches()[0] * 25.4 == pytest.approx(width, abs=0.1)


def texts(figure) -> str:
    found = [text.get_text() for text in figure.texts] + [t.get_text() for axes in figure.axes for t in axes.texts]
    return " ".join(found)


def test_title_subtitle_and_source_stand_on_the_sheet():
    said = texts(plain(field(), np.zeros((2, 3), int), subtitle="K, July", source="a table"))
    assert "T" in said
    assert "K, July" in said
    assert "Classes: a table." in said
    assert "Classes" not in texts(plain(field(), np.zeros((2, 3), int)))


@pytest.mark.parametrize("bad", ["$x$", "100 % <b>", r"a\frac", "_a_b^c", "类别"])
def test_names_of_classes_are_no_formulas(bad):
    figure = draw_plain(field(), classes=np.zeros((2, 3), int), colours=COLOURS[:1], labels=(bad,), title="T")
    figure.canvas.draw()
    assert figure.legends[0].get_texts()[0].get_text().startswith(bad)


def test_the_text_names_at_most_three_classes_largest_first():
    colours = np.array([[0, 1, 1], [2, 2, 2], [3, 3, 3], [3, 3, 3]])
    words = describe_plain(
        field(down=(4.0, 3.0, 2.0, 1.0)), classes=colours, labels=("a", "b", "c", "d"), title="T"
    )  # fmt: skip
    assert words.endswith("by number of cells: d 50 %, c 25 %, b 17 %.")


def test_the_range_in_the_text_leaves_out_gaps_and_gaps_alone_have_none():
    data = field(units="W m-2")
    data[0, 0], data[1, 2] = np.nan, np.nan
    assert "Values from 1.00 to 4.00 W m⁻²." in describe_plain(
        data, classes=np.zeros((2, 3), int), labels=LABELS, title="T"
    )
    words = describe_plain(data * np.nan, classes=np.zeros((2, 3), int), labels=LABELS, title="T")
    assert "Values" not in words


@pytest.mark.parametrize("dims", [("x", "y"), ("longitude", "latitude"), ("latitude", "x"), ("time", "y")])
def test_axes_in_another_order_are_told_with_what_was_given(dims):
    with pytest.raises(InputError, match=rf"got \('{dims[0]}', '{dims[1]}'\) of the shape \(2, 3\)"):
        plain(field(dims=dims), np.zeros((2, 3), int))
