"""Scattering by molecules and aerosol, from the answers of 6S."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from adding import Solver, at_azimuth, complete, expansion
from numpy.typing import ArrayLike, NDArray
from runs import (
    ALTITUDES,
    AOD,
    BLUE,
    NODES,
    PATH_AOD,
    PATH_AZIMUTHS,
    PATH_WAVELENGTHS,
    PATH_ZENITHS,
    RAYLEIGH_AZIMUTHS,
    RAYLEIGH_WAVELENGTHS,
    RAYLEIGH_ZENITHS,
    SCATTERING_ANGLES,
    depends,
    load,
    pairs,
)

from musyq_lab.core.progress import track
from musyq_lab.kernels.atmosphere import RAYLEIGH_0, RAYLEIGH_2
from musyq_lab.standard import _sixs
from musyq_lab.standard._atmosphere_band import single_scattering, spline_matrix

Floats = NDArray[np.float64]

WAVELENGTHS = (0.4025, 0.4450, 0.4900, 0.5525, 0.6350, 0.7625, 0.8625, 1.2425, 1.5375, 1.6525, 1.9525, 2.2525)
DEPTHS = (0.05, 0.15, 0.35, 0.7, 1.0, 1.5, 2.0)
SUNS = (0.0, 15.0, 30.0, 45.0, 55.0, 63.0, 70.0, 76.0, 80.0)
VIEWS = SUNS[:7]
AZIMUTHS = (0.0, 30.0, 60.0, 90.0, 120.0, 150.0, 180.0)
"""Nodes of the light that aerosol adds by multiple scattering."""


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


def beams(folder: Path) -> dict[str, Floats]:
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
    """Return what aerosol adds to multiple scattering, dims (wavelength, pressure, aod, sun, view, azimuth).

    That is the result of :mod:`adding` and the difference of 6S from it, interpolated between few states.
    """
    shape = np.empty((len(WAVELENGTHS), len(ALTITUDES), len(DEPTHS), len(SUNS), len(VIEWS), len(AZIMUTHS)))
    for k, wavelength in enumerate(track(WAVELENGTHS, "adding and doubling")):
        shape[k] = _added(folder, wavelength, ALTITUDES, DEPTHS, SUNS, AZIMUTHS)[..., : len(VIEWS), :]
    return {"aerosol_multiple": shape + _correction(folder)}


def _added(
    folder: Path,
    wavelength: float,
    altitudes: tuple[float, ...],
    depths: tuple[float, ...],
    zeniths: tuple[float, ...],
    azimuths: tuple[float, ...],
) -> Floats:
    """Return what aerosol adds by :mod:`adding`, dims (pressure, aod, zenith, zenith, azimuth)."""
    solver = Solver(np.array(zeniths))
    known = np.array([r.phase[1] for r in load(folder, f"phase_{wavelength:.4f}")])
    hazy = solver.harmonics(expansion(complete(np.array(SCATTERING_ANGLES), known)))
    clear = solver.harmonics(np.array([RAYLEIGH_0 + RAYLEIGH_2 / 3, 0.0, 2 * RAYLEIGH_2 / 3]))
    molecules, extinction, albedo = _depths(folder, wavelength)
    height = pressures(folder) / pressures(folder)[0]
    found = []
    for altitude in altitudes:
        column = molecules * height[ALTITUDES.index(altitude)]
        without = solver.multiple(column, 0.0, albedo, (clear, hazy))
        several = [solver.multiple(column, extinction * aod, albedo, (clear, hazy)) - without for aod in depths]
        found.append([at_azimuth(multiple, np.array(azimuths)) for multiple in several])
    return np.array(found)


def _depths(folder: Path, wavelength: float) -> tuple[float, float, float]:
    """Return optical depths of molecules and of aerosol of 1 at 550 nm, and albedo, at a node."""
    found = optics(folder)
    k = NODES.index(wavelength)
    return float(found["rayleigh_depth"][k]), float(found["aerosol_depth"][k]), float(found["aerosol_albedo"][k])


def _correction(folder: Path) -> Floats:
    """Return the difference of 6S from :mod:`adding`, in the dims of :func:`aerosol`.

    It is interpolated linearly: over wavelength, as a share of the depth of aerosol that scatters, in the logarithm of
    the depth of molecules, with which polarization goes.
    """
    nodes = np.array([_correction_at(folder, w) / np.prod(_depths(folder, w)[1:]) for w in PATH_WAVELENGTHS])
    depth = np.log([_depths(folder, w)[0] for w in PATH_WAVELENGTHS])[::-1]
    wanted = np.array([_depths(folder, w) for w in WAVELENGTHS])
    spectral = _linear(depth, np.log(wanted[:, 0]))[:, ::-1] * np.prod(wanted[:, 1:], 1)[:, None]
    matrices = (
        spectral,
        _linear((0.0, *PATH_AOD), DEPTHS)[:, 1:],
        _linear(PATH_ZENITHS, SUNS),
        _linear(PATH_ZENITHS[:-1], VIEWS),
        _linear(PATH_AZIMUTHS, AZIMUTHS),
    )
    return np.asarray(np.einsum("Ww,Aa,Ss,Vv,Ff,wpasvf->WpASVF", *matrices, nodes, optimize=True))


def _linear(nodes: ArrayLike, places: ArrayLike) -> Floats:
    """Return the matrix of linear interpolation, constant beyond the ends."""
    known = np.asarray(nodes, np.float64)
    return np.array([np.interp(places, known, row) for row in np.eye(known.size)]).T


def _correction_at(folder: Path, wavelength: float) -> Floats:
    """Return the difference at a wavelength, dims (pressure, aod, sun, view, azimuth): linear in pressure."""
    ends = [_difference(folder, wavelength, z) for z in (ALTITUDES[0], ALTITUDES[-1]) if z == 0 or wavelength < BLUE]
    height = pressures(folder)
    share = (height - height[0]) / (height[-1] - height[0])
    return np.array([ends[0] + s * (ends[-1] - ends[0]) for s in share])


def _difference(folder: Path, wavelength: float, altitude: float) -> Floats:
    added = _added(folder, wavelength, (altitude,), PATH_AOD, PATH_ZENITHS, PATH_AZIMUTHS)[0]
    exact = np.array([_of_sixs(folder, wavelength, altitude, aod) for aod in PATH_AOD])
    return np.asarray((exact - added)[:, :, :-1])


def _of_sixs(folder: Path, wavelength: float, altitude: float, aod: float) -> Floats:
    """Return what aerosol adds to multiple scattering by 6S, dims (zenith, zenith, azimuth)."""
    answers = iter(load(folder, f"path_{wavelength:.4f}_{altitude:.1f}_{aod:.1f}"))
    block = np.full((len(PATH_ZENITHS), len(PATH_ZENITHS), len(PATH_AZIMUTHS)), np.nan)
    phase = _phase(folder, wavelength)
    for sun, view in pairs():
        i, j = PATH_ZENITHS.index(sun), PATH_ZENITHS.index(view)
        for k in range(len(PATH_AZIMUTHS) if view else 1):
            one = next(answers)
            both, clear = _once(one, sun, view, phase(sun, view, PATH_AZIMUTHS[k] if view else 90.0))
            places = k if view else slice(None)
            block[i, j, places] = block[j, i, places] = one.path - one.path_rayleigh - both + clear
    return block


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
