"""P-model: pyrealm's numbers, the properties of water and enzymes that it builds on, and limits."""

import numpy as np
import pytest
from kernels.test_light_use import drivers_of, references
from scipy.optimize import minimize_scalar

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
    found = photosynthesis.soil_stress(drivers["soil"], drivers["ratio"])
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


def ordinary(dtype):
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
    return [random.uniform(low, high, 100).astype(dtype) for low, high in ranges]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 3e-4), pytest.param(np.float64, 1e-11, marks=pytest.mark.slow)]
)
def test_compiled_equals_the_twin(dtype, tolerance):
    compiled = photosynthesis.p_model(*ordinary(dtype))
    twin = photosynthesis.p_model.python(*ordinary(np.float64))
    for one, other in zip(compiled, twin, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


# ---- the two optima that the model is made of ------------------------------------------------------------------------
PLACES = [(293.15, 1000.0, 400.0, 101325.0), (280.0, 300.0, 300.0, 8e4), (303.0, 3000.0, 550.0, 1e5)]


def inside_by_least_cost(temperature, deficit, carbon, pressure):
    """Minimise the summed costs of transpiration and carboxylation per carbon gained (Prentice et al. 2014)."""
    gamma = photosynthesis.compensation(temperature, pressure)
    k = photosynthesis.michaelis(temperature, pressure)
    thickness = photosynthesis.viscosity(temperature, pressure) / photosynthesis.viscosity(298.15, 101325.0)
    ambient = 1e-6 * carbon * pressure

    def cost(inside):
        return 1.6 * thickness * deficit / (ambient - inside) + 146.0 * (inside + k) / (inside - gamma)

    bounds = (gamma + 1e-6, ambient - 1e-6)
    return minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x, gamma


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_leaves_balance_water_against_enzymes_and_electrons_against_carbon(place):
    temperature, deficit, carbon, pressure = place
    inside, gamma = inside_by_least_cost(*place)
    m = (inside - gamma) / (inside + 2 * gamma)

    # Assimilation over absorbed light times yield, less the cost of electron transport (Wang et al. 2017), is largest.
    def loss(capacity):
        return -(m / np.sqrt(1 + (4 / capacity) ** 2) - 0.41 / 4 * capacity)

    best = minimize_scalar(loss, bounds=(1e-3, 100.0), method="bounded", options={"xatol": 1e-10}).x
    gained = m / np.sqrt(1 + (4 / best) ** 2)
    celsius = temperature - 273.15
    phi = 0.08 * (0.352 + 0.022 * celsius - 0.00034 * celsius**2)
    _, efficiency = p_model(temperature=temperature, deficit=deficit, carbon=carbon, pressure=pressure)
    assert efficiency == pytest.approx(phi * gained * 12.0107 * 4.57, rel=1e-6)


def test_viscosity_beside_a_double_sum():
    # Huber et al. 2009, equation 12, term by term, and Fisher & Dial's density power by power.
    table = np.zeros((6, 7))
    rows = {
        (0, 0): 0.520094, (1, 0): 0.0850895, (2, 0): -1.08374, (3, 0): -0.289555,
        (0, 1): 0.222531, (1, 1): 0.999115, (2, 1): 1.88797, (3, 1): 1.26613, (5, 1): 0.120573,
        (0, 2): -0.281378, (1, 2): -0.906851, (2, 2): -0.772479, (3, 2): -0.489837, (4, 2): -0.25704,
        (0, 3): 0.161913, (1, 3): 0.257399, (0, 4): -0.0325372, (3, 4): 0.0698452, (4, 5): 0.00872102,
        (3, 6): -0.00435673, (5, 6): -0.000593264,
    }  # fmt: skip
    for (i, j), value in rows.items():
        table[i, j] = value
    for celsius, pressure in ((2.0, 101325.0), (20.0, 6e4), (38.0, 1.05e5)):
        volume = np.polynomial.polynomial.polyval(
            celsius,
            [0.6980547, -0.0007435626, 3.704258e-05, -6.315724e-07, 9.829576e-09, -1.197269e-10, 1.005461e-12,
             -5.437898e-15, 1.69946e-17, -2.295063e-20],
        )  # fmt: skip
        slope = np.polynomial.polynomial.polyval(celsius, [1788.316, 21.55053, -0.4695911, 3.096363e-3, -7.341182e-06])
        bars = np.polynomial.polynomial.polyval(celsius, [5918.499, 58.05267, -1.1253317, 6.6123869e-3, -1.4661625e-05])
        density = 1e3 / (volume + slope / (bars + 1e-5 * pressure))
        warmth, thick = (celsius + 273.15) / 647.096, density / 322.0
        double = sum(table[i, j] * (1 / warmth - 1) ** i * (thick - 1) ** j for i in range(6) for j in range(7))
        dilute = (
            100 * np.sqrt(warmth) / sum(h / warmth**i for i, h in enumerate((1.67752, 2.20462, 0.6366564, -0.241605)))
        )
        assert photosynthesis.viscosity(celsius + 273.15, pressure) == pytest.approx(
            1e-6 * dilute * np.exp(thick * double), rel=1e-10
        )
