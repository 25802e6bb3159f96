r"""Longwave irradiance at the surface: what a clear and a cloudy sky send down, what the ground sends up, the balance.

A sky radiates like a grey body at the temperature of the air near the ground,

.. math:: L_d = \sigma T^4 \left[(1 - a)\,\varepsilon_c + b\right],

with the emissivity :math:`\varepsilon_c` of the clear sky and two numbers of the clouds: both 0 without clouds, both
the cloud fraction :math:`c` where the cloud is black and as warm as the air (Crawford and Duchon 1999), both
:math:`0.84\,c` in Unsworth and Monteith (1975).  One pass over the pixels does both.

===============  ===================================================================================================
kernel           :math:`\varepsilon_c`; e in hPa, w (column of vapour) in cm, T in K
===============  ===================================================================================================
``prata``        :math:`1 - (1 + w)\,e^{-\sqrt{1.2 + 3 w}}`, less ``thin``
``brutsaert``    :math:`1.24\,(e / T)^{1/7}`
``dilley``       :math:`[59.38 + 113.7\,(T / 273.16)^6 + 96.96 \sqrt{w / 2.5}] / \sigma T^4`
``idso``         :math:`0.70 + 5.95 \cdot 10^{-5}\, e\, e^{1500 / T}`
``brunt``        :math:`p + q \sqrt{e}`
``swinbank``     :math:`9.36 \cdot 10^{-6}\, T^2`
===============  ===================================================================================================

References
----------
Prata 1996, doi:10.1002/qj.49712253306. Brutsaert 1975, doi:10.1029/WR011i005p00742. Dilley and O'Brien 1998,
doi:10.1002/qj.49712454903. Idso 1981, doi:10.1029/WR017i002p00295. Brunt 1932, doi:10.1002/qj.49705824704. Swinbank
1963, doi:10.1002/qj.49708938105. The papers were not read again: forms and numbers are as several public codes have
them (truewind/MATLAB ``inc_LW_e_clr`` after Flerchinger et al. 2009, doi:10.1029/2008WR007394; USDA-ARS/smrf), and the
set of vectors ``dlr_clear`` of this project evaluates them apart.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import exp, log, sqrt

__all__ = [
    "STEFAN_BOLTZMANN",
    "brunt",
    "brutsaert",
    "dilley",
    "emitted",
    "idso",
    "net",
    "net_of_emitted",
    "prata",
    "swinbank",
    "upward",
]

STEFAN_BOLTZMANN = 5.670374419e-8
"""W m-2 K-4 (CODATA 2018)."""

_SEVENTH = 1.0 / 7.0


@inline
def black(temperature: Any) -> Any:
    """Radiant exitance of a black body (W m-2), from K."""
    square = temperature * temperature
    return STEFAN_BOLTZMANN * square * square


@inline
def sky(temperature: Any, emissivity: Any, hidden: Any, added: Any) -> Any:
    """Irradiance (W m-2) of a clear sky of which clouds hide a share and to whose emissivity they add."""
    return black(temperature) * ((1.0 - hidden) * emissivity + added)


@kernel("(),(),(),(),()->()")  # air (K), column of vapour (kg m-2), thin air (1), a, b of the clouds -> W m-2
def prata(temperature: float, column: float, thin: float, hidden: float, added: float, out: Any) -> None:
    """Downward longwave irradiance after Prata 1996.

    Parameters
    ----------
    temperature, column : array_like
        Air temperature (K) and column of water vapour (kg m-2), broadcastable.
    thin : array_like
        What the emissivity is lower by where the air is thin (1); 0 near sea level.
    hidden, added : array_like
        Numbers a and b of the clouds (1); see the module.
    out : numpy.ndarray
        W m-2.
    """
    w = 0.1 * column
    emissivity = 1.0 - (1.0 + w) * exp(-sqrt(1.2 + 3.0 * w)) - thin
    out[0] = sky(temperature, emissivity, hidden, added)


@kernel("(),(),(),()->()")  # air (K), vapour pressure (Pa), a, b of the clouds -> W m-2
def brutsaert(temperature: float, vapour: float, hidden: float, added: float, out: Any) -> None:
    """Downward longwave irradiance after Brutsaert 1975.

    Parameters
    ----------
    temperature, vapour : array_like
        Air temperature (K) and vapour pressure (Pa), broadcastable.
    hidden, added : array_like
        Numbers a and b of the clouds (1); see the module.
    out : numpy.ndarray
        W m-2.
    """
    # Three times as fast as a power, and 0 without vapour as well.
    emissivity = 1.24 * exp(_SEVENTH * log(0.01 * vapour / temperature))
    out[0] = sky(temperature, emissivity, hidden, added)


@kernel("(),(),(),()->()")  # air (K), column of vapour (kg m-2), a, b of the clouds -> W m-2
def dilley(temperature: float, column: float, hidden: float, added: float, out: Any) -> None:
    """Downward longwave irradiance after Dilley and O'Brien 1998.

    Parameters
    ----------
    temperature, column : array_like
        Air temperature (K) and column of water vapour (kg m-2), broadcastable.
    hidden, added : array_like
        Numbers a and b of the clouds (1); see the module.
    out : numpy.ndarray
        W m-2.
    """
    ratio = temperature / 273.16
    square = ratio * ratio
    clear = 59.38 + 113.7 * square * square * square + 96.96 * sqrt(0.04 * column)
    out[0] = (1.0 - hidden) * clear + added * black(temperature)


@kernel("(),(),(),()->()")  # air (K), vapour pressure (Pa), a, b of the clouds -> W m-2
def idso(temperature: float, vapour: float, hidden: float, added: float, out: Any) -> None:
    """Downward longwave irradiance after Idso 1981.

    Parameters
    ----------
    temperature, vapour : array_like
        Air temperature (K) and vapour pressure (Pa), broadcastable.
    hidden, added : array_like
        Numbers a and b of the clouds (1); see the module.
    out : numpy.ndarray
        W m-2.
    """
    emissivity = 0.70 + 5.95e-7 * vapour * exp(1500.0 / temperature)
    out[0] = sky(temperature, emissivity, hidden, added)


@kernel("(),(),(),(),(),()->()")  # air (K), vapour pressure (Pa), p, q, a, b of the clouds -> W m-2
def brunt(temperature: float, vapour: float, p: float, q: float, hidden: float, added: float, out: Any) -> None:
    r"""Downward longwave irradiance in the form of Brunt 1932, :math:`\varepsilon_c = p + q \sqrt{e}`.

    Parameters
    ----------
    temperature, vapour : array_like
        Air temperature (K) and vapour pressure (Pa), broadcastable.
    p, q : array_like
        Coefficients (1, hPa-1/2).
    hidden, added : array_like
        Numbers a and b of the clouds (1); see the module.
    out : numpy.ndarray
        W m-2.
    """
    out[0] = sky(temperature, p + q * sqrt(0.01 * vapour), hidden, added)


@kernel("(),(),()->()")  # air (K), a, b of the clouds -> W m-2
def swinbank(temperature: float, hidden: float, added: float, out: Any) -> None:
    """Downward longwave irradiance after Swinbank 1963.

    Parameters
    ----------
    temperature : array_like
        Air temperature (K).
    hidden, added : array_like
        Numbers a and b of the clouds (1); see the module.
    out : numpy.ndarray
        W m-2.
    """
    out[0] = sky(temperature, 9.36e-6 * temperature * temperature, hidden, added)


@kernel("(),()->()")  # temperature (K), emissivity (1) -> W m-2
def emitted(temperature: float, emissivity: float, out: Any) -> None:
    r"""Radiant exitance of a grey body, :math:`\varepsilon \sigma T^4`.

    Parameters
    ----------
    temperature, emissivity : array_like
        K and 1, broadcastable.
    out : numpy.ndarray
        W m-2.
    """
    out[0] = emissivity * black(temperature)


@kernel("(),(),()->()")  # surface temperature (K), broadband emissivity (1), downward -> upward longwave (W m-2)
def upward(temperature: float, emissivity: float, downward: float, out: Any) -> None:
    r"""Upward longwave irradiance, emitted and reflected, :math:`\varepsilon \sigma T_s^4 + (1 - \varepsilon) L_d`.

    Parameters
    ----------
    temperature, emissivity, downward : array_like
        Surface temperature (K), broadband emissivity (1) and downward longwave irradiance (W m-2), broadcastable.
    out : numpy.ndarray
        W m-2.
    """
    out[0] = emissivity * black(temperature) + (1.0 - emissivity) * downward


@kernel("(),(),(),()->(),(),()")  # albedo, downward shortwave, down- and upward longwave -> net, net short, net long
def net(
    albedo: float, shortwave: float, down: float, up: float, total: Any, of_shortwave: Any, of_longwave: Any
) -> None:
    """Radiation balance of the surface from its four components.

    Parameters
    ----------
    albedo, shortwave, down, up : array_like
        Albedo (1), downward shortwave, downward and upward longwave irradiance (W m-2), broadcastable.
    total, of_shortwave, of_longwave : numpy.ndarray
        Net radiation, net shortwave and net longwave (W m-2), downward positive.
    """
    short, long = (1.0 - albedo) * shortwave, down - up
    total[0] = short + long
    of_shortwave[0] = short
    of_longwave[0] = long


@kernel("(),(),(),(),()->(),(),()")  # albedo, shortwave, longwave, surface (K), emissivity -> net, net short, net long
def net_of_emitted(
    albedo: float, shortwave: float, down: float, temperature: float, emissivity: float,
    total: Any, of_shortwave: Any, of_longwave: Any,
) -> None:  # fmt: skip
    r"""Radiation balance with the longwave one as :math:`\varepsilon (L_d - \sigma T_s^4)`.

    Parameters
    ----------
    albedo, shortwave, down : array_like
        Albedo (1), downward shortwave and longwave irradiance (W m-2), broadcastable.
    temperature, emissivity : array_like
        Surface temperature (K) and broadband emissivity (1).
    total, of_shortwave, of_longwave : numpy.ndarray
        Net radiation, net shortwave and net longwave (W m-2), downward positive.
    """
    short, long = (1.0 - albedo) * shortwave, emissivity * (down - black(temperature))
    total[0] = short + long
    of_shortwave[0] = short
    of_longwave[0] = long
