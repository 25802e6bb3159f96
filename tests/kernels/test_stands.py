"""Canopies from tables, beside 4SAIL itself."""

import numpy as np
import pytest

from musyq_lab.kernels import canopy, stands

LEAVES = np.array([0.0, 0.5, 1.0, 2.0, 4.0])
GREENS = 3


@pytest.fixture(scope="module")
def layers() -> canopy.Layer:
    """Two kinds of stand x three leaf colours x five leaf areas, one band."""
    rho = np.array([[0.05, 0.10, 0.20], [0.40, 0.45, 0.50]])[:, :, None, None]
    return canopy.four_sail(
        rho,
        0.9 * rho,
        lai=LEAVES,
        leaf_angles=canopy.campbell(57.0),
        hotspot=0.1,
        sun_zenith=35.0,
        view_zenith=12.0,
        relative_azimuth=40.0,
    )


def table(layers: canopy.Layer, names: tuple[str, ...]) -> np.ndarray:
    parts = [np.broadcast_to(getattr(layers, name), (2, GREENS, LEAVES.size, 1))[..., 0] for name in names]
    return np.stack(parts, axis=-1).reshape(-1)


def node(layers: canopy.Layer, kind: int, green: int, leaf: int) -> canopy.Layer:
    return canopy.Layer(*(np.broadcast_to(x, (2, GREENS, LEAVES.size, 1))[kind, green, leaf] for x in layers))


def first(kind: int, width: int) -> float:
    return float(kind * GREENS * LEAVES.size * width)


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("leaf", range(5))
@pytest.mark.parametrize("ground", [0.0, 0.15, 0.6])
def test_at_a_node_both_ways_of_light_are_those_of_the_model(layers, kind, leaf, ground):
    expected = canopy.over_soil(node(layers, kind, 1, leaf), np.array([ground]))
    numbers = table(layers, stands.DIRECTIONAL)
    got = [
        float(stands.directional(numbers, first(kind, 9), 1.0, float(leaf), GREENS, LEAVES.size, ground, direct))
        for direct in (1.0, 0.0)
    ]
    np.testing.assert_allclose(got, [expected.rsot[0], expected.rdot[0]], rtol=1e-9)


@pytest.mark.parametrize("leaf", [0, 2, 4])
def test_at_a_node_albedo_and_absorption_are_those_of_the_model(layers, leaf):
    at, ground = node(layers, 1, 2, leaf), np.array([0.2])
    factors, leaves = canopy.over_soil(at, ground), canopy.absorbed(at, ground)
    got = stands.hemispherical(
        table(layers, stands.HEMISPHERICAL), first(1, 5), 2.0, float(leaf), float(GREENS), float(LEAVES.size), 0.2
    )
    expected = [factors.rsdt, factors.rddt, leaves.direct, leaves.diffuse]
    np.testing.assert_allclose(np.ravel(got), np.ravel(expected), rtol=1e-9, atol=1e-12)


def test_without_leaves_the_ground_is_seen(layers):
    numbers = table(layers, stands.DIRECTIONAL)
    for ground in (0.05, 0.3):
        bare = stands.directional(numbers, first(0, 9), 0.5, 0.0, GREENS, LEAVES.size, ground, 0.7)
        assert float(bare) == pytest.approx(ground, abs=1e-12)


def test_between_nodes_the_coefficients_are_interpolated(layers):
    # Over a black ground the result is one coefficient, which is bilinear.
    numbers = table(layers, stands.DIRECTIONAL)
    rso = np.broadcast_to(layers.rso, (2, GREENS, LEAVES.size, 1))[0, :, :, 0]
    got = stands.directional(numbers, 0.0, 0.25, 2.5, GREENS, LEAVES.size, 0.0, 1.0)
    expected = 0.75 * (rso[0, 2] + rso[0, 3]) / 2 + 0.25 * (rso[1, 2] + rso[1, 3]) / 2
    assert float(got) == pytest.approx(float(expected), rel=1e-12)


def test_energy_is_conserved(layers):
    numbers = table(layers, stands.HEMISPHERICAL)
    black, white, beam, sky = (
        float(x) for x in stands.hemispherical(numbers, first(1, 5), 1.3, 3.2, float(GREENS), float(LEAVES.size), 0.25)
    )
    assert 0 < black < 1
    assert 0 < white < 1
    assert 0 < beam < 1 - black
    assert 0 < sky < 1 - white


def test_compiled_is_the_python_twin(layers):
    random = np.random.default_rng(3)
    n = 200
    numbers = table(layers, stands.DIRECTIONAL).astype(np.float32)
    kind = (random.integers(0, 2, n) * GREENS * LEAVES.size * 9).astype(np.float32)
    arrays = [
        numbers,
        kind,
        (random.random(n) * 1.99).astype(np.float32),
        (random.random(n) * 3.99).astype(np.float32),
        np.full(n, GREENS, np.float32),
        np.full(n, LEAVES.size, np.float32),
        random.random(n).astype(np.float32),
        random.random(n).astype(np.float32),
    ]
    np.testing.assert_allclose(stands.directional(*arrays), stands.directional.python(*arrays), rtol=2e-6)


def test_the_last_node_reads_nothing_beyond_the_table(layers):
    numbers = table(layers, stands.DIRECTIONAL)
    last = (first(1, 9), GREENS - 1.0, LEAVES.size - 1.0, float(GREENS), float(LEAVES.size), 0.2, 1.0)
    # The twin indexes as Python does: a number beyond the end would raise.
    expected = canopy.over_soil(node(layers, 1, 2, 4), np.array([0.2])).rsot[0]
    assert float(stands.directional.python(numbers, *last)) == pytest.approx(expected, rel=1e-9)
    assert float(stands.directional(numbers, *last)) == pytest.approx(expected, rel=1e-9)


def test_nan_ground_gives_nan(layers):
    numbers = table(layers, stands.DIRECTIONAL)
    assert np.isnan(float(stands.directional(numbers, 0.0, 0.0, 1.0, GREENS, LEAVES.size, np.nan, 1.0)))
