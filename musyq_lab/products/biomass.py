r"""Living biomass above ground, and its carbon, from the height of woody plants.

.. math:: C = a\,h^b, \qquad B = C / 0.47

with h the mean height of the top of the canopy (m), C and B in Mg ha-1, and a and b by IGBP class
(``catalogs/biomes/allometry.csv``, with sources): for forest the general form of Asner & Mascaro (2014), scaled with
the density of the wood, for shrubs and savannas that of Panama (Asner et al. 2013). 0.47 is the carbon in dry wood
(IPCC 2006).

The programme lists a group of biomass and no product of it. Height alone explains about half of the variance of biomass
among stands: basal area, species and age do not show in it. Every value carries the bit ``low_confidence`` and an
uncertainty of half of it; for stocks of carbon use products made with lidar and field plots (GEDI L4A, ESA CCI).

Valid for woody plants of 2 to 50 m. No value for grass, wetlands, crops, towns and barren land; snow and water have 0.

References
----------
Asner & Mascaro (2014), doi:10.1016/j.rse.2013.09.023. Asner et al. (2013), doi:10.1186/1750-0680-8-7. IPCC (2006),
Guidelines for National Greenhouse Gas Inventories, vol. 4, table 4.3 (recalled). None of them was re-read: the numbers
were met in sources that the table names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.products._class_table import by_class
from musyq_lab.products._retrieval import retrieval

_CARBON = 0.47  # mass of carbon over dry mass
_PANAMA = (0.359, 1.7676)  # source in the table
_HEIGHTS = (2.0, 50.0)  # m, about those of the plots
_NO_WOODY = (10, 11, 12, 13, 14, 16)

SPEC = Product(
    key="biomass",
    title="Biomass above ground",
    variables=(
        Variable(
            "aboveground_biomass",
            long_name="dry mass of living plants above ground",
            units="Mg ha-1",
            valid_range=(0.0, 1600.0),
            scale=0.1,
            fill=-1,
            colour_map="YlGn",
            # Errors of height-only models among stands of one region are 25 to 40 % (Mascaro et al. 2011: 17 to 40 Mg
            # ha-1 of carbon in plots of 0.1 to 0.36 ha); more where the region is another.
            model_uncertainty=(2.0, 0.5),
            gcos_goal="10 % (above 50 Mg ha-1; recalled)",
            gcos_threshold="20 % (above 50 Mg ha-1; recalled)",
        ),
        Variable(
            "biomass_carbon",
            long_name="carbon in living plants above ground",
            units="Mg ha-1",
            valid_range=(0.0, 760.0),
            scale=0.1,
            fill=-1,
            colour_map="YlGn",
            model_uncertainty=(1.0, 0.5),
        ),
    ),
    inputs=(Input("canopy_height", uncertainty=(0.5, 0.15)), Input("land_cover")),
    methods=(
        Method(
            "biomes",
            "height allometry by class: Asner & Mascaro 2014 with wood density for forest, Asner et al. 2013 for "
            "shrubs and savannas (coefficients met at second hand, not re-read)",
            references=("10.1016/j.rse.2013.09.023", "10.1186/1750-0680-8-7"),
        ),
        Method(
            "panama",
            "height allometry of tropical forest in Panama for all woody classes (Asner et al. 2013, at second hand)",
            references=("10.1186/1750-0680-8-7",),
        ),
    ),
    flags=(
        Flag(8, "low_confidence", "biomass from height alone: basal area, species and age of the stand are not known, "
             "and the error is about half of the value"),
        Flag(9, "outside_plots", "the height is outside the 2 to 50 m for which the allometry was made"),
        Flag(10, "no_allometry", "there is no height allometry for land without woody plants"),
    ),
    references=("10.1016/j.rse.2013.09.023", "10.1186/1750-0680-8-7"),
)  # fmt: skip


def _flags(*, canopy_height: Any, land_cover: Any) -> dict[str, Any]:
    woody = np.isfinite(by_class("allometry", "a", land_cover))
    outside = (canopy_height < _HEIGHTS[0]) | (canopy_height > _HEIGHTS[1])
    grown = woody & ~np.isin(land_cover, (15, 17))
    none = np.isin(land_cover, _NO_WOODY)
    return {
        "low_confidence": grown & np.isfinite(canopy_height),
        "outside_plots": grown & outside,
        "no_allometry": none,
    }


@retrieval(SPEC, quality=_flags)
def biomass(*, canopy_height: Any, land_cover: Any, variables: tuple[str, ...], method: str = "biomes") -> Any:
    """Dry mass and carbon above ground by land cover and canopy height (equations of the module)."""
    a, b = (by_class("allometry", name, land_cover) for name in ("a", "b"))
    if method == "panama":
        woody = a > 0
        a, b = (np.where(woody, x.dtype.type(p), x) for x, p in zip((a, b), _PANAMA, strict=True))
    # Heights within an error of 0 are stepped below it for the uncertainty; no plant is shorter than that.
    carbon = a * np.maximum(canopy_height, canopy_height.dtype.type(0)) ** b
    made = {"aboveground_biomass": carbon / _CARBON, "biomass_carbon": carbon}
    return tuple(made[name] for name in variables)
