r"""Surface temperature from the energy balance, by Newton's method on every cell.

.. math:: (1 - \alpha) G + \varepsilon (L_d - \sigma T^4) = G_0 + H(T) + LE

with ground heat as a share of net radiation, latent heat after Priestley & Taylor (1972, doi
10.1175/1520-0493(1972)100<0081:OTAOSH>2.3.CO;2) limited by the water that soil and leaves have, and sensible heat by
the bulk formula of Louis (1979, doi 10.1007/BF00117978).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.twin._sky import STEFAN_BOLTZMANN

Field = NDArray[np.float32]

TOLERANCE = 0.01
"""Largest last step of the iteration (K)."""

HEIGHT = 10.0
"""Of wind and air temperature above the displacement height (m); that of the temperature (2 m) is not told apart."""

_STEPS = 12
_KARMAN = 0.4
_GRAVITY = 9.81
_HEAT_CAPACITY = 1004.7  # J kg-1 K-1, dry air at constant pressure
_GAS = 287.05  # J kg-1 K-1, dry air
_LOUIS = (9.4, 4.7, 5.3)  # b, b' and C* for heat: Louis 1979, eq. 14 and 20


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
        unstable, stable, _ = _LOUIS
        ri = -self.richardson * excess
        root = np.sqrt(np.abs(ri))
        below = 1 + self.convection * root
        above = 1 + stable * np.maximum(ri, 0)
        warm = ri < 0
        factor = np.where(warm, 1 - unstable * ri / below, above**-2)
        # d factor / d Ri of each branch
        slope = np.where(warm, -unstable * (below - 0.5 * self.convection * root) / below**2, -2 * stable * above**-3)
        return self.conductance * excess * factor, self.conductance * (factor - self.richardson * excess * slope)


def exchange(air: Field, pressure: Field, wind: Field, roughness: Field, excess_resistance: Field) -> Exchange:
    r"""Return the exchange of heat between a surface and the air at ``HEIGHT``.

    .. math:: C = \frac{\rho c_p \kappa^2 u}{\ln(z/z_0) \ln(z/z_h)}, \qquad \ln(z_0/z_h) = kB^{-1}

    Parameters
    ----------
    air
        Air temperature (K).
    pressure
        hPa.
    wind
        m s-1; less than 1 m s-1 counts as 1, for the gusts of free convection.
    roughness
        Length z0 for momentum (m).
    excess_resistance
        kB^-1, the logarithm of the roughness lengths for momentum over heat.
    """
    speed = np.maximum(wind, np.float32(1.0))
    momentum = np.log(np.float32(HEIGHT) / roughness)
    transfer = np.float32(_KARMAN**2) / (momentum * (momentum + excess_resistance))
    density = 100 * pressure / (np.float32(_GAS) * air)
    unstable, _, third = _LOUIS
    convection = third * transfer * unstable * np.sqrt(HEIGHT / roughness)
    return Exchange(
        density * np.float32(_HEAT_CAPACITY) * transfer * speed, convection, _GRAVITY * HEIGHT / (air * speed * speed)
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
        cubed = emitting * temperature**3
        net = absorbed - cubed * temperature
        share = np.where(net > 0, share_by_day, share_by_night)
        heat, slope = traded.heat(excess)
        step = (share * net - heat) / (4 * share * cubed + slope)
        excess += np.clip(step, np.float32(-12.0), np.float32(12.0))
        if np.abs(step).max() < TOLERANCE / 4:
            break
    if not np.abs(step).max() < TOLERANCE:
        raise InputError(
            f"The surface energy balance did not close within {TOLERANCE} K in {_STEPS} steps; "
            "expected air temperature in K, pressure in hPa and radiation in W m-2, all finite."
        )
    return air + excess
