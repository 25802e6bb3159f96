r"""What land surfaces look like in the bands of a sensor: a few kinds, each with its mean spectrum and covariance.

The kinds are intervals of NDVI in the library of spectra (:mod:`musyq_lab.standard._library`: canopies of PROSPECT-D
and 4SAIL, soils, litter and mixtures, made from models alone). Within each the logarithm of the reflectance is taken
as normal,

.. math:: x_b = \ln(\rho_b + \epsilon), \qquad
   C_{ab} = C^{library}_{ab} + s^2 e^{-(\lambda_a - \lambda_b)^2 / 2 l^2} + \delta_{ab} (n / \bar\rho_b)^2

and the density of reflectance, not that of its logarithm, is taken to be largest at the mean spectrum: scenes hold
fewer sorts of land than the library, and a density that is largest below it would find too much aerosol over each.
Of four such forms this one was kept after all had been tried on modelled canopies and on simulated scenes.

The second term stands for what the models do not know: a smooth error of s = 6 % over l = 0.12 um, the third for noise
and mixed pixels, n = 0.002. Both are assumed, round numbers, chosen before any scene was looked at. The relations that
such a covariance holds are those between blue, red and 2.1 um that dark-target retrievals fix (Kaufman et al. 1997,
doi:10.1109/36.628795; Levy et al. 2007, doi:10.1029/2006JD007811), their change with greenness, and their errors.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.aerosol import FREEDOM, OFFSET
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import _library

EDGES = (-1.0, 0.2, 0.4, 0.6, 0.75, 0.85, 1.0)
"""Limits of NDVI between the kinds."""

LAND = ("canopy", "soil", "litter", "mixture")
"""Kinds of the library that are land."""

MODEL_ERROR, MODEL_LENGTH, NOISE = 0.06, 0.12, 0.002
"""s, l (um) and n of the module."""

Floats = NDArray[np.float32]


class Surfaces(NamedTuple):
    """Kinds of surfaces in some bands; all but the first as :func:`musyq_lab.kernels.aerosol.misfit` takes them."""

    mean: Floats
    """Of ln(reflectance + offset), shape (kind, band): the surface that is most likely."""
    centre: Floats
    """Of the distribution whose density of reflectance is largest at the mean, shape (kind, band)."""
    whiten: Floats
    """Inverse of the lower triangular factor of the covariance, shape (kind, band, band)."""
    constant: Floats
    """Logarithm of the determinant - 2 log of the share of the kind, shape (kind,)."""


def land(sensor: str, bands: tuple[str, ...], variant: str = "") -> NDArray[np.float64]:
    """Return the reflectance of land in some bands, shape (spectrum, band)."""
    spectra = _library.band_reflectance(sensor, bands, variant)
    kept: NDArray[np.float64] = spectra[np.isin(_library.kinds(), LAND) & (spectra > 0).all(axis=1)]
    return kept


@lru_cache(maxsize=128)
def surfaces(sensor: str, bands: tuple[str, ...], variant: str = "") -> Surfaces:
    """Return the kinds of surfaces in the bands of a sensor.

    Parameters
    ----------
    sensor : str
        Key.
    bands : tuple of str
        Roles, among them ``red`` and ``nir`` or ``nir_narrow``.
    variant : str
        Platform or camera.
    """
    spectra = land(sensor, bands, variant)
    infrared = spectra[:, bands.index("nir" if "nir" in bands else "nir_narrow")]
    red = spectra[:, bands.index("red")]
    greenness = (infrared - red) / (infrared + red)
    rows = {band.name: band.centre for band in SENSORS[sensor].bands_of(variant)}
    apart = np.subtract.outer(*[np.array([rows[name] for name in bands])] * 2) / MODEL_LENGTH
    model = MODEL_ERROR**2 * np.exp(-0.5 * apart**2)
    parts = []
    for low, high in pairwise(EDGES):
        chosen = spectra[(greenness >= low) & (greenness < high)]
        if chosen.shape[0] <= len(bands):
            continue  # a wide red band of AGRI sees no surface as green as that
        parts.append(_kind(chosen, model, chosen.shape[0] / spectra.shape[0]))
    return Surfaces(*(np.array(part, np.float32) for part in zip(*parts, strict=True)))


def _kind(chosen: NDArray[np.float64], model: NDArray[np.float64], share: float) -> tuple[object, ...]:
    x = np.log(chosen + OFFSET)
    mean = x.mean(axis=0)
    away = x - mean
    # einsum adds in one order; a product of matrices does not for every number of threads.
    covariance = np.einsum("sa,sb->ab", away, away) / (chosen.shape[0] - 1) + model
    covariance += np.diag((NOISE / (chosen.mean(axis=0) + OFFSET)) ** 2)
    factor = np.linalg.cholesky(covariance)
    constant = 2 * float(np.log(np.diag(factor)).sum()) - 2 * float(np.log(share))
    centre = mean + FREEDOM / (FREEDOM + mean.size) * covariance.sum(axis=1)
    return mean, centre, np.linalg.inv(factor), constant
