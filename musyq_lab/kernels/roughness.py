r"""Aerodynamic roughness of woody canopies from the area that they turn to the wind.

With the frontal area of the crowns per ground area :math:`\lambda`,

.. math::
   z_0/h &= 0.0537\,\lambda^{-0.51} \left(1 - e^{-10.9\,\lambda^{0.874}}\right) + 0.00368 \quad (\lambda > 0.152), \\
   z_0/h &= 5.86\,e^{-10.9\,\lambda^{1.12}} \lambda^{1.33} + 0.00086 \quad (\lambda \le 0.152), \\
   d/h &= 1 - \left(1 - e^{-\sqrt{15 \lambda}}\right) / \sqrt{15 \lambda}

(Schaudt & Dickinson 2000, their fit to Raupach 1994), and for a canopy of leaf area index L both are multiplied with
factors after Lindroth (1993),

.. math::
   f_z &= 0.3299\,L^{1.5} + 2.1713 \; (L < 0.8775), \quad 1.6771\,e^{-0.1717 L} + 1 \; (L \ge 0.8775), \\
   f_d &= 1 - 0.3991\,e^{-0.1779 L} .

The two branches of z0/h do not meet: there is a step down of 1.2 % at 0.152.

Raupach (1994) himself takes half of the leaf area as frontal area, :math:`\lambda = L / 2`, with d/h as above and

.. math::
   z_0/h = (1 - d/h)\, e^{\ln c_w - 1 + 1/c_w - \kappa\, U_h/u_*}, \qquad
   u_*/U_h = \min\left(\sqrt{0.003 + 0.3\,\lambda},\ 0.3\right), \quad c_w = 2, \ \kappa = 0.4 .

References
----------
Schaudt & Dickinson (2000), An approach to deriving roughness length and zero-plane displacement height from satellite
data, prototyped with BOREAS data, Agric. For. Meteorol. 104, 143-155, doi:10.1016/S0168-1923(00)00153-2. Raupach
(1994), Simplified expressions for vegetation roughness length and zero-plane displacement as functions of canopy height
and area index, Bound.-Layer Meteorol. 71, 211-216, doi:10.1007/BF00709229. The papers were not re-read: the fits and
their factors are checked against pyTSEB; Raupach's own form was read in the source of the model CABLE
(cable_roughness.f90, which names his equations 7 and 8), its constants 0.003, 0.3, 0.3 and 2 are recalled.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import exp, pow, sqrt

__all__ = ["canopy", "leaves", "raupach"]

_SWITCH = 0.152  # frontal area where the branches change
_DRAG = 15.0  # twice Raupach's c_d1 = 7.5
_GROUND_DRAG, _CROWN_DRAG, _MOST = 0.003, 0.3, 0.3  # C_S, C_R and the largest friction velocity over wind at the top
_SUBLAYER = 0.193147180559945  # ln 2 - 1 + 1 / 2
_KARMAN = 0.4


@inline
def _ratios(frontal: Any) -> Any:
    """Return z0/h and d/h of roughness elements."""
    tiny = 1e-12 + 0.0 * frontal
    area = max(frontal, tiny)
    dense = 0.0537 * pow(area, -0.51) * (1.0 - exp(-10.9 * pow(area, 0.874))) + 0.00368
    sparse = 5.86 * exp(-10.9 * pow(area, 1.12)) * pow(area, 1.33) + 0.00086
    root = sqrt(_DRAG * area)
    return select(frontal > _SWITCH, dense, sparse), 1.0 - (1.0 - exp(-root)) / root


# frontal area of the crowns per ground area -> roughness length and displacement height over canopy height
@kernel("()->(),()")
def raupach(frontal: Any, roughness: Any, displacement: Any) -> None:
    """Return z0/h and d/h for a frontal area (all 1); NaN for a negative one."""
    z0, d = _ratios(frontal)
    valid = frontal >= 0.0
    roughness[0] = select(valid, z0, frontal + float("nan"))
    displacement[0] = select(valid, d, frontal + float("nan"))


# leaf area index, extinction towards the zenith, frontal over covered area -> both over canopy height
@kernel("(),(),()->(),()")
def canopy(lai: Any, extinction: Any, shape: Any, roughness: Any, displacement: Any) -> None:
    """Return z0/h and d/h of a canopy by leaf area index and the form of its crowns; NaN for a negative index."""
    cover = 1.0 - exp(-extinction * lai)
    z0, d = _ratios(cover * shape)
    rising = 0.3299 * lai * sqrt(max(lai, 0.0 * lai)) + 2.1713
    falling = 1.6771 * exp(-0.1717 * lai) + 1.0
    valid = lai >= 0.0
    roughness[0] = select(valid, z0 * select(lai < 0.8775, rising, falling), lai + float("nan"))
    displacement[0] = select(valid, d * (1.0 - 0.3991 * exp(-0.1779 * lai)), lai + float("nan"))


# leaf area index -> roughness length and displacement height over canopy height
@kernel("()->(),()")
def leaves(lai: Any, roughness: Any, displacement: Any) -> None:
    """Return z0/h and d/h of leaves that turn half of their area to the wind; NaN for a negative index."""
    area = 0.5 * lai
    root = sqrt(_DRAG * max(area, 1e-12 + 0.0 * area))
    d = 1.0 - (1.0 - exp(-root)) / root
    friction = min(sqrt(_GROUND_DRAG + _CROWN_DRAG * max(area, 0.0 * area)), _MOST + 0.0 * area)
    z0 = (1.0 - d) * exp(_SUBLAYER - _KARMAN / friction)
    valid = lai >= 0.0
    roughness[0] = select(valid, z0, lai + float("nan"))
    displacement[0] = select(valid, d, lai + float("nan"))
