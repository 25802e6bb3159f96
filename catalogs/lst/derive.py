"""Derive the coefficients of split window and single channel for every thermal sensor, and measure their error.

Usage: ``python catalogs/lst/derive.py [--out FOLDER]`` (about 2 minutes on one core; the same bytes every time)

Clear atmospheres of all climates (``profiles.py``) over surfaces 12 K colder to 30 K warmer than the air, of emissivity
0.90 to 1 and up to 0.03 apart in the two bands, are seen by each sensor through its spectral responses at seven angles
from 0 to 70 degrees (``transfer.py``). Two thirds of the atmospheres serve the fit, the others only the test.

- ``gsw.csv``: coefficients of the generalised split window, each a polynomial of the column of vapour w (g cm-2) and of
  s = 1 / cos(view zenith) - 1. Form ``vapour`` takes w, form ``none`` does without. Inputs have
  the errors of use, so that these are not magnified beyond what pays: 0.1 K of noise or half of what is specified (an
  upper limit: 0.4 K for TIRS), 10 % of vapour.
- ``psi.csv``: atmospheric functions of the single channel method, polynomials of w (g cm-2) in a view straight down.
  Under an angle psi1 and psi2 + psi3 take w / cos, the sky's psi3 alone w.
- ``mono_window.csv``: statistical mono-window by classes of vapour, as ``smw.csv``, for sensors that are not there.
- ``accuracy.csv``: root mean square error on the atmospheres of the test, without noise, by vapour and angle; and what
  10 % more continuum would change (its stated error). Also of the published coefficients in the other tables.
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

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that the script also runs when imported by a test

import profiles
import transfer

from musyq_lab.core.sensor import Band, Sensor
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import response

Floats = NDArray[np.float64]

HERE = Path(__file__).resolve().parent
ANGLES = np.array([0.0, 25.0, 40.0, 50.0, 58.0, 65.0, 70.0])
SHOWN = (0.0, 40.0, 58.0, 70.0)  # angles of accuracy.csv
VAPOUR = np.arange(0.0, 61.0, 10.0)  # kg m-2, middles of the classes of accuracy.csv
TERMS = {"vapour": ("1", "w", "w2", "w3", "s", "ws", "w2s", "s2", "ws2"), "none": ("1", "s", "s2")}
COEFFICIENTS = ("C", "A1", "A2", "A3", "B1", "B2", "B3", "D")
CONTINUUM_ERROR = 0.1
_OFFSETS = np.array([-12.0, -6.0, 0.0, 6.0, 12.0, 20.0, 30.0])  # surface minus air (K)
_EACH = {"fit": 60, "test": 30}  # atmospheres per 5 kg m-2
_SEEDS = {"fit": 20191, "test": 20192}
_NOISE, _VAPOUR_NOISE = 0.1, 0.1  # K; share of the column
_WIDTH, _FINE = 2.5, 0.05  # cm-1: half a step of the table, step of responses
_GRID = np.linspace(170.0, 390.0, 2201)
_CLASS, _CLASSES, _STEEP = 0.6, 10, 25.0  # g cm-2 and number of classes of the mono-window; degrees
_MOST_SLANT = 8.0  # g cm-2: beyond, the ground is hardly seen

Rows = list[list[str]]


class Seen(NamedTuple):
    """A band, ready to be looked through."""

    weights: Floats
    """Of each wavenumber for radiances per wavenumber, in the unit of the band's radiance per micrometre."""
    radiance: Floats
    """Of a black body at ``_GRID`` (W m-2 sr-1 um-1)."""


class Simulated(NamedTuple):
    """Everything about one set of atmospheres."""

    columns: list[transfer.Column]
    """As modelled, and with more continuum."""
    vapour: Floats
    """g cm-2."""
    surface: Floats
    """Temperature (K), dims (profile, angle, surface)."""
    emissivity: tuple[Floats, Floats]
    """In both bands."""


def pairs() -> Iterator[tuple[str, str, tuple[Band, ...]]]:
    """Yield (sensor, variant, its window bands) for rows that differ: two bands for split window, else one."""
    for key in SENSORS:
        spec, seen = SENSORS[key], set()
        for variant in spec.variants:
            bands = _window(spec, variant)
            facts = tuple((b.centre, b.fwhm) for b in bands)
            if bands and facts not in seen:
                alone = len({tuple((b.centre, b.fwhm) for b in _window(spec, v)) for v in spec.variants}) == 1
                yield key, "" if alone else variant, bands
            seen.add(facts)


def _window(spec: Sensor, variant: str) -> tuple[Band, ...]:
    rows = spec.bands_of(variant)
    second = next((b for b in rows[::-1] if b.name == "tir2"), None)
    first = [b for b in rows if b.name == "tir1" and (second is None or b.resolution == second.resolution)]
    return tuple(b for b in (*first[:1], second) if b is not None)


def look(key: str, variant: str, band: Band) -> Seen:
    """Return a band's weights on the wavenumbers of the table and its Planck function."""
    curve = response(key, band.native, variant)
    places, values = curve["wavelength"].values, curve.values
    fine = np.arange(transfer.WAVENUMBER[0] - _WIDTH, transfer.WAVENUMBER[-1] + _WIDTH, _FINE) + _FINE / 2
    seen = np.interp(1e4 / fine, places, values, left=0.0, right=0.0) / fine**2
    weights = seen.reshape(transfer.WAVENUMBER.size, -1).sum(1)
    weights *= 1e-4 * transfer.WAVENUMBER**2 / weights.sum()
    return Seen(weights, transfer.planck(_GRID) @ weights)


def simulate(kind: str) -> Simulated:
    """Return the radiation of the atmospheres of the fit or of the test."""
    air = profiles.draw(_EACH[kind], _SEEDS[kind])
    columns = [transfer.column(air, ANGLES, factor) for factor in (1.0, 1.0 + CONTINUUM_ERROR)]
    random = np.random.Generator(np.random.Philox(_SEEDS[kind] + 10))
    shape = (air.column.size, ANGLES.size, _OFFSETS.size)
    temperature = air.temperature[:, :1, None] + _OFFSETS + np.zeros(shape)
    first = random.uniform(0.90, 1.0, shape)
    second = np.clip(first + random.uniform(-0.03, 0.03, shape), 0.9, 1.0)
    return Simulated(columns, 0.1 * air.column, temperature, (first, second))


def top(seen: Seen, simulated: Simulated, column: transfer.Column, emissivity: Floats) -> Floats:
    """Return the radiance at the top (W m-2 sr-1 um-1), dims (profile, angle, surface)."""
    through = column.transmittance * seen.weights
    layers = np.moveaxis(simulated.surface, -1, 0)
    emitted = np.stack([np.einsum("pan,pan->pa", through, transfer.planck(t)) for t in layers], -1)
    sky = np.einsum("pan,pn->pa", through, column.downward[:, 0])[..., None]
    radiance: Floats = emissivity * emitted + (1 - emissivity) * sky + (column.upward @ seen.weights)[..., None]
    return radiance


def temperature(seen: Seen, radiance: Floats) -> Floats:
    """Return the brightness temperature of a band (K)."""
    return np.interp(radiance, seen.radiance, _GRID)


def fit(rows: Floats, truth: Floats) -> Floats:
    """Return least squares coefficients, columns scaled to unit length."""
    scale = np.sqrt((rows**2).sum(0))
    found: Floats = np.linalg.lstsq(rows / scale, truth, rcond=1e-12)[0] / scale
    return found


def predictors(first: Floats, second: Floats, e1: Floats, e2: Floats) -> Floats:
    """Return what the coefficients C, A1 ... D of the split window multiply, in a last dimension."""
    e, difference = 0.5 * (e1 + e2), e1 - e2
    y, z = (1 - e) / e, difference / e**2
    mean, half = 0.5 * (first + second), 0.5 * (first - second)
    return np.stack([np.ones_like(e), mean, y * mean, z * mean, half, y * half, z * half, (first - second) ** 2], -1)


def terms(vapour: Floats, form: str, shape: tuple[int, ...]) -> Floats:
    """Return the polynomial of w (g cm-2) and s = 1 / cos - 1 that each coefficient is, in a last dimension."""
    w, s = vapour[:, None, None], (1 / np.cos(np.radians(ANGLES)) - 1)[:, None]
    every = {"1": 1, "w": w, "w2": w**2, "w3": w**3, "s": s, "ws": w * s, "w2s": w**2 * s, "s2": s**2, "ws2": w * s**2}
    return np.stack([every[name] + np.zeros(shape) for name in TERMS[form]], -1)


def design(seen: list[Floats], emissivity: tuple[Floats, Floats], vapour: Floats, form: str) -> Floats:
    """Return the columns of the regression, dims (sample, coefficient x term)."""
    x, t = predictors(*seen, *emissivity), terms(vapour, form, seen[0].shape)
    made: Floats = (x[..., :, None] * t[..., None, :]).reshape(seen[0].size, -1)
    return made


def split_window(key: str, variant: str, bands: tuple[Band, ...], sets: dict[str, Simulated]) -> tuple[Rows, Rows]:
    """Return rows of ``gsw.csv`` and of ``accuracy.csv`` for a sensor."""
    looks, random = [look(key, variant, band) for band in bands], np.random.Generator(np.random.Philox(7))
    seen = {
        kind: [
            [temperature(k, top(k, one, c, e)) for k, e in zip(looks, one.emissivity, strict=True)] for c in one.columns
        ]
        for kind, one in sets.items()
    }
    noise = [max(_NOISE, 0.5 * (band.nedt or 0.0)) for band in bands]
    noisy = [t + random.normal(0, sigma, t.shape) for t, sigma in zip(seen["fit"][0], noise, strict=True)]
    coefficients: Rows = []
    errors: Rows = []
    one, other = sets["fit"], sets["test"]
    for form, names in TERMS.items():
        vapour = one.vapour * random.normal(1.0, _VAPOUR_NOISE, one.vapour.shape)
        found = fit(design(noisy, one.emissivity, vapour, form), one.surface.ravel())
        for name, row in zip(COEFFICIENTS, found.reshape(len(COEFFICIENTS), -1), strict=True):
            named = dict(zip(names, row, strict=True))
            numbers = (f"{named.get(term, 0.0):.9g}" for term in TERMS["vapour"])
            coefficients.append([key, variant, form, name, *numbers])
        made = [
            (design(s, other.emissivity, other.vapour, form) @ found).reshape(other.surface.shape) for s in seen["test"]
        ]
        errors += accuracy([key, variant, "gsw", form], other, *made)
    return coefficients, errors


def accuracy(head: list[str], test: Simulated, made: Floats, changed: Floats) -> Rows:
    """Return rows of ``accuracy.csv``: errors by vapour and angle, and what more continuum changes."""
    rows, place = [], np.rint(test.vapour).astype(int)
    for node, vapour in enumerate(VAPOUR):
        for angle in SHOWN:
            at = (place == node, int(np.flatnonzero(angle == ANGLES)[0]))
            error, change = (made - test.surface)[at], (changed - made)[at]
            numbers = (error.mean(), np.sqrt((error**2).mean()), np.sqrt((change**2).mean()))
            rows.append([*head, f"{vapour:g}", f"{angle:g}", *(f"{x:.3f}" for x in numbers), str(error.size)])
    return rows


def published(key: str, variant: str, bands: tuple[Band, ...], test: Simulated) -> Rows:
    """Return rows of ``accuracy.csv`` for published coefficients (``split_window.csv``, ``smw.csv``)."""
    looks = [look(key, variant, band) for band in bands]
    seen = [
        [temperature(k, top(k, test, c, e)) for k, e in zip(looks, test.emissivity, strict=False)] for c in test.columns
    ]
    w, errors = test.vapour[:, None, None], []
    e1, e2 = test.emissivity
    for row in _rows("split_window", key, variant) if len(bands) > 1 else ():
        c = [float(row[f"c{k}"]) for k in range(7)]
        grey = (c[3] + c[4] * w) * (1 - 0.5 * (e1 + e2)) + (c[5] + c[6] * w) * (e1 - e2)
        made = [t1 + c[0] + c[1] * (t1 - t2) + c[2] * (t1 - t2) ** 2 + grey for t1, t2 in seen]
        errors += accuracy([key, row["variant"], "split_window", row["set"]], test, *made)
    by_class = _rows("smw", key, variant)
    for platform in sorted({row["variant"] for row in by_class}):
        rows = [row for row in by_class if row["variant"] == platform]
        a, b, c = (np.interp(w, 0.6 * (np.arange(len(rows)) + 0.5), [float(row[n]) for row in rows]) for n in "ABC")
        made = [(a * t[0] + b) / e1 + c for t in seen]
        errors += accuracy([key, platform, "smw", "vapour"], test, *made)
    return errors


def mono_window(key: str, variant: str, band: Band, sets: dict[str, Simulated]) -> tuple[Rows, Rows]:
    """Return rows of ``mono_window.csv`` and of ``accuracy.csv`` for a band without published coefficients."""
    seen = look(key, variant, band)
    one, test, steep = sets["fit"], sets["test"], ANGLES <= _STEEP
    t, e = temperature(seen, top(seen, one, one.columns[0], one.emissivity[0])), one.emissivity[0]
    rows, found = [], []
    for k in range(_CLASSES):
        here = (one.vapour >= _CLASS * k) & ((one.vapour < _CLASS * (k + 1)) | (k == _CLASSES - 1))
        t1, e1, truth = (x[here][:, steep].ravel() for x in (t, e, one.surface))
        found.append(fit(np.stack([t1 / e1, 1 / e1, np.ones_like(e1)], -1), truth))
        rows.append([key, variant, str(k), *(f"{x:.6g}" for x in found[-1])])
    middles = _CLASS * (np.arange(_CLASSES) + 0.5)
    a, b, c = (np.interp(test.vapour, middles, row)[:, None, None] for row in np.array(found).T)
    made = [
        (a * temperature(seen, top(seen, test, x, test.emissivity[0])) + b) / test.emissivity[0] + c
        for x in test.columns
    ]
    return rows, accuracy([key, variant, "smw", "vapour"], test, *made)


def _rows(table: str, key: str, variant: str) -> list[dict[str, str]]:
    with (HERE / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [row for row in rows if row["sensor"] == key and variant in ("", row["variant"])]


def functions(seen: Seen, simulated: Simulated, column: transfer.Column) -> tuple[Floats, Floats, Floats]:
    """Return 1 / transmittance, path radiance over transmittance and sky radiance, dims (profile, angle)."""
    black = transfer.planck(simulated.surface[:, 0, 2]) * seen.weights
    through = np.einsum("pan,pn->pa", column.transmittance, black) / black.sum(-1)[:, None]
    up, down = column.upward @ seen.weights, column.downward @ seen.weights
    return 1 / through, up / through, down


def single_channel(key: str, variant: str, band: Band, sets: dict[str, Simulated]) -> tuple[Rows, Rows]:
    """Return the row of ``psi.csv`` and rows of ``accuracy.csv`` for a band."""
    seen, one, test = look(key, variant, band), sets["fit"], sets["test"]
    slant, straight = 1 / np.cos(np.radians(ANGLES)), np.ones(1)
    found = []
    for value, path in zip(functions(seen, one, one.columns[0]), (slant, slant, straight), strict=True):
        w = one.vapour[:, None] * path
        inside = w <= _MOST_SLANT
        weight = 1 / (0.5 + w[inside])  # what scatters the more, the more vapour there is
        found.append(fit(np.stack([w**2, w, np.ones_like(w)], -1)[inside] * weight[:, None], value[inside] * weight))
    psi = [found[0], -found[1] - found[2], found[2]]
    b_gamma = 14387.76877 / band.centre
    made = [_by_functions(seen, test, c, psi, b_gamma) for c in test.columns]
    numbers = [f"{b_gamma:.6g}", *(f"{x:.6g}" for row in psi for x in row)]
    return [[key, variant, band.native, *numbers]], accuracy([key, variant, "single_channel", "vapour"], test, *made)


def _by_functions(seen: Seen, test: Simulated, column: transfer.Column, found: list[Floats], b: float) -> Floats:
    radiance, emissivity = top(seen, test, column, test.emissivity[0]), test.emissivity[0]
    t = temperature(seen, radiance)
    w = test.vapour[:, None, None]
    x = w / np.cos(np.radians(ANGLES))[:, None]
    sky = np.polyval(found[2], w)
    below = np.polyval(found[0], x) * radiance + np.polyval(found[1], x) + np.polyval(found[2], x) - sky
    made: Floats = t**2 / (b * radiance) * (below / emissivity + sky) + t - t**2 / b
    return made


def _write(path: Path, comment: str, head: str, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("".join(f"# {line}\n" for line in comment.splitlines()) + head + "\n")
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE)
    out = parser.parse_args().out
    sets = {kind: simulate(kind) for kind in _SEEDS}
    gsw: Rows = []
    psi: Rows = []
    mono: Rows = []
    errors: Rows = []
    for key, variant, bands in pairs():
        print(key, variant, [band.native for band in bands])
        made = [single_channel(key, variant, bands[0], sets)]
        psi += made[0][0]
        if not _rows("smw", key, variant):
            made.append(mono_window(key, variant, bands[0], sets))
            mono += made[-1][0]
        if len(bands) > 1:
            made.append(split_window(key, variant, bands, sets))
            gsw += made[-1][0]
        errors += [row for _, rows in made for row in rows] + published(key, variant, bands, sets["test"])
    source = "Made by catalogs/lst/derive.py; how, is told there. No measurement went in."
    _write(out / "gsw.csv", source, "sensor,variant,form,coefficient," + ",".join(TERMS["vapour"]), gsw)
    _write(out / "mono_window.csv", source, "sensor,variant,class,A,B,C", mono)
    functions_head = ",".join(f"psi{k}_{term}" for k in (1, 2, 3) for term in ("w2", "w", "1"))
    _write(out / "psi.csv", source, f"sensor,variant,band,b_gamma,{functions_head}", psi)
    units = "vapour in kg m-2 (middle of the class), angle in degrees, bias, rmse and continuum (10 % more) in K"
    head = "sensor,variant,method,form,vapour,angle,bias,rmse,continuum,count"
    _write(out / "accuracy.csv", f"{source}\n{units}", head, errors)


if __name__ == "__main__":
    main()
