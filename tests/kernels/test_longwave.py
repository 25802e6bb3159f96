"""Longwave irradiance: published numbers, physics, limits, and plain loops beside each kernel."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import longwave

REFERENCE = Path(__file__).parents[1] / "reference"
SIGMA = 2 * math.pi**5 * 1.380649e-23**4 / (15 * 6.62607015e-34**3 * 299792458.0**2)
CLEAR = (0.0, 0.0)


@pytest.fixture(autouse=True)
def python_twins(request, monkeypatch):
    """Run the twins where a test is not about the compiled kernels: a compilation takes longer than the test."""
    if not request.node.originalname.startswith("test_compiled"):
        monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def rows(name):
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def sky(method, temperature, vapour, hidden=0.0, added=0.0, call=lambda kernel: kernel):
    """Return the irradiance of a method from air temperature (K) and vapour pressure (Pa)."""
    clouds = (hidden, added)
    column = 4.65 * vapour / temperature
    made = {
        "prata": lambda: call(longwave.prata)(temperature, column, 0.0, *clouds),
        "brutsaert": lambda: call(longwave.brutsaert)(temperature, vapour, *clouds),
        "dilley_obrien": lambda: call(longwave.dilley)(temperature, column, *clouds),
        "idso": lambda: call(longwave.idso)(temperature, vapour, *clouds),
        "brunt": lambda: call(longwave.brunt)(temperature, vapour, 0.52, 0.065, *clouds),
        "swinbank": lambda: call(longwave.swinbank)(temperature, *clouds),
    }
    return made[method]()


def plain(method, t, e, a=0.0, b=0.0):
    """Return the same in plain Python, written in the units of the papers."""
    e, w = e / 100, 46.5 * e / 100 / t
    emissivity = {
        "prata": 1 - (1 + w) * math.exp(-((1.2 + 3 * w) ** 0.5)),
        "brutsaert": 1.24 * (e / t) ** (1 / 7),
        "dilley_obrien": (59.38 + 113.7 * (t / 273.16) ** 6 + 96.96 * (w / 2.5) ** 0.5) / (SIGMA * t**4),
        "idso": 0.7 + 5.95e-5 * e * math.exp(1500 / t),
        "brunt": 0.52 + 0.065 * math.sqrt(e),
        "swinbank": 9.36e-6 * t**2,
    }[method]
    return SIGMA * t**4 * ((1 - a) * emissivity + b)


METHODS = ("prata", "brutsaert", "dilley_obrien", "idso", "brunt", "swinbank")
PUBLISHED = [row for row in rows("dlr") if row["method"] in METHODS]


def test_constant_follows_from_the_exact_ones_of_the_si():
    assert pytest.approx(SIGMA, rel=1e-9) == longwave.STEFAN_BOLTZMANN


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda r: f"{r['method']}-{r['air_temperature']}")
def test_published_values(row):
    made = sky(
        row["method"], float(row["air_temperature"]), float(row["vapour_pressure"]), call=lambda kernel: kernel.python
    )
    assert made == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", rows("ulr"), ids=lambda r: r["surface_temperature"])
def test_published_upward(row):
    given = (float(row[name]) for name in ("surface_temperature", "broadband_emissivity", "downward_longwave"))
    assert longwave.upward.python(*given) == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("method", METHODS)
def test_compiled_kernel_is_the_plain_loop(method):
    random = np.random.Generator(np.random.Philox(11))
    t, e = random.uniform(230, 320, 300), random.uniform(10, 4000, 300)
    a, b = random.uniform(0, 1, 300), random.uniform(0, 1, 300)
    expected = [plain(method, *numbers) for numbers in zip(t, e, a, b, strict=True)]
    np.testing.assert_allclose(sky(method, t, e, a, b), expected, rtol=2e-9)
    single = sky(method, *(x.astype(np.float32) for x in (t, e, a, b)))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=3e-6)


@pytest.mark.parametrize("method", METHODS)
def test_compiled_kernel_is_its_twin(method):
    t, e = np.linspace(230, 320, 41), np.linspace(5, 4000, 41)
    np.testing.assert_array_equal(
        sky(method, t, e, 0.3, 0.3), sky(method, t, e, 0.3, 0.3, lambda kernel: kernel.python)
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_sky_all_of_black_cloud_is_a_black_body(method):
    t = np.linspace(250.0, 310.0, 7)
    np.testing.assert_allclose(sky(method, t, np.full(7, 900.0), 1.0, 1.0), SIGMA * t**4, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_warmer_and_moister_air_sends_more(method):
    t, e = np.linspace(240.0, 315.0, 76), np.full(76, 800.0)
    assert (np.diff(sky(method, t, e)) > 0).all()
    moist = sky(method, np.full(80, 290.0), np.linspace(20.0, 1900.0, 80))
    assert (np.diff(moist) > 0).all() or (method == "swinbank" and np.ptp(moist) == 0)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_known_is_nothing_told(method):
    made = sky(method, np.array([np.nan, 290.0]), np.array([900.0, np.nan]), 0.0, 0.0)
    assert np.isnan(made[0])
    assert np.isnan(made[1]) == (method != "swinbank")


def test_dry_air_still_radiates_by_carbon_dioxide():
    # Prata's limit without vapour, 1 - exp(-sqrt(1.2)) = 0.666, is the emissivity of dry air.
    assert longwave.prata.python(280.0, 0.0, 0.0, *CLEAR) / (SIGMA * 280**4) == pytest.approx(0.6656, abs=1e-4)
    assert longwave.brutsaert.python(280.0, 0.0, *CLEAR) == 0.0  # which Brutsaert's has not: not for cold dry air


def test_thin_air_lowers_the_emissivity_by_what_is_asked():
    t = np.array([260.0, 290.0])
    thick, thin = (longwave.prata(t, 5.0, x, *CLEAR) for x in (0.0, 0.04))
    np.testing.assert_allclose(thick - thin, 0.04 * SIGMA * t**4, rtol=1e-9)


def test_brunt_takes_its_coefficients():
    made = longwave.brunt.python(300.0, 1600.0, 0.618, 0.056, *CLEAR)
    assert made == pytest.approx(SIGMA * 300**4 * (0.618 + 0.056 * 4), rel=1e-9)


# ---- emission, reflection, balance -----------------------------------------------------------------------------------


def test_black_surface_only_emits():
    t = np.array([250.0, 300.0, 330.0])
    np.testing.assert_allclose(longwave.upward(t, 1.0, np.array([100.0, 300.0, 500.0])), SIGMA * t**4, rtol=1e-9)
    np.testing.assert_allclose(longwave.emitted(t, 0.9), 0.9 * SIGMA * t**4, rtol=1e-9)


def test_closure_in_an_isothermal_enclosure():
    emissivity = np.linspace(0.0, 1.0, 11)
    wall = longwave.emitted(300.0, 1.0)
    np.testing.assert_allclose(longwave.upward(300.0, emissivity, wall), np.full(11, wall), rtol=1e-14)


def test_mirror_only_reflects():
    assert longwave.upward.python(300.0, 0.0, 321.0) == 321.0


def balance():
    random = np.random.Generator(np.random.Philox(3))
    albedo, short = random.uniform(0, 1, 500), random.uniform(0, 1100, 500)
    down, warm, emissivity = random.uniform(100, 450, 500), random.uniform(230, 340, 500), random.uniform(0.7, 1, 500)
    return albedo, short, down, warm, emissivity


def test_balance_closes():
    albedo, short, down, warm, emissivity = balance()
    up = longwave.upward(warm, emissivity, down)
    total, of_short, of_long = longwave.net(albedo, short, down, up)
    np.testing.assert_allclose(total, of_short + of_long, rtol=0, atol=1e-12)
    np.testing.assert_allclose(total, short - albedo * short + down - up, rtol=0, atol=1e-9)


def test_both_forms_of_the_balance_agree():
    albedo, short, down, warm, emissivity = balance()
    first = longwave.net(albedo, short, down, longwave.upward(warm, emissivity, down))
    second = longwave.net_of_emitted(albedo, short, down, warm, emissivity)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kernel", [longwave.net, longwave.net_of_emitted, longwave.upward, longwave.emitted])
def test_compiled_balances_are_their_twins(kernel):
    albedo, short, down, warm, emissivity = (x[:60] for x in balance())
    up = 300.0 + 0.1 * warm
    given = {
        "net": (albedo, short, down, up),
        "net_of_emitted": (albedo, short, down, warm, emissivity),
        "upward": (warm, emissivity, down),
        "emitted": (warm, emissivity),
    }[kernel.__name__]
    np.testing.assert_array_equal(kernel(*given), kernel.python(*given))
