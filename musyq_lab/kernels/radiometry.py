r"""From digital numbers to radiance, reflectance and brightness temperature.

Reflectance factor at the top of the atmosphere and brightness temperature are

.. math:: \rho = \frac{\pi L d^2}{E_0 \cos\theta_s}, \qquad T = \frac{K_2}{\ln(K_1 / L + 1)}

with :math:`L` the radiance per micrometre, :math:`d` the distance to the Sun in AU and, for a narrow band at
:math:`\lambda`, :math:`K_1 = 2 h c^2 / \lambda^5` and :math:`K_2 = h c / (k \lambda)`.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._compile import kernel, select
from musyq_lab.kernels._math import log

__all__ = ["brightness_temperature", "linear", "planck_constants", "planck_radiance"]

_NAN = math.nan

_PLANCK = 6.62607015e-34
_LIGHT = 299792458.0
_BOLTZMANN = 1.380649e-23
# Exact values of the SI (2019).


def planck_constants(wavelength: float) -> tuple[float, float]:
    """Return K1 (W m-2 sr-1 um-1) and K2 (K) of a narrow band.

    Parameters
    ----------
    wavelength : float
        Centre (um).
    """
    metres = wavelength * 1e-6
    return 2.0 * _PLANCK * _LIGHT**2 / metres**5 * 1e-6, _PLANCK * _LIGHT / (_BOLTZMANN * metres)


def planck_radiance(temperature: float, wavelength: float) -> float:
    """Return the radiance of a black body (W m-2 sr-1 um-1).

    Parameters
    ----------
    temperature : float
        K.
    wavelength : float
        um.
    """
    k1, k2 = planck_constants(wavelength)
    return k1 / math.expm1(k2 / temperature)


@kernel("(),(),(),(),(),()->()")  # counts, gain, offset, lowest and highest valid count, fill -> gain x counts + offset
def _line(counts: float, gain: float, offset: float, low: float, high: float, fill: float, out: Any) -> None:
    bad = (counts < low) | (counts > high) | (counts == fill)
    out[0] = select(bad, _NAN, gain * counts + offset)


@kernel("(),(),(),(),()->()")  # radiance (W m-2 sr-1 um-1), K1, K2 (K), alpha, beta (K) -> brightness temperature (K)
def _inverse(radiance: float, k1: float, k2: float, alpha: float, beta: float, out: Any) -> None:
    temperature = (k2 / log(k1 / radiance + 1.0) - beta) / alpha
    out[0] = select(radiance > 0.0, temperature, _NAN)


def linear(
    counts: npt.NDArray[Any], gain: float, offset: float, low: float, high: float, fill: float
) -> npt.NDArray[np.float32]:
    """Return gain x counts + offset as float32, NaN where there is no data, in one pass.

    Parameters
    ----------
    counts : array of float32 or of integers of at most 16 bits
        Stored numbers, at least one-dimensional.
    gain, offset : float
        The line. Its float32 result differs from that in double precision by at most a few 1e-7 of the largest term.
    low, high : float
        Counts outside are no data.
    fill : float
        This count is no data; NaN where there is none.
    """
    result: npt.NDArray[np.float32] = _line(counts, *_single(counts.ndim, gain, offset, low, high, fill))
    return result


def brightness_temperature(
    radiance: npt.NDArray[np.float32], k1: float, k2: float, alpha: float = 1.0, beta: float = 0.0
) -> npt.NDArray[np.float32]:
    """Return the temperature (K) of a black body of that radiance, NaN where the radiance is not positive.

    Parameters
    ----------
    radiance : array of float32
        W m-2 sr-1 um-1, at least one-dimensional.
    k1, k2 : float
        Planck constants of the band (W m-2 sr-1 um-1, K).
    alpha, beta : float
        Correction for the width of the band: temperature = (K2 / ln(K1 / L + 1) - beta) / alpha.
    """
    result: npt.NDArray[np.float32] = _inverse(radiance, *_single(radiance.ndim, k1, k2, alpha, beta))
    return result


def _single(ndim: int, *numbers: float) -> list[npt.NDArray[np.float32]]:
    """Return numbers as float32 arrays, which keep the arithmetic of integer counts in single precision."""
    return [np.full((1,) * ndim, number, np.float32) for number in numbers]
