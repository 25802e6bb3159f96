"""Coefficients of absorption by gases, fitted to the transmittances that 6S prints at each of its wavelengths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from runs import ALTITUDES, GAS_CASES, load

Floats = NDArray[np.float64]

_SEEN = 2e-5  # absorption below is lost in the five decimals of 6S
FIT_ERROR = {"water": 2.5e-5, "dry": 1e-3}
"""Largest difference of a fitted transmittance that is accepted; the dry gases reach it near 2.27 um only."""


def gases(folder: Path) -> dict[str, Floats]:
    """Return the coefficients of absorption, dims (pressure, gas_wavelength)."""
    fitted = [_fit_altitude(folder, z) for z in ALTITUDES]
    return {name: np.array([fit[name] for fit in fitted]) for name in fitted[0]}


def _fit_altitude(folder: Path, altitude: float) -> dict[str, Floats]:
    amounts, masses = [], []
    seen: dict[str, list[list[float]]] = {"water": [], "ozone": [], "dry": []}
    for k, (vapour, sun, view) in enumerate(GAS_CASES):
        answers = load(folder, f"gas_{altitude:.1f}_{k}")
        down, up = (1 / np.cos(np.radians(angle)) for angle in (sun, view))
        for way, mass in enumerate((down, up, down + up)):
            amounts.append(vapour * mass)
            masses.append(mass)
            for gas, rows in seen.items():
                rows.append([getattr(answer, gas)[way] for answer in answers])
    x, m = np.array(amounts), np.array(masses)
    shares = {gas: np.array(rows) for gas, rows in seen.items()}
    water = fit_goody(x, shares["water"])
    dry = fit_malkmus(m, shares["dry"])
    weight = (m * 300.0)[:, None]
    ozone = -(weight * np.log(shares["ozone"])).sum(0) / (weight**2).sum(0)
    return {
        "water_a": water[0],
        "water_b": water[1],
        "ozone_k": ozone,
        "dry_b": dry[0],
        "dry_c": dry[1],
        "dry_d": dry[2],
    }


def fit_goody(x: Floats, transmittance: Floats) -> tuple[Floats, Floats]:
    """Return a and b of exp(-a x / sqrt(1 + b x)) for each column of dims (x, wavelength)."""
    zeros = np.zeros(transmittance.shape[1])

    def at(b: Floats) -> tuple[Floats, ...]:
        curve = x[:, None] / np.sqrt(1 + b * x[:, None])
        a = _slope(curve, transmittance)
        return _misfit(a * curve, transmittance), a

    b, (a,) = _search(at, zeros - 16.0, zeros + 6.0)
    return _accepted("water", transmittance, a * x[:, None] / np.sqrt(1 + b * x[:, None]), (a, b))


def fit_malkmus(m: Floats, transmittance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return B, C and D of exp(-B (sqrt(1 + C m) - 1) - D m) for each column of dims (m, wavelength)."""
    zeros = np.zeros(transmittance.shape[1])
    line = np.broadcast_to(m[:, None], transmittance.shape)

    def at(c: Floats) -> tuple[Floats, ...]:
        curve = np.sqrt(1 + c * m[:, None]) - 1
        big_b, d = _slopes(curve, line, transmittance)
        return _misfit(big_b * curve + d * line, transmittance), big_b, d

    c, (big_b, d) = _search(at, zeros - 4.0, zeros + 12.0)
    depth = big_b * (np.sqrt(1 + c * m[:, None]) - 1) + d * line
    return _accepted("dry", transmittance, depth, (big_b, c, d))


def _depth(transmittance: Floats) -> tuple[Floats, Floats]:
    """Return optical depths, and the weights that make their misfit that of transmittances."""
    return -np.log(np.maximum(transmittance, 1e-6)), np.where(transmittance > 1e-4, transmittance, 0.0) ** 2


def _slope(curve: Floats, transmittance: Floats) -> Floats:
    depth, weight = _depth(transmittance)
    return np.asarray((weight * curve * depth).sum(0) / np.maximum((weight * curve**2).sum(0), 1e-30))


def _slopes(one: Floats, two: Floats, transmittance: Floats) -> tuple[Floats, Floats]:
    """Return the two least-squares coefficients, neither below zero."""
    depth, weight = _depth(transmittance)
    aa, ab, bb = ((weight * p * q).sum(0) for p, q in ((one, one), (one, two), (two, two)))
    ay, by = (weight * one * depth).sum(0), (weight * two * depth).sum(0)
    det = aa * bb - ab**2
    safe = np.where(det > 1e-12 * aa * bb, det, np.inf)
    a, b = (bb * ay - ab * by) / safe, (aa * by - ab * ay) / safe
    alone = (a < 0) | (b < 0) | ~np.isfinite(safe)
    with_one = ay**2 / np.maximum(aa, 1e-30) >= by**2 / np.maximum(bb, 1e-30)
    a = np.where(alone, np.where(with_one, ay / np.maximum(aa, 1e-30), 0.0), a)
    return a, np.where(alone, np.where(with_one, 0.0, by / np.maximum(bb, 1e-30)), b)


def _misfit(depth: Floats, transmittance: Floats) -> Floats:
    return np.asarray(((np.exp(-depth) - transmittance) ** 2).sum(0))


def _search(at: Callable[[Floats], tuple[Floats, ...]], low: Floats, high: Floats) -> tuple[Floats, tuple[Floats, ...]]:
    """Return the parameter, searched in its logarithm on ever finer grids, and the coefficients that go with it."""
    for _ in range(7):
        grid = np.linspace(low, high, 33)
        misfits = np.array([at(np.exp(row))[0] for row in grid])
        best = np.take_along_axis(grid, misfits.argmin(0)[None], 0)[0]
        step = (high - low) / 32
        low, high = best - 2 * step, best + 2 * step
    return np.exp(best), at(np.exp(best))[1:]


def _accepted(gas: str, transmittance: Floats, depth: Floats, found: tuple[Floats, ...]) -> Any:
    """Return the coefficients, zero where nothing is seen; stop where they do not reproduce 6S."""
    seen = transmittance.min(0) < 1 - _SEEN
    error = np.abs(np.exp(-np.where(seen, depth, 0.0)) - transmittance).max()
    if error > FIT_ERROR[gas]:
        raise SystemExit(f"transmittances of {gas} are fitted to {error:.1e} only (limit {FIT_ERROR[gas]:g})")
    return tuple(np.where(seen, coefficient, 0.0) for coefficient in found)
