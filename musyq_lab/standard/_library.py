"""Spectra of land surfaces, and what the bands of a sensor see of them.

The library ships (``catalogs/bandpass/library.npz``, made by ``derive.py`` beside it from the models of this package):
3000 spectra of canopies, soils, plant litter, snow, water and mixtures, from 0.4 to 2.5 um by 1 nm, as 48 principal
components (root mean square error 1e-4).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.resources import resource
from musyq_lab.standard.spectra import band_weights

Floats = NDArray[np.float64]

_TABLE = "catalogs/bandpass/library.npz"
_FIRST, _LAST = 400, 2500  # nm


class _Library(NamedTuple):
    mean: Floats
    scores: Floats
    basis: Floats
    kinds: NDArray[np.str_]


def kinds() -> NDArray[np.str_]:
    """Return the kind of each spectrum: canopy, soil, litter, snow, water or mixture, shape (spectrum,)."""
    return _table().kinds


def spectra() -> tuple[Floats, Floats]:
    """Return wavelength (um), shape (wavelength,), and reflectance (1), shape (spectrum, wavelength)."""
    table = _table()
    return np.arange(_FIRST, _LAST + 1) / 1e3, table.mean + table.scores @ table.basis


@lru_cache(maxsize=256)
def band_reflectance(sensor: str, bands: tuple[str, ...], variant: str = "") -> Floats:
    """Return the reflectance of the spectra of the library in some bands.

    Parameters
    ----------
    sensor : str
        Key (``ml.SENSORS``).
    bands : tuple of str
        Roles or native names.
    variant : str, optional
        Platform or camera.

    Returns
    -------
    array, shape (spectrum, band)
        Read-only, and the same to the last bit whatever the number of threads.

    Raises
    ------
    NotFoundError
        If there is no such sensor, band or variant.
    InputError
        If a band lies beyond 0.4 to 2.5 um.
    """
    table, seen = _table(), band_weights(sensor, bands, variant)
    at = np.round(1e3 * seen.wavelength).astype(int) - _FIRST
    # einsum adds in one order; a product of matrices does not for every number of threads.
    mixing = np.einsum("cw,bw->cb", table.basis[:, at], seen.weights)
    found: Floats = np.einsum("sc,cb->sb", table.scores, mixing) + np.einsum("w,bw->b", table.mean[at], seen.weights)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=1)
def _table() -> _Library:
    with np.load(resource(_TABLE), allow_pickle=False) as stored:
        scores, basis = (stored[name].astype(float) * stored[f"{name}_scale"] for name in ("scores", "basis"))
        return _Library(stored["mean"].astype(float), scores, basis, stored["kind"].astype(str))
