"""Weather: physics, climatology, distributions, and the same answer whatever is asked before."""

from datetime import datetime, timedelta

import numpy as np
import pvlib
import pytest
from twin import static as made

from musyq_lab.twin import _synoptic, weather
from musyq_lab.twin.grid import WorldGrid

GRID = made.grid(0.32)  # 16 x 16
STATIC = made.static(GRID)
MIDSUMMER = datetime(2019, 7, 15, 5)


def sample(name, times, on=GRID, static=STATIC, seed=3, **options):
    return np.array([float(weather.weather(static, on, t, seed, **options)[name][8, 8]) for t in times])


def every(count, step, start=datetime(2005, 1, 3, 4)):
    return [start + timedelta(days=step) * k for k in range(count)]


# ---- determinism -----------------------------------------------------------------------------------------------------
def test_order_of_times_does_not_matter():
    times = every(5, 0.7)
    forward = [weather.weather(STATIC, GRID, t, 3) for t in times]
    backward = [weather.weather(STATIC, GRID, t, 3) for t in reversed(times)][::-1]
    assert all(a.identical(b) for a, b in zip(forward, backward, strict=True))


def test_seed_makes_the_weather():
    one, same, other = (weather.weather(STATIC, GRID, MIDSUMMER, seed) for seed in (3, 3, 4))
    assert all(one[name].values.tobytes() == same[name].values.tobytes() for name in one)
    assert float(one.air_temperature.mean()) != float(other.air_temperature.mean())


def test_fields_are_single_precision_with_units():
    ds = weather.weather(STATIC, GRID, MIDSUMMER, 3)
    assert {v.dtype for v in ds.values()} == {np.dtype("float32")}
    assert all(v.dims == ("y", "x") and v.attrs["units"] and v.attrs["long_name"] for v in ds.values())
    assert all(np.isfinite(v.values).all() for v in ds.values())


# ---- temperature -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("place", "warm"), [((115.79, 40.35), 7), ((148.0, -35.0), 1)])
def test_each_hemisphere_has_its_summer(place, warm):
    on = made.grid(0.32, place=place)
    months = {
        m: sample("air_temperature", [datetime(y, m, 15, 4) for y in range(2000, 2020)], on).mean() for m in (1, 7)
    }
    assert months[warm] - months[8 - warm] == pytest.approx(2 * 13, abs=5)


def test_day_is_warmest_in_the_afternoon_and_coldest_before_sunrise():
    points, hours = _synoptic.lattice(GRID), np.arange(0, 24, 0.25)
    course = [weather._course(points, MIDSUMMER + timedelta(hours=h))[0, 0] for h in hours]
    solar = (hours + MIDSUMMER.hour + 115.79 / 15) % 24
    assert 13.75 <= solar[np.argmax(course)] <= 15
    assert 3.5 <= solar[np.argmin(course)] <= 6.5
    np.testing.assert_allclose([np.min(course), np.max(course)], [-1, 1], atol=0.06)


def test_daily_range_is_near_that_of_the_climate():
    ranges = [np.ptp(sample("air_temperature", every(4, 0.25, datetime(2019, 6, d, 1)))) for d in range(1, 29, 4)]
    assert np.mean(ranges) == pytest.approx(12, abs=3.5)


def test_overcast_days_have_the_smaller_range():
    def daily_range(cloudiness):
        return np.ptp(sample("air_temperature", every(24, 1 / 24, MIDSUMMER), cloudiness=cloudiness))

    assert daily_range(5.0) < daily_range(0.0) - 2


def test_no_daily_course_in_the_polar_night():
    on = made.grid(0.32, place=(25.0, 80.0))
    steps = np.diff(sample("air_temperature", every(48, 1 / 24, datetime(2019, 12, 20)), on))
    assert np.abs(steps).max() < 0.6


def test_mean_over_years_is_the_climate():
    assert sample("air_temperature", every(160, 22.83)).mean() == pytest.approx(284.0, abs=1.2)


def test_cold_air_lies_in_hollows_of_clear_nights():
    static = made.static(GRID, wetness=np.linspace(0, 1, 16))
    night = weather.weather(static, GRID, datetime(2019, 7, 15, 21), 3, cloudiness=0).air_temperature.values
    noon = weather.weather(static, GRID, datetime(2019, 7, 15, 6), 3, cloudiness=0).air_temperature.values
    assert night[0, 0] - night[0, -1] == pytest.approx(1.5, abs=0.3)
    assert noon[0, 0] == pytest.approx(noon[0, -1], abs=0.05)


# ---- humidity, pressure, ozone ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("celsius", "hectopascal"), [(0.0, 6.112), (10.0, 12.28), (20.0, 23.39), (30.0, 42.47)])
def test_saturation_pressure_of_the_steam_tables(celsius, hectopascal):
    assert weather.saturation_pressure(np.float64(celsius + 273.15)) == pytest.approx(hectopascal, rel=4e-3)


def test_humidity_never_exceeds_saturation_and_columns_agree_with_an_independent_model():
    times = every(30, 12.1)
    humidity = sample("relative_humidity", times)
    assert humidity.max() < 1
    assert humidity.min() > 0.03
    air, column = sample("air_temperature", times), sample("water_vapour", times)
    gueymard = 10 * pvlib.atmosphere.gueymard94_pw(air - 273.15, 100 * humidity)
    assert np.median(column / gueymard) == pytest.approx(1, abs=0.2)


def test_pressure_falls_with_height_hydrostatically():
    height = np.linspace(0, 4000, 16)
    ds = weather.weather(made.static(GRID, elevation=height), GRID, MIDSUMMER, 3)
    pressure = ds.surface_pressure.values[0]
    # dp/dz = -p g / (R T) with the standard lapse from 15 C
    middle = (height[1:] + height[:-1]) / 2
    expected = np.exp(-np.cumsum(np.r_[0, np.diff(height) * 9.80665 / (287.05 * (288.15 - 0.0065 * middle))]))
    np.testing.assert_allclose(pressure / pressure[0], expected, rtol=2e-4)
    assert pressure[0] == pytest.approx(1013, abs=25)


def test_ozone_of_the_published_example():
    # W. Broenkow & S. Flora, Moss Landing Marine Laboratories, after van Heuklon 1979: 36 N, 122 W, day 185
    assert weather.ozone(36.0, -122.0, 185.0) == pytest.approx(321.2, abs=0.05)


def test_ozone_peaks_in_spring_and_is_least_at_the_equator():
    days = np.arange(1, 366, 5)
    north = [float(weather.ozone(50.0, 10.0, d)) for d in days]
    south = [float(weather.ozone(-50.0, 10.0, d)) for d in days]
    assert 60 < days[np.argmax(north)] < 150
    assert 240 < days[np.argmax(south)] < 330
    assert float(weather.ozone(0.0, 10.0, 100.0)) == 235


# ---- aerosol ---------------------------------------------------------------------------------------------------------
def test_aerosol_is_lognormal_in_time():
    points, still = (
        _synoptic.lattice(GRID),
        {"aod_mean": np.float32(0.25), "elevation": np.zeros(GRID.shape, np.float32)},
    )
    times = every(400, 9.3)
    aod = np.array([weather._aod(points, GRID, 3, _synoptic.days(t), t, still)[8, 8] for t in times])
    log = np.log(aod)
    assert aod.mean() == pytest.approx(0.25, rel=0.15)
    assert log.std() == pytest.approx(np.log(1.9), abs=0.1)
    standard = (log - log.mean()) / log.std()
    np.testing.assert_allclose(np.quantile(standard, [0.1, 0.5, 0.9]), [-1.28, 0, 1.28], atol=0.15)


def test_aerosol_gathers_in_the_valley():
    ds = weather.weather(made.static(GRID, elevation=np.linspace(0, 1000, 16)), GRID, MIDSUMMER, 3)
    np.testing.assert_allclose(ds.aod.values[0, 0] / ds.aod.values[0, -1], np.exp(0.5), rtol=0.05)


def test_plume_rises_now_and_then_and_stays_near_its_source():
    on = made.grid(1.28)
    plumes = [weather._plume(on, 5, d) for d in np.arange(0, 400, 2.0)]
    smoky = [p for p in plumes if isinstance(p, np.ndarray)]
    assert 0.04 < len(smoky) / len(plumes) < 0.25
    strongest = max(smoky, key=np.max)
    assert strongest.max() > 0.2
    assert np.median(strongest) < 0.05


# ---- water on the ground ---------------------------------------------------------------------------------------------
def test_soil_is_wetter_where_it_rains_more_and_where_water_gathers():
    def mean(**changes):
        return sample("soil_moisture", every(40, 18.0), static=made.static(GRID, **changes)).mean()

    desert, farmland, forest = (mean(precipitation=p) for p in (50, 600, 2000))
    assert desert < 0.12 < farmland < 0.5 < forest
    assert mean(wetness=1.0) > mean(wetness=0.0) + 0.05


def test_soil_dries_smoothly_between_rains():
    moisture = sample("soil_moisture", every(96, 1 / 12, MIDSUMMER))
    assert np.abs(np.diff(moisture)).max() < 0.04


def test_snow_lies_only_where_it_is_cold():
    winters = [datetime(y, 1, 20, 4) for y in range(2000, 2015)]
    cold = sample("snow_fraction", winters, static=made.static(GRID, temperature_mean=276.0))
    warm = sample("snow_fraction", winters, static=made.static(GRID, temperature_mean=296.0))
    dry = sample("snow_fraction", winters, static=made.static(GRID, temperature_mean=276.0, precipitation=0.0))
    assert cold.mean() > 0.5
    assert cold.max() <= 1
    assert warm.max() == 0
    assert dry.max() == 0


def test_snow_ages_where_it_melts():
    grain = {
        t: sample("snow_grain", [datetime(2019, 1, 20)], static=made.static(GRID, temperature_mean=t))[0]
        for t in (270.0, 290.0)
    }
    assert 50 <= grain[270.0] < grain[290.0] <= 1000


# ---- weather systems -------------------------------------------------------------------------------------------------
def test_process_is_standard_normal_and_forgets():
    when = np.arange(0, 4000, 10.0)
    values = np.array([_synoptic.wander(s, "test", when, 45.0, 10.0) for s in range(12)])
    assert values.mean() == pytest.approx(0, abs=0.06)
    assert values.std() == pytest.approx(1, abs=0.06)
    soon, late = (
        np.array([_synoptic.wander(s, "test", when + lag, 45.0, 10.0) for s in range(12)]) for lag in (0.25, 8.0)
    )
    assert np.corrcoef(values.ravel(), soon.ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(values.ravel(), late.ravel())[0, 1]) < 0.2


def test_systems_drift_eastward():
    when = np.arange(0, 3000, 5.0)
    here = _synoptic.wander(1, "test", when, 45.0, 10.0)
    east, west = (_synoptic.wander(1, "test", when + 0.5, 45.0, 10.0 + step) for step in (4.0, -4.0))
    assert np.corrcoef(here, east)[0, 1] > np.corrcoef(here, west)[0, 1] + 0.2


def test_lattice_interpolates_linearly_on_worlds_of_any_size():
    for on in (GRID, WorldGrid("EPSG:4326", 0.1, 60.0, 45.0, 300, 40)):
        points = _synoptic.lattice(on)
        x, y = np.meshgrid(np.arange(on.columns), np.arange(on.rows))
        plane = 2.0 * x - 3.0 * y + 1.0
        np.testing.assert_allclose(points.fill(points.at(plane)), plane, atol=1e-3)


def test_wind_is_the_rate_of_its_way():
    for day in (0.0, 6900.3):
        speed, _ = _synoptic.wind(3, 40.0, day)
        _, before = _synoptic.wind(3, 40.0, day - 1e-3)
        _, after = _synoptic.wind(3, 40.0, day + 1e-3)
        np.testing.assert_allclose((after - before) / (2e-3 * 86_400), speed, rtol=1e-4)


def test_westerlies_and_trades():
    days = np.arange(0, 3000, 7.0)
    assert np.mean([_synoptic.wind(1, 50.0, d)[0][0] for d in days]) > 3
    assert np.mean([_synoptic.wind(1, 10.0, d)[0][0] for d in days]) < -2


@pytest.mark.parametrize("mean", [0.2, 0.5, 0.8])
def test_cover_has_its_mean_and_is_u_shaped(mean):
    points = _synoptic.lattice(GRID)
    days = np.arange(0, 9000, 9.0)
    covers = np.concatenate([weather.cover(s, points, days, np.full((2, 2), mean))[:, 0, 0] for s in range(4)])
    assert covers.mean() == pytest.approx(mean, abs=0.04)
    middle = ((covers > 0.35) & (covers < 0.65)).mean()
    assert ((covers < 0.15) | (covers > 0.85)).mean() > middle * 1.5


def test_cloudiness_scales_the_cover():
    points, mean = _synoptic.lattice(GRID), np.full((2, 2), 0.4)
    one = weather.cover(1, points, 100.0, mean)
    assert not weather.cover(1, points, 100.0, mean, 0.0).any()
    np.testing.assert_allclose(weather.cover(1, points, 100.0, mean, 0.5), one / 2)
    assert weather.cover(1, points, 100.0, mean, 5.0).max() <= 1


def test_many_times_at_once_are_the_times_one_by_one():
    strip = _synoptic.lattice(WorldGrid("EPSG:4326", 1.0, -180.0, 60.0, 360, 120))
    when = np.array([10.0, 10.5, 400.25])
    together = strip.wander(5, "test", when)
    assert strip.latitude.size > _synoptic._AT_ONCE
    vectorised = _synoptic.wander(5, "test", when[:, np.newaxis, np.newaxis], strip.latitude, strip.longitude)
    np.testing.assert_allclose(together, vectorised, atol=1e-5)
