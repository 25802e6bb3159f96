"""Light in clouds: published constants of water and ice, exact transfer, limits, the sky's own albedo."""

import csv

import numpy as np
import pytest
from scipy.integrate import quad

from musyq_lab.core.resources import resource
from musyq_lab.twin import _cloud_optics as optics

# Hale & Querry 1973, table 1 (doi 10.1364/AO.12.000555): wavelength (um), imaginary index of water
WATER = [
    (0.5, 1.00e-9), (0.7, 3.35e-8), (0.8, 1.25e-7), (0.9, 4.86e-7), (1.0, 2.89e-6), (1.2, 9.89e-6), (1.4, 1.38e-4),
    (1.6, 8.55e-5), (1.8, 1.15e-4), (2.0, 1.10e-3), (2.4, 9.56e-4),
]  # fmt: skip


@pytest.mark.parametrize(("wavelength", "index"), WATER)
def test_water_absorbs_by_its_published_index(wavelength, index):
    """4 pi k / lambda, by 0.85 times the radius of 10 um."""
    expected = 0.85 * 10.0 * 4 * np.pi * index / wavelength
    assert optics.absorbed(wavelength, ice=False) == pytest.approx(expected, rel=0.02)


def test_ice_absorbs_as_the_table_that_ships_says():
    """Of another copy of Warren & Brandt 2008, by 1 nm: away from its steps within some per cent of the few points."""
    with resource("catalogs/spectra/spectra.csv").open(encoding="utf-8") as file:
        index = {int(row["wavelength_nm"]): float(row["ice"]) for row in csv.DictReader(file)}
    for nm in (500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1700, 1800, 2000, 2130, 2250, 2400):
        expected = min(0.85 * 30.0 * 4 * np.pi * index[nm] / (nm * 1e-3), 0.5)
        assert optics.absorbed(nm * 1e-3, ice=True) == pytest.approx(expected, rel=0.06), nm


@pytest.mark.parametrize("ice", [True, False])
def test_beyond_the_table_its_ends_hold_and_half_is_the_most(ice):
    assert optics.absorbed(0.3, ice) < 1e-5
    assert optics.absorbed(2.5, ice) == pytest.approx(optics.absorbed(2.5000001, ice), rel=1e-4)
    assert all(0 < optics.absorbed(w, ice) <= 0.5 for w in np.linspace(0.4, 2.5, 200))
    assert np.isnan(optics.absorbed(float("nan"), ice)) or optics.absorbed(float("nan"), ice) <= 0.5


# ---- transfer --------------------------------------------------------------------------------------------------------
def monte_carlo(depth, mu, albedo, g, photons=40_000):
    """Reflectance and transmittance of a layer by photons that scatter after Henyey and Greenstein."""
    draw = np.random.Generator(np.random.Philox(11))
    place, way = np.zeros(photons), np.full(photons, mu)
    weight, out = np.ones(photons), np.zeros(2)
    while place.size:
        place = place + way * draw.exponential(size=place.size)
        up, down = place < 0, place > depth
        out += weight[up].sum(), weight[down].sum()
        inside = ~(up | down) & (weight > 1e-4)
        place, way, weight = place[inside], way[inside], weight[inside] * albedo
        u = draw.uniform(size=place.size)
        cosine = (1 + g * g - ((1 - g * g) / (1 - g + 2 * g * u)) ** 2) / (2 * g)
        turn = np.cos(2 * np.pi * draw.uniform(size=place.size))
        way = way * cosine + np.sqrt(np.maximum((1 - way**2) * (1 - cosine**2), 0)) * turn
    return out / photons


@pytest.mark.parametrize(
    ("depth", "mu", "albedo", "g"),
    [(10.0, 0.8, 1.0, 0.85), (10.0, 0.5, 0.99, 0.85), (3.0, 0.9, 1.0, 0.75), (20.0, 0.6, 0.95, 0.75)],
)
def test_delta_eddington_is_near_the_exact_transfer(depth, mu, albedo, g):
    """Within the few hundredths that Joseph et al. 1976 find for such layers."""
    np.testing.assert_allclose(optics.two_stream(depth, mu, albedo, g), monte_carlo(depth, mu, albedo, g), atol=0.035)


@pytest.mark.parametrize("albedo", [0.5, 0.9, 0.999])
def test_a_half_space_has_the_closed_reflectance(albedo):
    """R = w / (1 + k mu) (k g3 + a2) / (k + g1) of Meador & Weaver 1980, written with delta-Eddington numbers."""
    g, mu = 0.8, np.array([0.2, 0.55, 1.0])
    w, s = albedo * (1 - g * g) / (1 - albedo * g * g), g / (1 + g)
    g1, g2 = (7 - w * (4 + 3 * s)) / 4, -(1 - w * (4 - 3 * s)) / 4
    g3 = (2 - 3 * s * mu) / 4
    k = np.sqrt(g1**2 - g2**2)
    expected = w * (g1 * g3 + g2 * (1 - g3) + k * g3) / ((1 + k * mu) * (k + g1))
    reflected, through = optics.two_stream(1e4, mu, albedo, g)
    np.testing.assert_allclose(reflected, expected, rtol=1e-3)
    np.testing.assert_allclose(through, 0.0, atol=1e-6)


def test_nothing_in_the_way_changes_nothing():
    for albedo in (1.0, 0.9):
        reflected, through = optics.two_stream(np.zeros(3), np.array([0.05, 0.5, 1.0]), albedo, 0.85)
        np.testing.assert_allclose(reflected, 0.0, atol=1e-12)
        np.testing.assert_allclose(through, 1.0, atol=1e-12)


def test_a_thin_layer_scatters_in_proportion_to_its_depth():
    thin, thinner = (np.array(optics.two_stream(t, 0.7, 0.98, 0.85)) for t in (2e-4, 1e-4))
    assert thin[0] / thinner[0] == pytest.approx(2.0, rel=1e-2)
    lost = 1 - thin.sum()
    assert lost == pytest.approx(0.02 * 2e-4 / 0.7, rel=0.02)


def test_what_is_absorbed_grows_with_depth_and_darkness():
    depth = np.geomspace(0.01, 200, 60)
    lost = [1 - sum(optics.two_stream(depth, 0.6, albedo, 0.85)) for albedo in (0.999, 0.99, 0.9)]
    for one in lost:
        assert (np.diff(one) > -1e-9).all()
    assert (lost[0] < lost[1]).all()
    assert (lost[1] < lost[2]).all()


@pytest.mark.parametrize("depth", [0.5, 8.0])
def test_spherical_albedo_is_the_mean_of_the_plane_one(depth):
    def inside(mu):
        return 2 * mu * float(optics.two_stream(depth, max(mu, optics.LOWEST), 0.97, 0.85)[0])

    expected = quad(inside, 0, 1, points=[optics.LOWEST], limit=200)[0]
    assert optics.spherical_albedo(depth, 0.97, 0.85) == pytest.approx(expected, rel=5e-3)
    many = optics.spherical_albedo(np.full((2, 3), depth), 0.97, 0.85)
    assert many.shape == (2, 3)


def test_empty_and_missing_fields_pass():
    assert optics.conservative(np.zeros((0, 4)), 0.5).shape == (0, 4)
    assert np.isnan(optics.two_stream(np.nan, 0.5, 0.9, 0.85)).all()
