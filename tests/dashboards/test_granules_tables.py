"""Tables of the granule page as a browser reads them: pixels, shares of bits, geometry, metadata, grids."""

import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from musyq_lab.dashboards import _granules_tables as tables


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


def cells(html: str) -> list[list[str]]:
    """Rows of a table, as a browser reads them."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


@pytest.mark.parametrize("row", [0, 3, 7])
@pytest.mark.parametrize("column", [0, 5])
def test_a_pixel_is_told_with_its_value_and_place(row, column):
    cut = scene().isel(y=[row], x=[column])
    told = tables.pixel(cut, row, column)
    found = dict(cells(told)[1:])
    assert float(found["red <band>"]) == 100 * row + column
    assert found["quality"] == "good"
    assert f"Pixel in row {row}, column {column}: x {5e5 + 30 * column:.6g}, y {4e6 - 30 * row:.6g}" in told


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_pixel_without_a_value_says_so(value):
    cut = scene().isel(y=[0], x=[0])
    cut["red"] = cut["red"] * value
    assert dict(cells(tables.pixel(cut, 0, 0)))["red <band>"] == "no data"


def test_bits_of_a_pixel_are_sentences():
    cut = scene().isel(y=[0], x=[0])
    cut["qa"] = cut["qa"] | np.uint16(5)
    said = dict(cells(tables.pixel(cut, 0, 0)))["quality"]
    assert "; " in said
    assert said != "good"
    bare = tables.pixel(cut.drop_vars("qa"), 0, 0)
    assert "quality" not in dict(cells(bare))


def test_units_stand_behind_values_and_one_is_none():
    cut = scene().isel(y=[0], x=[1])
    assert dict(cells(tables.pixel(cut, 0, 1)))["red <band>"] == "1"
    cut["red"].attrs["units"] = "W m-2 sr-1 um-1"
    assert dict(cells(tables.pixel(cut, 0, 1)))["red <band>"].startswith("1 W m⁻²")


@pytest.mark.parametrize("names", [("longitude", "latitude"), ("x", "y"), ()])
def test_the_place_of_a_pixel_is_in_the_axes_there_are(names):
    cut = xr.Dataset(coords={name: float(k) for k, name in enumerate(names)})
    said = tables._where(cut)
    assert said == (f": {names[0]} 0, {names[1]} 1" if names else "")


@pytest.mark.parametrize("seed", range(4))
def test_shares_of_bits_are_counted(seed):
    draw = np.random.Generator(np.random.Philox(seed))
    bits = draw.integers(0, 8, (20, 30)).astype(np.uint16)
    attrs = {"flag_masks": np.array([1, 2, 4], np.uint16), "flag_meanings": "no_data shadow cloud"}
    rows = cells(tables.shares(xr.DataArray(bits, dims=("y", "x"), attrs=attrs, name="qa")))[1:]
    assert rows[0][:2] == [f"{np.mean(bits == 0):.2%}", "none"]
    for row, mask in zip(rows[1:], (1, 2, 4), strict=True):
        assert row[0] == f"{np.mean((bits & mask) > 0):.2%}"
        assert row[2]


def test_one_bit_alone_and_none_are_tables_too():
    one = xr.DataArray(np.array([[1]], np.uint16), dims=("y", "x"), name="qa")
    assert len(cells(tables.shares(one.assign_attrs(flag_masks=np.uint16(1), flag_meanings="no_data")))) == 3
    assert len(cells(tables.shares(one))) == 2


def test_geometry_tells_the_ends_of_axes_and_angles():
    whole = scene()
    whole["sun_zenith"].values[0, 0] = 35.5
    whole.attrs["angle_note"] = "of the scene's <middle>"
    found = dict(cells(tables.geometry(whole, whole)))
    assert found["rows x columns"] == "8 x 6"
    assert found["x"] == "500000 to 500150"
    assert found["y"] == "3999790 to 4000000"
    assert found["sun zenith"] == f"30.00 to 35.50, mean {30 + 5.5 / 48:.2f} degrees"
    assert found["angles are"] == "of the scene's <middle>"


def test_angles_that_are_not_told_are_not_numbers():
    whole = scene()
    whole["sun_zenith"] = whole["sun_zenith"] * np.nan
    assert dict(cells(tables.geometry(whole, whole)))["sun zenith"] == "not told"
    whole = whole.assign_coords(x=np.full(6, np.nan))
    assert "x" not in dict(cells(tables.geometry(whole, whole)))


def test_metadata_are_escaped_and_paths_are_names(tmp_path):
    whole = scene().assign_attrs(sensor="<b>ü</b>", count=3)
    html = tables.metadata(whole, [tmp_path / "a <b>.TIF", SimpleNamespace(name="B1")], ["Mind the <gap>."])
    rows = cells(html)
    assert ["sensor", "<b>ü</b>"] in rows
    assert ["count", "3"] in rows
    assert ["file", "a <b>.TIF"] in rows
    assert ["file", "B1"] in rows
    assert str(tmp_path) not in html
    assert "<li>Mind the &lt;gap&gt;.</li>" in html
    assert "<ul>" not in tables.metadata(whole, [], [])


def test_grids_list_their_bands():
    rows = cells(tables.grids({10.0: ["red", "nir"], 463.3127: ["swir"]}))
    assert rows == [["grid", "bands"], ["10 m", "red, nir"], ["463.313 m", "swir"]]


@pytest.mark.parametrize(("low", "high"), [(0, 100), (1, 99), (2, 98), (50, 50)])
def test_a_stretch_is_that_of_numpy(low, high):
    values = np.random.Generator(np.random.Philox(2)).standard_normal(500)
    holes = np.concatenate([values, [np.nan, np.inf, -np.inf]])
    first, last = np.percentile(values, (low, high))
    expected = (first, last) if low < high else (first - 0.5, last + 0.5)
    np.testing.assert_allclose(tables.stretch(holes, low, high), expected)


def test_only_layers_with_a_wavelength_are_bands():
    assert tables.bands(scene()) == ["red"]
    assert tables.bands(xr.Dataset()) == []
