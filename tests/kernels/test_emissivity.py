"""Mixture of plants, ground and snow, and thresholds of NDVI: loops beside the kernels, limits, missing values."""

import numpy as np
import pytest

from musyq_lab.kernels import emissivity


def mixture_loop(f, weighted, ndvi, ground, snow_share, constant, total, plants, snow):
    """Evaluate one pixel with plain Python."""
    share = min(1.0, max(0.0, (ndvi - 0.2) / 0.66)) ** 2 if np.isfinite(ndvi) else np.nan
    bare = ground
    if share <= 0.75 and np.isfinite(weighted):
        bare = min(1.0, constant + (weighted - plants * share * total) / (1 - share))
    land = f * plants + (1 - f) * bare
    return (1 - snow_share) * land + snow_share * snow


def thresholds_loop(ndvi, red, plants, soil, bare, slope, cavity):
    """Evaluate one pixel with plain Python."""
    if ndvi < 0.2:
        return bare - slope * red
    p = 1.0 if ndvi > 0.5 else ((ndvi - 0.2) / 0.3) ** 2
    return plants * p + soil * (1 - p) + cavity * plants * (1 - soil) * (1 - p)


def draw(count=500):
    random = np.random.default_rng(3)
    return {
        "f": random.uniform(0, 1, count),
        "weighted": random.uniform(0.85, 0.99, count),
        "ndvi": random.uniform(-0.3, 1.0, count),
        "ground": random.uniform(0.9, 0.98, count),
        "snow": random.uniform(0, 1, count),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mixture_is_that_of_a_loop(dtype):
    given = {name: values.astype(dtype) for name, values in draw().items()}
    constants = [np.dtype(dtype).type(x) for x in (0.01, 0.99, 0.99, 0.985)]
    made = emissivity.mixture(*given.values(), *constants)
    assert made.dtype == dtype
    expected = [mixture_loop(*(float(v[k]) for v in given.values()), 0.01, 0.99, 0.99, 0.985) for k in range(500)]
    np.testing.assert_allclose(made, expected, atol=3e-6 if dtype == "float32" else 1e-12)


def test_mixture_runs_the_same_as_plain_python():
    given = [values[:40] for values in draw().values()]
    native, twin = (run(*given, 0.0, 1.0, 0.99, 0.989) for run in (emissivity.mixture, emissivity.mixture.python))
    np.testing.assert_allclose(native, twin, rtol=1e-14)


def test_full_cover_is_plants_and_full_snow_is_snow():
    ground = np.array([0.9, 0.95])
    assert emissivity.mixture(1.0, np.nan, np.nan, ground, 0.0, 0.0, 1.0, 0.99, 0.985).tolist() == [0.99, 0.99]
    np.testing.assert_allclose(emissivity.mixture(0.3, 0.9, 0.1, ground, 1.0, 0.0, 1.0, 0.99, 0.985), 0.985)


def test_ground_under_the_plants_of_aster_is_found_again():
    """A mixture made of known ground gives that ground back."""
    ground, ndvi = np.array([0.85, 0.9, 0.95]), np.array([0.3, 0.5, 0.7])
    share = ((ndvi - 0.2) / 0.66) ** 2
    seen = share * 0.99 + (1 - share) * ground
    np.testing.assert_allclose(emissivity.mixture(0.0, seen, ndvi, 0.5, 0.0, 0.0, 1.0, 0.99, 0.985), ground, rtol=1e-12)


def test_aster_under_dense_plants_or_missing_is_not_used():
    for weighted, ndvi in ((0.97, 0.8), (np.nan, 0.3), (0.95, np.nan)):
        assert emissivity.mixture(0.0, weighted, ndvi, 0.93, 0.0, 0.0, 1.0, 0.99, 0.985) == pytest.approx(0.93)


def test_ground_is_never_more_than_black():
    assert emissivity.mixture(0.0, 0.999, 0.6, 0.9, 0.0, 0.05, 1.0, 0.99, 0.985) == 1.0


def test_low_ndvi_is_no_cover():
    """The public code squares before it limits, and counts NDVI of -0.2 as cover of 0.37."""
    np.testing.assert_array_equal(emissivity.aster_cover(np.array([-0.5, -0.2, 0.0, 0.2])), 0.0)
    np.testing.assert_allclose(emissivity.aster_cover(np.array([0.53, 0.86, 0.95])), [0.25, 1.0, 1.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_thresholds_are_those_of_a_loop(dtype):
    random = np.random.default_rng(5)
    ndvi, red = random.uniform(-0.2, 0.9, 400).astype(dtype), random.uniform(0, 0.4, 400).astype(dtype)
    constants = (0.9863, 0.9668, 0.973, 0.047, 0.55)
    made = emissivity.thresholds(ndvi, red, *(np.dtype(dtype).type(x) for x in constants))
    expected = [thresholds_loop(float(n), float(r), *constants) for n, r in zip(ndvi, red, strict=True)]
    np.testing.assert_allclose(made, expected, atol=1e-6 if dtype == "float32" else 1e-13)


def test_thresholds_need_both_inputs():
    for ndvi, red in ((np.nan, 0.1), (0.7, np.nan), (0.1, np.nan)):
        assert np.isnan(emissivity.thresholds(ndvi, red, 0.99, 0.97, 0.97, 0.05, 0.55))


def test_cavities_raise_the_mixture():
    ndvi = np.linspace(0.21, 0.49, 9)
    with_cavity, without = (emissivity.thresholds(ndvi, 0.1, 0.99, 0.96, 0.97, 0.05, f) for f in (0.55, 0.0))
    assert (with_cavity > without).all()
    assert (np.diff(without) > 0).all()
