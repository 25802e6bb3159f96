"""The bucket: its evaporation against an integral over the day, its balance, and a loop beside it."""

import numpy as np
import pytest
from scipy.integrate import quad

from musyq_lab.kernels import bucket

CAPACITY = 150.0


@pytest.mark.parametrize(
    ("stored", "demand", "hours"), [(20, 5, 12), (100, 5, 12), (5, 3, 8), (150, 1, 12), (1, 0.2, 16), (60, 8, 14)]
)
def test_evaporation_is_the_lesser_of_supply_and_demand_all_day(stored, demand, hours):
    supply, peak = bucket.SUPPLY * stored / CAPACITY, np.pi / 2 * demand / hours
    crossing = np.arcsin(min(supply / peak, 1.0)) * hours / np.pi
    expected, _ = quad(
        lambda t: min(supply, peak * np.sin(np.pi * t / hours)), 0, hours, points=[crossing, hours - crossing]
    )
    assert bucket.evaporated(stored, CAPACITY, demand, hours) == pytest.approx(expected, rel=1e-9)


def test_wet_soil_gives_what_the_air_asks_for_and_dry_soil_nothing():
    assert bucket.evaporated(CAPACITY, CAPACITY, 4.0, 12.0) == 4.0
    assert bucket.evaporated(0.0, CAPACITY, 4.0, 12.0) == pytest.approx(0.0, abs=1e-15)
    assert bucket.evaporated(50.0, CAPACITY, 0.0, 12.0) == 0.0
    assert bucket.evaporated(50.0, CAPACITY, -1.0, 12.0) == 0.0


def test_evaporation_rises_with_water_and_is_continuous_where_supply_meets_demand():
    stored = np.linspace(0, CAPACITY, 500)
    found = np.array([bucket.evaporated(s, CAPACITY, 6.0, 12.0) for s in stored])
    assert (np.diff(found) >= 0).all()
    assert np.abs(np.diff(found)).max() < 0.05


def weather(places=3, days=500, seed=1):
    random = np.random.Generator(np.random.Philox(seed))
    rain = random.exponential(6.0, (places, days)) * (random.random((places, days)) < 0.25)
    return rain, random.uniform(0.2, 7.0, (places, days)), np.full((places, days), 12.0)


def test_water_is_conserved():
    rain, demand, hours = weather()
    share, evaporation, runoff, ratio = bucket.water_balance.python(3 * rain, demand, hours, CAPACITY, 0.3, 0.0)
    stored = CAPACITY * np.concatenate([np.full((3, 1), 0.3), share], 1)
    np.testing.assert_allclose(np.diff(stored), 3 * rain - evaporation - runoff, atol=1e-10)
    assert (share >= 0).all()
    assert (share <= 1).all()
    assert (evaporation <= demand).all()
    assert runoff.max() > 0
    np.testing.assert_allclose(ratio, evaporation.sum(1) / demand.sum(1), rtol=1e-12)


@pytest.mark.parametrize("capacity", [2.0, 10.0, 24.0])
def test_water_is_conserved_in_thin_soil(capacity):
    """A bucket that the supply of one day would empty gives no more than it holds."""
    rain, demand, hours = weather(days=60)
    demand = 3 * demand
    share, evaporation, runoff, _ = bucket.water_balance.python(rain, demand, 2 * hours, capacity, 1.0, 0.0)
    stored = capacity * np.concatenate([np.ones((3, 1)), share], 1)
    np.testing.assert_allclose(np.diff(stored), rain - evaporation - runoff, atol=1e-10)
    assert (share >= 0).all()


def test_beside_a_loop():
    rain, demand, hours = weather(1, 200)
    stored, expected = 0.5 * 60.0, []
    for day in range(200):
        stored += rain[0, day] - bucket.evaporated(stored, 60.0, demand[0, day], hours[0, day])
        stored = min(max(stored, 0.0), 60.0)
        expected.append(stored / 60.0)
    found, *_ = bucket.water_balance(rain, demand, hours, 60.0, 0.5, 0.0)
    np.testing.assert_allclose(found[0], expected, rtol=1e-12, atol=1e-15)


def test_spin_up_forgets_the_start():
    rain, demand, hours = weather()
    dry, wet = (bucket.water_balance(rain, demand, hours, CAPACITY, start, 400.0)[0] for start in (0.0, 1.0))
    assert np.abs(dry - wet).max() < 0.01
    without = [bucket.water_balance(rain, demand, hours, CAPACITY, start, 0.0)[0] for start in (0.0, 1.0)]
    assert np.abs(without[0] - without[1])[:, 0].min() > 0.5


def test_spin_up_may_be_longer_than_the_series():
    rain, demand, hours = weather(1, 30)
    assert np.isfinite(bucket.water_balance.python(rain, demand, hours, CAPACITY, 0.5, 1e4)[0]).all()


def test_compiled_equals_the_twin():
    arguments = (*weather(2, 300), np.array([40.0, 200.0]), 0.5, 200.0)
    for one, other in zip(bucket.water_balance(*arguments), bucket.water_balance.python(*arguments), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def test_after_a_day_without_data_nothing_is_known():
    rain, demand, hours = weather(1, 50)
    rain[0, 20] = np.nan
    share, evaporation, runoff, ratio = bucket.water_balance.python(rain, demand, hours, CAPACITY, 0.5, 0.0)
    assert np.isfinite(share[0, :20]).all()
    assert np.isnan(share[0, 20:]).all()
    assert np.isnan(evaporation[0, 21:]).all()
    assert np.isnan(runoff[0, 20:]).all()
    assert np.isnan(ratio).all()
