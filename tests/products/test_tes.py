"""Separation of temperature and emissivity over real spectra and the bands of sensors; constants of bands; refusals."""

import importlib.util
import sys

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.products import _tes
from musyq_lab.products._emissivity import band_emissivity, band_response
from musyq_lab.products.lst import SPEC, lst

THREE = ("tir_8_6", "tir1", "tir2")
FOUR = ("tir_8_6", "tir_10_4", "tir1", "tir2")
SENSORS = (
    ("", THREE),
    ("modis/Terra", THREE),
    ("npp_viirs/", THREE),
    ("fy3d_mersi2/", THREE),
    ("fy4a_agri/", THREE),
    ("msg_seviri/", THREE),
    ("himawari_ahi/", FOUR),
    ("goes_abi/", FOUR),
)


def leaving(temperature, roles, sensor, sky_share):
    """Return what leaves each material and the sky above it, from band means of black bodies."""
    light, sky, truth = [], [], []
    for role in roles:
        fine, seen = band_response(role, sensor)
        black = float(seen @ [planck_radiance(temperature, x) for x in fine])
        e = np.array(list(band_emissivity(role, sensor).values()))
        truth.append(e)
        sky.append(np.full(e.size, sky_share * black))
        light.append(e * black + (1 - e) * sky[-1])
    return light, sky, np.array(truth)


@pytest.mark.parametrize(("sensor", "roles"), SENSORS, ids=[s or "nominal" for s, _ in SENSORS])
@pytest.mark.parametrize("temperature", [275.0, 300.0, 325.0])
def test_materials_are_found_within_the_stated_error(sensor, roles, temperature):
    """The curve is of ECOSTRESS and its libraries, the materials are not: an independent check of both."""
    light, sky, truth = leaving(temperature, roles, sensor, 0.3)
    made = _tes.separate(light, sky, roles, sensor)
    error = np.array(made.emissivity) - truth
    assert np.sqrt(np.mean(error**2)) < 0.0085
    assert np.abs(error).max() < 0.022
    warmth = made.temperature - temperature
    assert np.sqrt(np.mean(warmth**2)) < 0.5
    assert np.abs(warmth).max() < 0.95


@pytest.mark.parametrize(("sensor", "roles"), SENSORS, ids=[s or "nominal" for s, _ in SENSORS])
def test_materials_lie_on_the_curve(sensor, roles):
    truth = np.array([list(band_emissivity(role, sensor).values()) for role in roles])
    a, b, c = _tes.CURVE
    lowest = a - b * (np.ptp(truth, axis=0) / truth.mean(axis=0)) ** c
    assert np.abs(lowest - truth.min(axis=0)).max() < 0.02


def test_curve_of_three_bands_is_near_that_of_five():
    contrast = np.linspace(0.02, 0.25, 24)
    three, five = (a - b * contrast**c for a, b, c in (_tes.CURVE, _tes.CURVE_FIVE))
    assert np.abs(three - five).max() < 0.02


@pytest.mark.parametrize(
    ("role", "sensor"), [("tir1", "landsat_tm/"), ("tir_8_6", "fy4a_agri/"), ("tir1", "msg_seviri/"), ("tir2", "")]
)
def test_constants_invert_band_means(role, sensor):
    fine, seen = band_response(role, sensor)
    k1, k2 = _tes.band_constants(role, sensor)
    for temperature in (255.0, 270.0, 290.0, 310.0, 325.0):
        light = float(seen @ [planck_radiance(temperature, x) for x in fine])
        assert k2 / np.log(k1 / light + 1) == pytest.approx(temperature, abs=0.03)


def test_radiance_of_a_black_body_keeps_its_type():
    made = _tes.black_body(np.array([280.0, 300.0], "f4"), "tir1", "modis/Terra")
    assert made.dtype == np.float32
    assert (np.diff(made) > 0).all()


@pytest.mark.parametrize("roles", [("tir1", "tir2"), ("tir_10_4", "tir1", "tir2"), (), ("tir_8_6", "tir1", "mir")])
def test_other_bands_are_refused(roles):
    with pytest.raises(InputError, match="tir_8_6"):
        _tes.separate([np.ones(2)] * len(roles), [np.zeros(2)] * len(roles), roles)


def test_arrays_are_broadcast():
    light, sky, _ = leaving(300.0, THREE, "", 0.2)
    made = _tes.separate(light, [np.float64(s[0]) for s in sky], THREE)
    np.testing.assert_array_equal(made.temperature, _tes.separate(light, sky, THREE).temperature)
    assert made.contrast.shape == light[0].shape


def test_a_wrong_atmosphere_shows_as_emissivity():
    """One K too low at 8.6 um costs about 0.015 of emissivity there."""
    grass = list(band_emissivity("tir1")).index("loam")
    light, sky, truth = leaving(300.0, THREE, "", 0.3)
    shifted = [_tes.black_body(np.array(300.0) - 1.0, "tir_8_6") / _tes.black_body(np.array(300.0), "tir_8_6"), 1, 1]
    made = _tes.separate([x * k for x, k in zip(light, shifted, strict=True)], sky, THREE)
    known = _tes.separate(light, sky, THREE)
    assert 0.01 < known.emissivity[0][grass] - made.emissivity[0][grass] < 0.03
    assert truth.shape == (3, made.temperature.size)


def test_air_is_taken_off_by_the_table():
    """The more vapour along the view, the more of a warm surface the air hides."""
    role, sensor = "tir1", "modis/Terra"
    dry, humid = (
        _tes.at_surface([np.full(1, 295.0)], [role], sensor, np.full(1, w), np.full(1, 292.0), 0.0)[0][0][0]
        for w in (2.0, 30.0)
    )
    straight = _tes.black_body(np.array(295.0), role, sensor)
    assert straight < dry < humid
    slanted = _tes.at_surface([np.full(1, 295.0)], [role], sensor, np.full(1, 15.0), np.full(1, 292.0), 60.0)[0][0][0]
    assert slanted > _tes.at_surface([np.full(1, 295.0)], [role], sensor, np.full(1, 15.0), np.full(1, 292.0))[0][0][0]


def test_nothing_is_seen_through_too_much_vapour():
    vapour = np.array([44.0, 46.0, 23.0])
    zenith = np.array([0.0, 0.0, 60.0])
    light, sky = _tes.at_surface([np.full(3, 290.0)], ["tir2"], "", vapour, np.full(3, 295.0), zenith)
    assert np.isfinite(light[0]).tolist() == [True, False, False]
    assert np.isfinite(sky[0]).tolist() == [True, False, False]


@pytest.mark.parametrize(("sensor", "roles"), SENSORS, ids=[s or "nominal" for s, _ in SENSORS])
def test_air_makes_sense_in_every_band(sensor, roles):
    """Transmittance and sky by hand from the table: within bounds, falling and rising with vapour."""
    w = np.linspace(0.1, 4.0, 40)
    for role in roles:
        t, d = np.split(np.array(_tes.atmosphere(role, sensor)), [7, 14])[::2]
        for air in (270.0, 285.0, 300.0):
            u = air / 300 - 1
            v = w[w < 2.0] if air < 285.0 else w  # colder air does not hold more
            terms = np.stack([np.ones_like(v), 0 * v, v, v**2, v * u, v**2 * u, np.sqrt(v)])
            tau = np.exp(-t @ terms)
            assert ((tau > 0.2) & (tau < 1.03)).all(), (role, air)
            assert (np.diff(tau) < 0).all(), (role, air)
            sky = -np.expm1(-d @ terms[[0, 2, 3, 4, 5, 6]])
            assert ((sky > -0.03) & (sky < 1)).all(), (role, air)
            assert (np.diff(sky) > 0).all(), (role, air)


@pytest.mark.parametrize("role", FOUR)
def test_dry_air_neither_glows_nor_amplifies(role):
    """At the edge of the table the functions are kept within what is possible."""
    light, sky = _tes.at_surface([np.full(4, 270.0)], [role], "", np.array([0.0, 0.3, 1.0, 2.0]), np.full(4, 262.0))
    assert (sky[0] >= 0).all()
    assert (light[0] > 0.85 * _tes.black_body(np.array(270.0), role)).all()


def test_tables_fall_back_to_nominal_bands_and_to_the_first_platform():
    assert _tes.atmosphere("tir1", "landsat_oli/Landsat-8") == _tes.atmosphere("tir1", "")
    assert _tes.atmosphere("tir1", "modis/Aqua") == _tes.atmosphere("tir1", "modis/Terra")
    assert _tes.atmosphere("tir1", "modis/Terra") != _tes.atmosphere("tir1", "")


def test_stated_errors_grow_with_vapour():
    for what in (*THREE, "temperature"):
        vapour, sigma = _tes.errors(what, "modis/Terra")
        assert (np.diff(vapour) > 0).all()
        assert (np.diff(sigma[1:]) > 0).all()
        assert 0.005 < sigma[0] < (0.02 if what != "temperature" else 1.0)


# ---- by hand ---------------------------------------------------------------------------------------------------------
HIGHEST = 0.985


@pytest.fixture
def twins(monkeypatch):
    """Run the twins of the kernels."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def planck(kelvin, role, sensor):
    k1, k2 = _tes.band_constants(role, sensor)
    return k1 / (np.exp(k2 / kelvin) - 1.0)


def inverse(radiance, role, sensor):
    k1, k2 = _tes.band_constants(role, sensor)
    return k2 / np.log(k1 / radiance + 1.0)


def by_hand(light, sky, roles, sensor):
    """Return temperature, emissivities and contrast of one pixel as Gillespie et al. 1998 go about it: NEM by turns."""
    emissivity = [HIGHEST] * len(roles)
    for _ in range(200):
        own = [x - (1.0 - e) * s for x, e, s in zip(light, emissivity, sky, strict=True)]
        warmth = max(
            inverse((x - (1.0 - HIGHEST) * s) / HIGHEST, role, sensor)
            for x, s, role in zip(light, sky, roles, strict=True)
        )
        emissivity = [x / planck(warmth, role, sensor) for x, role in zip(own, roles, strict=True)]
    mean = sum(emissivity) / len(roles)
    beta = [e / mean for e in emissivity]
    a, b, c = _tes.CURVE
    lowest = a - b * (max(beta) - min(beta)) ** c
    emissivity = [x * lowest / min(beta) for x in beta]
    k = emissivity.index(max(emissivity))
    top = emissivity[k]
    return inverse((light[k] - (1.0 - top) * sky[k]) / top, roles[k], sensor), emissivity, max(beta) - min(beta)


def invented(roles, sensor, count=12, key=6, dtype=np.float64):
    """Return what leaves surfaces of random temperature and emissivity under skies of random warmth."""
    random = np.random.Generator(np.random.Philox(key))
    warmth, cold = random.uniform(270.0, 320.0, count), random.uniform(220.0, 260.0, count)
    e = random.uniform(0.80, 0.99, (len(roles), count))
    sky = np.array([planck(cold, role, sensor) for role in roles])
    light = np.array([planck(warmth, role, sensor) for role in roles]) * e + (1 - e) * sky
    return light.astype(dtype), sky.astype(dtype), e, warmth


@pytest.mark.parametrize(("sensor", "roles"), [("modis/Terra", THREE), ("himawari_ahi/", FOUR)])
def test_the_closed_form_is_where_the_iteration_ends(sensor, roles, twins):
    light, sky, *_ = invented(roles, sensor)
    made = _tes.separate(light, sky, roles, sensor)
    for k in range(light.shape[1]):
        temperature, emissivity, contrast = by_hand(light[:, k], sky[:, k], roles, sensor)
        assert made.temperature[k] == pytest.approx(temperature, abs=1e-6)
        np.testing.assert_allclose([e[k] for e in made.emissivity], emissivity, atol=1e-8)
        assert made.contrast[k] == pytest.approx(contrast, abs=1e-8)


@pytest.mark.parametrize(("sensor", "roles"), [("modis/Terra", THREE), ("himawari_ahi/", FOUR)])
def test_what_is_found_gives_the_light_back_in_the_band_of_the_temperature(sensor, roles, twins):
    light, sky, *_ = invented(roles, sensor)
    made = _tes.separate(light, sky, roles, sensor)
    e = np.array(made.emissivity)
    back = np.array([planck(made.temperature, role, sensor) for role in roles]) * e + (1 - e) * sky
    best = e.argmax(axis=0)
    pixels = np.arange(best.size)
    np.testing.assert_allclose(back[best, pixels], light[best, pixels], rtol=1e-9)
    np.testing.assert_allclose(made.contrast, np.ptp(e, axis=0) / e.mean(axis=0), rtol=1e-9)
    a, b, c = _tes.CURVE
    np.testing.assert_allclose(e.min(axis=0), a - b * made.contrast**c, rtol=1e-9)


@pytest.mark.parametrize("roles", [THREE, FOUR])
def test_bands_may_come_in_any_order(roles, twins):
    light, sky, *_ = invented(roles, "")
    made = _tes.separate(light, sky, roles)
    order = list(range(len(roles)))[::-1]
    turned = _tes.separate(light[order], sky[order], tuple(roles[k] for k in order))
    np.testing.assert_allclose(turned.temperature, made.temperature, rtol=1e-12)
    np.testing.assert_allclose(turned.emissivity, np.array(made.emissivity)[order], rtol=1e-12)


def test_pixels_know_nothing_of_each_other_and_gaps_stay(twins):
    light, sky, *_ = invented(THREE, "")
    light[1, 3], sky[2, 5] = np.nan, np.nan
    made = _tes.separate(light, sky, THREE)
    assert set(np.flatnonzero(np.isnan(made.temperature))) == {3, 5}
    assert all(np.isnan(e[[3, 5]]).all() for e in made.emissivity)
    order = np.random.Generator(np.random.Philox(7)).permutation(12)
    turned = _tes.separate(light[:, order], sky[:, order], THREE)
    np.testing.assert_array_equal(turned.temperature, made.temperature[order])


def test_a_grey_surface_has_no_contrast_and_the_emissivity_of_the_curve(twins):
    sky = [np.full(1, planck(240.0, role, "")) for role in THREE]
    light = [0.985 * planck(300.0, role, "") + 0.015 * s for role, s in zip(THREE, sky, strict=True)]
    made = _tes.separate(light, sky, THREE)
    assert made.contrast.item() == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(np.ravel(made.emissivity), _tes.CURVE[0], atol=1e-4)
    assert made.temperature.item() == pytest.approx(300.0, abs=0.35)  # 0.0045 of emissivity


def test_float32_is_near_float64(twins):
    fine, coarse = (
        _tes.separate(light, sky, THREE, "modis/Terra")
        for light, sky, *_ in (invented(THREE, "modis/Terra", dtype=t) for t in (np.float64, np.float32))
    )
    assert coarse.temperature.dtype == coarse.emissivity[0].dtype == np.float32
    np.testing.assert_allclose(coarse.temperature, fine.temperature, atol=2e-3)
    np.testing.assert_allclose(coarse.emissivity, fine.emissivity, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sensor", ["", "modis/Terra", "fy4a_agri/"])
def test_brightness_undoes_the_black_body(sensor, dtype):
    kelvin = np.linspace(230.0, 340.0, 12).astype(dtype)
    back = _tes.brightness(_tes.black_body(kelvin, "tir1", sensor), "tir1", sensor)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, kelvin, rtol=1e-12 if dtype == np.float64 else 1e-5)


def test_air_by_hand_is_that_of_the_equations(twins):
    """The equations of the kernel's module with the table's numbers, one band and one pixel at a time."""
    role, sensor, warmth, column, air, zenith = "tir2", "modis/Terra", 291.0, 18.0, 296.0, 40.0
    t, p, d = np.split(np.array(_tes.atmosphere(role, sensor)), [7, 14])
    w, s, u = column / 10.0, 1.0 / np.cos(np.radians(zenith)) - 1.0, air / 300.0 - 1.0
    x = w * (1.0 + s)
    terms = np.array([1.0, s, x, x**2, x * u, x**2 * u, np.sqrt(x)])
    tau, near = np.exp(-t @ terms), planck(air, role, sensor)
    expected = (planck(warmth, role, sensor) - (1.0 - tau) * near * (p @ terms)) / tau
    above = near * (1.0 - np.exp(-d @ np.array([1.0, w, w**2, w * u, w**2 * u, np.sqrt(w)])))
    light, sky = _tes.at_surface([np.full(2, warmth)], [role], sensor, np.full(2, column), np.full(2, air), zenith)
    np.testing.assert_allclose(light[0], expected, rtol=1e-9)
    np.testing.assert_allclose(sky[0], above, rtol=1e-9)


def test_numbers_of_another_air_may_be_given(twins):
    told = {"tir1": np.zeros(20)}
    light, sky = _tes.at_surface([np.full(1, 290.0)], ["tir1"], "", np.full(1, 20.0), np.full(1, 295.0), numbers=told)
    assert light[0].item() == pytest.approx(planck(290.0, "tir1", ""), rel=1e-9)  # no air at all
    assert sky[0].item() == 0.0


def test_gaps_of_the_air_are_gaps(twins):
    vapour, air = np.array([10.0, np.nan, 10.0]), np.array([290.0, 290.0, np.nan])
    light, sky = _tes.at_surface([np.full(3, 290.0)], ["tir1"], "", vapour, air)
    assert np.isfinite(light[0]).tolist() == np.isfinite(sky[0]).tolist() == [True, False, False]


def test_the_refusal_says_what_was_given():
    with pytest.raises(InputError, match=r"three or four of the bands .* got tir1, tir2\."):
        _tes.separate([np.ones(1)] * 2, [np.ones(1)] * 2, ("tir1", "tir2"))
    with pytest.raises(InputError, match="got none"):
        _tes.separate([], [], ())


@pytest.fixture(scope="module")
def derive():
    """Return the script that makes the tables, as a module."""
    path = resource("catalogs/emissivity/derive.py")
    spec = importlib.util.spec_from_file_location("derive_emissivity", path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


@pytest.mark.slow
def test_table_is_made_again_by_its_script(derive):
    """A band's numbers and errors, from the same atmospheres."""
    roles, sensor = THREE, "modis/Terra"
    sets = {kind: derive.simulate(kind) for kind in ("fit", "test")}
    found = {role: derive.coefficients(sets["fit"], role, sensor) for role in roles}
    for role in roles:
        np.testing.assert_allclose(found[role], _tes.atmosphere(role, sensor), rtol=1e-5, atol=1e-6)
    for what, classes in derive.accuracy(sets["test"], roles, sensor, found).items():
        np.testing.assert_allclose([real for _, real in classes], _tes.errors(what, sensor)[1], atol=2e-4)


@pytest.mark.parametrize(("method", "sensor"), [("single_channel", "landsat_oli/Landsat-8"), ("tes", "modis/Terra")])
def test_what_one_band_sees_through_is_the_vapour_along_the_view(method, sensor):
    """20 kg m-2 straight down is 20 along the view, at 60 degrees 40: more than the 30 that the bit is for."""
    bands = {f"brightness_temperature_{role}": ("K", 300.0) for role in THREE}
    others = {"water_vapour": ("kg m-2", 20.0), "air_temperature": ("K", 295.0), "emissivity_tir1": ("1", 0.97)}
    numbers = {name: ("x", np.full(2, value), {"units": unit}) for name, (unit, value) in (bands | others).items()}
    given = xr.Dataset(numbers).assign(view_zenith=("x", np.array([0.0, 60.0]), {"units": "degree"}))
    made = lst(given, method=method, sensor=sensor)
    beyond = next(flag.mask for flag in SPEC.flags if flag.name == "vapour_beyond")
    np.testing.assert_array_equal((made.lst_qa & beyond) != 0, [False, True])
    assert made.lst_uncertainty[1] > 1.5 * made.lst_uncertainty[0]
