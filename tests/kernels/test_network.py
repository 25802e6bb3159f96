"""Networks beside numpy, differences for their gradient, and what a distance from a training base must be."""

import pickle

import numpy as np
import pytest

from musyq_lab.kernels import network
from musyq_lab.kernels.network import Domain, Net, Noise

BANDS, HIDDEN = 3, 4


def net(seed=1, *, hidden=HIDDEN, bands=BANDS, scale=0.0):
    draw = np.random.default_rng(seed)
    weights = draw.normal(0.0, 1.5, (hidden, bands + 3)).tolist()
    return Net(
        tuple(map(tuple, weights)),
        tuple(draw.normal(0.0, 1.0, hidden).tolist()),
        tuple(draw.normal(0.0, 0.6, hidden).tolist()),
        float(draw.normal()),
        scale,
    )


def inputs(size=60, bands=BANDS, seed=2, dtype=np.float64):
    draw = np.random.default_rng(seed)
    angles = [draw.uniform(0, top, size) for top in (75, 65, 180)]
    return [x.astype(dtype) for x in (*draw.uniform(0.0, 0.6, (bands, size)), *angles)]


def formula(given, arrays):
    """The equation of the module, written again with matrices."""
    *bands, sun, view, azimuth = arrays
    sun, view, azimuth = np.radians([sun, view, azimuth])
    x = np.stack([*bands, np.cos(sun), np.cos(view), np.sin(view) * np.cos(azimuth)])
    hidden = np.tanh(np.asarray(given.weights) @ x + np.asarray(given.biases)[:, None])
    u = np.asarray(given.outputs) @ hidden + given.constant
    return given.scale * np.expm1(u) if given.scale else u


@pytest.mark.parametrize("scale", [0.0, 0.5])
def test_equals_the_equation(scale):
    given, arrays = net(scale=scale), inputs()
    np.testing.assert_allclose(network.estimate(given).python(*arrays), formula(given, arrays), rtol=1e-12, atol=1e-13)


def test_compiled_equals_its_python_twin():
    kernel, arrays = network.estimate(net(scale=0.5)), inputs(40)
    np.testing.assert_allclose(kernel(*arrays), kernel.python(*arrays), rtol=1e-13, atol=1e-14)


def test_float32_keeps_six_digits():
    given = net(scale=0.5)
    single = network.estimate(given)(*inputs(dtype=np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, formula(given, inputs()), rtol=2e-5, atol=5e-6)


def test_without_weights_it_is_its_constant():
    flat = Net(((0.0,) * (BANDS + 3),), (0.3,), (0.0,), 1.25)
    np.testing.assert_array_equal(network.estimate(flat)(*inputs()), 1.25)


def test_at_nadir_the_azimuth_does_not_matter():
    kernel, arrays = network.estimate(net()).python, inputs()
    arrays[-2] = np.zeros(60)
    np.testing.assert_array_equal(kernel(*arrays), kernel(*arrays[:-1], np.full(60, 10.0)))


def test_left_and_right_of_the_sun_are_alike():
    kernel, arrays = network.estimate(net()).python, inputs()
    mirrored = [*arrays[:-1], 360.0 - arrays[-1]]
    np.testing.assert_allclose(kernel(*mirrored), kernel(*arrays), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("place", range(BANDS + 3))
def test_nan_in_any_input_is_nan(place):
    arrays = inputs(5)
    arrays[place][2] = np.nan
    made = network.estimate(net()).python(*arrays)
    np.testing.assert_array_equal(np.isnan(made), np.arange(5) == 2)


def test_numbers_stand_for_arrays():
    kernel, arrays = network.estimate(net()).python, inputs(20)
    same = [np.full_like(x, x[0]) for x in arrays[BANDS:]]
    made = kernel(*arrays[:BANDS], *(float(x[0]) for x in arrays[BANDS:]))
    np.testing.assert_array_equal(made, kernel(*arrays[:BANDS], *same))


def test_compiled_uncertainty_equals_its_python_twin():
    kernel = network.with_uncertainty(net(scale=0.5), net(7, hidden=2), Noise(0.01, 0.02), 0.01)
    arrays = inputs(40)
    arrays[BANDS:BANDS] = [np.full(40, 0.02)] * BANDS
    for made, twin in zip(kernel(*arrays), kernel.python(*arrays), strict=True):
        np.testing.assert_allclose(made, twin, rtol=1e-13, atol=1e-14)


def uncertain(given):
    return network.with_uncertainty(given, net(7, hidden=2), Noise(0.01, 0.02), 0.01).python


def test_its_value_is_that_of_the_estimate():
    given, arrays = net(scale=0.5), inputs()
    value, _ = uncertain(given)(*arrays[:BANDS], *[0.0] * BANDS, *arrays[BANDS:])
    np.testing.assert_allclose(value, network.estimate(given)(*arrays), rtol=1e-13, atol=1e-14)


def test_small_errors_of_reflectance_add_nothing():
    given, arrays = net(), inputs()
    _, own = uncertain(given)(*arrays[:BANDS], *[0.0] * BANDS, *arrays[BANDS:])
    np.testing.assert_allclose(own, np.maximum(formula(net(7, hidden=2), arrays), 0.01), rtol=1e-12)
    below = [np.hypot(0.0099, 0.0199 * x) for x in arrays[:BANDS]]
    np.testing.assert_array_equal(uncertain(given)(*arrays[:BANDS], *below, *arrays[BANDS:])[1], own)


@pytest.mark.parametrize("scale", [0.0, 0.5])
def test_large_errors_are_propagated_by_the_gradient(scale):
    given, arrays = net(scale=scale), inputs()
    still = Net(((0.0,) * (BANDS + 3),), (0.0,), (0.0,), 0.0)
    kernel = network.with_uncertainty(given, still, Noise(0.0, 0.0), 0.0).python
    sigmas = np.random.default_rng(5).uniform(0.01, 0.05, (BANDS, 60))
    _, sigma = kernel(*arrays[:BANDS], *sigmas, *arrays[BANDS:])
    variance = np.zeros(60)
    for k in range(BANDS):
        up, down = ([x + (1e-5 * s if i == k else 0.0) for i, x in enumerate(arrays)] for s in (1, -1))
        variance += (sigmas[k] * (formula(given, up) - formula(given, down)) / 2e-5) ** 2
    np.testing.assert_allclose(sigma, np.sqrt(variance), rtol=1e-6)


def test_standard_error_has_a_floor_and_scales_with_the_slope():
    given, arrays = net(scale=0.5), inputs()
    still = Net(((0.0,) * (BANDS + 3),), (0.0,), (0.0,), -1.0)
    value, sigma = network.with_uncertainty(given, still, Noise(0.01, 0.02), 0.2).python(
        *arrays[:BANDS], *[0.0] * BANDS, *arrays[BANDS:]
    )
    np.testing.assert_allclose(sigma, 0.2 * (value + 0.5), rtol=1e-12)


def base(size=4000):
    draw = np.random.default_rng(3)
    mixing = np.array([[0.05, 0.0, 0.0], [0.03, 0.04, 0.0], [-0.02, 0.05, 0.03]])
    return draw.normal(size=(size, 3)) @ mixing.T + [0.1, 0.2, 0.3]


def domain(cases):
    whitening = np.linalg.inv(np.linalg.cholesky(np.cov(cases.T)))
    rows = tuple(tuple(row[: k + 1].tolist()) for k, row in enumerate(whitening))
    ends = (tuple(f(cases, axis=0).tolist()) for f in (np.min, np.max, np.mean))
    return Domain(*ends, rows, 12.0)


def test_distance_equals_the_definition():
    cases = base()
    where = domain(cases)
    points = np.random.default_rng(4).uniform(-0.2, 0.6, (500, 3))
    offset = points - cases.mean(axis=0)
    squared = np.einsum("ki,ij,kj->k", offset, np.linalg.inv(np.cov(cases.T)), offset)
    half = (cases.max(axis=0) - cases.min(axis=0)) / 2
    box = np.abs((points - (cases.max(axis=0) + cases.min(axis=0)) / 2) / half).max(axis=1)
    np.testing.assert_allclose(network.distance(where).python(*points.T), np.maximum(box, squared / 12.0), rtol=1e-9)


def test_the_mean_is_inside_and_each_corner_of_the_box_is_not():
    where = domain(base())
    distance = network.distance(where)
    assert distance.python(*where.mean) < 0.5
    beyond = [(low - 1e-3, high + 1e-3) for low, high in zip(where.low, where.high, strict=True)]
    for k in range(3):
        for side in range(2):
            point = list(where.mean)
            point[k] = beyond[k][side]
            assert distance.python(*point) > 1.0


def test_unlikely_combinations_are_outside_though_each_band_is_common():
    cases = base()
    point = cases.mean(axis=0) + np.array([0.1, -0.1, 0.0])
    assert ((point > cases.min(axis=0)) & (point < cases.max(axis=0))).all()
    assert network.distance(domain(cases)).python(*point) > 1.0


def test_compiled_distance_equals_its_python_twin():
    kernel, points = network.distance(domain(base())), np.random.default_rng(4).uniform(-0.2, 0.6, (3, 40))
    np.testing.assert_allclose(kernel(*points), kernel.python(*points), rtol=1e-13)


@pytest.mark.parametrize("place", range(3))
def test_distance_of_nan_is_nan(place):
    point = [0.1, 0.2, 0.3]
    point[place] = np.nan
    assert np.isnan(network.distance(domain(base())).python(*point))


def test_kernels_travel_by_their_weights():
    arrays = [np.full(3, 0.2), np.full(3, 0.1), np.full(3, 0.3), *np.full((3, 3), 30.0)]
    for kernel in (network.estimate(net()), network.distance(domain(base()))):
        twin = pickle.loads(pickle.dumps(kernel))
        count = len(kernel.signature.inputs)
        np.testing.assert_array_equal(twin.python(*arrays[:count]), kernel.python(*arrays[:count]))


def test_one_kernel_for_equal_weights():
    assert network.estimate(net()) is network.estimate(net())
    assert network.estimate(net()) is not network.estimate(net(2))


def test_bands_are_the_inputs_without_angles():
    assert net(bands=5).bands == 5
