"""Derive what the air does to the bands of TES from water vapour and air temperature, and measure the error it leaves.

Usage: ``python catalogs/emissivity/derive.py [--out FOLDER]`` (about 2 minutes on one core; the same bytes every time)

Clear atmospheres of all climates and their radiation are those of ``catalogs/lst`` (``profiles.py``, ``transfer.py``),
seen through the response of each sensor that has a band at 8.6 um; ``*`` has the bands that the roles are called after.
With w the column of vapour (g cm-2), s = 1 / cos(view zenith) - 1, x = w (1 + s) and u = T_air / 300 K - 1:

- ``t``: - ln(transmittance) = t . (1, s, x, x2, x u, x2 u, sqrt x)
- ``p``: path radiance / [(1 - transmittance) B(T_air)] = p . (1, s, x, x2, x u, x2 u, sqrt x)
- ``d``: - ln(1 - sky radiance / B(T_air)) = d . (1, w, w2, w u, w2 u, sqrt w)

``atmosphere.csv`` holds the numbers, fitted up to x = 4.5 g cm-2. ``accuracy.csv`` holds the root mean square error of
the emissivities and of the temperature (K) that TES then finds over the materials of ``spectra.csv``, 0 to 20 K warmer
than the air, in views up to 58 degrees, on atmospheres that did not serve the fit: with exact vapour and temperature of
the air (``exact``), and with errors of 10 % and 1 kg m-2, 1.5 K, 0.2 K in each band, and a continuum of vapour that is
10 % stronger than the fit's (``real``).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lst"))  # the atmospheres of the surface temperature

import profiles
import transfer

from musyq_lab.products import _tes
from musyq_lab.products._emissivity import ROLES, band_emissivity, band_response
from musyq_lab.sensors._registry import SENSORS

Floats = NDArray[np.float64]

HERE = Path(__file__).resolve().parent
ANGLES = np.array([0.0, 25.0, 40.0, 50.0, 58.0, 65.0])
MOST = 4.5  # g cm-2 along the view
CLASSES = ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.5))  # g cm-2 along the view
WARMER = (0.0, 10.0, 20.0)  # K
_EACH, _SEEDS = {"fit": 40, "test": 15}, {"fit": 30191, "test": 30192}
_STEEPEST = 58.0
_CONTINUUM, _NOISE, _AIR_ERROR = 1.1, 0.2, 1.5  # factor; K; K
_HEAD = [*(f"t{k}" for k in range(7)), *(f"p{k}" for k in range(7)), *(f"d{k}" for k in range(6))]


class Air(NamedTuple):
    """One set of atmospheres, dims (profile, angle) and (profile,)."""

    column: transfer.Column
    stronger: transfer.Column
    """With more continuum."""
    vapour: Floats
    """g cm-2."""
    temperature: Floats
    """K, near the ground."""


class Band(NamedTuple):
    """What the air does in a band."""

    transmittance: Floats
    path: Floats
    sky: Floats


def rows() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield sensor, variant and roles for bands that differ."""
    yield "*", "", ROLES
    for key in SENSORS:
        spec, seen = SENSORS[key], set()
        for variant in spec.variants:
            bands = [b for b in spec.bands_of(variant) if b.name in ROLES]
            facts = tuple(sorted({(b.name, b.centre, b.fwhm) for b in bands}))
            if {"tir_8_6", "tir1", "tir2"} <= {b.name for b in bands} and facts not in seen:
                yield key, variant, tuple(role for role in ROLES if role in {b.name for b in bands})
            seen.add(facts)


def weights(role: str, sensor: str) -> Floats:
    """Return a band's weights on the wavenumbers of the table, in the unit of radiances per micrometre."""
    fine, seen = band_response(role, sensor)
    place = 1e4 / fine
    found = np.zeros(transfer.WAVENUMBER.size)
    step = transfer.WAVENUMBER[1] - transfer.WAVENUMBER[0]
    for shift in (-1, 0, 1):
        index = np.rint((place - transfer.WAVENUMBER[0]) / step).astype(int) + shift
        inside = (index >= 0) & (index < found.size)
        hat = np.clip(1.0 - np.abs(place[inside] - transfer.WAVENUMBER[index[inside]]) / step, 0.0, 1.0)
        np.add.at(found, index[inside], seen[inside] * hat)
    return found / found.sum() * 1e-4 * transfer.WAVENUMBER**2


def simulate(kind: str) -> Air:
    """Return the atmospheres of the fit or of the test."""
    air = profiles.draw(_EACH[kind], _SEEDS[kind])
    columns = (transfer.column(air, ANGLES, factor) for factor in (1.0, _CONTINUUM))
    return Air(*columns, 0.1 * air.column, air.temperature[:, 0])


def through(column: transfer.Column, temperature: Floats, seen: Floats) -> Band:
    """Return transmittance, path and sky radiance of a band over a surface near the temperature of the air."""
    black = transfer.planck(temperature + 5.0) * seen
    tau = np.einsum("pan,pn->pa", column.transmittance, black) / black.sum(-1)[:, None]
    return Band(tau, column.upward @ seen, (column.downward @ seen)[:, 0])


def terms(vapour: Floats, temperature: Floats, s: Floats | None = None) -> Floats:
    """Return the columns of the regressions; those of the sky without ``s``."""
    x = vapour if s is None else vapour * (1.0 + s)
    u = temperature / 300.0 - 1.0
    first = [np.ones_like(x)] if s is None else [np.ones_like(x), s]
    return np.stack([*first, x, x**2, x * u, x**2 * u, np.sqrt(x)], -1)


def fit(columns: Floats, truth: Floats, weight: Floats) -> Floats:
    """Return weighted least squares coefficients, columns scaled to unit length."""
    scaled = columns * weight[:, None]
    scale = np.sqrt((scaled**2).sum(0))
    found: Floats = np.linalg.lstsq(scaled / scale, truth * weight, rcond=1e-12)[0] / scale
    return found


def coefficients(air: Air, role: str, sensor: str) -> Floats:
    """Return t, p and d of a band."""
    band = through(air.column, air.temperature, weights(role, sensor))
    s = np.broadcast_to(1.0 / np.cos(np.radians(ANGLES)) - 1.0, band.transmittance.shape)
    w, t = (np.broadcast_to(x[:, None], s.shape) for x in (air.vapour, air.temperature))
    inside = w * (1.0 + s) < MOST
    columns, tau = terms(w[inside], t[inside], s[inside]), band.transmittance[inside]
    near = _tes.black_body(t[inside], role, sensor)
    below = air.vapour < MOST
    share = (band.sky / _tes.black_body(air.temperature, role, sensor))[below]
    sky = fit(terms(air.vapour[below], air.temperature[below]), -np.log1p(-share), 1.0 - share)
    return np.concatenate(
        [
            fit(columns, -np.log(tau), tau),
            fit(columns, band.path[inside] / ((1.0 - tau) * near), 1.0 - tau),
            sky,
        ]
    )


def accuracy(air: Air, roles: tuple[str, ...], sensor: str, found: dict[str, Floats]) -> dict[str, list[list[float]]]:
    """Return, by role and for the temperature, the errors in each class: exact and real."""
    seen = {role: weights(role, sensor) for role in roles}
    plain, strong = (
        {role: through(column, air.temperature, seen[role]) for role in roles} for column in (air.column, air.stronger)
    )
    materials = {role: np.array(list(band_emissivity(role, sensor).values())) for role in roles}
    random = np.random.Generator(np.random.Philox(5))
    drawn = [random.normal(0, 1, air.vapour.size) for _ in range(2 + len(roles))]
    w = np.maximum(air.vapour + drawn[0] * np.hypot(0.1 * air.vapour, 0.1), 0.02)
    shifted = [(plain, air.vapour, air.temperature, 0.0), (strong, w, air.temperature + _AIR_ERROR * drawn[1], _NOISE)]
    squares: dict[str, list[list[float]]] = {}
    for low, high in CLASSES:
        parts: list[list[Floats]] = [[] for _ in (*roles, "temperature")]
        for angle, zenith in enumerate(ANGLES[ANGLES <= _STEEPEST]):
            slant = air.vapour / np.cos(np.radians(zenith))
            here = (slant >= low) & (slant < high)
            for warmer in WARMER:
                surface = air.temperature[here] + warmer
                for bands, vapour, near, noise in shifted:
                    top = {r: _top(bands[r], angle, here, surface, seen[r], materials[r]) for r in roles}
                    bt = [
                        _tes.brightness(top[r], r, sensor) + noise * drawn[2 + k][here][:, None]
                        for k, r in enumerate(roles)
                    ]
                    light, sky = _tes.at_surface(
                        bt, roles, sensor, 10 * vapour[here][:, None], near[here][:, None], zenith, numbers=found
                    )
                    made = _tes.separate(light, sky, roles, sensor)
                    for k, role in enumerate(roles):
                        parts[k].append((made.emissivity[k] - materials[role]).ravel())
                    parts[-1].append((made.temperature - surface[:, None]).ravel())
        for name, errors in zip((*roles, "temperature"), parts, strict=True):
            pair = [np.concatenate(errors[k::2]) for k in (0, 1)]
            squares.setdefault(name, []).append([float(np.sqrt(np.nanmean(e**2))) for e in pair])
    return squares


def _top(band: Band, angle: int, here: Floats, surface: Floats, seen: Floats, e: Floats) -> Floats:
    """Return the radiance at the top of the atmosphere over each material."""
    emitted = (transfer.planck(surface) @ seen)[:, None]
    below = e * emitted + (1.0 - e) * band.sky[here][:, None]
    return band.transmittance[here, angle][:, None] * below + band.path[here, angle][:, None]


def _write(path: Path, head: list[str], table: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("# Made by catalogs/emissivity/derive.py; how, is told there. No measurement went in.\n")
        csv.writer(file, lineterminator="\n").writerows([head, *table])
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE)
    out = parser.parse_args().out
    sets = {kind: simulate(kind) for kind in _SEEDS}
    table: list[list[str]] = []
    errors: list[list[str]] = []
    for key, variant, roles in rows():
        sensor = "" if key == "*" else f"{key}/{variant}"
        print(key, variant, roles)
        found = {role: coefficients(sets["fit"], role, sensor) for role in roles}
        table += [[key, variant, role, *(f"{x:.7g}" for x in found[role])] for role in roles]
        for name, classes in accuracy(sets["test"], roles, sensor, found).items():
            for (low, high), (exact, real) in zip(CLASSES, classes, strict=True):
                errors.append([key, variant, name, f"{5 * (low + high):g}", f"{exact:.4f}", f"{real:.4f}"])
    _write(out / "atmosphere.csv", ["sensor", "variant", "role", *_HEAD], table)
    _write(out / "accuracy.csv", ["sensor", "variant", "what", "vapour", "exact", "real"], errors)


if __name__ == "__main__":
    main()
