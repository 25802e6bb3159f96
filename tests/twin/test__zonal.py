"""Climate from latitude: worked examples of FAO-56, closed integrals, poles and continuity."""

import numpy as np
import pytest
from scipy.integrate import quad

from musyq_lab.twin import _zonal

EVERY = np.linspace(-90, 90, 721)


def test_mean_temperature_of_the_globe_is_its_first_term():
    """P2 vanishes over the sphere; the oceanic term, in the north alone, is 8.5 times the mean of sin2(2 phi)."""
    latitude = np.degrees(np.arcsin(np.linspace(-1, 1, 20_001)))
    dry = _zonal.sea_level_temperature(latitude, np.full(latitude.shape, 8.5 / 11))
    assert dry.mean() == pytest.approx(273.15 + 14.97, abs=0.01)
    ocean = _zonal.sea_level_temperature(latitude, np.zeros(latitude.size))
    added = quad(lambda x: 8.5 * np.sin(2 * np.arcsin(x)) ** 2, 0, 1)[0] / 2
    assert ocean.mean() - dry.mean() == pytest.approx(added, abs=0.01)


@pytest.mark.parametrize("continentality", [0.0, 0.5, 1.0])
def test_climate_goes_on_smoothly_from_pole_to_pole(continentality):
    inland = np.full(EVERY.shape, continentality)
    for values, most in (
        (_zonal.sea_level_temperature(EVERY, inland), 0.5),
        (_zonal.annual_amplitude(EVERY, inland), 1.0),
        (_zonal.extraterrestrial(EVERY), 3.0),
    ):
        assert np.isfinite(values).all()
        assert np.abs(np.diff(values)).max() < most


@pytest.mark.parametrize("continentality", [0.1, 0.7])
def test_amplitude_is_alike_in_both_hemispheres_and_that_of_ice_at_the_poles(continentality):
    inland = np.full(EVERY.shape, continentality)
    amplitude = _zonal.annual_amplitude(EVERY, inland)
    np.testing.assert_allclose(amplitude, amplitude[::-1])
    assert amplitude[0] == amplitude[-1] == 15.0
    assert amplitude[360] == 0.0


def test_gorczynski_s_index_comes_back():
    """K = 1.7 (range) / sin(phi) - 20.4."""
    amplitude = _zonal.annual_amplitude(np.array([50.0]), np.array([0.6]))
    assert 1.7 * 2 * amplitude[0] / np.sin(np.radians(50.0)) - 20.4 == pytest.approx(60.0)


def test_annual_mean_at_the_equator_is_that_of_fao_56():
    """Table 2.6 (MJ m-2 d-1, quoted from memory), January to December."""
    months = (36.2, 37.5, 37.9, 36.8, 34.8, 33.4, 33.9, 35.7, 37.2, 37.4, 36.3, 35.6)
    assert float(_zonal.extraterrestrial(np.array(0.0))) == pytest.approx(np.mean(months) / 0.0864, rel=5e-3)


def test_annual_mean_is_even_and_falls_poleward():
    values = _zonal.extraterrestrial(EVERY)
    np.testing.assert_allclose(values, values[::-1], rtol=1e-2)
    assert (np.diff(values[360:]) < 0.01).all()  # days are ten apart
    mean = np.average(values, weights=np.cos(np.radians(EVERY)))
    assert mean == pytest.approx(1367 / 4, rel=2e-3)


def test_clouds_are_the_missing_sunshine():
    latitude = np.array([10.0, 45.0])
    outside = _zonal.extraterrestrial(latitude)
    for share, cloud in ((0.75, 0.05), (0.5, 0.5), (0.25, 0.9), (0.4, 0.7)):
        np.testing.assert_allclose(_zonal.cloud_fraction(share * outside, latitude), cloud, atol=1e-9)


@pytest.mark.parametrize("elevation", [0.0, 1500.0, 4500.0])
@pytest.mark.parametrize("depth", [0.05, 0.2, 0.6])
def test_aerosol_gives_the_turbidity_that_gave_it(depth, elevation):
    r, w = np.exp(elevation / 8434.0), 1.5
    turbidity = 3.91 * np.exp(0.689 * r) * depth + 0.376 * np.log(w) + 2 + 0.54 * r - 0.5 * r**2 + 0.16 * r**3
    found = _zonal.aerosol(np.array(turbidity), np.array(w), np.array(elevation))
    assert float(found) == pytest.approx(depth)


@pytest.mark.parametrize(
    "where", [(180.0, 0.0), (-180.0, -90.0), (0.0, 90.0), (86.9, 28.0), (35.5, 31.5), (37.6, 55.7)]
)
def test_every_corner_of_the_earth_has_a_climate_in_bounds(where):
    longitude, latitude = (np.array([v]) for v in where)
    for height in (-400.0, 0.0, 8800.0):
        found = _zonal.climate_at(longitude, latitude, np.array([height]))
        limits = {
            "temperature_mean": (200, 310), "temperature_amplitude": (0, 35), "diurnal_amplitude": (1, 10),
            "humidity_mean": (0.1, 0.95), "cloud_fraction_mean": (0.05, 0.9), "precipitation": (50, 3000),
            "aod_mean": (0.03, 0.8),
        }  # fmt: skip
        assert set(found) == set(limits)
        for name, (low, high) in limits.items():
            assert found[name].shape == (1,)
            assert low <= found[name][0] <= high, name


def test_below_the_sea_it_is_no_warmer_than_at_it():
    at = [
        _zonal.climate_at(np.array([35.5]), np.array([31.5]), np.array([z]))["temperature_mean"] for z in (-430.0, 0.0)
    ]
    assert at[0] == at[1]
