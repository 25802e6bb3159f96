"""Outlines and boxes of projected maps against rasterio and pyproj, and what the written file says of them."""

import h5py
import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr
from archive.samples import SPEC

from musyq_lab.archive._outline import edges_of, extent_attributes, outline
from musyq_lab.archive.write import write_product

warp = pytest.importorskip("rasterio.warp")
pyproj = pytest.importorskip("pyproj")


def mapping(crs):
    return {"crs_wkt": pyproj.CRS.from_user_input(crs).to_wkt()}


def dataset(crs="", units=None):
    x, y = 400_015.0 + 30 * np.arange(40), 4_499_985.0 - 30 * np.arange(30)
    attrs = {"units": units} if units else {}
    ds = xr.Dataset(
        {"flux": (("y", "x"), np.ones((30, 40)), {"units": "W m-2"})}, {"y": ("y", y, attrs), "x": ("x", x, attrs)}
    )
    return ds.rio.write_crs(crs) if crs else ds


@pytest.mark.parametrize("crs", ["EPSG:32650", "EPSG:32750", "EPSG:3857", "EPSG:3035", "ESRI:54009"])
def test_outlines_are_those_of_rasterio(crs):
    project = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform
    x0, y0 = project(12.0, 48.0) if crs != "EPSG:32750" else project(117.0, -30.0)
    edges = (x0, x0 + 90_000.0), (y0, y0 + 60_000.0)
    _, lon, lat = outline(mapping(crs), *edges)
    bounds = (edges[0][0], edges[1][0], edges[0][1], edges[1][1])
    truth = warp.transform_bounds(crs, "EPSG:4326", *bounds, densify_pts=101)
    np.testing.assert_allclose((lon.min(), lat.min(), lon.max(), lat.max()), truth, atol=1e-4)
    turned = np.sum(lon * np.roll(lat, -1) - np.roll(lon, -1) * lat)
    assert turned > 0  # anticlockwise


def test_longitudes_go_on_across_the_antimeridian():
    x0, y0 = pyproj.Transformer.from_crs(4326, 32660, always_xy=True).transform(179.9, 60.0)
    _, lon, _ = outline(mapping("EPSG:32660"), (x0, x0 + 30_000), (y0, y0 + 30_000))
    assert 179.0 < lon.min() < 180.0 < lon.max() < 181.0
    found = extent_attributes(mapping("EPSG:32660"), x0 + 30.0 * np.arange(1000), y0 - 30.0 * np.arange(1000))
    assert found["geospatial_lon_min"] > 179.0
    assert found["geospatial_lon_max"] < -179.0


@pytest.mark.parametrize("attributes", [{}, {"crs_wkt": "none"}, {"grid_mapping_name": "no_such_mapping"}])
def test_a_projection_that_cannot_be_read_claims_nothing(attributes):
    assert outline(attributes, (0.0, 1.0), (0.0, 1.0)) is None
    assert extent_attributes(attributes, np.arange(3.0), np.arange(3.0)) == {}


def test_what_lies_beyond_the_globe_claims_nothing():
    assert outline(mapping("EPSG:3035"), (1e12, 2e12), (1e12, 2e12)) is None


def test_edges():
    assert edges_of(np.array([3.0, 2.0, 1.0]), -1.0) == (0.5, 3.5)
    assert edges_of(np.array([3.0]), 0.0) == (3.0, 3.0)


def test_a_file_says_its_box_and_what_its_axes_are(tmp_path):
    path = write_product(dataset("EPSG:32650", "m"), tmp_path, spec=SPEC, edition="30m", period="2015001")
    truth = warp.transform_bounds(
        "EPSG:32650", "EPSG:4326", 400_000, 4_500_000 - 900, 400_000 + 1200, 4_500_000, densify_pts=101
    )
    with h5py.File(path) as file:
        names = ("lon_min", "lat_min", "lon_max", "lat_max")
        np.testing.assert_allclose([file.attrs[f"geospatial_{name}"] for name in names], truth, atol=1e-6)
        for axis in "xy":
            assert file[axis].attrs["standard_name"] == f"projection_{axis}_coordinate".encode()
            assert file[axis].attrs["units"] == b"m"
            assert file[axis].attrs["axis"] == axis.upper().encode()
    with xr.open_dataset(path) as opened:
        assert opened.x.attrs["long_name"] == "x coordinate of the cell centre"


def test_lines_and_samples_are_not_called_a_projection(tmp_path):
    path = write_product(dataset(), tmp_path, spec=SPEC, edition="swath", period="2015001")
    with h5py.File(path) as file:
        assert "standard_name" not in file["x"].attrs
        assert "geospatial_lat_min" not in file.attrs
