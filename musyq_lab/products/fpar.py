r"""Fraction of photosynthetically active radiation (400 to 700 nm) that green leaves absorb.

A small network, trained on canopies of PROSPECT-D and 4SAIL as the bands of the sensor see them, gives the absorption
at the Sun of the scene under a clear sky: with that of the beam :math:`A_s` and of diffuse light :math:`A_d`,

.. math:: f = (1 - d) A_s + d A_d, \qquad d = 0.847 - 1.61 \cos\theta_s + 1.04 \cos^2\theta_s

weighted over the photons of sunlight; light that the soil sends back up counts. The mean of a day is higher in winter
and at high latitudes, where the Sun is low for long. Networks, training base and what they reach on canopies they have
not seen: ``catalogs/networks`` (``accuracy.csv``).

``method="lut"`` takes the programme's way instead, tables by land cover (:mod:`musyq_lab.products._lookup`).

On corrected scenes of the simulated Earth (scored set, five summer days, clear pixels of MSI, OLI, WFV, MODIS and
MERSI-2) the root mean square error is 0.06 and 78 % of the pixels are within 10 % (GCOS threshold) where the scene
tells its aerosol; 0.07 and 71 % with the aerosol of a climatology. The standard error covers 75 to 81 % there. In May,
before crops cover the ground, less than half are within 10 %. On ten test cases of SL2P the two networks differ by 0.04
in the root mean square.

Valid for snow-free land. All leaves of the canopy count in the training base, of which few are brown: absorption by dry
leaves is seen in part. Snow and water have no leaves: 0.

References
----------
Weiss, Baret & Jay (2020), S2ToolBox Level 2 products: LAI, FAPAR, FCOVER, ATBD 2.1, for training base and kind of
network (SL2P, whose weights are others). Baret et al. (2007), doi:10.1016/j.rse.2007.02.018, for the method. Francois
et al. (2002), Agronomie 22, 611-618, for d (coefficients as in the R package prosail, paper not re-read).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.products import _networks
from musyq_lab.products._retrieval import retrieval

_NO_LEAVES = (15, 17)  # IGBP: snow and ice, water
_TABLE = 0.03  # error of tables that the spread among their best entries does not hold (ours)

NO_LEAVES = Flag(FIRST_OWN_BIT + 6, "no_leaves", "the land cover is snow, ice or water, which has no leaves")

SPEC = Product(
    key="fpar",
    title="Fraction of absorbed photosynthetically active radiation",
    variables=(
        Variable(
            "fpar",
            long_name="fraction of photosynthetically active radiation absorbed by green leaves",
            standard_name="fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation",
            units="1",
            valid_range=(0.0, 1.0),
            scale=1e-4,
            colour_map="YlGn",
            gcos_goal="5 % (0.0025 below 0.05), two sigma",
            gcos_threshold="10 % (0.005 below 0.05), two sigma",
        ),
    ),
    inputs=(*_networks.INPUTS, Input("land_cover", optional=True)),
    editions=("1km", "30m"),
    stage="scene",
    methods=(
        Method(
            "network",
            "networks of this package, trained on PROSPECT-D and 4SAIL over the ranges of the S2ToolBox ATBD for the "
            "bands of the sensor",
            references=("10.1016/j.rse.2007.02.018",),
        ),
        Method(
            "lut",
            "the programme's way, whose tables are not public: look-up tables of PROSPECT-D and 4SAIL by land cover of "
            "this package, mean of the best entries",
            references=("10.1016/S0034-4257(02)00035-4",),
        ),
    ),
    flags=(*_networks.FLAGS, NO_LEAVES),
    references=("10.1016/j.rse.2008.01.026",),
)


def _leafless(land_cover: Any) -> Any:
    return np.False_ if land_cover is None else np.isin(land_cover, _NO_LEAVES)


def _quality(*, values: Any, method: str, land_cover: Any = None, **given: Any) -> dict[str, Any]:
    none = _leafless(land_cover)
    found = _networks.quality("fpar", _networks.given(given), values["fpar"] if method == "network" else None)
    return {name: where & ~none for name, where in found.items()} | {"no_leaves": none}


def _uncertainty(*, method: str, land_cover: Any = None, **given: Any) -> Any:
    inputs = _networks.given(given)
    if method == "lut":
        sigma = np.hypot(_networks.by_table(inputs, land_cover).sigma_fpar, inputs.sun_zenith.dtype.type(_TABLE))
    else:
        _, sigma = _networks.estimate_with_uncertainty("fpar", inputs)
    return np.where(_leafless(land_cover), inputs.zero(), sigma)


@retrieval(SPEC, quality=_quality, uncertainty=_uncertainty, check=_networks.check)
def fpar(*, sensor: str = "", method: str = "network", land_cover: Any = None, **given: Any) -> Any:
    """Absorption by the network of the sensor that uses most of its bands, or by tables.

    ``sensor`` names the bands as ``"<sensor>/<platform or camera>"``; that of the scene where it says so, else MODIS.
    Reflectances: red, and the bands of one of the sensor's networks (near infrared at least). A view that is not given
    counts as nadir.
    """
    inputs = _networks.given({**given, "sensor": sensor})
    value = _networks.by_table(inputs, land_cover).fpar if method == "lut" else _networks.estimate("fpar", inputs)
    return np.where(_leafless(land_cover), inputs.zero(), value)
