"""PT-JPL, Priestley-Taylor and the reference of FAO-56: published numbers, limits, plain numpy beside the kernels."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import evaporation, weather
from musyq_lab.kernels.evaporation import ALPHA

PRESSURE = 1e5
REFERENCE = Path(__file__).parents[1] / "reference" / "evapotranspiration.csv"


def published(case):
    """Return the numbers of a case of the reference table by quantity."""
    with REFERENCE.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["quantity"]: float(row["value"]) for row in rows if row["id"] == case}


def ndvi_of(fapar):
    """NDVI whose f_A is given."""
    return ((fapar + 0.048) / 1.3632 - 0.132) / 0.45


def weather_of(count=4000, seed=3):
    """Return radiation, ground heat, temperature, humidity, NDVI, highest NDVI and optimum of ordinary land."""
    random = np.random.Generator(np.random.Philox(seed))
    ndvi = random.uniform(-0.1, 0.95, count)
    return [
        random.uniform(-50, 800, count),
        random.uniform(-20, 120, count),
        random.uniform(260, 315, count),
        random.uniform(0.05, 1.0, count),
        ndvi,
        np.minimum(ndvi + random.uniform(0, 0.4, count), 1.0),
        random.uniform(5, 32, count),
    ]


def by_hand(radiation, ground, temperature, humidity, ndvi, highest, optimum, pressure, alpha, wet_from, into_ground):
    """PT-JPL written out in numpy, in another order than the kernel: leaf area first, Beer's law after."""
    with np.errstate(all="ignore"):
        celsius = temperature - 273.15
        curve = np.exp(17.27 * celsius / (celsius + 237.7))
        slope = 4098 * 610.8 * curve / (celsius + 237.3) ** 2
        rate = alpha * slope / (slope + 6.62e-4 * pressure)
        wet = np.where(humidity < wet_from, 1e-4, np.clip(humidity**4, 1e-4, None))
        soil_limit = humidity ** (611 * curve * (1 - humidity) / 1000)
        fapar, most = (np.clip(1.3632 * (0.45 * n + 0.132) - 0.048, 0, 1) for n in (ndvi, highest))
        fipar = np.clip(np.clip(ndvi, 0, 1) - 0.05, 0, 1)
        leaf_area = -2 * np.log(1 - fipar)
        best = np.maximum(np.maximum(optimum, celsius), 0.1)
        growing = np.clip(fapar / fipar, 0, 1) * np.clip(fapar / most, 0, 1) * np.exp(-(((celsius - best) / best) ** 2))
        below = radiation * np.exp(-0.6 * leaf_area)
        ground = ground + into_ground * below
        soil = np.maximum((wet + soil_limit * (1 - wet)) * rate * (below - ground), 0)
        canopy = np.where(fipar > 0, np.maximum((1 - wet) * growing * rate * (radiation - below), 0), 0)
        rain = np.maximum(wet * rate * (radiation - below), 0)
        potential = np.maximum(rate * (radiation - ground), 0)
        total = soil + canopy + rain
        kept = np.where(total > potential, potential / total, 1)
    return [kept * soil, kept * canopy, kept * rain, potential]


def test_rows_of_the_ecostress_team():
    with REFERENCE.with_name("evapotranspiration_ptjpl.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    table = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    assert len(rows) > 100
    air = (table["celsius"] + 273.15, table["relative_humidity"])
    plants = (table["ndvi"], ndvi_of(table["fapar_max"]), table["optimum_celsius"])
    given = (table["net_radiation"], table["ground_heat"], *air, *plants, PRESSURE, ALPHA, 0.7, 0.0)
    soil, canopy, rain, potential = evaporation.ptjpl_parts(*given)
    for name, ours in (("transpiration", canopy), ("interception", rain), ("potential", potential)):
        np.testing.assert_allclose(ours, table[name], rtol=1e-5, atol=1e-8, err_msg=name)
    warm = table["celsius"] > 7
    assert warm.mean() > 0.9
    np.testing.assert_allclose(soil[warm], table["soil"][warm], rtol=1e-5)
    np.testing.assert_allclose(evaporation.ptjpl(*given)[warm], table["latent_heat"][warm], rtol=1e-5)
    # In the cold its soil sees a deficit that is too large, and gives less.
    assert (soil[~warm] >= table["soil"][~warm]).all()
    assert (soil[~warm] > table["soil"][~warm]).any()


@pytest.mark.parametrize(("wet_from", "into_ground"), [(0.7, 0.0), (0.0, 0.35)])
def test_equals_plain_numpy(wet_from, into_ground):
    given = (*weather_of(), PRESSURE, ALPHA, wet_from, into_ground)
    found = evaporation.ptjpl_parts(*given)
    for ours, theirs in zip(found, by_hand(*given), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-9)


def test_parts_add_up_to_the_total_and_stay_below_the_potential_rate():
    given = (*weather_of(), PRESSURE, ALPHA, 0.7, 0.0)
    soil, canopy, rain, potential = evaporation.ptjpl_parts(*given)
    total = evaporation.ptjpl(*given)
    np.testing.assert_allclose(soil + canopy + rain, total, rtol=1e-12)
    assert (total <= potential * (1 + 1e-12)).all()
    assert (np.minimum(np.minimum(soil, canopy), rain) >= 0).all()


def test_saturated_air_evaporates_at_the_potential_rate():
    radiation, _, temperature, _, ndvi, highest, optimum = weather_of()
    radiation = np.abs(radiation)
    none, full = np.zeros_like(radiation), np.ones_like(radiation)
    given = (radiation, none, temperature, full, ndvi, highest, optimum, PRESSURE, ALPHA, 0.7, 0.0)
    np.testing.assert_allclose(
        evaporation.ptjpl(*given),
        evaporation.priestley_taylor(radiation, 0.0, temperature, PRESSURE, ALPHA),
        rtol=1e-12,
        atol=1e-12,
    )


def test_limits_of_each_part():
    def parts(**changed):
        given = {
            "radiation": 400.0,
            "ground": 0.0,
            "temperature": 298.15,
            "humidity": 0.5,
            "ndvi": 0.6,
            "highest": 0.8,
            "optimum": 25.0,
            "pressure": PRESSURE,
            "alpha": ALPHA,
            "wet_from": 0.7,
            "into_ground": 0.0,
        }
        return evaporation.ptjpl_parts.python(*(given | changed).values())

    soil, canopy, rain, potential = parts()
    assert soil > 0
    assert canopy > soil
    # Dry leaves keep the floor of the wetness, 1e-4 of what falls on them.
    assert rain < 2e-4 * potential
    assert parts(ndvi=0.05)[1] == parts(ndvi=-0.5)[1] == 0.0
    assert parts(humidity=0.0)[0] == pytest.approx(1e-4 * parts(humidity=1.0)[0])
    assert parts(radiation=-50.0) == (0.0, 0.0, 0.0, 0.0)
    # A dormant canopy: far below its optimum, or long past the greenest time.
    assert parts(temperature=274.15)[1] < 0.45 * canopy
    assert parts(highest=1.0)[1] < canopy
    assert parts(highest=0.6)[1] == pytest.approx(canopy * (1.3632 * (0.45 * 0.8 + 0.132) - 0.048) / 0.5, rel=0.001)
    # Hotter than the optimum counts as the optimum.
    assert parts(optimum=10.0)[1] == canopy
    # Thin air evaporates more.
    assert parts(pressure=7e4)[3] > potential


def test_ground_takes_its_share_of_what_reaches_the_soil():
    given = weather_of()
    given[1] = np.zeros_like(given[1])
    at_soil = given[0] * (1 - np.clip(np.clip(given[4], 0, 1) - 0.05, 0, 1)) ** 1.2
    shared = evaporation.ptjpl(*given, PRESSURE, ALPHA, 0.7, 0.35)
    given[1] = 0.35 * at_soil
    np.testing.assert_allclose(shared, evaporation.ptjpl(*given, PRESSURE, ALPHA, 0.7, 0.0), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("missing", range(7))
def test_a_missing_input_empties_every_part(missing):
    given = [300.0, 20.0, 295.0, 0.5, 0.5, 0.7, 25.0]
    assert np.isfinite(evaporation.ptjpl_parts.python(*given, PRESSURE, ALPHA, 0.7, 0.0)).all()
    given[missing] = np.nan
    assert np.isnan(evaporation.ptjpl_parts.python(*given, PRESSURE, ALPHA, 0.7, 0.0)).all()


def test_single_precision_is_close():
    given = (*weather_of(), *np.array([PRESSURE, ALPHA, 0.7, 0.0]))
    exact = evaporation.ptjpl(*given)
    single = evaporation.ptjpl(*(np.asarray(array, np.float32) for array in given))
    assert single.dtype == np.float32
    # 300 K keeps 3e-5 K: at 0.1 K above the least optimum that shows.
    assert (np.abs(single - exact) <= 1e-4 * np.abs(exact) + 1e-3).mean() > 0.999


@pytest.mark.parametrize(
    ("celsius", "share"),
    # Equilibrium share slope / (slope + gamma) with gamma 66 Pa K-1, from the slopes of FAO-56, annex 2, table 2.4
    [(10.0, 0.0822 / 0.1484), (20.0, 0.1447 / 0.2109), (30.0, 0.2434 / 0.3096)],
)
def test_priestley_taylor_is_a_share_of_the_energy(celsius, share):
    latent = evaporation.priestley_taylor.python(500.0, 100.0, celsius + 273.15, PRESSURE, ALPHA)
    assert latent == pytest.approx(1.26 * share * 400.0, rel=3e-3)
    assert evaporation.priestley_taylor.python(100.0, 100.0, celsius + 273.15, PRESSURE, ALPHA) == 0.0
    assert evaporation.priestley_taylor.python(-30.0, 0.0, celsius + 273.15, PRESSURE, ALPHA) == 0.0


def fao_net_radiation(highest, lowest, vapour, shortwave, altitude, latitude, day):
    """Net radiation of FAO-56, equations 21 to 40 (MJ m-2 d-1), from degrees Celsius, kPa and MJ m-2 d-1."""
    phi, turn = np.radians(latitude), 2 * np.pi * day / 365
    declination = 0.409 * np.sin(turn - 1.39)
    sunset = np.arccos(-np.tan(phi) * np.tan(declination))
    height = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    outside = 24 * 60 / np.pi * 0.0820 * (1 + 0.033 * np.cos(turn)) * height
    clear = min(shortwave / ((0.75 + 2e-5 * altitude) * outside), 1.0)
    emitted = 4.903e-9 * ((highest + 273.16) ** 4 + (lowest + 273.16) ** 4) / 2
    return outside, 0.77 * shortwave - emitted * (0.34 - 0.14 * np.sqrt(vapour)) * (1.35 * clear - 0.35)


@pytest.mark.parametrize(
    ("case", "highest", "lowest", "vapour", "wind", "shortwave", "altitude", "latitude", "day", "ground", "net"),
    [
        ("fao56-17", 34.8, 25.6, 2.85, 2.0, 22.65, 2.0, 13.7333, 105, 0.14, 14.33),
        ("fao56-18", 21.5, 12.3, 1.409, 2.078, 22.07, 100.0, 50.8, 187, 0.0, 13.28),
    ],
)
def test_examples_of_fao(case, highest, lowest, vapour, wind, shortwave, altitude, latitude, day, ground, net):
    expected = published(case)
    pressure = 101.3e3 * ((293 - 0.0065 * altitude) / 293) ** 5.26

    def reference(radiation):
        watts = 1 / 0.0864
        kelvin = (lowest + 273.15, highest + 273.15)
        heat = (radiation * watts, ground * watts)
        return evaporation.penman_monteith_reference.python(*heat, *kelvin, vapour * 1e3, wind, pressure)

    assert reference(net) == pytest.approx(expected["reference"], abs=0.01)
    outside, radiation = fao_net_radiation(highest, lowest, vapour, shortwave, altitude, latitude, day)
    assert radiation == pytest.approx(net, abs=0.02)
    if day == 187:
        assert outside == pytest.approx(41.08837556, rel=2e-4)
    assert reference(radiation) == pytest.approx(expected["reference_pyet"], abs=1e-6)


def test_reference_equals_plain_numpy_and_has_its_limits():
    radiation, ground, mean, humidity, *_ = weather_of()
    low, high = mean - 5, mean + 6
    vapour = humidity * weather.saturation_pressure_fao56(low)
    wind = np.linspace(0, 8, len(mean))
    ours = evaporation.penman_monteith_reference(radiation, ground, low, high, vapour, wind, np.full_like(mean, 9e4))
    cold, warm, middle = low - 273.15, high - 273.15, (low + high) / 2 - 273.15
    pressure_of = lambda t: 0.6108 * np.exp(17.27 * t / (t + 237.3))  # noqa: E731
    slope, gamma = 4098 * pressure_of(middle) / (middle + 237.3) ** 2, 0.665e-3 * 90
    dry = np.maximum((pressure_of(cold) + pressure_of(warm)) / 2 - vapour / 1000, 0)
    energy = 0.408 * slope * (radiation - ground) * 0.0864
    theirs = (energy + gamma * 900 / (middle + 273) * wind * dry) / (slope + gamma * (1 + 0.34 * wind))
    np.testing.assert_allclose(ours, np.maximum(theirs, 0), rtol=1e-10, atol=1e-12)
    # In still air only radiation evaporates: the equilibrium rate.
    calm = evaporation.penman_monteith_reference.python(200.0, 0.0, 290.0, 300.0, 1000.0, 0.0, PRESSURE)
    slope = weather.saturation_slope_fao56.python(295.0)
    assert calm == pytest.approx(0.408 * 0.0864 * 200 * slope / (slope + 66.5), rel=1e-6)


def test_optimum_is_the_best_growing_weather():
    temperature = np.array([268.0, 285.0, 295.0, 305.0, 300.0])
    radiation = np.full(5, 400.0)
    ndvi = np.array([0.9, 0.5, 0.8, 0.8, np.nan])
    deficit = np.array([100.0, 800.0, 1000.0, 4000.0, 10.0])
    assert evaporation.optimum_temperature.python(radiation, temperature, ndvi, deficit) == 295.0
    assert (
        evaporation.optimum_temperature(*(np.tile(a, (2, 1)) for a in (radiation, temperature, ndvi, deficit)))[1]
        == 295
    )
    # Fog does not win by a deficit of nothing.
    foggy = np.array([100.0, 0.0, 110.0, 4000.0, 10.0])
    assert evaporation.optimum_temperature.python(radiation, temperature, ndvi, foggy) == 295.0


def test_without_growth_there_is_no_optimum():
    frozen = np.full(3, 260.0)
    ordinary = (np.full(3, 0.5), np.full(3, 500.0))
    assert np.isnan(evaporation.optimum_temperature.python(np.full(3, 100.0), frozen, *ordinary))
    assert np.isnan(evaporation.optimum_temperature.python(np.full(3, -5.0), frozen + 30, *ordinary))


def test_compiled_equals_the_python_twin_in_any_chunks():
    given = [array[:64] for array in weather_of()]
    numbers = (PRESSURE, ALPHA, 0.7, 0.0)
    compiled = evaporation.ptjpl_parts(*given, *numbers)
    for ours, twin in zip(compiled, evaporation.ptjpl_parts.python(*given, *numbers), strict=True):
        np.testing.assert_allclose(ours, twin, rtol=1e-12, atol=1e-11)
    halves = [evaporation.ptjpl_parts(*(a[k] for a in given), *numbers) for k in (slice(0, 37), slice(37, 64))]
    for part, ours in enumerate(compiled):
        np.testing.assert_array_equal(np.concatenate([half[part] for half in halves]), ours)


def test_sum_and_parts_agree_to_the_last_bit():
    given = (*weather_of(), PRESSURE, ALPHA, 0.7, 0.0)
    soil, canopy, rain, _ = evaporation.ptjpl_parts(*given)
    np.testing.assert_array_equal(soil + canopy + rain, evaporation.ptjpl(*given))


def test_latent_heat_grows_with_its_coefficient_and_with_moisture():
    given = [np.abs(array) for array in weather_of()]
    given[1] = np.zeros_like(given[1])
    latent = evaporation.ptjpl(*given, PRESSURE, ALPHA, 0.7, 0.0)
    np.testing.assert_allclose(evaporation.ptjpl(*given, PRESSURE, 2 * ALPHA, 0.7, 0.0), 2 * latent, rtol=1e-12)
    moister = list(given)
    moister[3] = np.minimum(given[3] + 0.02, 1.0)
    # Wet leaves evaporate more than they would transpire, and so does a moister soil.
    wet = evaporation.ptjpl(*moister, PRESSURE, ALPHA, 0.0, 0.0)
    assert (wet >= evaporation.ptjpl(*given, PRESSURE, ALPHA, 0.0, 0.0) * (1 - 1e-9)).all()


def test_leaf_area_is_that_of_carlson():
    # Vector CARLSON's relation: f_I = NDVI - 0.05, L = -ln(1 - f_I) / 0.5; the soil then gets R_n exp(-0.6 L).
    ndvi = np.array([0.1, 0.4, 0.8])
    leaf_area = -np.log(1 - (ndvi - 0.05)) / 0.5
    rate = evaporation.priestley_taylor.python(100.0, 0.0, 295.0, PRESSURE, ALPHA) / 100.0
    plain = [
        float(evaporation.ptjpl_parts.python(100.0, 0.0, 295.0, 1.0, n, 1.0, 25.0, PRESSURE, ALPHA, 0.7, 0.0)[0])
        for n in ndvi
    ]
    np.testing.assert_allclose(plain, 100.0 * np.exp(-0.6 * leaf_area) * rate, rtol=1e-12)
