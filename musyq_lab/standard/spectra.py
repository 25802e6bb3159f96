"""Spectra of leaves, water, ice and sunlight, and what a band sees of a modelled spectrum.

One table ships, from 0.4 to 2.5 um by 1 nm: the constants of PROSPECT-D, the absorption of water and ice, and sunlight
outside the atmosphere and on the ground (``catalogs/spectra``, with its licences).

>>> from musyq_lab.kernels import canopy, ground
>>> from musyq_lab.standard.spectra import band_weights
>>> bands = band_weights("landsat_oli", ["green", "red", "nir"])
>>> soil = bands.average(ground.soil(bands.wavelength, bands.leaf.water, 0.3, moisture=0.2))
>>> soil.round(2).tolist()
[0.13, 0.15, 0.2]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.resources import resource
from musyq_lab.kernels.leaf import LeafConstants
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import response

Floats = NDArray[np.float64]
Light = Literal["outside", "ground"]

BROAD = {
    "par": (0.4, 0.7),
    "visible": (0.4, 0.7),
    "near_infrared": (0.7, 2.5),
    "shortwave": (0.4, 2.5),
}
"""Limits (um) of the broad bands; 0.3 to 0.4 and 2.5 to 4 um, 4 % of the sunlight on the ground, have no leaf model."""

EDGES = (0.4, 0.5, 0.6, 0.7, 0.75, 0.92, 1.12, 1.3, 1.38, 1.5, 1.85, 2.05, 2.5)
"""Limits (um) of the intervals of :func:`intervals`; 0.7 parts visible and near-infrared albedo."""

_TABLE = "catalogs/spectra/spectra.csv"
_COVERED = 0.99


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands on the wavelengths of the models: only those that a band sees."""

    names: tuple[str, ...]
    """As given."""
    wavelength: Floats
    """um, shape (wavelength,)."""
    weights: Floats
    """Shape (band, wavelength), rows of sum 1: response times sunlight."""
    leaf: LeafConstants
    """Constants of leaves, among them the absorption of water (cm-1), on the same wavelengths."""
    ice: Floats
    """Imaginary part of the refractive index of ice (1), on the same wavelengths."""

    def average(self, spectrum: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return what the bands see of a spectrum: shape (..., wavelength) to (..., band)."""
        found: NDArray[np.floating] = np.asarray(spectrum) @ self.weights.T.astype(np.asarray(spectrum).dtype)
        return found


def leaf_constants() -> LeafConstants:
    """Return the constants of PROSPECT-D from 0.4 to 2.5 um by 1 nm.

    Notes
    -----
    Féret et al. (2017), doi:10.1016/j.rse.2017.03.004; table of jbferet/prospect (MIT).
    """
    return LeafConstants(_table()[0] / 1e3, *_table()[1:8])


def sunlight(light: Light = "outside") -> tuple[Floats, Floats]:
    """Return wavelength (um) and solar irradiance (W m-2 um-1), outside the atmosphere or on the ground.

    ASTM G173-03: on the ground the global irradiance of a plane tilted 37 degrees to the Sun, air mass 1.5.
    """
    return _table()[0] / 1e3, 1e3 * _table()[9 if light == "outside" else 10]


def band_weights(
    sensor: str, bands: Sequence[str] | None = None, variant: str = "", *, step: int = 1, light: Light = "outside"
) -> Bands:
    """Return the weights with which the bands of a sensor average a modelled spectrum.

    Parameters
    ----------
    sensor : str
        Key (``ml.SENSORS``).
    bands : sequence of str, optional
        Roles or native names; all bands within the models by default.
    variant : str, optional
        Platform or camera.
    step : int, optional
        Spacing of the wavelengths (nm). Models are taken as linear between them: canopy reflectance with steps of 2 nm
        differs from that with 1 nm by at most 2e-4 in the bands of OLI, MSI and MODIS, at half the cost; with 3 nm by
        4e-4 (8e-4 in the chlorophyll fluorescence bands of MODIS).
    light : {"outside", "ground"}, optional
        Sunlight that weights the response; outside the atmosphere as is the custom for reflectance.

    Raises
    ------
    NotFoundError
        If there is no such sensor, band or variant.
    InputError
        If a band lies beyond 0.4 to 2.5 um.
    """
    spec = SENSORS[sensor]
    own = dict.fromkeys(b.name for b in spec.bands_of(variant))
    chosen = bands if bands is not None else [name for name in own if _inside(sensor, name, variant)]
    rows = []
    for name in chosen:
        curve = response(sensor, name, variant)
        if not _inside(sensor, name, variant):
            raise InputError(f"{spec.title} {name!r} sees light beyond 0.4 to 2.5 um, where the models end.")
        wavelength = curve["wavelength"].values
        rows.append(np.interp(_table()[0] / 1e3, wavelength, curve.values, left=0.0, right=0.0))
    return _bands(tuple(chosen), rows, step, light)


def broad_bands(
    names: Sequence[str] = ("par", "visible", "near_infrared", "shortwave"), *, step: int = 1, light: Light = "ground"
) -> Bands:
    """Return the weights of broad bands, for spectra and for FPAR; albedo over soil needs :func:`intervals`.

    Parameters
    ----------
    names : sequence of str, optional
        Of :data:`BROAD`.
    step : int, optional
        Spacing of the wavelengths (nm).
    light : {"outside", "ground"}, optional
        Sunlight that weights the spectrum; on the ground by default.

    Notes
    -----
    ``par`` weights photons alike (energy times wavelength), the others energy. Coupling such averages of a canopy with
    those of a soil errs by up to 0.001 (``par``, ``visible``), 0.008 (``near_infrared``) and 0.018 (``shortwave``).
    """
    wavelength = _table()[0] / 1e3
    rows = []
    for name in names:
        if name not in BROAD:
            raise NotFoundError(f"There is no broad band {name!r}.{closest(name, list(BROAD))}")
        low, high = BROAD[name]
        edge = _between(wavelength, low, high)
        rows.append(edge * wavelength if name == "par" else edge)
    return _bands(tuple(names), rows, step, light)


def intervals(edges: Sequence[float] = EDGES, *, step: int = 3, light: Light = "ground") -> tuple[Bands, Floats]:
    """Return consecutive intervals as bands, and the share of sunlight in each.

    A canopy and its soil are coupled in each interval, then ``values @ shares`` is the broad-band value: with the
    default edges within 0.001 of that from the spectrum, for the whole shortwave as for the near infrared alone.

    Parameters
    ----------
    edges : sequence of float, optional
        Limits (um), rising, from 0.4 to 2.5 at most.
    step : int, optional
        Spacing of the wavelengths (nm).
    light : {"outside", "ground"}, optional
        Sunlight.

    Returns
    -------
    bands : Bands
        One for each interval.
    shares : array, shape (band,)
        Sum 1.
    """
    wavelength, sun = sunlight(light)
    limits = np.asarray(edges, np.float64)
    if limits.size < 2 or not (np.diff(limits) > 1e-3).all() or limits[0] < 0.4 or limits[-1] > 2.5:
        raise InputError(f"The edges {list(edges)} must rise from 0.4 to 2.5 um at most, by more than 1 nm.")
    rows = [_between(wavelength, low, high) for low, high in pairwise(limits)]
    names = tuple(f"{low:g}-{high:g}" for low, high in pairwise(limits))
    energy = np.array(rows) @ sun
    return _bands(names, rows, step, light), energy / energy.sum()


def _between(wavelength: Floats, low: float, high: float) -> Floats:
    """Return 1 inside an interval and a half at its ends."""
    inside = (wavelength > low - 1e-9) & (wavelength < high + 1e-9)
    within: Floats = 0.5 * (inside.astype(float) + ((wavelength > low + 1e-9) & (wavelength < high - 1e-9)))
    return within


def _bands(names: tuple[str, ...], rows: list[Floats], step: int, light: Light) -> Bands:
    """Weight with sunlight, thin the wavelengths, and keep those that count."""
    fine = np.array(rows) * sunlight(light)[1]
    fine /= fine.sum(axis=1, keepdims=True)
    places = np.arange(0, fine.shape[1], step)
    if places[-1] != fine.shape[1] - 1:
        places = np.append(places, fine.shape[1] - 1)
    weights = fine @ _hats(places, fine.shape[1])
    seen = weights.any(axis=0)
    kept = places[seen]
    return Bands(names, _table()[0][kept] / 1e3, weights[:, seen], leaf_constants().at(kept), _table()[8][kept])


def _hats(places: NDArray[np.intp], size: int) -> Floats:
    """Return the matrix, shape (size, place), that interpolates linearly between places."""
    place = np.arange(size)
    left = np.clip(np.searchsorted(places, place, side="right") - 1, 0, places.size - 2)
    share = (place - places[left]) / (places[left + 1] - places[left])
    matrix = np.zeros((size, places.size))
    matrix[place, left] = 1.0 - share
    matrix[place, left + 1] += share
    return matrix


@lru_cache(maxsize=1024)
def _inside(sensor: str, band: str, variant: str) -> bool:
    """Tell whether nearly all of a response lies within the models."""
    curve = response(sensor, band, variant)
    wavelength = curve["wavelength"].values
    within = (wavelength >= 0.4) & (wavelength <= 2.5)
    return bool(curve.values[within].sum() >= _COVERED * curve.values.sum())


@lru_cache(maxsize=1)
def _table() -> Floats:
    """Return the columns of the table, shape (column, wavelength), read-only."""
    table = np.ascontiguousarray(np.loadtxt(resource(_TABLE), delimiter=",", skiprows=1).T)
    table.flags.writeable = False
    return table
