"""Layers on another grid beside overlaps of cells that are computed one by one."""

import numpy as np
import pyproj
import pytest
import xarray as xr
from shapely.geometry import Polygon, box

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GeoGrid, ProjectedGrid
from musyq_lab.standard.fields import on_grid

COARSE = GeoGrid("1km", 100).window(100.0, 40.0, 100.04, 40.03)
"""Three rows of four cells of 0.01 degrees."""


def geographic(values, *, west=100.0, north=40.03, step=0.0025, dims=("latitude", "longitude")):
    """Return a map of cells of ``step`` degrees whose outer edges begin at a corner."""
    values = np.asarray(values)
    rows, columns = values.shape[-2:]
    coords = {
        "latitude": north - (np.arange(rows) + 0.5) * step,
        "longitude": west + (np.arange(columns) + 0.5) * step,
    }
    return xr.DataArray(values, coords, dims, attrs={"units": "m"})


def naive_mean(data, grid):
    """Mean of the valid pixels of each cell by area on the sphere; NaN below half, by loops."""
    latitude, longitude = data["latitude"].values, data["longitude"].values
    half = abs(latitude[1] - latitude[0]) / 2
    out = np.full(grid.shape, np.nan)
    for j in range(grid.shape[0]):
        for i in range(grid.shape[1]):
            south, west = grid.latitude[j] - grid.resolution / 2, grid.longitude[i] - grid.resolution / 2
            total = weight = whole = 0.0
            for m, y in enumerate(latitude):
                high = min(y + half, south + grid.resolution)
                low = max(y - half, south)
                for n, x in enumerate(longitude):
                    across = min(x + half, west + grid.resolution) - max(x - half, west)
                    if high <= low + 1e-12 or across <= 1e-12:
                        continue
                    area = across * (np.sin(np.radians(high)) - np.sin(np.radians(low)))
                    if np.isfinite(data.values[m, n]):
                        total, weight = total + area * float(data.values[m, n]), weight + area
            band = np.sin(np.radians(south + grid.resolution)) - np.sin(np.radians(south))
            whole = grid.resolution * band
            if weight >= 0.5 * whole:
                out[j, i] = total / weight
    return out


def test_a_constant_field_stays_that_constant_at_every_ratio_of_cells():
    for step in (0.01, 0.0025, 0.003, 0.05):
        number = 3 + round(0.05 / step)
        field = geographic(np.full((number, number + 4), 7.25), west=99.99, north=40.04, step=step)
        made = on_grid(field.to_dataset(name="x"), COARSE)["x"]
        inside = made.values[np.isfinite(made.values)]
        assert inside.size
        np.testing.assert_allclose(inside, 7.25, rtol=1e-6)


def test_cells_that_nest_get_the_mean_of_their_pixels():
    values = np.random.default_rng(0).normal(10, 3, (12, 16))
    made = on_grid(geographic(values).to_dataset(name="x"), COARSE)["x"]
    blocks = values.reshape(3, 4, 4, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(made.values, blocks, atol=2e-4)  # areas of rows differ by 1e-4 within a cell
    np.testing.assert_allclose(made.values, naive_mean(geographic(values), COARSE), rtol=1e-5)


def test_cells_that_do_not_nest_get_shares_of_the_pixels_at_their_edges():
    values = np.random.default_rng(1).normal(10, 3, (17, 19))
    field = geographic(values, west=99.9987, north=40.0311, step=0.0023)
    made = on_grid(field.to_dataset(name="x"), COARSE)["x"]
    np.testing.assert_allclose(made.values, naive_mean(field, COARSE), rtol=5e-5)


def test_a_gradient_keeps_its_value_at_the_middle_of_each_cell():
    rows, columns = np.mgrid[0:12, 0:16]
    field = geographic(2.0 * columns - 3.0 * rows)
    made = on_grid(field.to_dataset(name="x"), COARSE)["x"].values
    j, i = np.mgrid[0:3, 0:4]
    np.testing.assert_allclose(made, 2.0 * (4 * i + 1.5) - 3.0 * (4 * j + 1.5), atol=2e-3)


def test_coordinates_are_those_of_the_grid_and_attributes_stay():
    made = on_grid(geographic(np.ones((12, 16))).to_dataset(name="x").assign_attrs(title="t"), COARSE)
    np.testing.assert_allclose(made["latitude"], COARSE.latitude)
    np.testing.assert_allclose(made["longitude"], COARSE.longitude)
    assert made["x"].attrs == {"units": "m"}
    assert made.attrs["title"] == "t"


@pytest.mark.parametrize("share", [0, 4, 7, 8, 9, 15, 16])
def test_a_cell_needs_half_of_its_area(share):
    values = np.ones((12, 16), np.float32)
    hidden = np.zeros(16, bool)
    hidden[:share] = True  # whole rows of the first cell, from the north
    values[:4, :4][hidden.reshape(4, 4)] = np.nan
    made = on_grid(geographic(values).to_dataset(name="x"), COARSE)["x"].values
    if share != 8:  # just half: rows differ in area by 1e-5
        assert np.isfinite(made[0, 0]) == (16 - share >= 8)
    assert np.isfinite(made).sum() >= 11
    assert np.nanmax(np.abs(made - 1.0)) < 1e-6


def test_missing_pixels_do_not_count_as_zero():
    values = np.full((12, 16), 4.0)
    values[::4] = np.nan
    made = on_grid(geographic(values).to_dataset(name="x"), COARSE)["x"].values
    np.testing.assert_allclose(made, 4.0, rtol=1e-6)


def test_cells_beyond_the_edge_of_the_map_are_empty():
    made = on_grid(geographic(np.ones((8, 8)), north=40.03).to_dataset(name="x"), COARSE)["x"].values
    expected = np.zeros((3, 4), bool)
    expected[:2, :2] = True
    np.testing.assert_array_equal(np.isfinite(made), expected)


def majority(numbers):
    """Return the class that most pixels have, the smallest of equal ones."""
    values, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    return values[np.argmax(counts)]


@pytest.mark.parametrize("seed", range(4))
def test_classes_become_the_one_that_covers_most(seed):
    rng = np.random.default_rng(seed)
    values = rng.choice([1.0, 5.0, 12.0, 17.0], (30, 40), p=[0.4, 0.3, 0.2, 0.1])
    field = geographic(values, step=0.001)
    made = on_grid(field.to_dataset(name="land_cover"), COARSE, classes=["land_cover"])["land_cover"].values
    for j in range(3):
        for i in range(4):
            block = values[10 * j : 10 * j + 10, 10 * i : 10 * i + 10]
            counts = np.sort(np.unique(block, return_counts=True)[1])
            if counts[-1] - counts[-2] > 1:  # rows of a cell differ a little in area
                assert made[j, i] == majority(block)


def test_no_class_is_made_up_between_two():
    values = np.where(np.indices((12, 16)).sum(axis=0) % 2, 3.0, 9.0)
    made = on_grid(geographic(values).to_dataset(name="c"), COARSE, classes=["c"])["c"].values
    assert set(np.unique(made)) <= {3.0, 9.0}


def test_of_classes_that_cover_the_same_the_smaller_number_is_taken():
    values = np.empty((12, 16))
    values[:, 0::2], values[:, 1::2] = 11.0, 2.0  # columns have equal areas
    for flags in ([2, 11], [11, 2]):
        field = geographic(values).assign_attrs(flag_values=np.array(flags, np.uint8), units="1")
        made = on_grid(field.to_dataset(name="c"), COARSE, classes=["c"])["c"].values
        assert (made == 2.0).all()


def test_a_class_of_the_legend_that_does_not_occur_is_never_taken():
    field = geographic(np.full((12, 16), 5.0)).assign_attrs(flag_values=np.arange(1, 18, dtype=np.uint8))
    made = on_grid(field.to_dataset(name="c"), COARSE, classes=["c"])["c"].values
    assert (made == 5.0).all()


def test_cells_without_a_class_have_none():
    values = np.full((12, 16), 5.0)
    values[:4, :4] = np.nan
    made = on_grid(geographic(values).to_dataset(name="c"), COARSE, classes=["c"])["c"].values
    assert np.isnan(made[0, 0])
    assert np.isfinite(made).sum() == 11


def test_a_map_of_classes_without_any_class_is_empty():
    field = geographic(np.full((12, 16), np.nan)).to_dataset(name="c")
    made = on_grid(field, COARSE, classes=["c"])["c"]
    assert np.isnan(made.values).all()


UTM = "EPSG:32647"


def projected(values, west, north, size):
    values = np.asarray(values)
    coords = {
        "y": north - (np.arange(values.shape[-2]) + 0.5) * size,
        "x": west + (np.arange(values.shape[-1]) + 0.5) * size,
        "spatial_ref": ((), 0, pyproj.CRS(UTM).to_cf()),
    }
    return xr.DataArray(values, coords, ("y", "x"), attrs={"units": "1"})


def outlines(west, north, size, rows, columns):
    """Yield the outline of each pixel in degrees, its edges broken into short pieces."""
    back = pyproj.Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    for j in range(rows):
        for i in range(columns):
            low, high = north - (j + 1) * size, north - j * size
            left, right = west + i * size, west + (i + 1) * size
            yield Polygon(zip(*back.transform([left, right, right, left], [low, low, high, high]), strict=True))


def corner():
    to_map = pyproj.Transformer.from_crs("EPSG:4326", UTM, always_xy=True)
    x, y = to_map.transform(99.995, 40.035)
    return round(x, -2), round(y, -2)


def test_projected_to_geographic_follows_the_outlines_of_the_pixels():
    west, north = corner()
    values = np.random.default_rng(5).uniform(0, 10, (18, 18))
    made = on_grid(projected(values, west, north, 250.0).to_dataset(name="amount"), COARSE)["amount"].values
    total, weight = np.zeros(COARSE.shape), np.zeros(COARSE.shape)
    pixels = list(outlines(west, north, 250.0, 18, 18))
    for j, y in enumerate(COARSE.latitude):
        for i, x in enumerate(COARSE.longitude):
            cell = box(x - 0.005, y - 0.005, x + 0.005, y + 0.005)
            for pixel, value in zip(pixels, values.ravel(), strict=True):
                area = cell.intersection(pixel).area
                total[j, i], weight[j, i] = total[j, i] + area * value, weight[j, i] + area
    full = weight > 0.999e-4
    assert full.sum() >= 9
    np.testing.assert_allclose(made[full], (total / np.maximum(weight, 1e-12))[full], atol=0.25)  # of 0 to 10


def test_projected_cells_that_nest_get_exact_means():
    west, north = 500_000.0, 4_430_000.0
    values = np.random.default_rng(6).uniform(0, 10, (12, 8))
    grid = ProjectedGrid("120m", UTM, west, north, 120.0, 3, 2)
    made = on_grid(projected(values, west, north, 30.0).to_dataset(name="amount"), grid)["amount"]
    assert made.dims == ("y", "x")
    np.testing.assert_allclose(made.values, values.reshape(3, 4, 2, 4).mean(axis=(1, 3)), rtol=1e-6)


def test_the_same_grid_gives_the_same_values():
    west, north = 500_000.0, 4_430_000.0
    values = np.random.default_rng(7).uniform(0, 10, (6, 5)).astype(np.float32)
    grid = ProjectedGrid("30m", UTM, west, north, 30.0, 6, 5)
    made = on_grid(projected(values, west, north, 30.0).to_dataset(name="amount"), grid)["amount"]
    np.testing.assert_allclose(made.values, values, rtol=1e-6)


def test_other_dimensions_stay_in_front():
    values = np.random.default_rng(8).normal(size=(2, 12, 16))
    coords = geographic(values[0]).coords
    stack = xr.DataArray(values, {**coords, "band": ["red", "nir"]}, ("band", "latitude", "longitude"))
    made = on_grid(stack.transpose("latitude", "band", "longitude").to_dataset(name="x"), COARSE)["x"]
    assert made.dims == ("band", "latitude", "longitude")
    assert list(made["band"].values) == ["red", "nir"]
    for k in range(2):
        alone = on_grid(geographic(values[k]).to_dataset(name="x"), COARSE)["x"]
        np.testing.assert_array_equal(made.values[k], alone.values)


def test_lazy_layers_stay_lazy_and_chunks_change_nothing():
    values = np.random.default_rng(9).normal(size=(12, 16)).astype(np.float32)
    field = geographic(values).to_dataset(name="x")
    whole = on_grid(field, COARSE)["x"]
    for chunks in ({"latitude": 5, "longitude": 7}, {"latitude": 1, "longitude": 16}):
        made = on_grid(field.chunk(chunks), COARSE)["x"]
        assert made.chunks is not None
        np.testing.assert_array_equal(made.values, whole.values)


def test_integers_and_booleans_become_shares():
    values = np.zeros((12, 16), bool)
    values[:, ::2] = True
    made = on_grid(geographic(values).to_dataset(name="x"), COARSE)["x"]
    assert made.dtype == np.float32
    np.testing.assert_allclose(made.values, 0.5, rtol=1e-6)


def test_layers_that_are_no_map_are_refused():
    with pytest.raises(InputError, match="latitude and longitude, or y and x"):
        on_grid(xr.Dataset({"x": ("site", [1.0])}), COARSE)


def test_layers_elsewhere_are_refused():
    with pytest.raises(InputError, match="do not overlap"):
        on_grid(geographic(np.ones((4, 4)), west=10.0).to_dataset(name="x"), COARSE)
