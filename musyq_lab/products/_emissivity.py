"""Emissivities of materials as the bands of a sensor see them, and what converts those of ASTER GED to such a band.

Materials are rows of ``catalogs/emissivity/spectra.csv``. The band mean weights with the response and with the black
body at 300 K; a sensor that is not known has the bands that its roles are called after.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.resources import read_table
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import EXPONENT, response

Floats = NDArray[np.float64]

ROLES = ("tir_8_6", "tir_10_4", "tir1", "tir2")
"""Thermal bands of imagers in the window, by wavelength."""

ASTER = {10: (8.125, 8.475), 11: (8.475, 8.825), 12: (8.925, 9.275), 13: (10.25, 10.95), 14: (10.95, 11.65)}
"""Limits (um) of the thermal bands of ASTER (User Handbook)."""

BROAD = (8.0, 13.5)
"""Limits (um) of the broad band: with it the longwave balance of the surface is closest (Cheng et al. 2013,
doi:10.1109/LGRS.2012.2206367)."""

CLASSES = 257
"""One number for each class that a byte can hold, and one for what is no class."""

# Bands of a sensor that is not known (um).
_NOMINAL = {"tir_8_6": (8.4, 8.75), "tir_10_4": (10.2, 10.6), "tir1": (10.6, 11.4), "tir2": (11.5, 12.5)}
# Bands of ASTER that a band is made of: those beside it.
_FROM = {"tir_8_6": (10, 11, 12), "tir_10_4": (13, 14), "tir1": (13, 14), "tir2": (13, 14)}
# Of ASTER bands 10 to 14 for the broad band: sofiaermida/Landsat_SMW_LST broadband_emiss.js, 22f8813.
_BROAD_WEIGHTS = (0.014, 0.145, 0.241, 0.467, 0.004)
_BROAD_CONSTANT = 0.128
_MINERAL = ("compacted_soil", "tilled_soil", "wet_soil", "loam", "sand", "rock", "desert", "urban_concrete")
_GROUND = (*_MINERAL, "dry_grass")
_WARMTH = 300.0  # K
# um, in place of the 2 um of the table of sensors, which are outer limits: see catalogs/lst/derive.py.
_WIDTHS = {("msg_seviri", "tir1"): 1.25, ("msg_seviri", "tir2"): 1.25}
_LEAST = 0.01  # sigma of bare ground by class, whatever the materials of the table agree on (ours)
_FOLDER = "catalogs/emissivity"
_WATER, _SNOW = 17, 15
# Ermida et al. 2020 (not re-read) for bands; 0.985 of both in the broad band is of GLASS (its page, read 2026-11).
_BAND_WATER, _BAND_SNOW, _BROAD_BOTH = 0.99, 0.989, 0.985


class Conversion(NamedTuple):
    """How a band follows from those of ASTER."""

    bands: tuple[int, ...]
    """Numbers of the ASTER bands."""
    weights: tuple[float, ...]
    """One for each."""
    constant: float
    """Added to the weighted sum."""


class Thresholds(NamedTuple):
    """Constants of the NDVI threshold method in a band; see :func:`musyq_lab.kernels.emissivity.thresholds`."""

    plants: float
    """Emissivity of plants."""
    soil: float
    """Emissivity of the soil between plants."""
    bare: float
    """Bare ground that reflects no red light."""
    slope: float
    """Its decrease with red reflectance."""
    cavity: float
    """Factor of the cavity term."""


class Ground(NamedTuple):
    """Bare ground by class in a band."""

    emissivity: Floats
    """Shape (257,); water and snow have their own."""
    sigma: float
    """One sigma: standard deviation over all mineral materials of the ground."""
    snow: float
    """Emissivity of snow and ice."""


@lru_cache(maxsize=1)
def spectra() -> tuple[Floats, Mapping[str, Floats]]:
    """Return the wavelengths (um) and the emissivity of each material on them, read-only."""
    rows = _rows("spectra")
    table = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    for column in table.values():
        column.flags.writeable = False
    wavelength = table.pop("wavelength")
    return wavelength, MappingProxyType(table)


@lru_cache(maxsize=256)
def band_emissivity(role: str, sensor: str = "") -> Mapping[str, float]:
    """Return the emissivity of each material in a band.

    Parameters
    ----------
    role : str
        ``tir_8_6``, ``tir_10_4``, ``tir1``, ``tir2``, ``broad``, or ``aster_10`` to ``aster_14``.
    sensor : str
        ``"<key>/<platform or camera>"``; nominal bands if it is empty or has no such band.
    """
    fine, seen = band_response(role, sensor)
    weight = seen * np.array([planck_radiance(_WARMTH, x) for x in fine])
    weight /= weight.sum()
    wavelength, table = spectra()
    return MappingProxyType({name: float(np.interp(fine, wavelength, e) @ weight) for name, e in table.items()})


@lru_cache(maxsize=256)
def conversion(role: str, sensor: str = "") -> Conversion:
    """Return how a band follows from those of ASTER: as published for it, else by regression over the materials.

    Parameters
    ----------
    role, sensor : str
        See :func:`band_emissivity`; ``broad`` has the published weights of all five bands.
    """
    if role == "broad":
        return Conversion(tuple(ASTER), _BROAD_WEIGHTS, _BROAD_CONSTANT)
    row = _published(role, sensor, "constant")
    if row is not None:
        return Conversion((13, 14), (float(row["from_13"]), float(row["from_14"])), float(row["constant"]))
    bands = _FROM[role]
    sources = [_of_ground(f"aster_{band}") for band in bands]
    *weights, constant = regression(sources, _of_ground(role, sensor))
    return Conversion(bands, tuple(weights), constant)


def _of_ground(role: str, sensor: str = "") -> tuple[float, ...]:
    """Return the emissivities of what bare ground is made of."""
    return tuple(value for name, value in band_emissivity(role, sensor).items() if name in _GROUND)


def regression(sources: list[tuple[float, ...]], target: tuple[float, ...]) -> tuple[float, ...]:
    """Return the weights of sources, and a constant, that are closest to a target.

    Parameters
    ----------
    sources : list of tuple of float
        Emissivities of the materials in each band.
    target : tuple of float
        The same in the band that is wanted.
    """
    matrix = np.array([*sources, np.ones(len(target))]).T
    solution = np.linalg.lstsq(matrix, np.array(target), rcond=None)[0]
    # Rounded, so that no last bit of a library shows.
    return tuple(round(float(x), 6) for x in solution)


@lru_cache(maxsize=64)
def broad_from(roles: tuple[str, ...], sensor: str = "") -> tuple[float, ...]:
    """Return weights of bands, and a constant, that give the broad band by regression over the materials."""
    sources = [tuple(band_emissivity(role, sensor).values()) for role in roles]
    return regression(sources, tuple(band_emissivity("broad").values()))


@lru_cache(maxsize=256)
def thresholds(role: str, sensor: str = "") -> Thresholds | None:
    """Return the constants of the NDVI threshold method, None where none are published for such a band."""
    row = _published(role, sensor, "bare")
    return None if row is None else Thresholds(*(float(row[name]) for name in Thresholds._fields))


@lru_cache(maxsize=256)
def ground(role: str, sensor: str = "") -> Ground:
    """Return bare ground by class of the IGBP legend in a band.

    Parameters
    ----------
    role, sensor : str
        See :func:`band_emissivity`.
    """
    values = band_emissivity(role, sensor)
    rows = {int(row["class"]): [values[name] for name in row["materials"].split()] for row in _rows("bare_ground")}
    found = np.full(CLASSES, np.mean(rows[0]))
    for number, materials in rows.items():
        found[number] = np.mean(materials)
    water, snow = (_BROAD_BOTH, _BROAD_BOTH) if role == "broad" else (_BAND_WATER, _BAND_SNOW)
    found[_WATER], found[_SNOW] = water, snow
    found.flags.writeable = False
    spread = float(np.std([values[name] for name in _MINERAL]))
    return Ground(found, max(round(spread, 4), _LEAST), snow)


@lru_cache(maxsize=256)
def band_response(role: str, sensor: str = "") -> tuple[Floats, Floats]:
    """Return wavelengths (um) of a band and what share of its response lies at each, of sum 1, read-only.

    Parameters
    ----------
    role, sensor : str
        See :func:`band_emissivity`.
    """
    limits = _limits(role, sensor)
    if limits is None:
        key, _, variant = sensor.partition("/")
        curve = response(key, role, variant)
        fine, seen = np.array(curve["wavelength"].values, np.float64), np.array(curve.values, np.float64)
        if (key, role) in _WIDTHS:
            half = _WIDTHS[key, role] / 2
            fine = SENSORS[key].band(role, variant).centre + 2 * half * np.linspace(-1, 1, 201)
            seen = np.exp(-np.log(2.0) * np.abs((fine - fine.mean()) / half) ** EXPONENT)
    else:
        fine = np.linspace(*limits, 201)
        seen = np.ones(fine.size)
    seen *= np.gradient(fine)
    seen[[0, -1]] /= 2
    seen /= seen.sum()
    fine.flags.writeable = seen.flags.writeable = False
    return fine, seen


def _limits(role: str, sensor: str) -> tuple[float, float] | None:
    """Return the limits (um) of a band that is a box, None where the sensor has a response."""
    if role == "broad":
        return BROAD
    if role.startswith("aster_"):
        return ASTER[int(role.removeprefix("aster_"))]
    key, _, variant = sensor.partition("/")
    known = key in SENSORS and role in {band.name for band in SENSORS[key].bands_of(variant)}
    return None if known else _NOMINAL[role]


def _published(role: str, sensor: str, column: str) -> Mapping[str, str] | None:
    """Return the row of published coefficients of a band that has a number in a column."""
    key, _, variant = sensor.partition("/")
    found = None
    for row in _rows("bands"):
        ours = row["sensor"] in ("*", key) and (row["sensor"] == "*" or row["variant"] in ("", variant))
        if ours and row["role"] == role and row[column]:
            found = row
    return found


@lru_cache(maxsize=8)
def _rows(name: str) -> tuple[dict[str, str], ...]:
    rows = tuple(read_table(f"{_FOLDER}/{name}.csv"))
    if not rows:
        raise MusyqError(f"The table {_FOLDER}/{name}.csv is empty.")
    return rows
