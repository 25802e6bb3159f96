"""Ground and clouds of a geostationary series: planted ground, shadows, lazy evaluation, words."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.background import BRIGHTEST, clear_background, ground_through_air
from musyq_lab.core.errors import InputError
from musyq_lab.standard import atmosphere

DAYS, SLOTS, SIDE = 20, 4, 6


def series(seed=4, cloudy=0.4):
    """Ground that darkens by slot, clouds of reflectance 0.4 to 0.9 on 40 % of the images, dims (time, y, x)."""
    draw = np.random.Generator(np.random.Philox(seed))
    ground = draw.uniform(0.08, 0.25, (1, 1, SIDE, SIDE)) * np.array([1.0, 0.9, 0.95, 1.1]).reshape(1, -1, 1, 1)
    values = np.broadcast_to(ground, (DAYS, SLOTS, SIDE, SIDE)) + draw.normal(0, 0.002, (DAYS, SLOTS, SIDE, SIDE))
    cloud = draw.uniform(size=values.shape) < cloudy
    values = np.where(cloud, draw.uniform(0.4, 0.9, values.shape), values)
    times = np.datetime64("2019-07-01", "ns") + np.arange(DAYS)[:, None] * np.timedelta64(1, "D")
    times = (times + np.array([1, 3, 5, 7]) * np.timedelta64(1, "h")).ravel()
    flat = values.reshape(-1, SIDE, SIDE)
    return xr.DataArray(flat, {"time": times}, ("time", "y", "x")), ground[0]


def test_the_planted_ground_is_found_slot_by_slot():
    given, ground = series()
    made = clear_background(given).ground_reflectance
    assert made.dims == given.dims
    found = made.values.reshape(DAYS, SLOTS, SIDE, SIDE)
    np.testing.assert_allclose(found, np.broadcast_to(ground, found.shape), atol=0.006)
    assert (found == found[:1]).all()  # one value for all days of a slot


def test_a_shadow_does_not_darken_the_ground():
    given, ground = series(cloudy=0.0)
    shaded = given.copy(deep=True)
    shaded[0] = 0.02  # the first slot of one day
    found = clear_background(shaded, ground=0.1).ground_reflectance.values[0]
    np.testing.assert_allclose(found, ground[0], atol=0.01)
    assert (clear_background(shaded, ground=0.0).ground_reflectance.values[0] == 0.02).all()


def test_cloud_is_a_high_quantile_to_the_width_of_a_bin():
    given, _ = series()
    made = float(clear_background(given, cloud=0.95).cloud_reflectance)
    width = (BRIGHTEST[1] - BRIGHTEST[0]) / BRIGHTEST[2]
    assert made == pytest.approx(np.quantile(given, 0.95), abs=width)


def test_a_cloudless_series_has_no_cloud():
    given, _ = series(cloudy=0.0)
    assert np.isnan(clear_background(given).cloud_reflectance)


def test_low_sun_does_not_count_for_clouds():
    given, _ = series()
    sun = xr.where(given.time.dt.hour == 7, 80.0, 30.0).broadcast_like(given)
    bright = given.where(sun < 70.0, 1.4)
    assert float(clear_background(bright, sun_zenith=sun).cloud_reflectance) < 1.0
    assert float(clear_background(bright).cloud_reflectance) > 1.3


def test_missing_values_are_left_out_and_stay_missing_where_nothing_is_known():
    given, ground = series()
    holed = given.where(given.time.dt.day % 2 == 0)
    found = clear_background(holed).ground_reflectance.values[0]
    np.testing.assert_allclose(found, ground[0], atol=0.01)
    never = (
        given.where(given.x != 2)
        if "x" in given.coords
        else given.assign_coords(x=range(SIDE)).where(lambda a: a.x != 2)
    )
    lost = clear_background(never)
    assert np.isnan(lost.ground_reflectance[..., 2]).all()
    assert np.isfinite(lost.ground_reflectance[..., 1]).all()
    assert np.isnan(clear_background(given * np.nan).cloud_reflectance)


def test_slots_gather_images_that_are_minutes_apart():
    given, ground = series(cloudy=0.0)
    jitter = np.where(np.arange(given.time.size) % 3 == 0, 7, 0).astype("timedelta64[m]")
    made = clear_background(given.assign_coords(time=given.time.values + jitter))
    assert (made.background_days == DAYS).all()
    np.testing.assert_allclose(made.ground_reflectance.values[1], ground[1], atol=0.006)


def test_lazy_is_the_same_for_any_chunks():
    given, _ = series()
    whole = clear_background(given)

    def never(*_args, **_kwargs):
        raise AssertionError("computed while the graph was built")

    for chunks in ({"time": 7, "y": 2, "x": -1}, {"time": -1, "y": -1, "x": 5}):
        with dask.config.set(scheduler=never):
            lazy = clear_background(given.chunk(chunks))
        xr.testing.assert_identical(lazy.compute(), whole)


def test_what_cannot_be_is_refused():
    given, _ = series()
    with pytest.raises(InputError, match="dimension 'time'"):
        clear_background(given[0])
    with pytest.raises(InputError, match="rise within 0 to 1"):
        clear_background(given, ground=0.9, cloud=0.5)


# ---- ground through air ----------------------------------------------------------------------------------------------
AIR = {"aod": 0.2, "water_vapour": 20.0, "ozone": 300.0, "pressure": 950.0}


def images(days=4, cloudy=0.5, seed=2):
    """A planted surface seen through planted air from morning to evening, half of the images under cloud."""
    draw = np.random.Generator(np.random.Philox(seed))
    hours = np.arange(-5, 6)
    times = np.datetime64("2019-07-01T04", "ns") + (np.arange(days)[:, None] * 24 + hours) * np.timedelta64(1, "h")
    shape = (times.size, SIDE, SIDE)
    surface = xr.DataArray(draw.uniform(0.03, 0.25, shape[1:]), dims=("y", "x"))
    sun = np.broadcast_to(np.tile(15.0 + 13.5 * np.abs(hours), days)[:, None, None], shape)
    made = xr.Dataset(
        {
            "sun_zenith": (("time", "y", "x"), sun),
            "sun_azimuth": (
                ("time", "y", "x"),
                np.broadcast_to(np.tile(180.0 + 18 * hours, days)[:, None, None], shape),
            ),
            "view_zenith": (("time", "y", "x"), np.full(shape, 52.0)),
            "view_azimuth": (("time", "y", "x"), np.full(shape, 140.0)),
        },
        {"time": times.ravel(), "latitude": ("y", np.full(SIDE, 40.3)), "longitude": ("x", np.full(SIDE, 115.8))},
    )
    azimuth = np.abs(made.view_azimuth - made.sun_azimuth)
    angles = {"sun_zenith": made.sun_zenith.clip(max=80), "view_zenith": made.view_zenith, "relative_azimuth": azimuth}
    clear = atmosphere.toa_reflectance(surface, atmosphere.coefficients("himawari_ahi", "red", **angles, **AIR))
    cloud = xr.DataArray(draw.uniform(size=shape) < cloudy, dims=clear.dims)
    made["toa_reflectance_red"] = clear.where(~cloud, draw.uniform(0.4, 0.8, shape)).transpose("time", "y", "x")
    return made, surface, clear.transpose("time", "y", "x")


def test_the_ground_through_the_air_is_found_in_few_days():
    given, surface, clear = images()
    made = ground_through_air(given, "himawari_ahi", **AIR)
    np.testing.assert_allclose(made.surface_reflectance, surface, atol=2e-4)
    np.testing.assert_allclose(made.ground_reflectance, clear, atol=2e-4)
    by_slot = clear_background(given.toa_reflectance_red).ground_reflectance
    assert float(abs(by_slot - clear).max()) > 0.2


def test_a_surface_that_is_known_needs_no_image():
    given, surface, clear = images()
    made = ground_through_air(given.drop_vars("toa_reflectance_red"), "himawari_ahi/Himawari-8", surface=surface, **AIR)
    np.testing.assert_allclose(made.ground_reflectance, clear, atol=2e-4)
    assert made.ground_reflectance.dims == given.sun_zenith.dims


def test_the_ground_is_there_with_the_sun_at_the_horizon():
    given, surface, _ = images()
    low = given.assign(sun_zenith=given.sun_zenith + 10.0)
    assert float(low.sun_zenith.max()) > 90.0
    made = ground_through_air(low, "himawari_ahi", surface=surface, **AIR).ground_reflectance
    assert np.isfinite(made).all()
    assert (made.where(low.sun_zenith > 80.0, drop=True) > made.where(low.sun_zenith < 30.0, drop=True).mean()).all()


def test_air_that_is_not_given_is_that_of_place_and_season():
    given, surface, clear = images(cloudy=0.0)
    made = ground_through_air(given, "himawari_ahi")
    assert made.ground_reflectance.dims == given.sun_zenith.dims
    # Light of the air is in the images: whatever aerosol is assumed, the ground is what was seen.
    assert float(abs(made.ground_reflectance - clear).mean()) < 0.015
    assert float(abs(made.surface_reflectance - surface).max()) > 2e-4


def test_a_lazy_series_has_a_lazy_ground_of_the_same_values():
    given, _, _ = images()
    eager = ground_through_air(given, "himawari_ahi", **AIR)
    lazy = ground_through_air(given.chunk(time=7, y=4), "himawari_ahi", **AIR)
    assert dask.is_dask_collection(lazy.ground_reflectance.data)
    for name in eager:
        np.testing.assert_array_equal(lazy[name], eager[name])


def test_what_the_ground_through_the_air_needs_is_named():
    given, _, _ = images(days=1)
    with pytest.raises(InputError, match="toa_reflectance_red"):
        ground_through_air(given.drop_vars("toa_reflectance_red"), "himawari_ahi", **AIR)
    with pytest.raises(InputError, match="sun_azimuth"):
        ground_through_air(given.drop_vars("sun_azimuth"), "himawari_ahi", **AIR)
    with pytest.raises(InputError, match="add latitude"):
        ground_through_air(given.drop_vars("latitude"), "himawari_ahi")
    with pytest.raises(InputError, match="dust is no property"):
        ground_through_air(given, "himawari_ahi", dust=1.0)
    with pytest.raises(InputError, match=r"quantile=1\.5"):
        ground_through_air(given, "himawari_ahi", quantile=1.5, **AIR)


def test_a_dataset_is_no_channel():
    images = xr.Dataset({"toa_reflectance_red": ("time", [0.1])}, {"time": np.array(["2019-07-01"], "datetime64[ns]")})
    with pytest.raises(InputError, match=r"one DataArray of reflectance, got Dataset\. Choose a channel"):
        clear_background(images)
