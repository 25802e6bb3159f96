"""Absorption by gases: a store of made answers gives back the coefficients it was made of."""

import json

import numpy as np
import pytest

WAVELENGTHS = 6
A = np.array([[0.0, 1e-4, 0.003, 0.05, 0.4, 0.02]] * 3) * np.array([[1.0], [0.9], [0.8]])
B = np.array([[0.0, 0.0, 0.01, 0.3, 2.0, 1.0]] * 3)
OZONE = np.array([[0.0, 1e-5, 3e-5, 1.2e-4, 0.0, 4e-4]] * 3)
DRY = (0.0, 0.02, 0.05, 0.3, 0.0, 0.01), (0.0, 5.0, 20.0, 40.0, 0.0, 0.5), (0.0, 0.01, 0.0, 0.02, 0.05, 0.0)


def transmittances(row, vapour, mass):
    """Water, ozone and dry gases written out for one altitude, air mass and all wavelengths."""
    x = vapour * mass
    big, c, d = map(np.array, DRY)
    return (
        np.exp(-A[row] * x / np.sqrt(1 + B[row] * x)),
        np.exp(-OZONE[row] * 300.0 * mass),
        np.exp(-big * (np.sqrt(1 + c * mass) - 1) - d * mass),
    )


@pytest.fixture
def store(scripts, tmp_path):
    """A work folder with the answers of an atmosphere whose gases are known."""
    runs = scripts["runs"]
    for row, altitude in enumerate(runs.ALTITUDES):
        for k, (vapour, sun, view) in enumerate(runs.GAS_CASES):
            masses = [1 / np.cos(np.radians(angle)) for angle in (sun, view)]
            ways = [transmittances(row, vapour, mass) for mass in (*masses, sum(masses))]
            answers = []
            for w in range(WAVELENGTHS):
                water, ozone, dry = ([round(float(way[gas][w]), 5) for way in ways] for gas in range(3))
                head = [0.1, 0.1, 0.1, 0.9, 0.9, 0.1, water, water, ozone, dry]
                answers.append([*head, [0.1, 0.0], [1.0, 0.0], 0.0, 1013.0])
            (tmp_path / f"gas_{altitude:.1f}_{k}.json").write_text(json.dumps(answers))
    return tmp_path


def test_known_gases_are_found_again(scripts, store):
    found = scripts["gases"].gases(store)
    assert {values.shape for values in found.values()} == {(3, WAVELENGTHS)}
    assert set(found) == {"water_a", "water_b", "ozone_k", "dry_b", "dry_c", "dry_d"}
    np.testing.assert_allclose(found["ozone_k"], OZONE, atol=2e-8)
    for x in (0.5, 20.0, 400.0):
        fitted = np.exp(-found["water_a"] * x / np.sqrt(1 + found["water_b"] * x))
        np.testing.assert_allclose(fitted, np.exp(-A * x / np.sqrt(1 + B * x)), atol=4e-5)
    big, c, d = (np.array(values) for values in DRY)
    for mass in (1.0, 2.5, 8.0):
        fitted = np.exp(-found["dry_b"] * (np.sqrt(1 + found["dry_c"] * mass) - 1) - found["dry_d"] * mass)
        exact = np.exp(-big * (np.sqrt(1 + c * mass) - 1) - d * mass)
        np.testing.assert_allclose(fitted, np.broadcast_to(exact, fitted.shape), atol=1e-4)


def test_coefficients_are_never_negative(scripts, store):
    for name, values in scripts["gases"].gases(store).items():
        assert (values >= 0).all(), name
        assert np.isfinite(values).all(), name


def test_a_missing_answer_is_named(scripts, store):
    (store / "gas_5.5_4.json").unlink()
    with pytest.raises(SystemExit, match=r"gas_5\.5_4\.json is missing"):
        scripts["gases"].gases(store)


def test_a_gas_that_lets_nothing_through_stops_the_builder(scripts):
    """No coefficient can be told from it."""
    with pytest.raises(SystemExit, match="water"):
        scripts["gases"].fit_goody(np.geomspace(0.5, 500, 15), np.zeros((15, 1)))


def test_two_amounts_are_told_from_one_another(scripts):
    """Beer's law is Goody's with b = 0, and the straight term alone of Malkmus's."""
    m = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 5.8, 8.7])
    beer = np.exp(-0.08 * m)[:, None]
    a, b = scripts["gases"].fit_goody(m, beer)
    assert a[0] == pytest.approx(0.08, rel=1e-4)
    assert b[0] < 1e-3
    big, c, d = scripts["gases"].fit_malkmus(m, beer)
    np.testing.assert_allclose(big * (np.sqrt(1 + c * m) - 1) + d * m, 0.08 * m, rtol=1e-4)


@pytest.mark.parametrize("signs", [(1.0, -0.5), (-0.5, 1.0)])
def test_neither_of_two_terms_goes_below_zero(scripts, signs):
    """Nonnegative least squares of scipy, with the weights of the fit."""
    from scipy.optimize import nnls

    m = np.linspace(1.0, 8.0, 12)[:, None]
    one, two = np.sqrt(m), m
    depth = signs[0] * 0.1 * one + signs[1] * 0.02 * two + 0.2
    transmittance = np.exp(-depth)
    found = np.array(scripts["gases"]._slopes(one, two, transmittance))[:, 0]
    weight = transmittance[:, 0]
    expected, _ = nnls(np.hstack([one, two]) * weight[:, None], depth[:, 0] * weight)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert (found >= 0).all()
