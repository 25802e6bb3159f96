"""Surface energy: closure, published irradiances, limits that physics sets, independent solutions."""

from datetime import datetime, timedelta

import numpy as np
import pvlib
import pytest
import xarray as xr
from scipy.optimize import brentq
from twin import static as made

from musyq_lab.core.errors import InputError
from musyq_lab.twin import _balance, clouds, energy, weather
from musyq_lab.twin import _sky as sky

GRID = made.grid(0.32)  # 16 x 16
STATIC = made.static(GRID)
NOON, NIGHT = datetime(2019, 7, 3, 4, 20), datetime(2019, 7, 3, 16, 30)
BARE = {"lai": 0.0, "fraction_vegetation_cover": 0.0, "canopy_height": 0.0}
SIGMA = 5.670374419e-8


def run(time=NOON, *, static=None, canopy=None, through=1.0, albedo=0.18, on=GRID, terrain=False, **air):
    """One budget; ``air`` replaces fields of the weather."""
    fixed = made.static(on, **(static or {}))
    sky_ = weather.weather(fixed, on, time, 1)
    sky_ = sky_.assign({k: (("y", "x"), np.broadcast_to(np.float32(v), on.shape)) for k, v in air.items()})
    through, albedo = (np.broadcast_to(np.float32(v), on.shape) for v in (through, albedo))
    plants = made.canopy(on, **(canopy or {}))
    return energy.energy(
        fixed, on, time, canopy=plants, weather=sky_, cloud_transmittance=through, albedo=albedo, terrain=terrain
    )


def cell(ds, name):
    return float(ds[name][8, 8])


CASES = {
    "summer noon": {},
    "night": {"time": NIGHT},
    "desert": {
        "static": {"land_cover": 16},
        "canopy": BARE,
        "albedo": 0.3,
        "air_temperature": 311.0,
        "soil_moisture": 0.03,
    },
    "lake": {"static": {"land_cover": 17}, "canopy": BARE, "albedo": 0.05},
    "lake at night": {"static": {"land_cover": 17}, "canopy": BARE, "albedo": 0.05, "time": NIGHT},
    "melting snow": {"time": datetime(2019, 1, 10, 4), "snow_fraction": 0.9, "air_temperature": 278.0, "albedo": 0.7},
    "overcast": {"through": 0.25},
    "storm": {"wind_speed": 15.0},
    "slopes": {"static": {"slope": 30.0, "aspect": 200.0}, "terrain": True},
}


# ---- closure ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", CASES)
def test_budget_closes(case):
    ds = {k: v.values.astype(np.float64) for k, v in run(**CASES[case]).items()}
    gross = ds["downward_shortwave"] + ds["downward_longwave"] + np.abs(ds["sensible_heat"]) + np.abs(ds["latent_heat"])
    heat = ds["sensible_heat"] + ds["latent_heat"] + ds["ground_heat"]
    assert (np.abs(ds["net_radiation"] - heat) / gross).max() < 1e-6
    e = ds["broadband_emissivity"]
    emitted = e * SIGMA * ds["surface_temperature"] ** 4
    net = (1 - ds["albedo"]) * ds["downward_shortwave"] + e * ds["downward_longwave"] - emitted
    assert (np.abs(ds["net_radiation"] - net) / gross).max() < 1e-6
    upward = emitted + (1 - e) * ds["downward_longwave"]
    assert (np.abs(ds["upward_longwave"] - upward) / gross).max() < 1e-6
    assert all(v.dtype == np.float32 for v in run(**CASES[case]).values())


def test_blocks_do_not_show(monkeypatch):
    whole = run()
    monkeypatch.setattr(energy, "_BLOCK", 50)
    assert run().identical(whole)


# ---- shortwave -------------------------------------------------------------------------------------------------------
def test_bird_agrees_with_pvlib():
    zenith, aod, vapour, ozone, pressure = (
        v.ravel()
        for v in np.meshgrid(
            [5.0, 40.0, 70.0, 85.0], [0.05, 0.3, 1.0], [2.0, 15.0, 50.0], [250.0, 400.0], [600.0, 1013.25]
        )
    )
    cosine = np.cos(np.radians(zenith))
    mine = sky.clear_sky(cosine, 1330.0, pressure, aod, vapour, ozone)
    theirs = pvlib.clearsky.bird(
        zenith,
        pvlib.atmosphere.get_relative_airmass(zenith, "kasten1966"),
        aod * (550 / 380) ** sky.ANGSTROM,
        aod * (550 / 500) ** sky.ANGSTROM,
        vapour / 10,
        ozone / 1000,
        pressure * 100,
        1330.0,
        albedo=0.2,
    )
    total, beam = sky.below_clouds(mine, np.ones_like(cosine), np.full_like(cosine, 0.2), cosine)
    np.testing.assert_allclose(mine.direct, theirs["direct_horizontal"], rtol=1e-9)
    np.testing.assert_allclose(total, theirs["ghi"], rtol=1e-9)
    np.testing.assert_allclose(beam, theirs["direct_horizontal"], rtol=1e-9)


# Rows of 1 and 2 January of NREL's own spreadsheet (Bird Clear Sky Model, D. R. Myers, BIRD_08_16_2012 as shipped with
# pvlib's tests): extraterrestrial, zenith, direct on the horizontal, global; 840 mbar, ozone 0.3 cm, water 1.5 cm,
# aerosol 0.15 and 0.1 at 380 and 500 nm, albedo 0.2, forward share 0.85.
NREL = [
    (1414.913350, 80.202942, 83.750801, 135.705158),
    (1414.913350, 66.675609, 304.979857, 391.627421),
    (1414.913350, 63.374084, 361.524333, 452.980447),
    (1414.939579, 63.284890, 363.052935, 454.630277),
]


@pytest.mark.parametrize(("beyond", "zenith", "direct", "total"), NREL)
def test_bird_agrees_with_the_spreadsheet_of_nrel(beyond, zenith, direct, total):
    broad = 0.27583 * 0.15 + 0.35 * 0.1
    aod = broad / (0.27583 * (550 / 380) ** sky.ANGSTROM + 0.35 * (550 / 500) ** sky.ANGSTROM)
    cosine = np.cos(np.radians(np.array([zenith])))
    clear = sky.clear_sky(cosine, beyond, *(np.array([v]) for v in (840.0, aod, 15.0, 300.0)))
    assert clear.direct[0] == pytest.approx(direct, rel=1e-3)
    found, _ = sky.below_clouds(clear, np.ones(1), np.full(1, 0.2), cosine)
    assert found[0] == pytest.approx(total, rel=1e-3)


def test_night_is_dark():
    for time, place in ((NIGHT, made.PLACE), (datetime(2019, 12, 21, 10), (25.0, 80.0))):
        ds = run(time, on=made.grid(0.32, place=place))
        for name in ("downward_shortwave", "clear_sky_downward_shortwave", "downward_par", "direct_fraction"):
            assert (ds[name] == 0).all()
        assert cell(ds, "net_radiation") < 0
        assert cell(ds, "latent_heat") == 0


def test_clouds_dim_and_diffuse_the_light():
    clear, thin, thick = (run(through=t) for t in (1.0, 0.8, 0.3))
    assert cell(clear, "downward_shortwave") == cell(clear, "clear_sky_downward_shortwave")
    assert cell(thick, "downward_shortwave") < cell(thin, "downward_shortwave") < cell(clear, "downward_shortwave")
    assert 0.7 < cell(clear, "direct_fraction") < 0.95
    assert cell(thin, "direct_fraction") < cell(clear, "direct_fraction")
    assert cell(thick, "direct_fraction") < 0.01
    share = [cell(ds, "downward_par") / cell(ds, "downward_shortwave") for ds in (clear, thin, thick)]
    assert 0.44 < share[0] < share[1] < share[2] < 0.51


def test_snow_throws_light_back_to_the_clouds():
    def gain(through):
        return cell(run(albedo=0.8, through=through), "downward_shortwave") / cell(
            run(albedo=0.1, through=through), "downward_shortwave"
        )

    assert 1.03 < gain(1.0) < 1.15 < gain(0.4) < 2.2


def test_slopes_face_the_sun_or_not():
    flat = cell(run(terrain=True), "downward_shortwave")
    facing, away = (
        cell(run(terrain=True, static={"slope": 25.0, "aspect": a}), "downward_shortwave") for a in (180.0, 0.0)
    )
    assert away < flat * 0.95
    assert facing > flat * 0.97  # the noon sun of July stands 17 deg from the zenith
    ignored = run(static={"slope": 25.0, "aspect": 0.0})
    assert cell(ignored, "downward_shortwave") == pytest.approx(flat, rel=1e-6)


# ---- longwave --------------------------------------------------------------------------------------------------------
def test_longwave_of_the_reference_state():
    # 288.15 K, 10.224297 hPa: Prata 304.1578 W m-2 (evaluated from the paper's formula)
    air, vapour = np.array([288.15]), np.array([10.224297])
    assert sky.downward_longwave(air, vapour, np.zeros(1))[0] == pytest.approx(304.1578, abs=1e-3)
    assert sky.downward_longwave(air, vapour, np.ones(1))[0] == pytest.approx(SIGMA * 288.15**4)


def test_clouds_warm_the_night():
    clear, overcast = run(NIGHT, through=1.0), run(NIGHT, through=0.2)
    assert cell(overcast, "downward_longwave") > cell(clear, "downward_longwave") + 40
    assert cell(overcast, "surface_temperature") > cell(clear, "surface_temperature") + 1


# ---- surface temperature ---------------------------------------------------------------------------------------------
def test_desert_is_hot_at_noon_and_cold_at_night():
    dry = {
        "static": {"land_cover": 16},
        "canopy": BARE,
        "albedo": 0.3,
        "soil_moisture": 0.03,
        "vapour_pressure": 6.0,
        "wind_speed": 3.0,
    }
    noon, night = run(**dry, air_temperature=311.0), run(NIGHT, **dry, air_temperature=296.0)
    assert 322 < cell(noon, "surface_temperature") < 345
    assert 283 < cell(night, "surface_temperature") < 294
    assert cell(noon, "latent_heat") < 5


def test_dense_canopy_stays_near_the_air():
    forest = {"lai": 5.0, "fraction_vegetation_cover": 0.95, "canopy_height": 18.0}
    ds = run(canopy=forest, air_temperature=298.0, soil_moisture=0.6, wind_speed=3.0, albedo=0.13)
    assert abs(cell(ds, "surface_temperature") - 298) < 2.5
    assert cell(ds, "latent_heat") > 2 * cell(ds, "sensible_heat")


def test_water_hardly_follows_the_day():
    lake = {"static": {"land_cover": 17}, "canopy": BARE, "albedo": 0.05}
    noon, night = (cell(run(t, **lake), "surface_temperature") for t in (NOON, NIGHT))
    assert abs(noon - night) < 0.3
    land_noon, land_night = (cell(run(t), "surface_temperature") for t in (NOON, NIGHT))
    assert land_noon - land_night > 8
    assert cell(run(**lake), "latent_heat") > 0


def test_snow_does_not_get_warmer_than_melting():
    ds = run(**CASES["melting snow"])
    assert cell(ds, "surface_temperature") <= 273.15 + 1e-4
    assert cell(ds, "ground_heat") > 0.315 * cell(ds, "net_radiation")  # what is left melts it


@pytest.mark.parametrize(("change", "cooler"), [("soil_moisture", (0.05, 0.6)), ("wind_speed", (1.5, 8.0))])
def test_water_and_wind_cool_the_ground(change, cooler):
    dry, wet = (cell(run(**{change: v}, air_temperature=303.0), "surface_temperature") for v in cooler)
    assert dry > wet + 3


def test_whiter_ground_is_cooler():
    dark, white = (cell(run(albedo=a), "surface_temperature") for a in (0.1, 0.5))
    assert dark > white + 1


def test_latent_heat_stays_below_priestley_and_taylor():
    for moisture in (0.1, 0.4, 1.0):
        ds = run(soil_moisture=moisture)
        assert cell(ds, "latent_heat") <= 0.95 * (cell(ds, "net_radiation"))


@pytest.mark.parametrize("absorbed", [250.0, 450.0, 900.0])
@pytest.mark.parametrize("wind", [0.5, 2.0, 10.0])
def test_newton_finds_the_root_that_bisection_finds(absorbed, wind):
    one = lambda v: np.array([v], np.float32)  # noqa: E731
    traded = _balance.exchange(one(295.0), one(950.0), one(wind), one(0.05), one(3.0))
    found = _balance.solve(one(295.0), one(absorbed), one(0.97), one(0.5), one(0.5), traded)[0]

    def left(temperature):
        return 0.5 * (absorbed - 0.97 * SIGMA * temperature**4) - float(
            traded.heat(one(temperature) - one(295.0))[0][0]
        )

    assert found == pytest.approx(brentq(left, 220, 380), abs=0.02)


def test_slope_of_sensible_heat_is_its_derivative():
    one = lambda v: np.array([v], np.float64)  # noqa: E731
    traded = _balance.exchange(one(295.0), one(950.0), one(2.0), one(0.05), one(3.0))
    for excess in (-8.0, -1.0, 0.5, 20.0):
        numeric = (traded.heat(one(excess + 1e-4))[0] - traded.heat(one(excess - 1e-4))[0]) / 2e-4
        np.testing.assert_allclose(traded.heat(one(excess))[1], numeric, rtol=1e-4)
        np.testing.assert_allclose(traded.coefficient(one(excess)) * excess, traded.heat(one(excess))[0])


def test_neutral_exchange_is_the_logarithmic_law():
    one = lambda v: np.array([v], np.float64)  # noqa: E731
    traded = _balance.exchange(one(293.0), one(1013.0), one(3.0), one(0.1), one(2.3))
    resistance = np.log(10 / 0.1) * (np.log(2 / 0.1) + 2.3) / (0.4**2 * 3.0)  # s m-1
    density = 101_300 / (287.05 * 293)
    np.testing.assert_allclose(traded.conductance, density * 1004.7 / resistance, rtol=1e-6)


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="did not close"):
        run(air_temperature=np.nan)


# ---- days ------------------------------------------------------------------------------------------------------------
def states(time, clouded=True):
    air = weather.weather(STATIC, GRID, time, 1)
    cover = clouds.clouds(STATIC, GRID, time, 1, cloudiness=float(clouded))
    light = clouds.shadow(cover, STATIC, GRID, 40.0, 180.0)
    albedo = np.full(GRID.shape, 0.1 + 0.004 * time.hour, np.float32)
    fluxes = energy.energy(
        STATIC, GRID, time, canopy=made.canopy(GRID), weather=air, cloud_transmittance=light, albedo=albedo
    )
    return xr.merge([air, fluxes])


def test_day_is_the_mean_of_its_states():
    times = [datetime(2019, 7, 3) + timedelta(hours=3 * k + 1.5) for k in range(8)]
    ds, all_ = energy.daily(states, times), [states(t) for t in times]
    for name in ("downward_shortwave", "latent_heat", "surface_temperature", "upward_longwave", "air_temperature"):
        np.testing.assert_allclose(ds[name], np.mean([s[name] for s in all_], axis=0), rtol=1e-5)
    assert (ds.air_temperature_min <= ds.air_temperature).all()
    np.testing.assert_allclose(ds.air_temperature_max, np.max([s.air_temperature for s in all_], axis=0))
    reflected = sum(s.albedo * s.downward_shortwave for s in all_) / sum(s.downward_shortwave for s in all_)
    np.testing.assert_allclose(ds.albedo, reflected, rtol=1e-5)
    closure = ds.net_radiation - ds.sensible_heat - ds.latent_heat - ds.ground_heat
    assert float(np.abs(closure).max()) < 1e-3


def test_deficit_is_that_of_daylight():
    times = [datetime(2019, 7, 3) + timedelta(hours=3 * k + 1.5) for k in range(8)]
    ds, all_ = energy.daily(states, times), [states(t) for t in times]
    bright = [s for s in all_ if cell(s, "downward_shortwave") > 1]
    dry = [
        100 * (cell(s, "vapour_pressure") / cell(s, "relative_humidity") - cell(s, "vapour_pressure")) for s in bright
    ]
    assert 3 < len(bright) < 8
    assert cell(ds, "vapour_pressure_deficit") == pytest.approx(np.mean(dry), rel=1e-3)


def test_eight_states_make_a_day():
    coarse, fine = (
        energy.daily(
            lambda t: states(t, clouded=False),
            [datetime(2019, 7, 3) + timedelta(hours=24 / n * (k + 0.5)) for k in range(n)],
        )
        for n in (8, 48)
    )
    assert cell(coarse, "downward_shortwave") == pytest.approx(cell(fine, "downward_shortwave"), rel=0.03)


def test_no_time_is_no_day():
    with pytest.raises(InputError, match="at least one time"):
        energy.daily(states, [])
