"""Roughness of canopies: plain numpy beside the kernels, published numbers, limits, both float types."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels.roughness import canopy, leaves, raupach


def by_numpy(frontal):
    """Write the equations of the module again, with numpy alone."""
    with np.errstate(all="ignore"):
        dense = 0.0537 * frontal**-0.51 * (1 - np.exp(-10.9 * frontal**0.874)) + 0.00368
        sparse = 5.86 * np.exp(-10.9 * frontal**1.12) * frontal**1.33 + 0.00086
        root = np.sqrt(15 * frontal)
        return np.where(frontal > 0.152, dense, sparse), 1 - (1 - np.exp(-root)) / root


def canopy_by_numpy(lai, extinction, shape):
    z0, d = by_numpy(shape * (1 - np.exp(-extinction * lai)))
    factor = np.where(lai < 0.8775, 0.3299 * lai**1.5 + 2.1713, 1.6771 * np.exp(-0.1717 * lai) + 1)
    return z0 * factor, d * (1 - 0.3991 * np.exp(-0.1779 * lai))


def published():
    path = Path(__file__).parents[1] / "reference" / "roughness.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return [tuple(float(r[k]) for k in ("x", "z0", "d", "tolerance")) for r in rows if r["case"] == "frontal"]


@pytest.mark.parametrize(("frontal", "z0", "d", "tolerance"), published())
def test_published_values(frontal, z0, d, tolerance):
    found = raupach.python(frontal)
    assert found[0] == pytest.approx(z0, abs=tolerance)
    assert found[1] == pytest.approx(d, abs=tolerance)


def test_kernels_equal_numpy():
    frontal = np.geomspace(1e-4, 5, 400)
    for ours, theirs in zip(raupach(frontal), by_numpy(frontal), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)
    random = np.random.default_rng(1)
    lai, extinction, shape = random.uniform(0.01, 10, 400), random.uniform(0.4, 1, 400), random.uniform(0.5, 3, 400)
    for ours, theirs in zip(canopy(lai, extinction, shape), canopy_by_numpy(lai, extinction, shape), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_compiled_equals_python():
    lai = np.array([0.0, 0.1, 0.8774, 0.8776, 3.0, 8.0, np.nan, -1.0])
    for ours, twin in zip(canopy(lai, 0.5, 0.64), canopy.python(lai, 0.5, 0.64), strict=True):
        np.testing.assert_allclose(ours, twin, rtol=1e-14)


def test_single_precision_agrees():
    lai = np.linspace(0.05, 9, 200)
    args = [np.full_like(lai, k) for k in (0.5, 2 / np.pi)]
    single = canopy(lai.astype("f4"), *(a.astype("f4") for a in args))
    for a, b in zip(single, canopy(lai, *args), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=3e-5)


def test_flat_ground_is_nearly_smooth_and_lifts_nothing():
    z0, d = raupach.python(0.0)
    assert z0 == pytest.approx(0.00086)
    assert d == pytest.approx(0.0, abs=1e-5)


def test_displacement_rises_to_the_top_of_a_wall():
    """Skimming flow: dense elements lift the wind to their tops, roughness falls back."""
    frontal = np.geomspace(1e-3, 1e3, 200)
    z0, d = by_numpy(frontal)
    ours = raupach(frontal)
    assert (np.diff(ours[1]) > 0).all()
    assert 0.98 < ours[1][-1] < 1
    peak = ours[0].argmax()
    assert 0.1 < frontal[peak] <= 0.152
    np.testing.assert_allclose(ours[0], z0, rtol=1e-12)
    np.testing.assert_allclose(ours[1], d, rtol=1e-12)


def test_step_between_the_branches_is_known():
    low, high = (raupach.python(x)[0] for x in (0.152, 0.152 + 1e-12))
    assert high / low - 1 == pytest.approx(-0.012, abs=0.001)


def test_factors_meet_where_they_change():
    low, high = (canopy.python(x, 0.5, 1.0)[0] for x in (0.8775 - 1e-9, 0.8775 + 1e-9))
    assert high == pytest.approx(low, rel=1e-4)


@pytest.mark.parametrize("bad", [-0.1, np.nan])
def test_no_leaf_area_no_value(bad):
    assert np.isnan(canopy.python(bad, 0.5, 1.0)).all()
    assert np.isnan(raupach.python(bad)).all()


def test_ratio_stays_below_the_valid_range_for_all_leaf_areas():
    lai = np.linspace(0, 12, 2001)
    for extinction, shape in ((0.5, 2 / np.pi), (0.5, 1.0), (0.75, 0.8183), (1.0, 1.0)):
        z0 = canopy(lai, np.full_like(lai, extinction), np.full_like(lai, shape))[0]
        assert 0.25 < z0.max() < 0.35


def leaves_by_numpy(lai):
    """Raupach (1994), equations 7 and 8, with numpy alone."""
    frontal = lai / 2
    d = by_numpy(frontal)[1]
    friction = np.minimum(np.sqrt(0.003 + 0.3 * frontal), 0.3)
    return (1 - d) * np.exp(np.log(2) - 0.5 - 0.4 / friction), d


def test_leaves_equal_numpy():
    lai = np.linspace(0.01, 12, 300)
    for ours, theirs in zip(leaves(lai), leaves_by_numpy(lai), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for ours, twin in zip(leaves(lai[:9]), leaves.python(lai[:9]), strict=True):
        np.testing.assert_allclose(ours, twin, rtol=1e-14)


def test_leaves_have_one_largest_roughness():
    """It rises until the friction velocity reaches its largest share of the wind, at L = 0.58, then shelter wins."""
    lai = np.linspace(0.01, 12, 1200)
    z0, d = leaves(lai)
    peak = z0.argmax()
    assert z0[peak] == pytest.approx(0.42 * np.exp(np.log(2) - 0.5 - 0.4 / 0.3), rel=0.01)
    assert lai[peak] / 2 == pytest.approx((0.09 - 0.003) / 0.3, abs=0.01)
    assert (np.diff(z0[: peak - 1]) > 0).all()
    assert (np.diff(z0[peak + 1 :]) < 0).all()
    assert (np.diff(d) > 0).all()


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_no_leaves_known_no_value(bad):
    assert np.isnan(leaves.python(bad)).all()
