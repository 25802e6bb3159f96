r"""From digital numbers to radiance, reflectance and brightness temperature.

Reflectance factor at the top of the atmosphere and brightness temperature are

.. math:: \rho = \frac{\pi L d^2}{E_0 \cos\theta_s}, \qquad T = \frac{K_2}{\ln(K_1 / L + 1)}

with :math:`L` the radiance per micrometre, :math:`d` the distance to the Sun in AU and, for a narrow band at
:math:`\lambda`, :math:`K_1 = 2 h c^2 / \lambda^5` and :math:`K_2 = h c / (k \lambda)`.
"""

import math

__all__ = ["planck_constants", "planck_radiance"]

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
