"""P-model: pyrealm's numbers, the properties of water and enzymes that it builds on, and limits."""

import numpy as np
import pytest
from kernels.test_light_use import drivers_of, references

from musyq_lab.kernels import _photosynthesis as photosynthesis

ORDER = ("par", "fpar", "temperature", "deficit", "carbon", "pressure", "soil", "ratio", "quantum_yield", "pathway")
USUAL = dict(zip(ORDER, (100.0, 0.5, 293.15, 800.0, 400.0, 101325.0, 1.0, 1.0, 0.08, photosynthesis.C3), strict=True))


def p_model(run=photosynthesis.p_model.python, **drivers):
    return run(*({**USUAL, **drivers}[name] for name in ORDER))


@pytest.mark.parametrize("row", references("PMODEL"), ids=lambda row: row["vector"])
def test_numbers_of_pyrealm(row):
    found, _ = p_model(**drivers_of(row))
    assert found == pytest.approx(float(row["value"]), rel=float(row["tolerance"]))


@pytest.mark.parametrize("row", references("SOIL"), ids=lambda row: row["inputs"])
def test_soil_moisture_stress_of_pyrealm(row):
    drivers = drivers_of(row)
    found = photosynthesis.soil_moisture_stress.python(drivers["soil"], drivers["ratio"])
    assert found == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def test_enzymes_and_water_of_pyrealm():
    # Examples in the docstrings of pyrealm 2.0.0: 20 C and 101325 Pa.
    assert photosynthesis.michaelis(293.15, 101325.0) == pytest.approx(46.09928, abs=6e-6)
    assert photosynthesis.compensation(293.15, 101325.0) == pytest.approx(3.33925, abs=6e-6)
    assert photosynthesis.viscosity(293.15, 101325.0) == pytest.approx(0.0010016, abs=5e-8)


@pytest.mark.parametrize(
    ("celsius", "micropascal"),
    # IAPWS R12-08 at 0.101325 MPa, as NIST's Chemistry WebBook gives it, recalled: 1306, 1002, 890, 797, 653 uPa s
    [(10.0, 1305.9), (20.0, 1001.6), (25.0, 890.0), (30.0, 797.2), (40.0, 652.7)],
)
def test_viscosity_of_water(celsius, micropascal):
    assert 1e6 * photosynthesis.viscosity(celsius + 273.15, 101325.0) == pytest.approx(micropascal, rel=2e-3)


def test_standard_viscosity_is_that_of_its_equations():
    assert photosynthesis.viscosity(298.15, 101325.0) == pytest.approx(photosynthesis._STANDARD_VISCOSITY, rel=1e-12)


def test_production_rises_with_carbon_dioxide_and_falls_with_dry_air():
    rich = [p_model(carbon=carbon)[0] for carbon in (200.0, 300.0, 400.0, 600.0, 1000.0)]
    dry = [p_model(deficit=deficit)[0] for deficit in (0.0, 200.0, 1000.0, 3000.0)]
    assert (np.diff(rich) > 0).all()
    assert (np.diff(dry) < 0).all()


def test_c4_plants_do_not_mind_carbon_dioxide_or_dry_air():
    few = p_model(pathway=photosynthesis.C4, carbon=200.0, deficit=3000.0)
    assert few == p_model(pathway=photosynthesis.C4, carbon=800.0, deficit=100.0)


def test_quantum_yield_scales_and_ends_in_the_cold():
    assert p_model(quantum_yield=0.16)[0] == pytest.approx(2 * p_model()[0], rel=1e-12)
    # 0.352 + 0.022 T - 0.00034 T^2 = 0 at -13.3 C
    assert p_model(temperature=260.0)[0] > 0 >= p_model(temperature=259.7)[0]
    assert p_model(temperature=220.0)[0] == 0


def test_starved_of_carbon_dioxide_nothing_is_fixed():
    assert p_model(carbon=100.0, deficit=6000.0, temperature=313.15)[0] == 0.0


def test_negative_deficit_counts_as_none():
    assert p_model(deficit=-50.0) == p_model(deficit=0.0)


@pytest.mark.parametrize("name", [n for n in ORDER if n != "pathway"])
def test_nan_gives_nan(name):
    assert np.isnan(p_model(**{name: np.nan})[0])


def test_compiled_equals_the_twin_in_both_precisions():
    random = np.random.Generator(np.random.Philox(3))
    ranges = [
        (10, 130),
        (0, 1),
        (255, 315),
        (0, 5000),
        (200, 900),
        (5e4, 1.05e5),
        (0, 1),
        (0, 1),
        (0.05, 0.125),
        (3, 3),
    ]
    arrays = [random.uniform(low, high, 300) for low, high in ranges]
    double = photosynthesis.p_model(*arrays)
    twin = photosynthesis.p_model.python(*arrays)
    single = photosynthesis.p_model(*(a.astype(np.float32) for a in arrays))
    for one, other, narrow in zip(double, twin, single, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(narrow, other, rtol=3e-4, atol=3e-4)
