"""Atmospheric correction: 6S, round trips over made scenes, every chunking, its uncertainty, and bad input."""

import csv
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import atmosphere, climatology, correction
from musyq_lab.standard._correction_cells import SIZE, corners, line
from musyq_lab.standard.layout import variant_of

ROLES = ("blue", "red", "nir", "swir2")
EXACT = {f"{name}_uncertainty": 0.0 for name in ("aod", "water_vapour", "ozone", "pressure")}
OUTSIDE = SCENE_FLAG["outside_atmosphere"].mask
BANDS = {
    "Landsat8_OLI_B4": ("landsat_oli", "red"),
    "Landsat8_OLI_B2": ("landsat_oli", "blue"),
    "Landsat8_OLI_B5": ("landsat_oli", "nir"),
    "S2A_B8A": ("sentinel2_msi", "nir_narrow"),
    "MODIS_T1": ("modis", "red"),
    "MODIS_T3": ("modis", "blue"),
}


def scene(y=37, x=52, roles=ROLES, sensor="landsat_oli", reflectance=0.2, tilt=30.0, **attrs):
    """A standard scene in Huailai with angles that vary by 0.1 deg a pixel, as at the edge of a swath of MODIS."""
    across = np.linspace(-1, 1, x, dtype=np.float32)
    down = np.linspace(0, 1, y, dtype=np.float32)[:, None]
    angles = {
        "sun_zenith": 30 + 5 * down + 0 * across,
        "sun_azimuth": np.full((y, x), 150.0),
        "view_zenith": np.abs(tilt + 3 * across) + 0 * down,
        "view_azimuth": np.where(tilt + 3 * across < 0, 100.0, 280.0) + 0 * down,
    }
    rows = [SENSORS[sensor].band(role, "") for role in roles]
    made = xr.Dataset(
        {name: (("y", "x"), values.astype(np.float32), {"units": "degree"}) for name, values in angles.items()},
        coords={
            "band": list(roles),
            "wavelength": ("band", [row.centre for row in rows]),
            "y": 4.48e6 - 1000.0 * np.arange(y),
            "x": 3.8e5 + 1000.0 * np.arange(x),
            "spatial_ref": ((), 0, {"crs_wkt": _wkt(32650)}),
        },
        attrs={
            "sensor": sensor,
            "reflectance_level": "top of atmosphere",
            "time_coverage_start": "2019-06-30T03:00:00Z",
            **attrs,
        },
    )
    values = np.broadcast_to(np.float32(reflectance), (len(roles), y, x)).copy()
    made["qa"] = ("y", "x"), np.zeros((y, x), np.uint16)
    return made.assign(reflectance=(("band", "y", "x"), values, {"units": "1"}))


def _wkt(code):
    from pyproj import CRS

    return CRS.from_epsg(code).to_wkt()


def air(made, rough=1.0):
    """Fields that vary within a scene as aerosol, vapour and relief do."""
    y, x = made.sizes["y"], made.sizes["x"]
    j, i = np.mgrid[:y, :x]
    relief = 600 + 500 * rough * np.sin(j / 5) * np.cos(i / 7)
    fields = {
        "aod": 0.3 + 0.1 * rough * np.sin(i / 15),
        "water_vapour": 25 * np.exp(-relief / 1900),
        "ozone": 320 + 0.1 * j,
        "pressure": climatology.pressure(relief).value,
    }
    return {name: xr.DataArray((v + 0.0 * i).astype(np.float32), dims=("y", "x")) for name, v in fields.items()}


def seen_from_above(made, surface, state):
    """The same scene as a Lambertian surface would give it, computed at every pixel."""
    turn = abs(made.view_azimuth - made.sun_azimuth) % 360
    angles = {"sun_zenith": made.sun_zenith, "view_zenith": made.view_zenith}
    angles["relative_azimuth"] = np.minimum(turn, 360 - turn)
    out = made.copy(deep=True)
    for k, role in enumerate(made.band.values):
        coefficients = atmosphere.coefficients(made.attrs["sensor"], role, variant_of(made), **angles, **state)
        out["reflectance"][k] = atmosphere.toa_reflectance(surface[k], coefficients).astype(np.float32)
    return out


def ground(made, seed=0):
    draw = np.random.Generator(np.random.Philox(seed))
    return draw.uniform(0.01, 0.6, made.reflectance.shape).astype(np.float32)


def published():
    lines = (Path(__file__).parents[1] / "reference" / "atmosphere.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(text for text in lines if not text.startswith("#"))
    return [row for row in rows if row["band"] in BANDS and row["altitude"] == "0"]


@pytest.mark.parametrize("row", published(), ids=lambda row: f"{row['band']}-{row['sun_zenith']}")
def test_published_runs_of_6s(row):
    """Midlatitude summer of 6S: 2.93 g cm-2 and 0.319 cm-atm; what 6S made of 0.2, and of 0.15 from above.

    Py6S has its own responses. Over ours of the blue band, 6S itself is 0.0010 from its vector at 45 deg.
    """
    sensor, role = BANDS[row["band"]]
    made = scene(2, 3, (role,), sensor)
    for name, value in (("sun_zenith", "sun_zenith"), ("view_zenith", "view_zenith")):
        made[name][:] = float(row[value])
    made["sun_azimuth"][:], made["view_azimuth"][:] = 0.0, float(row["relative_azimuth"])
    state = {"aod": float(row["aod"]), "water_vapour": 29.3, "ozone": 319.0, "pressure": 1013.0}
    for toa, surface in ((row["toa"], 0.2), (0.15, row["corrected_015"])):
        made["reflectance"][:] = float(toa)
        found = correction.correct(made, **state).reflectance
        near = 1.2e-3 if row["band"] == "Landsat8_OLI_B2" else 1e-3
        np.testing.assert_allclose(found, float(surface), rtol=0, atol=near)


@pytest.mark.parametrize("tilt", [0.0, 1.0, 30.0, 60.0])
def test_a_surface_comes_back_under_rough_air(tilt):
    """Where the scan passes the nadir, the azimuth jumps by 180 deg within a cell; the atmosphere does not."""
    made = scene(tilt=tilt)
    state, truth = air(made), ground(made)
    found = correction.correct(seen_from_above(made, truth, state), **state).reflectance
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-3)


def test_the_edge_of_a_plume_is_done_pixel_by_pixel():
    """Aerosol jumps from 0.1 to 1.2 within a cell: interpolation would err by hundredths."""
    made = scene(roles=("blue",))
    state, truth = air(made), ground(made)
    state["aod"][:, 23:], state["aod"][:, :23] = 1.2, 0.1
    found = correction.correct(seen_from_above(made, truth, state), **state)
    np.testing.assert_allclose(found.reflectance, truth, rtol=0, atol=1e-3)
    assert np.isfinite(found.reflectance_systematic).all()


def test_every_chunking_gives_the_same_bits():
    made = scene(45, 70)
    state = air(made)
    made = seen_from_above(made, ground(made), state).assign(
        reflectance_random=0.01 + 0.0 * made.reflectance, reflectance_systematic=0.02 + 0.0 * made.reflectance
    )
    names = ("reflectance", "reflectance_random", "reflectance_systematic", "qa")
    whole = correction.correct(made, aod=state["aod"])
    for chunks in ({"band": 1, "y": 45, "x": 70}, {"band": 4, "y": 7, "x": 33}, {"band": 2, "y": 20, "x": 16}):
        lazy = correction.correct(made.chunk(chunks), aod=state["aod"].chunk({"y": 11}))
        with dask.config.set(scheduler="threads", num_workers=4):
            for name in names:
                np.testing.assert_array_equal(lazy[name].values, whole[name].values, err_msg=f"{name} {chunks}")


def never(*_, **__):
    raise AssertionError("computed")


def test_lazy_stays_lazy_and_asks_for_its_neighbours_only():
    made = scene(200, 40, ("red",)).chunk({"y": 20})
    with dask.config.set(scheduler=never):
        found = correction.correct(made)
    for name in ("reflectance", "reflectance_systematic", "qa"):
        assert isinstance(found[name].data, da.Array)
        assert found[name].dtype == (np.uint16 if name == "qa" else np.float32)

    def cut(block, block_info=None):
        start = block_info[0]["array-location"][0][0]
        assert start < 80, "a far chunk was read"
        return block

    made["sun_zenith"] = made.sun_zenith.copy(data=made.sun_zenith.data.map_blocks(cut, dtype=np.float32))
    near = correction.correct(made, aod=0.1, water_vapour=20.0, ozone=300.0, pressure=1000.0)
    assert np.isfinite(near.reflectance[:, 20:40].values).all()


def test_uncertainty_is_what_errors_of_the_air_do():
    made = scene(20, 20)
    state = {"aod": 0.3, "water_vapour": 25.0, "ozone": 320.0, "pressure": 950.0}
    sigma = {"aod": 0.04, "water_vapour": 3.0, "ozone": 15.0, "pressure": 8.0}
    found = correction.correct(made, **state, **{f"{k}_uncertainty": v for k, v in sigma.items()})
    total = np.zeros(made.reflectance.shape)
    for name, step in sigma.items():
        up, low = (correction.correct(made, **state | {name: state[name] + s * step}).reflectance for s in (1, -1))
        total += ((up - low) / 2).values ** 2
    gain = _gain(made, state)
    tables = np.array([correction.table_error(atmosphere.key_of("landsat_oli", role)) for role in ROLES])
    total += (gain * tables[:, None, None]) ** 2
    np.testing.assert_allclose(found.reflectance_systematic, np.sqrt(total), rtol=0.05)


def _gain(made, state):
    up, low = (
        correction.correct(made.assign(reflectance=made.reflectance + step), **state).reflectance
        for step in (0.005, -0.005)
    )
    return (up - low).values / 0.01


def test_uncertainty_of_the_scene_goes_through():
    made = scene(20, 20)
    state = {"aod": 0.3, "water_vapour": 25.0, "ozone": 320.0, "pressure": 950.0}
    given = made.assign(
        reflectance_random=0.01 + 0.0 * made.reflectance, reflectance_systematic=0.02 + 0.0 * made.reflectance
    )
    found = correction.correct(given, **state, **EXACT)
    gain = _gain(made, state)
    np.testing.assert_allclose(found.reflectance_random, 0.01 * gain, rtol=1e-3)
    np.testing.assert_allclose(found.reflectance_systematic, 0.02 * gain, rtol=1e-3)
    plain = correction.correct(made, **state, **EXACT)
    assert "reflectance_random" not in plain
    assert float(plain.reflectance_systematic.max()) < 1e-3
    np.testing.assert_array_equal(plain.reflectance, found.reflectance)


def test_the_climatology_serves_where_nothing_is_given():
    made = scene(20, 20, roles=("blue", "nir"))
    place, time = (40.45, 115.6), made.attrs["time_coverage_start"]
    state = {"elevation": climatology.elevation(*place)}
    expected = {
        "aod": climatology.aod(*place, time, **state).value,
        "water_vapour": climatology.water_vapour(*place, time, **state).value,
        "ozone": climatology.ozone(*place, time).value,
        "pressure": climatology.pressure(state["elevation"]).value,
    }
    found, by_hand = correction.correct(made), correction.correct(made, **expected)
    np.testing.assert_allclose(found.reflectance, by_hand.reflectance, atol=4e-3)  # relief of the 20 km
    assert "climatology" in found.attrs["history"].splitlines()[-1]
    high = correction.correct(made, elevation=2000.0)
    by_hand = correction.correct(made, elevation=xr.full_like(made.sun_zenith.drop_attrs(), 2000.0))
    np.testing.assert_array_equal(high.reflectance, by_hand.reflectance)
    own = correction.correct(made.assign(elevation=xr.full_like(made.sun_zenith.drop_attrs(), 2000.0)))
    np.testing.assert_array_equal(own.reflectance, high.reflectance)
    assert (high.reflectance.sel(band="blue") > found.reflectance.sel(band="blue")).all()  # less air above


@pytest.mark.parametrize(
    "coords",
    [
        {"longitude": (("y", "x"), 1), "latitude": (("y", "x"), 0)},
        {"longitude": (("x",), 1), "latitude": (("y",), 0)},
    ],
)
def test_places_of_swaths_and_of_geographic_grids(coords):
    made = scene(20, 20, roles=("blue",))
    plain = correction.correct(made)
    both = np.meshgrid(np.linspace(40.43, 40.25, 20), np.linspace(115.58, 115.82, 20), indexing="ij")
    cut = {
        name: (dims, both[k] if len(dims) == 2 else both[k][(slice(None), 0)[:: 1 - 2 * k]])
        for name, (dims, k) in coords.items()
    }
    bare = made.drop_vars(["y", "x", "spatial_ref"]).assign_coords(cut)
    np.testing.assert_allclose(correction.correct(bare).reflectance, plain.reflectance, atol=2e-3)


def test_beyond_the_tables_is_nan_and_flagged():
    made = scene(20, 40, roles=("red", "nir"))
    made["sun_zenith"][:, 30:] = 81.0
    made["view_zenith"][:3] = 71.0
    state = {
        "aod": xr.full_like(made.sun_zenith.drop_attrs(), 0.2),
        "water_vapour": 20.0,
        "ozone": 300.0,
        "pressure": 1000.0,
    }
    state["aod"][10, 10], made["qa"][19, 39] = 2.5, SCENE_FLAG["no_data"].mask
    found = correction.correct(made, **state)
    gone = np.zeros((20, 40), bool)
    gone[:, 30:] = gone[:3] = gone[10, 10] = True
    np.testing.assert_array_equal(np.isnan(found.reflectance.sel(band="red")), gone)
    np.testing.assert_array_equal(np.isnan(found.reflectance_systematic.sel(band="red")), gone)
    gone[19, 39] = False  # there is nothing to correct
    np.testing.assert_array_equal((found.qa & OUTSIDE) != 0, gone)


def test_missing_pixels_stay_missing_and_dark_ones_stay_negative():
    made = scene(20, 20, roles=("blue",))
    made["reflectance"][0, 4, 5], made["reflectance"][0, 6, 7] = np.nan, 0.05
    found = correction.correct(made, aod=0.5, water_vapour=20.0, ozone=300.0, pressure=1000.0).reflectance[0]
    assert np.isnan(found).sum() == 1
    assert found[6, 7] < -0.02


def test_bands_without_tables_are_named():
    made = scene(5, 5, roles=("red", "cirrus"))
    found = correction.correct(made, aod=0.1)
    assert np.isnan(found.reflectance.sel(band="cirrus")).all()
    assert np.isfinite(found.reflectance.sel(band="red")).all()
    assert found.attrs["bands_not_corrected"].startswith("cirrus: ")
    assert "cirrus" in found.attrs["history"]
    assert found.attrs["reflectance_level"] == "surface"
    assert found.reflectance.attrs["standard_name"] == "surface_bidirectional_reflectance"


def test_surface_scenes_come_back_as_they_were():
    made = scene(5, 5, reflectance_level="surface")
    found = correction.correct(made)
    xr.testing.assert_identical(found.drop_attrs(deep=False), made.drop_attrs(deep=False))
    assert "skipped" in found.attrs["history"]


def test_the_scene_given_is_not_changed():
    made = scene(5, 5)
    before = made.copy(deep=True)
    correction.correct(made).load()
    xr.testing.assert_identical(made, before)


def test_a_sensor_that_looks_down_needs_no_view_angles():
    made = scene(20, 20, roles=("blue",)).drop_vars(["view_zenith", "view_azimuth"])
    down = scene(20, 20, roles=("blue",))
    state = {"aod": 0.3, "water_vapour": 20.0, "ozone": 300.0, "pressure": 1000.0}
    for view, near in ((0.0, 1e-7), (7.5, 5e-3)):
        down["view_zenith"][:] = view
        found = [correction.correct(one, **state).reflectance for one in (made, down)]
        np.testing.assert_allclose(*found, rtol=0, atol=near)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.drop_vars("sun_zenith"), "zenith angle of the Sun"),
        (lambda s: s.drop_vars("view_azimuth"), "view_azimuth"),
        (lambda s: s.drop_vars("reflectance"), "standard scene"),
        (lambda s: s.drop_vars("spatial_ref"), "place of the scene"),
        (lambda s: s.drop_attrs(deep=False).assign_attrs(sensor="landsat_oli"), "time_coverage_start"),
    ],
)
def test_what_a_scene_lacks_is_said(change, words):
    with pytest.raises(InputError, match=words):
        correction.correct(change(scene(5, 5)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"aod": np.zeros((5, 5))}, "number or a DataArray"),
        ({"aod": "much"}, "numbers"),
        ({"aod": xr.DataArray(np.zeros((3, 5)), dims=("y", "x"))}, "Interpolate"),
        ({"aod": xr.DataArray(np.zeros(5), dims="time")}, "Interpolate"),
        ({"aod": xr.DataArray(np.zeros(5), dims="x", coords={"x": np.arange(5.0)})}, "Regrid"),
        ({"pressure": 101325.0}, "hPa"),
        ({"water_vapour": xr.DataArray(2.0, attrs={"units": "g cm-2"})}, "Convert"),
        ({"aod_uncertainty": [0.1]}, "number or a DataArray"),
    ],
)
def test_air_that_does_not_fit_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        correction.correct(scene(5, 5), **given)


@pytest.mark.parametrize("size", [1, 2, SIZE, SIZE + 1, SIZE + 2, 3 * SIZE, 50])
def test_cells_cover_a_line_whatever_the_chunks(size):
    """Each pixel lies between the same two corners, at the same place, in every chunk that holds it."""
    at, pixels = corners(size), np.arange(size)
    assert at[0] == 0
    assert at[-1] == size - 1
    whole = line(size, 0, size)
    for chunk in (1, 5, SIZE, size):
        for start in range(0, size, chunk):
            stop = min(start + chunk, size)
            part = line(size, start, stop)
            np.testing.assert_array_equal(part.share, whole.share[start:stop])
            np.testing.assert_array_equal(part.cell + part.first, whole.cell[start:stop])
            assert (part.cell <= part.last - part.first - 2).all()
            cell = np.searchsorted(part.edges[1:-1], np.arange(stop - start), side="right")
            np.testing.assert_array_equal(cell, part.cell)
    low, high = (at[(whole.cell + k).astype(int)] for k in (0, 1))
    np.testing.assert_allclose(low + whole.share * (high - low), pixels, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (0, 5)])
def test_small_and_empty_scenes(shape):
    made = scene(*shape, roles=("red",))
    found = correction.correct(made, aod=0.1, water_vapour=20.0, ozone=300.0, pressure=1000.0)
    assert found.reflectance.shape == (1, *shape)
    assert np.isfinite(found.reflectance).all()
