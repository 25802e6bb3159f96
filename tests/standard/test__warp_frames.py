"""Frames of rasters and the maps between them, beside pyproj point by point."""

import numpy as np
import pyproj
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS, GeoGrid, ProjectedGrid
from musyq_lab.standard._warp_frames import (
    GEOGRAPHIC,
    STEP,
    TILE,
    Frame,
    across,
    coordinates,
    exact,
    frame_of,
    frame_of_data,
    lattice,
    nodes,
    transformer,
)

UTM = "EPSG:32650"
GEOSTATIONARY = "+proj=geos +h=35785863 +lon_0=140.7 +sweep=y +ellps=WGS84"


def raster(x, y, crs=UTM, name="spatial_ref", key="crs_wkt"):
    made = xr.Dataset(coords={"x": x, "y": y})
    return made if crs is None else made.assign_coords({name: ((), 0, {key: pyproj.CRS(crs).to_wkt()})})


X, Y = 400000.0 + 30.0 * (np.arange(5) + 0.5), 4470000.0 - 30.0 * (np.arange(4) + 0.5)


# ---- frames ----------------------------------------------------------------------------------------------------------
def test_place_and_index_are_inverse():
    frame = Frame(UTM, 4e5, 30.0, 4.47e6, -20.0, 10, 20)
    v, u = np.meshgrid(np.linspace(-3, 13, 7), np.linspace(-5, 25, 9), indexing="ij")
    np.testing.assert_allclose(frame.index(*frame.place(v, u)), (v, u), atol=1e-9)
    assert frame.place(0, 0) == (4e5, 4.47e6)
    assert frame.place(10, 20) == (4e5 + 600.0, 4.47e6 - 200.0)
    assert frame.shape == (10, 20)
    assert frame.period == 0.0
    assert np.isinf(frame.poles).all()


@pytest.mark.parametrize("turns", [-2, -1, 0, 1, 3])
def test_longitudes_come_to_the_side_of_the_raster(turns):
    frame = Frame(GEOGRAPHIC, 170.0, 0.5, 10.0, -0.5, 20, 40)  # 170 to 190 degrees east
    longitude = np.array([170.25, 179.75, 180.25, 189.75]) + 360.0 * turns
    v, u = frame.index(longitude, np.full(4, 9.75))
    np.testing.assert_allclose(u, [0.5, 19.5, 20.5, 39.5], atol=1e-9)
    np.testing.assert_allclose(v, 0.5)
    assert frame.period == 720.0
    np.testing.assert_array_equal(frame.poles, [-160.0, 200.0])


def test_frames_of_the_programme_are_its_cell_centres():
    for grid in (GRIDS["1km"].window(115.0, 39.0, 117.0, 40.0), GRIDS["5km"], GeoGrid("0p25deg", 4, 10, 1400, 20, 100)):
        frame = frame_of(grid)
        x, y = frame.place(np.arange(grid.rows) + 0.5, 0.5)[0], frame.place(np.arange(grid.rows) + 0.5, 0)[1]
        np.testing.assert_allclose(y, grid.latitude, atol=1e-9)
        assert x == pytest.approx(grid.longitude[0])
        assert frame.place(0, grid.columns - 0.5)[0] == pytest.approx(grid.longitude[-1])
    projected = ProjectedGrid("30m", UTM, 4e5, 4.47e6, 30.0, 7, 9)
    frame = frame_of(projected)
    np.testing.assert_allclose(frame.place(np.arange(7) + 0.5, 0)[1], projected.y)
    np.testing.assert_allclose(frame.place(0, np.arange(9) + 0.5)[0], projected.x)


@pytest.mark.parametrize("flip", [(1, 1), (-1, 1), (1, -1)])
def test_axes_may_run_either_way(flip):
    frame = frame_of_data(raster(X[:: flip[1]], Y[:: flip[0]]), "scene")
    assert (frame.dx, frame.dy) == (30.0 * flip[1], -30.0 * flip[0])
    assert frame.place(0, 0) == (
        pytest.approx(4e5 if flip[1] > 0 else 400150.0), pytest.approx(4.47e6 if flip[0] > 0 else 4469880.0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key"), [("spatial_ref", "crs_wkt"), ("crs", "crs_wkt"), ("spatial_ref", "spatial_ref")]
)
def test_where_the_coordinate_system_is_found(name, key):
    assert pyproj.CRS(frame_of_data(raster(X, Y, name=name, key=key), "scene").crs).to_epsg() == 32650


def test_geographic_axes_need_no_mapping_and_single_precision_is_regular():
    data = xr.Dataset(coords={"latitude": np.float32(40) - np.arange(300, dtype="f4") / 100, "longitude": [1.0, 1.5]})
    frame = frame_of_data(data, "target")
    assert frame.crs == GEOGRAPHIC
    assert (frame.y, frame.dy) == (pytest.approx(40.005, abs=1e-6), pytest.approx(-0.01, abs=1e-6))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (raster(X, Y, None), "target has x and y but no CRS"),
        (raster(X[:1], Y), "'x' of the target has 1 cells"),
        (raster(X[[0, 1, 2, 2]], Y), "'x' of the target is not regular"),
        (raster(X, np.zeros(4)), "'y' of the target is not regular"),
        (xr.Dataset(), "target has no place on the Earth.*It has nothing"),
        (xr.Dataset(coords={"time": [1]}), "It has time"),
    ],
)
def test_what_is_not_a_grid_is_refused(data, words):
    with pytest.raises(InputError, match=words):
        frame_of_data(data, "target")


# ---- maps ------------------------------------------------------------------------------------------------------------
def test_one_coordinate_system_needs_no_transformation():
    assert transformer(UTM, pyproj.CRS(UTM).to_wkt()) is None
    assert transformer(UTM, GEOGRAPHIC) is not None
    assert across(UTM, UTM, 1.0, 2.0) == (1.0, 2.0)


def test_what_the_satellite_does_not_see_has_no_place():
    x, y = across(GEOGRAPHIC, GEOSTATIONARY, np.array([140.7, -40.0]), np.array([0.0, 0.0]))
    np.testing.assert_allclose([x[0], y[0]], 0.0, atol=1e-6)
    assert np.isnan([x[1], y[1]]).all()


def test_exact_is_pyproj():
    source, target = Frame(UTM, 4e5, 30.0, 4.47e6, -30.0, 9, 9), Frame(GEOGRAPHIC, 115.0, 0.01, 41.0, -0.01, 99, 99)
    v, u = np.meshgrid(np.arange(9.0), np.arange(9.0), indexing="ij")
    longitude, latitude = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True).transform(
        4e5 + 30 * u, 4.47e6 - 30 * v
    )
    np.testing.assert_allclose(
        exact(source, target, v, u), [(41 - latitude) / 0.01, (longitude - 115) / 0.01], rtol=1e-9
    )


def test_windows_share_their_nodes_to_the_last_bit():
    source, target = Frame(UTM, 4e5, 300.0, 4.47e6, -300.0, 900, 900), Frame(GEOGRAPHIC, 115, 0.01, 41, -0.01, 500, 500)
    table = nodes(source, target, 0.5, (0, 4 * TILE), (0, 3 * TILE))
    assert table.shape == (2, 13, 10)
    part = nodes(source, target, 0.5, (TILE + 5, 2 * TILE), (TILE, TILE + 1))
    np.testing.assert_array_equal(part, table[:, 3:7, 3:7])
    whole = lattice(source, target, 0.5, (0, 400), (0, 300))
    np.testing.assert_array_equal(lattice(source, target, 0.5, (77, 301), (95, 97)), whole[:, 77:301, 95:97])
    np.testing.assert_allclose(whole[:, ::STEP, ::STEP], table[:, :13, :10][:, : 400 // STEP + 1], atol=1e-9)


@pytest.mark.parametrize("step", [30.0, 1000.0, 20000.0])
@pytest.mark.parametrize("crs", [UTM, "+proj=sinu +R=6371007.181", "EPSG:3413"])
def test_positions_are_good_to_a_thousandth_of_a_cell(step, crs):
    """Where polynomials do not follow (large tiles, the seam of the sinusoidal, near the pole) points are exact."""
    x, y = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(116.0, 40.0 if crs != "EPSG:3413" else 85.0)
    source = Frame(crs, x, step, y, -step, 120, 110)
    target = Frame(GEOGRAPHIC, 100.0, step / 1e5, 89.0, -step / 1e5, 3000, 3000)
    got = lattice(source, target, 0.0, (0, 121), (0, 111))
    v, u = np.meshgrid(np.arange(121.0), np.arange(111.0), indexing="ij")
    error = got - exact(source, target, v, u)
    error[1] -= target.period * np.rint(error[1] / target.period)
    assert np.nanmax(np.abs(error)) < 1e-3
    shifted = lattice(source, target, 0.0, (0, 121), (0, 111), origin=5.0)
    np.testing.assert_allclose(shifted, got - 5.0, atol=1e-6)


# ---- coordinates -----------------------------------------------------------------------------------------------------
def test_coordinates_of_grids_are_written_as_cf_wants():
    for grid, dims, epsg in (
        (GRIDS["1km"].window(0, 0, 1, 1), ("latitude", "longitude"), 4326),
        (ProjectedGrid("30m", UTM, 4e5, 4.47e6, 30.0, 3, 4), ("y", "x"), 32650),
    ):
        made = xr.Dataset(coords=coordinates(grid))
        for name in dims:
            np.testing.assert_array_equal(made[name], getattr(grid, name))
            assert {"standard_name", "units", "axis"} <= set(made[name].attrs)
        assert pyproj.CRS(made.spatial_ref.attrs["crs_wkt"]).to_epsg() == epsg
        assert "grid_mapping_name" in made.spatial_ref.attrs


def test_coordinates_of_data_are_its_own_and_mapping_is_added():
    data = xr.Dataset(coords={"latitude": [1.0, 0.0], "longitude": [5.0, 6.0], "time": 3})
    made = coordinates(data)
    assert set(made) == {"latitude", "longitude", "spatial_ref"}
    assert pyproj.CRS(made["spatial_ref"].attrs["crs_wkt"]).to_epsg() == 4326
    old = raster(X, Y, name="crs")
    assert pyproj.CRS(coordinates(old)["spatial_ref"].attrs["crs_wkt"]).to_epsg() == 32650
