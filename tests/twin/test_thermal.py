"""The thermal forward model: limits, identities, an integration of its own, and published algorithms that invert it."""

import numpy as np
import pytest
from scipy import constants as si
from scipy.integrate import quad

from musyq_lab.twin.thermal import _strengths, top_temperature

BANDS = {
    "mir": (3.75, 0.18),
    "vapour_upper": (6.24, 0.82),
    "vapour_lower": (7.35, 0.19),
    "tir_8_6": (8.59, 0.37),
    "ozone": (9.64, 0.38),
    "tir1": (10.9, 0.59),
    "tir2": (12.0, 1.01),
    "carbon_dioxide": (13.28, 0.56),
}
CLEAR = {"surface_temperature": 300.0, "air_temperature": 295.0, "water_vapour": 20.0, "view_zenith": 0.0}


def planck(wavelength, temperature):
    """Radiance of a black body (W m-2 sr-1 um-1), from the constants of the SI."""
    metres = wavelength * 1e-6
    exponent = si.h * si.c / (metres * si.k * temperature)
    return 2e-6 * si.h * si.c**2 / metres**5 / np.expm1(exponent)


def temperature(wavelength, radiance):
    """Return the inverse."""
    metres = wavelength * 1e-6
    return si.h * si.c / (metres * si.k) / np.log1p(2e-6 * si.h * si.c**2 / metres**5 / radiance)


def top(band, **changes):
    centre, fwhm = BANDS[band]
    return float(top_temperature(centre, fwhm, **({"emissivity": 0.97} | CLEAR | changes)))


@pytest.mark.parametrize("band", sorted(set(BANDS) - {"ozone"}))
@pytest.mark.parametrize("emissivity", [0.5, 0.9, 1.0])
def test_without_air_the_surface_shows(band, emissivity):
    centre, _ = BANDS[band]
    expected = temperature(centre, emissivity * planck(centre, 300.0))
    assert top(band, emissivity=emissivity, water_vapour=0.0, surface_pressure=0.0) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("band", BANDS)
def test_air_as_warm_as_a_black_surface_is_invisible(band):
    changes = {"surface_temperature": 288.0, "air_temperature": 288.0, "lapse_rate": 0.0}
    for view in (0.0, 50.0, 75.0):
        assert top(band, emissivity=1.0, view_zenith=view, **changes) == pytest.approx(288.0, abs=0.01)


@pytest.mark.parametrize("emissivity", [0.6, 0.8, 1.0])
def test_isothermal_enclosure_hides_emissivity(emissivity):
    """Where air of one temperature closes the sky, what the surface does not emit it reflects."""
    changes = {"surface_temperature": 288.0, "air_temperature": 288.0, "lapse_rate": 0.0, "water_vapour": 400.0}
    for band in ("vapour_upper", "tir2", "carbon_dioxide"):
        assert top(band, emissivity=emissivity, **changes) == pytest.approx(288.0, abs=0.05)


def test_reflected_sky_warms_a_grey_surface():
    """Between an open and a closed sky: the hidden part is that of the sky's own emission."""
    changes = {"surface_temperature": 288.0, "air_temperature": 288.0, "lapse_rate": 0.0, "emissivity": 0.8}
    seen = [top("tir2", water_vapour=vapour, **changes) for vapour in (0.0, 10.0, 30.0, 60.0)]
    assert np.all(np.diff(seen) > 0)
    assert seen[0] < 280.0


def test_vapour_parts_the_split_window():
    apart = [top("tir1", water_vapour=w) - top("tir2", water_vapour=w) for w in (2.0, 10.0, 20.0, 35.0)]
    assert np.all(np.diff(apart) > 0.1)


@pytest.mark.parametrize("band", BANDS)
def test_off_nadir_is_colder(band):
    seen = [top(band, view_zenith=angle) for angle in (0.0, 30.0, 50.0, 65.0)]
    assert np.all(np.diff(seen) < 0)


def test_absorbing_bands_see_their_levels():
    """US Standard Atmosphere: 350, 440 and 600 hPa have 235, 244 and 261 K; 9.6 um some 25 K less than the window."""
    standard = {"surface_temperature": 290.0, "air_temperature": 288.15, "water_vapour": 14.0}
    assert top("vapour_upper", **standard) == pytest.approx(235, abs=4)
    assert top("vapour_lower", **standard) == pytest.approx(259, abs=5)
    assert top("ozone", **standard) == pytest.approx(top("tir1", **standard) - 25, abs=6)
    assert top("carbon_dioxide", **standard) == pytest.approx(top("tir1", **standard) - 20, abs=6)


def test_surface_is_hidden_in_the_vapour_band():
    assert top("vapour_upper", surface_temperature=330.0) == pytest.approx(top("vapour_upper"), abs=0.01)
    assert top("tir1", surface_temperature=330.0) > top("tir1") + 20


def test_less_air_over_a_mountain():
    low, high = (top("carbon_dioxide", surface_pressure=p) for p in (1013.25, 600.0))
    assert high > low + 5


@pytest.mark.parametrize("vapour", [3.0, 9.0, 15.0, 21.0, 33.0, 45.0])
@pytest.mark.parametrize("warmer", [0.0, 5.0, 10.0])
def test_published_split_window_finds_the_surface(vapour, warmer):
    """Jimenez-Munoz et al. 2014, Landsat-8 B10 and B11: science/radiation.md 4d."""
    air = 275.0 + 0.6 * vapour
    atmosphere = {"surface_temperature": air + warmer, "air_temperature": air, "water_vapour": vapour}
    first, second = top("tir1", emissivity=0.970, **atmosphere), top("tir2", emissivity=0.975, **atmosphere)
    apart, w = first - second, vapour / 10
    found = first + 1.378 * apart + 0.183 * apart**2 - 0.268
    found += (54.30 - 2.238 * w) * (1 - 0.9725) + (-129.20 + 16.40 * w) * (0.970 - 0.975)
    assert found == pytest.approx(air + warmer, abs=1.0)


@pytest.mark.parametrize(
    ("vapour", "a", "b", "c"),
    [
        (3.0, 0.9751, -205.8929, 212.7173),
        (9.0, 1.0090, -232.2750, 230.5698),
        (15.0, 1.0541, -253.1943, 238.9548),
        (21.0, 1.1282, -279.4212, 244.0772),
    ],
)
def test_published_mono_window_finds_the_surface(vapour, a, b, c):
    """Ermida et al. 2020, Landsat-8, middle of the bins of vapour: science/radiation.md 4b."""
    air = 275.0 + 0.6 * vapour
    for warmer in (0.0, 10.0):
        seen = top("tir1", surface_temperature=air + warmer, air_temperature=air, water_vapour=vapour)
        assert (a * seen + b) / 0.97 + c == pytest.approx(air + warmer, abs=1.7)


def test_layers_are_thin_enough():
    """The same equations, integrated over height by scipy at nadir."""
    centre, vapour, air = 11.0, 25.0, 295.0
    strength = 4.18 + 5578 * np.exp(-7.87e-3 * 1e4 / centre)
    lines, mixed, _ = _strengths(centre, 0.0)

    def extinction(z):
        t, pressure = air - 6.5e-3 * z, np.exp(-z / 8000)
        density = vapour / 2000 * np.exp(-z / 2000)  # kg m-3
        partial = density * 461.5 * t / 101_325
        continuum = strength * np.exp(1800 * (1 / t - 1 / 296)) * (partial + 0.002 * (pressure - partial))
        return (continuum + lines * pressure) * density * 0.1 + mixed * pressure**2 / 4000

    height = np.linspace(0, 11_000, 2201)
    middle = (height[1:] + height[:-1]) / 2
    depth = np.append(0.0, np.cumsum(extinction(middle) * 5.0))
    clear = np.exp(-(depth[-1] - depth))
    upward = np.sum(planck(centre, air - 6.5e-3 * middle) * np.diff(clear))
    assert depth[-1] == pytest.approx(quad(extinction, 0, 11_000)[0], rel=1e-4)
    expected = temperature(centre, clear[0] * planck(centre, 300.0) + upward)
    seen = top_temperature(centre, 0.0, emissivity=1.0, **(CLEAR | {"water_vapour": vapour, "air_temperature": air}))
    assert float(seen) == pytest.approx(expected, abs=0.1)


def test_sunlight_only_in_the_middle_infrared():
    assert top("mir", sun_zenith=30.0, emissivity=0.9) > top("mir", emissivity=0.9) + 8
    assert top("mir", sun_zenith=95.0) == top("mir")
    assert top("mir", sun_zenith=30.0, emissivity=1.0) == pytest.approx(top("mir", emissivity=1.0), abs=1e-3)
    assert top("tir1", sun_zenith=30.0) == top("tir1")


def test_sunlight_is_that_of_the_sun():
    """Without air a white surface under the Sun is as bright as a disk of 695,700 km at 1 AU with 5772 K."""
    changes = CLEAR | {"water_vapour": 0.0, "surface_pressure": 0.0, "emissivity": 0.0}
    seen = top_temperature(3.9, 0.2, **changes, sun_zenith=0.0)
    assert planck(3.9, float(seen)) == pytest.approx(planck(3.9, 5772.0) * (695_700e3 / si.au) ** 2, rel=1e-3)


def test_thick_cloud_shows_its_top():
    high = {"cloud_optical_depth": 60.0, "cloud_top_temperature": 225.0}
    assert top("tir1", **high) == pytest.approx(225.0, abs=0.2)
    low = top("vapour_upper", cloud_optical_depth=60.0, cloud_top_temperature=285.0)
    assert low == pytest.approx(top("vapour_upper"), abs=0.5)


def test_thin_cloud_lies_between():
    seen = [top("tir1", cloud_optical_depth=d, cloud_top_temperature=230.0) for d in (0.0, 0.1, 1.0, 4.0, 60.0)]
    assert np.all(np.diff(seen) < 0)


def test_shapes_blocks_and_type():
    """A large array gives what its elements give one by one."""
    random = np.random.default_rng(1)
    surface = random.uniform(280, 310, (200, 150))
    depth = np.where(random.random(surface.shape) < 0.3, 5.0, 0.0)
    seen = top_temperature(
        10.9, 0.59, **(CLEAR | {"surface_temperature": surface}), emissivity=0.97, cloud_optical_depth=depth
    )
    assert seen.shape == surface.shape
    assert seen.dtype == np.float32
    for at in ((0, 0), (110, 37), (199, 149)):
        one = top("tir1", surface_temperature=surface[at], cloud_optical_depth=depth[at])
        assert seen[at] == pytest.approx(one, abs=1e-3)


def test_missing_stays_missing():
    seen = top_temperature(10.9, 0.59, **(CLEAR | {"surface_temperature": [300.0, np.nan]}), emissivity=0.97)
    assert np.isfinite(seen[0])
    assert np.isnan(seen[1])
