"""Mistakes that every exercise knows, as straight lines from the right answer to the wrong one.

A mistake is recognised if the answer, brought back along its line, is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

KELVIN = 273.15
"""Zero of degrees Celsius (K)."""
_TEMPERATURES = ("K", "degC")
_ANGLES = ("degree", "degrees", "radian", "rad")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong answer = factor x right answer + offset."""

    name: str
    """Of the hint."""
    factor: float = 1.0
    """On the right answer (1)."""
    offset: float = 0.0
    """Added to it, in the unit of the answer."""


def mistakes(units: str) -> Iterator[Mistake]:
    """Yield the mistakes that make sense for a unit, the likeliest first."""
    if units in _TEMPERATURES:
        yield from (Mistake("celsius", offset=offset) for offset in (-KELVIN, KELVIN))
    if units in _ANGLES:
        yield from (Mistake("radians", factor) for factor in (math.pi / 180, 180 / math.pi))
    yield Mistake("sign", -1.0)
    if units == "1":
        yield Mistake("complement", -1.0, 1.0)
    yield from (Mistake("per_cent", factor) for factor in (100.0, 0.01))
    yield from (Mistake("thousand", factor) for factor in (1e3, 1e-3))
    yield from (Mistake("stored", factor) for factor in (1e4, 1e5, 1e6))
    yield from (Mistake("scaled_twice", factor) for factor in (1e-4, 1e-5, 1e-6))
