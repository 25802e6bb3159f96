"""Ground and clouds of a geostationary series: planted ground, shadows, lazy evaluation, words."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.background import BRIGHTEST, clear_background
from musyq_lab.core.errors import InputError

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
