r"""Emissivity of ground and plants: a mixture by vegetation cover, and thresholds of NDVI.

Vegetation cover (Malakar et al. 2018; Ermida et al. 2020): with cover :math:`f`, plants :math:`\varepsilon_v` and bare
ground :math:`\varepsilon_b`, and :math:`s` of the pixel under snow :math:`\varepsilon_s`,

.. math:: \varepsilon = (1 - s)\,[f \varepsilon_v + (1 - f)\,\varepsilon_b] + s\,\varepsilon_s .

The ASTER Global Emissivity Dataset holds, with its own NDVI, a mixture of the same kind in five bands. Without its
plants, and as another band sees it (weights :math:`c_k`, constant :math:`c_0`),

.. math:: \varepsilon_b = c_0 + \frac{\sum_k c_k \varepsilon_k - \varepsilon_v f_a \sum_k c_k}{1 - f_a}, \qquad
          f_a = \min\left(1, \max\left(0, \frac{N_a - 0.2}{0.86 - 0.2}\right)\right)^2 .

The public code of Ermida et al. limits :math:`f_a` after the square, so that NDVI below 0.2 counts as cover again;
here it is limited before.

NDVI thresholds (Sobrino et al. 2008): bare ground below 0.2 by red reflectance, plants above 0.5, between them with
:math:`P = [(N - 0.2) / 0.3]^2`

.. math:: \varepsilon = \varepsilon_v P + \varepsilon_b (1 - P) + F \varepsilon_v (1 - \varepsilon_b)(1 - P)

the last term being what plants reflect of the light of the ground (:math:`F` = 0.55).

References
----------
Malakar et al. 2018, doi:10.1109/TGRS.2018.2824828. Ermida et al. 2020, doi:10.3390/rs12091471. Sobrino et al. 2008,
doi:10.1109/TGRS.2007.904834. Yu, Guo and Wu 2014, doi:10.3390/rs6109829.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select

__all__ = ["ASTER_BARE", "ASTER_FULL", "ASTER_MOST", "NDVI_BARE", "NDVI_FULL", "aster_cover", "mixture", "thresholds"]

ASTER_BARE, ASTER_FULL = 0.2, 0.86
"""NDVI of bare ground and full cover in Ermida et al. 2020."""

ASTER_MOST = 0.75
"""Cover of ASTER GED above which its ground is not seen: its error of 0.015 becomes 0.06 (ours)."""

NDVI_BARE, NDVI_FULL = 0.2, 0.5
"""Thresholds of Sobrino et al. 2008."""


@inline
def cover(ndvi: Any) -> Any:
    """Vegetation cover (1) of ASTER GED from its NDVI."""
    share = (ndvi - ASTER_BARE) / (ASTER_FULL - ASTER_BARE)
    share = select(share < 0.0, 0.0, select(share > 1.0, 1.0, share))
    return share * share


@kernel("()->()")  # NDVI of ASTER GED -> vegetation cover
def aster_cover(ndvi: float, out: Any) -> None:
    """Vegetation cover (1) that goes with the NDVI of ASTER GED.

    Parameters
    ----------
    ndvi : array_like
        NDVI (1).
    out : numpy.ndarray
        Cover (1).
    """
    out[0] = cover(ndvi)


# cover, weighted ASTER emissivity, its NDVI, ground by class, snow (1); constant and sum of the weights, plants, snow
@kernel("(),(),(),(),(),(),(),(),()->()")  # -> emissivity
def mixture(
    plants_share: float,
    weighted: float,
    ndvi: float,
    ground: float,
    snow_share: float,
    constant: float,
    total: float,
    plants: float,
    snow: float,
    out: Any,
) -> None:
    """Emissivity (1) of plants, bare ground and snow.

    Parameters
    ----------
    plants_share : array_like
        Vegetation cover (1).
    weighted, ndvi : array_like
        Sum of weights times emissivities of ASTER GED, and its NDVI; NaN where it is not there.
    ground : array_like
        Emissivity of bare ground where ASTER GED does not show it.
    snow_share : array_like
        Snow cover (1).
    constant, total : array_like
        Constant of the conversion from ASTER bands, and sum of its weights.
    plants, snow : array_like
        Emissivity of plants and of snow.
    out : numpy.ndarray
        Emissivity (1).
    """
    hidden = cover(ndvi)
    seen = constant + (weighted - plants * hidden * total) / (1.0 - hidden)
    seen = select(seen > 1.0, 1.0, seen)
    known = (hidden <= ASTER_MOST) & (seen <= 1.0)  # neither holds for NaN
    bare = select(known, seen, ground)
    land = plants_share * plants + (1.0 - plants_share) * bare
    out[0] = land + snow_share * (snow - land)


@kernel("(),(),(),(),(),(),()->()")  # NDVI, red reflectance, plants, soil, bare, slope, cavity factor -> emissivity
def thresholds(
    ndvi: float, red: float, plants: float, soil: float, bare: float, slope: float, cavity: float, out: Any
) -> None:
    """Emissivity (1) by thresholds of NDVI.

    Parameters
    ----------
    ndvi, red : array_like
        NDVI and red reflectance (1).
    plants, soil : array_like
        Emissivity of plants and of the soil between them.
    bare, slope : array_like
        Bare ground is ``bare - slope * red``.
    cavity : array_like
        Factor of what plants reflect of the ground's radiation (1).
    out : numpy.ndarray
        Emissivity (1).
    """
    share = (ndvi - NDVI_BARE) / (NDVI_FULL - NDVI_BARE)
    share = select(share < 0.0, 0.0, select(share > 1.0, 1.0, share))
    gap = 1.0 - share * share
    mixed = plants * (1.0 - gap) + soil * gap + cavity * plants * (1.0 - soil) * gap
    # Neither input may be missing, even where only one counts.
    out[0] = select(ndvi < NDVI_BARE, bare - slope * red, mixed) + 0.0 * (ndvi + red)
