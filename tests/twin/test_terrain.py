"""Relief: the place's mean and spread, structure, rivers in valleys, level water, slopes worked by hand."""

from functools import cache

import numpy as np
import pytest
from scipy import ndimage
from twin.land import land

from musyq_lab.twin.grid import WorldGrid, local_grid
from musyq_lab.twin.place import PLACES, place, world_grid
from musyq_lab.twin.terrain import slope_aspect, terrain

LOCAL = [key for key, spot in PLACES.items() if spot.kind == "local"]
NAMES = {"elevation": "m", "slope": "degree", "aspect": "degree", "wetness": "1", "drainage_area": "m2", "water": "1"}


@cache
def made(where="huailai", size=5.12, resolution=40.0, seed=1):
    spot = place(where)
    return terrain(spot, world_grid(spot, size, resolution), seed)


@pytest.mark.parametrize("key", [*PLACES])
def test_fields_are_complete(key):
    _, grid, static = land(key)
    for name, units in NAMES.items():
        assert static[name].shape == grid.shape
        assert static[name].attrs["units"] == units
        assert static[name].attrs["long_name"]
        assert static[name].dtype == (bool if name == "water" else np.float32)
        assert np.isfinite(static[name]).all()
    assert static["slope"].min() >= 0
    assert static["slope"].max() < 85
    assert static["aspect"].min() >= 0
    assert static["aspect"].max() < 360
    assert static["wetness"].min() >= 0
    assert static["wetness"].max() <= 1


@pytest.mark.parametrize("key", LOCAL)
def test_mean_and_spread_are_the_place_s(key):
    spot = place(key)
    height = terrain(spot, world_grid(spot, resolution=120.0), 3)["elevation"].values
    assert height.mean() == pytest.approx(spot.elevation, abs=0.1)
    assert height.std() == pytest.approx(spot.spread, rel=1e-3)


def test_a_smaller_square_has_less_relief():
    spot = place("huailai")
    height = terrain(spot, world_grid(spot, size=3.84, resolution=40.0), 3)["elevation"].values
    assert height.std() == pytest.approx(spot.spread * (3.84 / spot.size) ** 0.5, rel=1e-3)


def test_relief_is_smooth_and_not_noise():
    height = made()["elevation"].values
    height = height - height.mean()

    def correlation(lag):
        return (height[lag:] * height[:-lag]).mean() / height.var()

    assert correlation(1) > 0.98
    assert correlation(5) > 0.8
    assert correlation(60) < 0.5 * correlation(5)


def test_there_are_a_plain_and_mountains():
    slope = made("huailai", 15.36, 80.0)["slope"].values
    assert np.mean(slope < 3) > 0.4
    assert 20 < np.percentile(slope, 95) < 45


@pytest.mark.parametrize("key", LOCAL)
def test_water_has_its_share(key):
    spot, _, static = land(key)
    assert float(static["water"].mean()) == pytest.approx(spot.cover.get(17, 0.0), abs=1e-3)


@pytest.mark.parametrize("key", LOCAL)
def test_water_lies_low_and_wet(key):
    static = made(key)
    water = static["water"].values
    rank = np.argsort(np.argsort(static["elevation"].values, axis=None)).reshape(water.shape) / water.size
    assert np.median(rank[water]) < 0.45
    assert static["wetness"].values[water].mean() > static["wetness"].values[~water].mean() + 0.2
    assert np.median(static["drainage_area"].values[water]) > np.median(static["drainage_area"].values[~water])


@pytest.mark.parametrize("key", LOCAL)
def test_water_is_level(key):
    static = made(key)
    inner = static["water"].values.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(static["water"].values, step, axis)
    assert np.median(static["slope"].values[inner]) < 1.0


def test_the_lake_is_one_level():
    static = made("huailai")
    height = static["elevation"].values[static["water"].values]
    _, count = np.unique(height, return_counts=True)
    assert count.max() > 0.6 * height.size


def test_valleys_gather_more_than_ridges():
    static = made("huailai")
    wetness, area, height = (static[n].values for n in ("wetness", "drainage_area", "elevation"))
    assert np.corrcoef(wetness.ravel(), np.log(area).ravel())[0, 1] > 0.3
    assert np.corrcoef(wetness.ravel(), height.ravel())[0, 1] < -0.3


def test_drainage_area_is_inside_the_world():
    spot = place("huailai")
    grid = world_grid(spot, 5.12, 40.0)
    area = made()["drainage_area"].values
    assert area.min() >= grid.metres**2
    assert area.max() <= 1.01 * grid.metres**2 * area.size


def plane(grid, east, north):
    """A plane that rises by so many metres a metre to the east and to the north."""
    y, x = np.mgrid[: grid.rows, : grid.columns] * grid.resolution
    return (east * x - north * y).astype(np.float32)


@pytest.mark.parametrize(
    ("east", "north", "aspect"),
    [(-1, 0, 90), (1, 0, 270), (0, -1, 0), (0, 1, 180), (-1, -1, 45), (1, -1, 315), (1, 1, 225), (-1, 1, 135)],
)
def test_aspect_is_where_a_plane_faces(east, north, aspect):
    grid = local_grid(115.8, 40.3, 1.0, 20.0)
    slope, found = slope_aspect(plane(grid, 0.1 * east, 0.1 * north), grid)
    assert (found + 180 - aspect) % 360 - 180 == pytest.approx(0, abs=1e-3)
    assert slope == pytest.approx(np.degrees(np.arctan(0.1 * np.hypot(east, north))), abs=1e-3)


def test_flat_land_has_no_slope():
    grid = local_grid(115.8, 40.3, 1.0, 20.0)
    slope, aspect = slope_aspect(np.full(grid.shape, 7.0, np.float32), grid)
    assert not slope.any()
    assert not aspect.any()


def test_a_degree_of_longitude_shrinks_to_the_pole():
    grid = WorldGrid("EPSG:4326", 1.0, 0.0, 61.0, 10, 2)  # rows at 60.5 and 59.5 N
    height = np.tile(np.arange(10.0, dtype=np.float32) * 1000, (2, 1))
    slope, _ = slope_aspect(height, grid)
    assert np.tan(np.radians(slope[:, 4])) == pytest.approx(
        1000 / (111_195 * np.cos(np.radians([60.5, 59.5]))), rel=1e-3
    )


def test_same_seed_same_bytes_and_another_world_otherwise():
    first, again, other = (made.__wrapped__(size=2.56, seed=seed) for seed in (1, 1, 2))
    for name in NAMES:
        assert first[name].values.tobytes() == again[name].values.tobytes()
        assert first[name].values.tobytes() != other[name].values.tobytes()
    correlation = np.corrcoef(first["elevation"].values.ravel(), other["elevation"].values.ravel())[0, 1]
    assert abs(correlation) < 0.9


def test_places_differ_at_the_same_seed():
    first, second = made("huailai")["elevation"].values, made("heihe")["elevation"].values
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.9


def test_the_ocean_is_flat_water():
    static = made((-150.0, 0.0))
    assert static["water"].all()
    assert not static["slope"].any()
    assert (static["elevation"] == 0).all()


def test_a_coast_has_the_sea_at_zero():
    spot = place((180.0, -17.0))
    static = made((180.0, -17.0))
    water = static["water"].values
    assert water.mean() == pytest.approx(spot.cover[17], abs=0.02)
    assert np.all(static["elevation"].values[water] == 0)
    assert static["elevation"].values[~water].min() >= 0


def test_a_lake_in_the_mountains_stays_there():
    static = made((85.6, 30.9))  # Tangra Yumco, Tibet
    assert static["elevation"].min() > 3000


@pytest.mark.parametrize("where", [(0.0, 90.0), (0.0, -90.0), (-180.0, 66.5)])
def test_poles_and_antimeridian_have_land_or_sea(where):
    assert np.isfinite(made(where)["elevation"]).all()


@pytest.mark.parametrize(("size", "resolution"), [(0.8, 100.0), (1.1, 100.0), (3.1, 100.0), (4.5, 30.0)])
def test_worlds_of_any_size(size, resolution):
    static = made("huailai", size, resolution)
    cells = round(size * 1000 / resolution)
    assert static["elevation"].shape == (cells, cells)
    assert static["water"].mean() == pytest.approx(0.07, abs=1 / cells)


def test_the_globe_has_its_mountains_and_seas():
    _, grid, static = land("globe")

    def at(longitude, latitude, name):
        row, column = grid.cells(np.array(longitude), np.array(latitude))
        return static[name].values[round(float(row)), round(float(column))]

    assert at(88, 33, "elevation") > 4500  # Tibet
    assert at(-42, 75, "elevation") > 1500  # Greenland
    assert at(-150, 0, "elevation") == 0
    assert at(-150, 0, "water")
    assert not at(88, 33, "water")
    area = np.cos(np.radians(grid.latitude))
    assert np.average(static["water"].values, weights=area) == pytest.approx(0.71, abs=0.02)
    cells = static["drainage_area"].values
    assert cells.sum() == pytest.approx(4 * np.pi * 6_371_000**2, rel=0.01)


def test_rivers_reach_the_lake_or_the_edge():
    static = made("jingyuetan")
    water = static["water"].values
    label, count = ndimage.label(ndimage.binary_dilation(water, iterations=2), np.ones((3, 3)))
    lake = label[tuple(np.argwhere(ndimage.binary_erosion(water, iterations=2))[0])]
    edge = np.unique(np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]]))
    joined = sum((label == number).sum() for number in range(1, count + 1) if number == lake or number in edge)
    assert joined > 0.7 * (label > 0).sum()


def test_a_river_widens_as_it_gathers():
    static = made("huailai", 5.12, 20.0)
    water, area = static["water"].values, static["drainage_area"].values
    lake = ndimage.binary_dilation(ndimage.binary_erosion(water, iterations=7), iterations=12)
    width = ndimage.distance_transform_edt(water)
    middle = water & ~lake & (width == ndimage.maximum_filter(width, 5))
    small = middle & (area < np.quantile(area[middle], 0.3))
    large = middle & (area > np.quantile(area[middle], 0.7))
    assert width[large].mean() > width[small].mean()


def test_ridges_shed_and_valleys_are_lower_than_their_sides():
    static = made()
    height, area = static["elevation"].values, static["drainage_area"].values
    around = ndimage.uniform_filter(height, 9)
    valley, ridge = area > np.quantile(area, 0.97), area < np.quantile(area, 0.2)
    assert (height - around)[valley].mean() < 0 < (height - around)[ridge].mean()


def test_hypsometry_has_a_long_low_side():
    """Plains below and few peaks above: mean above the median, as over most catchments with a plain."""
    height = made("huailai")["elevation"].values
    assert height.mean() > np.median(height)


def test_the_edge_is_as_steep_as_the_inside():
    """Interpolation must not flatten the outer rows and columns of a mountain world."""
    edge, inside = [], []
    for seed in range(4):
        spot = place("huailai")
        height = terrain(spot, world_grid(spot, 12.0, 30.0), seed)["elevation"].values.astype(float)
        for h in (height, height.T, height[::-1], height.T[::-1]):
            steps = np.abs(np.diff(h, axis=0))
            edge.append(steps[0].mean())
            inside.append(steps[2:4].mean())
    assert np.mean(edge) / np.mean(inside) == pytest.approx(1.0, abs=0.2)
