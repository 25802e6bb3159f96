"""Temperature and emissivity apart: the iteration of the paper beside its end point, limits, missing values."""

import numpy as np
import pytest
from scipy.optimize import brentq

from musyq_lab.kernels import tes
from musyq_lab.kernels.radiometry import planck_constants

BANDS = (8.6, 10.4, 11.2, 12.0)
CURVE = (0.9895, 0.7994, 0.8572)


def radiance(temperature, wavelength):
    k1, k2 = planck_constants(wavelength)
    return k1 / np.expm1(k2 / temperature)


def inverse(light, wavelength):
    k1, k2 = planck_constants(wavelength)
    return k2 / np.log(k1 / light + 1)


def leaving(temperature, emissivity, sky, bands):
    return [e * radiance(temperature, x) + (1 - e) * s for e, s, x in zip(emissivity, sky, bands, strict=True)]


def iterated(light, sky, bands, highest=0.985, rounds=80):
    """Follow Gillespie et al. 1998 step by step for one pixel: NEM by iteration, ratio, MMD."""
    e = [highest] * len(bands)
    for _ in range(rounds):
        rest = [x - (1 - k) * s for x, k, s in zip(light, e, sky, strict=True)]
        temperature = max(inverse(r / highest, x) for r, x in zip(rest, bands, strict=True))
        e = [r / radiance(temperature, x) for r, x in zip(rest, bands, strict=True)]
    beta = np.array(e) / np.mean(e)
    a, b, c = CURVE
    lowest = a - b * np.ptp(beta) ** c
    final = beta * lowest / beta.min()
    top = int(np.argmax(final))
    return inverse((light[top] - (1 - final[top]) * sky[top]) / final[top], bands[top]), final


def run(light, sky, bands, function=tes.separate):
    places = [0, 1, 2, len(bands) - 1]
    pairs = [planck_constants(bands[k]) for k in places]
    light, sky = ([np.atleast_1d(np.asarray(values[k], float)) for k in places] for values in (light, sky))
    temperature, *e, contrast = function(
        *light, *sky, *(p for p, _ in pairs), *(q for _, q in pairs), *CURVE, 0.985, float(len(bands) == 4)
    )
    return temperature, e[: len(bands)], contrast


def draw(bands, count=60):
    random = np.random.default_rng(17)
    temperature = random.uniform(270, 330, count)
    emissivity = [random.uniform(low, 0.985, count) for low in (0.75, 0.92, 0.94, 0.95)[: len(bands)]]
    sky = [random.uniform(0.05, 0.5, count) * radiance(temperature, x) for x in bands]
    return temperature, emissivity, sky


@pytest.mark.parametrize("bands", [BANDS[:1] + BANDS[2:], BANDS], ids=["three", "four"])
def test_end_point_is_that_of_the_iteration(bands):
    temperature, emissivity, sky = draw(bands)
    light = leaving(temperature, emissivity, sky, bands)
    made, e, _ = run(light, sky, bands)
    for k in range(temperature.size):
        expected, final = iterated([x[k] for x in light], [s[k] for s in sky], bands)
        assert made[k] == pytest.approx(expected, abs=1e-5)
        np.testing.assert_allclose([x[k] for x in e], final, atol=1e-6)


def test_plain_python_gives_the_same():
    bands = BANDS[:1] + BANDS[2:]
    temperature, emissivity, sky = draw(bands, 12)
    light = leaving(temperature, emissivity, sky, bands)
    native, twin = run(light, sky, bands), run(light, sky, bands, tes.separate.python)
    np.testing.assert_allclose(native[0], twin[0], rtol=1e-12)
    np.testing.assert_allclose(native[1], twin[1], rtol=1e-12)


@pytest.mark.parametrize("middle", [0.979, 0.982, 0.985])
def test_a_surface_on_the_curve_is_found_exactly(middle):
    """With the lowest emissivity on the curve and the highest at 0.985, nothing is left to guess."""
    a, b, c = CURVE
    bands, high = (8.6, 11.0, 12.0), 0.985

    def excess(low):
        return a - b * ((high - low) / np.mean([low, middle, high])) ** c - low

    emissivity = np.array([brentq(excess, 0.9, 0.985), middle, high])
    light = leaving(300.0, emissivity, [0.0] * 3, bands)
    made, e, spread = run(light, [0.0] * 3, bands)
    np.testing.assert_allclose(np.ravel(e), emissivity, atol=1e-9)
    assert made[0] == pytest.approx(300.0, abs=1e-7)
    assert spread[0] == pytest.approx(np.ptp(emissivity) / emissivity.mean(), abs=1e-9)


def test_the_sky_is_taken_off():
    """The brighter the sky that is left out, the lower the contrast, and the warmer the surface looks."""
    bands, emissivity = (8.6, 11.0, 12.0), (0.8, 0.96, 0.97)
    sky = [0.4 * radiance(300.0, x) for x in bands]
    light = leaving(300.0, emissivity, sky, bands)
    known, unknown = run(light, sky, bands), run(light, [0.0] * 3, bands)
    assert unknown[2] < known[2]
    assert abs(known[0][0] - 300.0) < abs(unknown[0][0] - 300.0)


def test_missing_and_impossible_light_has_no_result():
    for light in ([np.nan, 9.0, 8.5], [9.0, np.nan, 8.5], [9.0, 9.0, np.nan], [-1.0, -1.0, -1.0]):
        temperature, e, _ = run([np.array(x) for x in light], [0.0] * 3, (8.6, 11.0, 12.0))
        assert np.isnan(temperature).all() or np.isnan(e).any()


def test_single_precision_is_enough():
    bands = BANDS
    temperature, emissivity, sky = draw(bands, 400)
    light = leaving(temperature, emissivity, sky, bands)
    pairs = [planck_constants(x) for x in bands]
    numbers = [*(p for p, _ in pairs), *(q for _, q in pairs), *CURVE, 0.985, 1.0]
    single = tes.separate(*(np.asarray(x, "f4") for x in (*light, *sky)), *(np.float32(x) for x in numbers))
    double = run(light, sky, bands)
    assert single[0].dtype == np.float32
    np.testing.assert_allclose(np.array(single[1:5]), double[1], atol=1e-5)
    assert np.quantile(np.abs(single[0] - double[0]), 0.99) < 2e-3


NUMBERS = (0.03, 0.05, 0.05, 0.02, 0.04, 0.1, 0.04, 0.95, -0.02, -0.01, 0.001, -0.03, 0.01, -0.05, 0.05, 0.2, 0.03, 0.1,
           0.05, 0.1)  # fmt: skip


def below_loop(brightness, w, air, s, k1, k2, numbers):
    """Evaluate the functions of the module's documentation for one pixel."""
    t, p, d = numbers[:7], numbers[7:14], numbers[14:]
    u, x = air / 300 - 1, w * (1 + s)
    terms = (1, s, x, x**2, x * u, x**2 * u, np.sqrt(x))
    tau = np.exp(-max(0.0, np.dot(t, terms)))
    near = k1 / np.expm1(k2 / air)
    path = (1 - tau) * near * np.dot(p, terms)
    sky = near * -np.expm1(-max(0.0, np.dot(d, (1, w, w**2, w * u, w**2 * u, np.sqrt(w)))))
    return (k1 / np.expm1(k2 / brightness) - path) / tau, sky


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_air_is_taken_off_as_documented(dtype, tolerance):
    random = np.random.default_rng(9)
    limits = ((270, 330), (0.1, 4), (265, 315), (0, 0.9))
    given = [random.uniform(*pair, 200).astype(dtype) for pair in limits]
    k1, k2 = planck_constants(11.0)
    cast = np.dtype(dtype).type
    light, sky = tes.from_top(*given, cast(k1), cast(k2), *(cast(x) for x in NUMBERS))
    expected = [below_loop(*(float(a[k]) for a in given), k1, k2, NUMBERS) for k in range(200)]
    np.testing.assert_allclose(light, [row[0] for row in expected], rtol=tolerance * 10)
    np.testing.assert_allclose(sky, [row[1] for row in expected], rtol=tolerance * 10)


def test_without_air_nothing_is_taken_off():
    k1, k2 = planck_constants(11.0)
    light, sky = tes.from_top.python(300.0, 0.0, 290.0, 0.0, k1, k2, *[0.0] * 20)
    assert light == pytest.approx(radiance(300.0, 11.0))
    assert sky == 0.0


def test_missing_air_gives_nothing():
    k1, k2 = planck_constants(11.0)
    for vapour, air in ((np.nan, 290.0), (1.0, np.nan), (-1.0, 290.0)):
        assert np.isnan(tes.from_top.python(300.0, vapour, air, 0.0, k1, k2, *NUMBERS)).all()
