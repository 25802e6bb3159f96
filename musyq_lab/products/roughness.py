r"""Aerodynamic roughness of the land surface: roughness length, its ratio to canopy height, displacement height.

Wind above a surface follows :math:`u = (u_*/\kappa) \ln[(z - d)/z_0]` in neutral air. Woody plants are taken as crowns
over the ground: leaf area index L covers the share :math:`1 - e^{-kL}` of it, the crowns turn the area

.. math:: \lambda = s\,a\,(1 - e^{-k L})

to the wind (s: form, cone 2/pi or ellipsoid 1; a: height over width of a crown), and z0/h and d/h follow from
:math:`\lambda` and L (:mod:`musyq_lab.kernels.roughness`: Raupach 1994 as fitted by Schaudt & Dickinson 2000). Grass,
crops and wetlands have fixed shares, z0 = h / 8 and d = 0.65 h; the method ``leaves`` takes Raupach's own form with
:math:`\lambda = L / 2` for them and for woody plants, and so follows the growth of crops. Snow, barren ground, water
and towns have a roughness length of their own and no displacement (their ratio is not defined). Parameters by IGBP
class are data: ``catalogs/biomes/roughness.csv``, with sources.

The programme's product (global, 1 km, 5 days) has the roughness length and its ratio to height, from land cover, leaf
area and the height of forest; its class parameters are not public and its stated accuracy is "above 80 %". Both rest on
canopy height: bring a map (lidar) as input.

Valid for extended stands in flat land. Bare stems are not in a leaf area index: a leafless forest comes out too smooth
and carries a bit. z0/h reaches 0.30 for sparse conifers, so the valid range ends at 0.35.

References
----------
Schaudt & Dickinson (2000), doi:10.1016/S0168-1923(00)00153-2. Raupach (1994), doi:10.1007/BF00709229. Both by way of
pyTSEB, whose numbers are reproduced; not re-read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import roughness as kernels
from musyq_lab.products._class_table import Floats, by_class
from musyq_lab.products._retrieval import retrieval

_WOODY, _LOW, _BARE = 1.0, 2.0, 0.0  # kinds of the table
_FEW_LEAVES = 0.5  # leaf area index below which stems and branches count more (ours)
_GROUND = 0.01  # roughness length (m) of the ground under plants, the least there is over land (pyTSEB)

SPEC = Product(
    key="roughness",
    title="Aerodynamic roughness",
    variables=(
        Variable(
            "roughness_length",
            long_name="roughness length for momentum",
            standard_name="surface_roughness_length_for_momentum_in_air",
            units="m",
            valid_range=(0.0, 32.0),
            scale=0.001,
            fill=-1,
            colour_map="viridis",
            # Doubling the aspect of crowns, which is not known, lowers z0 by 25 to 35 %.
            model_uncertainty=(0.005, 0.3),
        ),
        Variable(
            "roughness_ratio",
            long_name="roughness length over canopy height",
            units="1",
            valid_range=(0.0, 0.35),
            scale=0.0001,
            fill=-1,
            colour_map="viridis",
            model_uncertainty=(0.0, 0.3),
        ),
        Variable(
            "displacement_height",
            long_name="zero-plane displacement height",
            units="m",
            valid_range=(0.0, 100.0),
            scale=0.01,
            fill=-1,
            colour_map="viridis",
            model_uncertainty=(0.0, 0.15),
        ),
    ),
    inputs=(
        Input("lai", source="product:lai", uncertainty=(0.1, 0.2)),
        # ICESat maps of forest height have 4 to 6 m (Simard et al. 2011, doi:10.1029/2011JG001708, recalled).
        Input("canopy_height", uncertainty=(0.1, 0.2)),
        Input("land_cover"),
    ),
    methods=(
        Method(
            "crowns",
            "crowns over the ground: Raupach 1994 as fitted by Schaudt & Dickinson 2000 (by way of pyTSEB, not "
            "re-read); form of crowns by class of this package, since the programme's parameters are not public",
            references=("10.1016/S0168-1923(00)00153-2", "10.1007/BF00709229"),
        ),
        Method(
            "leaves",
            "Raupach 1994 with half of the leaf area as frontal area, for all plants (as the model CABLE has it, "
            "constants not re-read)",
            references=("10.1007/BF00709229",),
        ),
    ),
    flags=(
        Flag(8, "few_leaves", "woody plants have few leaves here: stems and branches, which leaf area leaves out, make "
             "the true surface rougher"),
        Flag(9, "no_plants", "the land cover has a roughness length of its own, whatever leaf area and height are"),
    ),
    references=("10.1016/S0168-1923(00)00153-2",),
)  # fmt: skip


def _flags(*, lai: Any, land_cover: Any) -> dict[str, Any]:
    kind = by_class("roughness", "kind", land_cover)
    return {"few_leaves": (kind == _WOODY) & (lai < _FEW_LEAVES), "no_plants": kind == _BARE}


def _of_leaves(lai: Any, kind: Floats) -> tuple[Any, Any]:
    """Return z0/h and d/h by leaf area alone, NaN where the class has no plants."""
    area = np.where((kind == _WOODY) | (kind == _LOW), lai, lai.dtype.type("nan"))
    z0, d = kernels.leaves(area)
    return z0, d


def _of_crowns(lai: Any, land_cover: Any, kind: Floats, aspect: float | None) -> tuple[Any, Any]:
    """Return z0/h and d/h by cover and form of crowns, NaN where the class has no plants."""
    column = {name: by_class("roughness", name, land_cover) for name in ("extinction", "shape", "aspect")}
    form = column["shape"] * (column["aspect"] if aspect is None else lai.dtype.type(aspect))
    woody = kernels.canopy(*(np.ascontiguousarray(x) for x in np.broadcast_arrays(lai, column["extinction"], form)))
    low = (by_class("roughness", name, land_cover) + 0 * lai for name in ("z0_share", "d_share"))
    z0, d = (np.where(kind == _LOW, share, ratio) for share, ratio in zip(low, woody, strict=True))
    return z0, d


@retrieval(SPEC, quality=_flags)
def roughness(
    *,
    lai: Any,
    canopy_height: Any,
    land_cover: Any,
    variables: tuple[str, ...],
    method: str = "crowns",
    aspect: float | None = None,
) -> Any:
    """Roughness length, its ratio to height and displacement height by land cover, leaf area and canopy height.

    ``aspect``, height over width of crowns, replaces that of the table for all woody classes (method ``crowns``).
    """
    # For the uncertainty both are stepped by their errors, below 0 where they are small.
    lai, canopy_height = (np.maximum(x, x.dtype.type(0)) for x in (lai, canopy_height))
    kind = by_class("roughness", "kind", land_cover)
    by_leaves = method == "leaves"
    ratio, d_ratio = _of_leaves(lai, kind) if by_leaves else _of_crowns(lai, land_cover, kind, aspect)
    bare = by_class("roughness", "z0", land_cover) + 0 * (lai + canopy_height)
    length = np.maximum(ratio * canopy_height, lai.dtype.type(_GROUND))
    made = {
        "roughness_length": np.where(kind == _BARE, bare, length),
        "roughness_ratio": ratio + 0 * canopy_height,
        "displacement_height": np.where(kind == _BARE, 0 * bare, d_ratio * canopy_height),
    }
    return tuple(made[name] for name in variables)
