"""What grows in each land cover class: amounts, structure and leaves, in two sets.

``training`` is what algorithms may be trained on. ``scored`` is what they are judged on: other maxima, leaves, clumping
and soil, offset as :data:`OFFSETS` says, so that no score is won by having seen the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from musyq_lab.core.errors import InputError


@dataclass(frozen=True)
class Species:
    """The vegetation of a class.

    LAI: within mean and one standard deviation of its biome in Asner, Scurlock & Hicke (2003, doi
    10.1046/j.1466-822X.2003.00026.x: deserts 1.3 +- 0.9 to plantations 8.7 +- 4.3), at best growth. Clumping: Chen et
    al. (2005, doi 10.1016/j.rse.2005.05.003) and He et al. (2012, doi 10.1016/j.rse.2011.12.008), values as handed down
    in project notes, tables not opened. Leaves: modes and limits of the training base of Weiss, Baret & Jay (2020,
    S2ToolBox ATBD 2.1): N 1.2-1.8, Cab 20-90, Cdm 0.003-0.011, leaf water 60-85 % of fresh mass; the choice of a class
    within them is ours, needles outside them in dry matter (0.015-0.03 is usual, LOPEX). Heights, leaf angles and
    seasons: round numbers of ours.
    """

    lai: float
    """Leaf area index (m2 m-2) at best growth."""
    evergreen: float
    """Share of the leaves kept through the cold or dry season."""
    clumping: float
    """Clumping index (1)."""
    height: float
    """Canopy height at its largest (m)."""
    leaf_angle: float = 57.0
    """Mean leaf inclination (deg); 57 is a spherical canopy."""
    hotspot: float = 0.2
    """Leaf size over canopy height (ATBD mode 0.2)."""
    base: float = 5.0
    """Air temperature (degC) above which the season runs."""
    delay: float = 12.0
    """Days from the start of the season until half the leaves are out."""
    early: float = 8.0
    """Days before the end of the season when half the leaves are gone."""
    rise: float = 0.09
    """Rate of the leaf-out (d-1)."""
    fall: float = 0.07
    """Rate of the senescence (d-1)."""
    thirst: float = 0.5
    """Supply of water over demand (rain over potential evaporation) at which it grows in full."""
    n: float = 1.5
    """Leaf structure (1)."""
    cab: float = 45.0
    """Chlorophyll a + b at full green (ug cm-2)."""
    cm: float = 0.005
    """Dry matter (g cm-2)."""
    water_share: float = 0.75
    """Water in fresh leaf mass (1)."""


_BARE = Species(0.0, 0.0, 1.0, 0.0, base=8.0)
_SPECIES = MappingProxyType(
    {
        1: Species(5.0, 0.90, 0.62, 16.0, 57.0, 0.10, 4.0, 10.0, 5.0, 0.06, 0.05, 0.45, 1.75, 42.0, 0.011, 0.62),
        2: Species(6.0, 0.95, 0.66, 24.0, 50.0, 0.15, 8.0, 10.0, 5.0, 0.05, 0.04, 0.80, 1.60, 55.0, 0.009, 0.65),
        3: Species(4.2, 0.02, 0.68, 16.0, 55.0, 0.12, 6.0, 14.0, 6.0, 0.11, 0.10, 0.40, 1.50, 42.0, 0.007, 0.70),
        4: Species(5.0, 0.02, 0.70, 15.0, 45.0, 0.20, 8.0, 16.0, 4.0, 0.11, 0.08, 0.50, 1.50, 48.0, 0.006, 0.68),
        5: Species(4.8, 0.40, 0.69, 15.0, 50.0, 0.15, 6.5, 14.0, 5.0, 0.09, 0.07, 0.50, 1.55, 46.0, 0.007, 0.67),
        6: Species(2.4, 0.15, 0.75, 2.0, 55.0, 0.20, 6.0, 14.0, 6.0, 0.09, 0.07, 0.30, 1.60, 40.0, 0.008, 0.65),
        7: Species(1.2, 0.20, 0.75, 1.0, 57.0, 0.20, 6.0, 16.0, 10.0, 0.08, 0.06, 0.12, 1.65, 36.0, 0.009, 0.62),
        8: Species(3.6, 0.20, 0.70, 10.0, 52.0, 0.20, 6.0, 14.0, 8.0, 0.09, 0.07, 0.40, 1.50, 45.0, 0.006, 0.70),
        9: Species(2.8, 0.12, 0.72, 6.0, 57.0, 0.20, 6.0, 16.0, 10.0, 0.09, 0.07, 0.35, 1.50, 42.0, 0.006, 0.70),
        10: Species(2.4, 0.04, 0.78, 0.5, 65.0, 0.25, 4.0, 22.0, 20.0, 0.09, 0.07, 0.35, 1.45, 38.0, 0.0045, 0.75),
        11: Species(4.0, 0.04, 0.80, 1.8, 65.0, 0.25, 6.0, 20.0, 12.0, 0.09, 0.08, 0.10, 1.50, 45.0, 0.005, 0.80),
        12: Species(5.0, 0.0, 0.78, 2.4, 52.0, 0.30, 10.0, 52.0, 16.0, 0.13, 0.12, 0.15, 1.50, 52.0, 0.0045, 0.80),
        13: Species(1.2, 0.05, 0.75, 6.0, 50.0, 0.20, 7.0, 12.0, 6.0, 0.10, 0.08, 0.20, 1.50, 42.0, 0.006, 0.70),
        14: Species(4.0, 0.02, 0.76, 3.0, 52.0, 0.25, 8.0, 34.0, 12.0, 0.11, 0.09, 0.25, 1.50, 46.0, 0.005, 0.75),
        15: _BARE,
        16: Species(0.3, 0.10, 0.80, 0.3, 57.0, 0.20, 6.0, 18.0, 14.0, 0.08, 0.06, 0.20, 1.65, 34.0, 0.008, 0.62),
        17: _BARE,
    }
)
WHEAT = Species(4.5, 0.0, 0.80, 0.8, 60.0, 0.25, 3.0, 20.0, 0.0, 0.10, 0.25, 0.15, 1.45, 50.0, 0.0045, 0.80)
"""Winter wheat, the first of two crops where it is warm."""
OFFSETS = MappingProxyType(
    {"lai": ("times", 0.88), "clumping": ("plus", 0.05), "n": ("plus", 0.12), "cab": ("times", 0.90),
     "cm": ("times", 1.15), "water_share": ("plus", -0.02), "leaf_angle": ("plus", 4.0), "hotspot": ("times", 0.85)}
)  # fmt: skip
"""What the scored set has in place of the training set's numbers."""
MEMBERS = ("training", "scored")


@cache
def species(land_cover: int, members: str = "training") -> Species:
    """Return the vegetation of a class.

    Parameters
    ----------
    land_cover
        IGBP class 1-17.
    members
        ``"training"`` or ``"scored"``.

    Raises
    ------
    InputError
        If there is no such class or set.
    """
    if land_cover not in _SPECIES:
        raise InputError(f"Land cover {land_cover!r}: expected an IGBP class from 1 to 17.")
    return offset(_SPECIES[land_cover], members)


def offset(kind: Species, members: str) -> Species:
    """Return a vegetation as the set has it."""
    if members not in MEMBERS:
        raise InputError(f"members={members!r}: expected 'training' or 'scored'.")
    if members == "training" or kind.lai == 0:
        return kind
    moved = {
        name: getattr(kind, name) * by if how == "times" else getattr(kind, name) + by
        for name, (how, by) in OFFSETS.items()
    }
    return replace(kind, **{**moved, "n": min(moved["n"], 1.8), "clumping": min(moved["clumping"], 1.0)})
