"""Surface temperature: the balance written out and solved by bisection, the exchange of heat in its limits."""

import numpy as np
import pytest
from scipy.optimize import brentq

from musyq_lab.core.errors import InputError
from musyq_lab.twin import _balance as balance

SIGMA = 5.670374419e-8


def traded(air=290.0, pressure=950.0, wind=3.0, roughness=0.05, excess=2.3):
    return balance.exchange(*(np.atleast_1d(np.float64(v)) for v in (air, pressure, wind, roughness, excess)))


def one(value):
    return np.atleast_1d(np.float64(value))


# ---- exchange --------------------------------------------------------------------------------------------------------
def test_neutral_conductance_is_the_law_of_the_wall():
    """rho cp kappa^2 u / (ln(10 / z0) ln(2 / zh)) with zh = z0 exp(-kB)."""
    density = 95_000 / (287.05 * 290.0)
    height = 0.05 * np.exp(-2.3)
    expected = density * 1004.7 * 0.16 * 3.0 / (np.log(10 / 0.05) * np.log(2 / height))
    assert traded().conductance[0] == pytest.approx(expected, rel=1e-6)


def test_still_air_is_moved_by_gusts():
    assert traded(wind=0.0).conductance == traded(wind=1.5).conductance
    assert traded(wind=1.6).conductance > traded(wind=1.5).conductance


@pytest.mark.parametrize("excess", [-15.0, -3.0, -0.01, 0.01, 2.0, 12.0, 40.0])
def test_derivative_is_the_slope(excess):
    law = traded()
    _, slope = law.heat(one(excess))
    step = 1e-4 * abs(excess)
    ends = [law.heat(one(excess + d))[0] for d in (-step, step)]
    assert slope[0] == pytest.approx(((ends[1] - ends[0]) / (2 * step))[0], rel=1e-4)


@pytest.mark.parametrize("wind", [1.5, 3.0, 12.0])
def test_heat_rises_with_the_excess_and_stable_air_holds_it_back(wind):
    law, excess = traded(wind=wind), np.linspace(-20, 40, 601)
    flux, _ = law.heat(excess)
    assert (np.diff(flux) > 0).all()
    assert np.interp(0.0, excess, flux) == pytest.approx(0.0, abs=1e-9)
    neutral = law.conductance * excess
    assert (np.abs(flux[:200]) < np.abs(neutral[:200])).all()
    assert (flux[201:] > neutral[201:]).all()
    np.testing.assert_allclose(law.coefficient(excess[201:]) * excess[201:], flux[201:], rtol=1e-12)


def test_correction_by_the_richardson_number_written_out():
    """Louis 1979: F = 1 - 9.4 Ri / (1 + c sqrt|Ri|); 1 / (1 + 10 Ri) where stable."""
    law = traded(wind=2.0)
    per_kelvin = 9.81 * 2.0 / (290.0 * 4.0)
    assert law.richardson[0] == pytest.approx(per_kelvin)
    ri = -per_kelvin * 6.0
    height = 0.05 * np.exp(-2.3)
    c = 5.3 * 0.16 / (np.log(10 / 0.05) * np.log(2 / height)) * 9.4 * np.sqrt(2.0 / 0.05)
    unstable = 1 - 9.4 * ri / (1 + c * np.sqrt(-ri))
    assert law.coefficient(one(6.0))[0] == pytest.approx(law.conductance[0] * unstable, rel=1e-6)
    stable = 1 / (1 + 10 * per_kelvin * 6.0)
    assert law.coefficient(one(-6.0))[0] == pytest.approx(law.conductance[0] * stable, rel=1e-6)


# ---- the balance -----------------------------------------------------------------------------------------------------
CASES = np.random.Generator(np.random.Philox(2)).uniform(size=(40, 7))


def states():
    u = CASES.T
    air = 235.0 + 85.0 * u[0]
    absorbed = 0.65 * SIGMA * air**4 + 950.0 * u[1] ** 2
    return {
        "air": air, "absorbed": absorbed, "emissivity": 0.92 + 0.07 * u[2], "share_by_day": 0.05 + 0.85 * u[3],
        "share_by_night": 0.3 + 0.5 * u[4],
        "traded": balance.exchange(air, 600.0 + 400 * u[5], 15 * u[6], 10.0 ** (-4 + 3.5 * u[5]), 2.3 * np.ones(40)),
    }  # fmt: skip


def test_every_state_has_the_root_that_brackets_find():
    state = states()
    found = balance.solve(**state)
    law = state["traded"]
    for k in range(found.size):
        own = balance.Exchange(*(np.atleast_1d(v[k]) for v in (law.conductance, law.convection, law.richardson)))

        def left(temperature, k=k, own=own):
            net = state["absorbed"][k] - state["emissivity"][k] * SIGMA * temperature**4
            share = state["share_by_day"][k] if net > 0 else state["share_by_night"][k]
            return share * net - own.heat(one(temperature - state["air"][k]))[0][0]

        assert found[k] == pytest.approx(brentq(left, 100.0, 500.0, xtol=1e-6), abs=0.02)


def test_single_precision_finds_the_same():
    state = states()
    wide = balance.solve(**state)
    law = state.pop("traded")
    narrow = {name: np.asarray(value, np.float32) for name, value in state.items()}
    shrunk = (np.asarray(v, np.float32) for v in (law.conductance, law.convection, law.richardson))
    found = balance.solve(**narrow, traded=balance.Exchange(*shrunk))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wide, atol=0.03)


def test_balanced_radiation_leaves_the_surface_at_the_air():
    air = np.array([250.0, 290.0, 310.0])
    found = balance.solve(air, 0.97 * SIGMA * air**4, one(0.97), one(0.5), one(0.5), traded(air=290.0))
    np.testing.assert_allclose(found, air, atol=1e-6)


@pytest.mark.parametrize("name", ["air", "absorbed"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_single_missing_cell_is_told(name, value):
    air, absorbed = np.full(5, 290.0), np.full(5, 500.0)
    {"air": air, "absorbed": absorbed}[name][3] = value
    with pytest.raises(InputError, match="did not close"), np.errstate(all="ignore"):
        balance.solve(air, absorbed, one(0.97), one(0.5), one(0.5), traded())


def test_inputs_are_left_as_they_were():
    state = states()
    before = state["air"].copy(), state["absorbed"].copy()
    balance.solve(**state)
    np.testing.assert_array_equal(before, (state["air"], state["absorbed"]))
