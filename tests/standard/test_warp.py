"""Scenes onto grids: integrals, constants, identity, brute force, projections point by point, real swaths, errors."""

from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pyproj
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import GeoGrid, ProjectedGrid
from musyq_lab.standard import warp
from musyq_lab.standard._warp_frames import Frame, exact, lattice
from musyq_lab.standard._warp_source import Source

MODIS = Path(__file__).resolve().parents[2].parent / "shared/data/modis_geolocation/modis_test_data.h5"
UTM = "EPSG:32650"
SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"
GEOSTATIONARY = "+proj=geos +h=35785863 +lon_0=140.7 +sweep=y +ellps=WGS84"


def scene(values, x=None, y=None, crs=UTM, **more):
    """A standard scene of bands on a raster."""
    values = np.atleast_3d(values) if np.ndim(values) < 3 else values
    bands = [f"b{k}" for k in range(len(values))]
    made = xr.Dataset({"reflectance": (("band", "y", "x"), values)}, {"band": bands}, {"sensor": "gf1_wfv"})
    for name, data in more.items():
        made[name] = (("y", "x"), data) if data.ndim == 2 else (("band", "y", "x"), data)
    if x is not None:
        made = made.assign_coords(x=x, y=y, spatial_ref=((), 0, {"crs_wkt": pyproj.CRS(crs).to_wkt()}))
    return made


def raster(rows, columns, step=30.0, crs=UTM, west=400000.0, north=4470000.0, seed=0, bands=1, **more):
    x, y = west + step * (np.arange(columns) + 0.5), north - step * (np.arange(rows) + 0.5)
    return scene(np.random.default_rng(seed).uniform(0.1, 0.5, (bands, rows, columns)), x, y, crs, **more)


def swath(longitude, latitude, values=None, sensor="modis", **more):
    values = np.random.default_rng(1).uniform(0.1, 0.5, (1, *longitude.shape)) if values is None else values
    made = scene(values, **more).assign_attrs(sensor=sensor)
    return made.assign_coords(longitude=(("y", "x"), longitude), latitude=(("y", "x"), latitude))


def bow_tie(scans=4, pixels=60, lines=10, centre=(115.0, 40.0)):
    """Longitude and latitude of a whiskbroom swath: scans grow and overlap towards the sides."""
    across = np.linspace(-1.0, 1.0, pixels)
    grown = 1.0 + 1.2 * across**2
    line = np.arange(lines) - (lines - 1) / 2
    along = np.concatenate([k * lines + line[:, None] * grown for k in range(scans)])
    east = np.broadcast_to(across * pixels / 2 * (1 + 0.5 * across**2), along.shape)
    latitude = centre[1] - 0.009 * (along - along.mean()) - 0.0015 * east
    return centre[0] + 0.012 * east - 0.002 * along, latitude


# ---- rasters ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("crs", ["EPSG:32651", "EPSG:6933"])
def test_area_means_keep_the_integral(crs):
    source = raster(40, 50)
    middle = pyproj.Transformer.from_crs(UTM, crs, always_xy=True).transform(400750.0, 4469400.0)
    west, north = middle[0] // 70 * 70 - 70 * 30, middle[1] // 70 * 70 + 70 * 30
    grid = ProjectedGrid("coarse", crs, west, north, 70.0, 60, 60)
    out = warp.to_grid(source, grid, min_valid=0.0, pixel_share=True)
    total = float((out.reflectance[0].fillna(0).astype(float) * _share(source, grid)).sum()) * 70.0**2
    corner = np.moveaxis(lattice(Source(source, ("y", "x")).geometry.frame, _frame(grid), 0.0, (0, 41), (0, 51)), 0, -1)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    area = 0.5 * np.abs((c - a)[..., 1] * (d - b)[..., 0] - (d - b)[..., 1] * (c - a)[..., 0]) * 70.0**2
    assert total == pytest.approx(float((area * source.reflectance[0].values).sum()), rel=1e-9)
    assert float(out.pixel_share.max()) == pytest.approx(1.0)


def _frame(grid):
    return Frame(grid.crs, grid.west, grid.resolution, grid.north, -grid.resolution, grid.rows, grid.columns)


def _share(source, grid):
    """Share of each cell in double precision: the mean of 1 over all the area, by the weights themselves."""
    geometry = Source(source, ("y", "x")).geometry
    weights = geometry.overlap(_frame(grid), (0, grid.rows, 0, grid.columns), (0, 40, 0, 50))
    return np.add.reduceat(np.append(weights.share, 0), weights.start[:-1]).reshape(grid.shape) * (
        np.diff(weights.start).reshape(grid.shape) > 0
    )


@pytest.mark.parametrize("method", ["area", "bilinear", "nearest"])
def test_a_constant_stays_and_its_own_grid_is_the_identity(method):
    source = raster(30, 40)
    same = warp.to_grid(source, source, method=method)
    np.testing.assert_allclose(same.reflectance, source.reflectance, rtol=1e-12)
    np.testing.assert_array_equal(same.x, source.x)
    flat = raster(80, 90)
    flat["reflectance"][:] = 0.25
    out = warp.to_grid(flat, "1km", method=method, min_valid=0.2).reflectance
    assert out.notnull().sum() >= 1
    np.testing.assert_allclose(out.values[out.notnull().values], 0.25, rtol=1e-12)


def test_aligned_cells_are_the_mean_of_their_pixels():
    source = raster(30, 60, bands=2)
    grid = ProjectedGrid("300 m", UTM, 400000.0, 4470000.0, 300.0, 3, 6)
    expected = source.reflectance.values.reshape(2, 3, 10, 6, 10).mean((2, 4))
    np.testing.assert_allclose(warp.to_grid(source, grid).reflectance, expected, rtol=1e-12)


def test_bilinear_of_a_linear_field_is_exact_across_projections():
    source = raster(80, 80)
    x, y = np.meshgrid(source.x, source.y)
    source["reflectance"] = source.reflectance.dims, (1e-5 * (x - 4e5) - 2e-5 * (y - 4.47e6))[None]
    grid = ProjectedGrid("other zone", "EPSG:32651", *_in_zone(51, 401000.0, 4469000.0), 25.0, 30, 30)
    out = warp.to_grid(source, grid, method="bilinear").reflectance[0]
    back = pyproj.Transformer.from_crs("EPSG:32651", UTM, always_xy=True)
    u, v = back.transform(*np.meshgrid(grid.x, grid.y))
    np.testing.assert_allclose(out, 1e-5 * (u - 4e5) - 2e-5 * (v - 4.47e6), atol=3e-4 * 1e-3)


def _in_zone(zone, x, y):
    return pyproj.Transformer.from_crs(UTM, f"EPSG:326{zone}", always_xy=True).transform(x, y)


@pytest.mark.parametrize(("crs", "step"), [(SINUSOIDAL, 926.625), (GEOSTATIONARY, 2000.0), ("EPSG:3031", 1000.0)])
def test_positions_are_those_of_the_projection_point_by_point(crs, step):
    if crs == "EPSG:3031":
        target = Frame("EPSG:4326", 100.0, 0.02, -70.0, -0.01, 400, 300)
    else:
        target = Frame("EPSG:4326", 102.0, 0.01, 46.0, -0.01, 400, 300)
    x, y = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(103.0, -72.0 if step == 1000 else 44.0)
    frame = Frame(crs, x, step, y, -step, 500, 500)
    got = lattice(target, frame, 0.5, (37, 300), (11, 250), origin=0.5)
    longitude, latitude = np.meshgrid(target.x + 0.01 * 1.0 * (np.arange(11, 250) + 0.5) * target.dx / 0.01,
                                      target.y + target.dy * (np.arange(37, 300) + 0.5))  # fmt: skip
    px, py = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(longitude, latitude)
    assert np.abs(got[1] - ((px - x) / step - 0.5)).max() < 1e-3
    assert np.abs(got[0] - ((y - py) / step - 0.5)).max() < 1e-3


def test_the_edge_of_the_disk_is_exact_and_beyond_is_nothing():
    frame = Frame(GEOSTATIONARY, -5.5e6, 20000.0, 5.5e6, -20000.0, 550, 550)
    target = Frame("EPSG:4326", 60.0, 0.2, 85.0, -0.2, 300, 300)
    got = lattice(target, frame, 0.5, (0, 300), (0, 300))
    v, u = np.meshgrid(np.arange(300) + 0.5, np.arange(300) + 0.5, indexing="ij")
    true = exact(target, frame, v, u)
    both = np.isfinite(true) & np.isfinite(got)
    assert 0.1 < both.mean() < 0.9
    assert np.abs(got[both] - true[both]).max() < 1e-3
    assert (np.isfinite(true) != np.isfinite(got)).mean() < 2e-3


def test_nearest_is_the_nearest_centre():
    source = raster(50, 60, step=926.625, crs=SINUSOIDAL, west=9.2e6, north=4.4e6)
    out = warp.to_grid(source, "1km", method="nearest")
    to = pyproj.Transformer.from_crs(4326, SINUSOIDAL, always_xy=True)
    x, y = to.transform(*np.meshgrid(out.longitude, out.latitude))
    i, j = np.rint((4.4e6 - y) / 926.625 - 0.5).astype(int), np.rint((x - 9.2e6) / 926.625 - 0.5).astype(int)
    inside = (i >= 0) & (i < 50) & (j >= 0) & (j < 60)
    got = out.reflectance[0].values
    np.testing.assert_array_equal(np.isfinite(got), inside)
    np.testing.assert_array_equal(got[inside], source.reflectance[0].values[i[inside], j[inside]])


# ---- what a scene carries --------------------------------------------------------------------------------------------
def test_gaps_drop_out_and_too_little_is_nothing():
    source = raster(10, 20)
    source["reflectance"][0, :4, :10] = np.nan  # 40 % of the first cell
    source["reflectance"][0, :, 10:16] = np.nan  # 60 % of the second
    grid = ProjectedGrid("300 m", UTM, 400000.0, 4470000.0, 300.0, 1, 2)
    out = warp.to_grid(source, grid, pixel_share=True)
    first = source.reflectance.values[0, :, :10]
    assert out.reflectance.values[0, 0, 0] == pytest.approx(np.nanmean(first))
    assert np.isnan(out.reflectance.values[0, 0, 1])
    np.testing.assert_allclose(out.pixel_share, [[0.6, 0.4]], atol=1e-6)
    assert warp.to_grid(source, grid, min_valid=0.4).reflectance.notnull().all()


def test_random_parts_shrink_and_systematic_parts_do_not():
    error = np.full((1, 10, 10), 0.02)
    source = raster(10, 10, reflectance_random=error, reflectance_systematic=error)
    out = warp.to_grid(source, ProjectedGrid("300 m", UTM, 400000.0, 4470000.0, 300.0, 1, 1))
    assert float(out.reflectance_random.squeeze()) == pytest.approx(0.002)
    assert float(out.reflectance_systematic.squeeze()) == pytest.approx(0.02)
    fine = warp.to_grid(source, ProjectedGrid("10 m", UTM, 400000.0, 4470000.0, 10.0, 30, 30))
    np.testing.assert_allclose(fine.reflectance_random, 0.02, rtol=1e-12)


def test_angles_are_averaged_as_directions():
    azimuth = np.where(np.arange(10) < 5, 359.0, 3.0) * np.ones((10, 1))
    source = raster(10, 10, view_zenith=np.full((10, 10), 30.0), view_azimuth=azimuth)
    out = warp.to_grid(source, ProjectedGrid("300 m", UTM, 400000.0, 4470000.0, 300.0, 1, 1))
    assert float(out.view_azimuth.squeeze()) == pytest.approx(1.0)
    assert float(out.view_zenith.squeeze()) == pytest.approx(30.0, abs=0.05)
    assert out.view_zenith.dims == ("y", "x")


def test_flags_need_their_share_and_gaps_are_no_data():
    qa = np.zeros((10, 20), np.uint16)
    qa[0, :10] |= 1 << 2  # 10 % cloud
    qa[:3, :10] |= 1 << 5  # 30 % water
    qa[:6, 10:] |= 1  # 60 % no data
    source = raster(10, 20, qa=qa)
    grid = ProjectedGrid("300 m", UTM, 400000.0, 4470000.0, 300.0, 1, 3)
    np.testing.assert_array_equal(warp.to_grid(source, grid).qa, [[4, 1, 1]])
    np.testing.assert_array_equal(warp.to_grid(source, grid, flag_share=0.11, surface_share=0.3).qa, [[32, 1, 1]])
    assert warp.to_grid(source, grid).qa.dtype == np.uint16
    np.testing.assert_array_equal(
        warp.to_grid(source, source, method="nearest").qa, warp.to_grid(source, source, method="bilinear").qa
    )


def test_attributes_coordinates_and_history_are_kept():
    source = raster(40, 40).assign_coords(wavelength=("band", [0.65]))
    out = warp.to_grid(source, "1km")
    assert out.reflectance.dims == ("band", "latitude", "longitude")
    assert float(out.wavelength[0]) == 0.65
    assert out.attrs["sensor"] == "gf1_wfv"
    assert "warp.to_grid" in out.attrs["history"]
    assert pyproj.CRS(out.spatial_ref.attrs["crs_wkt"]).to_epsg() == 4326
    assert out.latitude.attrs["units"] == "degrees_north"
    metres = warp.to_grid(source, "30m")
    assert metres.reflectance.dims == ("band", "y", "x")
    assert pyproj.CRS(metres.spatial_ref.attrs["crs_wkt"]).to_epsg() == 32650
    assert (metres.x.values - 15.0) % 30.0 == pytest.approx(np.zeros(metres.sizes["x"]))


# ---- lazy ------------------------------------------------------------------------------------------------------------
def _refuse(*_, **__):
    raise AssertionError("computed while the graph was built")


@pytest.mark.parametrize("method", ["area", "bilinear", "nearest"])
@pytest.mark.parametrize("kind", ["raster", "swath"])
def test_same_bits_lazily_for_any_chunks_and_threads(kind, method):
    rng = np.random.default_rng(2)
    if kind == "raster":
        source = raster(130, 250, step=926.625, crs=SINUSOIDAL, west=9.2e6, north=4.4e6, bands=2)
    else:
        source = swath(*bow_tie(13, 250), rng.uniform(size=(2, 130, 250)))
    source["qa"] = ("y", "x"), rng.integers(0, 64, (130, 250)).astype(np.uint16)
    grid = warp.grid_of(source, "1km")
    whole = warp.to_grid(source, grid, method=method)
    for chunks, threads in (({"y": 30, "x": 250}, 1), ({"band": 1, "y": 37, "x": 41}, 4), ({}, 2)):
        lazy = source.chunk(chunks)
        for name in ("longitude", "latitude"):
            if name in lazy.coords:
                lazy = lazy.assign_coords({name: lazy[name].chunk(chunks if "band" not in chunks else {"y": 64})})
        with dask.config.set(scheduler="threads", num_workers=threads):
            out = warp.to_grid(lazy, grid, method=method)
            assert isinstance(out.reflectance.data, da.Array)
            out = out.compute()
        for name in ("reflectance", "qa"):
            np.testing.assert_array_equal(out[name], whole[name])


def test_nothing_is_read_while_the_graph_is_built():
    source = raster(
        60, 60, qa=np.zeros((60, 60), np.uint16), view_zenith=np.ones((60, 60)), view_azimuth=np.ones((60, 60))
    )
    with dask.config.set(scheduler=_refuse):
        out = warp.to_grid(source.chunk(y=20), "1km", pixel_share=True)
    assert all(isinstance(v.data, da.Array) for v in out.data_vars.values())
    assert out.compute().reflectance.notnull().any()


def test_a_block_reads_only_what_it_needs():
    read = []

    def block(block_info):
        read.append(block_info[None]["chunk-location"])
        return np.full(block_info[None]["chunk-shape"], 0.3)

    data = da.map_blocks(block, chunks=((1,), (200,) * 20, (200,) * 20), dtype=float, meta=np.empty((0, 0, 0)))
    x, y = 400000.0 + 30.0 * (np.arange(4000) + 0.5), 4470000.0 - 30.0 * (np.arange(4000) + 0.5)
    out = warp.to_grid(scene(data, x, y), ProjectedGrid("60 m", UTM, 4e5, 4.47e6, 60.0, 2000, 2000))
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_allclose(out.reflectance[0, 800:810, 800:810].compute(), 0.3)
    assert 16 <= len(read) <= 36  # a block of 384 cells needs 4 x 4 of the 400 chunks, and a margin


# ---- swaths ----------------------------------------------------------------------------------------------------------
def test_nearest_of_a_bow_tie_beside_brute_force():
    longitude, latitude = bow_tie()
    number = np.arange(longitude.size, dtype=float).reshape(1, *longitude.shape)
    out = warp.to_grid(swath(longitude, latitude, number), "1km", method="nearest").reflectance[0]
    target = np.stack(np.meshgrid(np.radians(out.longitude), np.radians(out.latitude)), -1)[..., None, :]
    lon, lat = np.radians(longitude.ravel()), np.radians(latitude.ravel())
    distance = np.hypot((lon - target[..., 0]) * np.cos(target[..., 1]), lat - target[..., 1])
    got = out.values
    seen = np.isfinite(got)
    chosen = np.take_along_axis(distance, np.where(seen, got, 0).astype(int)[..., None], -1)[..., 0]
    assert seen.mean() > 0.5
    np.testing.assert_allclose(chosen[seen], distance.min(-1)[seen], rtol=1e-6)
    assert distance.min(-1)[~seen].min() > np.radians(0.003)


def test_bilinear_of_a_bow_tie_gives_back_a_linear_field():
    longitude, latitude = bow_tie()
    field = (0.1 * (longitude - 115.0) + 0.2 * (latitude - 40.0))[None]
    out = warp.to_grid(swath(longitude, latitude, field), "1km", method="bilinear").reflectance[0]
    expected = 0.1 * (out.longitude - 115.0) + 0.2 * (out.latitude - 40.0)
    assert float(out.notnull().mean()) > 0.5
    assert float(np.abs(out - expected).max()) < 1e-12


def test_area_of_a_bow_tie_has_no_holes_and_keeps_a_plane():
    longitude, latitude = bow_tie()
    field = (1.0 + 0.1 * (longitude - 115.0) + 0.2 * (latitude - 40.0))[None]
    out = warp.to_grid(swath(longitude, latitude, field), "1km", pixel_share=True)
    inside = np.abs(out.latitude - 40.0 + 0.125 * (out.longitude - 115.0)) < 0.1
    inside = inside & (np.abs(out.longitude - 115.0) < 0.3)
    assert float(out.pixel_share.where(inside).min()) > 0.99
    expected = 1.0 + 0.1 * (out.longitude - 115.0) + 0.2 * (out.latitude - 40.0)
    assert float(np.abs(out.reflectance[0] - expected).where(inside).max()) < 2e-3


def test_scans_are_found_wherever_a_scene_begins():
    longitude, latitude = bow_tie(8)
    for first in (0, 3, 9):
        part = swath(longitude[first:], latitude[first:])
        geometry = Source(part, ("y", "x")).geometry
        assert (geometry.scan, geometry.phase) == (10, first)
    assert Source(swath(longitude, latitude, sensor="gf1_wfv"), ("y", "x")).geometry.scan == 80
    assert Source(swath(longitude, latitude, sensor="gf1_wfv"), ("y", "x"), 10).geometry.scan == 10


def test_real_geolocation_of_modis():
    if not MODIS.exists():
        pytest.skip("shared/data/modis_geolocation is not here")
    with xr.open_dataset(MODIS, engine="h5netcdf", phony_dims="sort") as file:
        longitude, latitude = (file[name].values.astype(float) for name in ("lon_1km", "lat_1km"))
    field = (0.01 * longitude + 0.02 * latitude)[None]
    source = swath(longitude, latitude, field)
    assert Source(source, ("y", "x")).geometry.scan == 10
    for method, error in (("area", 2e-4), ("bilinear", 2e-6), ("nearest", 1e-3)):
        out = warp.to_grid(source, "5km" if method == "area" else "1km", method=method, min_valid=0.99).reflectance[0]
        expected = 0.01 * out.longitude + 0.02 * out.latitude
        assert float(out.notnull().mean()) > 0.03
        assert float(np.abs(out - expected).quantile(0.999)) < error


def test_antimeridian():
    longitude, latitude = bow_tie(centre=(179.95, 10.0))
    longitude = (longitude + 180.0) % 360.0 - 180.0
    plain = warp.to_grid(swath(*bow_tie(centre=(100.0, 10.0))), "1km").reflectance
    out = warp.to_grid(swath(longitude, latitude), "1km").reflectance
    assert out.longitude[0] < 180.0 < out.longitude[-1]
    assert out.sizes["longitude"] < 125
    assert plain.notnull().any()
    field = (0.1 * ((longitude - 180.0 + 180.0) % 360.0 - 180.0))[None]
    linear = warp.to_grid(swath(longitude, latitude, field), "1km", method="bilinear").reflectance[0]
    assert float(np.abs(linear - 0.1 * (linear.longitude - 180.0)).max()) < 1e-12


def test_a_raster_over_the_pole():
    x = y = 1000.0 * (np.arange(120) - 59.5)
    source = scene(np.full((1, 120, 120), 0.7), x, y[::-1], "EPSG:3413")
    grid = warp.grid_of(source, "5km")
    assert (grid.row, grid.columns) == (0, 7200)
    out = warp.to_grid(source, grid).reflectance[0]
    assert out[0].notnull().all()
    np.testing.assert_allclose(out.values[np.isfinite(out.values)], 0.7, rtol=1e-12)


# ---- one window, errors ----------------------------------------------------------------------------------------------
def test_several_scenes_on_one_window():
    a, b = raster(40, 40), raster(20, 20, west=400600.0, step=60.0)
    grid = warp.grid_of(a, "1km")
    assert isinstance(grid, GeoGrid)
    first, second = (warp.to_grid(s, grid) for s in (a, b))
    np.testing.assert_array_equal(first.longitude, second.longitude)
    west, north = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True).transform(400000.0, 4470000.0)
    assert grid.longitude[0] == pytest.approx(west, abs=0.0051)
    assert grid.latitude[0] == pytest.approx(north, abs=0.0051)
    assert isinstance(warp.grid_of(a, "10m"), ProjectedGrid)


def test_errors_say_what_to_do():
    source = raster(20, 20)
    with pytest.raises(NotFoundError, match="Did you mean '1km'"):
        warp.to_grid(source, "1 km")
    with pytest.raises(InputError, match=r"do not overlap.*115\.8.*grid 0\.00 to 5\.00"):
        warp.to_grid(source, GeoGrid("5km", 20).window(0, 0, 5, 5))
    with pytest.raises(InputError, match=r"no CRS.*write_crs"):
        warp.to_grid(source.drop_vars("spatial_ref"), "1km")
    with pytest.raises(InputError, match="target has x and y but no CRS"):
        warp.to_grid(source, source.drop_vars("spatial_ref"))
    with pytest.raises(InputError, match="no place on the Earth"):
        warp.to_grid(source.drop_vars(["x", "y"]), "1km")
    with pytest.raises(InputError, match="no method 'cubic'"):
        warp.to_grid(source, "1km", method="cubic")
    with pytest.raises(InputError, match=r"min_valid=1\.5"):
        warp.to_grid(source, "1km", min_valid=1.5)
    with pytest.raises(InputError, match="not regular"):
        warp.to_grid(source.assign_coords(x=source.x.values + 5.0 * np.sin(np.arange(20))), "1km")
    with pytest.raises(InputError, match="standard scene"):
        warp.to_grid(source.drop_vars("reflectance"), "1km")
    with pytest.raises(InputError, match="whole numbers"):
        warp.to_grid(source.assign(kind=(("y", "x"), np.ones((20, 20), int))), "1km")
    disk = raster(50, 50, step=200000.0, crs=GEOSTATIONARY, west=-5e6, north=5e6)
    with pytest.raises(InputError, match="too large for one zone"):
        warp.to_grid(disk, "30m")
