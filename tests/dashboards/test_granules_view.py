"""Pictures, histograms and responses of the granule page, of scenes made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import NotFoundError
from musyq_lab.dashboards import _granules_view as view
from musyq_lab.dashboards._extension import ready


@pytest.fixture(scope="module", autouse=True)
def bokeh():
    ready()


def scene(rows=8, columns=6, **layers) -> xr.Dataset:
    """A band that counts rows and columns, angles, quality bits."""
    shape = (rows, columns)
    red = (100 * np.arange(rows)[:, None] + np.arange(columns)).astype(np.float32)
    made = {
        "red": (("y", "x"), red, {"wavelength": 0.66, "units": "1", "long_name": "red <band>"}),
        "sun_zenith": (("y", "x"), np.full(shape, 30.0), {"units": "degree"}),
        "qa": (("y", "x"), np.zeros(shape, np.uint16), {
            "flag_masks": np.array([1, 4], np.uint16), "flag_meanings": "no_data cloud"}),
    }  # fmt: skip
    coords = {"y": 4e6 - 30.0 * np.arange(rows), "x": 5e5 + 30.0 * np.arange(columns)}
    return xr.Dataset({**made, **layers}, coords)


def test_the_whole_scene_is_read_thinly_and_a_part_fully():
    whole = SimpleNamespace(sizes={"y": 3000, "x": 1200})
    rows, columns = view.window(whole)
    assert (rows.step, columns.step) == (5, 5), "one step for both, or pixels would not be square"
    assert len(rows) == 600
    near, across = view.window(whole, (100.2, 149.7), (2000.0, 2099.0))
    assert (near.step, across.step) == (1, 1)
    assert (near[0], near[-1]) == (2000, 2098)
    assert (across[0], across[-1]) == (100, 149)


@pytest.mark.parametrize("turned", [False, True])
def test_a_window_does_not_mind_which_end_comes_first(turned):
    whole = SimpleNamespace(sizes={"y": 50, "x": 40})
    seen = ((30.0, 10.0), (45.0, 5.0)) if turned else ((10.0, 30.0), (5.0, 45.0))
    rows, columns = view.window(whole, *seen)
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (5, 44, 10, 29)


def test_a_band_lies_where_its_pixels_are():
    whole = scene()
    rows, columns = view.window(whole, (1.0, 5.0), (2.0, 7.0))
    image, name = view.picture(whole, "red", rows, columns, (0, 100))
    assert name == "red <band>"
    for row in rows:
        for column in columns:
            # The middle of a pixel; rows count downward.
            assert image[column + 0.5, row + 0.5] == 100 * row + column
    low, high = image.range("value")
    assert (low, high) == (201.0, 604.0)


def test_infinite_values_are_no_data_in_a_picture():
    whole = scene()
    whole["red"].values[0, 0], whole["red"].values[1, 1] = np.inf, -np.inf
    image, _ = view.picture(whole, "red", range(8), range(6), (0, 100))
    assert np.isnan(image.dimension_values("value")).sum() == 2
    assert np.isfinite(image.range("value")).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3000, 3), (7000, 7000)])
def test_pixels_are_square_and_nothing_vanishes(shape):
    frame = view.frame(SimpleNamespace(sizes={"y": shape[0], "x": shape[1]}))
    assert frame["frame_height"] >= 40
    assert frame["frame_width"] >= 40
    assert frame["xlim"] == (0, shape[1])
    assert frame["ylim"] == (0, shape[0])
    assert frame["invert_yaxis"]
    if shape[0] == shape[1]:
        assert frame["frame_height"] == frame["frame_width"]


def bands(**values) -> dict[str, xr.DataArray]:
    return {name: xr.DataArray(np.asarray(v, float), dims="i", attrs={"units": "1"}) for name, v in values.items()}


def test_histograms_are_shares_of_each_band():
    draw = np.random.Generator(np.random.Philox(6))
    given = bands(red=draw.random(1000), nir=[*draw.random(99), np.nan, np.inf])
    curves = dict(zip(given, view.histograms(given), strict=True))
    assert [curve.label for curve in curves.values()] == ["red", "nir"]
    for name, curve in curves.items():
        share = curve.dimension_values("share")
        assert 0.98 <= share.sum() <= 1.0, "at most what lies above the 99.9th percentile is cut"
        good = given[name].values[np.isfinite(given[name].values)]
        middle = float((curve.dimension_values("value") * share).sum() / share.sum())
        assert middle == pytest.approx(good.mean(), abs=0.02)
    one, two = (curve.dimension_values("value") for curve in curves.values())
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("values", [[0.3] * 5, [0.0]])
def test_bands_of_one_value_have_a_histogram(values):
    (curve,) = view.histograms(bands(red=values))
    assert curve.dimension_values("share").max() == 1.0


def test_more_bands_than_colours_are_told_apart_by_dashes():
    lines = [tuple(view._line(number).values()) for number in range(32)]
    assert len(set(lines)) == 32


def test_responses_are_drawn_of_what_is_known_and_credited(monkeypatch):
    def known(sensor, name, platform=""):
        if name == "odd" or platform == "Unknown-9":
            raise NotFoundError("none")
        attrs = {"response": f"{sensor} {name}", "source": "A source", "licence": "CC0"}
        return xr.DataArray([0.0, 1.0, 0.0], {"wavelength": [0.6, 0.65, 0.7]}, ("wavelength",), attrs=attrs)

    monkeypatch.setattr(view, "response", known)
    odd = (("y", "x"), np.zeros((8, 6)), {"wavelength": 9.9})
    drawn, credit = view.responses(SimpleNamespace(key="msi"), scene(odd=odd).assign_attrs(platform="Unknown-9"))
    assert [curve.label for curve in drawn] == ["red"]
    assert credit == "msi red: A source (CC0)"
    monkeypatch.setattr(view, "response", lambda *_a: known("x", "odd"))
    drawn, credit = view.responses(SimpleNamespace(key="msi"), scene())
    assert credit == "The responses of these bands are not known."
    assert len(drawn) == 1
