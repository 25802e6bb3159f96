"""The Change page without a browser: maps against the analyses themselves, places, zones, addresses, empty states."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.analysis.anomaly import anomaly
from musyq_lab.analysis.breaks import breaks
from musyq_lab.analysis.trend import trend
from musyq_lab.analysis.years import compare_periods, yearly_means
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards import _change_map, _change_work
from musyq_lab.dashboards._change_address import options_of
from musyq_lab.dashboards._change_kinds import KINDS
from musyq_lab.dashboards._jobs import JOBS, State
from musyq_lab.dashboards.change import Change, change

MONTHS = pd.date_range("2009-01-01", periods=120, freq="MS")
AT = 66
"""Month of the imposed step."""


@pytest.fixture(scope="module", autouse=True)
def plain():
    """Few series: compiling the kernels would take longer than running them as Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        yield


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Ten years of months on 5 x 6 cells round 100 E: a trend in the east, a step in the north, one empty cell."""
    draw = np.random.Generator(np.random.Philox(31))
    y = 3 + np.sin((np.arange(120) - 3) * np.pi / 6)[:, None, None] + 0.1 * draw.standard_normal((120, 5, 6))
    y[:, :, 4:] += 0.05 * (np.arange(120) / 12)[:, None, None]
    y[AT:, 0, :] -= 1.0
    y[:, 4, 5] = np.nan
    attrs = {"units": "m2 m-2", "long_name": "leaf area index"}
    coords = {"time": MONTHS, "latitude": np.arange(42.0, 37, -1), "longitude": np.arange(98.0, 104)}
    return xr.Dataset(
        {"lai": (("time", "latitude", "longitude"), y, attrs)}, coords, {"title": "Leaf area <of> Müller"}
    )


@pytest.fixture
def view(data) -> Change:
    return change(data)


def shown(view: Change, layer: str) -> np.ndarray:
    """The layer that the picture holds, north first."""
    picture = _change_map.picture(view.outcome, layer, view.step, _change_map.legend_of(view.outcome, layer))
    values = np.asarray(picture.dimension_values("value", flat=False))
    return values[::-1] if picture.dimension_values("y", expanded=False)[0] < 40 else values


def test_the_trend_is_the_map_from_the_start(view, data):
    assert view.ask.kind == "trend"
    assert view.job.seen().state is State.DONE
    expected = trend(yearly_means(data.lai), "year")
    np.testing.assert_allclose(view.outcome.dataset.slope, expected.slope)
    np.testing.assert_allclose(shown(view, "slope"), expected.slope.values, rtol=1e-5)
    assert "All cells were analysed" in view.panes.costs.value
    assert "false discovery rate 10%" in view.panes.numbers.value
    assert "&lt;of&gt; Müller" in view.panes._page.header.value


def test_dots_lie_where_the_test_says(view):
    at = _change_map.dots(view.outcome)
    sure = view.outcome.dataset.p_value < 0.05
    assert len(at) == int(sure.sum())
    for x, y in zip(at.dimension_values("x"), at.dimension_values("y"), strict=True):
        assert bool(sure.sel(longitude=x, latitude=y))


def test_a_click_tells_of_the_place(view, data):
    assert view.story is None
    view.panes.tap.event(x=102.2, y=40.1)
    assert view.point == (102.2, 40.1)
    found = trend(yearly_means(data.lai.sel(longitude=102, latitude=40)), "year")
    told = view.panes.place.value
    assert "40.00° N, 102.00° E" in told
    assert f"{float(found.slope):+.3g}" in told
    curve = view.panes.curve.object
    assert view.panes.curve.visible
    assert not view.panes.work.visible
    np.testing.assert_allclose(curve.Curve.I.dimension_values("value"), data.lai.sel(longitude=102, latitude=40))
    view.panes.tap.event(x=0.0, y=0.0)
    assert view.point == (102.2, 40.1)
    view.panes.tap.event(x=103.0, y=38.0)
    assert "No data here" in view.panes.place.value
    assert view.panes.save.place.disabled


def test_a_place_is_typed(view):
    view.panes.where.value = "99, 41"
    assert view.point == (99.0, 41.0)
    view.panes.where.value = "12, 3"
    assert "outside the data" in view.alert.object
    assert view.point == (99.0, 41.0)
    view.panes.where.value = "Atlantis"
    assert view.alert.visible
    with pytest.raises(InputError, match="longitude 98 to 103"):
        view.select(0, 0)


def test_anomalies_of_years_against_chosen_years(view, data):
    view.set("anomaly", baseline=(2009, 2013), measure="standard deviations")
    years = yearly_means(data.lai)
    past = years.sel(year=slice(2009, 2013))
    expected = (years - past.mean("year")) / past.std("year", ddof=1)
    np.testing.assert_allclose(view.outcome.dataset.anomaly, expected, rtol=1e-9)
    assert view.step == 9
    np.testing.assert_allclose(shown(view, "anomaly"), expected.sel(year=2018).values, rtol=1e-5)
    slider = view.panes.steps[0]
    slider.value = 0
    np.testing.assert_allclose(shown(view, "anomaly"), expected.sel(year=2009).values, rtol=1e-5)
    assert (view.query()["baseline"], view.query()["step"]) == ("2009-2013", "2009")
    np.testing.assert_allclose(shown(view.step_to(2012), "anomaly"), expected.sel(year=2012).values, rtol=1e-5)
    with pytest.raises(InputError, match="2009 to 2018"):
        view.step_to(1999)


def test_anomalies_of_months_are_those_of_groupby(data):
    short = change(data.isel(time=slice(0, 36)), analysis="anomaly")
    part = data.lai.isel(time=slice(0, 36))
    expected = part.groupby("time.month") - part.groupby("time.month").mean()
    np.testing.assert_allclose(short.outcome.dataset.anomaly, expected.transpose(*part.dims), atol=1e-12)
    assert short.outcome.step_dim == "time"


def test_breaks_are_those_that_were_imposed(view, data):
    view.set("breaks")
    found = view.outcome.dataset
    assert (found.breaks.sel(latitude=42) >= 1).all()
    np.testing.assert_allclose(found["shift"].sel(latitude=42), -1.0, atol=0.25)
    year = MONTHS[AT].year + (MONTHS[AT].day_of_year - 1) / 365.25
    assert float(abs(found.date.sel(latitude=42) - year).median()) < 0.2
    assert float((found.breaks.sel(latitude=slice(41, 38)) > 0).mean()) < 0.2
    assert np.isnan(found["shift"].values[4, 5])
    view.select(98, 42)
    whole = breaks(data.lai.sel(longitude=98, latitude=42))
    assert str(whole.date.values[0])[:10] in view.panes.place.value
    assert view.panes.rows.value.count("<tr>") == 1 + int(whole["count"])
    view.select(98, 40)
    assert "No break" in view.panes.place.value


def test_two_periods_side_by_side(view, data):
    view.set("periods", before=(2009, 2012), after=(2015, 2018))
    expected = compare_periods(data.lai, (2009, 2012), (2015, 2018))
    for layer in ("before", "after", "difference", "p_value"):
        np.testing.assert_allclose(view.outcome.dataset[layer], expected[layer], rtol=1e-9)
    assert len(view.panes.maps) == 2  # a row of two, and the difference
    one, two = (_change_map.legend_of(view.outcome, name) for name in ("before", "after"))
    assert one.breaks == two.breaks
    view.set("periods", before=(2009, 2011))
    assert view.outcome.ask.after == (2015, 2018)
    view.set("periods", before=(2009, 2012))
    view.set("periods", after=(2012, 2018))
    assert "in common" in view.alert.object
    assert view.outcome.ask.before == (2009, 2012)  # the last view stays


def test_classes_are_about_zero(view):
    legend = _change_map.legend_of(view.outcome, "slope")
    np.testing.assert_allclose(np.array(legend.breaks), -np.array(legend.breaks)[::-1])
    assert len(legend.labels) == 7
    for sizes in ([], [0.0, 0.0], [3e-7, -1e-6], [4.4, -9e5]):
        limits = _change_map.about_zero(np.array(sizes))
        assert list(limits) == sorted(set(limits))


def test_the_table_of_a_box_is_that_of_the_cells(view, data):
    view.choose_region("97.5,39.5,100.5,42.5")
    view.make_table()
    table = view.table.frame
    part = data.lai.sel(longitude=slice(98, 100), latitude=slice(42, 40))
    weight = np.cos(np.radians(part.latitude))
    expected = yearly_means(part).weighted(weight).mean(("latitude", "longitude"))
    assert table["mean"].iloc[0] == pytest.approx(float(expected.mean()), rel=1e-3)
    assert table["trend"].iloc[0] == pytest.approx(float(trend(expected, "year").slope), rel=0.02)
    assert "km²" in view.panes.zones.value
    rows = list(csv.DictReader(view.panes.save.zones_csv()))
    assert float(rows[0]["area (km2)"]) == pytest.approx(table["area"].iloc[0])
    assert "trend (m2 m-2 year-1)" in rows[0]


def test_tables_by_country_region_and_class(view):
    for by, name in (("countries", "China"), ("regions", None), ("land cover", None)):
        view.make_table(by)
        assert view.table.by == by
        if name:
            assert name in view.table.frame.index
        assert not view.alert.visible
    assert "MCD12C1" in view.panes.zones.value


def test_pairs_of_periods_are_in_the_table(view):
    view.set("periods")
    view.make_table("countries")
    frame = view.table.frame
    np.testing.assert_allclose(frame["difference"], frame["after"] - frame["before"])
    dots = view.panes.dots.object
    assert len(dots.Points.I) == len(dots.Points.II) == len(frame)


def test_a_polygon_outside_the_data_is_told(view):
    view.make_table("drawn polygon")
    assert "No polygon is drawn" in view.job.seen().message
    view.choose_region("0,0,10,10")
    view.make_table("drawn polygon")
    assert "No cell" in view.alert.object
    view.drawn([(98, 38), (102, 38), (100, 42)])
    view.make_table()
    assert view.table.frame.index[0] == "drawn polygon"


@pytest.mark.parametrize("analysis", ["trend", "anomaly", "breaks", "periods"])
def test_code_makes_the_same_result(data, analysis):
    import musyq_lab as ml

    view = change(data, analysis=analysis, point=(100.0, 41.0))
    lines = [line for line in view.code().splitlines() if not line.startswith("data = ...")]
    lines = [line.replace("ml.change(", "change(") for line in lines]  # the public name is that of the package
    names = {"data": data, "ml": ml, "change": change}
    exec("\n".join(lines), names)
    again = names["view"]
    assert again.point == view.point
    xr.testing.assert_identical(again.outcome.dataset, view.outcome.dataset)
    first = {"trend": "slope", "anomaly": "anomaly", "breaks": "count", "periods": "difference"}[analysis]
    mine = {"breaks": "breaks"}.get(analysis, first)
    result = names["result"] if analysis == "anomaly" else names["result"][first]
    np.testing.assert_allclose(result, view.outcome.dataset[mine])


def test_the_address_restores_the_view(data):
    view = change(data, analysis="anomaly", baseline=(2010, 2015), point=(100.0, 41.0), region="97,38,99,40", step=2011)
    query = view.query()
    again = Change({view.source: data}, source=query["data"], **options_of(query))
    assert again.query() == query
    assert (again.ask, again.point, again.region.wkt) == (view.ask, view.point, view.region.wkt)
    with pytest.raises(InputError, match="no period"):
        options_of({"before": "2010"})
    with pytest.raises(InputError, match="no number"):
        options_of({"x": "east", "y": "1"})


def test_maps_are_saved_as_numbers_and_pictures(view):
    view.set("trend")
    with xr.open_dataset(io.BytesIO(view.panes.save.maps().read()), engine="h5netcdf") as made:
        np.testing.assert_allclose(made.slope, view.outcome.dataset.slope)
        assert "Trend of lai" in made.attrs["title"]
        assert "trend(layer" in made.attrs["history"]
    view.select(99, 41)
    rows = list(csv.reader(view.panes.save.place_csv()))
    assert rows[0] == ["place", "41.00° N, 99.00° E"]
    assert ["2009-01-01T00:00:00", f"{float(view.story.values[0]):.7g}"] in rows


def test_one_date_classes_and_climatologies_are_explained(data):
    one = change(data.isel(time=[0]))
    assert "needs at least 4" in one.panes.message.value or "needs" in one.panes.message.value
    assert one.outcome is None
    assert len(one.panes.maps) == 0
    single = change(data.isel(time=0, drop=True), analysis="trend")
    assert "no dates" in single.panes.message.value
    climate = change("ghi_merra2_monthly")
    assert "no dates" in climate.panes.message.value
    classes = data.lai.isel(time=slice(0, 5)).astype("uint8").assign_attrs(flag_values=[0, 1], flag_meanings="a b")
    assert "named classes" in change(classes).panes.message.value
    assert one.panes.save.netcdf.disabled


def test_what_is_empty_or_tiny_does_no_harm(data):
    nothing = change(data * np.nan, analysis="trend", point=(100.0, 41.0))
    assert "No cell has values enough" in nothing.panes.numbers.value
    assert "No data here" in nothing.panes.place.value
    pixel = change(data.isel(latitude=[0], longitude=[0]), analysis="breaks")
    assert pixel.outcome.dataset.breaks.values.item() == 1
    pixel.make_table("countries")
    assert pixel.alert.visible  # a single cell has no edges


def test_unknown_names_are_told(data):
    with pytest.raises(NotFoundError, match="no analysis 'trends'"):
        change(data, analysis="trends")
    with pytest.raises(NotFoundError, match="no map 'ndvi'"):
        change(data, "ndvi")
    with pytest.raises(NotFoundError, match="no map 'slop'"):
        change(data, analysis="trend", layer="slop")
    with pytest.raises(InputError, match="no option 'base'"):
        change(data, base=(2009, 2010))
    with pytest.raises(InputError, match="ends before"):
        change(data, analysis="anomaly", baseline=(2012, 2010))
    with pytest.raises(InputError, match="Use one of"):
        change(data, analysis="breaks", model="curve")
    with pytest.raises(InputError, match="path"):
        change(data, product="lai")


def test_a_large_cube_is_thinned_first_and_whole_on_request(data, monkeypatch):
    monkeypatch.setattr(_change_work, "VALUES", 120 * 8)
    monkeypatch.setattr(_change_work, "_FEWEST", 4)
    view = change(data.chunk({"latitude": 2}), analysis="trend")
    assert not view.outcome.part.whole
    assert view.outcome.dataset.slope.size < 30
    assert "First look" in view.footer.value
    words, fits = view.verdict()
    assert words.startswith("All 30 cells: about 1 s")
    assert fits
    view.panes.full.clicks += 1
    assert view.outcome.part.whole
    np.testing.assert_allclose(view.outcome.dataset.slope, trend(yearly_means(data.lai), "year").slope)
    monkeypatch.setattr(JOBS, "limits", type(JOBS.limits)(memory=10_000))
    assert "does not fit" in view.verdict()[0]
    view.analyse(whole=True)
    assert "does not fit" in view.alert.object


def test_a_projected_map_has_zones_and_places(data):
    import pyproj

    one = data.lai.isel(latitude=slice(0, 4), longitude=slice(0, 4)).rename(latitude="y", longitude="x")
    one = one.assign_coords(x=500_000 + 30.0 * np.arange(4), y=4_000_000 - 30.0 * np.arange(4))
    one = one.to_dataset().assign_coords(spatial_ref=((), 0, {"crs_wkt": pyproj.CRS(32648).to_wkt()}))
    view = change(one, analysis="trend", point=(500_030.0, 3_999_970.0))
    assert "x 500030, y 4e+06" in view.panes.place.value or "x 500030" in view.panes.place.value
    view.make_table("countries")
    assert view.table.frame["area"].iloc[0] == pytest.approx(16 * 900 / 1e6, rel=2e-3)


def test_sessions_share_first_looks(data, monkeypatch):
    from dataclasses import replace

    from musyq_lab.dashboards._data import cube

    known = replace(cube(data), key=("a test of sharing",))
    first = Change({"a": known})
    monkeypatch.setattr(_change_work, "analysed", None)
    second = Change({"a": known})
    assert second.outcome is first.outcome


@pytest.mark.parametrize("analysis", ["breaks", "periods"])
def test_the_page_is_built_with_and_without_a_place(data, analysis):
    view = change(data, analysis=analysis)
    root = view.panes.page.get_root()  # what a browser is sent; errors of drawing come out here
    view.select(100, 42)
    view.make_table("countries")
    assert len(list(root.select({"type": type(root)}))) > 5
    again = view.panes.page.get_root()
    assert again is not root


def test_every_analysis_says_what_it_is():
    for kind in KINDS.values():
        assert kind.summary.endswith(".")
        assert set(kind.diverging) <= {*kind.maps, "anomaly"}


@pytest.mark.slow
@pytest.mark.parametrize(("analysis", "suffix", "begin"), [("trend", "png", b"\x89PNG"), ("breaks", "svg", b"<?xml")])
def test_maps_are_saved_as_figures_of_a_report(data, analysis, suffix, begin):
    made = change(data, analysis=analysis).panes.save.figure(suffix)
    assert made.startswith(begin)
    assert suffix == "png" or b"Largest step" in made


@pytest.mark.slow
def test_seasons_are_those_that_were_planted(monkeypatch):
    monkeypatch.delenv("MUSYQ_DISABLE_JIT")  # a fit of a season takes a minute as Python
    days = pd.date_range("2010-01-01", "2012-12-31", freq="8D")
    turn = days.day_of_year.to_numpy(float)
    course = 0.15 + 0.7 * (1 / (1 + np.exp(-0.08 * (turn - 120))) + 1 / (1 + np.exp(0.06 * (turn - 280))) - 1)
    ndvi = xr.DataArray(
        np.broadcast_to(course[:, None, None], (days.size, 1, 2)).copy(),
        {"time": days, "latitude": [41.0], "longitude": [100.0, 101.0]},
        ("time", "latitude", "longitude"),
        name="ndvi",
        attrs={"units": "1"},
    )
    view = change(ndvi, analysis="phenology", point=(100.0, 41.0))
    np.testing.assert_allclose(view.outcome.dataset.start_of_season, 119.8, atol=1.5)
    np.testing.assert_allclose(view.outcome.dataset.end_of_season, 280.3, atol=1.5)
    assert view.panes.rows.value.count("2011-04-") == 1  # day 120 is 30 April
    assert "3 seasons" in view.panes.place.value


def test_anomalies_agree_with_the_analysis(data):
    view = change(data, analysis="anomaly", measure="relative")
    np.testing.assert_allclose(
        view.outcome.dataset.anomaly, anomaly(yearly_means(data.lai), "year", kind="relative"), rtol=1e-9
    )
