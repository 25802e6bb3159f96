r"""Downward shortwave radiation at the surface (global horizontal irradiance).

The irradiance without clouds is scaled by the clear-sky index,

.. math:: G = k_c G_c ,

which is how both climatologies and Heliosat-type satellite methods state the effect of clouds: :math:`k_c` varies
slowly in space while :math:`G_c` carries sun, altitude and turbidity.  Valid for means over a day, a month or a year
alike, as long as both factors are means over the same time and :math:`k_c` is defined on them.
"""

from __future__ import annotations

from typing import Any

from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._retrieval import retrieval

POLAR_NIGHT = Flag(FIRST_OWN_BIT, "polar_night", "the sun does not rise here in this period, so the value is zero")
INDEX_FROM_NEIGHBOUR = Flag(
    FIRST_OWN_BIT + 1, "index_from_neighbour", "the clear-sky index comes from the nearest cell that has one"
)

SPEC = Product(
    key="dsr",
    title="Downward shortwave radiation",
    variables=(
        Variable(
            "dsr",
            long_name="downward shortwave radiation at the surface",
            standard_name="surface_downwelling_shortwave_flux_in_air",
            units="W m-2",
            valid_range=(0.0, 600.0),
            scale=0.02,
            colour_map="inferno",
            gcos_threshold="10 W m-2 (monthly mean)",
        ),
    ),
    inputs=(Input("clear_sky_index"), Input("clear_sky_shortwave")),
    editions=("1km", "5km", "0p25deg"),
    stage="climatology",
    methods=("clear_sky_index",),
    flags=(POLAR_NIGHT, INDEX_FROM_NEIGHBOUR),
    # Beyer, Costanzo and Heinemann (1996) for the definition by the clear-sky index.
    references=("10.1016/0038-092X(95)00092-6",),
)


@retrieval(SPEC)
def dsr(*, clear_sky_index: Any, clear_sky_shortwave: Any) -> Any:
    """Clear-sky index times clear-sky irradiance (equation of the module)."""
    return clear_sky_index * clear_sky_shortwave
