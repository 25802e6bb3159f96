"""Soil, snow and water at their limits, and their spectra by other formulas."""

import numpy as np
import pytest
from scipy.special import expit

from musyq_lab.kernels import ground

W = np.array([0.45, 0.55, 0.67, 0.86, 1.24])
PURE = np.array([1e-4, 5.65e-4, 4.4e-3, 0.045, 1.0])  # cm-1, about those of water
ICE = np.array([9e-11, 2e-9, 1.8e-8, 2.4e-7, 1.2e-5])


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    """The Python twin: nothing is compiled for five wavelengths."""
    monkeypatch.setattr(ground, "_films", ground._films.python)


@pytest.mark.parametrize("moisture", [-0.1, 0.0, 0.05])
def test_soil_with_too_little_water_for_a_film_is_dry(moisture):
    dry = ground.soil(W, PURE, 0.4)
    np.testing.assert_array_equal(ground.soil(W, PURE, 0.4, moisture=moisture), dry)


def test_soil_just_wetter_than_dry_is_just_darker():
    dry, damp = ground.soil(W, PURE, 0.4), ground.soil(W, PURE, 0.4, moisture=0.0501)
    assert (damp < dry).all()
    np.testing.assert_allclose(damp, dry, rtol=5e-3)


def test_soil_never_reflects_more_than_falls_on_it():
    brightness = np.array([0.0, 0.3, 0.6, 1.0])[:, None]
    found = ground.soil(W, PURE, brightness, redness=0.0, moisture=np.linspace(0, 0.55, 12))
    assert found.shape == (4, 12, 5)
    assert (found >= 0).all()
    assert (found <= 1).all()
    black = found[0, -1]
    assert (black < 0.06).all()  # of its films, half of them at most as bright as water


@pytest.mark.parametrize(("area", "wavelength"), [(60.0, 0.86), (5.0, 0.55), (20.0, 1.24)])
def test_snow_by_the_formula_of_grain_diameter(area, wavelength):
    """Kokhanovsky & Zege 2004: ln(R)^2 = 32 B gamma / (3 rho S (1 - g))."""
    k = int(np.argmin(np.abs(W - wavelength)))
    gamma = 4 * np.pi * ICE[k] / (wavelength * 1e-6)
    log = -np.log(ground.snow(W, ICE, area)[k])
    assert log**2 == pytest.approx(16 * 2 * 1.6 * gamma / (3 * 917.0 * area * (1 - 0.845)), rel=1e-9)


def test_snow_under_a_sun_at_half_height_has_the_albedo_of_the_sky():
    """3 (1 + 2 mu) / 7 is one where mu is 2 / 3."""
    white = ground.snow(W, ICE, 30.0)
    sun = np.degrees(np.arccos(2 / 3))
    np.testing.assert_allclose(ground.snow(W, ICE, 30.0, sun_zenith=sun), white, rtol=1e-12)
    many = ground.snow(W, ICE, np.array([[10.0], [40.0]]), sun_zenith=np.array([0.0, 60.0, 85.0]))
    assert many.shape == (2, 3, 5)
    assert (np.diff(many, axis=1) > 0).all()


def test_soot_counts_by_its_mass_as_ice_does():
    """Bond & Bergstrom: 6.9 m2 g-1 at 0.55 um, falling as 1 / wavelength."""
    log = [np.log(ground.snow(W, np.zeros(5), 30.0, soot=c)) ** 2 for c in (1e-7, 2e-7)]
    np.testing.assert_allclose(log[1], 2 * log[0])
    expected = 16 * 2 / 30.0 * 1e-7 * 6900.0 * (0.55 / W) / (3 * (1 - 0.845))
    np.testing.assert_allclose(log[0], expected, rtol=1e-9)


def test_water_written_out():
    """Lee et al. 2002 and its constituents, once more in another order."""
    chl, mass, cdom = 2.0, 3.0, 0.1
    plateau = 0.2 * expit((0.69 - W) / 0.005)
    algae = 0.0403 * chl**0.668 * (0.8 * np.exp(-(((W - 0.44) / 0.045) ** 2)) + plateau)
    algae += 0.0403 * chl**0.668 * 0.4 * np.exp(-(((W - 0.675) / 0.015) ** 2))
    absorbed = 100 * PURE + algae + cdom * np.exp(-17.6 * (W - 0.44)) + mass * 0.041 * np.exp(-12.3 * (W - 0.443))
    back = 0.00144 * (0.5 / W) ** 4.32 + mass * 0.51 * 0.018 * 0.55 / W
    share = 0.002 + 0.01 * (0.5 - 0.25 * np.log10(chl))
    back += 0.416 * chl**0.766 * share * (W / 0.55) ** min(max(0.5 * (np.log10(chl) - 0.3), -1), 0)
    u = back / (absorbed + back)
    below = 0.0895 * u + 0.1247 * u**2
    expected = np.pi * 0.52 * below / (1 - 1.7 * below)
    np.testing.assert_allclose(ground.water(W, PURE, chl, sediment=mass, dissolved=cdom), expected, rtol=1e-9)


def test_water_that_only_scatters_reaches_the_bound_of_its_formula():
    found = ground.water(np.array([0.55]), np.array([0.0]), 1e-6, sediment=1e6, dissolved=0.0)
    below = 0.0895 + 0.1247
    assert 0 < found[0] <= np.pi * 0.52 * below / (1 - 1.7 * below)


def test_missing_water_is_missing_alone():
    found = ground.water(W, PURE, np.array([1.0, np.nan]))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()
    assert ground.water(W, PURE, np.zeros((0,))).shape == (0, 5)
