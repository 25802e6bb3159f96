r"""Surface temperature from the energy balance, by Newton's method on every cell.

.. math:: (1 - \alpha) G + \varepsilon (L_d - \sigma T^4) = G_0 + H(T) + LE

with ground heat as a share of net radiation, latent heat after Priestley & Taylor (1972, doi
10.1175/1520-0493(1972)100<0081:OTAOSH>2.3.CO;2) limited by the water that soil and leaves have, and sensible heat by
a bulk formula with the correction of Louis (1979, doi 10.1007/BF00117978) where air is unstable and the long-tailed
1 / (1 + 10 Ri) of weather models where it is stable (no paper was opened for the 10): Louis's own lets the ground of a
calm night fall 20 K below the air. Louis's constants are cited without the paper having been opened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels.longwave import STEFAN_BOLTZMANN

Field = NDArray[np.floating]

TOLERANCE = 0.01
"""Largest last step of the iteration (K)."""

HEIGHTS = (10.0, 2.0)
"""Of wind and of air temperature above the displacement height (m)."""

_STEPS = 12
_KARMAN = 0.4
_GRAVITY = 9.81
_HEAT_CAPACITY = 1004.7  # J kg-1 K-1, dry air at constant pressure
_GAS = 287.05  # J kg-1 K-1, dry air
_LOUIS = (9.4, 5.3)  # b and C* for heat: Louis 1979, eq. 14 and 20
_TAIL = 10.0


@dataclass(frozen=True)
class Exchange:
    """How strongly the surface and the air trade heat."""

    conductance: Field
    """Of neutral air times its heat capacity (W m-2 K-1)."""
    convection: Field
    """c of Louis's unstable branch."""
    richardson: Field
    """Bulk Richardson number for each kelvin the air is warmer (K-1)."""

    def heat(self, excess: Field) -> tuple[Field, Field]:
        """Return sensible heat (W m-2) and its derivative (W m-2 K-1) for surface minus air temperature (K)."""
        factor, slope = self._correction(excess)
        flux = self.conductance * excess
        return flux * factor, self.conductance * factor - flux * self.richardson * slope

    def coefficient(self, excess: Field) -> Field:
        """Return sensible heat for each kelvin (W m-2 K-1)."""
        return self.conductance * self._correction(excess)[0]

    def _correction(self, excess: Field) -> tuple[Field, Field]:
        """Return the factor on the neutral flux and its derivative by the Richardson number."""
        unstable, _ = _LOUIS
        ri = -self.richardson * excess
        warm = ri < 0
        root = self.convection * np.sqrt(np.abs(ri))
        damped = 1 / np.where(warm, 1 + root, 1 + _TAIL * ri)
        factor = np.where(warm, 1 - unstable * ri * damped, damped)
        slope = np.where(warm, -unstable * (1 + np.float32(0.5) * root), np.float32(-_TAIL)) * damped * damped
        return factor, slope


def exchange(air: Field, pressure: Field, wind: Field, roughness: Field, excess_resistance: Field) -> Exchange:
    r"""Return the exchange of heat between a surface and the air.

    .. math:: C = \frac{\rho c_p \kappa^2 u}{\ln(z_u/z_0) \ln(z_T/z_h)}, \qquad \ln(z_0/z_h) = kB^{-1}

    Parameters
    ----------
    air
        Air temperature (K).
    pressure
        hPa.
    wind
        m s-1; less than 1.5 m s-1 counts as that, for gusts.
    roughness
        Length z0 for momentum (m).
    excess_resistance
        kB^-1, the logarithm of the roughness lengths for momentum over heat.
    """
    speed = np.maximum(wind, np.float32(1.5))
    of_wind, of_heat = HEIGHTS
    momentum = np.log(np.float32(of_wind) / roughness)
    transfer = np.float32(_KARMAN**2) / (momentum * (np.log(np.float32(of_heat) / roughness) + excess_resistance))
    density = 100 * pressure / (np.float32(_GAS) * air)
    unstable, third = _LOUIS
    convection = third * transfer * unstable * np.sqrt(of_heat / roughness)
    return Exchange(
        density * np.float32(_HEAT_CAPACITY) * transfer * speed, convection, _GRAVITY * of_heat / (air * speed * speed)
    )


def solve(
    air: Field, absorbed: Field, emissivity: Field, share_by_day: Field, share_by_night: Field, traded: Exchange
) -> Field:
    """Return the temperature (K) at which what is left of net radiation equals sensible heat.

    Parameters
    ----------
    air
        Air temperature (K).
    absorbed
        Shortwave plus longwave that the surface absorbs (W m-2).
    emissivity
        Broadband (1).
    share_by_day, share_by_night
        Of net radiation left for sensible heat where it is positive, or negative (1).
    traded
        Exchange with the air.

    Raises
    ------
    InputError
        If the last step of any cell exceeds ``TOLERANCE``: the inputs are no weather.
    """
    emitting = emissivity * np.float32(STEFAN_BOLTZMANN)
    excess = np.zeros_like(air)
    step = np.full_like(air, np.inf)
    for _ in range(_STEPS):
        temperature = air + excess
        cubed = emitting * temperature * temperature * temperature
        net = absorbed - cubed * temperature
        share = np.where(net > 0, share_by_day, share_by_night)
        heat, slope = traded.heat(excess)
        step = (share * net - heat) / (4 * share * cubed + slope)
        excess += np.clip(step, np.float32(-12.0), np.float32(12.0))
        if np.abs(step).max() < TOLERANCE:
            break
    if not np.abs(step).max() < TOLERANCE:
        raise InputError(
            f"The surface energy balance did not close within {TOLERANCE} K in {_STEPS} steps; "
            "expected air temperature in K, pressure in hPa and radiation in W m-2, all finite."
        )
    return air + excess
