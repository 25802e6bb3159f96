"""Outlines on a projected map: areas, holes and the cut at 180 degrees, with closed formulas as the oracle."""

import cartopy.crs as ccrs
import numpy as np
import pytest
import shapely
from pyproj import Geod

from musyq_lab.figures._shapes import path_of, projected, window_of

EQUAL = {
    "equal_earth": ccrs.EqualEarth(),
    "lambert": ccrs.LambertAzimuthalEqualArea(central_longitude=100, central_latitude=40),
    "albers": ccrs.AlbersEqualArea(central_longitude=105, standard_parallels=(25, 47)),
}
WGS84 = Geod(ellps="WGS84")


def geodesic_area(polygon):
    """Area on the ellipsoid of a polygon whose edges are straight in degrees, m2."""
    area, _ = WGS84.geometry_area_perimeter(shapely.segmentize(polygon, 0.05))
    return abs(area)


class TestProjected:
    @pytest.mark.parametrize("name", EQUAL)
    @pytest.mark.parametrize("bounds", [(95, 25, 110, 45), (100, -5, 104, 5), (80, 50, 120, 60)])
    def test_area_is_that_on_the_ellipsoid(self, name, bounds):
        shape = shapely.box(*bounds)
        assert projected(shape, EQUAL[name]).area == pytest.approx(geodesic_area(shape), rel=2e-4)

    def test_a_point_of_an_edge_lies_where_the_projection_puts_it(self):
        shape = shapely.box(60, 30, 140, 60)
        moved = projected(shape, EQUAL["lambert"])
        for lon in (61.03, 88.7, 100.0, 133.33):
            x, y = EQUAL["lambert"].transform_point(lon, 60.0, ccrs.PlateCarree())
            assert moved.exterior.distance(shapely.Point(x, y)) < 2.0

    def test_a_hole_stays_a_hole(self):
        outer, inner = shapely.box(90, 20, 110, 40), shapely.box(98, 28, 102, 32)
        moved = projected(outer.difference(inner), EQUAL["lambert"])
        assert len(moved.interiors) == 1
        assert moved.area == pytest.approx(geodesic_area(outer) - geodesic_area(inner), rel=2e-4)

    def test_parts_that_meet_at_180_degrees_are_joined(self):
        both = shapely.MultiPolygon([shapely.box(170, 60, 180, 70), shapely.box(-180, 60, -170, 70)])
        moved = projected(both, ccrs.LambertAzimuthalEqualArea(central_longitude=180, central_latitude=60))
        assert moved.geom_type == "Polygon"
        assert moved.area == pytest.approx(2 * geodesic_area(shapely.box(170, 60, 180, 70)), rel=2e-4)

    def test_parts_apart_stay_apart(self):
        both = shapely.MultiPolygon([shapely.box(90, 10, 95, 15), shapely.box(105, 10, 110, 15)])
        assert len(shapely.get_parts(projected(both, EQUAL["albers"]))) == 2

    def test_lines_stay_lines(self):
        line = shapely.MultiLineString([[(90, 10), (110, 10)], [(100, 0), (100, 20)]])
        moved = projected(line, EQUAL["lambert"])
        assert {part.geom_type for part in shapely.get_parts(moved)} == {"LineString"}
        meridian = shapely.get_parts(moved)[1]
        # The central meridian is straight and goes through x = 0.
        assert np.abs(shapely.get_coordinates(meridian)[:, 0]).max() < 1e-6

    def test_points_and_nothing_give_nothing(self):
        for shape in (shapely.Point(1, 2), shapely.MultiPolygon(), shapely.GeometryCollection()):
            assert projected(shape, EQUAL["lambert"]).is_empty

    def test_result_is_valid_even_of_a_bow_tie(self):
        tie = shapely.Polygon([(100, 10), (110, 20), (110, 10), (100, 20)])
        assert not tie.is_valid
        moved = projected(tie, EQUAL["lambert"])
        assert moved.is_valid
        assert moved.area > 0


class TestPath:
    def test_nothing_makes_an_empty_path(self):
        assert len(path_of(shapely.MultiPolygon()).vertices) == 0
        assert len(path_of(shapely.LineString([(0, 0), (1, 1)])).vertices) == 0

    def test_inside_outside_and_hole(self):
        ring = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
        path = path_of(ring)
        found = path.to_polygons()
        assert len(found) == 2
        areas = [float(np.sum(p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1]) / 2) for p in found]
        # Shoelace: the shell runs one way, the hole the other, so that the even-odd and the winding rule agree.
        assert np.prod(np.sign(areas)) == -1
        assert sum(areas) == pytest.approx(100 - 4)

    @pytest.mark.parametrize("clockwise", [False, True])
    def test_direction_of_the_input_does_not_matter(self, clockwise):
        shell = [(0, 0), (10, 0), (10, 10), (0, 10)]
        hole = [(2, 2), (2, 4), (4, 4), (4, 2)]
        polygon = shapely.Polygon(shell[::-1] if clockwise else shell, [hole[::-1] if clockwise else hole])
        found = path_of(polygon).to_polygons()
        areas = [float(np.sum(p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1]) / 2) for p in found]
        assert areas == pytest.approx([100, -4])

    def test_lines_among_polygons_are_left_out(self):
        mixed = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.LineString([(5, 5), (6, 6)])])
        assert path_of(mixed).get_extents().x1 == 1


class TestWindow:
    def frame(self, projection, half):
        return (-half, half, -half, half)

    @pytest.mark.parametrize("latitude", [-60, -20, 0, 35, 65])
    @pytest.mark.parametrize("longitude", [-175, -60, 0, 90, 179])
    def test_every_point_shown_lies_in_the_window(self, latitude, longitude):
        projection = ccrs.LambertAzimuthalEqualArea(central_longitude=longitude, central_latitude=latitude)
        window = window_of(projection, self.frame(projection, 1.5e6))
        random = np.random.default_rng(abs(latitude) * 1000 + abs(longitude))
        x, y = random.uniform(-1.5e6, 1.5e6, (2, 400))
        lonlat = ccrs.PlateCarree().transform_points(projection, x, y)[:, :2]
        assert shapely.covers(window, shapely.points(lonlat)).all()

    def test_a_small_frame_gives_a_small_window(self):
        projection = ccrs.LambertAzimuthalEqualArea(central_longitude=100, central_latitude=0)
        west, south, east, north = window_of(projection, self.frame(projection, 1e5)).bounds
        # 100 km are 0.9 degrees at the equator; two degrees are added for safety.
        assert (west, south, east, north) == pytest.approx((97.1, -2.9, 102.9, 2.9), abs=0.02)

    def test_a_frame_over_the_cut_gives_two_boxes_within_180(self):
        projection = ccrs.LambertAzimuthalEqualArea(central_longitude=180, central_latitude=0)
        window = window_of(projection, self.frame(projection, 1e6))
        assert len(shapely.get_parts(window)) == 2
        assert window.bounds[0] == -180
        assert window.bounds[2] == 180
        assert not window.intersects(shapely.Point(0, 0))

    def test_a_frame_round_the_pole_shows_every_longitude(self):
        projection = ccrs.LambertAzimuthalEqualArea(central_longitude=0, central_latitude=90)
        west, _, east, north = window_of(projection, self.frame(projection, 1e6)).bounds
        assert (west, east, north) == (-180, 180, 90)

    def test_the_globe_and_more_is_everything(self):
        projection = ccrs.EqualEarth()
        x0, x1, y0, y1 = (*projection.x_limits, *projection.y_limits)
        assert window_of(projection, (2 * x0, 2 * x1, 2 * y0, 2 * y1)).bounds == (-180, -90, 180, 90)
