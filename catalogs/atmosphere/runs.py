"""The runs of 6S behind the atmosphere tables: which they are, and their store, chunk by chunk, for resuming.

A chunk is a file of JSON in the work folder, written whole or not at all. About 3,500 runs with aerosol (0.25 s each)
and 15,000 without (0.02 s): twenty minutes of one core.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError
from musyq_lab.core.progress import track
from musyq_lab.standard import _sixs

NODES = (0.4025, 0.4125, 0.4450, 0.4725, 0.4900, 0.5175, 0.5525, 0.5925, 0.6350, 0.6725, 0.6950, 0.7625, 0.8625)
NODES += (1.2425, 1.5375, 1.6525, 1.9525, 2.2525, 2.4975)
"""Wavelengths (um) of optical properties, transmittances and spherical albedo. 6S computes scattering at 0.400, 0.412,
0.443, 0.470, 0.488, 0.515, 0.550, 0.590, 0.633, 0.670, 0.694, 0.760, 0.860, 1.240, 1.536, 1.650, 1.950, 2.250 and
3.750 um and takes power laws between; a step beyond such a node, a run needs two of them, on a node three."""

DRY = 1.0
"""Beyond this wavelength (um) aerosol scatters alike at all altitudes: the depth of molecules is below 0.004."""

ALTITUDES = (0.0, 2.5, 5.5)
"""Of the surface (km): 1013, 747 and 505 hPa."""

AOD = (0.1, 0.3, 0.7, 1.3, 2.0)
"""At 550 nm, of transmittances; that without aerosol is cheap and apart."""

PATH_WAVELENGTHS = (0.4025, 0.5525, 0.8625, 1.6525)
PATH_AOD = (0.2, 0.7, 2.0)
PATH_ZENITHS = (0.0, 40.0, 60.0, 72.0, 80.0)
PATH_AZIMUTHS = (0.0, 60.0, 120.0, 180.0)
"""States in which 6S corrects the multiple scattering of :mod:`adding`. By reciprocity only pairs of zenith angles are
run, and the last with itself is not."""

BLUE = 0.6
"""Below this wavelength (um) that is done at the highest altitude too."""

TRANSMITTANCE_ZENITHS = ((0.0, 30.0), (45.0, 55.0), (62.0, 68.0), (73.0, 77.0), (80.0, 82.0))
"""Two zenith angles a run."""

RAYLEIGH_WAVELENGTHS = (0.4025, 0.4225, 0.4450, 0.4900, 0.5525, 0.6350, 0.8625, 1.2425, 2.2525)
RAYLEIGH_ZENITHS = (0.0, 15.0, 30.0, 45.0, 55.0, 63.0, 70.0, 76.0, 82.0)
RAYLEIGH_AZIMUTHS = (0.0, 90.0, 180.0)
"""Molecules scatter in three orders of azimuth: three angles tell all."""

GAS_CASES = ((0.5, 60.0, 0.0), (5.0, 60.0, 0.0), (20.0, 70.0, 0.0), (50.0, 80.0, 60.0), (80.0, 80.0, 70.0))
"""Water vapour (kg m-2) and the two zenith angles: each run tells three air masses."""

GAS_WAVELENGTHS = tuple(round(0.4 + 0.0025 * k, 4) for k in range(841))

_GAUSS = np.degrees(np.arccos(np.polynomial.legendre.leggauss(80)[0]))
SCATTERING_ANGLES = tuple(float(a) for a in sorted(_GAUSS) if a > 20.0)
"""6S knows the phase function at the nodes of this quadrature and expands it from there."""


@dataclass(frozen=True)
class Chunk:
    """Some runs that are stored together."""

    name: str
    runs: tuple[dict[str, Any], ...]


def chunks() -> Iterator[Chunk]:
    """Yield all chunks, those first that a coarse table needs."""
    yield from (_phase(w) for w in NODES)
    yield from (_rayleigh(w) for w in RAYLEIGH_WAVELENGTHS)
    yield from (_gas(k, z) for z in (0.0, 5.5, 2.5) for k in range(len(GAS_CASES)))
    states = [(w, z, a) for z in ALTITUDES for w in NODES for a in (0.0, *AOD)]
    yield from (_transmittance(w, z, a) for w, z, a in states if a == 0 or depends(w, z))
    yield from (_path(w, 0.0, a) for w in PATH_WAVELENGTHS for a in PATH_AOD)
    yield from (_path(w, ALTITUDES[-1], a) for w in PATH_WAVELENGTHS if w < BLUE for a in PATH_AOD)


def depends(wavelength: float, altitude: float) -> bool:
    """Whether runs with aerosol are made at an altitude: 6S gives NaN where molecules are next to nothing beside it."""
    return altitude == 0 or wavelength < DRY


def pairs() -> list[tuple[float, float]]:
    """Return the zenith angles of multiple scattering, the larger first."""
    every = [(s, v) for i, s in enumerate(PATH_ZENITHS) for v in PATH_ZENITHS[: i + 1]]
    return [pair for pair in every if pair[1] < PATH_ZENITHS[-1]]


def _phase(wavelength: float) -> Chunk:
    runs = [_clear(wavelength, (180.0 - a) / 2, (180.0 - a) / 2, 180.0, aod=0.1) for a in SCATTERING_ANGLES]
    return Chunk(f"phase_{wavelength:.4f}", tuple(runs))


def _rayleigh(wavelength: float) -> Chunk:
    angles = [(s, v) for i, s in enumerate(RAYLEIGH_ZENITHS) for v in RAYLEIGH_ZENITHS[: i + 1]]
    runs = [_clear(wavelength, s, v, a) for s, v in angles for a in RAYLEIGH_AZIMUTHS]
    return Chunk(f"rayleigh_{wavelength:.4f}", tuple(runs))


def _gas(case: int, altitude: float) -> Chunk:
    vapour, sun, view = GAS_CASES[case]
    common = {"aod": 0.0, "altitude": altitude, "water_vapour": vapour, "ozone": 300.0}
    angles = {"sun_zenith": sun, "view_zenith": view, "relative_azimuth": 90.0}
    runs = [{**angles, **common, "wavelength": w} for w in GAS_WAVELENGTHS]
    return Chunk(f"gas_{altitude:.1f}_{case}", tuple(runs))


def _transmittance(wavelength: float, altitude: float, aod: float) -> Chunk:
    runs = [_clear(wavelength, s, v, 90.0, aod=aod, altitude=altitude) for s, v in TRANSMITTANCE_ZENITHS]
    return Chunk(f"transmittance_{wavelength:.4f}_{altitude:.1f}_{aod:.1f}", tuple(runs))


def _path(wavelength: float, altitude: float, aod: float) -> Chunk:
    geometries = [(s, v, a) for s, v in pairs() for a in (PATH_AZIMUTHS if v else (90.0,))]
    runs = [_clear(wavelength, *geometry, aod=aod, altitude=altitude) for geometry in geometries]
    return Chunk(f"path_{wavelength:.4f}_{altitude:.1f}_{aod:.1f}", tuple(runs))


def _clear(
    wavelength: float, sun: float, view: float, azimuth: float, aod: float = 0.0, altitude: float = 0.0
) -> dict[str, Any]:
    """Return the question of a run without gases."""
    angles = {"sun_zenith": sun, "view_zenith": view, "relative_azimuth": azimuth}
    return {**angles, "aod": aod, "altitude": altitude, "wavelength": wavelength, "gases": False}


def run_all(folder: Path, workers: int) -> None:
    """Run what the work folder lacks, in so many processes of 6S at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "solar.json").exists():
        (folder / "solar.json").write_text(json.dumps(_sixs.solar_spectrum()), "utf-8")
    missing = [chunk for chunk in chunks() if not (folder / f"{chunk.name}.json").exists()]
    failures = []
    for chunk in track(missing, "6S"):
        try:
            store(folder, chunk, lambda question: _sixs.run(**question), workers)
        except InputError as error:
            failures.append(f"{chunk.name}: {error}")
    if failures:
        raise SystemExit("6S failed:\n" + "\n".join(failures))


def store(folder: Path, chunk: Chunk, answer: Callable[[dict[str, Any]], Any], workers: int) -> None:
    """Answer the questions of a chunk and keep the answers, all or none."""
    with ThreadPoolExecutor(workers) as pool:
        answers = [list(result) for result in pool.map(answer, chunk.runs)]
    part = folder / f"{chunk.name}.part"
    part.write_text(json.dumps(answers), "utf-8")
    part.replace(folder / f"{chunk.name}.json")


def load(folder: Path, chunk: str) -> list[_sixs.Run]:
    """Return the answers of a chunk."""
    path = folder / f"{chunk}.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing. Run `python catalogs/atmosphere/derive.py` to make it.")
    return [_run(row) for row in json.loads(path.read_text("utf-8"))]


def _run(row: list[Any]) -> _sixs.Run:
    return _sixs.Run(*(tuple(value) if isinstance(value, list) else value for value in row))
