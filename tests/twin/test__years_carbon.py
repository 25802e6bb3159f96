"""Carbon of the simulated years: identities of MOD17, the balance of the soil, and the trend that was prescribed."""

from datetime import datetime
from functools import cache

import numpy as np
import pytest

from musyq_lab.twin import carbon
from musyq_lab.twin._synoptic import lattice
from musyq_lab.twin._years_carbon import GREENING, SINK, Land, Moment, lloyd_taylor
from musyq_lab.twin._years_weather import Anomalies
from musyq_lab.twin.world import make_world
from musyq_lab.twin.years import moments


@cache
def land(greening=0.01, plants=0.0):
    return Land(make_world("globe", resolution=5.0, seed=1), 2013, greening, plants)


def still():
    return Anomalies(1, lattice(land().world.grid), 0.0)


@cache
def year(number=2013, greening=0.01, plants=0.0, size=0.0):
    made = land(greening, plants)
    anomalies = Anomalies(1, lattice(made.world.grid), size)
    return made.year(list(moments("month", number)), anomalies)


DAYS = np.array([m.days for m in moments("month", 2013)])[:, np.newaxis, np.newaxis]


# ---- soil ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("celsius", "ratio"),
    # R10 = 1; 308.56 (1 / 56.02 - 1 / (T - 227.13)) with a calculator: 0.8343, -1.1969, 1.4491, -3.0583
    [(10.0, 1.0), (20.0, 2.3032), (0.0, 0.3021), (30.0, 4.2593), (-10.0, 0.04697)],
)
def test_lloyd_taylor(celsius, ratio):
    assert float(lloyd_taylor(np.float32(celsius + 273.15))) == pytest.approx(ratio, rel=2e-3)


def test_lloyd_taylor_goes_to_nothing_and_rises():
    warm = lloyd_taylor(np.linspace(150, 330, 400, dtype=np.float32))
    assert np.isfinite(warm).all()
    assert warm[0] < 1e-6
    assert (np.diff(warm) >= 0).all()


def test_in_the_mean_climate_the_land_keeps_a_small_share():
    made = year(greening=0.0)
    npp, soil = ((field * DAYS).sum(axis=0) for field in (made["npp"], land(0.0).soil(made)))
    alive = npp > 50
    np.testing.assert_allclose(soil[alive] / npp[alive], 1 - SINK, atol=0.025)


# ---- plants ----------------------------------------------------------------------------------------------------------
def test_net_production_of_a_year_is_that_of_mod17():
    """NPP = K - 0.2 max(K, 0), K = sum of GPP - Rm (MOD17 user's guide: growth is a quarter of NPP)."""
    made = year()
    kept = ((made["gpp"] - made["maintenance_respiration"]) * DAYS).sum(axis=0)
    np.testing.assert_allclose((made["npp"] * DAYS).sum(axis=0), kept - 0.2 * np.maximum(kept, 0), rtol=1e-4, atol=0.02)


def test_maintenance_is_that_of_the_days_twin_but_for_wood():
    """Where no wood is: the same function; else more, since wood stands all year."""
    made, cover = year(), land().cover
    ratios = {}
    for number in (1, 4, 10, 12):
        here = cover == number
        biome = carbon.BIOMES[number]
        celsius = made["air_temperature"][:, here] - 273.15
        alone = carbon.maintenance(biome, made["lai"][:, here], celsius)
        ratios[number] = float(
            (made["maintenance_respiration"][:, here] * DAYS[..., 0]).sum() / (alone * DAYS[..., 0]).sum()
        )
    assert ratios[10] == pytest.approx(1, abs=0.06)
    assert ratios[12] == pytest.approx(1, abs=0.06)
    assert ratios[4] > ratios[10]


def test_production_is_that_of_mean_weather_to_some_per_cent():
    """Days differ, so production is not that of their mean weather; but it is near."""
    made, cover = year(), land().cover
    for number in (2, 4, 10, 12):
        here = cover == number
        light = made["fpar"] * made["downward_par"] * 0.0864
        mean = carbon.production(
            carbon.BIOMES[number],
            light[:, here],
            made["air_temperature_min"][:, here] - 273.15,
            made["vapour_pressure_deficit"][:, here],
        )
        ratio = float(made["gpp"][:, here].sum() / mean.sum())
        assert 0.85 < ratio < 1.1
        assert ratio != pytest.approx(1, abs=1e-4)


def test_plants_of_a_class_differ_from_the_table_by_one_factor():
    one, other = year(greening=0.0), year(greening=0.0, plants=0.2)
    grown = one["gpp"] > 1e-3
    ratio = np.where(grown, other["gpp"] / np.where(grown, one["gpp"], 1), np.nan)
    factors = land(0.0, 0.2).factors
    for number in (2, 4, 10):
        found = ratio[:, land().cover == number]
        np.testing.assert_allclose(found[np.isfinite(found)], factors[number], rtol=1e-4)
    assert np.std(np.log(factors)) == pytest.approx(0.2, rel=0.2)
    assert np.all(land(0.0, 0.0).factors == 1)


def test_fluxes_are_0_on_bare_land_and_missing_over_water():
    made, cover = year(), land().cover
    bare = np.isin(cover, [15, 16])
    for name in ("gpp", "npp", "maintenance_respiration"):
        assert not made[name][:, bare].any()
        assert np.isnan(made[name][:, cover == 17]).all()
        assert np.isfinite(made[name][:, cover != 17]).all()
    assert np.isfinite(made["air_temperature"]).all()


def test_largest_leaf_area_is_that_of_the_year():
    made = year()
    np.testing.assert_array_equal(made["lai_maximum"][0], made["lai"].max(axis=0))
    assert made["fpar"][np.isfinite(made["fpar"])].max() < 1


def test_wet_months_grow_leaves():
    one, other = year(), year(size=1.0)
    ratio = np.log(other["lai"] / np.where(one["lai"] > 0.05, one["lai"], np.nan))
    assert 0.05 < np.nanstd(ratio) < 0.2


# ---- trend -----------------------------------------------------------------------------------------------------------
def test_leaves_grow_as_prescribed():
    first, last = year(2013), year(2018)
    grown = np.log(last["lai"][6] / np.where(first["lai"][6] > 0.05, first["lai"][6], np.nan)) / 5
    cover = land().cover
    for number in (2, 4, 12):
        wanted = 0.01 * GREENING.get(number, 1.0)
        np.testing.assert_allclose(np.nanmedian(grown[cover == number]), wanted, rtol=0.08)


def test_the_trend_is_what_a_fit_finds_in_the_mean_climate():
    numbers = np.arange(2013, 2019)
    sums = []
    for number in numbers:
        days = np.array([m.days for m in moments("month", int(number))])[:, np.newaxis, np.newaxis]
        sums.append(np.nansum(year(int(number))["gpp"] * days, axis=0) / days.sum() * 365.25)
    fitted = np.polyfit(numbers - 2013, np.reshape(sums, (6, -1)), 1)[0].reshape(land().cover.shape)
    told = land().trend(5)["gpp"]
    grown = np.nan_to_num(told) > 1
    assert grown.sum() > 50
    np.testing.assert_allclose(fitted[grown], told[grown], rtol=0.12, atol=0.3)


def test_no_greening_no_trend():
    made = land(0.0).trend(10)
    assert not np.nan_to_num(made["gpp"]).any()
    assert not np.nan_to_num(made["npp"]).any()


def test_a_single_year_has_a_trend_all_the_same():
    assert np.nansum(land().trend(0)["gpp"]) > 0


def test_moment_has_its_middle():
    assert Moment(datetime(2013, 7, 1), 31.0).middle == datetime(2013, 7, 16, 12)
