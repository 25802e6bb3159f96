"""Zones of awkward grids: rows from the south, one cell, codes that are none, infinite values, further dimensions."""

import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr

from musyq_lab.analysis import zone_sets as module
from musyq_lab.analysis.zone_sets import by_class, by_polygon, zone_means
from musyq_lab.core.errors import InputError

LAT, LON = np.arange(9.5, 0, -1.0), np.arange(0.5, 10, 1.0)


def grid(lat=LAT, lon=LON, names=("latitude", "longitude")) -> xr.DataArray:
    axes = dict(zip(names, (np.asarray(lat, float), np.asarray(lon, float)), strict=True))
    values = np.arange(float(len(lat) * len(lon))).reshape(len(lat), len(lon))
    return xr.DataArray(values, axes, names, attrs={"units": "K"})


def projected(size=6, step=30.0, unit="m") -> xr.DataArray:
    crs = pyproj.CRS(32650) if unit == "m" else pyproj.CRS(2263)  # New York in feet
    x0, y0 = (5e5, 4e6) if unit == "m" else (1e6, 2e5)
    da = grid(y0 - step * np.arange(size), x0 + step * np.arange(size), ("y", "x"))
    return da.assign_coords(spatial_ref=((), 0, {"crs_wkt": crs.to_wkt()}))


BOX = {"box": shapely.box(1.25, 2.5, 6.75, 7.1)}


@pytest.mark.parametrize("turn", [(-1, 1), (1, -1), (-1, -1)])
def test_the_order_of_rows_and_columns_changes_nothing(turn):
    plain, turned = grid(), grid()[:: turn[0], :: turn[1]]
    one, two = by_polygon(plain, BOX), by_polygon(turned, BOX)
    np.testing.assert_allclose(two.areas, one.areas, rtol=1e-12)
    mean = [float(zone_means(da, zones)["mean"][0]) for da, zones in ((plain, one), (turned, two))]
    assert mean[0] == pytest.approx(mean[1], rel=1e-12)


def test_a_grid_that_jumps_at_the_antimeridian_is_told_to_be_sorted():
    lon = np.concatenate([np.arange(0.5, 180), np.arange(-179.5, 0)])
    with pytest.raises(InputError, match="sortby"):
        by_polygon(grid(LAT, lon), BOX)


def test_parts_of_a_zone_add_up_to_it():
    left, right = shapely.box(1.25, 2.5, 4.1, 7.1), shapely.box(4.1, 2.5, 6.75, 7.1)
    parts, whole = by_polygon(grid(), {"l": left, "r": right}), by_polygon(grid(), BOX)
    assert parts.areas.sum() == pytest.approx(whole.areas[0], rel=1e-9)
    means = zone_means(grid(), parts)["mean"].values
    assert (means * parts.areas).sum() / parts.areas.sum() == pytest.approx(float(zone_means(grid(), whole)["mean"][0]))


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30])
def test_the_mean_of_one_value_is_that_value(value):
    zones = by_polygon(grid(), BOX)
    made = zone_means(grid() * 0 + value, zones)
    assert float(made["mean"][0]) == pytest.approx(value)
    assert float(made["share"][0]) == pytest.approx(1.0)


def test_infinite_values_are_left_out_like_missing_ones():
    zones = by_polygon(grid(), BOX)
    holes, wild = grid().copy(), grid().copy()
    holes[4, 4], holes[5, 5] = np.nan, np.nan
    wild[4, 4], wild[5, 5] = np.inf, -np.inf
    xr.testing.assert_allclose(zone_means(wild, zones), zone_means(holes, zones))


def test_values_beyond_the_zone_do_not_matter():
    zones = by_polygon(grid(), BOX)
    other = grid().copy()
    other[0, :], other[:, 9] = 1e9, np.nan
    xr.testing.assert_allclose(zone_means(other, zones), zone_means(grid(), zones))


def test_whole_numbers_and_truths_have_means():
    zones = by_polygon(grid(), {"all": shapely.box(0, 0, 10, 10)})
    share = float(zone_means(grid() > 49.5, zones)["mean"][0])
    south = by_polygon(grid(), {"s": shapely.box(0, 0, 10, 5)}).areas[0]
    assert share == pytest.approx(south / zones.areas[0])
    assert float(zone_means(grid().astype("int16"), zones)["mean"][0]) == pytest.approx(
        float(zone_means(grid(), zones)["mean"][0])
    )


def test_further_dimensions_lie_before_the_zones():
    field = grid().expand_dims(time=3, level=2) * xr.DataArray([1.0, 2.0], dims="level")
    zones = by_polygon(grid(), BOX | {"far": shapely.box(8, 8, 9, 9)})
    made = zone_means(field, zones)
    assert dict(made["mean"].sizes) == {"time": 3, "level": 2, "zone": 2}
    np.testing.assert_allclose(made["mean"].isel(level=1), 2 * made["mean"].isel(level=0))
    assert made.zone.values.tolist() == ["box", "far"]


def test_the_axes_of_a_field_may_come_in_any_order():
    zones = by_polygon(grid(), BOX)
    field = grid().expand_dims(time=2).transpose("longitude", "time", "latitude")
    np.testing.assert_allclose(zone_means(field, zones)["mean"], [zone_means(grid(), zones)["mean"].values] * 2)


@pytest.mark.parametrize("unit", ["m", "ft"])
def test_projected_cells_are_square_metres_whatever_the_unit(unit):
    da = projected(unit=unit)
    zones = by_polygon(da, {"all": shapely.box(0, 0, 1e7, 1e7)})
    side = 30.0 if unit == "m" else 30.0 * 1200 / 3937
    assert zones.areas[0] == pytest.approx(36 * side**2, rel=2e-3)


def test_a_cell_of_a_projected_map_belongs_where_its_centre_lies():
    da = projected()
    x, y = float(da.x[2]), float(da.y[3])
    near = {"inside": shapely.box(x - 1, y - 1, x + 1, y + 1), "between": shapely.box(x + 10, y + 10, x + 20, y + 20)}
    zones = by_polygon(da, near)
    assert zones.names == ("inside",)
    assert float(zone_means(da, zones)["mean"][0]) == float(da[3, 2])


def test_a_geographic_system_on_x_and_y_is_degrees():
    da = grid(names=("y", "x")).assign_coords(spatial_ref=((), 0, {"crs_wkt": pyproj.CRS(4326).to_wkt()}))
    np.testing.assert_allclose(by_polygon(da, BOX).areas, by_polygon(grid(), BOX).areas)


def cover(codes, step=1.0, flags=(0, 3), words="water deep_wood") -> xr.DataArray:
    codes = np.asarray(codes)
    axes = {
        "latitude": 10 - step * (np.arange(codes.shape[0]) + 0.5),
        "longitude": step * (np.arange(codes.shape[1]) + 0.5),
    }
    return xr.DataArray(codes, axes, ("latitude", "longitude"), attrs={"flag_values": flags, "flag_meanings": words})


@pytest.mark.parametrize("other", [255, -1, 2, 4, 10_000])
@pytest.mark.parametrize("step", [1.0, 0.5])
def test_codes_that_are_no_class_belong_to_none(step, other):
    codes = np.zeros((round(10 / step),) * 2, int)
    codes[:, codes.shape[1] // 2 :] = 3
    codes[: codes.shape[0] // 2] = other
    zones = by_class(grid(), cover(codes, step))
    assert zones.names == ("water", "deep wood")
    south = by_polygon(grid(), {"w": shapely.box(0, 0, 5, 5), "e": shapely.box(5, 0, 10, 5)})
    np.testing.assert_allclose(zones.areas, south.areas, rtol=1e-9)


def test_missing_codes_of_a_float_map_are_no_class():
    codes = np.full((10, 10), np.nan)
    codes[:, 0] = 3
    zones = by_class(grid(), cover(codes))
    assert zones.names == ("deep wood",)
    assert zones.shares.toarray().sum() == 10


def test_shares_of_classes_in_a_coarse_cell_are_counted():
    codes = np.zeros((40, 40), int)
    codes[:, 1::4] = 3  # every fourth column of quarter degrees
    zones = by_class(grid(), cover(codes, 0.25))
    shares = zones.shares.toarray().reshape(2, 10, 10)
    np.testing.assert_allclose(shares[1], 0.25)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)


def test_beyond_the_map_of_classes_there_is_none():
    far = grid(lat=LAT + 40, lon=LON + 100)
    assert by_class(far, cover(np.zeros((10, 10), int))).names == ()


def test_values_on_an_edge_belong_to_one_cell():
    axis = np.array([0.5, 1.5, 2.5])
    at = module._place(axis, np.array([-0.001, 0.0, 0.999, 1.0, 2.999, 3.001]))
    assert at.tolist() == [-1, 0, 0, 1, 2, -1]
    turned = module._place(axis[::-1], np.array([0.2, 2.7, 9.0]))
    assert turned.tolist() == [2, 0, -1]


def test_one_class_alone_may_be_written_as_a_number():
    zones = by_class(grid(), cover(np.full((10, 10), 3), flags=3, words="deep_wood"))
    assert zones.names == ("deep wood",)
    assert zones.areas[0] == pytest.approx(zones.area.sum())


def test_another_grid_than_that_of_the_zones_is_told():
    zones = by_polygon(grid(), BOX)
    with pytest.raises(InputError, match=r"\(5, 10\), the zones \(10, 10\)"):
        zone_means(grid()[:5], zones)
