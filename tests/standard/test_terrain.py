"""Slopes of known planes and spheres, illumination of planted surfaces, and what a scene may lack."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.standard import layout, terrain

ROLES = {"red": 0.66, "nir": 0.86}
SUN, AZIMUTH = 45.0, 140.0


def on_map(values, resolution=30.0, north_up=True):
    rows, columns = np.shape(values)
    y = 5e6 - resolution * (np.arange(rows) if north_up else -np.arange(rows))
    coords = {"y": y, "x": 4e5 + resolution * np.arange(columns)}
    return xr.DataArray(np.asarray(values, np.float32), dims=("y", "x"), coords=coords, name="elevation")


def hills(shape=(60, 80)):
    """Smooth hills of slopes to some 35 degrees."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return on_map(600 + 120 * np.sin(x / 7.0) * np.cos(y / 6.0) + 60 * np.cos((x + 2 * y) / 11.0))


def scene(elevation, values, uncertainties=True):
    shape = elevation.shape
    reflectance = np.asarray(np.broadcast_to(values, (len(ROLES), *shape)), np.float32).copy()
    layers = {
        "reflectance": (("band", "y", "x"), reflectance, {"units": "1"}),
        "sun_zenith": (("y", "x"), np.full(shape, SUN, np.float32)),
        "sun_azimuth": (("y", "x"), np.full(shape, AZIMUTH, np.float32)),
        "qa": (("y", "x"), np.zeros(shape, np.uint16)),
    }
    if uncertainties:
        layers |= {name: (("band", "y", "x"), np.full_like(reflectance, 0.01)) for name in layout.UNCERTAINTIES}
    coords = {"band": list(ROLES), "wavelength": ("band", list(ROLES.values()))}
    coords |= {name: elevation[name].values for name in ("y", "x")}
    return xr.Dataset(layers, coords=coords, attrs={"reflectance_level": layout.SURFACE, "sensor": "landsat_oli"})


def incidence(elevation):
    """Cosine of the angle between the normal of the ground and the Sun, by vectors."""
    slope, aspect = (np.radians(a.values.astype(float)) for a in terrain.slope_aspect(elevation))
    normal = np.stack([np.sin(slope) * np.sin(aspect), np.sin(slope) * np.cos(aspect), np.cos(slope)])
    z, a = np.radians(SUN), np.radians(AZIMUTH)
    return np.tensordot([np.sin(z) * np.sin(a), np.sin(z) * np.cos(a), np.cos(z)], normal, 1)


# ---- slopes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("east", "north", "aspect"),
    [(0.5, 0.0, 270.0), (-0.5, 0.0, 90.0), (0.0, 0.3, 180.0), (0.0, -0.3, 0.0), (0.2, 0.2, 225.0), (-1.0, 1.0, 135.0)],
)
@pytest.mark.parametrize("north_up", [True, False])
def test_planes(east, north, aspect, north_up):
    """A plane that rises to the east faces west; rows may run either way."""
    template = on_map(np.zeros((5, 6)), north_up=north_up)
    plane = (east * (template.x - 4e5) + north * (template.y - 5e6)).transpose("y", "x").rename("elevation")
    slope, found = terrain.slope_aspect(plane)
    np.testing.assert_allclose(slope, np.degrees(np.arctan(np.hypot(east, north))), atol=2e-3)
    np.testing.assert_allclose((found - aspect + 180.0) % 360.0 - 180.0, 0.0, atol=2e-2)
    assert slope.attrs["units"] == "degree"


def test_level_ground():
    slope, aspect = terrain.slope_aspect(on_map(np.full((4, 4), 250.0)))
    assert (slope == 0).all()
    assert (aspect == 0).all()


def test_weights_of_horn():
    """A single summit, written out."""
    z = np.zeros((5, 5))
    z[2, 2] = 240.0
    slope, aspect = terrain.slope_aspect(on_map(z))
    assert float(slope[2, 2]) == 0.0
    assert float(slope[2, 1]) == pytest.approx(np.degrees(np.arctan(2 * 240 / (8 * 30))), abs=1e-3)
    assert float(aspect[2, 1]) == pytest.approx(270.0)
    assert float(slope[1, 1]) == pytest.approx(np.degrees(np.arctan(np.sqrt(2) * 240 / (8 * 30))), abs=1e-3)
    assert float(aspect[1, 1]) == pytest.approx(315.0)


def test_metres_of_a_degree():
    """One degree at 40 degrees north: 85.39 km east, 111.04 km north (WGS 84)."""
    latitude, longitude = 40.01 - 0.01 * np.arange(3), 116.0 + 0.01 * np.arange(4)
    east = xr.DataArray(np.tile(np.arange(4) * 100.0, (3, 1)), dims=("latitude", "longitude"),
                        coords={"latitude": latitude, "longitude": longitude})  # fmt: skip
    north = east.copy(data=np.tile(np.arange(3)[::-1, None] * 100.0, (1, 4)))
    slope, aspect = terrain.slope_aspect(east)
    assert float(np.tan(np.radians(slope[1, 1]))) == pytest.approx(100 / 853.94, rel=1e-4)
    assert float(aspect[1, 1]) == pytest.approx(270.0)
    slope, aspect = terrain.slope_aspect(north)
    assert float(np.tan(np.radians(slope[1, 1]))) == pytest.approx(100 / 1110.35, rel=1e-4)
    assert float(aspect[1, 1]) == pytest.approx(180.0)


def test_a_hole_in_the_elevation_stays_one():
    z = hills((8, 8)).values.copy()
    z[3, 3] = np.nan
    slope, aspect = terrain.slope_aspect(on_map(z))
    assert np.isnan(slope[2:5, 2:5]).sum() >= 8
    assert np.isnan(aspect[2:5, 2:5]).sum() >= 8
    assert np.isfinite(slope[6:, 6:]).all()


# ---- illumination ----------------------------------------------------------------------------------------------------
LEVEL = np.array([0.08, 0.35])[:, None, None]


def test_cosine_levels_a_surface_lit_by_the_beam_alone():
    relief = hills()
    lit = incidence(relief)
    made = terrain.flatten(scene(relief, LEVEL * lit / np.cos(np.radians(SUN))), relief, method="cosine")
    clear = ~(layout.flagged(made, "terrain_shadow") | layout.flagged(made, "low_quality")).values
    assert clear.mean() > 0.8
    np.testing.assert_allclose(made["reflectance"].values[:, clear], np.broadcast_to(LEVEL[..., 0], (2, clear.sum())),
                               rtol=2e-4)  # fmt: skip


def test_c_levels_a_surface_lit_by_beam_and_sky():
    relief = hills()
    sky = np.array([0.4, 0.15])[:, None, None]
    lit = incidence(relief)
    values = LEVEL * (lit + sky) / (np.cos(np.radians(SUN)) + sky)
    made = terrain.flatten(scene(relief, values), relief, method="c")
    known = np.isfinite(made["reflectance"].values) & ~layout.flagged(made, "low_quality").values
    assert known.mean() > 0.8
    wanted = np.broadcast_to(LEVEL, known.shape)
    np.testing.assert_allclose(made["reflectance"].values[known], wanted[known], rtol=2e-3)
    cosine = terrain.flatten(scene(relief, values), relief, method="cosine")["reflectance"]
    dark = (lit > 0.25) & (lit < 0.4)
    assert (cosine.values[:, dark] > LEVEL[..., 0] * 1.05).all()  # what the sky's light does to the cosine


def test_scs_c_levels_upright_trees():
    relief = hills()
    tilt = np.cos(np.radians(terrain.slope_aspect(relief)[0].values))
    lit, sky = incidence(relief), 0.3
    values = LEVEL * (lit + sky) / (tilt * np.cos(np.radians(SUN)) + sky)
    made, plain = (terrain.flatten(scene(relief, values), relief, method=m)["reflectance"] for m in ("scs_c", "c"))
    lost = [float((d / d.mean(("y", "x"))).std()) for d in (made, plain, scene(relief, values)["reflectance"])]
    assert lost[0] < 0.5 * lost[2]
    assert lost[0] < lost[1]


@pytest.mark.parametrize("k", [0.3, 0.7])
def test_minnaert_finds_its_power(k):
    relief = hills()
    ratio = np.maximum(incidence(relief), 1e-3) / np.cos(np.radians(SUN))
    made = terrain.flatten(scene(relief, LEVEL * ratio**k), relief, method="minnaert")
    clear = np.isfinite(made["reflectance"].values) & ~layout.flagged(made, "low_quality").values
    assert clear.mean() > 0.8
    wanted = np.broadcast_to(LEVEL, clear.shape)
    np.testing.assert_allclose(made["reflectance"].values[clear], wanted[clear], rtol=5e-3)


@pytest.mark.parametrize("method", ["cosine", "c", "scs_c", "minnaert"])
def test_level_ground_stays(method):
    flat = on_map(np.full((6, 7), 40.0))
    values = np.random.default_rng(0).uniform(0.05, 0.4, (2, 6, 7))
    before = scene(flat, values)
    np.testing.assert_allclose(terrain.flatten(before, flat, method=method)["reflectance"], values, rtol=1e-6)


@pytest.mark.parametrize("method", ["c", "scs_c", "minnaert"])
def test_no_change_where_sunny_slopes_are_not_brighter(method):
    relief = hills()
    before = scene(relief, LEVEL * (1.5 - incidence(relief)))
    made = terrain.flatten(before, relief, method=method)
    known = np.isfinite(made["reflectance"].values)
    np.testing.assert_allclose(made["reflectance"].values[known], before["reflectance"].values[known], rtol=1e-6)


def test_behind_the_slope_is_shadow():
    east = on_map(np.tile(-60.0 * np.arange(8), (6, 1)))  # 63 degrees, faces east
    before = scene(east, LEVEL)
    before["sun_azimuth"][:] = 270.0
    made = terrain.flatten(before, east, method="c")
    assert layout.flagged(made, "terrain_shadow").all()
    assert np.isnan(made["reflectance"]).all()
    before["sun_azimuth"][:] = 90.0
    assert not layout.flagged(terrain.flatten(before, east), "terrain_shadow").any()


def test_strong_factors_are_held_and_flagged():
    relief = hills()
    made = terrain.flatten(scene(relief, LEVEL), relief, method="cosine")
    ratio = made["reflectance"].values / LEVEL
    assert np.nanmax(ratio) == pytest.approx(terrain.MAX_FACTOR, rel=1e-6)
    grazing = (incidence(relief) > 1e-3) & (incidence(relief) < 0.99 * np.cos(np.radians(SUN)) / 3)
    assert grazing.any()
    assert layout.flagged(made, "low_quality").values[grazing].all()


def test_unknown_slopes_stay_as_they_are():
    relief = hills()
    relief[:5] = np.nan
    made = terrain.flatten(scene(relief, LEVEL * incidence(hills())), relief)
    before = scene(relief, LEVEL * incidence(hills()))
    np.testing.assert_array_equal(made["reflectance"][:, :5], before["reflectance"][:, :5])
    assert layout.flagged(made, "low_quality")[:5].all()


def test_clouds_do_not_draw_the_line():
    relief = hills()
    values = LEVEL * (incidence(relief) + 0.3) / (np.cos(np.radians(SUN)) + 0.3)
    clear = terrain.flatten(scene(relief, values), relief)
    cloudy = scene(relief, values)
    hidden = xr.DataArray(np.zeros(relief.shape, bool), dims=("y", "x"))
    hidden[:20, :30] = True
    cloudy["reflectance"][:, :20, :30] = 0.8
    cloudy = terrain.flatten(layout.with_flag(cloudy, "cloud", hidden), relief)
    np.testing.assert_allclose(cloudy["reflectance"][:, 20:], clear["reflectance"][:, 20:], rtol=2e-3)
    own = terrain.flatten(scene(relief, values), relief, where=~hidden)
    np.testing.assert_array_equal(own["reflectance"][:, 20:], cloudy["reflectance"][:, 20:])


def test_slope_and_aspect_in_place_of_elevation():
    relief = hills()
    slope, aspect = terrain.slope_aspect(relief)
    before = scene(relief, LEVEL * (incidence(relief) + 0.3))
    wanted = terrain.flatten(before, relief)
    xr.testing.assert_identical(terrain.flatten(before, slope=slope, aspect=aspect), wanted)
    xr.testing.assert_identical(terrain.flatten(before.assign(elevation=relief)).drop_vars("elevation"), wanted)


def test_uncertainties_and_history():
    relief = hills()
    before = scene(relief, LEVEL * (incidence(relief) + 0.3))
    made = terrain.flatten(before, relief)
    factor = (made["reflectance"] / before["reflectance"]).values
    np.testing.assert_allclose(made["reflectance_random"], 0.01 * factor, rtol=1e-5)
    change = (made["reflectance"] - before["reflectance"]).values
    np.testing.assert_allclose(made["reflectance_systematic"], np.hypot(0.01 * factor, 0.5 * change), rtol=1e-5)
    assert made.attrs["history"].startswith('flatten(method="c")')
    assert made.attrs["illumination"] == "level"
    assert made["reflectance"].dtype == np.float32


# ---- lazy ------------------------------------------------------------------------------------------------------------
def refuse(*_, **__):
    raise AssertionError("computed while the graph was built")


@pytest.mark.parametrize("method", ["cosine", "c", "scs_c", "minnaert"])
def test_lazy_and_the_same_for_any_chunking(method):
    relief = hills((30, 40))
    before = scene(relief, LEVEL * (incidence(relief) + 0.3))
    wanted = terrain.flatten(before, relief, method=method)
    for chunks in ({"y": 11, "x": 17}, {"y": 30, "x": 21, "band": 1}):
        plane = {name: chunks[name] for name in ("y", "x")}
        with dask.config.set(scheduler=refuse):
            lazy = terrain.flatten(before.chunk(chunks), relief.chunk(plane), method=method)
        assert lazy["reflectance"].chunks is not None
        with dask.config.set(scheduler="threads", num_workers=2):
            xr.testing.assert_identical(lazy.compute(), wanted)


# ---- what it refuses -------------------------------------------------------------------------------------------------
def test_bad_input():
    relief = hills((6, 8))
    before = scene(relief, LEVEL)
    moved = relief.assign_coords(x=relief.x + 15.0)
    for words, given in (
        ("no method 'scs'", {"elevation": relief, "method": "scs"}),
        ("holds no elevation", {}),
        ("either `elevation` or both", {"elevation": relief, "slope": relief, "aspect": relief}),
        ("either `elevation` or both", {"slope": relief}),
        ("must lie on the pixels", {"elevation": relief[:-1]}),
        ("lies at other x", {"elevation": moved}),
    ):
        with pytest.raises(InputError, match=words):
            terrain.flatten(before, **given)
    with pytest.raises(InputError, match="flatten needs 'sun_azimuth'"):
        terrain.flatten(before.drop_vars("sun_azimuth"), relief)


def test_a_swath_is_no_grid():
    bare = xr.DataArray(np.zeros((4, 5), np.float32), dims=("y", "x"))
    with pytest.raises(InputError, match="Bring a swath to a grid first"):
        terrain.slope_aspect(bare)
    uneven = on_map(np.zeros((4, 5))).assign_coords(x=[0.0, 1.0, 3.0, 4.0, 9.0])
    with pytest.raises(InputError, match="even steps along x"):
        terrain.slope_aspect(uneven)
