"""Months and years of weather: size and memory of the anomalies, and days that average to the climate."""

from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pytest

from musyq_lab.twin import _zonal
from musyq_lab.twin._synoptic import lattice
from musyq_lab.twin._years_weather import MEMORY, YEARLY, Anomalies, Step, wide
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.world import make_world

GRID = WorldGrid("EPSG:4326", 5.0, -180.0, 90.0, 72, 36)
POINTS = lattice(GRID)
AREA = np.cos(np.radians(POINTS.latitude))


@cache
def globe():
    return make_world("globe", resolution=4.0, seed=2)


def step(time, size=0.0):
    world = globe()
    return Step(world.static, world.grid, time, Anomalies(2, lattice(world.grid), size))


def mean_of(days, name):
    return sum(weight * day[name] for weight, day in days)


def over_globe(field):
    weight = np.cos(np.radians(globe().grid.latitude))
    return float((field * weight).sum() / weight.sum())


# ---- anomalies -------------------------------------------------------------------------------------------------------
def test_wide_fields_are_standard_normal():
    fields = np.array([wide(seed, POINTS, 1000.0, "a") for seed in range(200)])
    weight = AREA / AREA.sum()
    assert ((fields**2).mean(axis=0) * weight).sum() == pytest.approx(1, abs=0.06)
    assert abs((fields.mean(axis=0) * weight).sum()) < 0.06


def test_wide_fields_fall_off_as_said():
    """Correlation exp(-d^2 / 2 L^2) with the chord d through the sphere."""
    chosen = np.argmin(np.abs(POINTS.latitude[:, 0]))
    fields = np.array([wide(seed, POINTS, 2000.0, "a")[chosen] for seed in range(600)])
    turn = np.radians(POINTS.longitude[chosen] - POINTS.longitude[chosen][0])
    chord = 2 * 6371 * np.abs(np.sin(turn / 2)) * np.cos(np.radians(POINTS.latitude[chosen][0]))
    found = (fields * fields[:, :1]).mean(axis=0)
    np.testing.assert_allclose(found, np.exp(-(chord**2) / (2 * 2000.0**2)), atol=0.17)


def test_what_is_shared_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        wide(0, POINTS, 1000.0, "a")[0] = 1


def series(years=12):
    """Anomalies at the middles of months, shape (month, points)."""
    all_ = []
    for seed in range(6):
        made = Anomalies(seed, POINTS)
        times = [datetime(2000 + k // 12, k % 12 + 1, 15) for k in range(12 * years)]
        all_.append([made("moisture", time)[::3, ::3].ravel() for time in times])
    return np.array(all_)


def test_anomalies_have_unit_variance_and_remember():
    found = series()
    assert found.var() == pytest.approx(1, abs=0.15)
    assert abs(found.mean()) < 0.1
    lag = [np.mean(found[:, k:] * found[:, : found.shape[1] - k]) / found.var() for k in (1, 3, 18)]
    # one month later: what is of the year, and the memory of the months (somewhat less, as it is cut after six)
    assert lag[0] == pytest.approx(YEARLY + (1 - YEARLY) * MEMORY, abs=0.1)
    assert lag[0] > lag[1] > lag[2]
    assert abs(lag[2]) < 0.15


def test_anomalies_are_continuous_and_need_no_order():
    made = Anomalies(1, POINTS)
    times = [datetime(2014, 12, 1) + timedelta(days=d) for d in range(62)]
    values = np.array([made("warmth", time) for time in times])
    assert np.abs(np.diff(values, axis=0)).max() < 0.3
    again = [made("warmth", time) for time in reversed(times)]
    np.testing.assert_array_equal(values[::-1], again)


def test_no_size_no_anomaly():
    assert not Anomalies(1, POINTS, 0.0)("warmth", datetime(2014, 5, 5)).any()
    one, two = (Anomalies(1, POINTS, size)("warmth", datetime(2014, 5, 5)) for size in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one)


# ---- days of a step --------------------------------------------------------------------------------------------------
def test_weights_are_one():
    assert sum(weight for weight, _ in step(datetime(2015, 5, 1)).days()) == pytest.approx(1)


def test_temperature_of_the_year_is_that_of_the_climate():
    """Over a year the mean differs from the climate's by the course of the day alone (0.12 of half its range)."""
    months = [mean_of(step(datetime(2015, m, 15)).days(), "air_temperature") for m in range(1, 13)]
    still = globe().static
    found = np.mean(months, axis=0) - still["temperature_mean"].values
    assert np.abs(found).max() < 0.12 * 1.25 * float(still["diurnal_amplitude"].max()) + 0.3
    assert 286 < over_globe(np.mean(months, axis=0)) < 290  # 287 to 288 K (Jones et al. 1999: 14.0 C)


def test_order_of_temperatures():
    for _, day in step(datetime(2015, 7, 15)).days():
        assert (day["air_temperature_min"] <= day["air_temperature"]).all()
        assert (day["air_temperature"] <= day["air_temperature_day"]).all()
        assert (day["vapour_pressure_deficit"] >= 0).all()


def test_light_is_that_of_the_climate_and_of_the_earth():
    months = [mean_of(step(datetime(2015, m, 15)).days(), "downward_shortwave") for m in range(1, 13)]
    # at the surface 187 W m-2 (Kato et al. 2018, doi 10.1175/JCLI-D-17-0523.1: EBAF 4.0)
    assert 165 < over_globe(np.mean(months, axis=0)) < 205
    cloud = globe().static["cloud_fraction_mean"].values
    latitude = globe().grid.latitude
    wanted = _zonal.extraterrestrial(latitude) * (0.25 + 0.5 * (1 - cloud))
    inside = np.abs(latitude) < 60
    ratio = np.mean(months, axis=0)[inside] / wanted[inside]
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert np.abs(ratio - 1).max() < 0.12


def test_night_of_winter_is_dark():
    june = mean_of(step(datetime(2015, 6, 21)).days(), "downward_shortwave")
    latitude = globe().grid.latitude
    assert june[latitude < -70].max() == 0
    assert june[latitude > 70].min() > 60


def test_par_is_less_than_half_and_more_under_clouds():
    parts = [day["downward_par"] / np.maximum(day["downward_shortwave"], 1e-3) for _, day in _of_july()]
    lit = _of_july()[0][1]["downward_shortwave"] > 1
    assert all(0.40 < part[lit].min() <= part[lit].max() < 0.55 for part in parts)
    assert parts[-1][lit].mean() > parts[0][lit].mean()


@cache
def _of_july():
    return tuple(step(datetime(2015, 7, 15)).days())


def test_rain_of_the_year_is_that_of_the_climate():
    days = [step(datetime(2015, 1, 1) + timedelta(days=7.3 * k)).rain() for k in range(50)]
    yearly = 365.25 * np.mean(days, axis=0)
    np.testing.assert_allclose(yearly, globe().static["precipitation"].values, rtol=0.02)


def test_dry_months_are_warm():
    warm, wet = [], []
    for k in range(60):
        now = step(datetime(2001 + k // 2, 1 + 6 * (k % 2), 10), 1.0)
        warm.append(now.warmth()[::5, ::5].ravel())
        wet.append(now.moisture()[::5, ::5].ravel())
    assert np.corrcoef(np.ravel(warm), np.ravel(wet))[0, 1] == pytest.approx(-0.3, abs=0.15)
