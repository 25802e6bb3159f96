"""Regions: members, centres across the antimeridian, projections and extents."""

import numpy as np
import pytest
import shapely
from cartopy import crs as ccrs
from pyproj import Geod

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.figures import regions
from musyq_lab.figures.regions import MapRegion, country, named_region

NAMES = {"en": "Test", "zh": "试"}


def test_named_regions_come_from_the_catalogue():
    west_asia = named_region("west_asia")
    assert west_asia.name("zh") == "西亚"
    assert west_asia.geometry.contains(shapely.points(45.0, 24.0))  # Riyadh's surroundings
    assert not west_asia.geometry.intersects(shapely.points(52.0, 34.0))  # Iran


def test_belt_and_road_holds_all_ten_regions():
    whole = named_region("belt_and_road").geometry
    for lon, lat in (
        (45, 24),
        (78, 22),
        (105, 35),
        (102, 15),
        (68, 48),
        (100, 62),
        (135, -25),
        (10, 50),
        (5, 28),
        (22, -30),
    ):
        assert whole.contains(shapely.points(lon, lat)), (lon, lat)
    assert not whole.intersects(shapely.points(-100.0, 40.0))


def test_an_unknown_region_names_the_near_one():
    with pytest.raises(NotFoundError, match="west_asia"):
        named_region("west_asi")


@pytest.mark.parametrize(
    ("code", "latitude", "longitude"),
    [("FJI", -17.5, 178.5), ("RUS", 61.7, 97.0), ("CHN", 36.5, 103.5), ("NZL", -41.8, 172.5)],
)
def test_centres_are_inside_the_country_whatever_the_cut(code, latitude, longitude):
    found = regions.centre_of(country(code).geometry)
    assert found == pytest.approx((latitude, longitude), abs=2.5)


def test_the_centre_of_a_square_on_the_antimeridian():
    halves = shapely.union_all([shapely.box(170, -10, 180, 10), shapely.box(-180, -10, -170, 10)])
    latitude, longitude = regions.centre_of(halves)
    assert latitude == pytest.approx(0, abs=1e-9)
    assert abs(longitude) == pytest.approx(180)


def test_a_region_without_area_is_refused():
    with pytest.raises(InputError, match="no area"):
        regions.centre_of(shapely.linestrings([(0, 0), (1, 1)]))


@pytest.mark.parametrize(
    ("region", "kind"),
    [(None, ccrs.EqualEarth), ("CHN", ccrs.AlbersEqualArea), ("FJI", ccrs.LambertAzimuthalEqualArea)],
)
def test_each_region_has_its_projection(region, kind):
    chosen = None if region is None else country(region)
    assert isinstance(regions.projection_of(chosen), kind)
    assert regions.projection_words(chosen, "en") != regions.projection_words(chosen, "zh") or region is None


@pytest.mark.parametrize("region", [None, "CHN", "RUS"])
def test_projections_are_equal_area(region):
    """A projected cell has the area it has on the ellipsoid (pyproj's Geod knows nothing of map projections)."""
    projection = regions.projection_of(None if region is None else country(region))
    for lon, lat in ((75.0, 20.0), (110.0, 48.0), (130.0, 66.0)):
        cell = shapely.segmentize(shapely.box(lon, lat, lon + 1, lat + 1), 0.02)
        x, y = shapely.get_coordinates(cell).T
        projected = shapely.polygons(projection.transform_points(ccrs.PlateCarree(), x, y)[:, :2])
        true, _ = Geod(ellps="WGS84").polygon_area_perimeter(x, y)
        assert projected.area == pytest.approx(abs(true), rel=1.5e-3)


def test_extents_hold_the_country_whole():
    for code, span in (("RUS", 8_500e3), ("FJI", 1_500e3)):
        region = country(code)
        x0, x1, y0, y1 = regions.extent_of(region, regions.projection_of(region))
        assert 0.02 * span < x1 - x0 < span, code
        assert y1 > y0


def test_far_territories_do_not_widen_the_map():
    main, far = shapely.box(0, 45, 5, 49), shapely.box(-54, 2, -52, 5)
    both = MapRegion("x", NAMES, shapely.union_all([main, far]))
    alone = MapRegion("y", NAMES, main)
    projection = ccrs.LambertAzimuthalEqualArea(2, 47)
    assert regions.extent_of(both, projection) == pytest.approx(regions.extent_of(alone, projection), rel=0.02)


def test_the_globe_is_shown_whole():
    projection = regions.projection_of(None)
    x0, x1, y0, y1 = regions.extent_of(None, projection)
    assert (x1 - x0) * (y1 - y0) > 4 * np.pi * 6.37e6**2


def test_areas_without_their_own_m49_entry_are_reported_where_the_catalogue_says():
    assert country(156).geometry.contains(shapely.points(121.0, 23.8))
    assert named_region("europe").geometry.contains(shapely.points(21.0, 42.6))
