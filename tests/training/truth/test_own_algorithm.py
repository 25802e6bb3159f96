"""Truth of the exercise on an own algorithm: the end member by which a made-up scene was drawn is found back."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.training.truth import own_algorithm

RNG = np.random.Generator(np.random.Philox(8))


def scene_of(ndvi):
    """A scene whose red is 0.05 everywhere."""
    red = np.full(ndvi.shape, 0.05)
    bands = np.stack([red, red * (1 + ndvi) / (1 - ndvi)])
    return xr.Dataset({"reflectance": (("band", "y", "x"), bands)}, coords={"band": ["red", "nir"]})


def cover(ndvi, leaves, power=2.0):
    return np.clip((ndvi - own_algorithm.SOIL) / (leaves - own_algorithm.SOIL), 0, 1) ** power


@pytest.mark.parametrize("leaves", [0.7, 0.85, 0.93])
def test_the_end_member_that_made_the_cover_is_found(leaves):
    ndvi = RNG.uniform(0.0, 0.95, (30, 40))
    ndvi[3, 4] = np.nan
    true = xr.DataArray(cover(np.nan_to_num(ndvi, nan=0.9), leaves), dims=("y", "x"))
    truth = own_algorithm.full_cover(scene_of(ndvi), true)
    assert truth.value == pytest.approx(leaves, abs=1e-6)
    assert truth.mistakes["greenest_pixel"] == pytest.approx(np.nanmax(ndvi))
    # Without the square the same cover asks for a higher end member.
    assert truth.mistakes["not_squared"] > leaves


def test_a_cover_that_no_end_member_gives_has_no_answer():
    truth = own_algorithm.full_cover(
        scene_of(np.full((3, 3), 0.05)), xr.DataArray(np.full((3, 3), 0.5), dims=("y", "x"))
    )
    assert np.isnan(truth.value)
