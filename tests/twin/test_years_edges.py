"""Errors and weather of years at their limits: light at the poles, air by FAO-56, bounds and shares of errors."""

from datetime import datetime

import numpy as np
import pvlib
import pytest
import xarray as xr

from musyq_lab.twin._errors import SHARES, Noise, Sigma
from musyq_lab.twin._synoptic import lattice
from musyq_lab.twin._years_errors import ERRORS, Drawn
from musyq_lab.twin._years_weather import NODES, Anomalies, Step, _air, _course, _light, wide
from musyq_lab.twin.grid import WorldGrid

GRID = WorldGrid("EPSG:4326", 10.0, -180.0, 90.0, 36, 18)
POINTS = lattice(GRID)
COVER = (np.arange(18 * 36).reshape(18, 36) % 17 + 1).astype(np.uint8)


def static(**changed):
    """Return a climate that is the same everywhere, so that what differs is the grid's or the day's."""
    values = {"temperature_mean": 288.0, "temperature_amplitude": 0.0, "diurnal_amplitude": 5.0, "precipitation": 730.5,
              "cloud_fraction_mean": 0.5, "humidity_mean": 0.6} | changed  # fmt: skip
    return xr.Dataset({name: (("y", "x"), np.full(GRID.shape, v, np.float32)) for name, v in values.items()})


def step(time=datetime(2015, 3, 16), size=0.0, **climate):
    return Step(static(**climate), GRID, time, Anomalies(0, POINTS, size))


def mean(of, name):
    return sum(weight * fields[name].astype(float) for weight, fields in of.days())


# ---- weather ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("month", [1, 3, 6, 9, 12])
def test_light_beyond_the_air_is_that_of_pvlib_over_a_day(month):
    day = datetime(2015, month, 15, 12)
    found = step(day)._beyond()[:, 0]
    doy = day.timetuple().tm_yday
    declination = pvlib.solarposition.declination_spencer71(doy)
    normal = float(pvlib.irradiance.get_extra_radiation(doy))
    hours = np.radians(np.arange(-180, 180, 0.25) + 0.125)
    phi = np.radians(GRID.latitude[:, 0] if np.ndim(GRID.latitude) == 2 else GRID.latitude)
    cosine = np.sin(phi)[:, None] * np.sin(declination) + np.cos(phi)[:, None] * np.cos(declination) * np.cos(hours)
    expected = normal * np.maximum(cosine, 0).mean(axis=1)
    np.testing.assert_allclose(found, expected, atol=0.015 * normal / np.pi)


@pytest.mark.parametrize(("month", "dark"), [(6, -1), (12, 0)])
def test_polar_night_has_no_light_and_polar_day_has(month, dark):
    found = step(datetime(2015, month, 21))._beyond()
    assert found[dark].max() == 0.0
    assert found[-1 - dark].min() > 450.0
    assert np.isfinite(found).all()


@pytest.mark.parametrize("clouds", [0.0, 0.3, 1.0])
def test_light_under_clouds_is_that_of_angstrom(clouds):
    beyond, clouded = np.float32(400.0), np.float32(clouds)
    made = _light(beyond, clouded)
    # FAO-56, equation 35, with the sunshine that clouds leave.
    assert made["downward_shortwave"] == pytest.approx((0.25 + 0.50 * (1 - clouds)) * 400.0, rel=1e-6)
    assert 0.4 < made["downward_par"] / made["downward_shortwave"] < 0.6


def test_deficit_is_that_of_the_vapour_by_day():
    daily, humid = np.float32(293.15), np.float32(0.5)
    made = _air(daily, np.float32(0.0), humid)
    # FAO-56, equation 11: 2.338 kPa at 20 C, of which half is missing.
    assert made["vapour_pressure_deficit"] == pytest.approx(1169.0, rel=0.01)
    assert made["air_temperature_min"] == made["air_temperature_day"] == made["air_temperature"] == daily
    wider = _air(daily, np.float32(6.0), humid)
    assert wider["air_temperature_min"] == pytest.approx(287.15)
    assert wider["vapour_pressure_deficit"] > made["vapour_pressure_deficit"]
    assert _air(daily, np.float32(-3.0), np.float32(1.0))["vapour_pressure_deficit"] == 0.0


def test_the_course_of_a_day_is_warmer_by_day_and_within_its_range():
    whole, lit = _course()
    assert -1 < whole < lit < 1
    assert lit > 0.2


def test_days_of_a_step_are_the_nodes_and_spread_about_the_mean():
    of = step(diurnal_amplitude=0.0)
    days = list(of.days())
    assert len(days) == NODES[0] * NODES[1]
    assert all(weight > 0 for weight, _ in days)
    found = mean(of, "air_temperature")
    np.testing.assert_allclose(found, 288.0, rtol=1e-6)
    square = sum(weight * (fields["air_temperature"] - found) ** 2 for weight, fields in days)
    # With three nodes of Gauss and Hermite the variance is exact; the spread is 1 K where seasons have no amplitude.
    np.testing.assert_allclose(square, 1.0, rtol=1e-3)


@pytest.mark.parametrize(("mean_cloud", "low", "high"), [(0.0, 0.0, 0.05), (0.5, 0.45, 0.55), (1.0, 0.95, 1.0)])
def test_clouds_of_the_days_have_the_mean_of_the_climate(mean_cloud, low, high):
    of = step(cloud_fraction_mean=mean_cloud)
    lit = of._beyond() > 50
    share = 1 - (mean(of, "downward_shortwave")[lit] / of._beyond()[lit] - 0.25) / 0.5
    assert low <= share.min() <= share.max() <= high


@pytest.mark.parametrize("humidity", [0.0, 0.6, 1.0])
def test_air_is_never_more_than_full_of_vapour(humidity):
    for _, fields in step(humidity_mean=humidity, size=3.0).days():
        assert fields["vapour_pressure_deficit"].min() >= 0.0
        assert np.isfinite(fields["vapour_pressure_deficit"]).all()


def test_rain_without_anomalies_is_the_climate_with_its_season():
    rains = [step(datetime(2015, month, 15)).rain() for month in range(1, 13)]
    np.testing.assert_allclose(np.mean(rains, axis=0), 2.0, rtol=0.01)
    assert np.min(rains) >= 1.0 - 1e-6
    assert np.max(rains) <= 3.0 + 1e-6
    north, south = np.array(rains)[:, 2, 0], np.array(rains)[:, -3, 0]
    assert abs(int(north.argmax()) - int(south.argmax())) == 6


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_anomalies_scale_with_their_size(size):
    one, other = (Anomalies(3, POINTS, s)("warmth", datetime(2014, 5, 20)) for s in (1.0, size))
    np.testing.assert_allclose(other, size * one)


def test_wide_fields_differ_by_every_name_and_not_by_the_order_of_asking():
    names = [("a",), ("b",), ("a", 1), ("a", "1", 2)]
    first = [wide(1, POINTS, 2000.0, *name) for name in names]
    wide.cache_clear()
    again = [wide(1, POINTS, 2000.0, *name) for name in reversed(names)][::-1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert all(np.abs(first[0] - other).max() > 0.1 for other in first[1:])


# ---- errors ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", list(ERRORS))
@pytest.mark.parametrize("size", [0.5, 2.0])
def test_told_errors_scale_and_values_hold_their_limits(name, size):
    low, high = ERRORS[name].limits
    true = np.full(GRID.shape, low + 0.9 * (high - low), np.float32)
    seen, told = Drawn(0, POINTS, COVER).observed(name, true, "a", size)
    assert low <= seen.min() <= seen.max() <= np.float32(high)
    expected = size * ERRORS[name].sigma * (seen if ERRORS[name].relative else 1.0)
    np.testing.assert_allclose(told, np.broadcast_to(expected, told.shape), rtol=1e-5)


@pytest.mark.parametrize("name", [name for name, kind in ERRORS.items() if kind.relative])
def test_what_is_nothing_stays_nothing_where_errors_multiply(name):
    seen, told = Drawn(0, POINTS, COVER).observed(name, np.zeros(GRID.shape, np.float32), "a")
    assert not seen.any()
    assert not told.any()


def test_gaps_stay_where_they_are_and_no_neighbour_changes():
    true = np.full(GRID.shape, 290.0, np.float32)
    whole, _ = Drawn(2, POINTS, COVER).observed("air_temperature", true, "a")
    true[3, 4] = np.nan
    seen, told = Drawn(2, POINTS, COVER).observed("air_temperature", true, "a")
    assert np.argwhere(np.isnan(seen)).tolist() == np.argwhere(np.isnan(told)).tolist() == [[3, 4]]
    np.testing.assert_array_equal(np.delete(seen.ravel(), 3 * 36 + 4), np.delete(whole.ravel(), 3 * 36 + 4))


def test_the_cover_of_a_cell_changes_its_own_errors_of_leaves_alone():
    other = COVER.copy()
    other[5, 5] = 200
    for name, differs in (("lai", 1), ("air_temperature", 0)):
        one, two = (Drawn(0, POINTS, cover)(name, "a") for cover in (COVER, other))
        assert int((one != two).sum()) == differs, name


@pytest.mark.parametrize(("absolute", "relative"), [(0.0, 0.0), (2.0, 0.0), (0.0, 0.5), (1.5, 0.2)])
def test_sigma_is_never_less_than_either_part_and_keeps_the_shape(absolute, relative):
    value = np.array([[0.0, 1.0], [-4.0, np.nan]], np.float32)
    found = Sigma(absolute, relative).of(value)
    assert found.shape == value.shape
    assert np.isnan(found[1, 1]) == bool(np.isnan(np.hypot(absolute, relative * np.nan)))
    known = found[np.isfinite(value)]
    assert (known >= absolute).all()
    assert (known >= relative * np.abs(value[np.isfinite(value)]) * (1 - 1e-6)).all()


def test_an_error_that_was_not_announced_is_not_drawn():
    noise = Noise(GRID, 0, datetime(2019, 7, 2), ("a", "b"))
    with pytest.raises(KeyError, match="c"):
        noise("c")
    assert noise("a").dtype == np.float32
    assert noise("a").shape == GRID.shape


def test_a_name_alone_and_a_group_of_it_share_all_but_one_part():
    noise = Noise(GRID, 0, datetime(2019, 7, 2), ("a", "b"))
    apart = noise("a", "one") - noise("a", "two")
    wide_parts = [noise._points.fill(np.sqrt(SHARES["group"]) * noise._wide(group)) for group in ("one", "two")]
    np.testing.assert_allclose(apart, wide_parts[0] - wide_parts[1], atol=1e-5)
