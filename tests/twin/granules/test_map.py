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


@pytest.mark.parametrize("latitude", [0.0, 45.0, 70.0, 83.0])
def test_lines_between_nodes_err_as_much_as_they_say(latitude):
    """_NODE^2 tan(latitude) / (8 R), as a distance; half a degree from the central meridian."""
    x, y = pyproj.Transformer.from_crs(4326, 32650, always_xy=True).transform(117.5, latitude)
    frame = Frame(32650, 30.0 * round(x / 30), 30.0 * round(y / 30), 1500.0, 900.0)
    lon, lat = frame.places(30.0)
    columns, rows = np.meshgrid(np.arange(50), np.arange(30))
    back = pyproj.Transformer.from_crs(32650, 4326, always_xy=True)
    exact = back.transform(frame.left + 15 + 30 * columns, frame.top - 15 - 30 * rows)
    bound = 480**2 * np.tan(np.radians(latitude)) / (8 * 6_371_000) + 1e-3
    assert np.abs(lon - exact[0]).max() * 111_320 * np.cos(np.radians(latitude)) < bound
    assert np.abs(lat - exact[1]).max() * 111_320 < bound


@pytest.mark.parametrize(("width", "height"), [(30.0, 30.0), (30.0, 900.0), (1200.0, 30.0)])
def test_one_pixel_one_column_and_one_row(width, height):
    frame = Frame(32750, 500_010.0, 7_000_020.0, width, height)
    lon, lat = frame.places(30.0)
    assert lon.shape == lat.shape == frame.shape(30.0) == (height // 30, width // 30)
    assert frame.geographic(np.array(500_025.0), np.array(7_000_005.0)) == pytest.approx((lon[0, 0], lat[0, 0]))
    assert np.isfinite(lon).all()


def test_middle_of_a_frame_goes_back_to_its_coordinates():
    frame = Frame(32633, 399_990.0, 5_700_030.0, 6000.0, 9000.0)
    assert frame.zone == 33
    to_map = pyproj.Transformer.from_crs(4326, 32633, always_xy=True)
    assert to_map.transform(*frame.centre) == pytest.approx((402_990.0, 5_695_530.0), abs=1e-3)


@pytest.mark.parametrize(
    ("place", "epsg"),
    [
        ((-180.0, 10.0), 32601),
        ((179.99, 10.0), 32660),
        ((180.0, -10.0), 32760),
        ((-0.01, 51.5), 32630),
        ((0.01, 51.5), 32631),
        ((6.0, 0.001), 32632),
        ((5.999, -0.2), 32731),
    ],
)
def test_zones_are_six_degrees_wide_and_begin_in_the_west(place, epsg):
    frame = frame_of(world(place, cells=8), 60.0, limit=60_000.0)
    assert frame.epsg == epsg
    assert (frame.centre[0] - place[0] + 180) % 360 - 180 == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize(
    ("grid", "zone"),
    [
        (world((119.99, 40.0), cells=40), 51),
        (world((119.99, -40.0), cells=40), 49),
        (WorldGrid("EPSG:4326", 0.002, 10.0, 60.0, 50, 40), 0),
        (WorldGrid("EPSG:3857", 50.0, 12_000_000.0, 4_000_000.0, 30, 60), 0),
        (WorldGrid("EPSG:4326", 0.002, 10.0, 0.03, 30, 30), 0),
    ],
    ids=["next zone", "zone before", "degrees", "Mercator", "equator"],
)
def test_every_cell_lies_in_the_frame_and_little_else(grid, zone):
    frame = frame_of(grid, 60.0, limit=600_000.0, zone=zone)
    x, y = pyproj.Transformer.from_crs(4326, frame.epsg, always_xy=True).transform(grid.longitude, grid.latitude)
    assert frame.left <= x.min()
    assert x.max() <= frame.left + frame.width
    assert frame.top - frame.height <= y.min()
    assert y.max() <= frame.top
    spare = 60 + grid.metres * 0.75
    assert x.min() - frame.left < spare
    assert frame.top - y.max() < spare


@pytest.mark.parametrize("limit", [60.0, 120.0, 600.0, 1260.0, 1320.0])
def test_large_worlds_are_cut_around_their_middle(limit):
    grid = world(cells=64)  # 1280 m
    frame = frame_of(grid, 60.0, limit=limit)
    assert frame.width <= max(limit, 60)
    assert frame.height <= max(limit, 60)
    assert (frame.left % 60, frame.top % 60, frame.width % 60, frame.height % 60) == (0, 0, 0, 0)
    assert abs(frame.left + frame.width / 2 - (grid.west + 640)) <= 60
    assert abs(frame.top - frame.height / 2 - (grid.north - 640)) <= 60


def test_outlines_hold_the_corners_of_a_world():
    grid = world(cells=8)
    lon, lat = outline(grid)
    assert lon.shape == lat.shape == (21, 21)
    row, column = grid.cells(lon, lat)
    for values in (row, column):  # cells are counted from the centre of the first
        assert (values.min(), values.max()) == pytest.approx((-0.5, 7.5), abs=1e-6)
    assert column[0, 0] < column[0, -1]
    assert row[0, 0] < row[-1, 0]


@pytest.mark.parametrize(
    ("place", "month", "hours"),
    # Length of the day (h) by cos H = -tan(latitude) tan(declination), declination 23.43 degrees at the solstices.
    [((0.0, 0.0), 6, 12.0), ((0.0, 45.0), 6, 15.43), ((0.0, 45.0), 12, 8.57), ((0.0, -45.0), 6, 8.57),
     ((0.0, 80.0), 6, 24.0), ((0.0, 80.0), 12, 0.0), ((90.0, 90.0), 6, 24.0)],
)  # fmt: skip
def test_days_are_as_long_as_the_declination_says(place, month, hours):
    lit = sum(
        sunlit(datetime(2023, month, 21, hour, minute), *place) for hour in range(24) for minute in range(0, 60, 20)
    )
    assert lit / 3 == pytest.approx(hours, abs=0.5)
