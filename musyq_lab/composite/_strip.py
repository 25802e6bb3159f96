"""A strip of pixels of all looks, in the form that the kernels of looks work on: blocks of (look, lane)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.composite import _normal
from musyq_lab.composite._plan import Plan
from musyq_lab.composite.weight import MAX_SUN, MAX_VIEW, mask_of
from musyq_lab.kernels import looks as kernels
from musyq_lab.kernels.looks import LANES, OFFSET, SLOPE

Array = NDArray[Any]

LOWEST, HIGHEST = -0.05, 1.6
"""Reflectances a look may have; fresh snow seen forward exceeds 1, noise and correction may give less than 0."""


LEAST = 1e-4
"""Smallest variance in units of what MOD09 states: a look that states less is believed so far."""

_ANGLES = ("sun_zenith", "view_zenith", "relative_azimuth")


@dataclass(frozen=True, slots=True)
class Pixels:
    """Arrays of one look over a chunk, or over one row of its pixels."""

    reflectance: Array
    """(band, y, x) as seen."""
    random: Array | None
    """(band, y, x) one sigma, or None."""
    systematic: Array | None
    """(band, y, x) one sigma, or None."""
    qa: Array
    """(y, x) uint16."""
    sun_zenith: Array
    """(y, x) deg."""
    view_zenith: Array
    """(y, x) deg."""
    relative_azimuth: Array
    """(y, x) deg, 0 with Sun and sensor on one side."""

    def flat(self) -> Pixels:
        """Return the same with rows and columns joined."""
        return pixels([_flat(getattr(self, name)) for name in self.__slots__])

    def cut(self, piece: slice) -> Pixels:
        """Return a piece along the joined dimension."""
        arrays = [getattr(self, name) for name in self.__slots__]
        return pixels([array if array is None else array[..., piece] for array in arrays])


def pixels(arrays: Sequence[Any]) -> Pixels:
    """Return the arrays of a look by name, in the order of the fields."""
    return Pixels(*arrays)


def _flat(array: Array | None) -> Any:
    return array if array is None else np.reshape(array, (*array.shape[:-2], -1))


@dataclass(frozen=True, slots=True)
class Strip:
    """All looks of a strip; arrays are ``(block, look, LANES)`` float32, one for each band where a list."""

    values: list[Array]
    """Reflectance of each band brought to one geometry, NaN where a look has none."""
    random: list[Array]
    """One sigma that is independent between looks."""
    systematic: list[Array]
    """One sigma that the looks of a sensor share; what MOD09 states for looks that state nothing."""
    shared: list[Array]
    """The systematic parts before looks were brought to one geometry."""
    stated: Array
    """Mean variance of the judged bands before looks were brought to one geometry, in units of MOD09's."""
    snow: Array
    """1 where a look shows snow."""
    grade: Array
    """Factor of quality, 0 where a look is not used."""
    weight: Array
    """Weight from quality, geometry, time and sensor."""


def strip(looks: Sequence[Pixels], sun: Array | None, plan: Plan, table: Array) -> Strip:
    """Bring pieces of all looks to the form of the kernels, and to one geometry.

    Parameters
    ----------
    looks : sequence of Pixels
        Pieces with joined rows and columns.
    sun : array (pixel,), optional
        Zenith angle of the Sun (deg) that looks are brought to; without it they stay as they are.
    plan : Plan
        What is made of them.
    table : array (65536,)
        Factor of each value of the quality bits.
    """
    size = looks[0].qa.size
    values = [pack(_band(looks, "reflectance", b, plan), size, np.nan) for b in range(plan.bands)]
    random = [pack(_band(looks, "random", b, plan), size, 0.0) for b in range(plan.bands)]
    systematic = [pack(_band(looks, "systematic", b, plan), size, 0.0) for b in range(plan.bands)]
    for i, look in enumerate(looks):
        if look.random is None and look.systematic is None:
            for value, sigma in zip(values, systematic, strict=True):
                sigma[:, i] = OFFSET + SLOPE * np.maximum(value[:, i], 0)
    shared = list(systematic)
    stated = relative(values, random, plan) + relative(values, systematic, plan)
    if sun is not None:
        angles = [pack([getattr(look, name) for look in looks], size, np.nan) for name in _ANGLES]
        factor = _normal.factors(angles, pack([sun], size, 0.0)[:, 0], plan)
        _normal.apply(values, random, systematic, factor, plan)
    grade = pack([table[look.qa] for look in looks], size, 0.0)
    snow = pack([(look.qa & mask_of("snow_ice")) > 0 for look in looks], size, 0.0)
    first = [np.float32(k.weight) * _geometry(look) for k, look in zip(plan.columns, looks, strict=True)]
    weight = pack(first, size, 0.0) * grade
    for b in plan.judged:
        weight[~((values[b] > LOWEST) & (values[b] < HIGHEST))] = 0.0
    return Strip(values, random, systematic, shared, stated, snow, grade, weight)


def relative(values: Sequence[Array], sigma: Sequence[Array], plan: Plan) -> Array:
    """Return the variance of the judged bands in units of what MOD09 states, ``(block, look, LANES)``."""
    first, second = plan.judged
    return np.asarray(kernels.relative(values[first], values[second], sigma[first], sigma[second]))


def _band(looks: Sequence[Pixels], name: str, band: int, plan: Plan) -> list[Array | None]:
    """Return one band of all looks, None where a look does not have it."""
    arrays = [getattr(look, name) for look in looks]
    places = [column.bands[band] for column in plan.columns]
    return [None if a is None or at < 0 else a[at] for a, at in zip(arrays, places, strict=True)]


def _geometry(look: Pixels) -> Array:
    """Return the weight of the angles, 0 outside their limits and where there are none."""
    inside = (look.view_zenith <= MAX_VIEW) & (look.sun_zenith <= MAX_SUN)
    cosine = np.cos(np.radians(look.view_zenith, dtype=np.float32))
    return np.where(inside, cosine * cosine, np.float32(0))


def pack(rows: Sequence[Array | None], pixels: int, fill: float) -> Array:
    """Return rows of pixels, one a look, as ``(block, look, LANES)``; looks without a row and the rest are ``fill``."""
    whole, rest = divmod(pixels, LANES)
    out = np.full((whole + (rest > 0), len(rows), LANES), fill, np.float32)
    for i, row in enumerate(rows):
        if row is not None:
            out[:whole, i] = row[: whole * LANES].reshape(whole, LANES)
            if rest:
                out[whole, i, :rest] = row[whole * LANES :]
    return out


def line(blocks: Array, pixels: int) -> Array:
    """Return ``(block, LANES)`` as one row of pixels."""
    return blocks.reshape(-1)[:pixels]
