"""The picture's options: axes, ticks, colours; and layers that go to the right cells of any window."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered, projected

from musyq_lab.dashboards._data import cube, limits
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._legend import Legend
from musyq_lab.dashboards._map import PLACES, _degrees, _ticks, border, drawn, frame, image, marks, style
from musyq_lab.dashboards._series import COLOURS
from musyq_lab.dashboards._window import window

LEGEND = Legend(("#000000", "#888888", "#ffffff"), ("< 10", "10 – 20", "≥ 20"), (10.0, 20.0), colour_map="viridis")


@pytest.fixture(autouse=True)
def _bokeh():
    ready()


def test_the_frame_of_degrees_is_that_of_the_data():
    found = cube(layered())
    options = frame(found, 300)
    assert options["xlim"] == limits(found, "longitude") == (99.75, 103.75)
    assert options["ylim"] == limits(found, "latitude") == (37.25, 40.25)
    assert options["height"] == 300
    assert "invert_yaxis" not in options
    assert (options["xlabel"], options["ylabel"]) == ("", "")


def test_rows_without_coordinates_are_counted_from_the_top():
    bare = cube(xr.Dataset({"a": (("y", "x"), np.arange(6.0).reshape(2, 3))}))
    assert frame(bare, 100)["invert_yaxis"] is True
    metres = projected(2, 3)
    metres["y"].attrs["units"] = "m"
    assert "invert_yaxis" not in frame(cube(metres), 100)


def test_projected_axes_have_their_names_and_no_degrees():
    options = frame(cube(projected()), 100)
    assert (options["xlabel"], options["ylabel"]) == ("x", "y")
    assert "xformatter" not in options
    assert "xlim" not in options


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the formatter's own script")
def test_ticks_read_as_degrees_with_as_many_digits_as_tell_neighbours_apart():
    across, up = _ticks("W", "E").code, _ticks("S", "N").code
    cases = [
        (across, [-60, -30, 0, 30], ["60° W", "30° W", "0°", "30° E"]),
        (up, [-0.5, 0, 0.5], ["0.5° S", "0°", "0.5° N"]),
        (across, [100.25, 100.5], ["100.3° E", "100.5° E"]),
        (across, [10.01, 10.02], ["10.01° E", "10.02° E"]),
        (across, [7], ["7° E"]),
        (across, [1e-9, 2e-9], ["0.000000° E", "0.000000° E"]),
    ]
    lines = [
        f"console.log(JSON.stringify({json.dumps(ticks)}.map((tick, i, ticks) => {{ {code} }})))"
        for code, ticks, _ in cases
    ]
    out = subprocess.run(["node", "-e", "\n".join(lines)], capture_output=True, text=True, check=True, timeout=30)
    assert [json.loads(line) for line in out.stdout.splitlines()] == [words for _, _, words in cases]


def test_ticks_stand_at_parts_of_a_circle():
    ticker = _degrees(9)
    assert (ticker.mantissas, ticker.desired_num_ticks) == ([1, 2, 3, 6], 9)
    assert all(360 % m == 0 for m in ticker.mantissas)


def test_continuous_colours_run_between_the_ends_of_the_legend():
    options = style(cube(layered()), "a", LEGEND, classed=False)
    assert options["clim"] == (0.0, 30.0)
    assert len(options["cmap"]) == 256
    assert len(set(options["cmap"])) > 200, "no steps that an eye would take for classes"
    assert "clipping_colors" not in options


def test_cells_without_a_class_are_clear():
    options = style(cube(layered()), "a", LEGEND)
    assert options["clipping_colors"]["max"] == options["clipping_colors"]["NaN"] == "rgba(0, 0, 0, 0)"
    low, high = options["clim"]
    numbers = LEGEND.numbers([5.0, 15.0, 25.0, np.nan])
    assert [low < k < high for k in numbers.tolist()] == [True, True, True, False]
    width = (high - low) / len(options["cmap"])
    assert [int((k - low) / width) for k in numbers.tolist()[:3]] == [0, 1, 2], "each class in its own colour"


def test_breaks_are_written_as_they_are():
    legend = Legend(("#0",) * 4, ("",) * 4, (-1e-3, 0.1, 12345.5))
    words = style(cube(layered()), "a", legend)["colorbar_opts"]["major_label_overrides"]
    assert list(words.values()) == ["-0.001", "0.1", "12,345.5"]


def test_layers_go_to_the_cells_they_are_of():
    part = window(cube(layered()), "a", (100.9, 102.1), (38.4, 39.6))
    rows, columns = part.down.size, part.across.size
    table = np.arange(rows * columns).reshape(rows, columns)
    picture = drawn(part, [table, -table], ["one", "two"])
    for row, y in enumerate(part.down):
        for column, x in enumerate(part.across):
            cell = picture[(x - 0.1, x + 0.1), (y - 0.1, y + 0.1)]
            assert cell.dimension_values("one").tolist() == [table[row, column]]
            assert cell.dimension_values("two").tolist() == [-table[row, column]]


@pytest.mark.parametrize("classed", [True, False])
def test_hidden_cells_lose_their_colour_and_nothing_else(classed):
    part = window(cube(layered()), "a")
    hidden = np.zeros((6, 8), bool)
    hidden[2, 3] = True
    plain = image(part, "a", {"time": 0}, LEGEND, classed=classed)
    veiled = image(part, "a", {"time": 0}, LEGEND, classed=classed, hidden=hidden)
    for dim in [d.name for d in plain.vdims]:
        before, after = (p.dimension_values(dim, flat=False)[::-1] for p in (plain, veiled))
        if dim == plain.vdims[0].name:
            assert after[2, 3] == 255 if classed else np.isnan(after[2, 3])
            after = np.where(hidden, before, after)
        np.testing.assert_array_equal(after, before)


def test_hiding_does_not_write_into_what_sessions_share():
    part = window(cube("ghi_merra2_monthly"), "ghi")
    before = part.layer("ghi", {"month": 0}).copy()
    image(part, "ghi", {"month": 0}, LEGEND, classed=False, hidden=np.ones(before.shape, bool))
    np.testing.assert_array_equal(part.layer("ghi", {"month": 0}), before)


def test_the_picture_is_small_enough_to_send():
    part = window(cube(layered()), "a")
    picture = image(part, "a", {"time": 0}, LEGEND)
    assert picture.dimension_values("class").dtype == np.uint8
    assert picture.dimension_values("value").dtype == np.float32


def test_marks_and_curves_have_the_same_colours_that_colour_blind_readers_tell_apart():
    assert PLACES == COLOURS
    shown = marks([(0, 0), (1, 1), (2, 2)]).dimension_values("colour").tolist()
    assert shown == [PLACES[0], PLACES[1], PLACES[0]]
    light = [sum(int(c[k : k + 2], 16) * w for k, w in ((1, 0.299), (3, 0.587), (5, 0.114))) for c in PLACES]
    blue = [int(c[5:7], 16) - int(c[1:3], 16) for c in PLACES]
    assert abs(light[0] - light[1]) > 10
    assert np.sign(blue[0]) != np.sign(blue[1]), "one reddish, one bluish"


def test_a_border_has_every_ring_holes_too():
    outer = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 0.0]])
    hole = outer / 3 + 1
    path = border([outer, hole])
    assert len(path.split()) == 2
    np.testing.assert_array_equal(path.split()[1].array(), hole)
    assert path.range("x") == (0.0, 9.0)
