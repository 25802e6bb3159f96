"""A world: the same whatever is asked first, closed budgets, and a finite state anywhere on Earth."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.twin.carbon import BIOMES
from musyq_lab.twin.world import MEMBERS, make_world

NOON = datetime(2019, 7, 2, 4)
SIGMA = 5.670374419e-8


def small(seed=3, **options):
    return make_world("huailai", size=2.4, resolution=60.0, seed=seed, **options)


@cache
def kept():
    return small()


def same(one, other):
    assert set(one) == set(other)
    return all(one[name].values.tobytes() == other[name].values.tobytes() for name in one)


# ---- determinism -----------------------------------------------------------------------------------------------------
def test_order_of_questions_does_not_matter():
    times = [NOON + timedelta(hours=h) for h in (0, 30, 5)]
    one, other = small(), small()
    forward = [one.state(t) for t in times]
    other.day(NOON)
    backward = [other.state(t) for t in reversed(times)][::-1]
    assert all(same(a, b) for a, b in zip(forward, backward, strict=True))


def test_threads_do_not_matter():
    times = [NOON + timedelta(hours=7 * k) for k in range(4)]
    alone, shared = small(), small()
    wanted = [alone.state(t) for t in times]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(shared.state, [*times, *times]))
    assert all(same(a, b) for a, b in zip([*wanted, *wanted], found, strict=True))


def test_seeds_and_members_make_other_worlds():
    base = kept().state(NOON)
    for other in (small(seed=4), small(members="scored")):
        state = other.state(NOON)
        for name in ("lai", "albedo", "surface_temperature"):
            assert np.abs(state[name] - base[name]).max() > 1e-3


def test_scored_world_has_the_same_land_and_weather():
    one, other = kept(), small(members="scored")
    np.testing.assert_array_equal(one.static["land_cover"], other.static["land_cover"])
    np.testing.assert_array_equal(one.weather(NOON)["aod"], other.weather(NOON)["aod"])
    assert np.all(other.static["clumping_index"] >= one.static["clumping_index"])


# ---- budgets ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("hours", [0, 7, 14])
def test_energy_closes_with_the_albedo_of_the_state(hours):
    s = {name: field.values.astype(float) for name, field in kept().state(NOON + timedelta(hours=hours)).items()}
    net = (1 - s["albedo"]) * s["downward_shortwave"]
    net += s["broadband_emissivity"] * (s["downward_longwave"] - SIGMA * s["surface_temperature"] ** 4)
    np.testing.assert_allclose(s["net_radiation"], net, atol=2e-3)
    np.testing.assert_allclose(s["sensible_heat"] + s["latent_heat"] + s["ground_heat"], net, atol=2e-3)


def test_clouds_dim_the_light():
    covered = small(cloudiness=5.0)
    states = [covered.state(NOON + timedelta(days=d)) for d in range(3)]
    dimmest = min(states, key=lambda s: float(s["cloud_transmittance"].mean()))
    assert dimmest["cloud_transmittance"].values.min() < 0.8
    assert np.all(dimmest["downward_shortwave"].values.mean() < dimmest["clear_sky_downward_shortwave"].values.mean())


def test_no_cloudiness_no_clouds():
    state = small(cloudiness=0.0).state(NOON)
    assert state["cloud_optical_depth"].values.max() == 0
    assert state["cloud_transmittance"].values.min() == 1


# ---- days ------------------------------------------------------------------------------------------------------------
def test_production_is_no_more_than_light_allows():
    made = kept()
    day = made.day(NOON)
    light = day["fpar"].values * day["downward_par"].values * 0.0864  # MJ m-2 d-1
    cover = made.static["land_cover"].values
    most = np.zeros(18)
    most[list(BIOMES)] = [biome.efficiency for biome in BIOMES.values()]
    gpp = day["gpp"].values
    assert np.all(gpp <= most[cover] * light + 1e-4)
    assert gpp.max() > 1
    assert np.all(gpp[cover == 17] == 0)


def test_fpar_of_a_day_is_weighted_with_its_light():
    made = kept()
    instants = [made.state(datetime(2019, 7, 2, 2) + timedelta(hours=4 * k)) for k in range(6)]
    fpar, par = (np.stack([s[name].values for s in instants]) for name in ("fpar", "downward_par"))
    wanted = (fpar * par).sum(axis=0) / par.sum(axis=0)
    np.testing.assert_allclose(made.day(NOON)["fpar"].values, wanted, rtol=1e-4)
    assert np.abs(fpar.mean(axis=0) - wanted).max() > 1e-3


def test_any_hour_names_the_day():
    assert same(kept().day(datetime(2019, 7, 2)), kept().day(datetime(2019, 7, 2, 15, 30)))


def test_polar_night_has_a_day():
    day = make_world((20.0, 78.2), size=1.2, resolution=60.0).day(datetime(2019, 12, 21))
    assert all(np.isfinite(field.values).all() for field in day.values())
    assert day["downward_shortwave"].values.max() == 0
    assert np.all(day["gpp"].values == 0)


# ---- anywhere --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "where", [(0.0, 90.0), (37.0, -90.0), (180.0, 66.5), (-180.0, -16.8), (-30.0, 10.0), (86.9, 27.98), (0.0, 0.0)]
)
def test_finite_state_anywhere(where):
    state = make_world(where, size=1.2, resolution=60.0).state(NOON)
    assert [name for name, field in state.items() if not np.isfinite(field.values).all()] == []
    assert np.all((state["albedo"] >= 0) & (state["albedo"] <= 1))
    assert np.all((state["fpar"] >= 0) & (state["fpar"] <= 1))


@pytest.mark.parametrize(("where", "resolution"), [("belt_and_road", 1.0), ("globe", 5.0)])
def test_wide_worlds(where, resolution):
    made = make_world(where, resolution=resolution)
    day = made.day(NOON)
    assert [name for name, field in day.items() if not np.isfinite(field.values).all()] == []
    bare = made.static["land_cover"].values == 16
    if bare.any():
        assert 0.1 < float(np.median(day["albedo"].values[bare])) < 0.5


# ---- bad input -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cloudiness", [-0.1, 6.0, float("nan")])
def test_impossible_cloudiness(cloudiness):
    with pytest.raises(InputError, match="cloudiness"):
        small(cloudiness=cloudiness)


def test_unknown_members():
    with pytest.raises(InputError, match="training, scored"):
        small(members="all")
    assert MEMBERS == ("training", "scored")
