"""Looks brought to one geometry: seen from straight above, under the Sun of the composite.

The same correction as :func:`musyq_lab.standard.nadir.normalize` with its fixed weights, for all looks of a strip at
once: it needs no second copy of the scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.composite._plan import Plan
from musyq_lab.kernels import brdf
from musyq_lab.standard.nadir import MAX_SUN, MAX_VIEW, fixed_weights, shares

Array = NDArray[Any]


def factors(angles: Sequence[Array], sun: Array, plan: Plan) -> list[Array]:
    """Return what the reflectance of each band is multiplied by, each ``(block, look, LANES)``.

    Parameters
    ----------
    angles : sequence of array (block, look, LANES)
        Zenith angles of Sun and view and relative azimuth of the looks (deg).
    sun : array (block, LANES)
        Zenith angle of the Sun that is wanted (deg).
    plan : Plan
        Names the bands.
    """
    bounded = (np.minimum(angles[0], np.float32(MAX_SUN)), np.minimum(angles[1], np.float32(MAX_VIEW)), angles[2])
    volume, geometric = brdf.values(*bounded)
    zero = np.zeros_like(sun)
    wanted = [layer[:, np.newaxis] for layer in brdf.values(sun, zero, zero)]
    weights = fixed_weights(plan.names, plan.wavelengths).values
    made = []
    for iso, vol, geo in weights.T:
        made.append((iso + vol * wanted[0] + geo * wanted[1]) / (iso + vol * volume + geo * geometric))
    return made


def apply(
    values: list[Array], random: list[Array], systematic: list[Array], factor: Sequence[Array], plan: Plan
) -> None:
    """Replace bands and uncertainties by their products; what the correction leaves wrong joins the systematic part.

    Parameters
    ----------
    values, random, systematic : list of array (block, look, LANES)
        Reflectance of each band and its one sigmas.
    factor : sequence of array (block, look, LANES)
        From :func:`factors`.
    plan : Plan
        Names the bands.
    """
    share = shares(plan.names, plan.wavelengths, "c_factor").values.astype(np.float32)
    for b, times in enumerate(factor):
        left = share[b] * (times - 1) * values[b]
        values[b], random[b] = values[b] * times, random[b] * times
        systematic[b] = np.hypot(systematic[b] * times, left)
