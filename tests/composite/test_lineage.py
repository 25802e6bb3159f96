"""Bit sets over granules."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.composite import lineage
from musyq_lab.core.errors import InputError


def masks(key: int, granules: int, shape=(3, 4)) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key)).uniform(size=(granules, *shape)) < 0.4


def dataset(used: np.ndarray) -> xr.Dataset:
    names = [f"g{k:03d}" for k in range(len(used))]
    words = lineage.packed(used)
    return xr.Dataset(
        {"lineage": (("word", "y", "x"), words)},
        coords={"granule": names, "y": [30.0, 20.0, 10.0], "x": [1.0, 2.0, 3.0, 4.0]},
    )


@given(st.integers(1, 100), st.integers(0, 2**32))
def test_packing_and_back(granules, key):
    used = masks(key, granules)
    made = dataset(used)
    assert made.lineage.sizes["word"] == -(-granules // 32)
    np.testing.assert_array_equal(lineage.unpacked(made.lineage, made.granule).values, used)


def test_bits_are_where_they_are_said_to_be():
    used = np.zeros((40, 1, 1), bool)
    used[[0, 31, 33]] = True
    assert lineage.packed(used)[:, 0, 0].tolist() == [1 | 1 << 31, 1 << 1]


def test_names_that_made_a_pixel():
    used = masks(5, 70)
    made = dataset(used)
    for row, y in enumerate(made.y.values):
        for column, x in enumerate(made.x.values):
            wanted = [f"g{k:03d}" for k in np.flatnonzero(used[:, row, column])]
            assert lineage.granules_of(made, x + 0.2, y - 3) == wanted


@pytest.mark.parametrize(("x", "y"), [(0.4, 20), (4.6, 20), (2, 4), (2, 36)])
def test_a_place_outside_is_refused(x, y):
    with pytest.raises(InputError, match="outside the composite"):
        lineage.granules_of(dataset(masks(1, 3)), x, y)


def test_a_dataset_without_lineage_is_refused():
    with pytest.raises(InputError, match="lineage"):
        lineage.granules_of(xr.Dataset(), 0, 0)


def test_a_lazy_lineage_stays_lazy():
    made = dataset(masks(2, 40)).chunk(y=2)
    assert lineage.unpacked(made.lineage, made.granule).chunks is not None
    assert lineage.words_of(0) == 1
