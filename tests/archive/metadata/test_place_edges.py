"""Boxes around several maps beside a search over all meridians, and grids that are nearly even."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive.header import Header, LayerHeader
from musyq_lab.archive.metadata.place import _normal, _span, place_of, union


def header(latitude, longitude, dims=("latitude", "longitude"), **said):
    y, x = np.asarray(latitude, float), np.asarray(longitude, float)
    layer = LayerHeader("v", dims, (y.size, x.size), np.dtype("f4"), {})
    axes = {dims[0]: xr.Variable(dims[0], y), dims[1]: xr.Variable(dims[1], x)}
    return Header(Path("x.h5"), None, said, {"v": layer}, axes)


def width(west, east):
    return east - west if east >= west else east - west + 360.0


def covered(stretch, longitude):
    west, east = stretch
    return (longitude - west) % 360.0 <= width(west, east)


STRETCH = st.tuples(st.integers(-180, 179), st.integers(1, 300)).map(lambda p: _normal(float(p[0]), float(p[0] + p[1])))


@settings(max_examples=150, deadline=None)
@given(st.lists(STRETCH, min_size=1, max_size=6))
def test_the_box_around_stretches_holds_each_and_is_the_shortest_that_does(stretches):
    found = _span(stretches)
    inner = np.arange(-180, 180) + 0.5
    inside = np.array([any(covered(s, m) for s in stretches) for m in inner])
    assert all(covered(found, m) for m in inner[inside])
    # Every whole meridian as a beginning: how far east one must go to have them all.
    places = inner[inside]
    shortest = min(max((places - west) % 360.0) + 0.5 for west in np.arange(-180.0, 180.0))
    assert width(*found) == pytest.approx(min(shortest, 360.0))


def test_the_box_does_not_depend_on_the_order_of_maps():
    places = [place_of(header([1.5, 0.5], [west + 0.5, west + 1.5])) for west in (170.0, -178.0, -10.0, 100.0)]
    boxes = {union(list(order)).box for order in permutations(places)}
    assert boxes == {(-10.0, 0.0, -176.0, 2.0)}  # the widest gap is that of 166 degrees


def test_a_map_across_the_antimeridian_keeps_its_eastern_part_beside_a_narrow_one():
    wide = place_of(header([1.5, 0.5], np.arange(170.5, 190.0)))
    narrow = place_of(header([1.5, 0.5], np.arange(-179.5, -175.0)))
    assert wide.box == (170.0, 0.0, -170.0, 2.0)
    assert union([wide, narrow]).box == wide.box


@pytest.mark.parametrize("step", [0.25, 1 / 3, 1e-3])
@pytest.mark.parametrize("down", [True, False])
def test_the_transform_gives_back_the_centres(step, down):
    y = 10 + step * np.arange(7)
    y = y[::-1] if down else y
    x = 20 + step * np.arange(9)
    a, _, c, _, e, f = place_of(header(y, x)).transform
    np.testing.assert_allclose(c + a * (np.arange(9) + 0.5), x, rtol=0, atol=1e-9)
    if down:
        np.testing.assert_allclose(f + e * (np.arange(7) + 0.5), y, rtol=0, atol=1e-9)
    else:  # rows that go north begin at the south edge
        assert e > 0
        np.testing.assert_allclose(f + e * (np.arange(7) + 0.5), y, rtol=0, atol=1e-9)


def test_rounding_to_float32_is_no_uneven_grid():
    x = (100 + 0.25 * np.arange(40)).astype("f4")
    assert place_of(header([2.0, 1.0], x)).transform is not None


@pytest.mark.parametrize("bend", [1e-3, 0.5])
def test_a_bent_axis_is_no_grid(bend):
    x = 100 + 0.25 * np.arange(40)
    x[20] += bend * 0.25
    place = place_of(header([2.0, 1.0], x))
    assert place.transform is None
    assert place.box[0] == pytest.approx(99.875)


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [np.inf, 1.0]])
def test_axes_that_tell_nothing(values):
    assert place_of(header(values, [1.0, 2.0])) is None
    assert place_of(header([2.0, 1.0], values)) is None


def test_one_cell_with_its_size_in_the_header():
    place = place_of(header([5.0], [7.0], geospatial_lat_resolution=2.0, geospatial_lon_resolution=4.0))
    assert place.box == (5.0, 4.0, 9.0, 6.0)
    assert place.transform == (4.0, 0.0, 5.0, 0.0, -2.0, 6.0)
    for odd in ("wide", None, [1.0]):
        place = place_of(header([5.0], [7.0], geospatial_lat_resolution=odd, geospatial_lon_resolution=odd))
        assert (place.box, place.transform) == ((7.0, 5.0, 7.0, 5.0), None)


def test_cells_centred_on_the_poles_do_not_reach_beyond():
    place = place_of(header(np.linspace(90, -90, 181), np.arange(0.0, 360.0)))
    assert place.box == (-180.0, -90.0, 180.0, 90.0)


def test_longitudes_to_360_come_out_on_both_sides_of_greenwich():
    place = place_of(header([1.5, 0.5], np.arange(355.5, 365.0)))
    assert place.box == (-5.0, 0.0, 5.0, 2.0)
    assert len(place.rings) == 1


def test_a_map_whose_axes_are_not_in_the_file():
    made = header([1.0, 2.0], [1.0, 2.0])
    assert place_of(Header(made.path, None, {}, made.layers, {})) is None


def test_maps_on_two_projections_have_a_common_box_and_no_common_grid():
    first = place_of(header([1.5, 0.5], [0.5, 1.5]))
    finer = place_of(header([1.75, 1.25], [2.25, 2.75]))
    both = union([first, finer])
    assert both.box == (0.0, 0.0, 3.0, 2.0)
    assert (both.transform, both.resolution) == (None, None)
