r"""Leaf area index: green leaf area, one side, per ground area.

A small network, trained on canopies of PROSPECT-D and 4SAIL as the bands of the sensor see them, gives the *effective*
leaf area :math:`L_e`: that of leaves at random with the same gaps. Leaves stand in shoots, crowns and rows, so that

.. math:: L = L_e / \Omega, \qquad
   \sigma_L^2 = \Big(\frac{\sigma_{L_e}}{\Omega}\Big)^2 + \Big(\frac{L\,\sigma_\Omega}{\Omega}\Big)^2

with the clumping index :math:`\Omega` given, of the class of land cover, or 1 (bit ``effective``). The networks, what
they were trained on and what they reach on canopies they have not seen: ``catalogs/networks`` (``accuracy.csv``); the
standard error is that of canopies that look alike, so it grows where reflectance saturates (:math:`L_e` above 4).

``method="lut"`` takes the programme's way instead, tables by land cover (:mod:`musyq_lab.products._lookup`).

On corrected scenes of the simulated Earth (scored set, five summer days, clear pixels of MSI, OLI, WFV, MODIS and
MERSI-2) the root mean square error is 0.39 at a mean of 2.7, and 84 % of the pixels are within 20 % (GCOS threshold)
where the scene tells its aerosol; 0.46 and 77 % with the aerosol of a climatology. The standard error is that of the
variety of canopies trained on, wider than the simulated one: it covers 92 to 95 % there. On ten test cases of SL2P the
two networks differ by 0.37 in the root mean square.

Valid for snow-free land and leaves that are green: dry leaves of an autumn crop count for less than they are (0.4 too
low in September). Snow and water have no leaves: 0. Sensors of 200 m and more are trained on mixed pixels, finer ones
are not: where bare soil and a closed crop share a pixel of theirs, the value is below the mean of both.

References
----------
Weiss, Baret & Jay (2020), S2ToolBox Level 2 products: LAI, FAPAR, FCOVER, ATBD 2.1, for training base and kind of
network (SL2P, whose weights are others). Baret et al. (2007), doi:10.1016/j.rse.2007.02.018, for the method. Jacquemoud
et al. (2009), doi:10.1016/j.rse.2008.01.026, for the models. Chen & Black (1992),
doi:10.1111/j.1365-3040.1992.tb00992.x, for clumping.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.products import _networks
from musyq_lab.products._clumping import clumping_of, clumping_uncertainty
from musyq_lab.products._retrieval import retrieval

_NO_LEAVES = (15, 17)  # IGBP: snow and ice, water
_NO_CLUMPING = 1.0  # leaves at random

EFFECTIVE = Flag(
    FIRST_OWN_BIT + 5, "effective", "neither clumping nor land cover is known: the value is effective leaf area"
)
NO_LEAVES = Flag(FIRST_OWN_BIT + 6, "no_leaves", "the land cover is snow, ice or water, which has no leaves")

SPEC = Product(
    key="lai",
    title="Leaf area index",
    variables=(
        Variable(
            "lai",
            long_name="leaf area index",
            standard_name="leaf_area_index",
            units="m2 m-2",
            valid_range=(0.0, 15.0),
            scale=0.001,
            colour_map="YlGn",
            gcos_goal="10 % (0.05 below 0.5), two sigma",
            gcos_threshold="20 % (0.1 below 0.5), two sigma",
        ),
    ),
    inputs=(*_networks.INPUTS, Input("land_cover", optional=True), Input("clumping_index", optional=True)),
    editions=("1km", "30m"),
    stage="scene",
    methods=(
        Method(
            "network",
            "networks of this package, trained on PROSPECT-D and 4SAIL over the ranges of the S2ToolBox ATBD for the "
            "bands of the sensor; clumping by class of Chen et al. 2005 (not re-read)",
            references=("10.1016/j.rse.2007.02.018", "10.1016/j.rse.2005.05.003"),
        ),
        Method(
            "lut",
            "the programme's way, whose tables are not public: look-up tables of PROSPECT-D and 4SAIL by land cover of "
            "this package, mean of the best entries; clumping by class of Chen et al. 2005 (not re-read)",
            references=("10.1016/S0034-4257(02)00035-4",),
        ),
    ),
    flags=(*_networks.FLAGS, EFFECTIVE, NO_LEAVES),
    references=("10.1016/j.rse.2008.01.026",),
)


def _clumping(land_cover: Any, clumping_index: Any) -> Any:
    """Return the clumping index, 1 where nothing tells it; NaN where the input that should tell it is missing."""
    if clumping_index is not None:
        return clumping_index
    if land_cover is None:
        return _NO_CLUMPING
    return np.where(_unknown(land_cover), land_cover.dtype.type(_NO_CLUMPING), clumping_of(land_cover))


def _unknown(land_cover: Any) -> Any:
    """Tell which classes have no clumping index."""
    return np.isnan(clumping_of(land_cover)) & ~np.isnan(land_cover)


def _clumping_sigma(land_cover: Any, clumping_index: Any, given: Any) -> Any:
    if clumping_index is not None:
        return 0.0 if given is None else given
    return 0.0 if land_cover is None else np.nan_to_num(clumping_uncertainty(land_cover))


def _leafless(land_cover: Any) -> Any:
    return np.False_ if land_cover is None else np.isin(land_cover, _NO_LEAVES)


def _quality(
    *, values: Any, method: str, land_cover: Any = None, clumping_index: Any = None, **given: Any
) -> dict[str, Any]:
    none = _leafless(land_cover)
    acting = values["lai"] * _clumping(land_cover, clumping_index)
    found = _networks.quality("lai", _networks.given(given), acting if method == "network" else None)
    effective = np.True_ if land_cover is None else _unknown(land_cover)
    found["effective"] = effective if clumping_index is None else np.False_
    return {name: where & ~none for name, where in found.items()} | {"no_leaves": none}


def _uncertainty(
    *,
    method: str,
    land_cover: Any = None,
    clumping_index: Any = None,
    clumping_index_uncertainty: Any = None,
    **given: Any,
) -> Any:
    inputs = _networks.given(given)
    if method == "lut":
        table = _networks.by_table(inputs, land_cover)
        value, sigma = table.lai_effective, table.sigma_lai
    else:
        value, sigma = _networks.estimate_with_uncertainty("lai", inputs)
    omega = _clumping(land_cover, clumping_index)
    share = _clumping_sigma(land_cover, clumping_index, clumping_index_uncertainty) / omega
    return np.where(_leafless(land_cover), inputs.zero(), np.hypot(sigma, value * share) / omega)


@retrieval(SPEC, quality=_quality, uncertainty=_uncertainty, check=_networks.check)
def lai(
    *, sensor: str = "", method: str = "network", land_cover: Any = None, clumping_index: Any = None, **given: Any
) -> Any:
    """Leaf area by the network of the sensor that uses most of its bands, or by tables, over the clumping index.

    ``sensor`` names the bands as ``"<sensor>/<platform or camera>"``; that of the scene where it says so, else MODIS.
    Reflectances: red, and the bands of one of the sensor's networks (near infrared at least). A view that is not given
    counts as nadir.
    """
    inputs = _networks.given({**given, "sensor": sensor})
    if method == "lut":
        effective = _networks.by_table(inputs, land_cover).lai_effective
    else:
        effective = _networks.estimate("lai", inputs)
    return np.where(_leafless(land_cover), inputs.zero(), effective / _clumping(land_cover, clumping_index))
