"""Blocks of a target: they hold the pixels that interpolation reaches, and no more of the source than memory bears."""

import numpy as np
import pyproj
import pytest
import xarray as xr

from musyq_lab.core.grid import ProjectedGrid
from musyq_lab.standard import warp
from musyq_lab.standard._footprints import Raster, Tiles
from musyq_lab.standard._warp_blocks import BLOCK, Job, Plan
from musyq_lab.standard._warp_frames import Frame, frame_of

UTM = "EPSG:32650"


def raster(rows, columns, step, north=4470000.0):
    rng = np.random.Generator(np.random.Philox(rows))
    x, y = 400000.0 + step * (np.arange(columns) + 0.5), north - step * (np.arange(rows) + 0.5)
    mapping = ((), 0, {"crs_wkt": pyproj.CRS(UTM).to_wkt()})
    values = rng.uniform(0.1, 0.5, (1, rows, columns))
    return xr.Dataset({"reflectance": (("band", "y", "x"), values)}, {"x": x, "y": y, "spatial_ref": mapping})


def as_swath(source):
    to = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
    longitude, latitude = to.transform(*np.meshgrid(source.x.values, source.y.values))
    bare = source.drop_vars(["x", "y", "spatial_ref"])
    return bare.assign_coords(longitude=(("y", "x"), longitude), latitude=(("y", "x"), latitude))


def truth(source, grid):
    """Bilinear interpolation between all pixel centres by numpy, in the projection itself."""
    field = source.reflectance.values[0]
    v = (source.y.values[0] - grid.y) / (source.y.values[0] - source.y.values[1])
    u = (grid.x - source.x.values[0]) / (source.x.values[1] - source.x.values[0])
    i, j = np.floor(v).astype(int), np.floor(u).astype(int)
    s, t = (v - i)[:, None], u - j
    a, b = field[np.ix_(i, j)], field[np.ix_(i, j + 1)]
    p, q = field[np.ix_(i + 1, j)], field[np.ix_(i + 1, j + 1)]
    return (1 - s) * ((1 - t) * a + t * b) + s * ((1 - t) * p + t * q)


@pytest.mark.parametrize("rows", [97, 193])
@pytest.mark.parametrize("edge", [0.55, 0.9, 0.98])
@pytest.mark.parametrize("kind", ["raster", "swath"])
def test_a_block_that_ends_beside_a_tile_of_one_line_reads_that_line(kind, rows, edge):
    """Lazily each block sees a window: it must reach the pixel that lies over the border of the next tile."""
    source = raster(rows, 24, 1000.0)
    north = 4470000.0 - 1000.0 * (rows - 2 + edge) + BLOCK * 20.0  # the first block ends `edge` into the last but one
    grid = ProjectedGrid("20 m", UTM, 410000.0, north, 20.0, BLOCK + 20, 40)
    scene = source if kind == "raster" else as_swath(source).assign_attrs(sensor="gf1_wfv")
    out = warp.to_grid(scene.chunk(y=50), grid, method="bilinear").reflectance[0].values
    inner = slice(0, min(int((north - 4470000.0 + 1000.0 * (rows - 0.5)) / 20.0) - 1, BLOCK + 20))
    expected = truth(source, ProjectedGrid("part", UTM, grid.west, grid.north, 20.0, inner.stop, 40))
    np.testing.assert_allclose(out[inner], expected, atol=1e-9 if kind == "raster" else 2e-4)
    assert inner.stop > BLOCK - 30


@pytest.mark.parametrize("method", ["area", "bilinear", "nearest"])
def test_windows_of_numpy_and_dask_are_one(method):
    source = raster(97, 24, 1000.0)
    grid = ProjectedGrid("20 m", UTM, 410000.0, 4470000.0 - 95900.0 + BLOCK * 20.0, 20.0, 2 * BLOCK, 40)
    whole = warp.to_grid(source, grid, method=method).reflectance
    for chunks in ({"y": 40}, {"x": 7}, {"y": 96}):
        np.testing.assert_array_equal(warp.to_grid(source.chunk(chunks), grid, method=method).reflectance, whole)


def plan(step, cell, method="area", rows=10980):
    source = Raster(Frame(UTM, 4e5, step, 4.47e6, -step, rows, rows))
    target = frame_of(ProjectedGrid("t", UTM, 4e5, 4.47e6, cell, max(int(rows * step / cell), 1), 100))
    return Plan(source, target, source.tiles(target), method, 0.5)


@pytest.mark.parametrize(("step", "cell"), [(10.0, 25000.0), (10.0, 5000.0), (10.0, 1000.0), (30.0, 30.0), (1e3, 30.0)])
def test_no_block_needs_more_of_the_source_than_memory_holds(step, cell):
    made = plan(step, cell)
    seen = made.side**2 * (cell / step) ** 2
    assert seen <= max(2.2e6, 1.05 * (cell / step) ** 2)
    assert 1 <= made.side <= BLOCK
    assert sum(made.chunks[0]) == made.target.rows
    assert max(made.chunks[0]) == min(made.side, made.target.rows)


def test_interpolation_reaches_one_pixel_further_within_the_source():
    area, points = plan(30.0, 30.0, rows=960), plan(30.0, 30.0, "bilinear", rows=960)
    block = (400, 480, 10, 20)
    a, b = area.window(block), points.window(block)
    assert b == (max(a[0] - 1, 0), a[1] + 1, max(a[2] - 1, 0), a[3] + 1)
    assert points.window((0, 960, 0, 100))[:3] == (0, 960, 0)
    apart = Plan(area.geometry, area.target, Tiles(np.empty((0, 4), int), np.empty((0, 4)), 0.0), "bilinear", 0.5)
    assert apart.window(block) is None


@pytest.mark.parametrize(
    ("kind", "given", "made"),
    [("mean", "f4", "f4"), ("mean", ">f8", "f8"), ("mean", "f2", "f4"), ("mean", "?", "f4"), ("bits", "u2", "u2"),
     ("noise", "f8", "f8"), ("cover", "f8", "f4")],
)  # fmt: skip
def test_types_of_results(kind, given, made):
    assert Job(np.zeros((2, 2), given), kind).dtype == np.dtype(made)
