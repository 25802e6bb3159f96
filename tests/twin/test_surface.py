"""Surface reflectance: limits, reciprocity, the hot spot, slopes, and the short cuts beside 4SAIL itself."""

import numpy as np
import pytest
from twin import static as fields
from twin.looks import ground, instant, reflector

from musyq_lab.kernels.canopy import CanopyParameters, campbell, canopy_bands, over_soil
from musyq_lab.standard.spectra import band_weights
from musyq_lab.twin import surface
from musyq_lab.twin._species import species
from musyq_lab.twin.canopy import leaf_traits

GRID = fields.grid(0.32)  # 16 x 16
RED, NIR = 3, 4  # rows of OLI: coastal, blue, green, red, near infrared
CLASSES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16]


def soil_of(static, state, sensor="landsat_oli"):
    return surface.Ground(static, state, surface.bands_of(sensor, ""), "training")


def random_world(seed=1, **state):
    rng = np.random.default_rng(seed)
    over = {name: rng.uniform(low, high, GRID.shape) for name, low, high in _RANGES}
    static = ground(GRID, land_cover=rng.choice(CLASSES, GRID.shape), soil_brightness=rng.uniform(0.5, 1.5, GRID.shape))
    return static, instant(GRID, **{**over, **state})


_RANGES = (("lai", 0.0, 6.0), ("greenness", 0.0, 1.0), ("soil_moisture", 0.0, 1.0), ("clumping_index", 0.6, 1.0))


def by_sail(static, state, index, direct, sun, view, azimuth, bands):
    """Reflectance of every twelfth cell with PROSPECT-D and 4SAIL themselves, NaN elsewhere."""
    below = soil_of(static, state).band(index)
    out = np.full(below.shape, np.nan)
    for place in list(np.ndindex(below.shape))[::12]:
        kind = int(static["land_cover"].values[place])
        at = {name: float(state[name].values[place]) for name in ("lai", "clumping_index", "greenness")}
        stand = species(kind)
        case = CanopyParameters(
            **{name: np.float32(value)[np.newaxis] for name, value in leaf_traits(kind, at["greenness"]).items()},
            lai=at["lai"] * at["clumping_index"],
            leaf_angles=campbell(stand.leaf_angle),
            hotspot=stand.hotspot,
            sun_zenith=sun,
            view_zenith=view,
            relative_azimuth=azimuth,
        )
        both = over_soil(canopy_bands(case, bands.leaf, bands.weights[index : index + 1]), below[place])
        out[place] = float(direct * both.rsot[0, 0] + (1 - direct) * both.rdot[0, 0])
    return out


# ---- limits ----------------------------------------------------------------------------------------------------------
def test_no_leaves_show_the_soil():
    static, state = random_world(lai=0.0)
    look = reflector(GRID, static, state, view=25.0, azimuth=60.0)
    for index in (RED, NIR):
        np.testing.assert_allclose(look.band(index, 0.7), soil_of(static, state).band(index), atol=2e-6)


def test_thin_leaves_come_near_the_soil():
    static, state = ground(GRID), instant(GRID, lai=1e-3)
    apart = reflector(GRID, static, state).band(RED, 0.8) - soil_of(static, state).band(RED)
    assert 0 < np.abs(apart).max() < 1e-3


def test_leaves_darken_red_and_brighten_infrared():
    bare, closed = (reflector(GRID, ground(GRID), instant(GRID, lai=lai)) for lai in (0.0, 4.0))
    assert np.all(closed.band(RED, 0.8) < 0.5 * bare.band(RED, 0.8))
    assert np.all(closed.band(NIR, 0.8) > 1.3 * bare.band(NIR, 0.8))


def test_clumped_leaves_act_as_fewer():
    clumped = instant(GRID, lai=4.0, clumping_index=0.5)
    fewer = instant(GRID, lai=2.0, clumping_index=1.0)
    one, other = (reflector(GRID, ground(GRID), state).band(NIR, 0.8) for state in (clumped, fewer))
    np.testing.assert_allclose(one, other, rtol=1e-6)


# ---- directions ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("sun", "view", "azimuth"), [(20.0, 55.0, 0.0), (60.0, 10.0, 140.0), (45.0, 30.0, 75.0)])
def test_reciprocal(sun, view, azimuth):
    static, state = random_world()
    there = reflector(GRID, static, state.assign(sun_zenith=state["sun_zenith"] * 0 + sun), view, azimuth)
    back = reflector(GRID, static, state.assign(sun_zenith=state["sun_zenith"] * 0 + view), sun, azimuth)
    for index in (RED, NIR):
        np.testing.assert_allclose(there.band(index, 1.0), back.band(index, 1.0), atol=2e-5)


def test_brightest_with_the_sun_behind():
    state = instant(GRID, lai=2.0, sun_zenith=40.0)
    seen = {a: float(reflector(GRID, ground(GRID), state, 40.0, a).band(RED, 1.0)[0, 0]) for a in (0, 10, 40, 90, 180)}
    assert seen[0] == max(seen.values())
    assert seen[0] > 1.3 * seen[180]
    assert seen[0] > seen[10] > seen[40]


def test_diffuse_light_has_no_hot_spot():
    state = instant(GRID, lai=2.0, sun_zenith=40.0)
    one, other = (reflector(GRID, ground(GRID), state, 40.0, a).band(RED, 0.0) for a in (0.0, 180.0))
    np.testing.assert_allclose(one, other, rtol=1e-5)


# ---- slopes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("aspect", [150.0, 330.0, 60.0])
def test_bare_slope_follows_the_angle_of_the_light(aspect):
    state = instant(GRID, lai=0.0, sun_zenith=35.0, sun_azimuth=150.0)
    level = reflector(GRID, ground(GRID), state).band(RED, 0.8)
    tilted = reflector(GRID, ground(GRID, slope=20.0, aspect=aspect), state).band(RED, 0.8)
    sun, slope, turn = np.radians([35.0, 20.0, aspect - 150.0])
    # scalar product of the directions to the sun and of the slope's normal
    normal = np.array([np.sin(slope) * np.sin(turn), np.sin(slope) * np.cos(turn), np.cos(slope)])
    incidence = float(normal @ [0.0, np.sin(sun), np.cos(sun)])
    gain = 0.8 * incidence / np.cos(sun) + 0.2 * (1 + np.cos(slope)) / 2
    np.testing.assert_allclose(tilted / level, gain, rtol=1e-4)


def test_slope_in_its_own_shadow_sees_the_sky_alone():
    state = instant(GRID, lai=0.0, sun_zenith=75.0, sun_azimuth=180.0)
    shaded = reflector(GRID, ground(GRID, slope=40.0, aspect=0.0), state).band(RED, 0.7)
    below = soil_of(ground(GRID), state).band(RED)
    np.testing.assert_allclose(shaded, 0.3 * (1 + np.cos(np.radians(40.0))) / 2 * below, rtol=1e-4)


# ---- ground ----------------------------------------------------------------------------------------------------------
def test_water_is_dark_in_the_infrared():
    state = instant(GRID, lai=0.0, snow_fraction=1.0)
    water = soil_of(ground(GRID, land_cover=surface.WATER), state)
    assert np.all(water.band(NIR) < 0.05)
    assert np.all(water.band(NIR) < water.band(2))


def test_snow_is_bright_and_loses_the_shortwave_infrared():
    snow = soil_of(ground(GRID), instant(GRID, snow_fraction=1.0))
    icy = soil_of(ground(GRID, land_cover=surface.SNOW), instant(GRID, snow_fraction=0.0))
    swir = snow.bands.names.index("swir1")
    assert np.all(snow.band(1) > 0.85)
    assert np.all(snow.band(swir) < 0.2)
    np.testing.assert_array_equal(snow.band(1), icy.band(1))


def test_half_the_snow_lies_between():
    none, half, full = (soil_of(ground(GRID), instant(GRID, snow_fraction=f)).band(RED) for f in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half, (none + full) / 2, rtol=1e-5)


def test_pavement_does_not_care_for_soil():
    rng = np.random.default_rng(0)
    varied = {"soil_brightness": rng.uniform(0.5, 1.5, GRID.shape), "land_cover": surface.URBAN}
    paved = soil_of(ground(GRID, **varied), instant(GRID, soil_moisture=rng.uniform(0, 1, GRID.shape))).band(RED)
    assert np.ptp(paved) == 0
    assert 0.1 < paved[0, 0] < 0.25


def test_wet_soil_is_darker_and_bright_soil_brighter():
    dry, wet = (soil_of(ground(GRID), instant(GRID, soil_moisture=m)).band(NIR)[0, 0] for m in (0.0, 1.0))
    dull, bright = (soil_of(ground(GRID, soil_brightness=b), instant(GRID)).band(NIR)[0, 0] for b in (0.5, 1.5))
    assert wet < 0.75 * dry
    assert bright == pytest.approx(3 * dull, rel=0.15)


def test_scored_set_has_other_soil_and_leaves():
    for lai, index in ((0.0, RED), (4.0, NIR)):
        state = instant(GRID, lai=lai)
        one, other = (reflector(GRID, ground(GRID), state, members=m).band(index, 0.8) for m in ("training", "scored"))
        assert np.all(np.abs(one - other) > 0.003)


# ---- short cuts ------------------------------------------------------------------------------------------------------
def test_tables_beside_sail():
    static, state = random_world()
    look = reflector(GRID, static, state.assign(sun_zenith=state["sun_zenith"] * 0 + 40.0), 30.0, 20.0)
    for index in (RED, NIR):
        exact = by_sail(static, state, index, 0.8, 40.0, 30.0, 20.0, look.bands)
        apart = np.abs(look.band(index, 0.8) - exact)
        assert np.nanmax(apart) < 0.0025
        assert np.sqrt(np.nanmean(apart**2)) < 6e-4


def test_wide_views_run_sail_for_every_cell():
    sun = np.linspace(20, 60, 256).reshape(GRID.shape).astype(np.float32)
    static, state = random_world(sun_zenith=sun)
    view, azimuth = np.linspace(0, 65, 256).reshape(GRID.shape).T, np.linspace(0, 180, 256).reshape(GRID.shape)
    wide = reflector(GRID, static, state, view, azimuth)
    place = (5, 9)
    alone = reflector(
        GRID, static, state.assign(sun_zenith=state["sun_zenith"] * 0 + sun[place]), view[place], azimuth[place]
    )
    for index in (RED, NIR):
        assert wide.band(index, 0.8)[place] == pytest.approx(alone.band(index, 0.8)[place], abs=0.0025)


def test_out_of_sight_is_finite():
    view = np.linspace(0, 120, 256).reshape(GRID.shape)
    sun = np.linspace(20, 110, 256).reshape(GRID.shape).T
    static, state = random_world(sun_zenith=sun)
    assert np.isfinite(reflector(GRID, static, state, view, 90.0).band(RED, 0.5)).all()


def test_nodes_of_the_angles_beside_single_looks():
    view = np.linspace(40, 47, 16)[np.newaxis, :]  # two nodes
    static, state = ground(GRID), instant(GRID, lai=2.0)
    wide = reflector(GRID, static, state, view, 120.0).band(NIR, 0.8)
    for column in (0, 7, 15):
        alone = reflector(GRID, static, state, view[0, column], 120.0).band(NIR, 0.8)
        np.testing.assert_allclose(wide[:, column], alone[:, column], atol=0.002)


def test_wavelengths_five_nanometres_apart():
    static, state = random_world()
    coarse = surface.bands_of("landsat_oli", "")
    fine = band_weights("landsat_oli", None, "", step=1)
    assert coarse.names == fine.names
    for index in range(len(coarse.names)):
        made = (surface.Ground(static, state, bands, "training").band(index) for bands in (coarse, fine))
        np.testing.assert_allclose(*made, atol=5e-4)


# ---- emissivity ------------------------------------------------------------------------------------------------------
def test_emissivity_of_pure_surfaces():
    bare = instant(GRID, fraction_vegetation_cover=0.0)
    full = instant(GRID, fraction_vegetation_cover=1.0)
    snowy = instant(GRID, fraction_vegetation_cover=0.0, snow_fraction=1.0)
    land, lake = ground(GRID), ground(GRID, land_cover=surface.WATER)
    found = [float(surface.emissivity(*pair, 11.0)[0, 0]) for pair in ((land, bare), (land, full), (land, snowy))]
    assert found == pytest.approx([0.9717, 0.985, 0.99], abs=1e-4)
    assert np.all(surface.emissivity(lake, full, 11.0) == np.float32(0.99))


def test_bare_soil_reflects_in_the_middle_infrared():
    bare = instant(GRID, fraction_vegetation_cover=0.0)
    found = [float(surface.emissivity(ground(GRID), bare, w)[0, 0]) for w in (3.8, 8.6, 12.0)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(0.80, abs=1e-6)
