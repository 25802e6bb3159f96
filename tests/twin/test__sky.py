"""Radiation from the sky: its limits, the echo between ground and sky, published emissivities, edges."""

import numpy as np
import pytest

from musyq_lab.twin import _sky as sky

STATE = {"pressure": 1013.25, "aod": 0.15, "water_vapour": 15.0, "ozone": 300.0}


def clear(cosine, beyond=1361.0, **changes):
    cosine = np.asarray(cosine)
    fields = {name: np.asarray(value, cosine.dtype) for name, value in {**STATE, **changes}.items()}
    return sky.clear_sky(cosine, beyond, **fields)


# ---- clear sky -------------------------------------------------------------------------------------------------------
def test_transmittances_of_the_report_written_out():
    """Bird & Hulstrom 1981, one state at zenith 60 deg, each factor by its own formula with powers."""
    cosine, beyond, pressure, aod, vapour, ozone = 0.5, 1353.0, 840.0, 0.2, 15.0, 340.0
    mass = 1 / (cosine + 0.15 * (93.885 - 60.0) ** -1.253)
    pressed = mass * pressure / 1013.25
    rayleigh = np.exp(-0.0903 * pressed**0.84 * (1 + pressed - pressed**1.01))
    o3 = ozone / 1000 * mass
    through_ozone = 1 - 0.1611 * o3 * (1 + 139.48 * o3) ** -0.3035
    through_ozone -= 0.002715 * o3 / (1 + 0.044 * o3 + 0.0003 * o3**2)
    mixed = np.exp(-0.0127 * pressed**0.26)
    w = vapour / 10 * mass
    through_vapour = 1 - 2.4959 * w / ((1 + 79.034 * w) ** 0.6828 + 6.385 * w)
    broad = 0.2758 * aod * (0.55 / 0.38) ** 1.3 + 0.35 * aod * (0.55 / 0.5) ** 1.3
    aerosol = np.exp(-(broad**0.873) * (1 + broad - broad**0.7088) * mass**0.9108)
    absorbed = 1 - 0.1 * (1 - mass + mass**1.06) * (1 - aerosol)
    direct = 0.9662 * beyond * aerosol * through_vapour * mixed * through_ozone * rayleigh * cosine
    scattered = 0.5 * (1 - rayleigh) + 0.85 * (1 - aerosol / absorbed)
    diffuse = 0.79 * beyond * cosine * through_ozone * through_vapour * mixed * absorbed * scattered
    diffuse /= 1 - mass + mass**1.02
    found = clear(cosine, beyond, pressure=pressure, aod=aod, water_vapour=vapour, ozone=ozone)
    assert found.direct == pytest.approx(direct, rel=1e-3)
    assert found.diffuse == pytest.approx(diffuse, rel=1e-3)
    assert found.albedo == pytest.approx(0.0685 + 0.15 * (1 - aerosol / absorbed), rel=1e-3)


@pytest.mark.parametrize("name", ["aod", "water_vapour", "ozone", "pressure"])
def test_more_of_anything_dims_the_beam(name):
    low = {"aod": 0.0, "water_vapour": 0.5, "ozone": 100.0, "pressure": 500.0}[name]
    high = {"aod": 2.0, "water_vapour": 70.0, "ozone": 500.0, "pressure": 1050.0}[name]
    cosine = np.array([0.1, 0.5, 1.0])[:, None]
    found = clear(cosine, **{name: np.linspace(low, high, 30)})
    assert (np.diff(found.direct, axis=1) < 0).all()
    if name in ("aod", "pressure"):
        assert (np.diff(found.diffuse, axis=1)[2] > 0).any()


def test_no_more_light_than_there_is_down_to_the_horizon():
    cosine = np.linspace(1e-4, 1, 500)
    found = clear(cosine, aod=0.0, water_vapour=0.5, ozone=150.0, pressure=600.0)
    assert np.isfinite(found.direct).all()
    assert (found.direct >= 0).all()
    assert (found.diffuse >= 0).all()
    assert (found.direct + found.diffuse < 1361.0 * cosine).all()
    assert (np.diff(found.direct) > 0).all()


@pytest.mark.parametrize("cosine", [np.zeros(3), np.array([-1.0, -0.2, -1e-9])])
def test_night_is_dark_everywhere(cosine):
    found = clear(cosine)
    np.testing.assert_array_equal(found.direct + found.diffuse, 0.0)
    assert found.albedo.shape == cosine.shape


def test_the_terminator_divides_one_field():
    """Cells by night are dark within a field that has some day, as in one without."""
    found = clear(np.array([-0.3, 0.0, 0.3]))
    np.testing.assert_array_equal(found.direct[:2] + found.diffuse[:2], 0.0)
    assert found.direct[2] == pytest.approx(float(clear(0.3).direct))


def test_single_precision_stays_and_is_near_double():
    cosine = np.linspace(0.02, 1, 40)
    narrow, wide = clear(cosine.astype(np.float32)), clear(cosine)
    assert {field.dtype for field in narrow} == {np.dtype(np.float32)}
    np.testing.assert_allclose(narrow.direct, wide.direct, rtol=1e-3, atol=1e-2)
    assert clear(np.zeros((0, 3))).direct.shape == (0, 3)


# ---- clouds ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("through", "albedo"), [(1.0, 0.2), (0.4, 0.0), (0.4, 0.6), (0.1, 0.9)])
def test_light_between_ground_and_sky_is_a_geometric_series(through, albedo):
    air = clear(np.array([0.7]))
    total, _ = sky.below_clouds(air, np.array([through]), np.array([albedo]), np.array([0.7]))
    arriving, light = 0.0, through * (air.direct + air.diffuse)
    for _ in range(200):
        arriving = arriving + light
        light = light * albedo * (through * air.albedo + 1 - through)
    np.testing.assert_allclose(total, arriving, rtol=1e-9)


def test_without_clouds_or_ground_the_sky_is_clear():
    cosine = np.array([0.1, 0.6, 1.0])
    air = clear(cosine)
    total, beam = sky.below_clouds(air, np.ones(3), np.zeros(3), cosine)
    np.testing.assert_allclose(total, air.direct + air.diffuse)
    np.testing.assert_allclose(beam, air.direct)


def test_the_beam_goes_first_and_never_exceeds_the_total():
    through = np.linspace(0.0, 1.0, 101)
    cosine = np.full(101, 0.6)
    total, beam = sky.below_clouds(clear(cosine), through, np.full(101, 0.2), cosine)
    assert (beam <= total).all()
    assert (np.diff(total) > 0).all()
    share = beam[1:] / total[1:]
    assert (np.diff(share) >= -1e-12).all()
    assert share[40] < 0.05


def test_the_beam_has_the_depth_that_the_two_stream_solution_has():
    """A cloud of depth 4 (g 0.85) passes 1 / (1 + 0.75 0.15 4) at 48 deg; its delta-scaled depth is 0.2775 x 4."""
    cosine = np.array([2 / 3])
    through = 1 / (1 + 0.75 * 0.15 * 4.0)
    air = clear(cosine)
    _, beam = sky.below_clouds(air, np.array([through]), np.zeros(1), cosine)
    assert beam[0] / air.direct[0] == pytest.approx(np.exp(-(1 - 0.85**2) * 4.0 / (2 / 3)), rel=1e-9)


# ---- longwave --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("temperature", "vapour"), [(273.15, 5.0), (288.15, 12.0), (303.15, 30.0)])
def test_prata_lies_between_brunt_and_brutsaert(temperature, vapour):
    """Near 0.52 + 0.065 sqrt e (Brunt 1932) and 1.24 (e / T)^(1/7) (Brutsaert 1975)."""
    found = float(sky.downward_longwave(temperature, vapour, 0.0)) / (5.670374419e-8 * temperature**4)
    for other in (0.52 + 0.065 * np.sqrt(vapour), 1.24 * (vapour / temperature) ** (1 / 7)):
        assert found == pytest.approx(other, abs=0.09)


def test_longwave_between_dry_air_and_a_black_body():
    black = 5.670374419e-8 * 290.0**4
    assert sky.downward_longwave(290.0, 0.0, 0.0) == pytest.approx((1 - np.exp(-np.sqrt(1.2))) * black)
    assert sky.downward_longwave(290.0, 12.0, 1.0) == pytest.approx(black)
    half = sky.downward_longwave(290.0, 12.0, np.array([0.0, 0.5, 1.0]))
    assert half[1] == pytest.approx((half[0] + half[2]) / 2)
