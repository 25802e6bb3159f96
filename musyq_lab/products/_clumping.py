r"""Clumping of leaves by land cover.

Leaves that stand in shoots, crowns and rows hide one another: a canopy of leaf area index L looks, through its gaps,
like a random one of

.. math:: L_e = \Omega L, \qquad P_0(\theta) = e^{-G(\theta)\,\Omega L / \cos\theta}

with the clumping index :math:`\Omega \le 1` (1: leaves at random). It is taken from a table by IGBP class
(``catalogs/biomes/clumping.csv``, sources there), in which the numbers of Chen et al. (2005) and He et al. (2012) are
recalled, not re-read; those of the BEPS model, which were read, differ by up to 0.14 in forests and 0.25 in shrubs,
and the stated one-sigma errors (0.07 to 0.12) are made to cover both.

References
----------
Chen, Menges & Leblanc (2005), doi:10.1016/j.rse.2005.05.003. He, Chen, Pisek, Schaaf & Strahler (2012),
doi:10.1016/j.rse.2011.12.008. Chen & Black (1992), doi:10.1111/j.1365-3040.1992.tb00992.x for the definition.
"""

from __future__ import annotations

from typing import Any

from musyq_lab.products._class_table import Floats, by_class

_TABLE = "clumping"


def clumping_of(land_cover: Any, source: str = "clumping") -> Floats:
    """Return the clumping index (1) of each pixel.

    Parameters
    ----------
    land_cover : array_like
        IGBP classes, 1 to 17.
    source : {"clumping", "beps"}, optional
        Column of the table: Chen et al. (2005) with He et al. (2012), or the set of the BEPS model.

    Returns
    -------
    array
        In the shape and float type of ``land_cover``; NaN for snow and ice (15), water (17) and unknown classes.
    """
    return by_class(_TABLE, source, land_cover)


def clumping_uncertainty(land_cover: Any) -> Floats:
    """Return one sigma (1) of the clumping index of :func:`clumping_of`, for the same classes."""
    return by_class(_TABLE, "sigma", land_cover)
