r"""Surface reflectance and its uncertainty, with the atmosphere known at the corners of cells of pixels.

Path reflectance, transmittance and spherical albedo vary slowly with the geometry, and nearly linearly with small
changes of the air. At each corner :math:`k` of a cell they are therefore stored as planes over the state of the air
:math:`\mathbf{s}` (aerosol, water vapour, ozone, pressure) that touch them at the state there,

.. math:: c(\mathbf{s}) \approx \sum_k w_k \left[c_k + \nabla c_k \cdot (\mathbf{s} - \mathbf{s}_k)\right]

with bilinear weights :math:`w_k`. The slopes also give what an error of the state does to the result. The planes do not
hold far from the corners: where :math:`\sum_k w_k |\mathbf{s} - \mathbf{s}_k|^2`, in units of :data:`REACH`, is above
1, the result is NaN, as it is where a corner lies outside the tables; such pixels are for the caller to do one by one.
"""

import math
from typing import Any

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import sqrt

__all__ = ["FIELDS", "REACH", "sensitivity", "surface"]

REACH = (0.15, 5.0, 100.0)
"""Changes of aerosol optical depth, water vapour (kg m-2) and pressure (hPa) to which the planes are trusted."""

FIELDS = 17
"""Numbers at a corner, over the state x = (aod, vapour, ozone, pressure).

0 to 4: path reflectance at x = 0 and its slopes; 5 to 9: transmittance; 10 to 12: spherical albedo, with slopes over
aod and pressure alone; 13 to 16: the sum of (x / reach)^2, and x / reach^2 for aod, vapour and pressure.
"""

_AOD, _VAPOUR, _PRESSURE = (1.0 / reach**2 for reach in REACH)


@inline
def _down(nodes: Any, i: int, y: Any, k: int, f: int) -> Any:
    """Interpolate one field down a column of corners."""
    return nodes[i, k, f] + y * (nodes[i + 1, k, f] - nodes[i, k, f])


@inline
def _path(nodes: Any, i: int, y: Any, k: int) -> Any:
    """Return path reflectance and its slopes on a row."""
    return (
        _down(nodes, i, y, k, 0),
        _down(nodes, i, y, k, 1),
        _down(nodes, i, y, k, 2),
        _down(nodes, i, y, k, 3),
        _down(nodes, i, y, k, 4),
    )


@inline
def _through(nodes: Any, i: int, y: Any, k: int) -> Any:
    """Return transmittance and its slopes on a row."""
    return (
        _down(nodes, i, y, k, 5),
        _down(nodes, i, y, k, 6),
        _down(nodes, i, y, k, 7),
        _down(nodes, i, y, k, 8),
        _down(nodes, i, y, k, 9),
    )


@inline
def _back(nodes: Any, i: int, y: Any, k: int) -> Any:
    """Return spherical albedo and its slopes on a row."""
    return _down(nodes, i, y, k, 10), _down(nodes, i, y, k, 11), _down(nodes, i, y, k, 12)


@inline
def _trust(nodes: Any, i: int, y: Any, k: int) -> Any:
    """Return the moments of the states at the corners on a row."""
    return (
        _down(nodes, i, y, k, 13),
        _down(nodes, i, y, k, 14),
        _down(nodes, i, y, k, 15),
        _down(nodes, i, y, k, 16),
    )


@inline
def _across(left: Any, right: Any, x: Any, f: int) -> Any:
    """Interpolate one field between the columns of corners."""
    return left[f] + x * (right[f] - left[f])


@inline
def _five(left: Any, right: Any, x: Any, aod: Any, vapour: Any, ozone: Any, pressure: Any) -> Any:
    """Return path or transmittance at a state of the air."""
    value = _across(left, right, x, 0) + _across(left, right, x, 1) * aod + _across(left, right, x, 2) * vapour
    return value + _across(left, right, x, 3) * ozone + _across(left, right, x, 4) * pressure


@inline
def _spread(left: Any, right: Any, x: Any, aod: Any, vapour: Any, pressure: Any) -> Any:
    """Return the mean square distance of the corners' states, in units of the reach."""
    own = aod * aod * _AOD + vapour * vapour * _VAPOUR + pressure * pressure * _PRESSURE
    mixed = _across(left, right, x, 1) * aod + _across(left, right, x, 2) * vapour
    return own - 2.0 * (mixed + _across(left, right, x, 3) * pressure) + _across(left, right, x, 0)


@kernel("(x),(x),(x),(x),(x),(r,k,f),(),(),(k),(x)->(x)")
def surface(
    toa: Any,  # x reflectance at the top of the atmosphere, one row of one band
    aod: Any,  # x at 550 nm
    vapour: Any,  # x kg m-2
    ozone: Any,  # x Dobson unit
    pressure: Any,  # x hPa
    nodes: Any,  # r rows and k columns of corners, f FIELDS of the band
    row: float,  # of corners above this one of pixels
    down: float,  # place of this one on the way to the next, 0 to 1
    edges: Any,  # k first pixel of each cell; the last ends the row
    along: Any,  # x place of each pixel in its cell, 0 to 1
    out: Any,  # x reflectance of the surface
) -> None:
    """Give the reflectance of a uniform Lambertian surface; NaN where the corners do not tell (see the module)."""
    i = int(row)
    for k in range(edges.size - 1):
        path, next_path = _path(nodes, i, down, k), _path(nodes, i, down, k + 1)
        through, next_through = _through(nodes, i, down, k), _through(nodes, i, down, k + 1)
        back, next_back = _back(nodes, i, down, k), _back(nodes, i, down, k + 1)
        trust, next_trust = _trust(nodes, i, down, k), _trust(nodes, i, down, k + 1)
        for p in range(int(edges[k]), int(edges[k + 1])):
            x = along[p]
            air = aod[p], vapour[p], ozone[p], pressure[p]
            above = toa[p] - _five(path, next_path, x, air[0], air[1], air[2], air[3])
            above = above / _five(through, next_through, x, air[0], air[1], air[2], air[3])
            albedo = _across(back, next_back, x, 0) + _across(back, next_back, x, 1) * air[0]
            albedo += _across(back, next_back, x, 2) * air[3]
            far = _spread(trust, next_trust, x, air[0], air[1], air[3]) > 1.0
            out[p] = math.nan if far else above / (1.0 + albedo * above)


@kernel("(x),(x),(x),(x),(x),(x),(x),(x),(x),(),(r,k,f),(),(),(k),(x)->(x),(x)")
def sensitivity(
    toa: Any,  # x as for `surface`, with all that follows
    aod: Any,  # x
    vapour: Any,  # x
    ozone: Any,  # x
    pressure: Any,  # x
    aod_sigma: Any,  # x one sigma of each, in its units
    vapour_sigma: Any,  # x
    ozone_sigma: Any,  # x
    pressure_sigma: Any,  # x
    table_sigma: float,  # of the modelled reflectance at the top of the atmosphere
    nodes: Any,  # r, k, f
    row: float,
    down: float,
    edges: Any,  # k
    along: Any,  # x
    gain_out: Any,  # x change of the surface's reflectance with that at the top of the atmosphere
    sigma_out: Any,  # x uncertainty of the surface's reflectance from the state of the air and from the tables
) -> None:
    r"""Give the derivatives of the surface's reflectance.

    With :math:`y = (\rho_t - \rho_a) / T` and :math:`\rho_s = y / (1 + S y)`,

    .. math:: (1 + S y)^2\, d\rho_s = \frac{d\rho_t - d\rho_a - y\, dT}{T} - y^2 dS
    """
    i = int(row)
    for k in range(edges.size - 1):
        path, next_path = _path(nodes, i, down, k), _path(nodes, i, down, k + 1)
        through, next_through = _through(nodes, i, down, k), _through(nodes, i, down, k + 1)
        back, next_back = _back(nodes, i, down, k), _back(nodes, i, down, k + 1)
        for p in range(int(edges[k]), int(edges[k + 1])):
            x = along[p]
            air = aod[p], vapour[p], ozone[p], pressure[p]
            passed = _five(through, next_through, x, air[0], air[1], air[2], air[3])
            above = (toa[p] - _five(path, next_path, x, air[0], air[1], air[2], air[3])) / passed
            s_aod, s_pressure = _across(back, next_back, x, 1), _across(back, next_back, x, 2)
            albedo = _across(back, next_back, x, 0) + s_aod * air[0] + s_pressure * air[3]
            by_aod = _across(path, next_path, x, 1) + above * _across(through, next_through, x, 1)
            by_vapour = _across(path, next_path, x, 2) + above * _across(through, next_through, x, 2)
            by_ozone = _across(path, next_path, x, 3) + above * _across(through, next_through, x, 3)
            by_pressure = _across(path, next_path, x, 4) + above * _across(through, next_through, x, 4)
            gain = 1.0 / (passed * (1.0 + albedo * above) * (1.0 + albedo * above))
            by_aod = (by_aod + above * above * s_aod * passed) * aod_sigma[p]
            by_pressure = (by_pressure + above * above * s_pressure * passed) * pressure_sigma[p]
            by_vapour, by_ozone = by_vapour * vapour_sigma[p], by_ozone * ozone_sigma[p]
            total = by_aod * by_aod + by_vapour * by_vapour + by_ozone * by_ozone + by_pressure * by_pressure
            gain_out[p] = gain
            sigma_out[p] = gain * sqrt(total + table_sigma * table_sigma)
