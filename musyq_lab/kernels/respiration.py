r"""Respiration: what plants burn to live and to grow, and what soil organisms burn.

Plants keep their tissue alive at a rate that rises with temperature (:math:`T` in degrees Celsius),

.. math:: R_m = 1000 \sum_i M_i\, r_i\, Q_i^{(T - 20) / 10},

with the carbon :math:`M_i` (kg m-2) of leaves, fine roots and wood from the leaf area index, and grow on what is left:

.. math:: NPP = (1 - g) (GPP - R_m) \text{ where positive.}

:data:`MOD17` (growth takes a quarter of net production, :math:`g = 0.2`; live wood from the largest leaf area of the
year) and :data:`MUSYQ` (growth takes a quarter of what is left, :math:`g = 0.25`; stems and coarse roots from a
parabola in the largest leaf area) are class models (:mod:`musyq_lab.kernels._classes`); :func:`net_production` makes
their kernels.

Heterotrophic respiration follows temperature and rain only. The forms disagree by a factor of about two, so
that they are scenarios and not a measurement.

References
----------
Running & Zhao (2015), MOD17 user's guide, equations 1.2 to 1.10; Tjoelker et al. (2001),
doi:10.1046/j.1365-2486.2001.00397.x. MuSyQ-NPP: see ``catalogs/biomes/musyq.csv``. Pei et al. (2009), recalled. Raich,
Potter & Bhagawati (2002), doi:10.1046/j.1365-2486.2002.00511.x; Bond-Lamberty, Wang & Gower (2004),
doi:10.1111/j.1365-2486.2004.00816.x; Bond-Lamberty & Thomson (2010), doi:10.5194/bg-7-1915-2010 (both relations and
Raich's constants read in public code that cites them, the papers not again).
"""

from typing import Any

from musyq_lab.kernels._classes import ClassModel, ClassTable, class_kernel
from musyq_lab.kernels._compile import Kernel, inline, kernel, select
from musyq_lab.kernels._math import exp, log, pow
from musyq_lab.kernels.weather import FREEZING

__all__ = ["MOD17", "MUSYQ", "net_production", "pei", "raich"]

_LN2 = 0.6931471805599453


@inline
def _doubling(celsius: Any) -> Any:
    """Return 2 to the tenth of what is above 20 C."""
    return exp(_LN2 * 0.1 * (celsius - 20.0))


@inline
def _acclimated(celsius: Any) -> Any:
    """Q10 of leaves, 3.22 - 0.046 T, not below 1, to the tenth of what is above 20 C."""
    base = 3.22 - 0.046 * celsius
    base = select(base < 1.0, 0.0 * base + 1.0, base)
    return pow(base, 0.1 * (celsius - 20.0))


@inline
def _mod17(
    gpp: Any,
    lai: Any,
    largest: Any,
    warmth: Any,
    area: Any,
    roots: Any,
    wood: Any,
    leaf_rate: Any,
    root_rate: Any,
    wood_rate: Any,
) -> Any:
    celsius = warmth - FREEZING
    # Rates are in 1e-3 d-1 and masses in kg m-2, so that their product is in g m-2 d-1.
    leaves, most = lai / area, select(largest < lai, lai, largest) / area
    kept = leaves * leaf_rate * _acclimated(celsius)
    kept = kept + (leaves * roots * root_rate + most * wood * wood_rate) * _doubling(celsius)
    left = gpp - kept
    growth = select(left > 0.0, 0.2 * left, 0.0 * left)
    return left - growth, kept, growth


@inline
def _musyq(
    gpp: Any,
    lai: Any,
    largest: Any,
    warmth: Any,
    tree: Any,
    area: Any,
    stem_square: Any,
    stem: Any,
    fine: Any,
    coarse: Any,
    leaf_rate: Any,
    stem_rate: Any,
    coarse_rate: Any,
    fine_rate: Any,
    grass_area: Any,
    grass_leaf: Any,
    grass_root: Any,
    herb: Any,
) -> Any:
    most = select(largest < lai, lai, largest)
    leaves, stems = lai / area, 1e-3 * most * (stem_square * most + stem)
    stems = select(stems < 0.0, 0.0 * stems, stems)
    trees = leaves * (leaf_rate + fine * fine_rate) + stems * (stem_rate + coarse * coarse_rate)
    rooted = herb * most + (1.0 - herb) * lai
    grass = (lai * grass_leaf + 2.0 * rooted * grass_root) / grass_area
    kept = (tree * trees + (1.0 - tree) * grass) * _doubling(warmth - FREEZING)
    left = gpp - kept
    left = select(left > 0.0, left, 0.0 * left)
    growth = 0.25 * left
    return left - growth, kept, growth


_RESULTS = ("net", "maintenance", "growth")
_DRIVERS = ("gpp", "lai", "largest", "warmth")

MOD17 = ClassModel(
    "mod17_respiration",
    _mod17,
    _DRIVERS,
    ("leaf_area", "roots", "wood", "leaf_rate", "root_rate", "wood_rate"),
    _RESULTS,
)
"""GPP (g C m-2 d-1), leaf area index and its largest of the year (1), mean air temperature (K)."""
MUSYQ = ClassModel(
    "musyq_respiration",
    _musyq,
    _DRIVERS,
    (
        "tree",
        "leaf_area",
        "stem_square",
        "stem",
        "fine",
        "coarse",
        "leaf_rate",
        "stem_rate",
        "coarse_rate",
        "fine_rate",
        "grass_area",
        "grass_leaf",
        "grass_root",
        "herb",
    ),
    _RESULTS,
)
"""Drivers of MOD17."""


def net_production(model: ClassModel, table: ClassTable, names: tuple[str, ...] = ("net",)) -> Kernel:
    """Return the kernel of a model of this module for a table of parameters.

    Parameters
    ----------
    model : ClassModel
        ``MOD17`` or ``MUSYQ``.
    table : tuple of (int, tuple of float)
        Class and parameters in the order of ``model.parameters``.
    names : tuple of str, optional
        Of ``net``, ``maintenance`` and ``growth`` (g C m-2 d-1).

    Returns
    -------
    Kernel
        Called with the array of classes (as floats) and the model's drivers, broadcastable; NaN for other classes.
        Net production is negative in MOD17 where maintenance exceeds gross production, and 0 in MUSYQ.
    """
    return class_kernel(model, table, names)


@kernel("(),()->()")  # air temperature (K), precipitation (mm d-1) -> respiration (g C m-2 d-1)
def pei(temperature: float, precipitation: float, out: Any) -> None:
    r"""Heterotrophic respiration of Pei et al. (2009).

    .. math:: R_h = 0.465 \cdot 0.22\,\bigl(e^{0.0912 T} + \ln(0.3145\,P + 1)\bigr)

    with the precipitation P of a month of 30 days (mm), fitted in the grassland of the Qinghai-Tibet plateau.

    Parameters
    ----------
    temperature, precipitation : array_like
        Air temperature (K) and precipitation (mm d-1), means over about a month, broadcastable.
    out : numpy.ndarray
        Respiration (g C m-2 d-1).
    """
    rain = select(precipitation < 0.0, 0.0 * precipitation, 30.0 * precipitation)
    out[0] = 0.465 * 0.22 * (exp(0.0912 * (temperature - FREEZING)) + log(0.3145 * rain + 1.0))


@kernel("(),(),(),()->()")  # air temperature (K), precipitation (mm d-1), offset, exponent -> respiration (g C m-2 d-1)
def raich(temperature: float, precipitation: float, offset: float, exponent: float, out: Any) -> None:
    r"""Heterotrophic share of the soil respiration of Raich et al. (2002).

    .. math:: R_s = 1.25\,e^{0.05452 T} \frac{P}{4.259 + P}, \qquad \ln R_h = a + b \ln R_s

    with P in cm a month (of 365/12 days) and T in degrees Celsius; the second relation is of annual sums
    (g C m-2 a-1) and is applied to 365 times the rate of the day.

    Parameters
    ----------
    temperature, precipitation : array_like
        Air temperature (K) and precipitation (mm d-1), means over about a month, broadcastable.
    offset, exponent : array_like
        a and b: 1.22, 0.73 (Bond-Lamberty et al. 2004) or 0.22, 0.87 (Bond-Lamberty & Thomson 2010).
    out : numpy.ndarray
        Respiration (g C m-2 d-1), 0 without rain.
    """
    rain = select(precipitation < 0.0, 0.0 * precipitation, precipitation * (365.0 / 120.0))
    soil = 1.25 * exp(0.05452 * (temperature - FREEZING)) * rain / (4.259 + rain)
    out[0] = exp(offset) * pow(365.0 * soil, exponent) / 365.0
