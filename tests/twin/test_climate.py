"""Climate fields: the place's numbers at its height, the lapse rate, real patterns on strip and globe, the seasons."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from twin.land import land

from musyq_lab.core.errors import InputError
from musyq_lab.twin.climate import WARMEST_DAY, YEAR, climate, season_phase
from musyq_lab.twin.place import PLACES, place, world_grid

NAMES = ("temperature_mean", "temperature_amplitude", "diurnal_amplitude", "humidity_mean", "cloud_fraction_mean",
         "precipitation", "aod_mean")  # fmt: skip
LOCAL = [key for key, spot in PLACES.items() if spot.kind == "local"]


def local(key="huailai", elevation=None):
    spot = place(key)
    grid = world_grid(spot, size=1.0, resolution=100.0)
    return spot, climate(spot, grid, np.full(grid.shape, spot.elevation if elevation is None else elevation))


@pytest.mark.parametrize("key", LOCAL)
def test_at_its_own_height_a_place_has_its_own_climate(key):
    spot, fields = local(key)
    for name in NAMES:
        assert fields[name].values == pytest.approx(getattr(spot.climate, name)), name


@pytest.mark.parametrize("key", [*PLACES])
def test_fields_are_described_and_float32(key):
    _, grid, static = land(key)
    for name in NAMES:
        assert static[name].dims == ("y", "x")
        assert static[name].shape == grid.shape
        assert static[name].dtype == np.float32
        assert static[name].attrs["units"] in {"K", "1", "mm"}
        assert static[name].attrs["long_name"]
        assert np.isfinite(static[name]).all()


def test_air_cools_by_six_and_a_half_kelvin_a_kilometre():
    spot, low = local()
    _, high = local(elevation=spot.elevation + 1000)
    assert (low["temperature_mean"] - high["temperature_mean"]).values == pytest.approx(6.5, abs=1e-3)
    assert (high["precipitation"] > low["precipitation"]).all()
    assert (high["aod_mean"] < low["aod_mean"]).all()
    assert (high["diurnal_amplitude"] < low["diurnal_amplitude"]).all()


@pytest.mark.parametrize("above", [-3000.0, 8000.0])
def test_no_height_gives_what_cannot_be(above):
    spot = place("heihe")
    _, fields = local("heihe", spot.elevation + above)
    assert 0 < fields["humidity_mean"].values[0, 0] < 1
    assert 0 < fields["cloud_fraction_mean"].values[0, 0] < 1
    assert fields["aod_mean"].values[0, 0] > 0
    assert fields["precipitation"].values[0, 0] > 0


def test_another_shape_is_refused():
    spot = place("huailai")
    with pytest.raises(InputError, match="shape"):
        climate(spot, world_grid(spot, size=1.0, resolution=100.0), np.zeros((3, 4)))


def test_the_globe_is_warm_in_the_tropics_and_cold_at_the_poles():
    _, grid, static = land("globe")
    mean = static["temperature_mean"].values.mean(axis=1) - 273.15
    latitude = grid.y
    assert mean[np.abs(latitude) < 10].mean() == pytest.approx(27, abs=3)
    assert mean[latitude > 75].mean() < -8
    assert mean[latitude < -75].mean() < mean[latitude > 75].mean()
    area = np.cos(np.radians(latitude))
    assert np.average(mean, weights=area) == pytest.approx(14.5, abs=2.5)  # the global mean surface temperature


def test_the_transect_is_dry_in_the_middle_and_hazy_in_the_east():
    _, grid, static = land("belt_and_road")
    x = grid.longitude

    def mean(name, west, east):
        return float(static[name].values[(x >= west) & (x < east) & (grid.latitude < 42)].mean())

    assert mean("precipitation", 75, 95) < 0.6 * mean("precipitation", 5, 25)
    assert mean("aod_mean", 110, 120) > 1.5 * mean("aod_mean", 85, 100)
    assert mean("temperature_amplitude", 80, 110) > mean("temperature_amplitude", 5, 15) + 4
    assert mean("humidity_mean", 75, 95) < mean("humidity_mean", 5, 25)


def test_zones_leave_no_step_in_rain():
    _, _, static = land("belt_and_road")
    rain = static["precipitation"].values
    assert np.abs(np.diff(rain, axis=1)).max() < 100  # mm between neighbours; the zones differ by 750


@pytest.mark.parametrize("year", [2019, 2020, 2023])
def test_the_warmest_day_is_in_july_and_in_january_across_the_equator(year):
    days = [datetime(year, 1, 1) + timedelta(days=d) for d in range(365)]
    north = int(np.argmin([abs(season_phase(45.0, d)) for d in days])) + 1
    south = int(np.argmin([abs(season_phase(-45.0, d)) for d in days])) + 1
    assert north == pytest.approx(WARMEST_DAY, abs=1.5)
    assert south == pytest.approx((WARMEST_DAY + YEAR / 2) % YEAR, abs=1.5)


def test_the_phase_runs_on_through_new_year_and_leap_days():
    for year in (2019, 2020, 2021):
        for month, day in ((12, 31), (2, 28), (2, 29)):
            if month == 2 and day == 29 and year != 2020:
                continue
            time = datetime(year, month, day, 18)
            step = season_phase(40.0, time + timedelta(days=1)) - season_phase(40.0, time)
            assert step == pytest.approx(1.0)


def test_the_phase_turns_over_half_a_year_from_the_warmest():
    phase = np.array([season_phase(40.0, datetime(2019, 1, 1) + timedelta(days=d)) for d in range(730)])
    assert phase.min() >= -YEAR / 2
    assert phase.max() < YEAR / 2
    steps = np.diff(phase)
    assert np.sum(steps < 0) == 2  # one turn a year
    assert steps[steps < 0] == pytest.approx(1 - YEAR)


def test_hemispheres_are_half_a_year_apart():
    time = datetime(2019, 3, 3, 7)
    north, south = season_phase(np.array([30.0, -30.0]), time)
    assert abs(north - south) == pytest.approx(YEAR / 2)
