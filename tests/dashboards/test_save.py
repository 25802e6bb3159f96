"""What is saved of a view: the same numbers as drawn, in files that other tools read, and plain messages."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered, projected

from musyq_lab.analysis.area import cell_area
from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._places import box, polygon
from musyq_lab.dashboards._save import netcdf, region_dataset, series_dataset
from musyq_lab.dashboards._series import series_at
from musyq_lab.dashboards._view import View
from musyq_lab.dashboards.explorer import Explorer, explore

BOX = box(100.25, 38.25, 101.25, 39.75)  # columns 1 and 2, rows 1 to 3


@pytest.fixture(scope="module")
def shared() -> Explorer:
    return explore(layered())


@pytest.fixture
def page(shared) -> Explorer:
    shared.clear().step_to(time="2019-01-01")
    shared.alert.visible = False
    return shared


def several(data: xr.Dataset, variable: str, *places, **chosen: int) -> xr.Dataset:
    found = cube(data)
    shown = [series_at(found, variable, chosen, place) for place in places]
    return series_dataset(SimpleNamespace(all_series=shown, cube=found))


def test_the_series_of_two_places_are_those_of_their_cells():
    truth = layered()
    data = several(truth, "a", (101.0, 39.0), (103.5, 37.5))
    assert data["a"].dims == ("place", "time")
    for k, (x, y) in enumerate(((101.0, 39.0), (103.5, 37.5))):
        cell = truth.sel(longitude=x, latitude=y)
        np.testing.assert_array_equal(data["a"].values[k], cell["a"].values)
        np.testing.assert_allclose(data["a_sigma"].values[k], cell["a_uncertainty"].values)
        assert (float(data["longitude"][k]), float(data["latitude"][k])) == (x, y)
    assert data["time"].equals(truth["time"])
    assert data["a"].attrs == {"units": "W m-2", "long_name": "a field"}
    assert data["a_sigma"].attrs["long_name"] == "uncertainty, one sigma"
    assert data.attrs["title"] == "Layered"


def test_quality_stands_beside_its_values():
    data = several(layered(), "a", (101.0, 39.5), (103.5, 37.5))
    assert all("filled in" in text for text in data["a_quality"].values[0])
    assert data["a_quality"].values[1].tolist() == ["", "", ""]


def test_without_sigma_there_is_no_layer_of_it():
    assert "a_sigma" not in several(layered()[["a"]], "a", (101.0, 39.0))


def test_a_single_value_has_one_step():
    data = several(layered()[["a"]].isel(time=1, drop=True), "a", (100.0, 40.0))
    assert data["a"].dims == ("place", "step")
    assert data["a"].values.tolist() == [[101.0]]
    assert data["step"].values.tolist() == [0]


def test_series_of_a_projected_map_have_metres():
    data = several(projected(), "a", (500_030.0, 4_469_970.0))
    assert (float(data["x"][0]), float(data["y"][0])) == (500_030, 4_469_970)
    assert "longitude" not in data.coords
    assert data["a"].values.tolist() == [[31.0]]


@pytest.mark.parametrize("name", ["a", "叶面积指数"])
def test_a_series_as_a_file_reads_back_as_it_was(name):
    data = several(layered().rename(a=name), name, (101.0, 39.0), (102.0, 38.0))
    with xr.open_dataset(netcdf(data), engine="h5netcdf") as again:
        xr.testing.assert_equal(again.load(), data)
        assert again.attrs == data.attrs


def test_the_bytes_start_at_their_beginning_and_leave_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stream = netcdf(xr.Dataset({"a": 1.0}))
    assert stream.tell() == 0
    assert stream.read(4) == b"\x89HDF"
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------------------- cells of a region


def test_the_cells_of_a_region_are_its_cells_and_nothing_else():
    truth = layered()
    view = View(truth)
    view.choose({"time": "2019-01-06"})
    data = region_dataset(view, BOX)
    inside = data["area_inside"].values > 0
    assert inside.sum() == 6
    part = truth.isel(time=1, latitude=slice(1, 4), longitude=slice(1, 3))
    np.testing.assert_array_equal(data["a"].values[inside], part["a"].values.ravel())
    np.testing.assert_allclose(data["a_uncertainty"].values[inside], part["a_uncertainty"].values.ravel())
    assert np.isnan(data["a"].values[~inside]).all()
    area = cell_area(part["latitude"].values, part["longitude"].values).values
    np.testing.assert_allclose(data["area_inside"].values[inside], area.ravel(), rtol=1e-9)
    assert data["area_inside"].attrs["units"] == "m2"


def test_quality_bits_stay_whole_numbers_with_their_meaning():
    data = region_dataset(View(layered()), BOX)
    assert data["a_qa"].dtype.kind == "u"
    assert data["a_qa"].attrs["flag_meanings"] == layered()["a_qa"].attrs["flag_meanings"]
    assert int(data["a_qa"].sel(longitude=101.0, latitude=39.5)) == 16


def test_a_region_carries_where_it_is():
    data = region_dataset(View(layered()), polygon(np.array([[100.0, 38.0], [102.0, 38.0], [101.0, 39.5]])))
    assert data.attrs["region"] == "drawn polygon"
    assert data.attrs["geometry"].startswith("POLYGON")
    assert data.attrs["title"] == "Layered"


def test_a_region_of_a_projected_map_keeps_its_coordinate_system_and_square_metres():
    raster = projected()
    data = region_dataset(View(raster), box(500_000, 4_469_400, 500_100, 4_469_700))
    assert float(data["area_inside"].sum()) == pytest.approx(100 * 300)
    assert "square" in data["area_inside"].attrs["units"]
    assert data["spatial_ref"].attrs["crs_wkt"] == raster["spatial_ref"].attrs["crs_wkt"]


def test_whole_numbers_of_classes_can_be_saved():
    attrs = {"flag_values": np.array([0, 1], "int8"), "flag_meanings": "land water"}
    data = layered()[["a"]].isel(time=0)
    data["a"] = (data["a"].dims, (np.arange(48).reshape(6, 8) % 2).astype("int8"), attrs)
    cells = region_dataset(View(data), BOX)
    inside = cells["area_inside"].values > 0
    np.testing.assert_array_equal(cells["a"].values[inside], data["a"].values[1:4, 1:3].ravel())
    with xr.open_dataset(netcdf(cells), engine="h5netcdf") as again:
        np.testing.assert_array_equal(again["a"].values, cells["a"].values)


def test_packed_data_of_a_file_are_saved_as_their_values(tmp_path):
    packing = {"a": {"dtype": "int16", "scale_factor": 0.1, "_FillValue": -1, "chunksizes": (1, 6, 8)}}
    layered()[["a"]].to_netcdf(tmp_path / "p.nc", engine="h5netcdf", encoding=packing)
    view = View(tmp_path / "p.nc")
    with xr.open_dataset(netcdf(region_dataset(view, BOX)), engine="h5netcdf") as again:
        inside = again["area_inside"].values > 0
        truth = layered()["a"].values[0, 1:4, 1:3].ravel()
        np.testing.assert_allclose(again["a"].values[inside], truth, atol=0.051)


# -------------------------------------------------------------------------------------------- the buttons


def disabled(page: Explorer) -> dict[str, bool]:
    save = page.panes.save
    names = ("png", "svg", "series", "netcdf", "region", "cells")
    return {name: bool(getattr(save, name).disabled) for name in names}


def test_only_what_there_is_can_be_saved(page):
    nothing = {"png": False, "svg": False, "series": True, "netcdf": True, "region": True, "cells": True}
    assert disabled(page) == nothing
    page.select(101.0, 39.0)
    assert disabled(page) == {**nothing, "series": False, "netcdf": False}
    page.choose_region("100.25,38.25,102.25,39.75")
    assert not any(disabled(page).values())
    page.clear()
    assert disabled(page) == nothing


def test_a_place_without_data_cannot_be_saved():
    gaps = layered()
    gaps["a"].values[:, 0, 0] = np.nan
    save = explore(gaps).select(100.0, 40.0).panes.save
    assert save.series.disabled
    assert save.netcdf.disabled


def test_named_classes_have_cells_but_no_mean_to_save():
    attrs = {"flag_values": np.array([0, 1], "int8"), "flag_meanings": "land water"}
    data = layered()[["a"]].isel(time=0)
    data["a"] = (data["a"].dims, np.zeros((6, 8), "int8"), attrs)
    page = explore(data)
    page.choose_region("100.25,38.25,102.25,39.75")
    assert disabled(page)["region"]
    assert not disabled(page)["cells"]


def test_files_are_named_by_variable_and_place(page):
    page.select(101.0, 39.0)
    save = page.panes.save
    assert (save.series.filename, save.netcdf.filename) == ("a_39.00_101.00.csv", "a_39.00_101.00.nc")
    assert (save.png.filename, save.svg.filename) == ("a_map.png", "a_map.svg")
    assert (save.region.filename, save.cells.filename) == ("a_region.csv", "a_region.nc")


def test_csv_and_netcdf_of_a_view_agree(page):
    page.select(101.0, 39.5).select(103.0, 38.0)
    rows = list(csv.DictReader(page.panes.save.series.callback()))
    with xr.open_dataset(page.panes.save.netcdf.callback(), engine="h5netcdf") as data:
        np.testing.assert_allclose([float(row["a (W m-2)"]) for row in rows], data["a"].values.ravel(), rtol=1e-6)
        assert [row["quality"] for row in rows] == data["a_quality"].values.ravel().tolist()
        assert [row["geometry (WKT)"] for row in rows[::3]] == data["geometry"].values.tolist()
        assert [row["place"] for row in rows[::3]] == data["place"].values.tolist()
        assert [row["time"] for row in rows[:3]] == [str(t)[:10] for t in data["time"].values]


def test_mean_of_the_region_in_csv_is_that_of_its_saved_cells(page):
    page.choose_region("100.3,38.1,102.2,39.6")
    row = next(csv.DictReader(page.panes.save.region.callback()))
    with xr.open_dataset(page.panes.save.cells.callback(), engine="h5netcdf") as data:
        weight = data["area_inside"].values
        mean = np.nansum(data["a"].values * weight) / weight.sum()
        assert float(row["a (W m-2)"]) == pytest.approx(mean, rel=1e-6)
        assert float(row["cells with a value"]) == (weight > 0).sum()


@pytest.mark.parametrize("name", ["region", "cells"])
def test_a_file_of_no_region_is_empty_and_the_page_says_why(page, name):
    made = getattr(page.panes.save, name).callback()
    assert isinstance(made, io.StringIO)
    assert made.read() == ""
    assert page.alert.visible
    assert "No region is chosen" in page.alert.object


def test_the_methods_themselves_raise(page):
    for make in (page.panes.save.region_csv, page.panes.save.region_netcdf):
        with pytest.raises(InputError, match="Draw a box"):
            make()


def test_a_full_disk_is_told_and_the_session_lives_on(page, monkeypatch):
    from musyq_lab.dashboards import _save

    def full(dataset):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_save, "netcdf", full)
    page.select(101.0, 39.0)
    assert page.panes.save.netcdf.callback().read() == ""
    assert "No space left" in page.alert.object
    assert page.series is not None
