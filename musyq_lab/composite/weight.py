r"""What a look weighs before the looks of a pixel are compared: quality, geometry, distance in time, sensor.

.. math:: b = q\, c\, \cos^2\theta_v\, e^{-(\Delta t / \tau)^2 / 2} / (1 + p^2 / g^2)

with :math:`q` from the quality bits, :math:`c` the weight given to the sensor, :math:`\theta_v` the view zenith angle
(the ground that a pixel covers grows faster than :math:`1 / \cos\theta_v`), :math:`p` the size of its pixels and
:math:`g` that of the cells (about the share of a pixel's light that comes from the cell), :math:`\Delta t` the days
from the middle of the period and :math:`\tau` = 5 days. The factors of :data:`LOWERED`, the square, the share of light
and :math:`\tau` are choices of this package, not published numbers. What follows from stated uncertainties and from the
looks themselves is in :mod:`musyq_lab.kernels.looks`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from types import MappingProxyType

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.grid import METRES_PER_DEGREE
from musyq_lab.core.period import Period
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG, SCENE_FLAGS, Flag
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import layout

DROPPED = ("no_data", "saturated", "cloud", "cloud_shadow", "cirrus", "terrain_shadow", "night")
"""Flags whose pixels are not used."""

LOWERED = MappingProxyType({"cloud_possible": 0.3, "high_aerosol": 0.3, "low_quality": 0.3, "sun_glint": 0.3})
"""Factor of the weight of a pixel with a flag; those of several flags multiply. There is also ``near_cloud``."""

NEAR_CLOUD = Flag(max(flag.bit for flag in SCENE_FLAGS) + 1, "near_cloud", "a neighbour is cloud or its shadow")
"""Set by :func:`quality` beside the flags of the scene, where it has a factor or is dropped.

It has none by default: it needs the neighbours of every chunk, and on cells of 1 km it bettered nothing on the
simulated Earth (nearly all clear cells between clouds have it).
"""

DAYS = 5.0
"""Standard deviation of the weight in time (days)."""

COARSEST = 5.0
"""Times the size of a cell that a pixel may have."""

MAX_SUN, MAX_VIEW = 80.0, 70.0
"""Largest zenith angles of a look that is used (deg): the atmosphere is not known well beyond."""

_FLAGS = {**SCENE_FLAG, NEAR_CLOUD.name: NEAR_CLOUD}


def quality(scene: xr.Dataset, *, near_cloud: bool = False) -> xr.DataArray:
    """Return the quality bits of a scene, lazily.

    Parameters
    ----------
    scene : Dataset
        Standard scene.
    near_cloud : bool
        Whether to set one more for the eight neighbours of cloud and shadow.

    Returns
    -------
    DataArray, dims (*plane), uint16
    """
    if "qa" in scene and not near_cloud:
        return scene["qa"].transpose(*layout.plane_of(scene)).astype(QA_DTYPE, copy=False)
    hidden = layout.flagged(scene, "cloud", "cloud_shadow").transpose(*layout.plane_of(scene))
    bits = scene["qa"].transpose(*hidden.dims).astype(QA_DTYPE) if "qa" in scene else hidden.astype(QA_DTYPE) * 0
    if isinstance(hidden.data, da.Array):
        near = da.map_overlap(widened, hidden.data, depth=1, boundary=False, dtype=bool, meta=np.empty((0, 0), bool))
    else:
        near = widened(np.pad(hidden.values, 1))[1:-1, 1:-1]
    return bits | hidden.copy(data=near).astype(QA_DTYPE) * QA_DTYPE.type(NEAR_CLOUD.mask)


def widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask and the eight neighbours of each of its pixels."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    across = wide.copy()
    across[:, 1:] |= wide[:, :-1]
    across[:, :-1] |= wide[:, 1:]
    return across


def table(dropped: Sequence[str] = DROPPED, lowered: Mapping[str, float] = LOWERED) -> NDArray[np.float32]:
    """Return the factor of every possible value of the quality bits.

    Raises
    ------
    InputError
        If a flag is not known or a factor is not between 0 and 1.
    """
    values = np.arange(1 << 16, dtype=np.uint32)
    factors = np.ones(values.size, np.float32)
    for name, factor in lowered.items():
        if not 0.0 <= factor <= 1.0:
            raise InputError(f"The factor of {name!r} is {factor}. Give one between 0 (not used) and 1.")
        factors[(values & mask_of(name)) > 0] *= np.float32(factor)
    factors[(values & reduce(or_, map(mask_of, dropped), 0)) > 0] = 0.0
    return factors


def mask_of(name: str) -> int:
    """Return the bit of a flag as a number."""
    if name not in _FLAGS:
        raise InputError(f"There is no flag {name!r} of a look.{closest(name, _FLAGS)}")
    return _FLAGS[name].mask


def of_footprint(scene: xr.Dataset, sensor: str) -> float:
    """Return about which share of a pixel's light comes from its cell, 1 for a sensor that is not known.

    Raises
    ------
    InputError
        If the pixels are more than :data:`COARSEST` times as large as the cells.
    """
    if sensor not in SENSORS:
        return 1.0
    ratio = SENSORS[sensor].resolution / cell_size(scene)
    if ratio > COARSEST:
        raise InputError(
            f"Its pixels of {SENSORS[sensor].resolution:g} m are too coarse for cells of {cell_size(scene):.0f} m."
        )
    return 1.0 / (1.0 + ratio * ratio)


def cell_size(scene: xr.Dataset) -> float:
    """Return the distance of rows of the grid (m)."""
    rows = layout.plane_of(scene)[0]
    centres = scene[rows].values
    step = abs(float(centres[-1] - centres[0])) / max(centres.size - 1, 1)
    return (step * METRES_PER_DEGREE if rows == "latitude" else step) or math.inf


def offset(time: datetime, period: Period) -> float:
    """Return the days from the middle of a period to an instant."""
    return (time - period.middle).total_seconds() / 86400.0


def of_time(days: float) -> float:
    """Return the weight of a look so many days from the middle."""
    return math.exp(-0.5 * (days / DAYS) ** 2)


def of_sensor(sensor: str, weights: Mapping[str, float] | None) -> float:
    """Return the weight given to a sensor, 1 by default.

    Raises
    ------
    InputError
        If it is negative or not finite.
    """
    weight = float((weights or {}).get(sensor, 1.0))
    if not 0.0 <= weight < math.inf:
        raise InputError(f"The weight of {sensor!r} is {weight}. Give a number from 0.")
    return weight
