"""Moisture of the air: published tables, identities, derivatives by differences, and plain numpy beside each kernel."""

import numpy as np
import pytest

from musyq_lab.kernels import weather

WARMTH = np.linspace(-20.0, 45.0, 66)
KELVIN = WARMTH + weather.FREEZING


@pytest.mark.parametrize(
    ("celsius", "kilopascal", "slope"),
    # FAO-56, annex 2, tables 2.3 and 2.4 (rounded there to three decimals)
    [(1.0, 0.657, 0.047), (10.0, 1.228, 0.082), (20.0, 2.338, 0.145), (30.0, 4.243, 0.243), (40.0, 7.376, 0.393)],
)
def test_saturation_of_the_tables_of_fao(celsius, kilopascal, slope):
    kelvin = celsius + weather.FREEZING
    assert weather.saturation_pressure_fao56.python(kelvin) / 1e3 == pytest.approx(kilopascal, abs=6e-4)
    assert weather.saturation_slope_fao56.python(kelvin) / 1e3 == pytest.approx(slope, abs=6e-4)


def test_both_forms_agree_and_differ_as_documented():
    first, second = weather.saturation_pressure(KELVIN), weather.saturation_pressure_fao56(KELVIN)
    assert np.abs(first / second - 1).max() < 0.0025
    assert np.abs(first / second - 1).max() > 0.001


@pytest.mark.parametrize("form", ["", "_fao56"])
def test_slope_is_the_derivative(form):
    pressure, slope = (getattr(weather, f"saturation_{name}{form}") for name in ("pressure", "slope"))
    step = 1e-3
    by_difference = (pressure(KELVIN + step) - pressure(KELVIN - step)) / (2 * step)
    # FAO-56 rounds 17.27 x 237.3 = 4098.17 to 4098.
    np.testing.assert_allclose(slope(KELVIN), by_difference, rtol=5e-5)


def test_deficit_of_mod17():
    # arthur-e/MOD17 (MIT), MOD17.vpd(0.01, 101325, 25 C); vector MOD17-VPD
    deficit = weather.deficit_from_specific_humidity(298.15, 0.01, 101325.0)
    assert deficit == pytest.approx(1547.5272, abs=1e-3)


def test_deficits_from_three_measures_of_one_moisture_agree():
    humidity = np.linspace(0.02, 0.98, len(KELVIN))
    pressure = 9e4
    vapour = humidity * weather.saturation_pressure(KELVIN)
    specific = 0.622 * vapour / (pressure - 0.379 * vapour)
    from_humidity = weather.deficit_from_relative_humidity(KELVIN, humidity)
    np.testing.assert_allclose(weather.deficit_from_vapour_pressure(KELVIN, vapour), from_humidity, rtol=1e-10)
    from_specific = weather.deficit_from_specific_humidity(KELVIN, specific, np.full_like(KELVIN, pressure))
    np.testing.assert_allclose(from_specific, from_humidity, rtol=1e-9)


def test_deficit_of_dry_and_of_saturated_air():
    assert weather.deficit_from_relative_humidity(300.0, 0.0) == weather.saturation_pressure(300.0)
    assert weather.deficit_from_relative_humidity(300.0, 1.0) == 0.0
    # Analyses and instruments exceed saturation by a few per cent.
    assert weather.deficit_from_relative_humidity(300.0, 1.03) == 0.0
    assert weather.deficit_from_vapour_pressure(300.0, 9e3) == 0.0


@pytest.mark.parametrize("temperature", [300.0, np.nan])
@pytest.mark.parametrize("vapour", [500.0, 1e5, np.nan])
def test_missing_stays_missing(temperature, vapour):
    deficit = weather.deficit_from_vapour_pressure(temperature, vapour)
    assert np.isnan(deficit) == (np.isnan(temperature) or np.isnan(vapour))


@pytest.mark.parametrize(
    ("pressure", "celsius", "constant"),
    # arthur-e/MOD16 (MIT), tests of psychrometric_constant; the last is FAO-56 example 2 with its own heat
    [(100e3, 10, 65.74), (80e3, 10, 52.59), (100e3, 25, 66.69), (80e3, 25, 53.35), (81.8e3, 25, 54.55)],
)
def test_psychrometric_constant(pressure, celsius, constant):
    made = weather.psychrometric_constant.python(celsius + weather.FREEZING, pressure)
    assert made == pytest.approx(constant, abs=0.006)


def test_heat_of_vaporisation_of_fao():
    # FAO-56, equation 8: 2.45 MJ kg-1, of about 20 C
    assert weather.vaporisation_heat(293.15) == pytest.approx(2.45e6, rel=2e-3)
    assert weather.vaporisation_heat(273.15) == pytest.approx(2.501e6)


def test_density_is_that_of_ideal_gases():
    warmth = np.linspace(5.0, 35.0, 31)[:, None] + weather.FREEZING
    humidity = np.linspace(0.0, 1.0, 11)[None, :]
    vapour = humidity * weather.saturation_pressure(warmth)
    ideal = (9.5e4 - 0.378 * vapour) / (287.05 * warmth)
    made = weather.air_density(warmth, np.full((1, 1), 9.5e4), humidity)
    np.testing.assert_allclose(made, ideal, rtol=7e-3)
    np.testing.assert_allclose(made[:, 0], ideal[:, 0], rtol=3e-4)


@pytest.mark.parametrize(
    ("altitude", "pressure"),
    # ISO 2533 (ICAO standard atmosphere): tabulated pressures
    [(0.0, 101325.0), (1000.0, 89874.6), (2000.0, 79495.2), (5000.0, 54019.9), (9000.0, 30742.5), (-400.0, 106222.0)],
)
def test_standard_pressure(altitude, pressure):
    # The tables count geopotential metres, in which the equation is exact.
    assert weather.standard_pressure(altitude) == pytest.approx(pressure, rel=2e-5)


def _numpy_forms():
    celsius, humidity, pressure = WARMTH, np.linspace(0, 1, len(WARMTH)), np.linspace(5e4, 1.05e5, len(WARMTH))
    murray = 610.7 * np.exp(17.38 * celsius / (239 + celsius))
    fao = 610.8 * np.exp(17.27 * celsius / (237.3 + celsius))
    heat = (2.501 - 0.002361 * celsius) * 1e6
    rho = (0.348444 * pressure / 100 - 100 * humidity * (0.00252 * celsius - 0.020582)) / KELVIN
    return {
        "saturation_pressure": ((KELVIN,), murray),
        "saturation_pressure_fao56": ((KELVIN,), fao),
        "saturation_slope": ((KELVIN,), 17.38 * 239 * murray / (239 + celsius) ** 2),
        "saturation_slope_fao56": ((KELVIN,), 4098 * fao / (237.3 + celsius) ** 2),
        "deficit_from_relative_humidity": ((KELVIN, humidity), murray * (1 - humidity)),
        "vaporisation_heat": ((KELVIN,), heat),
        "psychrometric_constant": ((KELVIN, pressure), 1013 * pressure / (0.622 * heat)),
        "air_density": ((KELVIN, pressure, humidity), rho),
    }


@pytest.mark.parametrize("name", _numpy_forms())
def test_equals_plain_numpy(name):
    inputs, expected = _numpy_forms()[name]
    np.testing.assert_allclose(getattr(weather, name)(*inputs), expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("name", ["saturation_pressure", "deficit_from_relative_humidity"])
def test_single_precision_suffices(name):
    inputs, expected = _numpy_forms()[name]
    single = getattr(weather, name)(*(np.asarray(a, np.float32) for a in inputs))
    assert single.dtype == np.float32
    # Half a unit in the last place of 300 K is 1.5e-5 K: about 1e-6 of the pressure.
    np.testing.assert_allclose(single, expected, rtol=6e-6, atol=0.02)
