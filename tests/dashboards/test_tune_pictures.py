"""Pictures of ml.tune: colours, differences, histograms, escaped names, as a reader's browser decodes them."""

import base64
import io
import re

import numpy as np
import pytest
import xarray as xr

from musyq_lab.dashboards import _tune_pictures as pictures


def field(values, **coords) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, float), coords, ("y", "x"), name="lai <&>", attrs={"units": "1"})


def pixels(html: str) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^']+)'", html)[1]))))


def test_the_same_values_have_the_same_colour_and_others_another():
    shown = pixels(pictures.map_of(field([[0.0, 0.0, 1.0], [1.0, 2.0, np.nan]])))
    assert (shown[0, 0] == shown[0, 1]).all()
    assert (shown[0, 2] == shown[1, 0]).all()
    assert (shown[0, 0] != shown[0, 2]).any()
    assert tuple(shown[1, 2]) == pictures._MISSING
    assert len({tuple(pixel) for pixel in shown.reshape(-1, 3)}) == 4


def test_rows_that_go_up_are_turned_over():
    values = [[0.0, 1.0], [2.0, 3.0]]
    down = pixels(pictures.map_of(field(values, y=[5.0, 4.0])))
    up = pixels(pictures.map_of(field(values, y=[4.0, 5.0])))
    np.testing.assert_array_equal(up, down[::-1])
    np.testing.assert_array_equal(pixels(pictures.map_of(field(values))), down)


def test_a_difference_is_about_zero_and_told():
    first = field([[1.0, 1.0], [1.0, np.nan]])
    html = pictures.difference_of(field([[0.0, 2.0], [1.0, 5.0]]), first)
    shown = pixels(html).astype(int)
    less, more, same = shown[0, 0], shown[0, 1], shown[1, 0]
    assert less[2] > less[0]
    assert more[0] > more[2]
    assert same.min() > 200, "no change is nearly white"
    assert tuple(shown[1, 1]) == pictures._MISSING
    assert "mean +0, largest 1" in html


@pytest.mark.parametrize("values", [[[np.nan, np.nan]], [[np.inf, -np.inf]]])
def test_pictures_of_nothing_are_grey(values):
    layer = field(values)
    for html in (pictures.map_of(layer), pictures.difference_of(layer, layer)):
        assert {tuple(pixel) for pixel in pixels(html).reshape(-1, 3)} == {pictures._MISSING}
    assert "No value in this part" in pictures.histogram_of(layer, layer)


def test_no_change_at_all_has_a_picture():
    layer = field([[1.0, 2.0]])
    shown = pixels(pictures.difference_of(layer, layer))
    assert (shown[0, 0] == shown[0, 1]).all()


def test_names_are_escaped_in_text_and_attributes():
    layer = field([[1.0, 2.0]])
    for html in (pictures.map_of(layer), pictures.histogram_of(layer, layer)):
        assert "<&>" not in html
        assert "lai &lt;&amp;&gt;" in html


@pytest.mark.parametrize(("shape", "width", "height"), [((1, 1), 260, 260), ((1, 520), 260, 1), ((4, 2), 130, 260)])
def test_a_picture_keeps_the_shape_of_the_map(shape, width, height):
    html = pictures.map_of(field(np.arange(float(np.prod(shape))).reshape(shape)))
    assert f"width:{width}px;height:{height}px" in html


def test_bars_and_line_count_the_values_now_and_then():
    now, then = field([[1.0, 1.0, 9.0, np.nan]]), field([[1.0, 9.0, 9.0, 9.0]])
    html = pictures.histogram_of(now, then)
    heights = [float(text) for text in re.findall(r"<rect [^>]*height='([\d.]+)'", html)]
    full = max(heights) / 2 * 3  # three cells are the most, and as high as the picture
    assert full == pytest.approx(110, abs=0.2)
    np.testing.assert_allclose([heights[0], heights[-1]], [2 * full / 3, full / 3], atol=0.2)
    assert sum(h > 0 for h in heights) == 2
    points = re.search(r"points='([^']+)'", html)[1].split()
    line = [110 - float(point.split(",")[1]) for point in points]
    np.testing.assert_allclose([line[0], line[-1]], [full / 3, full], atol=0.2)
