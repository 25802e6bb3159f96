import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.analysis.coverage import polygon_coverage
from musyq_lab.standard.cells import authalic_measure

X = np.arange(-180, 181, 5.0)
Y = authalic_measure(np.arange(-90, 91, 5.0))


def area(geometry, x=X, y=Y):
    row, column, share = polygon_coverage(geometry, x, y)
    return float(np.sum(share * np.diff(y)[row] * np.diff(x)[column]))


def true_area(geometry):
    """Area in the equal-area plane of the densified outline, by shapely."""
    dense = shapely.segmentize(geometry, 0.5)
    return shapely.transform(dense, lambda p: np.column_stack([p[:, 0], authalic_measure(p[:, 1])])).area


def test_box_on_the_lines_fills_its_cells_and_no_other():
    row, column, share = polygon_coverage(shapely.box(10, 20, 25, 40), X, Y)
    np.testing.assert_allclose(share, 1.0, atol=1e-12)
    assert set(zip(row, column, strict=True)) == {(r, c) for r in range(22, 26) for c in range(38, 41)}


def test_cells_equal_clipping_by_shapely():
    geometry = shapely.Polygon([(3, 4), (31, 11), (22, 33), (12, 21), (-9, 27)], [[(12, 12), (18, 13), (14, 17)]])
    row, column, share = polygon_coverage(geometry, X, Y)
    dense = shapely.transform(
        shapely.segmentize(geometry, 0.5), lambda p: np.column_stack([p[:, 0], authalic_measure(p[:, 1])])
    )
    for r, c, s in zip(row, column, share, strict=True):
        cell = shapely.box(X[c], Y[r], X[c + 1], Y[r + 1])
        assert s == pytest.approx(dense.intersection(cell).area / cell.area, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-170, 170), st.floats(-85, 85)), min_size=3, max_size=9, unique=True))
def test_any_hull_keeps_its_area(points):
    hull = shapely.convex_hull(shapely.MultiPoint(points))
    if hull.geom_type == "Polygon" and hull.area > 1e-3:
        assert area(hull) == pytest.approx(true_area(hull), rel=1e-7, abs=1e-7)


def test_hole_island_and_ring_direction():
    outer = shapely.box(0, 0, 40, 40)
    ring = outer.difference(shapely.box(7, 7, 33, 33))
    both = shapely.MultiPolygon([ring, shapely.box(12, 12, 21, 22)])
    assert area(both) == pytest.approx(true_area(both), rel=1e-9)
    assert area(shapely.Polygon(list(outer.exterior.coords)[::-1])) == pytest.approx(true_area(outer), rel=1e-9)


def test_polygon_beyond_the_grid_counts_only_what_is_inside():
    x = np.arange(0, 31, 5.0)
    y = authalic_measure(np.arange(0, 31, 5.0))
    assert area(shapely.box(-50, -50, 50, 50), x, y) == pytest.approx(30 * float(authalic_measure(30.0)), rel=1e-12)
    assert area(shapely.box(-50, -50, -40, -40), x, y) == 0.0
    assert area(shapely.box(20, 10, 60, 20), x, y) == pytest.approx(area(shapely.box(20, 10, 30, 20)), rel=1e-9)


def test_grid_across_the_antimeridian_finds_both_sides():
    x = np.arange(170, 191, 5.0)
    east, west = shapely.box(172, 0, 180, 10), shapely.box(-180, 0, -173, 10)
    both = shapely.MultiPolygon([east, west])
    assert area(both, x, Y) == pytest.approx(15 * float(authalic_measure(10.0)), rel=1e-9)
