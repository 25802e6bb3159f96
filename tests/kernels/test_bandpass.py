"""Kernels of band adjustment beside plain numpy, differences for slopes, and the identities of their form."""

import pickle

import numpy as np
import pytest

from musyq_lab.kernels import bandpass

BANDS = 3


def coefficients(count=BANDS, seed=1, *, ratio=(-9.0, 9.0), held=(-0.8, 0.8)):
    """Return random coefficients by name, limits far away unless given."""
    draw = np.random.default_rng(seed)
    named = {name: float(draw.normal(0.0, 0.2)) for name in bandpass.arguments(count)}
    for name in named:
        if name.startswith("low"):
            named[name] = held[0]
        elif name.startswith("high"):
            named[name] = held[1]
    return named | {"least": ratio[0], "most": ratio[1], "a_0": 1.0}


def spectra(size=200, count=BANDS, seed=2):
    return list(np.random.default_rng(seed).uniform(0.02, 0.6, (count, size)))


def formula(x, nearest, named):
    """The equations of the module, written again with arrays."""
    x = np.asarray(x)
    count = len(x)
    p = np.maximum(x, bandpass.DARKEST)
    s = (p[1:] - p[:-1]) / (p[1:] + p[:-1])
    for j in range(count - 1):
        s[j] = np.clip(s[j], named[f"low_{j}"], named[f"high_{j}"])
    y = np.zeros(x.shape[1])
    for i in range(count):
        slope = named[f"a_{i}"]
        for j in range(count - 1):
            slope = slope + named[f"b_{i}_{j}"] * s[j] + named[f"c_{i}_{j}"] * s[j] ** 2
        y += slope * x[i]
    ends = np.sort([named["least"] * nearest, named["most"] * nearest], axis=0)
    return np.clip(y, ends[0] - bandpass.SLACK, ends[1] + bandpass.SLACK)


def run(x, named, nearest=0):
    return bandpass.without_uncertainty(len(x)).python(x[nearest], *x, *named.values())


def propagate(x, random, systematic, named, parts=(0.0, 0.0, 0.0), nearest=0):
    kernel = bandpass.with_uncertainty(len(x))
    return kernel.python(x[nearest], *x, *random, *systematic, *named.values(), *parts)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_value_is_that_of_the_equations(count):
    x, named = spectra(count=count), coefficients(count)
    np.testing.assert_allclose(run(x, named), formula(x, x[0], named), rtol=1e-12)


def test_limits_of_the_ratio_are_kept():
    x, named = spectra(), coefficients(ratio=(0.95, 1.05))
    y = run(x, named)
    np.testing.assert_allclose(y, formula(x, x[0], named), rtol=1e-12)
    assert (y <= 1.05 * x[0] + bandpass.SLACK + 1e-12).all()
    assert (y >= 0.95 * x[0] - bandpass.SLACK - 1e-12).all()
    assert (np.abs(y / x[0] - 1.0) > 0.05).any()


def test_the_ratio_of_a_negative_reflectance_is_limited_too():
    x = [np.array([-0.02]), np.array([0.1]), np.array([0.3])]
    y = run(x, coefficients(ratio=(0.9, 1.1)))
    assert y[0] + 1e-12 >= -0.022 - bandpass.SLACK
    assert y[0] <= -0.018 + bandpass.SLACK + 1e-12


def test_a_spectrum_twice_as_bright_gives_twice_the_value():
    x, named = spectra(), coefficients()
    np.testing.assert_allclose(run([2.0 * band for band in x], named), 2.0 * run(x, named), rtol=1e-12)


def test_with_ones_and_zeros_the_nearest_band_comes_back_to_the_last_bit():
    x = [band.astype(np.float32) for band in spectra()]
    named = dict.fromkeys(bandpass.arguments(BANDS), 0.0) | {"a_1": 1.0, "least": 1.0, "most": 1.0}
    np.testing.assert_array_equal(run(x, named, nearest=1), x[1])


def test_beyond_the_limits_of_the_differences_the_value_is_linear():
    named = coefficients(held=(-0.1, 0.1))
    one = [np.array([0.1]), np.array([0.3]), np.array([0.6])]
    two = [np.array([0.05]), np.array([0.2]), np.array([0.5])]
    both = [a + b for a, b in zip(one, two, strict=True)]
    np.testing.assert_allclose(run(both, named), run(one, named) + run(two, named), rtol=1e-12)


def test_the_value_is_continuous_across_the_darkest_reflectance():
    named = coefficients()
    dark = bandpass.DARKEST + np.array([-1e-9, 1e-9])
    y = run([dark, np.full(2, 0.1), np.full(2, 0.2)], named)
    assert abs(y[1] - y[0]) < 1e-6


@pytest.mark.parametrize("band", range(BANDS))
def test_slopes_are_those_of_differences(band):
    x, named, step = spectra(), coefficients(), 1e-6
    zeros = [np.zeros_like(x[0])] * BANDS
    only = [np.full_like(x[0], float(k == band)) for k in range(BANDS)]
    moved = {sign: [v + sign * step * (k == band) for k, v in enumerate(x)] for sign in (1, -1)}
    slope = (run(moved[1], named) - run(moved[-1], named)) / (2.0 * step)
    value, random, systematic = propagate(x, only, zeros, named)
    np.testing.assert_allclose(value, run(x, named), rtol=1e-13)
    smooth = np.abs(np.abs(formula_differences(x)) - 0.8).min(axis=0) > 1e-3
    np.testing.assert_allclose(random[smooth], np.abs(slope)[smooth], rtol=1e-5, atol=1e-7)
    assert (systematic == 0.0).all()


def formula_differences(x):
    x = np.asarray(x)
    return (x[1:] - x[:-1]) / (x[1:] + x[:-1])


def test_random_parts_add_in_squares_and_systematic_ones_as_they_are():
    x, named = spectra(size=5), coefficients()
    zeros, parts = [np.zeros(5)] * BANDS, []
    for k in range(BANDS):
        one = [np.full(5, 0.01 * (k + 1)) if i == k else np.zeros(5) for i in range(BANDS)]
        parts.append(propagate(x, one, zeros, named)[1])
    sigma = [np.full(5, 0.01 * (k + 1)) for k in range(BANDS)]
    _, random, systematic = propagate(x, sigma, sigma, named)
    np.testing.assert_allclose(random, np.sqrt(np.sum(np.square(parts), axis=0)), rtol=1e-12)
    np.testing.assert_allclose(systematic, np.sum(parts, axis=0), rtol=1e-12)


def test_the_error_of_the_relation_has_three_parts():
    x, named, zeros = spectra(), coefficients(), [np.zeros(200)] * BANDS
    y, random, systematic = propagate(x, zeros, zeros, named, parts=(0.001, 0.02, 0.3))
    expected = np.sqrt(0.001**2 + (0.02 * x[0]) ** 2 + (0.3 * (y - x[0])) ** 2)
    np.testing.assert_allclose(systematic, expected, rtol=1e-12)
    assert (random == 0.0).all()
    _, _, shared = propagate(x, zeros, [np.full(200, 0.01)] * BANDS, named)
    _, _, both = propagate(x, zeros, [np.full(200, 0.01)] * BANDS, named, parts=(0.001, 0.02, 0.3))
    np.testing.assert_allclose(both, np.hypot(shared, expected), rtol=1e-12)


@pytest.mark.parametrize("band", range(BANDS))
def test_a_missing_band_gives_no_value(band):
    x = spectra(size=3)
    x[band][1] = np.nan
    zeros = [np.zeros(3)] * BANDS
    np.testing.assert_array_equal(np.isnan(run(x, coefficients())), [False, True, False])
    for layer in propagate(x, zeros, zeros, coefficients())[:2]:
        np.testing.assert_array_equal(np.isnan(layer), [False, True, False])


def limits(count=BANDS, low=-0.5, high=0.5, least=-0.4, most=0.4):
    turn = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0)
    pairs = count - 1
    return [low] * pairs + [high] * pairs + list(turn.ravel()) + [least] * pairs + [most] * pairs


@pytest.mark.parametrize(
    ("x", "far"),
    [
        ((0.1, 0.12, 0.13), 0.0),
        ((0.1, 0.4, 0.4), 1.0),  # first difference 0.6
        ((0.4, 0.1, 0.1), 1.0),
        ((0.1, 0.1, 0.4), 1.0),
        ((0.1, 0.2, 0.4), 1.0),  # differences 1/3 each: their sum leaves the limits
        ((0.1, 0.2, 0.1), 1.0),  # 1/3 and -1/3: their difference does
        ((np.nan, 0.1, 0.4), 0.0),
        ((0.1, 0.12, np.nan), 0.0),
    ],
)
def test_strange_spectra_are_told(x, far):
    got = bandpass.outside(BANDS).python(*(np.array([v]) for v in x), *limits())
    assert np.nan_to_num(got[0]) == far


def test_one_band_alone_is_never_strange():
    assert bandpass.outside(1).python(np.array([0.9]))[0] == 0.0


def test_compiled_as_in_python():
    x = [band.astype(np.float32) for band in spectra()]
    x[1][7] = np.nan
    named = coefficients(ratio=(0.8, 1.2))
    kernel = bandpass.without_uncertainty(BANDS)
    np.testing.assert_allclose(kernel(x[0], *x, *named.values()), run(x, named), rtol=3e-6, atol=1e-7)


def test_kernels_travel_to_other_processes_by_name():
    kernel = bandpass.with_uncertainty(2)
    again = pickle.loads(pickle.dumps(kernel))
    assert again.text == kernel.text
    assert again is kernel


def test_arguments_are_counted():
    assert len(bandpass.arguments(6)) == 2 * 5 + 6 + 2 * 6 * 5 + 2
    assert bandpass.arguments(1) == ("a_0", "least", "most")
