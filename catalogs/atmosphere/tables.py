"""From the runs of 6S to the arrays of ``atmosphere.nc``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from runs import (
    ALTITUDES,
    AOD,
    AZIMUTHS,
    BLUE,
    GAS_CASES,
    GAS_WAVELENGTHS,
    NODES,
    PATH_NODES,
    RAYLEIGH_AZIMUTHS,
    RAYLEIGH_WAVELENGTHS,
    RAYLEIGH_ZENITHS,
    SCATTERING_ANGLES,
    TRANSMITTANCE_ZENITHS,
    ZENITHS,
    depends,
    load,
    pairs,
)

from musyq_lab.standard import _sixs
from musyq_lab.standard._atmosphere_band import single_scattering, spline_matrix

Floats = NDArray[np.float64]

_SEEN = 2e-5  # absorption below is lost in the five decimals of 6S
FIT_ERROR = {"water": 2.5e-5, "dry": 1e-3}
"""Largest difference of a fitted transmittance that is accepted."""


def pressures(folder: Path) -> Floats:
    """Return the surface pressures of the altitudes (hPa)."""
    return np.array([load(folder, f"transmittance_{NODES[0]:.4f}_{z:.1f}_0.0")[0].pressure for z in ALTITUDES])


def optics(folder: Path) -> dict[str, Floats]:
    """Return optical depths (of molecules at sea level, of aerosol of 1 at 550 nm), albedo and phase function."""
    hazy = [load(folder, f"transmittance_{w:.4f}_0.0_{AOD[-1]:.1f}")[0] for w in NODES]
    return {
        "rayleigh_depth": np.array([r.depth[0] for r in hazy]),
        "aerosol_depth": np.array([r.depth[1] / AOD[-1] for r in hazy]),
        "aerosol_albedo": np.array([r.aerosol_albedo for r in hazy]),
        "phase": np.array([[r.phase[1] for r in load(folder, f"phase_{w:.4f}")] for w in NODES]),
    }


def scattering(folder: Path) -> dict[str, Floats]:
    """Return transmittance (wavelength, pressure, aod, zenith) and spherical albedo (wavelength, pressure, aod)."""
    found = [[[_of_haze(folder, w, z, a) for a in (0.0, *AOD)] for z in ALTITUDES] for w in NODES]
    return {
        "transmittance": np.array([[[t for t, _ in row] for row in block] for block in found]),
        "spherical_albedo": np.array([[[s for _, s in row] for row in block] for block in found]),
    }


def _of_haze(folder: Path, wavelength: float, altitude: float, aod: float) -> tuple[Floats, float]:
    if aod == 0 or depends(wavelength, altitude):
        rows = load(folder, f"transmittance_{wavelength:.4f}_{altitude:.1f}_{aod:.1f}")
        return np.array([share for row in rows for share in (row.down, row.up)]), rows[0].spherical_albedo
    (low, s_low), (clear, s_clear), (high, s_high) = (
        _of_haze(folder, wavelength, z, a) for z, a in ((0.0, aod), (0.0, 0.0), (altitude, 0.0))
    )
    return low * high / clear, s_low + s_high - s_clear


def rayleigh(folder: Path) -> dict[str, Floats]:
    """Return the light that molecules scatter more than once, dims (depth, zenith, zenith, azimuth)."""
    size = len(RAYLEIGH_ZENITHS)
    depths, blocks = [], []
    for wavelength in reversed(RAYLEIGH_WAVELENGTHS):
        answers = iter(load(folder, f"rayleigh_{wavelength:.4f}"))
        block = np.empty((size, size, len(RAYLEIGH_AZIMUTHS)))
        for i in range(size):
            for j in range(i + 1):
                for k in range(len(RAYLEIGH_AZIMUTHS)):
                    one = next(answers)
                    value = one.path - _once(one, RAYLEIGH_ZENITHS[i], RAYLEIGH_ZENITHS[j])[1]
                    block[i, j, k] = block[j, i, k] = value
        depths.append(one.depth[0])
        blocks.append(block)
    return {"rayleigh_depths": np.array(depths), "rayleigh_multiple": np.array(blocks)}


def aerosol(folder: Path) -> dict[str, Floats]:
    """Return what aerosol adds to it, dims (wavelength, pressure, aod, sun, view, azimuth)."""
    height = pressures(folder)
    stored = np.empty((len(PATH_NODES), 3, len(AOD), len(ZENITHS), len(ZENITHS) - 1, len(AZIMUTHS)))
    for w, wavelength in enumerate(PATH_NODES):
        for a, aod in enumerate(AOD):
            low = _multiple(folder, wavelength, ALTITUDES[0], aod)
            high = _multiple(folder, wavelength, ALTITUDES[2], aod) if depends(wavelength, ALTITUDES[2]) else low
            share = (height[1] - height[0]) / (height[2] - height[0])
            between = low + share * (high - low)
            middle = _multiple(folder, wavelength, ALTITUDES[1], aod) if wavelength < BLUE else between
            stored[w, :, a] = low, middle, high
    return {"aerosol_multiple": stored}


def _multiple(folder: Path, wavelength: float, altitude: float, aod: float) -> Floats:
    answers = iter(load(folder, f"path_{wavelength:.4f}_{altitude:.1f}_{aod:.1f}"))
    block = np.full((len(ZENITHS), len(ZENITHS), len(AZIMUTHS)), np.nan)
    phase = _phase(folder, wavelength)
    for sun, view in pairs():
        i, j = ZENITHS.index(sun), ZENITHS.index(view)
        for k in range(len(AZIMUTHS) if view else 1):
            one = next(answers)
            both, clear = _once(one, sun, view, phase(sun, view, AZIMUTHS[k] if view else 90.0))
            value = one.path - one.path_rayleigh - both + clear
            block[i, j, slice(None) if not view else k] = block[j, i, slice(None) if not view else k] = value
    return block[:, :-1]


def _phase(folder: Path, wavelength: float) -> Callable[[float, float, float], float]:
    """Return the smooth phase function of aerosol by Sun and view zenith and relative azimuth."""
    cosines = np.cos(np.radians(np.array(SCATTERING_ANGLES)))[::-1]
    values = np.array([r.phase[1] for r in load(folder, f"phase_{wavelength:.4f}")])[::-1]

    def phase(sun: float, view: float, azimuth: float) -> float:
        s, v = np.radians(sun), np.radians(view)
        cosine = -np.cos(s) * np.cos(v) - np.sin(s) * np.sin(v) * np.cos(np.radians(azimuth))
        return float(spline_matrix(cosines, np.array([cosine]))[0] @ values)

    return phase


def _once(one: _sixs.Run, sun: float, view: float, phase: float = 0.0) -> tuple[float, float]:
    """Return the light scattered once, by molecules and aerosol and by molecules alone."""
    mu_s, mu_v = np.cos(np.radians(sun)), np.cos(np.radians(view))
    mass = 1 / mu_s + 1 / mu_v
    a, b = single_scattering(mass, *one.depth)
    clear, _ = single_scattering(mass, one.depth[0], 0.0)
    share = 1 / (4 * mu_s * mu_v)
    both = share * (one.phase[0] * a + phase * one.aerosol_albedo * b)
    return float(both), float(share * one.phase[0] * clear)


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


def assemble(folder: Path) -> xr.Dataset:
    """Return the whole table, float32."""
    found = {**optics(folder), **scattering(folder), **rayleigh(folder), **aerosol(folder), **gases(folder)}
    found["solar_irradiance"] = np.array(solar(folder))
    found["haze"] = np.array((0.0, *AOD))
    coordinates = {
        "wavelength": np.array(NODES),
        "path_wavelength": np.array(PATH_NODES),
        "gas_wavelength": np.array(GAS_WAVELENGTHS),
        "pressure": pressures(folder),
        "aod": np.array(AOD),
        "scattering_angle": np.array(SCATTERING_ANGLES),
        "sun_zenith": np.array(ZENITHS),
        "view_zenith": np.array(ZENITHS[:-1]),
        "relative_azimuth": np.array(AZIMUTHS),
        "beam_zenith": np.array(TRANSMITTANCE_ZENITHS).ravel(),
        "rayleigh_zenith": np.array(RAYLEIGH_ZENITHS),
        "rayleigh_azimuth": np.array(RAYLEIGH_AZIMUTHS),
        "rayleigh_depths": found.pop("rayleigh_depths"),
    }
    data = xr.Dataset(coords={name: (name, values, _described(name)) for name, values in coordinates.items()})
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise SystemExit(f"{name} is not complete")
        data[name] = (DIMS[name], values.astype(np.float32), _described(name))
    return data


def _described(name: str) -> dict[str, str]:
    long_name, units = WORDS[name]
    return {"long_name": long_name, "units": units}


def solar(folder: Path) -> list[float]:
    """Return the solar irradiance of 6S at the wavelengths of the gases."""
    rows: list[float] = json.loads((folder / "solar.json").read_text("utf-8"))
    return rows


DIMS: dict[str, tuple[str, ...]] = {
    "haze": ("haze",),
    "rayleigh_depth": ("wavelength",),
    "aerosol_depth": ("wavelength",),
    "aerosol_albedo": ("wavelength",),
    "phase": ("wavelength", "scattering_angle"),
    "transmittance": ("wavelength", "pressure", "haze", "beam_zenith"),
    "spherical_albedo": ("wavelength", "pressure", "haze"),
    "rayleigh_multiple": ("rayleigh_depths", "rayleigh_zenith", "rayleigh_view", "rayleigh_azimuth"),
    "aerosol_multiple": ("path_wavelength", "pressure", "aod", "sun_zenith", "view_zenith", "relative_azimuth"),
    "solar_irradiance": ("gas_wavelength",),
    **dict.fromkeys(("water_a", "water_b", "ozone_k", "dry_b", "dry_c", "dry_d"), ("pressure", "gas_wavelength")),
}

WORDS = {
    "wavelength": ("wavelength of optical properties, transmittance and spherical albedo", "um"),
    "path_wavelength": ("wavelength of multiple scattering", "um"),
    "gas_wavelength": ("wavelength of absorption by gases", "um"),
    "pressure": ("surface pressure", "hPa"),
    "aod": ("aerosol optical depth at 550 nm", "1"),
    "haze": ("aerosol optical depth at 550 nm, with none", "1"),
    "scattering_angle": ("scattering angle, 180 for backscatter", "degree"),
    "sun_zenith": ("solar zenith angle", "degree"),
    "view_zenith": ("view zenith angle", "degree"),
    "relative_azimuth": ("azimuth of the sensor from that of the Sun, 0 on the same side", "degree"),
    "beam_zenith": ("zenith angle of Sun or sensor", "degree"),
    "rayleigh_zenith": ("zenith angle of Sun or sensor", "degree"),
    "rayleigh_azimuth": ("relative azimuth, 0 on the same side", "degree"),
    "rayleigh_depths": ("optical depth of molecules", "1"),
    "rayleigh_depth": ("optical depth of molecules at the first pressure", "1"),
    "aerosol_depth": ("optical depth of aerosol over that at 550 nm", "1"),
    "aerosol_albedo": ("single scattering albedo of aerosol", "1"),
    "phase": ("phase function of aerosol, mean over the sphere 1", "1"),
    "transmittance": ("transmittance by scattering, direct and diffuse, without gases", "1"),
    "spherical_albedo": ("spherical albedo of the atmosphere", "1"),
    "rayleigh_multiple": ("path reflectance of molecules alone, scattered more than once", "1"),
    "aerosol_multiple": ("what aerosol adds to path reflectance, scattered more than once", "1"),
    "solar_irradiance": ("solar irradiance as 6S has it", "W m-2 um-1"),
    "water_a": ("a of water vapour: -ln T = a x / sqrt(1 + b x), x column times air mass", "kg-1 m2"),
    "water_b": ("b of water vapour", "kg-1 m2"),
    "ozone_k": ("absorption by ozone per Dobson unit", "1"),
    "dry_b": ("B of O2, CO2, CH4, N2O and CO: -ln T = B (sqrt(1 + C m) - 1) + D m, m air mass", "1"),
    "dry_c": ("C of these gases", "1"),
    "dry_d": ("D of these gases", "1"),
}
