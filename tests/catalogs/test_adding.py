"""Adding and doubling beside published tables, closed solutions and successive orders of scattering."""

import numpy as np
import pytest
from scipy.integrate import quad

MU = (1.0, 0.9, 0.7, 0.5, 0.3, 0.1)
# van de Hulst 1980, Multiple Light Scattering 1, table 12: isotropic, albedo 0.8, depth 2, view at cosine 0.5
REFLECTED = (0.28616, 0.30277, 0.34188, 0.39102, 0.45353, 0.53214)
TRANSMITTED = {1.0: 0.14864, 0.9: 0.14731, 0.7: 0.13963, 0.3: 0.09425, 0.1: 0.06601}


def solver_at(scripts, *cosines):
    return scripts["adding"].Solver(np.degrees(np.arccos(np.array(cosines))))


def henyey_greenstein(g):
    return lambda cosine: (1 - g * g) / (1 + g * g - 2 * g * cosine) ** 1.5


def rayleigh(cosine):
    return 0.75 * (1 + cosine**2)


def fourier(phase, mu, order, sign):
    """Mean over azimuth of a phase function times cos(order azimuth), upward or downward."""
    turn = 2 * np.pi * np.arange(128) / 128
    sine = np.sqrt(1 - mu**2)
    cosine = sign * np.outer(mu, mu)[..., None] + np.outer(sine, sine)[..., None] * np.cos(turn)
    return (phase(cosine) * np.cos(order * turn)).mean(axis=-1)


def coefficients(phase, count=60):
    nodes, weights = np.polynomial.legendre.leggauss(200)
    polynomials = np.polynomial.legendre.legvander(nodes, count - 1)
    return (2 * np.arange(count) + 1) / 2 * (polynomials.T @ (weights * phase(nodes)))


# ---- published tables and closed solutions ---------------------------------------------------------------------------
@pytest.fixture(scope="module")
def hulst(scripts):
    solver = solver_at(scripts, *MU)
    same, back = solver.harmonics(np.array([0.8]))
    return scripts["adding"].STREAMS, solver._layer(2.0, same, back)


def test_isotropic_reflection_is_that_of_van_de_hulst(hulst):
    first, slab = hulst
    np.testing.assert_allclose(
        slab.reflected[0, first + MU.index(0.5), first:], REFLECTED, rtol=6e-4
    )  # doubling from 1e-4


@pytest.mark.parametrize("sun", TRANSMITTED)
def test_isotropic_transmission_is_that_of_van_de_hulst(hulst, sun):
    first, slab = hulst
    found = slab.transmitted[0, first + MU.index(0.5), first + MU.index(sun)]
    assert found == pytest.approx(TRANSMITTED[sun], rel=1e-3)


@pytest.mark.parametrize(("albedo", "error"), [(0.5, 5e-4), (0.9, 1e-3), (0.99, 4e-3)])
def test_a_half_space_reflects_by_the_h_functions_of_chandrasekhar(scripts, albedo, error):
    """R = albedo / 4 H(mu) H(mu0) / (mu + mu0), H by its integral (Chandrasekhar 1950, ch. V)."""

    def h(mu):
        def inside(angle):
            bent = 1 - albedo * angle / np.tan(angle) if angle > 1e-9 else 1 - albedo
            return np.log(bent) / (np.cos(angle) ** 2 + mu**2 * np.sin(angle) ** 2)

        return np.exp(-mu / np.pi * quad(inside, 0, np.pi / 2, epsabs=1e-11)[0])

    solver, mu = solver_at(scripts, *MU), np.array(MU)
    slab = solver._layer(120.0, *solver.harmonics(np.array([albedo])))
    values = np.array([h(m) for m in MU])
    expected = albedo / 4 * np.outer(values, values) / (mu[:, None] + mu)
    first = scripts["adding"].STREAMS
    np.testing.assert_allclose(slab.reflected[0, first:, first:], expected, rtol=error)
    assert np.abs(slab.transmitted[0]).max() < 1e-4


# ---- another method --------------------------------------------------------------------------------------------------
def successive_orders(phase, mu, weights, sun, depth, order, sheets=160):
    """Reflection and transmission for light from ``sun``, one scattering after the other on thin sheets."""
    same, back = (fourier(phase, mu, order, sign) for sign in (1, -1))
    step = depth / sheets
    middle = (np.arange(sheets) + 0.5) * step
    beam = np.exp(-middle / mu[sun]) * mu[sun] / step * 2 * np.sinh(step / mu[sun] / 2) / 4
    source = np.stack([beam[:, None] * back[:, sun], beam[:, None] * same[:, sun]])
    fade, kept = np.exp(-step / mu), -np.expm1(-step / mu)
    mean = 1 - kept * mu / step  # of what starts in a sheet, what is met in its middle
    total = np.zeros((2, mu.size))
    for _ in range(60):
        up, down = np.zeros((sheets, mu.size)), np.zeros((sheets, mu.size))
        light = np.zeros(mu.size)
        for k in range(sheets - 1, -1, -1):
            up[k] = light * kept * mu / step + source[0, k] * mean
            light = light * fade + source[0, k] * kept
        total[0] += light
        light = np.zeros(mu.size)
        for k in range(sheets):
            down[k] = light * kept * mu / step + source[1, k] * mean
            light = light * fade + source[1, k] * kept
        total[1] += light
        source = np.stack([
            ((up * weights) @ same.T + (down * weights) @ back.T) / 2,
            ((up * weights) @ back.T + (down * weights) @ same.T) / 2,
        ])  # fmt: skip
        if source.max() < 1e-7:
            break
    return total / mu[sun]


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(("phase", "albedo"), [(rayleigh, 1.0), (henyey_greenstein(0.6), 0.9)])
def test_each_order_of_azimuth_is_that_of_successive_scatterings(scripts, phase, albedo, order):
    depth, seen = 0.5, np.array([0.95, 0.6, 0.35])
    solver = solver_at(scripts, *seen)
    slab = solver._layer(depth, *solver.harmonics(albedo * coefficients(phase)))
    nodes, weights = np.polynomial.legendre.leggauss(14)
    mu, dmu = np.append((nodes + 1) / 2, seen), np.append(weights / 2, np.zeros(seen.size))
    expected = successive_orders(lambda c: albedo * phase(c), mu, dmu, mu.size - 2, depth, order)[:, -3:]
    first = scripts["adding"].STREAMS
    found = np.stack([slab.reflected[order, first:, first + 1], slab.transmitted[order, first:, first + 1]])
    np.testing.assert_allclose(found, expected, rtol=4e-3, atol=2e-5)


# ---- identities ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("phase", [rayleigh, henyey_greenstein(0.5)])
def test_harmonics_are_the_means_over_azimuth(scripts, phase):
    solver = solver_at(scripts, 0.9, 0.2)
    same, back = solver.harmonics(coefficients(phase))
    for order in (0, 1, 2, 5):
        np.testing.assert_allclose(same[order], fourier(phase, solver.mu, order, 1), atol=1e-9)
        np.testing.assert_allclose(back[order], fourier(phase, solver.mu, order, -1), atol=1e-9)


def test_unlike_layers_keep_the_symmetry_of_helmholtz(scripts):
    """T from above at (mu, mu0) is T from below at (mu0, mu), though R differs by side (de Haan et al. 1987)."""
    solver = solver_at(scripts, 0.8, 0.4)
    top = solver._layer(0.3, *solver.harmonics(0.7 * coefficients(henyey_greenstein(0.6))))
    both = solver._add(top, solver._layer(0.8, *solver.harmonics(coefficients(rayleigh))))
    np.testing.assert_allclose(both.transmitted, both.transmitted_below.transpose(0, 2, 1), rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(both.reflected, both.reflected.transpose(0, 2, 1), rtol=1e-4, atol=1e-8)
    assert np.abs(both.reflected[0] - both.reflected_below[0]).max() > 0.01
    assert both.turned().turned() == both
    np.testing.assert_allclose(both.beam, np.exp(-1.1 / solver.mu), rtol=1e-12)


def test_a_black_layer_only_takes_away(scripts):
    solver = solver_at(scripts, 0.8, 0.4)
    white = solver._layer(0.5, *solver.harmonics(coefficients(rayleigh)))
    dark = np.zeros_like(white.reflected)
    beam = np.exp(-0.7 / solver.mu)
    black = type(white)(dark, dark, dark, dark, beam)
    behind = solver._add(black, white)
    np.testing.assert_allclose(behind.reflected, white.reflected * np.outer(beam, beam), atol=1e-14)
    np.testing.assert_allclose(behind.reflected_below, white.reflected_below, atol=1e-14)
    np.testing.assert_allclose(solver._add(white, black).reflected, white.reflected, atol=1e-14)


def test_without_aerosol_or_scattering_nothing_is_scattered_twice(scripts):
    solver = solver_at(scripts, 0.9, 0.5)
    clear, none = solver.harmonics(coefficients(rayleigh)), solver.harmonics(np.array([0.0]))
    np.testing.assert_array_equal(solver.multiple(0.2, 0.5, 1.0, (none, none)), 0.0)
    absorbing = solver.multiple(0.2, 0.5, 0.0, (clear, clear))
    alone = solver.multiple(0.2, 0.0, 0.0, (clear, clear))
    assert 0 < absorbing[0].min() <= absorbing[0].max() < alone[0].max()


def test_aerosol_low_in_the_air_is_seen_through_the_molecules(scripts):
    """An isotropic atmosphere does not care which of its constituents scatters; absorbing haze does."""
    solver = solver_at(scripts, 0.9, 0.5)
    even = solver.harmonics(np.array([1.0]))
    mixed, pure = (solver.multiple(m, a, 1.0, (even, even)) for m, a in ((0.3, 0.4), (0.7, 0.0)))
    np.testing.assert_allclose(mixed, pure, rtol=1e-4)
    assert (solver.multiple(0.3, 0.4, 0.8, (even, even))[0] < pure[0]).all()


@pytest.mark.parametrize("azimuth", [0.0, 37.0, 90.0, 180.0])
def test_the_series_in_azimuth_adds_up_to_the_phase_function(scripts, azimuth):
    """Azimuth 0 is backscatter: Sun and view at one zenith angle meet at 180 degrees."""
    phase, zenith = henyey_greenstein(0.4), np.array([20.0, 60.0])
    solver = scripts["adding"].Solver(zenith)
    back = solver.harmonics(coefficients(phase))[1][:, -2:, -2:]
    found = scripts["adding"].at_azimuth(back, np.array([azimuth]))[..., 0]
    mu, sine = np.cos(np.radians(zenith)), np.sin(np.radians(zenith))
    cosine = -np.outer(mu, mu) - np.outer(sine, sine) * np.cos(np.radians(azimuth))
    np.testing.assert_allclose(found, phase(cosine), rtol=2e-4)
    if azimuth == 0.0:
        assert found[0, 0] == pytest.approx(phase(-1.0), rel=2e-4)


def test_the_expansion_of_a_polynomial_is_the_polynomial(scripts):
    cosines = np.polynomial.legendre.leggauss(80)[0]
    known = np.array([1.0, 0.9, 0.5, 0.2])
    found = scripts["adding"].expansion(np.polynomial.legendre.legval(cosines, known))
    np.testing.assert_allclose(found[:4], known, atol=1e-12)
    np.testing.assert_allclose(found[4:], 0.0, atol=1e-10)
