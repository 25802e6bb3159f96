r"""Edges of grid cells and the measure of latitude bands on the WGS 84 ellipsoid.

The area of a band is exact, not an approximation on a sphere: with the first eccentricity :math:`e`, the area
between the equator and latitude :math:`\varphi` is proportional to

.. math:: q(\varphi) = (1-e^2)\left[\frac{\sin\varphi}{1-e^2\sin^2\varphi}
   + \frac{1}{2e}\ln\frac{1+e\sin\varphi}{1-e\sin\varphi}\right]

(Snyder 1987, USGS Professional Paper 1395, eq. 3-12), and a cell has the area
:math:`a^2/2 \cdot \Delta\lambda \cdot \Delta q`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import CRS_ATTRIBUTES

Floats = NDArray[np.float64]

SEMI_MAJOR_AXIS = float(str(CRS_ATTRIBUTES["semi_major_axis"]))
_FLATTENING = 1.0 / float(str(CRS_ATTRIBUTES["inverse_flattening"]))
_ECCENTRICITY = math.sqrt(_FLATTENING * (2.0 - _FLATTENING))


def authalic_measure(latitude: ArrayLike) -> Floats:
    """Return Snyder's q (see the module): differences of it are proportional to the area of a latitude band.

    Parameters
    ----------
    latitude : array_like
        Geodetic latitude, degrees north.
    """
    sine = np.sin(np.radians(np.asarray(latitude, float)))
    e = _ECCENTRICITY
    log_term = np.arctanh(e * sine) / e  # = ln((1+es)/(1-es)) / 2e, without the loss of digits
    measure: Floats = (1.0 - e * e) * (sine / (1.0 - (e * sine) ** 2) + log_term)
    return measure


def edges(centres: ArrayLike, axis: str) -> tuple[Floats, Floats]:
    """Return the lower and upper edge of each cell of a regular or slowly varying axis.

    Parameters
    ----------
    centres : array_like, shape (n,)
        Cell centres in degrees, strictly ascending or descending, at least two.
    axis : {"latitude", "longitude"}
        Edges of latitude stop at the poles.

    Returns
    -------
    lower, upper : ndarray, shape (n,)
        Degrees; ``lower < upper`` whatever the order of the centres.

    Raises
    ------
    InputError
        If there are fewer than two cells, or they are not in order.
    """
    points = np.asarray(centres, float)
    if points.ndim != 1 or points.size < 2:
        raise InputError(f"The {axis} axis has {points.size} cells; edges need at least two. Give bounds instead.")
    steps = np.diff(points)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise InputError(f"The {axis} axis is not in order. Sort it first, such as data.sortby({axis!r}).")
    middle = points[:-1] + steps / 2
    line = np.concatenate([[points[0] - steps[0] / 2], middle, [points[-1] + steps[-1] / 2]])
    if axis == "latitude":
        line = np.clip(line, -90.0, 90.0)
    return np.minimum(line[:-1], line[1:]), np.maximum(line[:-1], line[1:])
