"""Fields at their edges: one cell, constant, odd sizes; numbers beside scipy's own."""

import numpy as np
import pytest
from scipy import ndimage, stats

from musyq_lab.twin import _fields
from musyq_lab.twin.random import stream

SMALL = [(1, 1), (1, 8), (8, 1), (2, 3), (17, 31)]


def rng(*names):
    return stream(3, "fields", *names)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", SMALL)
def test_small_and_odd_fields_are_finite_and_of_their_shape(shape, periodic):
    for made in (
        _fields.fractal(shape, 3.0, rng("f"), periodic=periodic),
        _fields.noise(shape, 0.7, rng("n"), periodic=periodic),
    ):
        assert made.shape == shape
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
        if made.size > 1:
            assert made.mean(dtype=float) == pytest.approx(0.0, abs=1e-5)
            assert made.std(dtype=float) == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("length", [2.0, 4.0])
def test_noise_has_the_correlation_of_its_spectrum(length):
    """Amplitude exp(-(2 pi L k)^2 / 2), so power exp(-(2 pi L k)^2) and correlation exp(-d^2 / (4 L^2))."""
    field = np.mean([[_fields.noise((128, 128), length, rng(k), periodic=True)] for k in range(1)], axis=(0, 1))
    for cells in (2, 5):
        found = np.mean([(field * np.roll(field, cells, axis)).mean() for axis in (0, 1)])
        assert found == pytest.approx(np.exp(-(cells**2) / (4 * length**2)), abs=0.1)


@pytest.mark.parametrize("number", range(8))
def test_turned_fields_keep_their_numbers_and_are_unlike(number):
    field = _fields.fractal((40, 50), 3.0, rng("t"), periodic=True)
    other = _fields.turned(field, number)
    np.testing.assert_array_equal(np.sort(other, axis=None), np.sort(field, axis=None))
    if number:
        assert abs(np.corrcoef(field.ravel(), other.ravel())[0, 1]) < 0.75


def test_ranks_are_those_of_scipy():
    values = rng("r").standard_normal((23, 19)).astype(np.float32)
    expected = (stats.rankdata(values.ravel()) - 1) / (values.size - 1)
    np.testing.assert_allclose(_fields.ranks(values).ravel(), expected, atol=1e-6)
    coarse = _fields.ranks(values, steps=16)
    assert np.abs(coarse.ravel() - expected).max() < 0.1


def test_ranks_do_not_depend_on_a_rising_change():
    values = rng("r").uniform(0, 5, (30, 30)).astype(np.float32)
    np.testing.assert_allclose(_fields.ranks(np.exp(values)), _fields.ranks(values), atol=2e-3)
    assert _fields.ranks(np.array([[4.0]])).shape == (1, 1)


@pytest.mark.parametrize("cells", [-3, 0, 1, 7, 20, 99])
def test_highest_are_those_of_a_stable_sort(cells):
    score = np.floor(rng("h").uniform(0, 4, (4, 5)))
    order = np.argsort(-score.ravel(), kind="stable")[: max(cells, 0)]
    expected = np.zeros(20, bool)
    expected[order] = True
    np.testing.assert_array_equal(_fields.highest(score, cells).ravel(), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (12, 7), (30, 30)])
def test_regions_are_those_of_ndimage(shape):
    labels = rng("g", shape).integers(0, 3, shape)
    found = _fields.regions(labels)
    seen = {}
    for value in np.unique(labels):
        own, count = ndimage.label(labels == value)
        for k in range(1, count + 1):
            numbers = np.unique(found[own == k])
            assert numbers.size == 1
            assert numbers[0] not in seen
            seen[numbers[0]] = True
    assert sorted(seen) == list(range(1, len(seen) + 1))
    firsts = np.unique(found, return_index=True)[1]
    assert (np.diff(firsts) > 0).all()


def test_means_of_regions_are_those_of_ndimage():
    number = rng("m").integers(0, 6, (9, 11))
    values = rng("v").uniform(size=(9, 11))
    np.testing.assert_allclose(_fields.region_mean(values, number), ndimage.mean(values, number, np.arange(6)))


def test_blurring_a_point_is_a_gaussian():
    point = np.zeros((41, 41))
    point[20, 20] = 1.0
    y, x = np.indices(point.shape) - 20
    expected = np.exp(-(x**2 + y**2) / (2 * 3.0**2)) / (2 * np.pi * 9.0)
    np.testing.assert_allclose(_fields.blurred(point, 3.0), expected, atol=2e-5)


@pytest.mark.parametrize("size", [1.0, 3.0, 50.0])
@pytest.mark.parametrize("shape", [(1, 1), (3, 20), (20, 3)])
def test_patches_and_parcels_of_any_size(shape, size):
    patch = _fields.patches(shape, size, rng("p"))
    field, block = _fields.parcels(shape, size, rng("q"))
    assert patch.shape == field.shape == block.shape == shape
    assert (patch >= 0).all()
    assert sorted(np.unique(field)) == list(range(field.max() + 1))
    for number in np.unique(field):
        assert np.unique(block[field == number]).size == 1


def test_patches_are_as_many_as_their_size_says():
    count = np.unique(_fields.patches((120, 160), 8.0, rng("c"))).size
    assert count == pytest.approx(120 * 160 / 64, rel=0.25)
