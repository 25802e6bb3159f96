"""Interpolation of the atmosphere against scipy's, the formulas written out in numpy, and the limits of the tables."""

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from musyq_lab.kernels import atmosphere as kernels
from musyq_lab.kernels.atmosphere import AXES, SCENE, coefficients, downward, in_scene

STATE = {
    "sun": (0.0, 80.0),
    "view": (0.0, 70.0),
    "azimuth": (0.0, 180.0),
    "aod": (0.0, 2.0),
    "vapour": (0.0, 80.0),
    "ozone": (100.0, 600.0),
    "pressure": (500.0, 1060.0),
}
BAD = {
    "sun": (-0.1, 80.1, np.nan),
    "view": (-0.1, 70.1, np.nan),
    "azimuth": (np.nan, np.inf, 2000.0),
    "aod": (-0.01, 2.01, np.nan),
    "vapour": (-1.0, 81.0, np.nan),
    "ozone": (-1.0, 601.0, np.nan),
    "pressure": (499.0, 1061.0, np.nan, 101325.0),
}


def states(count, seed=0):
    draw = np.random.default_rng(seed)
    return {name: draw.uniform(low, high, count) for name, (low, high) in STATE.items()}


@pytest.fixture(scope="module")
def tables():
    draw = np.random.default_rng(1)
    sizes = {name: axis.size for name, axis in AXES.items()}
    a, p, m = sizes["aod"], sizes["pressure"], sizes["mass"]
    angles = (sizes["sun_zenith"], sizes["view_zenith"], sizes["relative_azimuth"])
    return (
        draw.uniform(0, 1, (3, a, p, m)),
        draw.uniform(0, 1, sizes["cosine"]),
        draw.uniform(0, 1, (p, *angles)),
        draw.uniform(0, 1, (a, p, *angles)),
        draw.uniform(0.1, 1, (a, p, sizes["beam_zenith"])),
        draw.uniform(0, 0.5, (a, p)),
        draw.uniform(0, 1, (p, sizes["vapour"])),
        draw.uniform(0, 1, (p, m)),
        np.stack([draw.uniform(0, 1e-4, p), draw.uniform(0, 1e-9, p)]),
    )


def flat(tables):
    return tuple(table.ravel() for table in tables)


# The variable in which each axis is uniform.
UNIFORM = {
    "aod": np.sqrt,
    "mass": np.log,
    "vapour": np.log1p,
    "sun_zenith": lambda z: z + np.maximum(z - 50, 0),
    "view_zenith": lambda z: z + np.maximum(z - 50, 0),
    "relative_azimuth": lambda a: np.cos(np.radians(a)),
}


def along(table, **values):
    """Interpolate with scipy in the uniform variables of the named axes."""
    axes = [UNIFORM.get(name, np.asarray)(AXES[name]) for name in values]
    points = [UNIFORM.get(name, np.asarray)(value) for name, value in values.items()]
    inside = [np.clip(x, axis[0], axis[-1]) for x, axis in zip(points, axes, strict=True)]
    return RegularGridInterpolator(axes, table)(np.stack(np.broadcast_arrays(*inside), -1))


def expected(state, tables):
    """The four results, written out in numpy."""
    once, phase, rayleigh, aerosol, beam, albedo, water, dry, absorption = tables
    sun, view, azimuth, aod, vapour, ozone, pressure = state.values()
    s, v = np.radians(sun), np.radians(view)
    cosine = -np.cos(s) * np.cos(v) - np.sin(s) * np.sin(v) * np.cos(np.radians(azimuth))
    mass = 1 / np.cos(s) + 1 / np.cos(v)
    air = {"aod": aod, "pressure": pressure}
    angles = {"sun_zenith": sun, "view_zenith": view, "relative_azimuth": azimuth}
    a, b = (along(part, **air, mass=mass) for part in once[:2])
    clear = along(once[2][0], pressure=pressure, mass=mass)
    delta = 0.0279 / (2 - 0.0279)
    molecules = 3 / (4 * (1 + 2 * delta)) * ((1 + 3 * delta) + (1 - delta) * cosine**2)
    share = 1 / (4 * np.cos(s) * np.cos(v))
    single, single_clear = share * (molecules * a + along(phase, cosine=cosine) * b), share * molecules * clear
    many = along(rayleigh, pressure=pressure, **angles) / (np.cos(s) + np.cos(v))
    more = along(aerosol, **air, **angles) / (np.cos(s) + np.cos(v))
    x = mass * ozone
    others = along(dry, pressure=pressure, mass=mass)
    others = others * np.exp(
        -along(absorption[0], pressure=pressure) * x + along(absorption[1], pressure=pressure) * x**2
    )
    half, whole = (along(water, pressure=pressure, vapour=f * mass * vapour) for f in (0.5, 1.0))
    path = others * (single_clear + many + half * (single - single_clear + more))
    down, up = (along(beam, **air, beam_zenith=zenith) for zenith in (sun, view))
    return path, down * up * others * whole, along(albedo, **air), others * whole


def test_every_result_is_that_of_scipy(tables):
    state = states(2000)
    for ours, theirs in zip(coefficients(*state.values(), *flat(tables)), expected(state, tables), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_the_ends_of_all_axes_belong_to_the_tables(tables):
    for end in (0, 1):
        state = {name: np.array([limits[end]]) for name, limits in STATE.items()}
        for ours, theirs in zip(coefficients(*state.values(), *flat(tables)), expected(state, tables), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_beyond_the_tables_is_nan(tables, name, value):
    state = {key: limits[1] / 2 + limits[0] / 2 for key, limits in STATE.items()} | {name: value}
    assert np.isnan(coefficients(*state.values(), *flat(tables))).all()
    inputs = [state[key] for key in ("sun", "aod", "vapour", "ozone", "pressure")]
    expected = name not in ("view", "azimuth")
    assert np.isnan(downward(*inputs, *flat((tables[4], tables[4], *tables[6:])))).all() == expected


@pytest.mark.parametrize("turn", [-1.0, 1.0])
@pytest.mark.parametrize("azimuth", [0.0, 20.0, 135.0, 180.0])
def test_azimuth_turns_and_signs_mean_the_same(tables, azimuth, turn):
    """A relative azimuth of 340, -20 and 20 degrees is one geometry."""
    rest = (30.0, 20.0), (0.3, 20.0, 300.0, 1000.0)
    plain = coefficients(*rest[0], azimuth, *rest[1], *flat(tables))
    for same in (turn * azimuth, 360.0 - azimuth, azimuth + turn * 360.0):
        np.testing.assert_allclose(coefficients(*rest[0], same, *rest[1], *flat(tables)), plain, rtol=1e-12)


def test_twin_and_compiled_agree(tables):
    state = states(20, seed=2)
    for ours, twin in zip(
        coefficients(*state.values(), *flat(tables)), coefficients.python(*state.values(), *flat(tables)), strict=True
    ):
        np.testing.assert_allclose(ours, twin, rtol=1e-12)


def test_float32_stays_float32_and_near(tables):
    state = states(500, seed=3)
    wide = coefficients(*state.values(), *flat(tables))
    narrow = coefficients(
        *(values.astype(np.float32) for values in state.values()), *(table.astype(np.float32) for table in flat(tables))
    )
    for low, high in zip(narrow, wide, strict=True):
        assert low.dtype == np.float32
        np.testing.assert_allclose(low, high, rtol=2e-3)  # the steep random tables magnify the rounding of the angles


def test_downward_is_that_of_scipy(tables):
    state = states(500, seed=4)
    sun, aod, vapour, ozone, pressure = (state[key] for key in ("sun", "aod", "vapour", "ozone", "pressure"))
    direct = tables[4] * 0.5
    found = downward(sun, aod, vapour, ozone, pressure, *flat((direct, tables[4], *tables[6:])))
    mass = 1 / np.cos(np.radians(sun))
    x = mass * ozone
    loss = along(tables[8][0], pressure=pressure) * x - along(tables[8][1], pressure=pressure) * x**2
    gas = along(tables[7], pressure=pressure, mass=mass) * np.exp(-loss)
    gas = gas * along(tables[6], pressure=pressure, vapour=mass * vapour)
    whole = along(tables[4], aod=aod, pressure=pressure, beam_zenith=sun) * gas
    np.testing.assert_allclose(found[0], whole / 2, rtol=1e-9)
    np.testing.assert_allclose(found[0] + found[1], whole, rtol=1e-9)


def test_in_scene_is_that_of_scipy():
    draw = np.random.default_rng(5)
    table = draw.uniform(0, 1, (4, SCENE["aod"].size, SCENE["vapour"].size))
    aod, vapour = draw.uniform(0, 2, 500), draw.uniform(0, 80, 500)
    axes = [np.sqrt(SCENE["aod"]), np.sqrt(SCENE["vapour"])]
    points = np.stack([np.sqrt(aod), np.sqrt(vapour)], -1)
    for ours, part in zip(in_scene(aod, vapour, table.ravel()), table, strict=True):
        np.testing.assert_allclose(ours, RegularGridInterpolator(axes, part)(points), rtol=1e-9)
    assert np.isnan(
        in_scene(np.array([-0.1, 2.1, 1.0, 1.0, np.nan]), np.array([1.0, 1.0, -1.0, 81.0, 1.0]), table.ravel())
    ).all()


def test_axes_reach_to_the_limits_that_are_stated():
    assert AXES["aod"][0] == 0.0
    assert AXES["aod"][-1] == pytest.approx(kernels.MAX_AOD)
    assert AXES["sun_zenith"][-1] == kernels.MAX_SUN
    assert AXES["view_zenith"][-1] == kernels.MAX_VIEW
    assert AXES["mass"][-1] > 1 / np.cos(np.radians(kernels.MAX_SUN)) + 1 / np.cos(np.radians(kernels.MAX_VIEW))
    assert AXES["vapour"][-1] == pytest.approx(kernels.MAX_VAPOUR * 9)
