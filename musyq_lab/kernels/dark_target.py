r"""Aerosol where one band sees the surface that the others expect.

For each of some optical depths the reflectance of the surface follows from that at the top of the atmosphere,

.. math:: \rho_b = \frac{y_b}{1 + S_b y_b}, \qquad y_b = \frac{\rho_{t,b} - \rho_{a,b}}{T_b}

and that of the first band is compared with a linear relation among the others,

.. math:: g(\tau) = \rho_0(\tau) - \sum_{b > 0} w_b \rho_b(\tau) - c .

More aerosol darkens the surface that is left, in the blue most: g falls, and its zero is the optical depth. So work
dark-target methods (Kaufman et al. 1997, doi:10.1109/36.628795; Levy et al. 2007, doi:10.1029/2006JD007811), and, with
no band beside it and the surface of another day as c, those that compare dates.
"""

import math
from typing import Any

from musyq_lab.kernels._compile import kernel

__all__ = ["meeting"]


@kernel("(b),(k,b),(k,b),(k,b),(b),(),(k)->(),()")
def meeting(
    toa: Any,  # b reflectance at the top of the atmosphere: the band that tells, then those it is compared with
    path: Any,  # k,b path reflectance for each optical depth
    through: Any,  # k,b transmittance, down and up
    albedo: Any,  # k,b spherical albedo
    weights: Any,  # b of the relation; the first does not count
    constant: float,  # of the relation
    depth: Any,  # k rising optical depths
    found: Any,  # optical depth; beyond both ends as far as the last step leads; the last where g never falls to 0
    response: Any,  # change of the optical depth for a change of g, the error of the relation; NaN where it never falls
) -> None:
    """Find the optical depth for which the first band sees the surface that the relation expects."""
    before = 0.0 * toa[0]
    for k in range(depth.shape[0]):
        gap = 0.0 * toa[0] - constant
        for b in range(toa.shape[0]):
            y = (toa[b] - path[k, b]) / through[k, b]
            surface = y / (1.0 + albedo[k, b] * y)
            if b == 0:
                gap += surface
            else:
                gap -= weights[b] * surface
        if k > 0 and gap < before and (gap <= 0.0 or k == depth.shape[0] - 1):
            step = (depth[k] - depth[k - 1]) / (before - gap)
            found[0] = depth[k - 1] + before * step
            response[0] = step
            return
        before = gap
    found[0] = depth[depth.shape[0] - 1] + 0.0 * before
    response[0] = math.nan
