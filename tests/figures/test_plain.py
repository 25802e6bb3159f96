"""Maps on their own grid: where each class is painted, what the text says."""

import io

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from musyq_lab.core.errors import InputError
from musyq_lab.figures.plain import describe_plain, draw_plain

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
