"""Places against pyproj, rasterio and shapely: boxes, outlines and grids, across the antimeridian and at the poles."""

import json
from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr
from archive.samples import SPEC
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive.header import read_header
from musyq_lab.archive.metadata.place import Place, _normal, place_of, union
from musyq_lab.archive.write import write_product
from musyq_lab.core.grid import GeoGrid


def geographic(root: Path, grid: GeoGrid, period: str = "2015001") -> Place:
    values = (("latitude", "longitude"), np.ones(grid.shape), {"units": "W m-2"})
    ds = xr.Dataset({"flux": values}, {"latitude": grid.latitude, "longitude": grid.longitude})
    return place_of(read_header(write_product(ds, root, spec=SPEC, edition="x", period=period)))


def projected(root: Path, crs: str, x: np.ndarray, y: np.ndarray) -> Place | None:
    ds = xr.Dataset({"flux": (("y", "x"), np.ones((y.size, x.size)), {"units": "W m-2"})}, {"y": y, "x": x})
    if crs:
        ds = ds.rio.write_crs(crs)
    return place_of(read_header(write_product(ds, root, spec=SPEC, edition="x", period="2015001")))


def area(place: Place) -> float:
    shapely = pytest.importorskip("shapely.geometry")
    shape = shapely.shape(place.geometry)
    assert shape.is_valid
    for ring in place.rings:
        assert shapely.LinearRing(ring).is_ccw  # RFC 7946, section 3.1.6
    return shape.area


def test_a_window_of_a_geographic_grid(tmp_path):
    place = geographic(tmp_path, GeoGrid("0p25deg", 4, 160, 1100, 8, 12))
    assert place.box == (95.0, 48.0, 98.0, 50.0)
    assert place.transform == (0.25, 0.0, 95.0, 0.0, -0.25, 50.0)
    assert (place.shape, place.epsg, place.resolution) == ((8, 12), 4326, 0.25)
    assert area(place) == pytest.approx(6.0)


def test_the_whole_globe(tmp_path):
    place = geographic(tmp_path, GeoGrid("2deg", 1))
    assert place.box == (-180.0, -90.0, 180.0, 90.0)
    assert area(place) == 360.0 * 180.0


def test_a_window_across_the_antimeridian(tmp_path):
    place = geographic(tmp_path, GeoGrid("1deg", 1, 80, 350, 10, 20))
    assert place.box == (170.0, 0.0, -170.0, 10.0)
    assert place.geometry["type"] == "MultiPolygon"
    assert area(place) == pytest.approx(200.0)
    assert json.loads(json.dumps(place.geometry))


def test_a_single_cell(tmp_path):
    place = geographic(tmp_path, GeoGrid("1deg", 1, 80, 10, 1, 1))
    # One cell tells no size: the box is its centre, and no grid is claimed.
    assert place.transform is None
    assert place.box == (-169.5, 9.5, -169.5, 9.5)


@pytest.mark.parametrize(("zone", "east"), [(32650, 500_000.0), (32750, 300_000.0), (32601, 700_000.0)])
def test_a_projected_tile_is_where_rasterio_puts_it(tmp_path, zone, east):
    warp = pytest.importorskip("rasterio.warp")
    x, y = east + 30.0 * np.arange(1000) + 15, 4_500_000.0 - 30.0 * np.arange(800) - 15
    place = projected(tmp_path, f"EPSG:{zone}", x, y)
    bounds = (east, 4_500_000.0 - 24_000, east + 30_000, 4_500_000.0)
    truth = warp.transform_bounds(f"EPSG:{zone}", "EPSG:4326", *bounds, densify_pts=101)
    np.testing.assert_allclose(place.box, truth, atol=1e-5)
    assert place.transform == (30.0, 0.0, east, 0.0, -30.0, 4_500_000.0)
    assert (place.epsg, place.shape, place.resolution) == (zone, (800, 1000), 30.0)
    area(place)


def test_a_projected_tile_across_the_antimeridian(tmp_path):
    pyproj = pytest.importorskip("pyproj")
    x0, y0 = pyproj.Transformer.from_crs(4326, 32660, always_xy=True).transform(179.9, 60.0)
    x, y = x0 + 30.0 * np.arange(1000), y0 - 30.0 * np.arange(500)
    place = projected(tmp_path, "EPSG:32660", x, y)
    west, _, east, _ = place.box
    assert 179.0 < west < 180.0
    assert -180.0 < east < -179.0
    assert len(place.rings) == 2
    area(place)


def test_a_projection_of_its_own_keeps_its_wkt(tmp_path):
    sinusoidal = "+proj=sinu +R=6371007.181 +units=m +no_defs"
    place = projected(tmp_path, sinusoidal, np.arange(5) * 1000.0, 4e6 - np.arange(4) * 1000.0)
    assert place.epsg is None
    pyproj = pytest.importorskip("pyproj")
    assert pyproj.CRS.from_wkt(place.wkt).to_dict()["proj"] == "sinu"


def test_a_map_without_a_projection_claims_no_place(tmp_path):
    assert projected(tmp_path, "", np.arange(3.0), 3 - np.arange(3.0)) is None


def test_an_uneven_axis_is_no_grid(tmp_path):
    values = (("latitude", "longitude"), np.ones((3, 2)), {"units": "W m-2"})
    ds = xr.Dataset({"flux": values}, {"latitude": [10.0, 9.0, 7.0], "longitude": [1.0, 2.0]})
    place = place_of(read_header(write_product(ds, tmp_path, spec=SPEC, edition="x", period="2015001")))
    assert place.transform is None


def test_unions(tmp_path):
    def tile(column: int, row: int = 80) -> Place:
        return geographic(tmp_path, GeoGrid("1deg", 1, row, column, 10, 10), f"{column}-{row}")

    first = tile(0)
    assert union([]) is None
    assert union([first, first]) == first
    assert union([first, tile(20)]).box == (-180.0, 0.0, -150.0, 10.0)
    assert union([tile(350), first]).box == (170.0, 0.0, -170.0, 10.0)  # not the long way round
    assert union([tile(0, 0), tile(0, 170)]).box == (-180.0, -90.0, -170.0, 90.0)
    assert union([tile(column) for column in range(0, 360, 10)]).box == (-180.0, 0.0, 180.0, 10.0)
    both = union([first, tile(20)])
    assert (both.shape, both.transform, both.resolution, both.epsg) == (None, None, 1.0, 4326)


@settings(max_examples=200, deadline=None)
@given(west=st.floats(-180, 359), width=st.floats(0.01, 400))
def test_longitudes_lie_on_the_globe_and_keep_their_width(west, width):
    left, right = _normal(west, west + width)
    assert -180.0 <= left <= 180.0
    assert -180.0 <= right <= 180.0 + 1e-9
    kept = right - left + (360.0 if right < left else 0.0)
    assert kept == pytest.approx(min(width, 360.0), abs=1e-6)
    assert (
        (left - west) % 360.0 == pytest.approx(0.0, abs=1e-6)
        or width >= 360.0 - 1e-9
        or ((left - west) % 360.0 == pytest.approx(360.0, abs=1e-6))
    )
