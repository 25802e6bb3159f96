"""Means of regions against plain sums, on the ellipsoid and in the plane."""

import numpy as np
import pytest
import shapely
import xarray as xr
from dashboards.laid import layered, product_files, projected

from musyq_lab.analysis.area import cell_area
from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _bars, _zones
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._places import Area, box, polygon, understood
from musyq_lab.dashboards._view import View
from musyq_lab.dashboards._zones import region_series, region_window, weights


def test_a_box_of_whole_cells_is_the_weighted_mean_of_these_cells():
    data = layered()
    area = box(100.25, 38.25, 102.25, 39.75)  # columns 1 to 4, rows 1 to 3
    found = region_series(cube(data), "a", {"time": 0}, area)
    part = data["a"].isel(latitude=slice(1, 4), longitude=slice(1, 5))
    weight = cell_area(part.latitude.values, part.longitude.values).values
    expected = [float(np.average(step, weights=weight)) for step in part.values]
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)
    pairs = zip(part.values, expected, strict=True)
    apart = [float(np.sqrt(np.average((s - m) ** 2, weights=weight))) for s, m in pairs]
    np.testing.assert_allclose(found.sigma, apart, rtol=1e-10)
    assert found.count.tolist() == [12, 12, 12]
    sigma = data["a_uncertainty"].isel(latitude=slice(1, 4), longitude=slice(1, 5)).values
    np.testing.assert_allclose(found.mean_sigma, [np.average(s, weights=weight) for s in sigma], rtol=1e-12)


def test_a_part_of_a_cell_counts_as_much_as_it_covers():
    area = box(100.25, 38.75, 101.0, 39.25)  # column 1 whole, a half of column 2; row 2
    data = layered()
    found = region_series(cube(data), "a", {"time": 0}, area)
    one, two = data["a"].values[0, 2, 1:3]
    assert found.values[0] == pytest.approx((one + two / 2) / 1.5, rel=1e-9)


def test_the_area_of_a_region_is_that_of_its_cells_together():
    data = cube(layered(30, 40))
    area = polygon(np.array([[102.0, 30.0], [110.0, 31.0], [106.0, 36.0]]))
    total = weights(region_window(data, "a", area), area).sum()
    from pyproj import Geod

    # Straight in longitude and latitude, not along geodesics: vertices are set densely.
    dense = shapely.segmentize(area.geometry, 0.01)
    exact = abs(Geod(ellps="WGS84").geometry_area_perimeter(dense)[0])
    # Between vertices of half a degree, outlines follow straight lines of the equal-area plane.
    assert total == pytest.approx(exact, rel=1e-4)


def test_missing_cells_are_left_out_of_mean_and_count():
    data = layered()
    data["a"].values[:, 1, 1] = np.nan
    data["a"].values[2] = np.nan
    area = box(100.25, 38.25, 102.25, 39.75)
    found = region_series(cube(data), "a", {"time": 0}, area)
    assert found.count.tolist() == [11, 11, 0]
    assert np.isnan(found.values[2])
    assert np.isfinite(found.values[:2]).all()


def test_steps_read_in_blocks_give_the_same(monkeypatch):
    area = box(100.25, 38.25, 102.25, 39.75)
    whole = region_series(cube(layered()), "a", {"time": 0}, area)
    monkeypatch.setattr(_zones, "_BLOCK", 1)
    again = region_series(cube(layered().chunk({"time": 1})), "a", {"time": 0}, area)
    np.testing.assert_allclose(again.values, whole.values, rtol=1e-14)
    np.testing.assert_allclose(again.sigma, whole.sigma, rtol=1e-13)


def test_the_plane_of_a_projected_map_is_measured_in_its_unit():
    raster = cube(projected())
    area = Area("", shapely.box(500_000, 4_469_400, 500_100, 4_469_700), "")
    weight = weights(region_window(raster, "a", area), area)
    assert weight.sum() == pytest.approx(100 * 300)
    assert weight.max() == 900
    triangle = polygon(np.array([[500_010.0, 4_469_000.0], [500_500.0, 4_469_100.0], [500_200.0, 4_469_700.0]]))
    found = weights(region_window(raster, "a", triangle), triangle)
    assert found.sum() == pytest.approx(triangle.geometry.area, rel=1e-9)
    series = region_series(raster, "a", {}, triangle)
    # The values are a plane, so their mean is the value at the centroid.
    centre = triangle.geometry.centroid
    assert series.values[0] == pytest.approx((4_470_000 - centre.y) + (centre.x - 500_000) / 30, rel=2e-3)


def test_a_large_region_is_answered_from_an_overview_and_says_so(tmp_path, monkeypatch):
    folder = product_files(tmp_path)
    found = cube(folder)
    area = box(101, 0, 170, 35)
    fine = region_series(found, "ndvi", {"time": 0}, area)
    monkeypatch.setattr(_zones, "CELLS", 4096 * 3)
    coarse = region_series(found, "ndvi", {"time": 0}, area)
    assert "from cells of" in coarse.place
    assert "from cells of" not in fine.place
    np.testing.assert_allclose(coarse.values, fine.values, atol=2e-3)
    assert coarse.count.max() < fine.count.max()


def test_a_region_outside_is_told():
    with pytest.raises(InputError, match=r"outside the map.*longitude 100"):
        region_series(cube(layered()), "a", {"time": 0}, box(0, 0, 10, 10))


def test_named_classes_have_shares_and_no_mean():
    cover = View("land_cover_mcd12c1_2019")
    area = understood("Mongolia", cover.cube)
    with pytest.raises(InputError, match="no mean"):
        region_series(cover.cube, "land_cover", {}, area)
    page = _bars.region_html(cover, area)
    assert "grassland" in page
    assert "Mongolia" in page


def test_shares_are_areas_and_sum_to_one():
    classes = np.array([[0, 1, 255], [1, 1, 0]], np.uint8)
    found = _bars.shares(classes, np.array([[1.0, 1.0, 9.0], [2.0, 2.0, 4.0]]), 3)
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0])
    assert _bars.shares(np.full((2, 2), 255, np.uint8), np.ones((2, 2)), 2).tolist() == [0, 0]


def test_one_row_of_cells_still_has_a_mean():
    row = layered(1, 8)
    found = region_series(cube(row), "a", {"time": 0}, box(100.25, 39, 102.25, 41))
    np.testing.assert_allclose(found.values[0], row["a"].values[0, 0, 1:5].mean())
    assert isinstance(row, xr.Dataset)


def test_a_region_cut_in_two_has_the_sums_of_its_parts():
    data = cube(layered())
    whole = box(100.1, 38.1, 102.9, 39.9)
    parts = [box(100.1, 38.1, 101.3, 39.9), box(101.3, 38.1, 102.9, 39.9)]
    area, total = 0.0, np.zeros(3)
    for part in parts:
        weight = weights(region_window(data, "a", part), part).sum()
        area += weight
        total += weight * region_series(data, "a", {"time": 0}, part).values
    found = region_series(data, "a", {"time": 0}, whole)
    assert weights(region_window(data, "a", whole), whole).sum() == pytest.approx(area, rel=1e-9)
    np.testing.assert_allclose(found.values, total / area, rtol=1e-9)


def test_a_field_of_one_value_has_that_mean_and_no_spread():
    flat = xr.full_like(layered()[["a"]], 7.25)
    found = region_series(cube(flat), "a", {"time": 0}, polygon(np.array([[100, 38], [103, 38.4], [101, 40]])))
    np.testing.assert_allclose(found.values, 7.25, rtol=1e-12)
    np.testing.assert_allclose(found.sigma, 0, atol=1e-6)


@pytest.mark.parametrize("flip", [{"latitude": slice(None, None, -1)}, {"longitude": slice(None, None, -1)}])
def test_the_order_of_the_axes_does_not_matter(flip):
    area = polygon(np.array([[100.0, 38.0], [103.0, 38.4], [101.0, 40.0]]))
    first = region_series(cube(projected_like(layered())), "a", {"time": 0}, area)
    again = region_series(cube(projected_like(layered()).isel(**{NAMES[k]: v for k, v in flip.items()})),
                          "a", {"time": 0}, area)  # fmt: skip
    np.testing.assert_allclose(again.values, first.values, rtol=1e-9)
    np.testing.assert_allclose(again.count, first.count)


NAMES = {"latitude": "y", "longitude": "x"}


def projected_like(data: xr.Dataset) -> xr.Dataset:
    """The same numbers on plane axes, where each cell counts alike."""
    return data.rename(NAMES)


def test_dims_in_another_order_give_the_same():
    area = box(100.25, 38.25, 102.25, 39.75)
    first = region_series(cube(layered()), "a", {"time": 0}, area)
    again = region_series(cube(layered().transpose("longitude", "time", "latitude")), "a", {"time": 0}, area)
    np.testing.assert_allclose(again.values, first.values, rtol=1e-12)
    np.testing.assert_allclose(again.mean_sigma, first.mean_sigma, rtol=1e-12)


def test_the_other_dimensions_stay_where_the_map_is():
    more = xr.concat([layered()[["a"]], layered()[["a"]] + 100], "tilt").assign_coords(tilt=[0, 30])
    area = box(100.25, 38.25, 102.25, 39.75)
    low, high = (region_series(cube(more), "a", {"tilt": k, "time": 1}, area) for k in (0, 1))
    np.testing.assert_allclose(high.values - low.values, 100)
    assert low.dim == "time"


def test_spread_of_days_is_no_sigma_of_the_mean():
    days = layered()[["a"]].assign(a_standard_deviation=layered()["a"] * 0 + 3)
    found = region_series(cube(days), "a", {"time": 0}, box(100.25, 38.25, 102.25, 39.75))
    assert found.mean_sigma is None


def test_a_region_says_where_it_is_and_a_small_one_is_still_measured():
    tiny = box(101.1, 39.1, 101.11, 39.11)
    found = region_series(cube(layered()), "a", {"time": 0}, tiny)
    np.testing.assert_allclose(found.values, layered()["a"].sel(longitude=101, latitude=39).values)
    assert found.count.tolist() == [1, 1, 1]
    assert (found.x, found.y) == pytest.approx((101.105, 39.105))
    assert shapely.from_wkt(found.geometry).equals(tiny.geometry)


@pytest.mark.parametrize("corner", [(103.7, 37.3), (99.8, 40.2)])
def test_the_rim_of_the_map_belongs_to_it(corner):
    x, y = corner
    found = region_series(cube(layered()), "a", {"time": 0}, box(x - 3, y - 3, x + 3, y + 3))
    assert np.isfinite(found.values).all()
    with pytest.raises(InputError, match="outside the map"):
        region_window(cube(layered()), "a", box(104.0, 36.0, 105.0, 37.0))
