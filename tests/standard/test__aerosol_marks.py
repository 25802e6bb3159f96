"""Which pixels tell of the air: flags, the rim of clouds within a cell, medians with gaps."""

import numpy as np
import pytest
from products.air_scenes import scene

from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.standard._aerosol_cells import Cells
from musyq_lab.standard._aerosol_marks import clear, marks, median


def test_clouds_and_other_flags_are_told_apart():
    ds = scene("modis", {"red": 0.1}, 0.1, size=20)
    qa = ds["qa"].copy(deep=True)
    qa[0, 0], qa[1, 1], qa[2, 2] = (SCENE_FLAG[name].mask for name in ("cloud", "water", "low_quality"))
    both = int(SCENE_FLAG["cloud"].mask | SCENE_FLAG["water"].mask)
    qa[3, 3] = both
    found = marks(ds.assign(qa=qa), Cells.of(ds, 2000.0, 1.0))[0]
    assert found.shape == (20, 20)
    assert [found[k, k] for k in range(5)] == [2, 1, 0, 2, 0]


def test_a_scene_without_flags_is_clear():
    ds = scene("modis", {"red": 0.1}, 0.1, size=20).drop_vars("qa")
    assert not marks(ds, Cells.of(ds, 5000.0, 1.0)).any()


def test_a_halo_stays_within_its_cell():
    marked = np.zeros((6, 6), np.int8)
    marked[2, 2] = 2  # the corner of a cell of 3 x 3
    inside = clear(marked, 3, 3, halo=True)
    assert not inside[1:3, 1:3].any()
    assert inside[3, 3]
    assert inside[2, 3]
    assert inside[0, 0]
    assert clear(marked, 3, 3, halo=False).sum() == 35


def test_other_flags_have_no_halo():
    marked = np.zeros((4, 4), np.int8)
    marked[1, 1] = 1
    assert clear(marked, 4, 4, halo=True).sum() == 15


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_median_is_that_of_numpy(count):
    random = np.random.Generator(np.random.Philox(4))
    values = np.full((3, 4, 9), np.nan)
    values[..., :count] = random.normal(size=(3, 4, count))
    values = random.permuted(values, axis=-1)
    np.testing.assert_allclose(median(values, np.isfinite(values).sum(-1)), np.nanmedian(values, axis=-1))


def test_median_of_nothing_is_missing():
    assert np.isnan(median(np.full((2, 3), np.nan), np.zeros(2, int))).all()
