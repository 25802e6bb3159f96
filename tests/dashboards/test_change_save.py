"""What is saved of the Change page: files equal to the result, what a figure is drawn of, and what there is not."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _change_save as module
from musyq_lab.dashboards._change_map import legend_of
from musyq_lab.dashboards.change import Change, change
from musyq_lab.figures._raster import inside

YEARS = np.arange(2001, 2011)
CREDITS = {"attribution": "Someone et al.", "license": "CC-BY", "references": "doi:1"}
ATTRS = {"title": "Über <data>", "secret": "x", **CREDITS}


@pytest.fixture(scope="module", autouse=True)
def plain():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        yield


def given(lat=(42.0, 41.0, 40.0), lon=(100.0, 101.0, 102.0, 103.0), name="npp") -> xr.Dataset:
    """Ten years; the trend grows eastward."""
    draw = np.random.Generator(np.random.Philox(17))
    values = 50 + draw.standard_normal((10, len(lat), len(lon)))
    values += np.arange(10)[:, None, None] * np.arange(len(lon)) * 0.4
    values[:, 0, 0] = np.nan
    coords = {"year": YEARS, "lat": np.array(lat), "lon": np.array(lon)}
    attrs = {"units": "g m-2 a-1", "long_name": "net primary production"}
    return xr.Dataset({name: (("year", "lat", "lon"), values, attrs)}, coords, ATTRS)


@pytest.fixture(scope="module")
def trends() -> Change:
    return change(given(), analysis="trend")


@pytest.fixture(scope="module")
def anomalies() -> Change:
    return change(given(), analysis="anomaly", step=2004)


@pytest.fixture
def drawn(monkeypatch):
    """What would be drawn and saved, without the seconds that drawing takes."""
    seen = SimpleNamespace()

    def draw_map(field, **options):
        seen.how, seen.field, seen.options = "map", field, options
        return "figure"

    def draw_plain(field, **options):
        seen.how, seen.field, seen.options = "plain", field, options
        return "figure"

    def save_figure(_figure, folder, name, **words):
        seen.words = words
        (suffix,) = words["formats"]

        def image(wanted):
            assert wanted == suffix
            return SimpleNamespace(read_bytes=lambda: f"{folder}/{name}.{wanted}".encode())

        return SimpleNamespace(image=image)

    monkeypatch.setattr(module, "draw_map", draw_map)
    monkeypatch.setattr(module, "draw_plain", draw_plain)
    monkeypatch.setattr(module, "save_figure", save_figure)
    return seen


def read(stream) -> xr.Dataset:
    with xr.open_dataset(stream, engine="h5netcdf") as made:
        return made.load()


def test_the_file_holds_every_layer_of_the_result(trends):
    made = read(trends.panes.save.maps())
    assert set(made.data_vars) == set(trends.outcome.dataset.data_vars)
    for name, layer in trends.outcome.dataset.data_vars.items():
        np.testing.assert_array_equal(made[name], layer)
    assert made["slope"].attrs["units"] == "g m-2 a-1 year-1"


def test_the_slopes_in_the_file_are_those_of_scipy(trends):
    made, values = read(trends.panes.save.maps()), given().npp
    for row in range(3):
        for column in range(4):
            expected = stats.theilslopes(values[:, row, column], YEARS).slope
            np.testing.assert_allclose(made.slope[row, column], expected)


def test_the_file_says_where_it_comes_from(trends):
    attrs = read(trends.panes.save.maps()).attrs
    assert attrs["title"] == "Trend of npp: Über <data>"
    assert attrs["comment"] == "All cells were analysed."
    assert CREDITS.items() <= attrs.items()
    assert "secret" not in attrs, "only what credits is taken over"
    assert attrs["history"] == trends.code()


def test_a_first_look_is_called_one_in_the_file(monkeypatch, trends):
    part = trends.outcome.part
    monkeypatch.setattr(type(part), "said", lambda _self: "First look: a part was analysed.")
    assert trends.panes.save.dataset().attrs["comment"] == "First look: a part was analysed."


def test_saving_does_not_change_the_result(trends):
    before = trends.outcome.dataset.copy(deep=True)
    trends.panes.save.maps()
    xr.testing.assert_identical(trends.outcome.dataset, before)


def test_names_of_files_say_what_is_in_them(trends, anomalies):
    save = trends.panes.save
    assert (save.png.filename, save.svg.filename) == ("npp_trend.png", "npp_trend.svg")
    assert (save.netcdf.filename, save.place.filename) == ("npp_trend.nc", "npp_trend_place.csv")
    assert save.zones.filename == "npp_zones.csv"
    assert anomalies.panes.save.netcdf.filename == "npp_anomaly.nc"


def test_only_what_there_is_can_be_saved():
    page = change(given(), analysis="trend")
    save = page.panes.save
    assert [b.disabled for b in (save.png, save.svg, save.netcdf, save.place, save.zones)] == [False] * 3 + [True] * 2
    page.select(103.0, 40.0)
    assert not save.place.disabled
    page.select(100.0, 42.0)
    assert save.place.disabled, "there is no value at all"
    page.make_table("countries")
    assert not save.zones.disabled
    page.outcome = None
    save.update()
    assert save.png.disabled
    assert save.netcdf.disabled


@pytest.mark.parametrize(
    ("button", "words"), [("place", "Click the map first"), ("zones", "Make it first"), ("netcdf", "no map yet")]
)
def test_what_there_is_not_is_told_on_the_page_and_the_file_is_empty(button, words):
    page = change(given().isel(year=[0]), analysis="trend")
    save = page.panes.save
    made = getattr(save, button).callback()
    assert made.read() in ("", b"")
    assert page.alert.visible
    assert words in page.alert.object
    with pytest.raises(InputError, match=words):
        {"place": save.place_csv, "zones": save.zones_csv, "netcdf": save.maps}[button]()


def test_buttons_hand_out_what_the_methods_make(trends):
    trends.select(102.0, 41.0)
    trends.make_table("countries")
    save = trends.panes.save
    assert save.place.callback().read() == save.place_csv().read()
    assert save.zones.callback().read() == save.zones_csv().read()
    xr.testing.assert_identical(read(save.netcdf.callback()), read(save.maps()))
    rows = list(csv.DictReader(io.StringIO(save.zones_csv().read())))
    np.testing.assert_allclose([float(row["area (km2)"]) for row in rows], trends.table.frame["area"], rtol=1e-5)
    assert [row["country"] for row in rows] == list(trends.table.frame.index)


def test_a_figure_is_drawn_of_the_layer_with_the_classes_of_the_page(trends, drawn):
    assert trends.panes.save.figure("svg").endswith(b"/map.svg")
    assert drawn.how == "map"
    assert drawn.field.dims == ("latitude", "longitude")
    np.testing.assert_array_equal(drawn.field, trends.outcome.dataset.slope)
    legend = legend_of(trends.outcome, "slope")
    assert drawn.options["classes"].breaks == legend.breaks
    assert drawn.options["classes"].units == "g m-2 a-1 year-1"
    sure = trends.outcome.dataset.p_value.values < 0.05
    np.testing.assert_array_equal(drawn.options["significant"], sure)
    assert sure.any()
    assert not sure.all()
    assert drawn.options["region"].geometry.bounds == (99.5, 39.5, 103.5, 42.5)
    assert drawn.words["code"] == trends.code()
    assert drawn.words["provenance"] == {"view": trends.query()}
    assert "Über <data>" in drawn.words["caption"]
    assert drawn.words["alt_text"]


def test_no_significance_is_drawn_over_what_is_no_change(trends, drawn):
    trends.layer = "p_value"
    trends.panes.save.figure("png")
    assert drawn.options["significant"] is None
    np.testing.assert_array_equal(drawn.field, trends.outcome.dataset.p_value)
    assert drawn.field.attrs["units"] == "1"
    trends.layer = "slope"


@pytest.mark.parametrize("year", [2001, 2004, 2010])
def test_a_figure_is_of_the_step_on_the_page(anomalies, drawn, year):
    anomalies.step_to(year)
    anomalies.panes.save.figure("png")
    values = given().npp
    np.testing.assert_allclose(drawn.field, values.sel(year=year) - values.mean("year"))
    assert drawn.options["title"] == f"Anomaly, {year}: Über <data>"
    assert "year" not in drawn.field.coords


@pytest.mark.parametrize(
    ("lat", "lon", "how"),
    [
        ((42.0, 41.0), (100.0, 101.0), "map"),
        ((42.0,), (100.0, 101.0), "plain"),
        ((42.0, 41.0), (100.0,), "plain"),
    ],
)
def test_a_row_or_a_column_is_drawn_plainly(drawn, lat, lon, how):
    page = change(given(lat, lon), analysis="anomaly")
    page.panes.save.figure("png")
    assert drawn.how == how
    assert drawn.field.shape == (len(lat), len(lon))
    if how == "plain":
        legend = legend_of(page.outcome, "anomaly")
        np.testing.assert_array_equal(drawn.options["classes"], legend.numbers(drawn.field.values))
        assert drawn.options["labels"] == legend.labels


def test_a_projected_map_is_drawn_plainly_in_its_own_rows(drawn):
    one = given().rename(lat="y", lon="x").assign_coords(y=4e6 - 30 * np.arange(3), x=5e5 + 30 * np.arange(4))
    page = change(one, analysis="anomaly", step=2002)
    page.panes.save.figure("png")
    assert drawn.how == "plain"
    assert drawn.field.dims == ("y", "x")
    np.testing.assert_allclose(drawn.field, one.npp.sel(year=2002) - one.npp.mean("year"))


def field(west, east, south=-10.0, north=10.0, size=21) -> xr.DataArray:
    coords = {"latitude": np.linspace(north, south, size), "longitude": np.linspace(west, east, size)}
    return xr.DataArray(np.zeros((size, size)), coords, ("latitude", "longitude"))


@pytest.mark.parametrize(
    ("west", "east"), [(-150.0, 100.0), (0.0, 10.0), (170.0, 190.0), (-190.0, -170.0), (181.0, 200.0), (179.5, 180.5)]
)
@pytest.mark.parametrize(("south", "north"), [(-10.0, 10.0), (80.0, 90.0), (-90.0, -89.0)])
def test_every_cell_lies_in_what_the_figure_is_cut_to(west, east, south, north):
    data = field(west, east, south, north)
    part = module._region(data)
    centres = np.abs(data.latitude.values) < 90
    assert inside(data, part)[centres].all(), "cells at the edges are missing in shares and mean"
    left, bottom, right, top = part.geometry.bounds
    assert left >= -180.001
    assert right <= 180
    assert bottom >= -90
    assert top <= 90


def test_what_the_figure_is_cut_to_has_the_size_of_the_cells():
    assert module._region(field(170.0, 190.0)).geometry.area == pytest.approx(21.0 * 21.0)
    assert module._region(field(0.0, 10.0)).geometry.bounds == pytest.approx((-0.25, -10.5, 10.25, 10.5))


def test_maps_of_nearly_all_longitudes_are_those_of_the_globe():
    assert module._region(field(-180.0, 179.0)) is None
    assert module._region(field(0.5, 359.5)) is None
    assert module._region(field(-140.0, 140.0)).key == "view"


def test_what_cannot_be_drawn_is_told_and_the_page_lives_on(trends, monkeypatch):
    def broken(*_args, **_options):
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "draw_map", broken)
    assert trends.panes.save.png.callback().read() == ""
    assert "No space left" in trends.alert.object
    assert trends.outcome is not None
