r"""Aerosol and water vapour from the light of a pixel: how well each amount agrees with what surfaces look like.

For each of some amounts (nodes) the reflectance of the surface follows from that at the top of the atmosphere,

.. math:: \rho = \frac{y}{1 + S y}, \qquad y = \frac{\rho_t - \rho_a}{T}

and :func:`misfit` compares it with a few kinds of surfaces, :func:`vapour` an absorbing band with its neighbours.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import kernel
from musyq_lab.kernels._math import log

__all__ = ["FREEDOM", "OFFSET", "misfit", "vapour"]

OFFSET = 0.02
"""Added to reflectance before its logarithm is taken, so that noise on dark surfaces does not count too much."""

_LEAST = -0.01
FREEDOM = 6.0
"""Degrees of freedom of Student's distribution: surfaces unlike any of the kinds count little."""


@kernel("(b),(k,b),(k,b),(k,b),(c,b),(c,b,b),(c)->(k),()")
def misfit(
    toa: Any,  # b reflectance at the top of the atmosphere
    path: Any,  # k,b path reflectance for each optical depth
    through: Any,  # k,b transmittance, down and up
    albedo: Any,  # k,b spherical albedo
    centre: Any,  # c,b of each kind of surface, of the logarithm of reflectance + OFFSET
    whiten: Any,  # c,b,b lower triangles whose product with the distance from the centre has unit covariance
    constant: Any,  # c logarithm of the determinant of the covariance - 2 log of the kind's share
    curve: Any,
    kind: Any,  # which kind of surface, for the optical depth that agrees best
) -> None:
    r"""Give the cost of each optical depth, less the smallest; NaN where a band has no value.

    It is -2 log of the density of reflectance under Student's distribution of its logarithm
    :math:`x_b = \ln(\rho_b + \epsilon)`,

    .. math:: J = \min_c \left[(\nu + d) \ln\left(1 + \frac{q_c}{\nu}\right) + k_c\right] + 2 \sum_b x_b

    with q the square of the Mahalanobis distance in d bands and :math:`\nu` = :data:`FREEDOM`. The density of a kind is
    largest where :math:`x = m - \frac{\nu}{\nu + d} C\,1`, to first order in the covariance C about its centre m.
    """
    bands = toa.shape[0]
    seen = np.empty_like(toa)
    least = 0.0 * toa[0] + np.inf
    for k in range(curve.shape[0]):
        total = 0.0 * toa[0]
        for b in range(bands):
            y = (toa[b] - path[k, b]) / through[k, b]
            seen[b] = log(max(y / (1.0 + albedo[k, b] * y), _LEAST + 0.0 * y) + OFFSET)
            total += seen[b] + 0.0 * y
        if np.isnan(total):
            curve[:] = total
            kind[0] = total
            return
        lowest = 0.0 * total + np.inf
        which = 0
        for c in range(constant.shape[0]):
            distance = 0.0 * total
            for i in range(bands):
                part = 0.0 * total
                for j in range(i + 1):
                    part += whiten[c, i, j] * (seen[j] - centre[c, j])
                distance += part * part
            cost = (FREEDOM + bands) * log(1.0 + distance / FREEDOM) + constant[c]
            if cost < lowest:
                lowest = cost
                which = c
        curve[k] = lowest + 2.0 * total
        if curve[k] < least:
            least = curve[k]
            kind[0] = which
    for k in range(curve.shape[0]):
        curve[k] -= least


@kernel("(b),(k,b),(k,b),(k,b),(m),(k)->(),()")
def vapour(
    toa: Any,  # b reflectance at the top of the atmosphere: the absorbing band, then those beside it
    path: Any,  # k,b path reflectance for each column
    through: Any,  # k,b transmittance, down and up
    albedo: Any,  # k,b spherical albedo
    weights: Any,  # m of the bands beside, whose sum the surface has in the absorbing band
    column: Any,  # k rising (kg m-2)
    found: Any,  # column (kg m-2)
    response: Any,  # change of the column for a relative change of the surface's reflectance in the absorbing band
) -> None:
    """Find the column for which the absorbing band sees the surface that its neighbours see; NaN beyond the columns."""
    before = 0.0 * toa[0]
    for k in range(column.shape[0]):
        expected = 0.0 * toa[0]
        surface = 0.0 * toa[0]
        for b in range(toa.shape[0]):
            y = (toa[b] - path[k, b]) / through[k, b]
            value = y / (1.0 + albedo[k, b] * y)
            if b == 0:
                surface = value
            else:
                expected += weights[b - 1] * value
        above = log(surface / expected)  # grows with the column
        if k > 0 and before <= 0.0 and above > 0.0:
            step = (column[k] - column[k - 1]) / (above - before)
            found[0] = column[k - 1] - before * step
            response[0] = step
            return
        before = above
