"""Scattering from a made store: what goes in comes out in the documented dims, and what is closed is closed."""

import json

import numpy as np
import pytest
from scipy.integrate import quad

PRESSURE = {0.0: 1013.0, 2.5: 747.0, 5.5: 505.0}


def molecules(wavelength):
    return 0.00864 * wavelength**-4.05


def haze(wavelength):
    return (wavelength / 0.55) ** -1.2


def answer(wavelength, altitude=0.0, aod=0.0, sun=30.0, view=0.0, path=0.1):
    """One run of an atmosphere whose transmittance is exp(-a depth / mu)."""
    tau = molecules(wavelength) * PRESSURE[altitude] / 1013.0, aod * haze(wavelength)

    def through(angle):
        return float(np.exp(-(0.5 * tau[0] + 0.2 * tau[1]) / np.cos(np.radians(angle))))

    clear, triple = 0.05, [1.0, 1.0, 1.0]
    albedo = 0.4 * tau[0] + 0.1 * tau[1]
    scattered = [path, clear, through(sun), through(view), albedo, triple, triple, triple, triple]
    return [0.2, *scattered, list(tau), [1.1, 0.3], 0.9, PRESSURE[altitude]]


@pytest.fixture
def store(scripts, tmp_path):
    runs = scripts["runs"]
    for w in runs.NODES:
        angles = np.array(runs.SCATTERING_ANGLES)
        phases = [[*answer(w, aod=0.1)[:11], [1.0, float(a)], 0.9, 1013.0] for a in angles]
        (tmp_path / f"phase_{w:.4f}.json").write_text(json.dumps(phases))
        for z in runs.ALTITUDES:
            for a in (0.0, *runs.AOD):
                if a == 0 or runs.depends(w, z):
                    rows = [answer(w, z, a, s, v) for s, v in runs.TRANSMITTANCE_ZENITHS]
                    (tmp_path / f"transmittance_{w:.4f}_{z:.1f}_{a:.1f}.json").write_text(json.dumps(rows))
    return tmp_path


def test_pressures_are_those_of_the_answers(scripts, store):
    np.testing.assert_array_equal(scripts["scattering"].pressures(store), [1013.0, 747.0, 505.0])


def test_optics_by_wavelength(scripts, store):
    nodes = np.array(scripts["runs"].NODES)
    found = scripts["scattering"].optics(store)
    np.testing.assert_allclose(found["rayleigh_depth"], molecules(nodes))
    np.testing.assert_allclose(found["aerosol_depth"], haze(nodes))
    np.testing.assert_array_equal(found["aerosol_albedo"], 0.9)
    np.testing.assert_allclose(found["phase"], np.tile(scripts["runs"].SCATTERING_ANGLES, (nodes.size, 1)))


def test_beams_by_wavelength_height_haze_and_angle(scripts, store):
    """Also where runs with aerosol are not made: losses of a beam add up in its exponent."""
    runs = scripts["runs"]
    found = scripts["scattering"].beams(store)
    zenith = np.array(runs.TRANSMITTANCE_ZENITHS).ravel()
    for i, w in enumerate(runs.NODES):
        for j, z in enumerate(runs.ALTITUDES):
            for k, a in enumerate((0.0, *runs.AOD)):
                tau = molecules(w) * PRESSURE[z] / 1013.0, a * haze(w)
                expected = np.exp(-(0.5 * tau[0] + 0.2 * tau[1]) / np.cos(np.radians(zenith)))
                np.testing.assert_allclose(found["transmittance"][i, j, k], expected, rtol=1e-12)
                assert found["spherical_albedo"][i, j, k] == pytest.approx(0.4 * tau[0] + 0.1 * tau[1], rel=1e-12)


@pytest.mark.parametrize(("sun", "view"), [(0.0, 0.0), (40.0, 60.0), (72.0, 0.0)])
def test_single_scattering_is_the_integral_over_height(scripts, sun, view):
    """Molecules thin by 8 km, aerosol by 2 km; the whole written with pressure-like height 0 to 1."""
    one = scripts["runs"]._run(answer(0.4425, aod=0.7, sun=sun, view=view))
    both, clear = scripts["scattering"]._once(one, sun, view, 0.4)
    mu_s, mu_v = np.cos(np.radians(sun)), np.cos(np.radians(view))
    mass = 1 / mu_s + 1 / mu_v
    m, a = one.depth

    def density(z, aerosol):
        """Of scattering at a height (km)."""
        fade = np.exp(-mass * (m * np.exp(-z / 8) + aerosol * np.exp(-z / 2)))
        return fade * (1.1 * m / 8 * np.exp(-z / 8) + 0.9 * 0.4 * aerosol / 2 * np.exp(-z / 2))

    for value, aerosol in ((both, a), (clear, 0.0)):
        expected = quad(density, 0, 200, args=(aerosol,), epsabs=1e-12, limit=200)[0] / (4 * mu_s * mu_v)
        assert value == pytest.approx(expected, rel=1e-7)


def test_multiple_scattering_of_molecules_is_symmetric_and_without_the_single(scripts, tmp_path):
    runs, scattering = scripts["runs"], scripts["scattering"]
    angles = [(s, v) for i, s in enumerate(runs.RAYLEIGH_ZENITHS) for v in runs.RAYLEIGH_ZENITHS[: i + 1]]
    for w in runs.RAYLEIGH_WAVELENGTHS:
        rows = []
        for s, v in angles:
            for a in runs.RAYLEIGH_AZIMUTHS:
                mass = 1 / np.cos(np.radians(s)) + 1 / np.cos(np.radians(v))
                single = 1.1 * -np.expm1(-mass * molecules(w)) / mass
                single /= 4 * np.cos(np.radians(s)) * np.cos(np.radians(v))
                rows.append(answer(w, sun=s, view=v, path=single + 1e-3 * (s + v) + 1e-5 * a))
        (tmp_path / f"rayleigh_{w:.4f}.json").write_text(json.dumps(rows))
    found = scattering.rayleigh(tmp_path)
    depths, block = found["rayleigh_depths"], found["rayleigh_multiple"]
    np.testing.assert_allclose(depths, sorted(molecules(w) for w in runs.RAYLEIGH_WAVELENGTHS))
    zenith, azimuth = np.array(runs.RAYLEIGH_ZENITHS), np.array(runs.RAYLEIGH_AZIMUTHS)
    expected = 1e-3 * (zenith[:, None, None] + zenith[:, None]) + 1e-5 * azimuth
    np.testing.assert_allclose(block, np.broadcast_to(expected, block.shape), atol=1e-9)


def test_linear_interpolation_is_that_of_numpy(scripts):
    nodes, places = (0.0, 0.2, 0.7, 2.0), np.array([-1.0, 0.0, 0.1, 0.65, 2.0, 9.0])
    values = np.array([1.0, -3.0, 0.5, 4.0])
    matrix = scripts["scattering"]._linear(nodes, places)
    np.testing.assert_allclose(matrix @ values, np.interp(places, nodes, values), atol=1e-14)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)


def test_phase_of_a_state_is_read_at_its_scattering_angle(scripts, store):
    """The store holds the angle itself, so that the state's own angle must come back."""
    phase = scripts["scattering"]._phase(store, 0.5525)
    for sun, view, azimuth, angle in ((0.0, 0.0, 0.0, 180.0), (40.0, 40.0, 180.0, 100.0), (60.0, 0.0, 90.0, 120.0)):
        assert phase(sun, view, azimuth) == pytest.approx(angle, abs=1.5)
