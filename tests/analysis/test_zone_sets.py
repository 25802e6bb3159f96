"""Zones of geographic and projected grids against closed forms and independent geometry."""

import dask
import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import countries, region_keys
from musyq_lab.analysis.zone_sets import by_class, by_country, by_polygon, by_region, zone_means
from musyq_lab.core.errors import InputError

WHOLE = 510_065_621_724_088.0  # m2, WGS 84


def degrees(step: float, west=-180.0, south=-90.0, east=180.0, north=90.0, names=("latitude", "longitude")):
    y = np.arange(north - step / 2, south, -step)
    x = np.arange(west + step / 2, east, step)
    return xr.DataArray(np.zeros((y.size, x.size)), dict(zip(names, (y, x), strict=True)), names, attrs={"units": "1"})


def utm(size=24, step=5000.0, easting=500_000.0, northing=4_000_000.0) -> xr.DataArray:
    x = easting + step * (np.arange(size) - size / 2 + 0.5)
    y = northing - step * (np.arange(size) + 0.5)
    da = xr.DataArray(np.ones((size, size)), {"y": y, "x": x}, ("y", "x"))
    return da.assign_coords(spatial_ref=((), 0, {"crs_wkt": pyproj.CRS(32648).to_wkt()}))


def test_countries_and_their_regions_have_one_area():
    grid = degrees(5.0)
    every, parts = by_country(grid), by_region(grid)
    assert len(every.names) > 200
    assert every.area.sum() == pytest.approx(WHOLE, rel=1e-12)
    by_name = dict(zip(every.names, every.areas, strict=True))
    # CIA World Factbook: 9,596,960 km2; the outline of 1:50 million is not that of a survey.
    assert by_name["China"] / 1e6 == pytest.approx(9.4e6, rel=0.03)
    assert len(parts.names) == len(region_keys())
    geod = pyproj.Geod(ellps="WGS84")
    brazil = next(c for c in countries() if c.name == "Brazil")
    assert by_name["Brazil"] == pytest.approx(abs(geod.geometry_area_perimeter(brazil.geometry)[0]), rel=2e-3)


def test_a_place_cuts_the_countries():
    some = by_country(degrees(2.0, 60, 0, 140, 60), "China")
    assert some.names == ("China",)


def test_a_box_has_the_area_of_the_closed_form():
    grid = degrees(1.0, names=("lat", "lon"))
    made = by_polygon(grid, {"box": shapely.box(10.25, -3.5, 20.75, 40.0)})
    expected = cell_area([18.25], [15.5], latitude_bounds=[[-3.5, 40.0]], longitude_bounds=[[10.25, 20.75]])
    assert made.areas[0] == pytest.approx(float(expected.sum()), rel=1e-9)


def test_projected_cells_have_the_area_of_the_ellipsoid():
    grid = utm()
    made = by_polygon(grid, {"all": shapely.box(0, 0, 1e6, 9e6)})
    geod, link = pyproj.Geod(ellps="WGS84"), pyproj.Transformer.from_crs(32648, 4326, always_xy=True)
    west, east = float(grid.x[0]) - 2500, float(grid.x[-1]) + 2500
    south, north = float(grid.y[-1]) - 2500, float(grid.y[0]) + 2500
    edge = shapely.segmentize(shapely.box(west, south, east, north), 1000.0)
    x, y = link.transform(*shapely.get_coordinates(edge).T)
    expected = abs(geod.polygon_area_perimeter(x, y)[0])
    assert made.areas[0] == pytest.approx(expected, rel=1e-6)
    assert made.areas[0] != pytest.approx(grid.size * 5000.0**2, rel=1e-4)
    assert "centre" in made.rule


def test_projected_cells_lie_in_countries_and_regions():
    grid = utm()  # around 105 E, 36 N
    assert by_country(grid).names == ("China",)
    assert by_country(grid, "China").names == ("China",)
    assert by_country(grid, "Brazil").names == ()
    found = by_region(grid)
    assert len(found.names) == 2  # its own and the union of all
    assert found.areas[0] == pytest.approx(by_country(grid).areas[0])


def classes(step: float) -> xr.DataArray:
    """West of 15 E class 1, east of it class 7, a band without."""
    grid = degrees(step, 10, 0, 20, 10)
    codes = np.where(grid.longitude.values < 15, 1, 7) * np.ones((grid.sizes["latitude"], 1), int)
    codes[grid.latitude.values < 1] = 99
    attrs = {"flag_values": [1, 7], "flag_meanings": "dense_forest bare"}
    return xr.DataArray(codes, grid.coords, grid.dims, attrs=attrs)


def test_classes_are_counted_in_coarse_cells_and_looked_up_in_fine_ones():
    fine = classes(0.1)
    coarse = by_class(degrees(2.0, 9, -1, 21, 11), fine)
    assert coarse.names == ("dense forest", "bare")
    half = cell_area([5.5], [12.5], latitude_bounds=[[1.0, 10.0]], longitude_bounds=[[10.0, 15.0]])
    # Cells at the border of the classes' map hold nothing beyond it, so that their classes fill them.
    inside = by_class(degrees(1.0, 10, 0, 20, 10), fine)
    np.testing.assert_allclose(inside.areas, float(half.sum()), rtol=1e-9)
    shares = coarse.shares.toarray().sum(axis=0)
    assert ((shares <= 1 + 1e-12) & (shares >= 0)).all()
    looked = by_class(degrees(0.1, 10, 0, 20, 10), fine)
    np.testing.assert_allclose(looked.areas, float(half.sum()), rtol=1e-9)
    assert "centre" in looked.rule


def test_a_class_map_counts_beyond_the_antimeridian():
    step = 1.0
    grid = degrees(step)
    codes = np.where(grid.longitude.values < 0, 1, 7) * np.ones((180, 1), int)
    cover = xr.DataArray(codes, grid.coords, grid.dims, attrs={"flag_values": [1, 7], "flag_meanings": "west east"})
    across = degrees(4.0, 160, -8, 200, 8)
    made = by_class(across, cover)
    np.testing.assert_allclose(made.areas[0], made.areas[1], rtol=1e-9)
    assert made.areas.sum() == pytest.approx(made.area.sum())


def test_classes_of_a_projected_grid():
    world = degrees(0.5)
    cover = xr.DataArray(np.ones(world.shape, int), world.coords, world.dims)
    cover.attrs = {"flag_values": [1], "flag_meanings": "all"}
    made = by_class(utm(), cover)
    assert made.areas[0] == pytest.approx(made.area.sum())


def test_means_are_those_of_a_loop():
    grid = degrees(10.0, 0, 0, 60, 60)
    draw = np.random.Generator(np.random.Philox(1))
    values = draw.normal(size=(4, *grid.shape))
    values[draw.random(values.shape) < 0.3] = np.nan
    field = xr.DataArray(values, {"time": np.arange(4), **grid.coords}, ("time", *grid.dims), attrs={"units": "K"})
    zones = by_polygon(grid, {"a": shapely.box(3, 3, 27, 44), "b": shapely.box(40, 10, 60, 60)})
    made = zone_means(field, zones)
    for zone in range(2):
        weight = zones.shares.toarray()[zone].reshape(grid.shape) * zones.area
        for step in range(4):
            known = np.isfinite(values[step]) & (weight > 0)
            mean = float((values[step][known] * weight[known]).sum() / weight[known].sum())
            assert float(made["mean"][step, zone]) == pytest.approx(mean)
            assert float(made["share"][step, zone]) == pytest.approx(weight[known].sum() / weight.sum())
    assert made["mean"].attrs["units"] == "K"


def test_means_are_lazy_and_the_same():
    grid = degrees(10.0, 0, 0, 60, 60)
    field = (grid + np.arange(36).reshape(6, 6)).expand_dims(time=5).chunk({"time": 2, "latitude": 2, "longitude": 3})
    zones = by_country(grid)

    def refuse(*args, **kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        lazy = zone_means(field, zones)
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), zone_means(field.compute(), zones))
    nothing = zone_means(field.compute() * np.nan, zones)
    assert nothing["mean"].isnull().all()
    assert (nothing["share"] == 0).all()


def test_what_is_no_grid_is_told():
    grid = degrees(10.0)
    with pytest.raises(InputError, match="latitude and longitude, or y and x"):
        by_country(grid.rename(latitude="row"))
    with pytest.raises(InputError, match="no CRS"):
        by_region(utm().drop_vars("spatial_ref"))
    with pytest.raises(InputError, match="same field"):
        zone_means(degrees(5.0), by_polygon(grid, {"a": shapely.box(0, 0, 9, 9)}))
    with pytest.raises(InputError, match="at least two"):
        by_polygon(utm(size=1), {"a": shapely.box(0, 0, 1e6, 9e6)})
