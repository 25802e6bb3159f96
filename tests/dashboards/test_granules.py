"""The granule page without a browser, on real Landsat granules that ship: numbers, words, broken files, addresses."""

import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError, SceneError
from musyq_lab.core.resources import resource
from musyq_lab.dashboards import _granules_tables as tables
from musyq_lab.dashboards import _granules_view as view
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards.granules import Granules, look
from musyq_lab.figures.quicklook import true_colour
from musyq_lab.sensors._open import open_scene

NAME = "LC08_L1TP_195025_20130707_20170503_01_T1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A granule three folders deep, as a simulation writes it, in a folder with a name of another script."""
    place = tmp_path_factory.mktemp("shelf") / "granules" / "landsat_oli" / "场景 één"
    shutil.copytree(resource(f"catalogs/samples/landsat/{NAME}"), place)
    return place


@pytest.fixture(scope="module")
def shelf(folder) -> Shelf:
    return Shelf([folder.parents[2]], folder.parents[2] / "results")


@pytest.fixture(scope="module")
def scene(folder) -> xr.Dataset:
    return open_scene(folder)


@pytest.fixture(scope="module")
def kept(shelf) -> Granules:
    return Granules.open(shelf, {"granule": NAME})


@pytest.fixture
def page(kept) -> Granules:
    """The page as it opens; made once, since that takes a second."""
    kept.param.update(calibration="reflectance", band=view.COLOURS, limits=(1.0, 99.0))
    kept.pixel, kept.alert.visible, kept.tabs.active = None, False, 0
    return kept


def said(page: Granules) -> str:
    return unescape(page.alert.object) if page.alert.visible else ""


def test_granules_are_found_however_deep(shelf, folder):
    found = shelf.granules()
    assert next(iter(found)) == NAME
    assert found[NAME].path.is_relative_to(folder.parents[2])
    assert len(found) == 3, "with the two others that ship"


def test_it_opens_with_a_picture_in_true_colour(page, scene):
    assert said(page) == ""
    assert "Landsat" in page.header.value
    assert "true colour" in page.header.value
    image = np.dstack([page._picture.dimension_values(channel, flat=False) for channel in "RGB"])
    expected = true_colour(scene).image[..., :3] / 255
    np.testing.assert_allclose(image, expected, atol=1e-6)


@pytest.mark.parametrize("band", ["nir", "tir1"])
def test_a_band_is_drawn_as_it_is(page, scene, band):
    page.band = band
    drawn = page._picture.dimension_values("value", flat=False)
    np.testing.assert_array_equal(drawn, scene[band].values)
    low, high = page._picture.range("value")
    assert (low, high) == pytest.approx(np.nanpercentile(scene[band], (1, 99)), rel=1e-5)


def test_the_stretch_follows_the_percentiles(page, scene):
    page.band = "red"
    page.limits = (10.0, 60.0)
    assert page._picture.range("value") == pytest.approx(np.nanpercentile(scene["red"], (10, 60)), rel=1e-5)


def test_a_click_tells_all_bands_of_the_pixel(page, scene):
    page.tap.event(x=7.4, y=3.9)
    assert page.pixel == (3, 7)
    told = page.panes["Pixel"].value
    assert "row 3, column 7" in told
    for band in tables.bands(scene):
        assert f"{float(scene[band][3, 7]):.5g}" in told
    assert f"{float(scene['x'][7]):.6g}" in told


def test_a_click_beside_the_scene_is_told(page):
    page.tap.event(x=-3.0, y=2.0)
    assert "outside the scene of 41 rows" in said(page)
    page.tap.event(x=2.0, y=2.0)
    assert said(page) == ""


def test_tabs_are_filled_when_they_are_opened(page, scene):
    page.calibration = "radiance"  # what was told of another view is gone
    page.calibration = "reflectance"
    assert page.panes["Quality"].value == ""
    for number, tab in enumerate(("Pixel", "Histograms", "Quality", "Geometry", "Metadata", "Response", "Grids")):
        page.tabs.active = number
        assert page.panes[tab].value
        assert said(page) == ""
    clear = float(np.mean(scene["qa"].values == 0))
    assert f"{clear:.2%}" in page.panes["Quality"].value
    assert "41 x 41" in page.panes["Geometry"].value
    assert scene.attrs["granule"] in page.panes["Metadata"].value
    assert "_MTL.txt" in page.panes["Metadata"].value
    assert "30 m" in page.panes["Grids"].value
    assert "super-Gaussian" in page.panes["Response"].value
    curves = page._curves["Histograms"].object
    assert sum(curve.dimension_values("share").sum() for curve in curves) == pytest.approx(len(curves), rel=0.02)


def test_counts_and_grids(page, folder):
    page.calibration = "counts"
    page.band = "red"
    drawn = page._picture.dimension_values("value", flat=False)
    np.testing.assert_array_equal(drawn, open_scene(folder, calibration="counts")["red"].values)
    page.calibration = "radiance"
    assert said(page) == ""


def test_an_address_restores_the_view(page, shelf):
    page.param.update(band="swir1", calibration="radiance")
    page.select(5, 6)
    again = Granules.open(shelf, page.query())
    assert again.query() == page.query()
    assert again.panes["Pixel"].value == page.panes["Pixel"].value
    np.testing.assert_array_equal(again._picture.dimension_values("value"), page._picture.dimension_values("value"))


def test_the_code_shows_the_scene(page, monkeypatch, folder):
    page.band = "nir"
    lines = [line for line in page.code().splitlines() if line.startswith(("import", "scene ="))]
    names: dict = {}
    exec("\n".join(lines), names)
    assert "nir" in names["scene"]
    assert "ml.standardize(scene)" in page.code()
    page.calibration = "counts"
    assert "standardize" not in page.code()
    assert 'calibration="counts"' in page.code()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"granule": "../../etc/passwd"}, "no granule"),
        ({"granule": "\x00"}, "no granule"),
        ({"calibration": "magic"}, "none of"),
        ({"resolution": "wide"}, "no number"),
    ],
)
def test_addresses_that_ask_for_what_is_not_there(shelf, query, words):
    with pytest.raises((InputError, NotFoundError), match=words):
        Granules.open(shelf, query)


@pytest.mark.parametrize(("query", "words"), [({"band": "nirr"}, "'nir'"), ({"resolution": "7"}, "no grid of 7 m")])
def test_what_the_granule_lacks_is_told_on_the_page(shelf, query, words):
    assert words in said(Granules.open(shelf, {"granule": NAME, **query}))


def test_a_broken_granule_is_a_sentence_and_the_next_one_shows(folder, tmp_path):
    other = "LE07_L1TP_195025_20010730_20170204_01_T1"
    shutil.copytree(folder, tmp_path / "a")
    shutil.copytree(resource(f"catalogs/samples/landsat/{other}"), tmp_path / "b")
    broken = next((tmp_path / "b").glob("*_B4.TIF"))
    broken.write_bytes(broken.read_bytes()[:300])
    page = look(tmp_path)
    assert page.granule == NAME
    page.granule = other
    assert "Fetch it again" in said(page)
    assert page.map.object is None
    page.granule = NAME
    assert said(page) == ""
    assert page.map.object is not None


def test_files_that_vanish_while_one_looks_are_told(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "scene")
    page = look(tmp_path / "scene")
    shutil.rmtree(tmp_path / "scene")
    page.band = "nir"
    assert "no file" in said(page)


def test_look_takes_a_file_a_folder_and_says_what_is_none(folder, tmp_path):
    assert look(next(folder.glob("*_MTL.txt"))).granule == NAME
    assert look(folder, sensor="landsat_oli").granule == NAME
    with pytest.raises(NotFoundError):
        look(tmp_path / "none")
    (tmp_path / "x.TIF").write_bytes(b"II*\0")
    with pytest.raises(SceneError, match="no granule"):
        look(tmp_path / "x.TIF")
    with pytest.raises(InputError, match="musyq simulate"):
        Granules({})


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (700, 3), (10_980, 10_980), (3, 22_000)])
def test_no_view_reads_more_than_a_screen(shape):
    made = xr.Dataset({"red": (("y", "x"), np.broadcast_to(np.float32(1), shape))})
    rows, columns = view.window(made)
    assert 1 <= len(rows) <= view.SIZE
    assert 1 <= len(columns) <= view.SIZE
    assert rows[-1] < shape[0]
    assert columns[-1] < shape[1]
    near = view.window(made, (2.0, 5.0), (1.0, 4.0))
    assert [k.step for k in near] == [1, 1]
    far = view.window(made, (1e9, 2e9), (-5e9, -1e9))
    assert all(len(k) for k in far)


def test_a_scene_without_data_is_drawn_as_that(scene):
    empty = scene[["red", "green", "blue"]].where(False)
    image, _ = view.picture(empty, "red", range(41), range(41), (1, 99))
    assert not np.isfinite(image.dimension_values("value")).any()
    assert image.range("value") == (0.0, 1.0)
    image, words = view.picture(empty, view.COLOURS, range(41), range(41), (1, 99))
    assert words == "true colour"
    assert not image.dimension_values("A").any()
    assert "no data" in str(view.histograms({"red": empty["red"].compute()}).get(0).opts.get("plot").kwargs)


def test_shares_of_bits_are_those_of_the_pixels():
    attrs = {"flag_masks": np.array([1, 2, 4], np.uint16), "flag_meanings": "no_data saturated cloud"}
    qa = xr.DataArray(np.array([[0, 0, 4], [5, 1, 4]], np.uint16), dims=("y", "x"), attrs=attrs, name="qa")
    told = tables.shares(qa)
    for share in ("33.33%", "0.00%", "50.00%"):
        assert share in told
    assert tables.shares(qa[:0]) == "<p>The scene has no pixels.</p>"


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [5.0, 5.0], [np.inf, 1.0]])
def test_a_stretch_is_always_one(values):
    low, high = tables.stretch(np.array(values), 1, 99)
    assert np.isfinite([low, high]).all()
    assert low < high
