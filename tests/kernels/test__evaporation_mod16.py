"""MOD16: the numbers of its Python implementation, limits, and plain numpy beside the kernels."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import weather
from musyq_lab.kernels._evaporation_mod16 import mod16, mod16_ground_heat

REFERENCE = Path(__file__).parents[1] / "reference" / "evapotranspiration.csv"
# Parameters of the tests of arthur-e/MOD16
LEAF = {"to_heat": 0.01, "to_water": 0.01, "opened": 650.0, "closed": 3000.0}
SOIL = {"least": 60.0, "greatest": 90.0, "beta": 250.0}
STOMATA = 2.4e-3  # warm enough to be open
WHOLE, EACH = 1.0, 0.0


def published():
    """Return all numbers of MOD16 of the reference table by case."""
    with REFERENCE.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["id"]: float(row["value"]) for row in rows if row["id"].startswith("mod16")}


PUBLISHED = published()


def flux(part, *, celsius=30.0, energy=5000.0, deficit=1000.0, pressure=1e5, cover=0.5, leaves=1.5, stomata=STOMATA):
    """One part (kg m-2 h-1) of a surface whose part, leaves or soil, is given ``energy`` (W m-2), as the tests do."""
    radiation = energy / (1 - cover if part == "soil" else cover)
    kelvin = celsius + 273.15
    air = (radiation, 0.0, kelvin, deficit, pressure)
    found = mod16.python(*air, cover, leaves, stomata, *LEAF.values(), *SOIL.values(), WHOLE)
    return found[("transpiration", "soil", "wet").index(part)] * 3600 / weather.vaporisation_heat.python(kelvin)


def test_day_and_night_together():
    stomata = STOMATA * min((285 - 273.15 + 8) / 16, 1)
    ground = mod16_ground_heat.python(150 * 0.7 - 50.0, -30.0, 293.0, 290.0, 285.0, -8.0)
    rest = (*LEAF.values(), *SOIL.values(), WHOLE)
    day = mod16.python(55.0, ground[0], 293.0, 1000.0, 1e5, 0.5, 1.5, stomata, *rest)
    night = mod16.python(-30.0, ground[1], 290.0, 500.0, 1e5, 0.5, 1.5, 0.0, *rest)
    # The array form of that implementation leaves transpiration by night out.
    assert sum(day) + night[1] + night[2] == pytest.approx(PUBLISHED["mod16-et"], abs=0.005)
    # The form by parts, of which the test gives one decimal, has it in.
    assert sum(day) + sum(night) == pytest.approx(41.0, abs=0.05)


def test_evaporation_of_the_soil():
    assert flux("soil") == pytest.approx(PUBLISHED["mod16-soil"], abs=5e-4)


@pytest.mark.parametrize("cover", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_evaporation_of_the_soil_by_cover(cover):
    assert flux("soil", cover=cover) == pytest.approx(PUBLISHED[f"mod16-soil-fpar-{cover}"], abs=5.1e-4)


@pytest.mark.parametrize(("time", "stomata"), [("day", STOMATA), ("night", 0.0)])
def test_transpiration(time, stomata):
    assert flux("transpiration", stomata=stomata) == pytest.approx(PUBLISHED[f"mod16-transpiration-{time}"], abs=5.1e-4)


@pytest.mark.parametrize("case", [name for name in PUBLISHED if "-wet-" in name])
def test_evaporation_of_wet_leaves(case):
    name, number = case.removeprefix("mod16-wet-").rsplit("-", 1)
    argument = {"fpar": "cover", "canopy_radiation": "energy"}.get(name, name)
    assert flux("wet", **{argument: float(number)}) == pytest.approx(PUBLISHED[case], abs=5.1e-4)


def by_hand(rn, ground, temp, vpd, p, fpar, lai, gs, glsh, glwv, opened, closed, low, high, beta, whole):
    """MOD16 written out in resistances, as the user's guide has it."""
    with np.errstate(all="ignore"):
        t = temp - 273.15
        esat = 610.8 * np.exp(17.27 * t / (t + 237.3))
        rh = np.clip((esat - vpd) / esat, 0, None)
        wet = np.where(rh < 0.7, 0, rh**4)
        s = 17.38 * 239 * esat / (239 + t) ** 2
        lam = (2.501 - 0.002361 * t) * 1e6
        rho = (0.348444 * p / 100 - 100 * rh * (0.00252 * t - 0.020582)) / temp
        cp, eps = 1013, 0.622
        gamma = cp * p / (lam * eps)
        rr = rho * cp / (4 * 5.67e-8 * temp**3)
        corr = 101300 / p * (temp / 293.15) ** 1.75
        rhc, rvc = 1 / (glsh * lai * wet), 1 / (glwv * lai * wet)
        rhrc = rhc * rr / (rhc + rr)
        e_wet = wet * (s * fpar * rn + rho * cp * fpar * vpd / rhrc) / (s + p * cp * rvc / (lam * eps * rhrc))
        e_wet = np.where(lai * wet <= 1e-7, 0, e_wet)
        closing = np.clip((closed - vpd) / (closed - opened), 0, 1)
        stomatal = gs * closing / corr + 1e-5 / corr
        if whole:
            layer = glsh * lai * (1 - wet)
            cc = layer * stomatal / (layer + stomatal)
        else:
            cc = glsh * stomatal / (glsh + stomatal) * lai * (1 - wet)
        ra = (1 / glsh) * rr / (1 / glsh + rr)
        canopy = np.maximum(fpar * rn, 0)
        e_dry = (1 - wet) * (s * canopy + rho * cp * fpar * vpd / ra) / (s + gamma * (1 + 1 / cc / ra))
        e_dry = np.where(cc <= 1e-7, 0, e_dry)
        rtot = (high - (high - low) * closing) / corr
        ras = rtot * rr / (rtot + rr)
        soil = (1 - fpar) * (rn - ground)
        e_soil = (s * soil + rho * cp * (1 - fpar) * vpd / ras) / (s + gamma * rtot / ras)
        return e_dry, e_soil * (wet + (1 - wet) * rh ** (vpd / beta)), e_wet


def land(count=4000):
    """Return air, plants and radiation of ordinary land."""
    random = np.random.Generator(np.random.Philox(8))
    temperature = random.uniform(262, 313, count)
    deficit = random.uniform(0, 1, count) * weather.saturation_pressure_fao56(temperature)
    return [
        random.uniform(-60, 600, count),
        random.uniform(-20, 90, count),
        temperature,
        deficit,
        random.uniform(6e4, 1.03e5, count),
        random.uniform(0, 0.95, count),
        random.choice([0.0, 0.3, 1.0, 4.0], count),
        random.choice([0.0, 0.0024, 0.0055], count),
    ]


@pytest.mark.parametrize("whole", [WHOLE, EACH])
def test_equals_plain_numpy(whole):
    given = land()
    rest = (*LEAF.values(), *SOIL.values(), whole)
    for ours, theirs in zip(mod16(*given, *rest), by_hand(*given, *rest), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_moist_air_over_a_closed_wet_canopy_evaporates_near_equilibrium():
    rest = (*LEAF.values(), *SOIL.values(), EACH)
    air = (400.0, 0.0, 293.15, 0.0, 1e5)
    transpiration, soil, wet = mod16.python(*air, 1.0, 4.0, STOMATA, *rest)
    slope = weather.saturation_slope.python(293.15)
    gamma = weather.psychrometric_constant.python(293.15, 1e5)
    # Leaves that are all wet do not transpire; radiation between leaf and air adds to the exchange of heat alone.
    assert transpiration == soil == 0.0
    assert 0.8 < wet / (400 * slope / (slope + gamma)) < 1.0


def test_closed_stomata_leave_the_cuticle():
    rest = (*LEAF.values(), *SOIL.values(), EACH)
    air = (400.0, 0.0, 303.15, 3500.0, 1e5, 0.8, 3.0)
    open_to, shut = (mod16.python(*air[:3], deficit, *air[4:], STOMATA, *rest)[0] for deficit in (600.0, 3500.0))
    night = mod16.python(*air, 0.0, *rest)[0]
    assert shut == night
    assert 0 < shut < 0.1 * open_to


@pytest.mark.parametrize(
    ("day", "night", "air_day", "air_night", "year", "expected"),
    [
        # warm enough and 8 K apart: 4.73 x 18 - 20.87 = 64.27 by day, 26.43 by night beyond 0.39 x 40
        (300.0, -40.0, 18.0, 10.0, 12.0, (64.27, -15.6)),
        # limited to 0.39 of the net radiation
        (100.0, -80.0, 30.0, 20.0, 15.0, (39.0, -31.2)),
        # a year too warm, a year too cold, a day as warm as the night
        (300.0, -40.0, 18.0, 10.0, 25.0, (0.0, 0.0)),
        (300.0, -40.0, 18.0, 10.0, -8.5, (0.0, 0.0)),
        (300.0, -40.0, 18.0, 14.0, 12.0, (0.0, 0.0)),
        # the night may lose no more than half of what the day gained
        (55.0, -30.0, 19.85, 16.85, 11.85, (0.0, -2.5)),
    ],
)
def test_heat_into_the_ground(day, night, air_day, air_night, year, expected):
    kelvin = (celsius + 273.15 for celsius in (air_day, air_night, year))
    assert mod16_ground_heat.python(day, night, *kelvin, -8.0) == pytest.approx(expected, abs=1e-9)


def test_missing_stays_missing():
    given = [300.0, 20.0, 295.0, 500.0, 1e5, 0.5, 1.0, STOMATA]
    rest = (*LEAF.values(), *SOIL.values(), EACH)
    assert np.isfinite(mod16.python(*given, *rest)).all()
    for missing in (0, 2, 3, 4, 5, 6):
        holed = [np.nan if k == missing else number for k, number in enumerate(given)]
        assert np.isnan(mod16.python(*holed, *rest)).sum() >= (2 if missing == 6 else 3)


def test_single_precision_is_close():
    given = (*land(), *np.array([*LEAF.values(), *SOIL.values(), EACH]))
    exact = mod16(*given)
    for ours, theirs in zip(mod16(*(np.asarray(a, np.float32) for a in given)), exact, strict=True):
        assert ours.dtype == np.float32
        # Humidity is the difference of two pressures: at the threshold of wetness one side may fall to the other.
        assert (np.abs(ours - theirs) <= 2e-4 * np.abs(theirs) + 1e-2).mean() > 0.999


@pytest.mark.parametrize("whole", [WHOLE, EACH])
def test_compiled_equals_the_python_twin_in_any_chunks(whole):
    given = [array[:64] for array in land()]
    rest = (*LEAF.values(), *SOIL.values(), whole)
    compiled = mod16(*given, *rest)
    for ours, twin in zip(compiled, mod16.python(*given, *rest), strict=True):
        np.testing.assert_allclose(ours, twin, rtol=1e-12, atol=1e-10)
    halves = [mod16(*(array[k] for array in given), *rest) for k in (slice(0, 37), slice(37, 64))]
    for part, ours in enumerate(compiled):
        np.testing.assert_array_equal(np.concatenate([half[part] for half in halves]), ours)


def test_both_forms_of_conductance_agree_for_one_leaf():
    # With a leaf area of 1 and dry leaves there is one leaf, and one boundary layer.
    air = (400.0, 0.0, 298.15, 1500.0, 1e5, 0.5)
    one, all_together = (mod16.python(*air, 1.0, STOMATA, *LEAF.values(), *SOIL.values(), w) for w in (EACH, WHOLE))
    assert one == all_together
    three, together = (mod16.python(*air, 3.0, STOMATA, *LEAF.values(), *SOIL.values(), w)[0] for w in (EACH, WHOLE))
    assert three > together > one[0]


def test_drought_shuts_leaves_and_dries_the_soil():
    def parts(deficit):
        rest = (*LEAF.values(), *SOIL.values(), EACH)
        return mod16.python(300.0, 0.0, 303.15, deficit, 1e5, 0.5, 2.0, STOMATA, *rest)

    soil = [parts(deficit)[1] for deficit in (1400.0, 2000.0, 3000.0, 4000.0)]
    assert (np.diff(soil) < 0).all()
    assert parts(2900.0)[0] < parts(1400.0)[0]
    # Leaves are wet only in moist air.
    assert parts(1300.0)[2] == 0.0 < parts(1200.0)[2]


def test_heat_into_the_ground_equals_plain_numpy():
    random = np.random.Generator(np.random.Philox(12))
    day, night = random.uniform(-50, 500, 500), random.uniform(-120, 20, 500)
    air, drop, year = random.uniform(255, 310, 500), random.uniform(0, 15, 500), random.uniform(260, 303, 500)
    felt = (year - 273.15 >= -8) & (year - 273.15 < 25) & (air - (air - drop) >= 5)
    warm, cold = (np.where(felt, 4.73 * (t - 273.15) - 20.87, 0) for t in (air, air - drop))
    warm = np.where(np.abs(warm) > 0.39 * np.abs(day), 0.39 * day, warm)
    cold = np.where(np.abs(cold) > 0.39 * np.abs(night), 0.39 * night, cold)
    warm = np.where((day - warm < 0) & (day > 0), day, warm)
    cold = np.where((day > 0) & (night - cold < -0.5 * day), night + 0.5 * day, cold)
    by_day, by_night = mod16_ground_heat.python(day, night, air, air - drop, year, -8.0)
    np.testing.assert_allclose(by_day, warm, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(by_night, cold, rtol=1e-12, atol=1e-12)
