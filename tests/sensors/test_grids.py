"""Bands of one scene stay on one grid, by shape, CRS and place."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.sensor import Band
from musyq_lab.sensors._calibrate import Counts
from musyq_lab.sensors._grids import on_one_grid, placed, same_grid


def layer(shape=(4, 5), x0=0.0, y0=0.0, step=30.0, crs="A"):
    array = xr.DataArray(np.zeros(shape), dims=("y", "x"))
    if crs is None:
        return array
    place = {"y": y0 - step * np.arange(shape[0]), "x": x0 + step * np.arange(shape[1])}
    return array.assign_coords(**place, spatial_ref=xr.DataArray(0, attrs={"crs_wkt": crs}))


def counts(number, data):
    return Counts(Band(f"b{number}", str(number), 0.65, 0.05, 30), data)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (layer(), True),
        (layer(x0=0.29), True),
        (layer(x0=0.31), False),
        (layer(y0=15.0), False),
        (layer(step=30.1), False),
        (layer(shape=(5, 4)), False),
        (layer(crs="B"), False),
        (layer(crs=None), False),
        (layer(x0=np.nan), False),
    ],
)
def test_pixels_are_the_same_within_a_hundredth(other, same):
    assert same_grid(layer(), other) is same
    assert same_grid(other, layer()) is same


def test_layers_without_places_are_compared_by_shape():
    assert same_grid(layer(crs=None), layer(crs=None))
    assert not same_grid(layer(crs=None), layer((3, 3), crs=None))


def test_a_single_pixel():
    assert same_grid(layer((1, 1)), layer((1, 1)))
    assert not same_grid(layer((1, 1)), layer((1, 1), x0=15.0))


def test_the_grid_of_the_majority_is_kept():
    items = [counts(1, layer(x0=500.0)), counts(2, layer()), counts(3, layer(x0=0.1)), counts(4, layer((2, 2)))]
    kept, left_out = on_one_grid(items)
    assert [c.band.name for c in kept] == ["b2", "b3"]
    assert left_out == ["b1", "b4"]


def test_kept_bands_align_to_the_last_digit():
    kept, _ = on_one_grid([counts(1, layer()), counts(2, layer(x0=1e-7))])
    joined = xr.Dataset({c.band.name: c.data for c in kept}, coords={})
    assert joined.sizes == {"y": 4, "x": 5}
    np.testing.assert_array_equal(joined.x, 30.0 * np.arange(5))


def test_order_and_single_bands():
    one = [counts(1, layer())]
    assert [c.band.name for c in on_one_grid(one)[0]] == ["b1"]
    assert on_one_grid(one)[1] == []


def test_placing_changes_coordinates_alone():
    moved = placed(layer(x0=0.1), layer())
    np.testing.assert_array_equal(moved.x, layer().x)
    assert placed(layer(crs=None), layer()).coords.keys() == set()
