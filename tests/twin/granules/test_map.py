"""Which map pixels cover a world, and where they are: against direct transformations."""

from datetime import datetime

import numpy as np
import pyproj
import pytest
from twin.granules.images import PLACE, SOUTH, passes, world

from musyq_lab.twin.granules import landsat_oli, sentinel2_msi
from musyq_lab.twin.granules._map import Frame, across, frame_of, inside_swath, middle, outline, seen, sunlit, track
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.orbit import SPHERE


@pytest.mark.parametrize("epsg", [32601, 32650, 32760, 32756])
@pytest.mark.parametrize("resolution", [10, 60])
def test_places_agree_with_the_transformation_of_each_pixel(epsg, resolution):
    # Zones 1 and 60 reach over the antimeridian.
    left = 199_980.0 if epsg == 32601 else 780_000.0
    frame = Frame(epsg, left, 5_400_000.0, 3000.0, 1800.0)
    lon, lat = frame.places(resolution)
    assert lon.shape == frame.shape(resolution) == (1800 // resolution, 3000 // resolution)
    x = frame.left + resolution * (np.arange(lon.shape[1]) + 0.5)
    y = frame.top - resolution * (np.arange(lon.shape[0]) + 0.5)
    expected = pyproj.Transformer.from_crs(epsg, 4326, always_xy=True).transform(*np.meshgrid(x, y))
    assert np.abs((lon - expected[0] + 180) % 360 - 180).max() * 111_000 < 0.02
    assert np.abs(lat - expected[1]).max() * 111_000 < 0.02
    assert np.abs(lon).max() <= 180


def test_inset_pixels_begin_later():
    frame = Frame(32650, 400_005.0, 4_400_015.0, 300.0, 300.0)
    lon, _ = frame.places(15.0, inset=7.5)
    assert lon.shape == (19, 19)
    assert lon[0, 0] == pytest.approx(frame.places(30.0)[0][0, 0], abs=1e-9)


def test_frame_covers_the_world_on_multiples_of_the_step():
    grid = world()
    frame = frame_of(grid, 60.0, limit=60_000.0)
    assert (frame.left % 60, frame.top % 60, frame.width % 60, frame.height % 60) == (0, 0, 0, 0)
    assert 0 <= grid.west - frame.left < 60
    assert 0 <= frame.top - grid.north < 60
    assert 0 <= frame.left + frame.width - grid.west - 1280 < 60
    shifted = frame_of(grid, 30.0, limit=60_000.0, offset=15.0)
    assert (shifted.left % 30, shifted.top % 30) == (15, 15)


def test_southern_worlds_in_northern_zones():
    grid = world(SOUTH)
    south, north = (frame_of(grid, 60.0, limit=60_000.0, north_only=flag) for flag in (False, True))
    assert (south.epsg, north.epsg) == (32756, 32656)
    assert south.centre == pytest.approx(north.centre, abs=1e-3)
    assert abs(south.top - 1e7 - north.top) < 60


def test_worlds_in_degrees_and_large_ones():
    grid = WorldGrid("EPSG:4326", 0.001, 116.0, 40.0, 40, 30)
    frame = frame_of(grid, 60.0, limit=60_000.0)
    lon, lat = frame.places(60)
    assert lon.min() < 116.0005
    assert lon.max() > 116.0395
    assert lat.max() > 39.9995
    assert middle(grid) == pytest.approx((116.02, 39.985))
    assert outline(grid)[0].max() == pytest.approx(116.04)
    small = frame_of(grid, 60.0, limit=600.0)
    assert (small.width, small.height) == (600.0, 600.0)
    assert small.centre == pytest.approx(middle(grid), abs=1e-3)


def test_zone_can_be_chosen():
    frame = frame_of(world((119.99, 40.0)), 60.0, limit=60_000.0, zone=51)
    assert frame.epsg == 32651
    assert frame.centre == pytest.approx((119.99, 40.0), abs=1e-2)


def test_across_is_positive_to_the_right_of_the_flight():
    overpass = passes(landsat_oli)[0]
    angles = np.array([-0.02, 0.0, 0.01])
    lon, lat = overpass.ground(np.zeros(3), angles)
    assert across(overpass, lon, lat) == pytest.approx(angles, abs=1e-9)
    assert lon[2] < lon[0]  # it flies south: the west is on its right
    reach = overpass.orbit.swath * 1000 / SPHERE
    lon, lat = overpass.ground(np.zeros(3), np.array([-1.01, 0.99, 1.01]) * reach)
    assert inside_swath(overpass, lon, lat).tolist() == [False, True, False]


def test_seen_blanks_what_lies_outside():
    overpass = passes(landsat_oli)[0]
    reach = overpass.orbit.swath * 1000 / SPHERE
    lon, lat = overpass.ground(np.linspace(-0.001, 0.001, 5)[:, np.newaxis], reach * np.linspace(0.98, 1.02, 5))
    found = seen(overpass, lon, lat)
    assert found is not None
    assert np.isnan(found[0][:, 3:]).all()
    assert not np.isnan(found[0][:, :2]).any()
    assert (np.isnan(found[0]) == np.isnan(found[1])).all()
    inside = overpass.ground(np.zeros((2, 2)), np.zeros((2, 2)))
    assert seen(overpass, *inside) is not None
    outside = overpass.ground(np.zeros((2, 2)), np.full((2, 2), 2 * reach))
    assert seen(overpass, *outside) is None


@pytest.mark.parametrize("module", [landsat_oli, sentinel2_msi])
@pytest.mark.parametrize("place", [PLACE, SOUTH, (10.0, 1.0), (25.0, 70.0)])
def test_track_finds_the_node_of_the_comb(module, place):
    orbit = module.INSTRUMENT.orbit
    for overpass in passes(module, place, datetime(2022, 6, 1), 5):
        node, angle = track(overpass)
        steps = (orbit.node - node) % 360 * orbit.orbits / 360
        assert abs(steps - round(steps)) < 1e-3
        assert np.sign(angle) == -np.sign(overpass.axes[0][2])  # going south: the north comes before the node


def test_day_and_night():
    assert sunlit(datetime(2023, 6, 1, 4), *PLACE)
    assert not sunlit(datetime(2023, 6, 1, 16), *PLACE)
