r"""Multiple scattering of a plane atmosphere by adding and doubling: the shape between the few runs of 6S.

Scalar, for molecules of scale height 8 km and aerosol of 2 km, as 6S has them. What polarization and the quadrature
of 6S change is the difference from its runs, which is ten times as small and smooth (:mod:`tables`).

Equations and symbols: de Haan, Bosma & Hovenier (1987), Astron. Astrophys. 183, 371-391; the start is single
scattering by a thin layer (Hansen & Travis 1974, doi:10.1007/BF00168069). Each matrix holds a reflection or
transmission function at pairs of angles, for each order of the Fourier series in azimuth. The angles of the table join
those of the quadrature with the weight zero, so that nothing is interpolated.
"""

from __future__ import annotations

from itertools import pairwise
from math import lgamma
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import lpmv

Floats = NDArray[np.float64]

STREAMS = 16
ORDERS = 14
"""Of azimuth; the last adds less than 1e-4 of the reflectance."""
LAYERS = 10
THIN = 1e-4
"""Optical depth at which doubling starts."""

_EDGE = 20.0  # deg, where the forward peak begins that 6S does not print


def complete(angles: Floats, known: Floats) -> Floats:
    """Return the phase function at the 80 nodes of 6S: its forward peak is exponential, and closes the mean to 1.

    Parameters
    ----------
    angles : array
        Rising scattering angles (deg) that are known, those of the quadrature beyond 20 deg.
    known : array
        Phase function there.
    """
    cosines, weights = np.polynomial.legendre.leggauss(80)
    every = np.degrees(np.arccos(cosines))
    beyond = every > _EDGE
    phase = np.interp(every, angles, known)

    def peaked(rate: float) -> Floats:
        return np.where(beyond, phase, known[0] * np.exp(rate * np.maximum(angles[0] - every, 0.0)))

    rate = brentq(lambda r: float(weights @ peaked(r)) / 2 - 1, 0.0, 2.0)
    return peaked(float(rate))


def expansion(phase: Floats) -> Floats:
    """Return the coefficients of Legendre polynomials of a phase function at the 80 nodes."""
    cosines, weights = np.polynomial.legendre.leggauss(80)
    polynomials = np.polynomial.legendre.legvander(cosines, 79)
    return np.asarray((2 * np.arange(80) + 1) / 2 * (polynomials.T @ (weights * phase)))


class Slab(NamedTuple):
    """Reflection and transmission functions of a layer, dims (order, angle, angle), and its direct beam (angle)."""

    reflected: Floats
    transmitted: Floats
    reflected_below: Floats
    transmitted_below: Floats
    beam: Floats

    def turned(self) -> Slab:
        """Return it upside down."""
        return Slab(self.reflected_below, self.transmitted_below, self.reflected, self.transmitted, self.beam)


class Solver:
    """Reflection of atmospheres at fixed zenith angles.

    Parameters
    ----------
    zenith : array
        Of Sun and view (deg).
    """

    def __init__(self, zenith: Floats) -> None:
        nodes, weights = np.polynomial.legendre.leggauss(STREAMS)
        inner = (nodes + 1) / 2
        self.mu = np.concatenate([inner, np.cos(np.radians(zenith))])
        self.weight = np.concatenate([inner * weights, np.zeros(len(zenith))])  # 2 mu dmu
        self.sum = self.mu[:, None] + self.mu
        self.mass = 1 / self.mu[:, None] + 1 / self.mu

    def harmonics(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """Return a phase function downward (transmitted) and upward (reflected), dims (order, angle, angle)."""
        shape = (ORDERS, self.mu.size, self.mu.size)
        same, back = np.zeros(shape), np.zeros(shape)
        for m in range(ORDERS):
            for degree in range(m, coefficients.size):
                scale = np.exp((lgamma(degree - m + 1) - lgamma(degree + m + 1)) / 2)
                values = scale * lpmv(m, degree, self.mu)
                term = coefficients[degree] * np.outer(values, values)
                same[m] += term
                back[m] += term * (-1) ** (degree + m)
        return same, back

    def multiple(
        self, molecules: float, aerosol: float, albedo: float, phases: tuple[tuple[Floats, Floats], ...]
    ) -> Floats:
        """Return the light reflected after two scatterings or more, dims (order, zenith, zenith).

        Parameters
        ----------
        molecules, aerosol : float
            Optical depths.
        albedo : float
            Single scattering albedo of the aerosol.
        phases : pair
            Harmonics of molecules and aerosol.
        """
        fine = np.linspace(0, 1, 2001)
        depth = molecules * fine + aerosol * fine**4
        edges = np.interp(np.linspace(0, depth[-1], LAYERS + 1), depth, fine)
        above, once = 0.0, np.zeros(())
        whole: Slab | None = None
        for top, bottom in pairwise(edges):
            clear, hazy = molecules * (bottom - top), aerosol * (bottom**4 - top**4)
            layer = clear + hazy
            same, back = ((clear * r + hazy * albedo * a) / layer for r, a in zip(*phases, strict=True))
            once = once + back / (4 * self.sum) * np.exp(-self.mass * above) * -np.expm1(-self.mass * layer)
            above += layer
            below = self._layer(layer, same, back)
            whole = self._add(whole, below) if whole else below
        assert whole is not None
        return np.asarray((whole.reflected - once)[:, STREAMS:, STREAMS:])

    def _layer(self, depth: float, same: Floats, back: Floats) -> Slab:
        """Return a uniform layer, by doubling."""
        doublings = max(0, int(np.ceil(np.log2(depth / THIN))))
        thin = depth / 2**doublings
        first, second = self.mu[:, None], self.mu[None, :]
        reflected = back / (4 * self.sum) * -np.expm1(-thin * self.mass)
        apart = np.where(np.abs(first - second) < 1e-9, np.inf, first - second)
        passed = (np.exp(-thin / first) - np.exp(-thin / second)) / (4 * apart)
        transmitted = same * np.where(np.isinf(apart), thin / (4 * first**2) * np.exp(-thin / first), passed)
        slab = Slab(reflected, transmitted, reflected, transmitted, np.exp(-thin / self.mu))
        for _ in range(doublings):
            both = self._lit(slab, slab)
            slab = Slab(*both, *both, slab.beam**2)
        return slab

    def _add(self, top: Slab, bottom: Slab) -> Slab:
        """Return two slabs as one."""
        return Slab(*self._lit(top, bottom), *self._lit(bottom.turned(), top.turned()), top.beam * bottom.beam)

    def _lit(self, first: Slab, second: Slab) -> tuple[Floats, Floats]:
        """Return reflection and transmission of two slabs that are lit from the side of the first."""
        product = self._product(first.reflected_below, second.reflected)
        series = np.linalg.solve(np.eye(self.mu.size) - product * self.weight, product)
        onward = first.transmitted + series * first.beam + self._product(series, first.transmitted)
        returned = second.reflected * first.beam + self._product(second.reflected, onward)
        back = first.transmitted_below
        reflected = first.reflected + first.beam[:, None] * returned + self._product(back, returned)
        further = second.transmitted * first.beam + self._product(second.transmitted, onward)
        return reflected, second.beam[:, None] * onward + further

    def _product(self, left: Floats, right: Floats) -> Floats:
        """Return the integral over all directions between two functions."""
        return np.asarray((left * self.weight) @ right)


def at_azimuth(multiple: Floats, azimuth: Floats) -> Floats:
    """Return the sum of a Fourier series at relative azimuths (deg, 0 for backscatter), dims (..., azimuth)."""
    orders = np.arange(ORDERS)
    turn = np.pi - np.radians(azimuth)
    waves = np.where(orders == 0, 1.0, 2.0)[:, None] * np.cos(orders[:, None] * turn)
    return np.asarray(np.einsum("mij,ma->ija", multiple, waves))
