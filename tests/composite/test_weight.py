"""What a look weighs before its pixels are compared with others."""

from datetime import datetime

import numpy as np
import pytest
from composite.looks_at import GRID, bit, scene
from scipy.ndimage import binary_dilation

from musyq_lab.composite import weight
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import pentad
from musyq_lab.core.quality import SCENE_FLAGS


def clouds(key: int) -> np.ndarray:
    random = np.random.Generator(np.random.Philox(key))
    qa = np.where(random.uniform(size=GRID.shape) < 0.08, bit("cloud"), 0)
    return qa | np.where(random.uniform(size=GRID.shape) < 0.03, bit("cloud_shadow"), 0)


@pytest.mark.parametrize("chunks", [None, (12, 16), (5, 7), (1, 1)])
def test_neighbours_of_cloud_and_shadow_are_marked_across_chunks(chunks):
    qa = clouds(1)
    found = weight.quality(scene(qa=qa, chunks=chunks), near_cloud=True).values
    np.testing.assert_array_equal(weight.quality(scene(qa=qa, chunks=chunks)), qa)
    wide = binary_dilation(qa > 0, np.ones((3, 3), bool))
    np.testing.assert_array_equal((found & weight.NEAR_CLOUD.mask) > 0, wide)
    np.testing.assert_array_equal(found & ~np.uint16(weight.NEAR_CLOUD.mask), qa)


def test_other_flags_have_no_neighbours_and_a_scene_without_flags_is_good():
    found = weight.quality(scene(qa=bit("water", "snow_ice")), near_cloud=True).values
    assert not (found & weight.NEAR_CLOUD.mask).any()
    assert (weight.quality(scene().drop_vars("qa")).values == 0).all()
    assert (weight.quality(scene(chunks=(6, 8)).drop_vars("qa")).values == 0).all()


def test_the_own_flag_is_none_of_the_scene():
    assert weight.NEAR_CLOUD.bit not in {flag.bit for flag in SCENE_FLAGS}


def test_table_of_every_combination():
    factors = weight.table()
    assert factors.shape == (65536,)
    assert factors[0] == 1
    assert factors[bit("snow_ice", "water")] == 1
    assert (factors[[bit(name) | 1 << 5 for name in weight.DROPPED]] == 0).all()
    for name, factor in weight.LOWERED.items():
        assert factors[weight.mask_of(name)] == pytest.approx(factor)
    both = weight.mask_of("cloud_possible") | weight.mask_of("near_cloud")
    assert factors[both] == pytest.approx(0.3)
    assert weight.table([], {"cloud_possible": 0.3, "near_cloud": 0.5})[both] == pytest.approx(0.15)


def test_table_of_a_choice():
    factors = weight.table(["water"], {"high_aerosol": 0.0, "snow_ice": 1.0})
    assert factors[bit("water")] == 0
    assert factors[bit("high_aerosol")] == 0
    assert factors[bit("cloud")] == factors[bit("snow_ice")] == 1


@pytest.mark.parametrize("factor", [-0.1, 1.1, np.nan])
def test_factors_lie_between_nothing_and_all(factor):
    with pytest.raises(InputError, match="between 0"):
        weight.table([], {"cloud_possible": factor})


def test_flags_that_do_not_exist():
    with pytest.raises(InputError, match="Did you mean 'cloud_possible'"):
        weight.mask_of("cloud_posible")


def test_weight_of_time_is_a_bell_around_the_middle():
    period = pentad(datetime(2019, 7, 2))
    assert weight.offset(datetime(2019, 7, 2, 12), period) == 0
    assert weight.offset(datetime(2019, 6, 30), period) == -2.5
    assert weight.of_time(0) == 1
    assert weight.of_time(-2.5) == weight.of_time(2.5) == pytest.approx(0.8825, abs=1e-4)
    assert weight.of_time(7.5) == pytest.approx(0.3247, abs=1e-4)


def test_weight_of_the_footprint():
    assert weight.cell_size(scene()) == pytest.approx(1113.2)
    assert weight.of_footprint(scene(), "modis") == pytest.approx(1 / (1 + (1000 / 1113.2) ** 2))
    assert weight.of_footprint(scene(), "landsat_oli") > 0.999
    assert weight.of_footprint(scene(), "unknown") == 1
    kilometre = scene().rename(latitude="y", longitude="x").assign_coords(y=1000.0 * np.arange(12), x=np.arange(16))
    assert weight.of_footprint(kilometre, "modis") == pytest.approx(0.5)
    tenth = kilometre.assign_coords(y=100.0 * np.arange(12))
    with pytest.raises(InputError, match="1000 m are too coarse for cells of 100 m"):
        weight.of_footprint(tenth, "modis")


def test_weight_of_sensors():
    assert weight.of_sensor("modis", None) == 1
    assert weight.of_sensor("modis", {"modis": 0.5}) == 0.5
    for wrong in (-1, np.inf, np.nan):
        with pytest.raises(InputError, match="from 0"):
            weight.of_sensor("modis", {"modis": wrong})
