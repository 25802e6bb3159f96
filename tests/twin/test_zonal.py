"""Climate from latitude and maps: published formulas worked by hand, and the climates of cities."""

import numpy as np
import pytest

from musyq_lab.twin import _zonal

PLACES = {
    # name: longitude, latitude, elevation (m), annual mean (degC), half the range of monthly means (K); climate normals
    # 1991-2020 as commonly tabulated, rounded
    "Paris": (2.35, 48.86, 35, 12.0, 8.0),
    "Berlin": (13.4, 52.5, 35, 10.0, 9.5),
    "Moscow": (37.6, 55.75, 150, 6.3, 13.5),
    "Beijing": (116.4, 39.9, 45, 13.3, 15.0),
    "Changchun": (125.3, 43.9, 235, 6.0, 19.0),
    "Yakutsk": (129.7, 62.0, 100, -8.0, 29.0),
    "Singapore": (103.8, 1.35, 15, 27.5, 0.8),
    "Buenos Aires": (-58.4, -34.6, 25, 17.9, 7.0),
}


def climate(longitude, latitude, elevation):
    found = _zonal.climate_at(np.array([longitude]), np.array([latitude]), np.array([float(elevation)]))
    return {name: float(value[0]) for name, value in found.items()}


@pytest.mark.parametrize("name", PLACES)
def test_cities_come_within_five_kelvin(name):
    longitude, latitude, elevation, mean, amplitude = PLACES[name]
    found = climate(longitude, latitude, elevation)
    assert found["temperature_mean"] - 273.15 == pytest.approx(mean, abs=5)
    assert found["temperature_amplitude"] == pytest.approx(amplitude, abs=5)


def test_air_cools_by_six_and_a_half_kelvin_a_kilometre():
    low, high = climate(100.0, 40.0, 0), climate(100.0, 40.0, 2000)
    assert low["temperature_mean"] - high["temperature_mean"] == pytest.approx(13.0)


def test_zonal_mean_is_that_of_north_1981():
    # P2(sin 0) = -1/2, P2(sin 90) = 1, and P2 = 0 where sin^2 = 1/3; no oceanic term at the equator or in the south
    latitude = np.array([0.0, -90.0, -np.degrees(np.arcsin(3**-0.5))])
    found = _zonal.sea_level_temperature(latitude, np.full(3, 0.5)) - 273.15
    assert found == pytest.approx([14.97 + 14.0, 14.97 - 28.0, 14.97])


def test_only_the_north_has_a_gulf_stream():
    assert _zonal.sea_level_temperature(np.array([50.0]), np.array([0.1])) > _zonal.sea_level_temperature(
        np.array([-50.0]), np.array([0.1])
    )


def test_amplitude_vanishes_at_the_equator_and_is_gorczynski_s_elsewhere():
    assert _zonal.annual_amplitude(np.array([0.0]), np.array([0.9])) == pytest.approx(0)
    # K = 60 at 40 N: range = (60 + 20.4) sin 40 / 1.7 = 30.4 K
    assert 2 * _zonal.annual_amplitude(np.array([40.0]), np.array([0.6])) == pytest.approx(30.4, abs=0.05)
    assert _zonal.annual_amplitude(np.array([-40.0]), np.array([0.6])) > 0


def test_amplitude_at_the_poles_is_that_of_the_ice():
    assert _zonal.annual_amplitude(np.array([90.0, -90.0]), np.array([0.1, 1.0])) == pytest.approx([15, 15])


def integrated(latitude):
    """Mean of S0 cos(zenith) over 365 days and 288 times of day; declination and distance after Spencer (1971)."""
    angle = 2 * np.pi * np.arange(365)[:, None] / 365
    declination = (
        0.006918 - 0.399912 * np.cos(angle) + 0.070257 * np.sin(angle) - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle) - 0.002697 * np.cos(3 * angle) + 0.00148 * np.sin(3 * angle)
    )  # fmt: skip
    distance = 1.00011 + 0.034221 * np.cos(angle) + 0.00128 * np.sin(angle) + 0.000719 * np.cos(2 * angle)
    hour = 2 * np.pi * (np.arange(288) + 0.5) / 288
    phi = np.radians(latitude)
    cosine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour)
    return float((1367 * distance * np.maximum(cosine, 0)).mean())


@pytest.mark.parametrize("latitude", [0.0, 20.0, -20.0, 40.0, -40.0, 60.0, 75.0, 89.0])
def test_extraterrestrial_light_equals_the_integral_over_the_year(latitude):
    assert _zonal.extraterrestrial(np.array(latitude)) == pytest.approx(integrated(latitude), rel=0.01)


def test_extraterrestrial_light_at_the_pole_is_finite():
    assert 100 < _zonal.extraterrestrial(np.array(90.0)) < 250


def test_cloud_fraction_at_the_ends_of_angstrom_s_line():
    top = _zonal.extraterrestrial(np.array([30.0]))
    latitude = np.array([30.0])
    assert _zonal.cloud_fraction(0.75 * top, latitude) == pytest.approx(0.05)  # clear sky: the floor
    assert _zonal.cloud_fraction(0.50 * top, latitude) == pytest.approx(0.5)
    assert _zonal.cloud_fraction(0.25 * top, latitude) == pytest.approx(0.9)  # overcast: the cap


def test_aerosol_turns_ineichen_s_formula_round():
    depth, vapour, elevation = 0.25, 1.7, 800.0
    r = np.exp(elevation / 8434)
    turbidity = 3.91 * np.exp(0.689 * r) * depth + 0.376 * np.log(vapour) + 2 + 0.54 * r - 0.5 * r**2 + 0.16 * r**3
    assert _zonal.aerosol(np.array([turbidity]), np.array([vapour]), np.array([elevation])) == pytest.approx(depth)


def test_clean_air_has_some_aerosol():
    assert _zonal.aerosol(np.array([1.5]), np.array([1.0]), np.array([0.0])) == pytest.approx(0.03)


def test_haze_and_clouds_where_they_are():
    plain, tibet, amazon, sahara = (
        climate(115, 36, 50),
        climate(90, 31, 4500),
        climate(-60, -3, 50),
        climate(10, 23, 400),
    )
    assert plain["aod_mean"] > 2 * tibet["aod_mean"]
    assert amazon["cloud_fraction_mean"] > sahara["cloud_fraction_mean"] + 0.2
    assert amazon["precipitation"] > 4 * sahara["precipitation"]
    assert amazon["humidity_mean"] > sahara["humidity_mean"]


def test_every_place_on_earth_has_a_climate():
    longitude, latitude = np.meshgrid(np.linspace(-180, 180, 37), np.linspace(-90, 90, 19))
    found = _zonal.climate_at(longitude, latitude, np.zeros(longitude.shape))
    for name, value in found.items():
        assert value.shape == longitude.shape, name
        assert np.all(np.isfinite(value)), name
    assert found["temperature_mean"].min() > 220
    assert found["temperature_mean"].max() < 305
    assert found["temperature_amplitude"].max() < 36
    assert found["cloud_fraction_mean"].min() >= 0.05
