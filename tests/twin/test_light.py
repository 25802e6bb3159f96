"""Albedo and absorption: between black and white sky, beside whole spectra, and the sun of every cell."""

import numpy as np
import pytest
from twin import static as fields
from twin.looks import ground, instant

from musyq_lab.kernels import canopy as sail
from musyq_lab.kernels import ground as soils
from musyq_lab.kernels.leaf import prospect_d
from musyq_lab.standard.spectra import leaf_constants, sunlight
from musyq_lab.twin._species import species
from musyq_lab.twin.canopy import leaf_traits
from musyq_lab.twin.light import Light, LightTables

GRID = fields.grid(0.16)  # 8 x 8


def light(static=None, members="training", **state):
    fixed = ground(GRID) if static is None else static
    return Light(LightTables(fixed, members), instant(GRID, **state))


def at(made, sun=45.0, through=1.0):
    return made(*(np.broadcast_to(np.float32(x), GRID.shape) for x in (sun, through)))


VARIED = {"lai": np.linspace(0, 6, 64).reshape(8, 8), "greenness": np.linspace(1, 0.2, 64).reshape(8, 8).T}


def spectra(lai, sun):
    """Black- and white-sky albedo and absorption by the leaves of a crop over the training soil, by 1 nm."""
    wavelength, outside = sunlight("ground")
    constants, stand = leaf_constants(), species(12)
    below = soils.soil(wavelength, constants.water, 0.36, redness=0.577, moisture=0.45 * 0.3)
    traits = {name: np.float32(value)[np.newaxis] for name, value in leaf_traits(12, 1.0).items()}
    leaf = prospect_d(**traits, constants=constants)
    geometry = {"sun_zenith": sun, "view_zenith": 0.0, "relative_azimuth": 0.0}
    layer = sail.four_sail(
        *leaf, lai=lai, leaf_angles=sail.campbell(stand.leaf_angle), hotspot=stand.hotspot, **geometry
    )
    return wavelength, outside, sail.over_soil(layer, below), sail.absorbed(layer, below)


@pytest.mark.parametrize("lai", [0.0, 1.0, 4.0])
def test_albedo_beside_the_spectrum(lai):
    _, sun, both, _ = spectra(lai, 45.0)
    black, white = (float(np.average(part[0], weights=sun)) for part in (both.rsdt, both.rddt))
    found = at(light(lai=lai), 45.0)["albedo"].values
    np.testing.assert_allclose(found, 0.8 * black + 0.2 * white, atol=0.002)


@pytest.mark.parametrize("lai", [0.5, 2.0, 5.0])
def test_fpar_beside_the_spectrum(lai):
    wavelength, sun, _, taken = spectra(lai, 60.0)
    photons = np.where(wavelength <= 0.7, sun * wavelength, 0.0)
    beam, sky = (float(np.average(part[0], weights=photons)) for part in (taken.direct, taken.diffuse))
    found = at(light(lai=lai), 60.0)["fpar"].values
    np.testing.assert_allclose(found, 0.8 * beam + 0.2 * sky, atol=0.003)


@pytest.mark.parametrize("sun", [0.0, 33.0, 75.0, 120.0])
def test_blue_sky_lies_between_black_and_white(sun):
    made = light(**VARIED)
    black, white, beam, sky = (part.reshape(8, 8) for part in made._under(np.full(64, sun, np.float32)))
    for through in (0.0, 0.3, 1.0):
        found = at(made, sun, through)
        for name, one, other in (("albedo", black, white), ("fpar", beam, sky)):
            inside = found[name].values
            assert np.all(inside >= np.minimum(one, other) - 1e-6)
            assert np.all(inside <= np.maximum(one, other) + 1e-6)


def test_fractions():
    for sun in (10.0, 65.0, 89.0):
        found = at(light(**VARIED, snow_fraction=np.eye(8)), sun)
        for name in ("albedo", "fpar"):
            assert found[name].values.min() >= 0
            assert found[name].values.max() <= 1


def test_no_leaves_absorb_nothing():
    assert np.abs(at(light(lai=0.0))["fpar"].values).max() < 1e-6


def test_more_leaves_absorb_more():
    found = at(light(lai=np.linspace(0, 7, 64).reshape(8, 8)))["fpar"].values.ravel()
    assert np.all(np.diff(found) > 0)
    assert found[-1] > 0.9


def test_low_sun_is_reflected_and_absorbed_more():
    made = light(lai=2.0)
    high, low = at(made, 20.0), at(made, 70.0)
    for name in ("albedo", "fpar"):
        assert np.all(low[name].values > high[name].values)


def test_overcast_sky_knows_no_sun():
    made = light(**VARIED)
    one, other = at(made, 10.0, 0.0), at(made, 70.0, 0.0)
    assert (
        np.abs(one["albedo"] - other["albedo"]).max()
        < np.abs(at(made, 10.0)["albedo"] - at(made, 70.0)["albedo"]).max()
    )


def test_snow_is_whiter():
    bare, white = (at(light(lai=0.2, snow_fraction=s))["albedo"].values for s in (0.0, 1.0))
    assert np.all(white > 0.6)
    assert np.all(bare < 0.3)


def test_each_cell_has_its_own_sun():
    suns = np.linspace(5, 85, 64, dtype=np.float32).reshape(8, 8)
    made = light(lai=2.0)
    wide = made(suns, np.ones_like(suns))
    for place in ((0, 0), (3, 4), (7, 7)):
        alone = at(made, suns[place])
        for name in ("albedo", "fpar"):
            assert float(wide[name].values[place]) == pytest.approx(float(alone[name].values[place]), abs=1e-6)


def test_nearly_one_sun_is_one():
    made = light(lai=2.0)
    narrow = np.linspace(44.9, 45.1, 64, dtype=np.float32).reshape(8, 8)
    assert np.ptp(made(narrow, np.ones_like(narrow))["albedo"].values) < 1e-6


def test_scored_set_differs():
    one, other = (at(light(lai=2.0, members=m)) for m in ("training", "scored"))
    assert np.all(np.abs(one["albedo"] - other["albedo"]) > 1e-3)


def test_attributes():
    found = at(light())
    assert {name: found[name].attrs["units"] for name in found} == {"albedo": "1", "fpar": "1"}
    assert found["albedo"].dtype == np.float32
