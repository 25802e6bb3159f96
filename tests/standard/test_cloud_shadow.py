import numpy as np
import pytest
from pyproj import CRS, Transformer

from musyq_lab.standard import _cloud_shadow as module

SHAPE = (60, 80)


def test_displacement_points_away_from_the_sun_and_towards_the_sensor():
    """Sun in the south at 45 deg: a metre north per metre of height; sensor in the east at 45 deg: a metre east."""
    angle = np.full((1, 1), 45.0, np.float32)
    south, east_of = np.full((1, 1), 180.0, np.float32), np.full((1, 1), 90.0, np.float32)
    nothing = np.zeros((1, 1), np.float32)
    assert module._away(angle, south, nothing, nothing).ravel() == pytest.approx([0.0, 1.0], abs=1e-6)
    assert module._away(nothing, nothing, angle, east_of).ravel() == pytest.approx([1.0, 0.0], abs=1e-6)
    both = module._away(angle, south, angle, south)  # Sun and sensor in one place: cloud hides its shadow
    assert both.ravel() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_rows_and_columns_of_a_metre_on_a_map():
    x, y = np.meshgrid(30.0 * np.arange(8), -30.0 * np.arange(6))
    rows_east, rows_north, columns_east, columns_north = module._per_metre(x, y, "metre")
    np.testing.assert_allclose(rows_north, -1 / 30)
    np.testing.assert_allclose(columns_east, 1 / 30)
    np.testing.assert_allclose([rows_east, columns_north], 0.0, atol=1e-15)


def test_rows_and_columns_of_a_metre_in_degrees():
    """At 60 N a degree of longitude is half as long; across the antimeridian nothing changes."""
    for west in (10.0, 179.98):
        lon, lat = np.meshgrid(west + 0.01 * np.arange(8), 60.0 - 0.01 * np.arange(6))
        lon = (lon + 180.0) % 360.0 - 180.0
        _, rows_north, columns_east, _ = module._per_metre(lon, lat, "degree")
        np.testing.assert_allclose(1 / rows_north, -1111.95, rtol=1e-6)
        np.testing.assert_allclose(1 / columns_east, 1111.95 * np.cos(np.radians(lat)), rtol=1e-6)


def test_a_turned_swath_turns_the_direction():
    """Rows run east, columns run north: a metre north is columns, a metre east is rows."""
    north, east = np.meshgrid(1e-3 * np.arange(8), 1e-3 * np.arange(6))
    rows_east, rows_north, columns_east, columns_north = module._per_metre(east, north, "degree")
    np.testing.assert_allclose(1 / columns_north, 111.195, rtol=1e-6)
    np.testing.assert_allclose(1 / rows_east, 111.195, rtol=1e-4)
    np.testing.assert_allclose([rows_north, columns_east], 0.0, atol=1e-12)


def test_pixels_of_a_geostationary_disk_are_longer_off_nadir():
    """The length of a step on the ground, from geodetic places computed apart; outside the disk there is none."""
    crs = CRS.from_proj4("+proj=geos +h=35785863 +lon_0=140.7 +sweep=y +a=6378137 +b=6356752.3")
    x, y = np.meshgrid(-2.0e6 + 2000.0 * np.arange(5), 3.8e6 - 2000.0 * np.arange(5))
    per_metre = module._per_metre(x, y, crs.to_wkt())
    lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)[1]
    step = (lat[3, 2] - lat[1, 2]) / 2 * 111_195.0
    assert per_metre[1][2, 2] == pytest.approx(1 / step, rel=0.1)
    assert abs(1 / per_metre[1][2, 2]) > 2500.0  # more than the 2 km of the nadir
    assert np.isnan(module._per_metre(x + 9e6, y, crs.to_wkt())).all()


def test_heights_follow_temperature_with_a_margin():
    top = np.array([[270.0, np.nan]], np.float32)
    clear = np.full((1, 2), 296.0, np.float32)
    low, high = module._heights(top, clear)
    assert low[0, 0] < 26.0 / 6.5e-3 < high[0, 0]
    assert (low[0, 1], high[0, 1]) == module.HEIGHTS
    low, high = module._heights(top, np.full((1, 2), np.nan, np.float32))
    assert (low.min(), high.max()) == module.HEIGHTS


def shifted(height, per_block=1 / 100.0):
    """Return a cloud, its field of displacement (2 blocks down, 1 right for 200 m) and its shadow from a height."""
    cloud = np.zeros(SHAPE, bool)
    cloud[20:26, 30:40] = True
    shift = np.stack([np.full(SHAPE, per_block), np.full(SHAPE, per_block / 2)])
    rows, columns = np.nonzero(cloud)
    shade = np.zeros(SHAPE, bool)
    shade[np.rint(rows + height * per_block).astype(int), np.rint(columns + height * per_block / 2).astype(int)] = True
    return cloud, shift, shade


@pytest.mark.parametrize("height", [600.0, 1200.0, 2500.0])
def test_each_cloud_casts_from_the_height_where_it_is_dark(height):
    cloud, shift, shade = shifted(height)
    low, high = (np.full(SHAPE, value, np.float32) for value in module.HEIGHTS)
    dark = np.where(cloud, np.nan, shade.astype(float))
    reached = module._cast(cloud, shift, low, high, dark)
    assert reached[shade & ~cloud].all()
    assert reached.sum() < 2.2 * cloud.sum()


def test_no_dark_ground_no_shadow_and_limits_of_height_hold():
    cloud, shift, shade = shifted(2500.0)
    low, high = (np.full(SHAPE, value, np.float32) for value in module.HEIGHTS)
    bright = np.where(cloud, np.nan, 0.0)
    assert not module._cast(cloud, shift, low, high, bright).any()
    dark = np.where(cloud, np.nan, shade.astype(float))
    assert not module._cast(cloud, shift, low, np.full(SHAPE, 1000.0, np.float32), dark)[shade].any()
    assert not module._cast(np.zeros(SHAPE, bool), shift, low, high, dark).any()
    assert not module._cast(cloud, shift * np.nan, low, high, dark).any()


def test_a_large_cloud_is_tried_on_part_of_its_blocks_evenly():
    own = np.repeat([1, 2, 1], [3000, 4, 1000])
    few = module._some(own)
    kept = np.bincount(own[few])
    assert kept[2] == 4
    assert kept[1] == module._ENOUGH
    ranks = np.flatnonzero(own == 1)
    assert np.array_equal(np.sort(few[own[few] == 1]), ranks[::4])


def test_means_do_not_depend_on_the_order_of_summation():
    values = np.random.Generator(np.random.Philox(1)).uniform(0, 1, (4, 16, 6, 16)).astype(np.float32)
    values[0, :3] = np.nan
    expected = module._mean(values, (1, 3))
    assert np.array_equal(module._mean(values[:, ::-1, :, ::-1], (1, 3)), expected)
    np.testing.assert_allclose(expected, np.nanmean(values, axis=(1, 3)), rtol=1e-5)
    values[1, :, 2] = np.nan
    assert np.isnan(module._mean(values, (1, 3))[1, 2])
