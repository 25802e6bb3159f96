"""Windows and masks on every kind of map, against a test of every single cell."""

import numpy as np
import pytest
import shapely
import xarray as xr
from production.download.conftest import globe, utm
from pyproj import CRS, Transformer

from musyq_lab.core.errors import InputError
from musyq_lab.production.download.place import count, cut, edges, inside, mapping_attributes, on_map
from musyq_lab.production.download.region import area


def projected(epsg, x0, y0, step, rows=30, columns=36):
    x, y = x0 + step * np.arange(columns), y0 - step * np.arange(rows)
    data = np.arange(rows * columns, dtype=float).reshape(rows, columns)
    coords = {"x": x, "y": y, "crs": ((), 0, CRS.from_user_input(epsg).to_cf())}
    return xr.Dataset({"value": (("y", "x"), data)}, coords).chunk(y=7, x=11)


def brute(ds, epsg, region):
    """Values of the cells whose centre lies in a region, by pyproj and shapely for each of them."""
    x, y = np.meshgrid(ds["x"].values, ds["y"].values)
    longitude, latitude = Transformer.from_crs(epsg, "EPSG:4326", always_xy=True).transform(x, y)
    found = region.contains(longitude, latitude)
    return {float(v) for v in ds["value"].values[found]}


def selected(ds, region):
    ds, grid = on_map(ds)
    window = cut(ds, grid, region)
    mask = inside(window, grid, region)
    values = window["value"] if mask is None else window["value"].where(mask)
    values = values.values
    return {float(v) for v in values[np.isfinite(values)]}, window, grid


@pytest.mark.parametrize("shift", [0, 180], ids=["-180 to 180", "0 to 360"])
@pytest.mark.parametrize(
    "box", [(170, -20, -170, 10), (-30, -5, 30, 5), (10, 10, 50, 20), (0, -90, 360, 90), (-180, 0, 180, 10)]
)
@pytest.mark.parametrize("order", [1, -1], ids=["north first", "south first"])
def test_boxes_on_a_globe_take_the_cells_whose_centre_is_inside(shift, box, order):
    ds = globe()
    if shift:
        ds = ds.roll(longitude=-90, roll_coords=True)
        ds = ds.assign_coords(longitude=ds["longitude"] % 360)
    ds = ds.isel(latitude=slice(None, None, order))
    region = area(box)
    found, window, _ = selected(ds, region)
    expected = {
        float(ds["value"].values[r, c])
        for r, lat in enumerate(ds["latitude"].values)
        for c, lon in enumerate(ds["longitude"].values)
        if region.south <= lat <= region.north and (lon - region.west) % 360 <= region.width
    }
    assert found == expected
    assert np.all(np.diff(window["longitude"]) == 2.0)  # one stretch, eastward, across the seam as well
    # The values stay with their places.
    back = ds["value"].assign_coords(longitude=ds["longitude"] % 360)
    for longitude in window["longitude"].values[[0, -1]]:
        column = window["value"].sel(longitude=longitude)
        np.testing.assert_array_equal(column, back.sel(longitude=longitude % 360, latitude=window["latitude"]))


def test_a_window_that_does_not_cross_the_seam_stays_a_slice_of_the_same_coordinates():
    ds, grid = on_map(globe().chunk(latitude=10, longitude=20))
    window = cut(ds, grid, area("11,0,49,19"))
    np.testing.assert_array_equal(window["longitude"], ds["longitude"].sel(longitude=slice(11, 49)))
    crossing = cut(ds, grid, area("171,0,-171,19"))
    assert crossing["longitude"].values.tolist() == [171, 173, 175, 177, 179, 181, 183, 185, 187, 189]
    assert crossing["longitude"].attrs == ds["longitude"].attrs


def test_a_polygon_on_a_globe_across_the_seam():
    ring = shapely.Point(180, 10).buffer(30).difference(shapely.Point(180, 10).buffer(10))
    found, window, grid = selected(globe().chunk(latitude=10, longitude=20), area(ring))
    ds = globe()
    x, y = np.meshgrid(ds["longitude"], ds["latitude"])
    hits = shapely.intersects(ring, shapely.points(x, y)) | shapely.intersects(ring, shapely.points(x + 360, y))
    expected = {float(v) for v in ds["value"].values[hits]}
    assert found == expected
    assert window.sizes["longitude"] <= 31
    assert count(window, grid, area(ring)) == (len(expected), True)


@pytest.mark.parametrize(
    ("epsg", "x0", "y0", "step"),
    [
        ("EPSG:32650", 480_000, 4_440_000, 3000),
        ("EPSG:32601", 460_000, 5_000_000, 3000),  # zone 1: its western part lies beyond the antimeridian
        ("EPSG:32760", 500_000, 8_000_000, 20_000),  # zone 60 south, wide enough to reach beyond
        ("EPSG:3413", -600_000, 600_000, 40_000),  # polar: the pole lies inside
        ("ESRI:54008", 8_000_000, 4_000_000, 60_000),  # sinusoidal
    ],
)
def test_regions_on_projected_maps_take_the_cells_whose_centre_is_inside(epsg, x0, y0, step):
    ds = projected(epsg, x0, y0, step)
    transform = Transformer.from_crs(epsg, "EPSG:4326", always_xy=True).transform
    lon, lat = transform(float(ds["x"][20]), float(ds["y"][12]))
    size = 6 * step / 111_000
    wide = size / max(0.05, np.cos(np.radians(lat)))
    around = (lon - wide, max(-90, lat - size), lon + wide, min(90, lat + size))
    wrapped = tuple((v + 180) % 360 - 180 if i % 2 == 0 else v for i, v in enumerate(around))
    regions = [area(wrapped), area(shapely.Polygon([(around[0], around[1]), (around[2], lat), (around[0], around[3])]))]
    for region in regions:
        expected = brute(ds, epsg, region)
        assert 10 < len(expected) < 900
        found, window, _ = selected(ds, region)
        assert found == expected
        if epsg != "EPSG:3413":
            assert window.sizes["x"] * window.sizes["y"] < 0.8 * ds["value"].size  # and not all of the map is read


def test_a_point_takes_the_cell_that_contains_it():
    ds, grid = on_map(globe())
    for point, expected in (
        ((0.5, 0.5), (1, 1)),
        ((-179.9, -0.1), (-179, -1)),
        ((359.5, 89.9), (-1, 89)),
        ((180, 5), None),
    ):
        window = cut(ds, grid, area(point))
        assert window["value"].shape == (1, 1)
        if expected:
            assert (float(window["longitude"][0]), float(window["latitude"][0])) == expected
    flat, grid = on_map(utm())
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32650", always_xy=True).transform(116.85, 40.05)
    window = cut(flat, grid, area("116.85,40.05"))
    assert abs(float(window["x"][0]) - x) <= 150
    assert abs(float(window["y"][0]) - y) <= 150
    with pytest.raises(InputError, match="No cell of the product"):
        cut(flat, grid, area("110,40"))


@pytest.mark.parametrize("region", ["100.3,0.3,100.6,0.6", "10,20,10.5,20.5", shapely.box(0.2, 0.2, 0.6, 0.6)])
def test_a_region_between_the_centres_is_refused_with_advice(region):
    ds, grid = on_map(globe())
    with pytest.raises(InputError, match=r"No cell .* in cells of 2 degrees.*give a point"):
        cut(ds, grid, area(region))


def test_a_polygon_in_whose_hole_the_map_lies_is_refused():
    ring = shapely.box(100, 30, 130, 50).difference(shapely.box(116, 39, 118, 41))
    ds, grid = on_map(utm())
    with pytest.raises(InputError, match="No cell of the product"):
        cut(ds, grid, area(ring))


def test_what_is_no_map_is_refused_in_words():
    swath = xr.Dataset(
        {"v": (("line", "pixel"), np.zeros((2, 2)))}, {"latitude": (("line", "pixel"), np.zeros((2, 2)))}
    )
    bare = xr.Dataset({"v": (("y", "x"), np.zeros((2, 2)))}, {"x": [1, 2], "y": [2, 1]})
    for ds, words in (
        (swath, "standardize"),
        (xr.Dataset({"v": 1.0}), "no map"),
        (bare, "no CRS"),
        (bare.drop_vars("x").assign_coords(crs=((), 0, CRS.from_epsg(32650).to_cf())), "no coordinates"),
        (bare.assign_coords(crs=((), 0, {"crs_wkt": "nonsense"})), "cannot be understood"),
        (globe().isel(latitude=[0, 2, 1]), "rise or fall"),
        (globe().assign_coords(latitude=np.full(90, np.nan)), "rise or fall"),
    ):
        with pytest.raises(InputError, match=words):
            on_map(ds)


def test_short_names_and_degrees_on_x_and_y_are_understood():
    ds, grid = on_map(globe().rename(latitude="lat", longitude="lon").transpose("lon", "lat"))
    assert ds["value"].dims == ("latitude", "longitude") == (grid.rows, grid.columns)
    plain = globe().rename(latitude="y", longitude="x").assign_coords(crs=((), 0, CRS.from_epsg(4326).to_cf()))
    ds, grid = on_map(plain)
    assert grid.wkt == ""
    assert cut(ds, grid, area("11,1,13,3"))["value"].shape == (2, 2)


def test_a_large_mask_is_counted_from_a_sample():
    ds = globe(1)  # 0.25 degree, a million cells
    ds = ds.isel(latitude=slice(0, None), longitude=slice(0, None))
    wide = xr.Dataset(
        coords={"latitude": np.linspace(89.95, -89.95, 1800), "longitude": np.linspace(-179.95, 179.95, 3600)}
    )
    wide["value"] = (("latitude", "longitude"), np.zeros((1800, 3600), np.int8))
    ds, grid = on_map(wide)
    disk = area(shapely.Point(0, 0).buffer(50))
    window = cut(ds, grid, disk)
    found, exact = count(window, grid, disk)
    total = int(inside(window, grid, disk).sum())
    assert abs(found - total) < 0.01 * total
    assert exact == (window["value"].size <= 1_000_000)
    assert total == pytest.approx(np.pi * 50**2 * 100, rel=0.002)


def test_the_mask_is_lazy_and_in_the_chunks_of_the_data():
    ds, grid = on_map(globe().chunk(latitude=10, longitude=20))
    region = area(shapely.Point(0, 0).buffer(30))
    window = cut(ds, grid, region)
    mask = inside(window, grid, region)
    assert mask.chunks == window["value"].chunks
    assert inside(window, grid, area("0,0,10,10")) is None  # a box is cut, not masked
    assert inside(window, grid, None) is None


def test_borders_of_cells():
    np.testing.assert_allclose(edges(np.array([1.0, 3.0, 5.0]), 0), [0, 2, 4, 6])
    np.testing.assert_allclose(edges(np.array([5.0, 3.0]), 0), [6, 4, 2])
    np.testing.assert_allclose(edges(np.array([5.0]), 0.5), [4.75, 5.25])


def test_the_grid_mapping_says_the_reference_system():
    _, flat = on_map(utm())
    assert CRS.from_cf(mapping_attributes(flat)).to_epsg() == 32650
    _, round_ = on_map(globe())
    attributes = mapping_attributes(round_)
    assert attributes["grid_mapping_name"] == "latitude_longitude"
    assert CRS.from_wkt(attributes["crs_wkt"]).to_epsg() == 4326
