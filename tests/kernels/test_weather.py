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


@pytest.mark.parametrize(
    ("celsius", "kilopascal"),
    # FAO-56, example 3 (24.5 and 15 C) and example 4 (wet and dry bulb of an Asmann psychrometer: 19.5 C)
    [(24.5, 3.075), (15.0, 1.705), (19.5, 2.267)],
)
def test_saturation_of_the_examples_of_fao(celsius, kilopascal):
    assert weather.saturation_pressure_fao56.python(celsius + weather.FREEZING) / 1e3 == pytest.approx(
        kilopascal, abs=6e-4
    )


def test_mean_deficit_of_example_5_of_fao():
    # 18 C at 82 % and 25 C at 54 %: vapour pressure 1.70 kPa, deficit 0.91 kPa, from the mean of both saturations
    cold, warm = (weather.saturation_pressure_fao56.python(t + weather.FREEZING) for t in (18.0, 25.0))
    vapour = (cold * 0.82 + warm * 0.54) / 2
    assert vapour / 1e3 == pytest.approx(1.70, abs=0.006)
    assert ((cold + warm) / 2 - vapour) / 1e3 == pytest.approx(0.91, abs=0.006)


def test_pressure_and_psychrometric_constant_of_example_2_of_fao():
    # 1,800 m: 81.8 kPa and 0.054 kPa K-1 by the simpler pressure of FAO-56, equation 7, at 20 C
    pressure = weather.standard_pressure.python(1800.0)
    assert pressure == pytest.approx(81.8e3, rel=5e-3)
    assert weather.psychrometric_constant.python(293.15, pressure) == pytest.approx(54.0, abs=0.6)


def test_standard_pressure_balances_the_weight_of_the_air():
    # dp/dz = -rho g with the density of dry air at the standard temperature
    height = np.linspace(0.0, 9000.0, 19)
    step = 0.5
    fall = (weather.standard_pressure(height + step) - weather.standard_pressure(height - step)) / (2 * step)
    temperature = 288.15 - 0.0065 * height
    density = weather.standard_pressure(height) / (287.05287 * temperature)
    np.testing.assert_allclose(fall, -9.80665 * density, rtol=1e-6)


def test_clausius_and_clapeyron_hold():
    # d ln e / dT = L / (R_v T^2): both forms follow it with the heat of vaporisation
    for slope, pressure in (
        (weather.saturation_slope, weather.saturation_pressure),
        (weather.saturation_slope_fao56, weather.saturation_pressure_fao56),
    ):
        warm = KELVIN[(WARMTH > 0) & (WARMTH < 40)]
        heat = slope(warm) / pressure(warm) * 461.5 * warm**2
        np.testing.assert_allclose(heat, weather.vaporisation_heat(warm), rtol=0.012)


def test_humid_air_is_lighter_in_the_warmth():
    warm = np.full(11, 303.15)
    density = weather.air_density(warm, np.full(11, 1e5), np.linspace(0, 1, 11))
    assert (np.diff(density) < 0).all()


@pytest.mark.parametrize("name", _numpy_forms())
def test_compiled_equals_the_python_twin(name):
    inputs, _ = _numpy_forms()[name]
    kernel = getattr(weather, name)
    np.testing.assert_allclose(kernel(*inputs), kernel.python(*inputs), rtol=1e-14, atol=1e-11)


@pytest.mark.parametrize("name", ["deficit_from_relative_humidity", "air_density"])
def test_chunks_do_not_change_a_bit(name):
    inputs, _ = _numpy_forms()[name]
    kernel = getattr(weather, name)
    whole = kernel(*inputs)
    for size in (1, 7, 32):
        pieces = [kernel(*(a[k : k + size] for a in inputs)) for k in range(0, len(WARMTH), size)]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_shapes_broadcast():
    humidity = np.linspace(0.1, 0.9, 5)
    made = weather.deficit_from_relative_humidity(KELVIN[:, None], humidity[None, :])
    assert made.shape == (len(KELVIN), 5)
    assert (np.diff(made, axis=1) < 0).all()
    assert (np.diff(made, axis=0) > 0).all()
