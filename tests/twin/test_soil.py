"""Soil brightness: range, texture, fields, and the two sets."""

import numpy as np
import pytest
from twin.land import land

from musyq_lab.core.errors import InputError
from musyq_lab.twin import soil
from musyq_lab.twin.place import PLACES


@pytest.mark.parametrize("key", [*PLACES])
def test_brightness_is_described_and_in_range(key):
    _, grid, static = land(key)
    bright = static["soil_brightness"]
    assert bright.shape == grid.shape
    assert bright.dtype == np.float32
    assert bright.attrs["units"] == "1"
    assert soil.LIMITS[0] <= bright.min() <= bright.max() <= soil.LIMITS[1]
    assert float(bright.mean()) == pytest.approx(1.0, abs=0.08)
    assert 0.05 < float(bright.std()) < 0.3


def test_valley_bottoms_are_darker():
    _, _, static = land()
    wet, dry = static["wetness"].values > 0.8, static["wetness"].values < 0.2
    assert static["soil_brightness"].values[wet].mean() < static["soil_brightness"].values[dry].mean() - 0.03


def test_texture_comes_in_patches():
    _, _, static = land()
    bright = static["soil_brightness"].values - static["soil_brightness"].values.mean()

    def correlation(lag):
        return (bright[lag:] * bright[:-lag]).mean() / bright.var()

    assert correlation(1) > 0.8
    assert correlation(1) > correlation(10) > correlation(60)


def test_fields_differ_as_they_are_tilled():
    _, _, static = land()
    parcel, bright = static["parcel"].values, static["soil_brightness"].values

    def step(chosen):
        """Mean jump over borders of parcels less that inside them."""
        both = chosen[:, 1:] & chosen[:, :-1]
        jump, border = np.abs(np.diff(bright, axis=1)), np.diff(parcel, axis=1) != 0
        return jump[both & border].mean() - jump[both & ~border].mean()

    crop = static["land_cover"].values == 12
    wild = np.isin(static["land_cover"].values, (4, 5, 10))
    assert step(crop) > 2 * step(wild)


def test_the_scored_set_is_darker_and_more_varied():
    _, grid, static = land()
    first = soil.soil(grid, static, 1)["soil_brightness"]
    second = soil.soil(grid, static, 1, members="scored")["soil_brightness"]
    assert float(second.mean() / first.mean()) == pytest.approx(0.92, abs=0.02)
    assert float(second.std() / first.std()) == pytest.approx(1.2, abs=0.08)


def test_another_set_is_refused():
    _, grid, static = land()
    with pytest.raises(InputError, match="scored"):
        soil.soil(grid, static, 1, members="test")


def test_same_seed_same_bytes():
    _, grid, static = land()
    once, twice, other = (soil.soil(grid, static, seed)["soil_brightness"].values.tobytes() for seed in (1, 1, 2))
    assert once == twice != other
