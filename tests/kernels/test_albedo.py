"""Broad-band albedo from kernel weights: a loop beside it, identities, energy, any number of bands."""

import pickle

import numpy as np
import pytest

from musyq_lab.kernels import brdf
from musyq_lab.kernels.albedo import broadband_kernel


def given(bands, pixels=64, seed=0, dtype=np.float64):
    """Return weights (band, kernel, pixel), the Sun, diffuse fraction and a conversion whose weights add up to 1."""
    draw = np.random.Generator(np.random.Philox(seed))
    tops = np.array([0.5, 0.2, 0.05])[:, None]
    weights = (draw.uniform(0.0, 1.0, (bands, 3, pixels)) * tops).astype(dtype)
    sun = draw.uniform(0, 75, pixels).astype(dtype)
    factors = draw.uniform(0.1, 1.0, bands)
    return weights, sun, draw.uniform(0, 1, pixels).astype(dtype), (factors / factors.sum()).astype(dtype)


def call(weights, sun, diffuse, factors, constant=0.0, integrals="exact", python=False):
    kernel = broadband_kernel(len(weights), integrals)
    layers = [layer for band in weights for layer in band]
    run = kernel.python if python else kernel
    return run(*layers, sun, diffuse, *factors, weights.dtype.type(constant))


def loop(weights, sun, diffuse, factors, constant=0.0, integrals="exact"):
    """Convert each band's own albedo, as the equations stand in papers."""
    exact = integrals == "exact"
    black = (brdf.black_sky_exact if exact else brdf.black_sky).python(sun)
    white = (brdf.WHITE_SKY_EXACT if exact else brdf.WHITE_SKY)[1:]
    out = np.zeros((3, weights.shape[-1]))
    for p in range(weights.shape[-1]):
        for c, (iso, vol, geo) in zip(factors, weights[..., p], strict=True):
            direct = iso + vol * black[0][p] + geo * black[1][p]
            sky = iso + vol * white[0] + geo * white[1]
            out[:, p] += c * np.array([direct, sky, (1 - diffuse[p]) * direct + diffuse[p] * sky])
    return out + constant


@pytest.mark.parametrize("integrals", ["exact", "polynomial"])
@pytest.mark.parametrize("bands", [1, 2, 7])
def test_a_loop_over_bands_and_pixels(bands, integrals):
    values = given(bands, seed=bands)
    found = call(*values, 0.003, integrals, python=True)
    np.testing.assert_allclose(found, loop(*values, 0.003, integrals), rtol=0, atol=1e-14)


def test_compiled_is_the_python_twin_and_single_precision_keeps_six_digits():
    values = given(7, 200, seed=9, dtype=np.float32)
    found = call(*values, -0.001)
    for layer, twin, wanted in zip(found, call(*values, -0.001, python=True), loop(*values, -0.001), strict=True):
        assert layer.dtype == np.float32
        np.testing.assert_allclose(layer, twin, atol=2e-7)
        np.testing.assert_allclose(layer, wanted, atol=1e-6)


def test_a_lambertian_surface_reflects_the_same_under_every_sky():
    weights, sun, diffuse, factors = given(6, seed=2)
    weights[:, 1:] = 0.0
    found = call(weights, sun, diffuse, factors, python=True)
    for layer in found:
        np.testing.assert_allclose(layer, factors @ weights[:, 0], atol=1e-15)


def test_blue_sky_lies_between_black_and_white():
    values = given(5, 300, seed=3)
    black, white, blue = call(*values, python=True)
    assert (np.minimum(black, white) - 1e-15 <= blue).all()
    assert (blue <= np.maximum(black, white) + 1e-15).all()
    for share, wanted in ((0.0, black), (1.0, white)):
        edge = call(values[0], values[1], np.full(300, share), values[3], python=True)[2]
        np.testing.assert_allclose(edge, wanted, atol=1e-15)


def test_albedo_keeps_energy_where_the_reflectance_of_every_direction_does():
    """Weights whose reflectance lies within 0 and 1 over the hemispheres to 75 degrees give albedo within 0 and 1."""
    draw = np.random.Generator(np.random.Philox(4))
    angles = [draw.uniform(0, top, 500) for top in (75.0, 75.0, 180.0)]
    vol, geo = brdf.values(*angles)
    weights = draw.uniform(0, 1, (3000, 3)) * np.array([1.0, 0.8, 0.3])
    reflectance = weights @ np.stack([np.ones(500), vol, geo])
    bounded = weights[(reflectance >= 0).all(axis=1) & (reflectance <= 1).all(axis=1)]
    assert len(bounded) > 100
    for sun in (0.0, 30.0, 60.0, 75.0):
        suns = np.full(len(bounded), sun)
        black, white, _ = call(bounded.T[None], suns, np.zeros(len(bounded)), np.ones(1), python=True)
        assert black.min() >= 0.0
        assert black.max() <= 1.0
        assert white.min() >= -0.01  # the white sky reaches the horizon, where geo is lowest
        assert white.max() <= 1.0


def test_nan_of_a_band_stays():
    values = given(3, seed=5)
    values[0][1, 2, 7] = np.nan
    for layer in call(*values, python=True):
        np.testing.assert_array_equal(np.isnan(layer), np.arange(64) == 7)


def test_below_the_horizon_only_the_white_sky_is_left():
    weights, _, diffuse, factors = given(2, seed=6)
    black, white, blue = call(weights, np.full(64, 91.0), diffuse, factors, python=True)
    assert np.isnan(black).all()
    assert np.isnan(blue).all()
    assert np.isfinite(white).all()


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="at least one band"):
        broadband_kernel(0)
    with pytest.raises(ValueError, match="knows the integrals exact, polynomial"):
        broadband_kernel(3, "table")


def test_travels_to_another_process():
    again = pickle.loads(pickle.dumps(broadband_kernel(4)))
    assert again is broadband_kernel(4, "exact")
