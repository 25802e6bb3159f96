r"""Fraction of vegetation cover: share of the ground that green leaves hide in a view straight down.

The default is a small network, trained on canopies of PROSPECT-D and 4SAIL as the bands of the sensor see them
(:mod:`musyq_lab.products._networks`), since it is the closest: on a Landsat scene of the simulated Earth (scored set,
cover by the leaves' own angles) its root mean square error is 0.11 (bias 0.01), that of the programme's method 0.25
(0.20), of the dimidiate model 0.26 (0.24), of the two curves below 0.17 to 0.19 (0.15), of gaps by the true leaf area
with an error of 20 %, 0.10. In forest it is 0.09 to 0.15 too low.

The others ask less of the data. Through gaps: with leaf area index L, clumping index :math:`\Omega` and the projection
G of leaves towards the zenith,

.. math:: f = 1 - e^{-G(0)\,\Omega L}

(G(0) = 0.5 for leaves of all inclinations alike). Through a mixture of bare ground (s) and full cover (v), by NDVI:

.. math:: x = \frac{N - N_s}{N_v - N_s}, \qquad f = x \text{ (dimidiate)}, \quad f = x^2 \text{ (carlson)}, \quad
          f = 1 - (1 - x)^{0.6175} \text{ (baret)},

each limited to 0 to 1. The mixture is linear in radiance, not in NDVI, and in a canopy NDVI saturates: beside 4SAIL the
dimidiate model is too high by 0.16 on average (standard deviation 0.11), the two curves by half of that. Where patches
of bare ground and closed cover share a pixel, the mixture is closer than within a canopy.

The programme's own product (30 m, GF-1 and HJ-1; method ``programme``) takes gaps for forest, IGBP classes 1 to 5, and
the dimidiate pixel model for all other land; its end members are not public. Here they are data by class
(``catalogs/biomes/end_members.csv``: percentiles of global NDVI), which ``ndvi_soil`` and ``ndvi_vegetation`` override;
:func:`musyq_lab.products._end_members.end_members` finds them for a region. With a land cover, snow and water have no
cover: 0; the network does not ask for one and marks what is unlike its canopies.

Valid for snow-free land and green leaves; dry leaves and stems count as ground. Stored as the programme's 30 m product:
steps of 0.001, fill -1.

References
----------
Zhao et al., FVC of GF-1 and HJ-1 for China, doi:10.11922/sciencedb.j00001.00266 (abstract). Nilson (1971),
doi:10.1016/0002-1571(71)90092-6 for gaps. Gutman & Ignatov (1998), doi:10.1080/014311698215333 for the mixture. Carlson
& Ripley (1997), doi:10.1016/S0034-4257(97)00104-1. Baret, Clevers & Steven (1995), doi:10.1016/0034-4257(95)00126-X,
for the exponent (recalled, not re-read).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.products import _networks
from musyq_lab.products._class_table import Floats
from musyq_lab.products._clumping import clumping_of
from musyq_lab.products._end_members import end_members_of
from musyq_lab.products._retrieval import retrieval

_FORESTS = (1, 5)  # first and last IGBP class of forest
_NO_COVER = (15, 17)  # snow and ice, water
_PROJECTION = 0.5  # of leaves without a preferred inclination
_BARET = 0.6175
_GAPS, _MIXTURE = ("lai", "land_cover", "clumping_index"), ("ndvi", "land_cover")
_NETWORK = tuple(item.name for item in _networks.INPUTS)
# What the networks' own error leaves out on canopies of the simulated Earth, which are none of the training base.
_STRUCTURE = 0.03
_OWN = FIRST_OWN_BIT + len(_networks.FLAGS)

SPEC = Product(
    key="fvc",
    title="Fraction of vegetation cover",
    variables=(
        Variable(
            "fvc",
            long_name="fraction of vegetation cover",
            standard_name="vegetation_area_fraction",
            units="1",
            valid_range=(0.0, 1.0),
            scale=0.001,
            fill=-1,
            colour_map="YlGn",
            # Of all methods: what 68 % of canopies of the ATBD distribution stay within beside 4SAIL (see the tests);
            # here the mean of gaps, 0.1, and mixture, 0.21.
            model_uncertainty=(0.16, 0.0),
        ),
    ),
    inputs=(
        Input("ndvi", source="product:vi", uncertainty=(0.02, 0.0)),
        Input("lai", source="product:lai", uncertainty=(0.1, 0.2)),
        Input("land_cover"),
        Input("clumping_index", optional=True),
        *_networks.INPUTS,
    ),
    editions=("1km", "30m"),
    methods=(
        Method(
            "network",
            "networks of this package, trained on PROSPECT-D and 4SAIL over the ranges of the S2ToolBox ATBD for the "
            "bands of the sensor",
            _NETWORK,
            references=("10.1016/j.rse.2007.02.018",),
        ),
        Method(
            "programme",
            "forest by gap probability, other land by the dimidiate pixel model; end members of this package "
            "(percentiles of global NDVI by class), since the programme's are not public; clumping of Chen et al. 2005 "
            "(not re-read)",
            ("ndvi", *_GAPS),
            references=("10.11922/sciencedb.j00001.00266",),
        ),
        Method(
            "dimidiate",
            "linear in NDVI; end members of this package",
            _MIXTURE,
            (("fvc", 0.21, 0.0),),
            ("10.1080/014311698215333",),
        ),
        Method(
            "carlson",
            "square of scaled NDVI; end members of this package",
            _MIXTURE,
            (("fvc", 0.125, 0.0),),
            ("10.1016/S0034-4257(97)00104-1",),
        ),
        Method(
            "baret",
            "exponent 0.6175 (not re-read); end members of this package",
            _MIXTURE,
            (("fvc", 0.11, 0.0),),
            ("10.1016/0034-4257(95)00126-X",),
        ),
        Method(
            "gap",
            "gap probability from leaf area index; clumping of Chen et al. 2005 (not re-read)",
            _GAPS,
            (("fvc", 0.1, 0.0),),
            ("10.1016/0002-1571(71)90092-6", "10.1016/j.rse.2005.05.003"),
        ),
    ),
    flags=(
        *_networks.FLAGS,
        Flag(_OWN, "below_soil", "NDVI is below that of bare ground: the cover was set to 0"),
        Flag(_OWN + 1, "above_full_cover", "NDVI is above that of full cover: the cover was set to 1"),
        Flag(_OWN + 2, "no_plants", "the land cover is snow, ice or water, which has no vegetation cover"),
    ),
    references=("10.11922/sciencedb.j00001.00266", "10.1080/014311698215333"),
)


def _scaled(ndvi: Any, land_cover: Any, soil: float | None, vegetation: float | None) -> Floats:
    """Return NDVI between bare ground (0) and full cover (1), not limited; 0 where nothing grows."""
    low, high = end_members_of(land_cover)
    none = np.isin(land_cover, _NO_COVER)
    low = low if soil is None else np.where(np.isnan(low), low, low.dtype.type(soil))
    high = high if vegetation is None else np.where(np.isnan(high), high, high.dtype.type(vegetation))
    scaled: Floats = np.where(none, 0 * ndvi, (ndvi - low) / (high - low))
    return scaled


def _gap_cover(lai: Any, land_cover: Any, clumping: Any, projection: float) -> Floats:
    table = np.where(np.isin(land_cover, _NO_COVER), 0 * land_cover, clumping_of(land_cover))
    omega = table if clumping is None else np.where(np.isin(land_cover, _NO_COVER), 0 * clumping, clumping)
    cover: Floats = -np.expm1(-projection * omega * lai)
    return cover


def _forest(land_cover: Any) -> Any:
    return (land_cover >= _FORESTS[0]) & (land_cover <= _FORESTS[1])


def _flags(
    *,
    values: Any,
    method: str,
    land_cover: Any = None,
    ndvi: Any = None,
    ndvi_soil: float | None = None,
    ndvi_vegetation: float | None = None,
    **given: Any,
) -> dict[str, Any]:
    if method == "network":
        return _networks.quality("fvc", _networks.given(given), values["fvc"])
    found = {"no_plants": np.isin(land_cover, _NO_COVER)}
    if method != "gap":
        x = _scaled(ndvi, land_cover, ndvi_soil, ndvi_vegetation)
        mixed = ~_forest(land_cover) if method == "programme" else np.True_
        found |= {"below_soil": (x < 0) & mixed, "above_full_cover": (x > 1) & mixed}
    return found


def _uncertainty(*, method: str, **given: Any) -> Any:
    """Return the network's own error, or central differences over the inputs, with what each method leaves out."""
    if method == "network":
        return np.hypot(_networks.estimate_with_uncertainty("fvc", _networks.given(given))[1], _STRUCTURE)
    sigmas = {name: given.pop(f"{name}_uncertainty", None) for name in ("ndvi", "lai", "clumping_index")}
    own = {name: absolute for name, absolute, _ in SPEC.method(method).model_uncertainty}
    variance: Any = own.get("fvc", SPEC.variables[0].model_uncertainty[0]) ** 2
    for name, sigma in sigmas.items():
        if sigma is not None and given.get(name) is not None:
            above, below = (fvc.body(method=method, **{**given, name: given[name] + s}) for s in (sigma, -sigma))
            variance = variance + ((above - below) / 2) ** 2
    return np.sqrt(variance)


def _check(
    *,
    given: frozenset[str],
    method: str,
    ndvi_soil: float | None,
    ndvi_vegetation: float | None,
    leaf_projection: float,
    sensor: str,
) -> None:
    """Refuse end members in the wrong order, projections that no leaves have, and what no network serves."""
    if ndvi_soil is not None and ndvi_vegetation is not None and not ndvi_soil < ndvi_vegetation:
        raise InputError(
            f'retrieve("fvc") needs ndvi_soil below ndvi_vegetation, got {ndvi_soil:g} and {ndvi_vegetation:g}.'
        )
    if not 0.0 < leaf_projection <= 1.0:
        raise InputError(f'retrieve("fvc") needs leaf_projection within (0, 1], got {leaf_projection!r}.')
    _networks.check(given=given, method=method, sensor=sensor)


@retrieval(SPEC, quality=_flags, uncertainty=_uncertainty, check=_check)
def fvc(
    *,
    land_cover: Any = None,
    ndvi: Any = None,
    lai: Any = None,
    clumping_index: Any = None,
    method: str = "network",
    ndvi_soil: float | None = None,
    ndvi_vegetation: float | None = None,
    leaf_projection: float = _PROJECTION,
    sensor: str = "",
    **given: Any,
) -> Any:
    """Vegetation cover by a network, by gaps between leaves or by a mixture; NaN where a needed input is missing.

    ``ndvi_soil`` and ``ndvi_vegetation`` replace the end members of all classes, ``leaf_projection`` is G(0),
    ``clumping_index`` replaces the table by class. ``sensor`` names the bands of a network as ``"<sensor>/<platform or
    camera>"``; that of the scene where it says so, else MODIS.
    """
    if method == "network":
        return _networks.estimate("fvc", _networks.given({**given, "sensor": sensor}))
    if method == "gap":
        return _gap_cover(lai, land_cover, clumping_index, leaf_projection)
    x = np.clip(_scaled(ndvi, land_cover, ndvi_soil, ndvi_vegetation), 0, 1)
    if method == "carlson":
        return x**2
    if method == "baret":
        return 1 - (1 - x) ** _BARET
    if method == "dimidiate":
        return x
    gaps = _gap_cover(lai, land_cover, clumping_index, leaf_projection)
    # Whichever of the two is not used still says whether all inputs are there.
    return np.where(_forest(land_cover), gaps + 0 * x, x + 0 * gaps)
