"""The explorer without a browser: what is shown, what a click does, what is exported."""

import csv
import json

import numpy as np
import pytest
import xarray as xr

from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.quality import COMMON_FLAGS, flag_attributes
from musyq_lab.dashboards.explorer import Explorer, explore, finished


@pytest.fixture(scope="module")
def truth() -> xr.Dataset:
    return open_catalog()["ghi_merra2_monthly"].read()


@pytest.fixture
def view() -> Explorer:
    return explore("ghi_merra2_monthly", month=7)


def product() -> xr.Dataset:
    """A small product with uncertainty and quality bits: one gap-filled month, one cell without data."""
    values = np.arange(12 * 3 * 4, dtype=float).reshape(12, 3, 4)
    values[:, 0, 0] = np.nan
    qa = np.zeros(values.shape, "uint16")
    qa[5, 1, 2] = 16
    qa[:, 0, 0] = 1
    dims = ("month", "latitude", "longitude")
    return xr.Dataset(
        {
            "dsr": (
                dims,
                values,
                {"units": "W m-2", "long_name": "radiation", "ancillary_variables": "dsr_uncertainty dsr_qa"},
            ),
            "dsr_uncertainty": (dims, np.full(values.shape, 8.0), {"units": "W m-2"}),
            "dsr_qa": (dims, qa, flag_attributes(COMMON_FLAGS)),
        },
        coords={"month": np.arange(1, 13), "latitude": [2.0, 1.0, 0.0], "longitude": [10.0, 11.0, 12.0, 13.0]},
        attrs={"product": "dsr", "title": "A product"},
    )


def test_a_click_changes_point_and_series(view, truth):
    assert view.series is None
    view.tap.event(x=76.0, y=23.2)
    assert view.point == (76.0, 23.2)
    expected = truth["ghi"].sel(longitude=76, latitude=23.2, method="nearest")
    np.testing.assert_array_equal(view.series.values, expected.values)
    assert (view.series.x, view.series.y) == (float(expected.longitude), float(expected.latitude))
    assert view.series.labels == list(range(1, 13))
    view.tap.event(x=15.0, y=21.0)
    assert view.series.place == "21.00° N, 15.00° E"
    assert view.panes.download.disabled is False


def test_a_click_outside_the_data_changes_nothing(view):
    view.tap.event(x=76.0, y=-89.0)
    view.tap.event(x=None, y=None)
    assert view.point is None
    with pytest.raises(InputError, match="latitude"):
        view.select(0, -89)


def test_the_sea_is_told(view):
    view.select(-30.0, 0.0)
    assert view.series.empty
    assert "No data" in view.panes.line.value
    assert view.panes.download.disabled


def test_the_map_holds_the_values_of_the_step(view, truth):
    picture = view._image()
    expected = truth["ghi"].sel(month=7).values
    np.testing.assert_allclose(picture.dimension_values("value", flat=False), expected[::-1], rtol=1e-6)
    classes = picture.dimension_values("class", flat=False)[::-1]
    inside = np.isfinite(expected)
    np.testing.assert_array_equal(classes != 255, inside)
    np.testing.assert_array_equal(classes[inside], np.digitize(expected[inside], view.legend.breaks))


def test_another_month_by_slider_and_by_name(view, truth):
    slider = view.panes.choices.sliders[0]
    assert slider.value == 6
    slider.value = 0
    np.testing.assert_allclose(
        view._image().dimension_values("value", flat=False)[::-1], truth["ghi"].sel(month=1).values, rtol=1e-6
    )
    assert "January" in view.header.value
    assert view.step_to(month=12).chosen == {"month": 11}
    assert view.step_to(month="March").chosen == {"month": 2}
    with pytest.raises(InputError, match="January to December"):
        view.step_to(month=13)
    with pytest.raises(InputError, match="no dimension 'year'"):
        view.step_to(year=1)


def test_another_variable(view):
    view.select(15.0, 21.0)
    assert view.cube.variables == ["ghi"]
    other = explore("ndvi_endmembers", point=(15.0, 12.0))
    other.variable = "ndvi_maximum"
    other.tap.event(x=20.0, y=10.0)
    assert other.series.variable == "ndvi_maximum"
    assert other.series.dim == ""
    assert other.series.values.shape == (1,)


def test_uncertainty_quality_and_csv_of_a_product():
    view = explore(product())
    view.select(12.0, 1.0)
    series = view.series
    np.testing.assert_array_equal(series.sigma, 8.0)
    assert series.quality[5].startswith("the value was filled in")
    view.panes.tabs.active = 3
    assert "June" in view.panes.quality.value
    rows = list(csv.reader(view.panes.save.series_csv()))
    assert rows[0] == [
        "latitude (degrees_north)", "longitude (degrees_east)", "month", "dsr (W m-2)",
        "uncertainty, one sigma (W m-2)", "quality", "place", "geometry (WKT)",
    ]  # fmt: skip
    assert [float(v) for v in rows[6][:5]] == [1.0, 12.0, 6.0, 5 * 12 + 1 * 4 + 2, 8.0]
    assert len(rows) == 13
    view.select(10.0, 2.0)
    both = list(csv.reader(view.panes.save.series_csv()))
    assert len(both) == 25
    assert both[13][3] == ""
    assert [row[-1] for row in both[12:14]] == ["POINT (12 1)", "POINT (10 2)"]


def test_the_code_makes_the_same_view(view):
    view.select(76.0, 23.2)
    space: dict = {}
    exec(view.code(), space)
    again = space["view"]
    assert (again.variable, again.chosen, again.point) == (view.variable, view.chosen, view.point)
    assert len(view.code().splitlines()) <= 7


def test_the_page_has_all_its_parts(view):
    root = view.__panel__().get_root()
    found = json.dumps(root.document.to_json() if root.document else {}, default=str) + str(view.panes.layout)
    for word in ("HoloViews", "DiscreteSlider", "Tabs", "FileDownload"):
        assert word in found
    assert "drawn in" in view.footer.value
    view.panes.tabs.active = 2
    assert "Share of the area" in view.panes.histogram.value


def test_a_click_in_a_notebook_asks_no_content_network_for_styles(view, monkeypatch):
    """Panel inlines the style sheets of the first display only; what a click sends must not bring addresses."""
    from bokeh.document import Document
    from bokeh.models import ImportedStyleSheet
    from bokeh.models.ui import UIElement
    from panel.io.notebook import patch_inline_stylesheets
    from pyviz_comms import Comm

    root = view.__panel__()._render_model(Document(), Comm())
    for model in root.select({"type": UIElement}):
        patch_inline_stylesheets(model)
    for x, y in ((76.0, 23.0), (-30.0, 0.0), (15.0, 21.0)):
        view.tap.event(x=x, y=y)
    view.step_to(month=2)
    assert not list(root.select({"type": ImportedStyleSheet}))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (3, "Give a Dataset"),
        (xr.Dataset({"a": ("time", [1.0])}), "no map"),
        (xr.Dataset({"a": (("latitude", "longitude"), np.zeros((0, 2)))}), "empty"),
    ],
)
def test_what_cannot_be_shown_is_a_plain_error(data, word):
    with pytest.raises(InputError, match=word):
        explore(data)


def test_unknown_names_are_plain_errors(tmp_path):
    with pytest.raises(NotFoundError, match="Did you mean 'ghi_merra2_monthly'"):
        explore("ghi_merra2_montly")
    with pytest.raises(NotFoundError, match="no map 'dhi'"):
        explore("ghi_merra2_monthly", variable="dhi")
    with pytest.raises(InputError, match="class table"):
        explore("ghi_merra2_monthly", classes="dsr_annual")
    with pytest.raises(InputError, match="ascending"):
        explore("ghi_merra2_monthly", classes=[3, 2, 1])


def test_finished_runs_are_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert finished() == {}
    assert explore().sources.keys() == {explore("ghi_merra2_monthly").cube.title}
    folder = tmp_path / "musyq-output" / "solar"
    folder.mkdir(parents=True)
    (folder / "MuSyQ.DSR.0p25deg.global.climatology.v1.h5").touch()
    assert list(finished()) == ["Downward shortwave radiation, climatology (solar)"]
    view = explore()
    view.source = "Downward shortwave radiation, climatology (solar)"  # an empty file: told, and the map stays
    assert view.alert.visible
    assert view.cube.variables == ["ghi"]


@pytest.mark.parametrize("name", ["land_cover_mcd12c1_2019", "climate_classes", "sentinel2_chip", "landsat8_chip"])
def test_every_kind_of_sample_shows(name):
    view = explore(name)
    view.__panel__().get_root()
    picture = view._image()
    assert picture.dimension_values("class").size <= 650_000
    assert (picture.dimension_values("class") != 255).any()


def test_a_class_is_told_by_name():
    view = explore("land_cover_mcd12c1_2019")
    view.select(15.0, 23.0)
    assert view.panes.line.value == "<p>23.02° N, 15.03° E: barren</p>"
    view.select(-30.0, 0.0)
    assert "water" in view.panes.line.value


def test_zooming_shows_every_cell():
    view = explore("land_cover_mcd12c1_2019")
    view._image()
    assert "Every 7th cell" in view.footer.value
    picture = view._image(x_range=(100.0, 110.0), y_range=(30.0, 40.0))
    assert "Every" not in view.footer.value
    step = np.diff(picture.dimension_values("x", expanded=False))
    np.testing.assert_allclose(step, 0.05, rtol=1e-6)


def test_longitudes_from_0_to_360_are_turned():
    data = xr.DataArray(
        np.arange(36.0)[None, :] * np.ones((2, 1)),
        dims=("lat", "lon"),
        coords={"lat": [1.0, 0.0], "lon": np.arange(5.0, 360.0, 10.0)},
        name="x",
        attrs={"units": "1"},
    )
    view = explore(data)
    assert float(view.cube.dataset["lon"].min()) == -175
    view.select(-175.0, 0.0)
    assert view.series.values[0] == 18
