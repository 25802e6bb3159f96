"""The explorer beyond one map: address and code that restore a view, two maps, regions, lineage, files of a view."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered, product_files, projected

from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, NotFoundError
from musyq_lab.dashboards import _window
from musyq_lab.dashboards._address import query_of
from musyq_lab.dashboards._compare import BESIDE, ONE, SWIPE
from musyq_lab.dashboards._curtain import Curtain
from musyq_lab.dashboards._data import limits
from musyq_lab.dashboards._lineage import land_cover
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards.explorer import CONTINUOUS, Explorer, explore


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return product_files(tmp_path_factory.mktemp("views") / "musyq-products")


@pytest.fixture
def view(folder) -> Explorer:
    return explore(folder)


def state(page: Explorer) -> dict[str, str]:
    return query_of(page)


def changed(page: Explorer) -> Explorer:
    """A view with everything chosen that can be."""
    page.step_to(time="2019-01-06")
    page.select(101.0, 39.0)
    page.select(110.0, 30.0)
    page.choose_region("102,20,120,38")
    page.param.update(legend_is=CONTINUOUS, compared=BESIDE)
    page.second.choose(time="2019-01-11")
    return page


def test_an_address_restores_the_view(folder):
    shelf = Shelf([folder])
    page = changed(Explorer.open(shelf, {}))
    again = Explorer.open(shelf, page.query())
    assert again.query() == page.query()
    assert set(again.places) == {(101.0, 39.0), (110.0, 30.0)}
    assert again.point == (110.0, 30.0)
    assert again.region == page.region
    assert again.second.view.chosen == {"time": 2}
    assert again.view.continuous


@pytest.mark.parametrize("what", ["folder", "sample", "file"])
def test_the_code_restores_the_view(folder, what):
    data = {"folder": folder, "sample": "ghi_merra2_monthly", "file": next(folder.glob("*006*.h5"))}[what]
    page = explore(data)
    page.select(110.0, 30.0)
    page.choose_region("102,20,120,38")
    page.legend_is = CONTINUOUS
    if what == "folder":
        changed(page)
    names: dict = {}
    exec(page.code(), names)
    again = names["view"]
    for key in ("variable", "places", "region", "legend", "step.time", "step.month", "compared", "second.step.time"):
        assert again.query().get(key) == page.query().get(key), key
    assert isinstance(names["data"], xr.Dataset)
    np.testing.assert_array_equal(again.series.values, page.series.values)
    assert len(page.code().splitlines()) <= 11


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"data": "nothing"}, "nothing named 'nothing'"),
        ({"variable": "lai"}, "no map 'lai'"),
        ({"step.time": "1999-01-01"}, "is not there"),
        ({"step.height": "3"}, "no dimension"),
        ({"step.sources": "3"}, "no dimension"),
        ({"places": "1,2"}, "outside"),
        ({"places": "x"}, "no region"),
        ({"region": "0,0,1,1"}, "outside"),
        ({"legend": "rainbow"}, "none of"),
        ({"layers": "x"}, "none of"),
        ({"compared": "x"}, "none of"),
        ({"compared": SWIPE, "second.data": "x"}, "none of"),
    ],
)
def test_an_address_that_asks_for_what_is_not_there_is_told(folder, query, said):
    title = next(iter(Shelf([folder]).archives()))
    with pytest.raises(MusyqError, match=said):
        Explorer.open(Shelf([folder]), {"data": title, **query})


def test_a_sample_is_opened_by_its_name(folder):
    assert Explorer.open(Shelf([folder]), {"sample": "ghi_merra2_monthly"}).view.variable == "ghi"


def test_products_and_editions_are_chosen_apart(folder):
    page = Explorer.open(Shelf([folder]), {})
    product, edition = page.panes.choices.product, page.panes.choices.edition
    assert product.value == "Spectral indices" or product.value in page.source
    assert not edition.visible
    product.value = "Global horizontal irradiance climatology of MERRA-2, 2011-2015, 3 degrees"
    assert page.view.variable == "ghi"
    assert page.cube.files == ()


def test_a_second_place_stands_beside_the_first_and_the_older_gives_way(view):
    for x in (101.0, 110.0, 120.0):
        view.tap.event(x=x, y=30.0)
    assert set(view.places) == {(110.0, 30.0), (120.0, 30.0)}
    assert view.places[1] == (110.0, 30.0), "the newest of two keeps its colour"
    assert view.point == (120.0, 30.0)
    assert view.panes.line.value.count("°") >= 4
    view.panes.choices.clear.clicks += 1
    assert (view.places, view.point, view.region) == ((), None, None)


def test_a_drawn_box_gives_the_region_and_its_tab(view):
    view.figure.box.event(bounds=(102.0, 20.0, 120.0, 38.0))
    assert view.panes.tabs.active == 1
    assert "mean" in view.panes.region_line.value
    assert "Share of the area" in view.panes.region_bars.value
    inside = (
        view.cube.dataset["ndvi"].sel(longitude=slice(102, 120), latitude=slice(38, 20)).mean(("latitude", "longitude"))
    )
    np.testing.assert_allclose(view.region_series.values, inside.values, atol=2e-3)
    view.figure.lasso.event(geometry=np.array([[102.0, 20.0], [120.0, 20.0], [110.0, 38.0]]))
    assert view.region.name == "drawn polygon"


@pytest.mark.parametrize("bounds", [(0.0, 0.0, 1.0, 1.0), (102.0, 20.0, 102.0, 30.0)])
def test_a_bad_box_is_told_on_the_page_and_the_view_stays(view, bounds):
    view.select(101.0, 39.0)
    view.figure.box.event(bounds=bounds)
    assert view.alert.visible
    assert view.region is None
    assert view.series is not None


def test_words_are_typed_for_places_and_regions(view):
    where = view.panes.choices.where
    where.value = "101, 39"
    assert view.point == (101.0, 39.0)
    where.value = "102,20,120,38"
    assert view.region is not None
    where.value = "Atlantis"
    assert "Atlantis" in view.alert.object
    assert view.point == (101.0, 39.0)


def test_lineage_names_the_granules_of_this_very_pixel(view):
    view.step_to(time="2019-01-11")
    view.panes.tabs.active = 4
    view.select(101.0, 39.0)
    page = view.panes.lineage.value
    assert "MOD.2019011" in page
    assert "VNP.2019011" in page
    assert "25%" in page
    assert "observations used" in page
    view.select(178.0, 39.0)
    page = view.panes.lineage.value
    assert "MOD.2019011" in page
    assert "VNP" not in page
    view.step_to(time="2019-01-01")
    assert "MOD.2019001" in view.panes.lineage.value
    assert "carries no record of its making" in view.panes.lineage.value


def test_land_cover_is_that_of_the_shipped_map():
    assert land_cover(-30.0, 0.0) == "water"
    assert land_cover(15.03, 23.02) == "barren"


def test_two_maps_show_their_own_steps(view):
    view.compared = BESIDE
    view.second.choose(time="2019-01-11")
    assert view.second.view.chosen == {"time": 2}
    assert view.chosen == {"time": 0}
    assert "Second map" in view.header.value
    first, second = view.view.picture(), view.second.view.picture()
    assert second.dimension_values("value").mean() - first.dimension_values("value").mean() == pytest.approx(
        0.4, abs=1e-3
    )
    view.compared = SWIPE
    curtain = Curtain(view, view.second)
    west, east = limits(view.cube, "longitude")
    assert curtain.edge(25, None) == (west + (east - west) / 4, east)
    part = curtain.picture(curtain=25).dimension_values("x", expanded=False)
    assert part.min() == pytest.approx(west + (east - west) / 4, abs=1)
    assert part.max() == view.cube.dataset["longitude"].values.max()
    assert curtain.picture(curtain=100).dimension_values("x", expanded=False).size <= 3
    assert curtain.edge(50, (110.0, 120.0)) == (115.0, 120.0)
    view.__panel__().get_root()
    view.compared = ONE
    assert "Second map" not in view.header.value
    with pytest.raises(NotFoundError):
        view.second.choose(variable="nothing")


def test_playing_goes_round_and_keys_do_the_same(view):
    play = view.panes.choices.play
    for expected in (1, 2, 0):
        view.move(1)
        assert view.chosen["time"] == expected
    play.keys.step = {"by": -1, "count": 1}
    assert view.chosen["time"] == 2
    play.next.clicks += 1
    assert view.chosen["time"] == 0
    assert not play.playing


def test_series_follow_other_dimensions_only():
    more = xr.concat([layered(), layered().assign(a=layered()["a"] + 1000)], "height").assign_coords(height=[2, 10])
    page = explore(more[["a"]])
    page.select(101.0, 39.0)
    low = page.series.values
    page.step_to(time="2019-01-06")
    assert page.others == 0
    page.step_to(height=10)
    assert page.others == 1
    np.testing.assert_array_equal(page.series.values, low + 1000)


def test_the_series_as_files_hold_what_is_drawn(view):
    view.select(101.0, 39.0)
    view.select(110.0, 30.0)
    data = xr.open_dataset(view.panes.save.series_netcdf(), engine="h5netcdf")
    shown = view.all_series
    np.testing.assert_array_equal(data["ndvi"].values, [series.values for series in shown])
    assert data["geometry"].values[0] == "POINT (101 39)"
    assert data["time"].values.tolist() == view.cube.dataset["time"].values.tolist()
    rows = list(csv.DictReader(view.panes.save.series_csv()))
    np.testing.assert_allclose([float(row["ndvi (1)"]) for row in rows], data["ndvi"].values.ravel(), rtol=1e-6)


def test_the_region_as_files(view):
    view.choose_region("102.25,20.25,112.25,30.25")
    rows = list(csv.DictReader(view.panes.save.region_csv()))
    assert len(rows) == 3
    np.testing.assert_allclose([float(row["ndvi (1)"]) for row in rows], view.region_series.values, rtol=1e-6)
    assert rows[0]["geometry (WKT)"].startswith("POLYGON")
    data = xr.open_dataset(view.panes.save.region_netcdf(), engine="h5netcdf")
    weight = data["area_inside"].values
    mean = np.nansum(data["ndvi"].values * weight) / weight[np.isfinite(data["ndvi"].values)].sum()
    assert mean == pytest.approx(view.region_series.values[0], rel=1e-6)
    assert np.isnan(data["ndvi"].values[weight == 0]).all()


def test_a_file_that_cannot_be_made_is_told_and_the_session_lives_on(view):
    button = view.panes.save.region
    assert button.disabled
    assert button.callback().read() == ""
    assert "No region is chosen" in view.alert.object


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_map_as_a_figure_has_a_text_for_those_who_cannot_see_it(suffix):
    page = explore("ghi_merra2_monthly", month=7)
    page.choose_region("Mongolia")
    image = getattr(page.panes.save, suffix).callback()
    content = image.read()
    assert content[:4] == b"\x89PNG" if suffix == "png" else b"<svg" in content
    assert not page.alert.visible
    from PIL import Image

    words = Image.open(io.BytesIO(content)).text["Description"] if suffix == "png" else content.decode()
    assert "Map of Global horizontal irradiance" in words
    series = page.region_series
    assert f"{series.values[6]:.0f}"[:2] in words


def test_named_classes_and_projected_maps_have_figures_too():
    for page in (explore("climate_classes"), explore(projected())):
        assert page.panes.save.png.callback().read()[:4] == b"\x89PNG"
        assert not page.alert.visible


def test_a_large_map_without_overviews_says_so_and_builds_them(tmp_path, monkeypatch):
    from musyq_lab.dashboards import _view

    monkeypatch.setattr(_view, "CELLS", 100)
    page = explore(product_files(tmp_path / "bare", overviews=False))
    assert page.panes.aid.visible
    assert "no overviews" in page.panes.aid[0].object
    page.panes.aid[1].clicks += 1
    assert page.cube.levels.factors == (2,)
    assert not page.panes.aid.visible
    memory = explore(layered(20, 20))
    assert "ml.write_product" in memory.panes.aid[0].object
    memory.build_overviews()
    assert "Only product files" in memory.alert.object


def test_a_file_that_cannot_be_read_is_told_and_the_last_map_stays(view, monkeypatch):
    def broken(key, make):
        raise ArchiveError("the file is damaged")

    before = view._image()
    monkeypatch.setattr(_window, "read", broken)
    view.show("time", 2)
    assert view._image() is before
    assert "damaged" in view.alert.object
    view.compared = BESIDE  # a map that was never drawn is empty, and the page lives on
    view.__panel__().get_root()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_the_smallest_maps_open(rows, columns):
    page = explore(layered(rows, columns).isel(time=[0]))
    page.__panel__().get_root()
    page.select(100.0, 40.0)
    assert page.series.values.tolist() == [1.0]
    page.choose_region("99,39,101,41")
    assert page.region_series.values[0] >= 1


def test_names_in_any_script_and_nothing_but_gaps():
    data = xr.full_like(layered(), np.nan)[["a"]].rename(a="叶面积指数").assign_attrs(title="北京 <b>")
    page = explore(data)
    page.__panel__().get_root()
    assert "&lt;b&gt;" in page.header.value
    page.select(101.0, 39.0)
    assert page.series.empty
    page.choose_region("100,38,102,40")
    assert np.isnan(page.region_series.values).all()
    page.panes.tabs.active = 1


def test_two_pages_of_the_same_files_do_not_disturb_each_other(folder):
    one, two = explore(folder), explore(folder)
    assert one.cube is two.cube
    one.step_to(time="2019-01-11")
    one.select(101.0, 39.0)
    assert two.chosen == {"time": 0}
    assert two.point is None


def test_a_folder_of_several_products_asks_which(tmp_path):
    product_files(tmp_path / "a" / "one")
    product_files(tmp_path / "a" / "two")
    with pytest.raises(InputError, match="several"):
        explore(tmp_path / "a")
    with pytest.raises(NotFoundError, match="holds no"):
        explore(tmp_path / "a" / "one", product="lai")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="no product files"):
        explore(tmp_path / "empty")
    assert explore(tmp_path / "a" / "one", product="vi", tile="box").view.variable == "ndvi"
