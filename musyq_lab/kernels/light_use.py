r"""Production of plants from the light that they absorb.

All models have the form

.. math:: P = \varepsilon \cdot f \cdot \mathrm{PAR}

with the efficiency :math:`\varepsilon` (g C MJ-1) a largest value of the class of land cover, lowered by cold, dry air
and dry soil, and :math:`f` the absorbed share of photosynthetically active radiation. They differ in the limits and in
where the share comes from; each is a :class:`~musyq_lab.kernels._classes.ClassModel`, and :func:`production` makes its
kernel for a table of parameters.

======================  ==================================================================================
model                   efficiency
======================  ==================================================================================
:data:`MOD17`           ramps of the lowest temperature of the day and of the vapour pressure deficit
:data:`MOD17_SOIL`      MOD17 times the soil moisture stress of Stocker et al. (2020)
:data:`MUSYQ`           two leaves by the clearness of the sky, bell of temperature, evaporation ratio
:data:`EC_LUE`          the lesser of a parabola of temperature and the evaporative fraction
:data:`EC_LUE_REVISED`  the lesser of that parabola and a hyperbola of the deficit, times the effect of CO2
:data:`VPM`             parabola of temperature, surface water index; share by chlorophyll from EVI
:data:`CASA`            net production: bell of temperature, evaporation ratio; share from NDVI
======================  ==================================================================================

The P-model, which has no classes, is :func:`musyq_lab.kernels._photosynthesis.p_model`. Temperatures are in K,
radiation in W m-2 (mean over the period), results per day.

References
----------
Running & Zhao (2015), MOD17 user's guide. Wang, Sun, Zhu & Xiao (2020), doi:10.3390/rs12061003 (MuSyQ-NPP). Yuan et al.
(2007), doi:10.1016/j.agrformet.2006.12.001. Zheng et al. (2020), doi:10.5194/essd-12-2725-2020. Zhang et al. (2017),
doi:10.1038/sdata.2017.165. Potter et al. (1993), doi:10.1029/93GB02725. Zhu, Pan & Zhang (2007),
doi:10.17521/cjpe.2007.0050. Stocker et al. (2020), doi:10.5194/gmd-13-1545-2020.
"""

from typing import Any

from musyq_lab.kernels._classes import ClassModel, ClassTable, class_kernel
from musyq_lab.kernels._compile import Kernel, inline, select
from musyq_lab.kernels._math import exp, sqrt
from musyq_lab.kernels._photosynthesis import MEGAJOULES, clipped, michaelis, soil_stress
from musyq_lab.kernels.weather import FREEZING, HEAT_CAPACITY, VAPOUR_RATIO, heat_of, saturated, slope_of

__all__ = [
    "CASA",
    "EC_LUE",
    "EC_LUE_REVISED",
    "MOD17",
    "MOD17_SOIL",
    "MUSYQ",
    "VPM",
    "production",
]

PRIESTLEY_TAYLOR = 1.26
"""Potential over equilibrium evaporation, doi:10.1175/1520-0493(1972)100<0081:OTAOSH>2.3.CO;2."""


@inline
def ramp(x: Any, none: Any, full: Any) -> Any:
    """0 at and beyond ``none``, 1 at and beyond ``full``, straight between."""
    return clipped((x - none) / (full - none))


@inline
def parabola(celsius: Any, coldest: Any, best: Any, hottest: Any) -> Any:
    """Temperature limit of Raich et al. 1991 (TEM): 1 at the best, 0 at and beyond the coldest and hottest."""
    product = (celsius - coldest) * (celsius - hottest)
    inside = select(product > 0.0, 0.0, product)
    return inside / (inside - (celsius - best) * (celsius - best))


@inline
def bell(celsius: Any, best: Any) -> Any:
    """Temperature limit of CASA, its T_e2: 0.97 at the best, falling on both sides (Potter et al. 1993)."""
    cold, hot = exp(0.2 * (best - 10.0 - celsius)), exp(0.3 * (celsius - 10.0 - best))
    return 1.1814 / ((1.0 + cold) * (1.0 + hot))


@inline
def _made(par: Any, share: Any, efficiency: Any) -> Any:
    return efficiency * share * (par * MEGAJOULES), efficiency


@inline
def _mod17_limits(coldest: Any, deficit: Any, cold_none: Any, cold_full: Any, dry_full: Any, dry_none: Any) -> Any:
    return ramp(coldest - FREEZING, cold_none, cold_full) * ramp(deficit, dry_none, dry_full)


@inline
def _mod17(par: Any, fpar: Any, coldest: Any, deficit: Any, e: Any, c0: Any, c1: Any, d1: Any, d0: Any) -> Any:
    return _made(par, fpar, e * _mod17_limits(coldest, deficit, c0, c1, d1, d0))


@inline
def _mod17_soil(
    par: Any, fpar: Any, coldest: Any, deficit: Any, soil: Any, ratio: Any, e: Any, c0: Any, c1: Any, d1: Any, d0: Any
) -> Any:
    limits = _mod17_limits(coldest, deficit, c0, c1, d1, d0)
    return _made(par, fpar, e * limits * soil_stress(soil, ratio))


@inline
def _musyq(
    par: Any, fpar: Any, warmth: Any, ratio: Any, sky: Any, clear: Any, cloudy: Any, best: Any, frozen: Any, moist: Any
) -> Any:
    celsius, bright = warmth - FREEZING, clipped(sky)
    water = 0.5 + 0.5 * clipped(ratio)
    water = select(moist > 0.5, 0.0 * water + 1.0, water)
    warm = select(celsius < frozen, 0.0 * celsius, bell(celsius, best))
    return _made(par, fpar, (clear * bright + cloudy * (1.0 - bright)) * water * warm)


@inline
def _lesser(a: Any, b: Any) -> Any:
    return select(a < b, a, b + 0.0 * a)


@inline
def _ec_lue(
    par: Any, fpar: Any, warmth: Any, ratio: Any, pressure: Any, e: Any, coldest: Any, best: Any, hottest: Any
) -> Any:
    celsius = warmth - FREEZING
    slope = slope_of(saturated(celsius), celsius)
    psychrometric = HEAT_CAPACITY * pressure / (VAPOUR_RATIO * heat_of(celsius))
    water = clipped(ratio * PRIESTLEY_TAYLOR * slope / (slope + psychrometric))
    return _made(par, fpar, e * _lesser(parabola(celsius, coldest, best, hottest), water))


@inline
def _ec_lue_revised(
    par: Any,
    fpar: Any,
    warmth: Any,
    deficit: Any,
    carbon: Any,
    pressure: Any,
    e: Any,
    coldest: Any,
    best: Any,
    hottest: Any,
    half: Any,
    compensation: Any,
) -> Any:
    dry = select(deficit < 0.0, 0.0, deficit)
    steepness = sqrt(356.51 * michaelis(warmth, pressure) / (1.6 * 0.8903))  # Zheng et al. 2020, equations 8 and 9
    inside = carbon * steepness / (steepness + sqrt(dry))
    enriched = clipped((inside - compensation) / (inside + 2.0 * compensation))
    warm = parabola(warmth - FREEZING, coldest, best, hottest)
    return _made(par, fpar, e * enriched * _lesser(warm, half / (half + dry)))


@inline
def _vpm(
    par: Any,
    evi: Any,
    warmth: Any,
    water: Any,
    wettest: Any,
    c4: Any,
    e: Any,
    coldest: Any,
    best: Any,
    hottest: Any,
    mixed: Any,
) -> Any:
    wet = clipped((1.0 + water) / (1.0 + wettest))
    warm = parabola(warmth - FREEZING, coldest, best, hottest)
    return _made(par, clipped(1.25 * (evi - 0.1)), e * (1.0 + 0.5 * clipped(c4) * mixed) * warm * wet)


@inline
def _straight(x: Any, low: Any, high: Any) -> Any:
    return 0.001 + 0.949 * ramp(x, low, high)


@inline
def _casa(
    par: Any,
    ndvi: Any,
    warmth: Any,
    optimum: Any,
    ratio: Any,
    e: Any,
    ndvi_low: Any,
    ndvi_high: Any,
    ratio_low: Any,
    ratio_high: Any,
) -> Any:
    celsius, best = warmth - FREEZING, optimum - FREEZING
    habit = 0.8 + 0.02 * best - 0.0005 * best * best
    habit = select(celsius < -10.0, 0.0 * celsius, habit)
    water = 0.5 + 0.5 * clipped(ratio)
    # The ratio has a pole at 1, beyond which one sigma may lead.
    dense = select(ndvi > 0.999, 0.999 + 0.0 * ndvi, ndvi)
    simple = _straight((1.0 + dense) / (1.0 - dense), ratio_low, ratio_high)
    share = 0.5 * (_straight(ndvi, ndvi_low, ndvi_high) + simple)
    return _made(par, share, e * habit * bell(celsius, best) * water)


_RESULTS = ("production", "efficiency")
_RAMPS = ("efficiency", "cold_none", "cold_full", "dry_full", "dry_none")
_PARABOLA = ("efficiency", "coldest", "best", "hottest")

MOD17 = ClassModel("mod17", _mod17, ("par", "fpar", "coldest", "deficit"), _RAMPS, _RESULTS)
"""PAR (W m-2), FPAR (1), lowest air temperature of the day (K), vapour pressure deficit by day (Pa)."""
MOD17_SOIL = ClassModel(
    "mod17_soil", _mod17_soil, ("par", "fpar", "coldest", "deficit", "soil", "dryness"), _RAMPS, _RESULTS
)
"""As MOD17, then water of the root zone as share of what plants can use (1), evaporation ratio of the years (1)."""
MUSYQ = ClassModel(
    "musyq",
    _musyq,
    ("par", "fpar", "warmth", "ratio", "sky"),
    ("clear", "cloudy", "optimum", "frozen", "moist"),
    _RESULTS,
)
"""PAR (W m-2), FPAR (1), air temperature (K), evaporation ratio (1), surface over extraterrestrial irradiance (1)."""
EC_LUE = ClassModel("ec_lue", _ec_lue, ("par", "fpar", "warmth", "ratio", "pressure"), _PARABOLA, _RESULTS)
"""PAR (W m-2), FPAR (1), air temperature (K), evaporation ratio (1), pressure (Pa)."""
EC_LUE_REVISED = ClassModel(
    "ec_lue_revised",
    _ec_lue_revised,
    ("par", "fpar", "warmth", "deficit", "carbon", "pressure"),
    (*_PARABOLA, "half_deficit", "compensation"),
    _RESULTS,
)
"""PAR (W m-2), FPAR (1), air temperature (K), vapour pressure deficit (Pa), carbon dioxide (1e-6), pressure (Pa)."""
VPM = ClassModel("vpm", _vpm, ("par", "evi", "warmth", "water", "wettest", "c4"), (*_PARABOLA, "c4_plants"), _RESULTS)
"""PAR (W m-2), EVI (1), air temperature by day (K), LSWI and its largest of the season (1), share of C4 plants (1)."""
CASA = ClassModel(
    "casa",
    _casa,
    ("par", "ndvi", "warmth", "optimum", "ratio"),
    ("efficiency", "ndvi_low", "ndvi_high", "ratio_low", "ratio_high"),
    _RESULTS,
)
"""PAR (W m-2), NDVI (1), air temperature and its optimum (K), evaporation ratio (1)."""


def production(model: ClassModel, table: ClassTable, names: tuple[str, ...] = ("production",)) -> Kernel:
    """Return the kernel of a model of this module for a table of parameters.

    Parameters
    ----------
    model : ClassModel
        One of this module's.
    table : tuple of (int, tuple of float)
        Class and parameters in the order of ``model.parameters``.
    names : tuple of str, optional
        Of ``production`` (g C m-2 d-1) and ``efficiency`` (g C MJ-1 of absorbed PAR).

    Returns
    -------
    Kernel
        Called with the array of classes (as floats) and the model's drivers, broadcastable; NaN for other classes.
    """
    return class_kernel(model, table, names)
