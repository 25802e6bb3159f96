"""Soil, snow and water: limits, published values and the equations written out once more."""

import numpy as np
import pytest
from scipy.stats import poisson

from musyq_lab.kernels import ground
from musyq_lab.kernels.leaf import interface_transmissivity
from musyq_lab.standard.spectra import band_weights, leaf_constants

W = leaf_constants().wavelength
WATER = leaf_constants().water


@pytest.fixture(scope="module")
def ice():
    bands = band_weights("landsat_oli")
    return bands.wavelength, bands.ice


def at(micrometres):
    return round(1000 * micrometres) - 400


def test_dry_soil_is_near_that_of_prosail():
    peer = pytest.importorskip("prosail", reason="its dry soil has no clear licence and does not ship")
    found = ground.soil(W, WATER, 0.509)
    difference = found - peer.spectral_lib.soil.rsoil1
    assert np.abs(difference).max() < 0.023
    assert np.sqrt((difference**2).mean()) < 0.006


def test_brightness_scales_dry_soil_and_redness_bends_it():
    base = ground.soil(W, WATER, 0.3)
    np.testing.assert_allclose(ground.soil(W, WATER, 0.6), 2.0 * base, rtol=1e-12)
    grey = ground.soil(W, WATER, 0.3, redness=0.0)
    np.testing.assert_allclose(grey[: at(1.7)], 0.3, rtol=1e-12)
    assert base[0] == pytest.approx(0.3 * (1 - 0.577), abs=1e-12)


def test_soil_darkens_with_moisture_most_where_water_absorbs():
    wet = ground.soil(W, WATER, 0.5, moisture=np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5]))
    np.testing.assert_array_equal(wet[0], wet[1])
    assert (np.diff(wet[1:], axis=0) < 0.0).all()
    ratio = wet[4] / wet[0]
    assert ratio[at(1.94)] < ratio[at(1.45)] < ratio[at(1.65)] < ratio[at(0.8)]
    assert (wet > 0.0).all()


def test_films_of_water_written_out():
    """Yang et al. (2020) with scipy's Poisson distribution and the refractive index of one wavelength."""
    place, moisture, dry = at(1.6), 0.35, 0.4
    index, absorption = 1.317, WATER[place]
    fall = ground.soil(W, WATER, 1.0, redness=0.0)[place]
    r = dry * fall
    ratio = interface_transmissivity(90.0, 2.0 / index) / interface_transmissivity(90.0, 2.0)
    soaked = 1.0 - (1.0 - r) * (r * ratio + 1.0 - r)
    below = 1.0 - interface_transmissivity(90.0, index) / index**2
    above = 1.0 - interface_transmissivity(40.0, index)
    shares = poisson.pmf(np.arange(7), (100 * moisture - 5.0) / 25.0)
    total = r * shares[0]
    for count in range(1, 7):
        light = np.exp(-2.0 * absorption * 0.015 * count) * soaked
        total += shares[count] * (above + (1 - above) * (1 - below) * light / (1 - below * light))
    found = ground.soil(W, WATER, dry, redness=0.0, moisture=moisture)[place]
    assert found == pytest.approx(total, abs=1e-10)


def test_missing_soil_is_nan():
    found = ground.soil(W[:5], WATER[:5], np.array([0.3, np.nan, 0.3]), moisture=np.array([0.1, 0.1, np.nan]))
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True]


def test_snow_without_absorption_is_white():
    assert ground.snow([0.5], [0.0], 30.0)[0] == 1.0
    assert ground.snow([0.5], [0.0], 30.0, sun_zenith=75.0)[0] == 1.0


def test_albedo_of_snow_as_published(ice):
    """Wiscombe & Warren (1980), figure 8 (read off): radius 1000 um about 0.4 at 1.1 um ... ; here their main facts.

    Fresh snow is above 0.97 in the visible; at 1.6 um all snow is dark; grains matter most from 0.9 to 1.3 um.
    """
    wavelength, index = ice
    fresh, coarse = ground.snow(wavelength, index, np.array([60.0, 5.0]))
    visible = wavelength < 0.65
    assert (fresh[visible] > 0.97).all()
    assert (coarse[visible] > 0.9).all()
    near = np.argmin(np.abs(wavelength - 0.87))
    assert 0.05 < (fresh - coarse)[near] < 0.25
    assert (fresh[(wavelength > 1.5) & (wavelength < 1.65)] < 0.25).all()


def test_snow_by_its_equation(ice):
    wavelength, index = ice
    gamma = 4.0 * np.pi * index / (wavelength * 1e-6)
    alpha = 16.0 / 3.0 * (2.0 / (20.0 * 917.0) * 1.6 * gamma) / (1.0 - 0.845)
    np.testing.assert_allclose(ground.snow(wavelength, index, 20.0), np.exp(-np.sqrt(alpha)), rtol=1e-12)


def test_white_sky_albedo_is_the_black_sky_albedo_of_all_directions():
    """For weak absorption the escape function 3 (1 + 2 mu) / 7 has the mean 1 over the hemisphere."""
    mu = (np.arange(2000) + 0.5) / 2000
    black = ground.snow([0.6], [5e-9], 20.0, sun_zenith=np.degrees(np.arccos(mu)))[:, 0]
    assert 2.0 * (black * mu).mean() == pytest.approx(ground.snow([0.6], [5e-9], 20.0)[0], abs=5e-5)


def test_soot_darkens_the_visible_only(ice):
    wavelength, index = ice
    loss = ground.snow(wavelength, index, 20.0) - ground.snow(wavelength, index, 20.0, soot=5e-7)
    assert loss[wavelength < 0.6].min() > 0.03
    assert loss[wavelength > 1.5].max() < 0.002


def test_snow_is_brighter_under_a_low_sun(ice):
    albedo = ground.snow(*ice, 15.0, sun_zenith=np.array([0.0, 40.0, 60.0, 80.0]))
    assert (np.diff(albedo, axis=0) > 0.0).all()


def test_clear_water_is_blue_and_green_water_green():
    blue, green = ground.water(W, WATER, np.array([0.03, 20.0]))
    assert blue[at(0.44)] > 3.0 * blue[at(0.55)] > 9.0 * blue[at(0.67)]
    assert green[at(0.56)] > 2.0 * green[at(0.44)]
    assert 0.01 < blue[at(0.44)] < 0.06  # remote-sensing reflectance of 0.003 to 0.02 sr-1


def test_water_is_black_in_the_shortwave_infrared():
    turbid = ground.water(W, WATER, 5.0, sediment=100.0)
    assert (turbid[at(1.5) :] < 1e-3).all()
    assert turbid[at(0.86)] > 0.01


def test_sediment_brightens_and_dissolved_matter_darkens():
    levels = ground.water(W, WATER, 2.0, sediment=np.array([0.0, 5.0, 50.0, 500.0]))
    assert (np.diff(levels[:, at(0.65)]) > 0.0).all()
    assert (levels < 0.4).all()
    stained = ground.water(W, WATER, 2.0, dissolved=np.array([0.0, 0.2, 2.0]))
    assert (np.diff(stained[:, at(0.44)]) < 0.0).all()


def test_water_inverts_to_its_ratio():
    """The quasi-analytical algorithm of Lee et al. (2002), steps 0 and 1, returns backscatter over the sum."""
    reflectance = ground.water(W, WATER, 1.0)[at(0.5)]
    above = reflectance / np.pi
    below = above / (0.52 + 1.7 * above)
    u = (-0.0895 + np.sqrt(0.0895**2 + 4.0 * 0.1247 * below)) / (2.0 * 0.1247)
    sea = 0.00144 + 0.416 * (0.002 + 0.005) * (0.5 / 0.55) ** -0.15
    algae = 0.0403 * (0.2 / (1 + np.exp(-38.0)) + 0.8 * np.exp(-((0.06 / 0.045) ** 2)))
    assert u == pytest.approx(sea / (sea + 100.0 * WATER[at(0.5)] + algae), rel=1e-3)
