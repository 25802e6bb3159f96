"""Light-use efficiency: published numbers, limits that physics gives, and plain numpy beside each model."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import light_use
from musyq_lab.kernels.weather import FREEZING, HEAT_CAPACITY, vaporisation_heat
from musyq_lab.products._biomes import biome_table

REFERENCE = Path(__file__).parents[1] / "reference" / "gpp.csv"
TABLES = {
    "mod17": (light_use.MOD17, "mod17"),
    "mod17_soil": (light_use.MOD17_SOIL, "mod17"),
    "musyq": (light_use.MUSYQ, "musyq"),
    "ec_lue": (light_use.EC_LUE, "eclue"),
    "vpm": (light_use.VPM, "vpm"),
    "casa": (light_use.CASA, "casa"),
}
BOTH = ("production", "efficiency")
REVISED = ((2, (2.5, 0.0, 20.33, 40.0, 1000.0, 40.0)),)
ORDINARY = {
    "par": (10.0, 130.0),
    "fpar": (0.05, 0.95),
    "coldest": (258.0, 295.0),
    "deficit": (0.0, 5000.0),
    "soil": (0.0, 1.0),
    "ratio": (0.0, 1.2),
    "dryness": (0.0, 1.2),
    "warmth": (258.0, 318.0),
    "sky": (0.0, 0.9),
    "pressure": (6e4, 1.03e5),
    "carbon": (300.0, 600.0),
    "evi": (-0.1, 0.9),
    "water": (-0.4, 0.6),
    "wettest": (0.0, 0.6),
    "c4": (0.0, 1.0),
    "ndvi": (0.0, 0.9),
    "optimum": (278.0, 303.0),
}


def references(vector):
    with REFERENCE.open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return [row for row in rows if row["vector"].startswith(vector)]


def drivers_of(row):
    return {name: float(value) for name, value in (pair.split("=") for pair in row["inputs"].split(";"))}


def kernel_of(name, names=("production",)):
    if name == "ec_lue_revised":
        return light_use.production(light_use.EC_LUE_REVISED, REVISED, names)
    model, table = TABLES[name]
    return light_use.production(model, biome_table(table, model.parameters), names)


def made(name, cover, names=("production",), **drivers):
    model = light_use.EC_LUE_REVISED if name == "ec_lue_revised" else TABLES[name][0]
    return kernel_of(name, names).python(float(cover), *(drivers[driver] for driver in model.drivers))


def ordinary(name, count, dtype, seed=5):
    random = np.random.Generator(np.random.Philox(seed))
    model = light_use.EC_LUE_REVISED if name == "ec_lue_revised" else TABLES[name][0]
    cover = random.choice([2.0] if name == "ec_lue_revised" else np.arange(1.0, 18.0), count)
    return [a.astype(dtype) for a in (cover, *(random.uniform(*ORDINARY[d], count) for d in model.drivers))]


@pytest.mark.parametrize("row", references("MOD17-GPP"), ids=lambda row: row["class"])
def test_published_numbers_of_mod17(row):
    assert made("mod17", row["class"], **drivers_of(row)) == pytest.approx(
        float(row["value"]), abs=float(row["tolerance"])
    )


def test_vector_of_the_revised_ec_lue():
    # ECLUE-1: chi is fixed at 0.76 there, so that the carbon dioxide is chosen that gives 304 inside.
    kelvin, deficit, pressure = 291.15, 800.0, 101325.0
    arrhenius = {e: np.exp(e * (kelvin - 298.15) / (298.15 * 8.3145 * kelvin)) for e in (79430.0, 36380.0)}
    michaelis = 39.97 * arrhenius[79430.0] * (1 + 0.209476 * pressure / (27480.0 * arrhenius[36380.0]))
    steepness = np.sqrt(356.51 * michaelis / (1.6 * 0.8903))
    carbon = 304.0 * (steepness + np.sqrt(deficit)) / steepness
    found, efficiency = made(
        "ec_lue_revised", 2, BOTH, par=9 / 0.0864, fpar=0.5, warmth=kelvin, deficit=deficit, carbon=carbon,
        pressure=pressure,
    )  # fmt: skip
    assert found == pytest.approx(4.296875, abs=1e-8)
    assert efficiency == pytest.approx(2.5 * 0.6875 * 0.555555556, abs=1e-8)


def test_temperature_limits_of_the_vectors():
    assert light_use.parabola(18.0, 0.0, 20.33, 40.0) == pytest.approx(0.986476061, abs=1e-9)
    assert light_use.bell(18.0, 22.0) == pytest.approx(0.894521316, abs=1e-9)


def test_vpm_by_hand():
    found, efficiency = made(
        "vpm", 12, BOTH, par=100.0, evi=0.5, warmth=FREEZING + 30.0, water=0.2, wettest=0.5, c4=0.0
    )
    assert efficiency == pytest.approx(0.42 * 4.57 * 1.2 / 1.5, rel=1e-9)
    assert found == pytest.approx(efficiency * 1.25 * 0.4 * 8.64, rel=1e-12)


def test_vpm_in_the_units_of_its_authors():
    # 0.078 g C d-1 per W m-2 of shortwave, of which 0.47 is PAR (2.15 umol of photons per J).
    found = made("vpm", 1, par=100.0 * 2.149 / 4.57, evi=0.9, warmth=FREEZING + 20.0, water=0.3, wettest=0.3, c4=0.0)
    assert found == pytest.approx(0.078 * 100.0, rel=1e-3)


def test_c4_plants_of_vpm_gain_half_as_much_again_where_they_may_grow():
    drivers = {"par": 100.0, "evi": 0.5, "warmth": 300.0, "water": 0.2, "wettest": 0.3}
    for cover, gain in ((10, 1.5), (12, 1.5), (2, 1.0), (5, 1.0)):
        assert made("vpm", cover, c4=1.0, **drivers) == pytest.approx(gain * made("vpm", cover, c4=0.0, **drivers))


def test_casa_in_the_numbers_of_its_parts():
    row = {"par": 250 / 0.0864, "ndvi": 0.6, "warmth": 291.15, "optimum": 295.15, "ratio": 0.6}
    found, efficiency = made("casa", 10, BOTH, **row)
    assert efficiency == pytest.approx(0.387088714, abs=1e-8)
    # The published table is rounded: its lower end of the simple ratio is 1.05, for an NDVI of 0.023 it is 1.047.
    assert found / efficiency / 250.0 == pytest.approx(0.859586947, abs=1e-8)


def test_casa_does_not_fall_where_an_error_leads_beyond_full_cover():
    row = {"par": 100.0, "warmth": 295.0, "optimum": 298.0, "ratio": 0.5}
    assert made("casa", 10, ndvi=1.02, **row) == made("casa", 10, ndvi=0.99, **row) > 0


def test_casa_stops_below_minus_ten():
    assert made("casa", 1, par=100.0, ndvi=0.6, warmth=FREEZING - 10.1, optimum=285.0, ratio=1.0) == 0.0
    assert made("casa", 1, par=100.0, ndvi=0.6, warmth=FREEZING - 9.9, optimum=285.0, ratio=1.0) > 0.0


def test_musyq_by_the_code_of_its_authors():
    # One pixel through core_fun.cpp by hand: grassland, CI 0.6, 12 C, E/Ep 0.4, SSRD 18 MJ m-2 d-1, FPAR 0.5.
    lue = 0.5108 * 0.6 + 2.39796 * 0.4
    bell = 1.1814 / ((1 + np.exp(0.2 * (18 - 10 - 12))) * (1 + np.exp(0.3 * (-18 - 10 + 12))))
    expected = lue * (0.5 + 0.5 * 0.4) * bell * (18 * 0.48) * 0.5
    found = made("musyq", 10, par=18 * 0.48 / 0.0864, fpar=0.5, warmth=FREEZING + 12, ratio=0.4, sky=0.6)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("cover", "limit"), [(1, -10.0), (4, -5.0), (10, -5.0)])
def test_musyq_is_frozen_below_its_limit(cover, limit):
    drivers = {"par": 100.0, "fpar": 0.5, "ratio": 1.0, "sky": 0.5}
    assert made("musyq", cover, warmth=FREEZING + limit - 0.01, **drivers) == 0.0
    assert made("musyq", cover, warmth=FREEZING + limit + 0.01, **drivers) > 0.0


def test_water_never_limits_a_wetland_of_musyq():
    drivers = {"par": 100.0, "fpar": 0.5, "warmth": 291.15, "sky": 0.5}
    assert made("musyq", 11, ratio=0.0, **drivers) == made("musyq", 11, ratio=1.0, **drivers)
    assert made("musyq", 10, ratio=0.0, **drivers) == pytest.approx(0.5 * made("musyq", 10, ratio=1.0, **drivers))


def test_a_cloudy_sky_makes_light_more_efficient():
    drivers = {"par": 100.0, "fpar": 0.5, "warmth": 291.15, "ratio": 0.6}
    for cover in (1, 2, 4, 5, 6, 7, 8, 9, 10, 12):
        assert made("musyq", cover, sky=0.2, **drivers) > 1.3 * made("musyq", cover, sky=0.7, **drivers)


def test_evaporative_fraction_of_ec_lue_is_that_of_priestley_and_taylor():
    # A wet surface at 25 C: 1.26 of equilibrium evaporation.
    celsius, pressure = 10.0, 101325.0
    saturation = 610.7 * np.exp(17.38 * celsius / (239 + celsius))
    slope = saturation * 17.38 * 239 / (239 + celsius) ** 2
    gamma = HEAT_CAPACITY * pressure / (0.622 * vaporisation_heat.python(celsius + FREEZING))
    expected = 2.14 * min(0.5 * 1.26 * slope / (slope + gamma), 1.0)
    found = made(
        "ec_lue", 4, ("efficiency",), par=1.0, fpar=1.0, warmth=celsius + FREEZING, ratio=0.5, pressure=pressure
    )
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", [*TABLES, "ec_lue_revised"])
def test_production_is_light_times_efficiency_and_linear_in_light(name):
    arrays = ordinary(name, 40, np.float64)
    production, efficiency = kernel_of(name, BOTH).python(*arrays)
    doubled = kernel_of(name).python(arrays[0], 2 * arrays[1], *arrays[2:])
    np.testing.assert_allclose(doubled, 2 * production, rtol=1e-12)
    assert np.nanmin(efficiency) >= 0
    assert np.nanmax(production / (arrays[1] * 0.0864)) <= np.nanmax(efficiency) * (1 + 1e-12)


@pytest.mark.parametrize("name", ["mod17", "mod17_soil"])
def test_ramps_end_where_the_table_says(name):
    more = {"soil": 1.0, "dryness": 1.0, "par": 100.0, "fpar": 1.0}
    full = made(name, 4, coldest=FREEZING + 9.94, deficit=650.0, **more)
    assert full == pytest.approx(1.526 * 8.64)
    assert made(name, 4, coldest=FREEZING - 6.0, deficit=650.0, **more) == 0
    assert made(name, 4, coldest=FREEZING + 9.94, deficit=2900.0, **more) == 0
    assert made(name, 4, coldest=FREEZING + 1.97, deficit=(650.0 + 2900.0) / 2, **more) == pytest.approx(full / 4)


def test_soil_lowers_mod17_by_its_stress():
    drivers = {"par": 100.0, "fpar": 0.5, "coldest": 285.0, "deficit": 900.0}
    dry = made("mod17_soil", 2, soil=0.2, dryness=0.5, **drivers) / made("mod17", 2, **drivers)
    assert dry == pytest.approx(0.7184444444, abs=1e-9)
    assert made("mod17_soil", 2, soil=0.7, dryness=0.1, **drivers) == made("mod17", 2, **drivers)


@pytest.mark.parametrize("name", TABLES)
def test_classes_without_parameters_have_no_value(name):
    model, table = TABLES[name]
    known = {number for number, _ in biome_table(table, model.parameters)}
    arrays = ordinary(name, 300, np.float64)
    found = np.isfinite(kernel_of(name).python(*arrays))
    np.testing.assert_array_equal(found, np.isin(arrays[0], list(known)))
    assert not {15, 17} & known
    arrays[0][:] = [np.nan, 2.5, 300.0] * 100
    assert np.isnan(kernel_of(name).python(*arrays)).all()


@pytest.mark.parametrize("name", TABLES)
def test_nan_in_any_driver_gives_nan(name):
    model = TABLES[name][0]
    for position in range(len(model.drivers)):
        arrays = ordinary(name, 1, np.float64)
        arrays[0][:] = 2.0
        arrays[1 + position][:] = np.nan
        assert np.isnan(kernel_of(name).python(*arrays)).all(), model.drivers[position]


@pytest.mark.parametrize(
    "name", ["mod17", *(pytest.param(n, marks=pytest.mark.slow) for n in (*TABLES, "ec_lue_revised") if n != "mod17")]
)
def test_compiled_equals_the_twin(name):
    arrays = ordinary(name, 500, np.float32)
    compiled, twin = kernel_of(name)(*arrays), kernel_of(name).python(*arrays)
    assert compiled.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(compiled), np.isnan(twin))
    np.testing.assert_allclose(compiled, twin, rtol=2e-5, atol=1e-6)


def test_mod17_beside_numpy_with_a_table_in_memory():
    arrays = ordinary("mod17", 4000, np.float64)
    cover, par, fpar, coldest, deficit = arrays
    table = np.full((18, 5), np.nan)
    for number, row in biome_table("mod17", light_use.MOD17.parameters):
        table[number] = row
    efficiency, none, full, humid, dry = table[cover.astype(int)].T
    warm = np.clip((coldest - 273.15 - none) / (full - none), 0, 1)
    expected = efficiency * warm * np.clip((dry - deficit) / (dry - humid), 0, 1) * fpar * par * 0.0864
    np.testing.assert_allclose(kernel_of("mod17").python(*arrays), expected, rtol=1e-12, atol=1e-14)


def test_a_result_does_not_depend_on_its_place():
    arrays = ordinary("mod17", 257, np.float32)
    whole = kernel_of("mod17")(*arrays)
    parts = [
        kernel_of("mod17")(*(np.ascontiguousarray(a[start : start + 13]) for a in arrays))
        for start in range(0, 257, 13)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
