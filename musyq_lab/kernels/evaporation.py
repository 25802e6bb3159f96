r"""Evaporation from radiation, air and greenness: Priestley-Taylor, PT-JPL, Penman-Monteith of a grass reference.

Priestley and Taylor let a wet surface evaporate a fixed multiple of the equilibrium rate,

.. math:: \lambda E_p = \alpha \frac{\Delta}{\Delta + \gamma} (R_n - G), \qquad \alpha = 1.26.

PT-JPL limits it by how green, wet and warm the canopy is and how moist the soil, all seen in NDVI and the air:

.. math::
   R_s &= R_n e^{-0.6 L}, \quad R_c = R_n - R_s, \quad
          a = \alpha \frac{\Delta}{\Delta + \gamma}, \quad w = h^4 \text{ for } h \ge 0.7, \text{ else } 10^{-4} \\
   \lambda E_s &= (w + (1 - w) h^{D / 1\,\mathrm{kPa}})\, a\, (R_s - G) \\
   \lambda E_c &= (1 - w)\, f_g f_T f_M\, a R_c, \quad \lambda E_i = w\, a R_c \\
   f_g &= f_A / f_I, \quad f_M = f_A / f_{A,max}, \quad f_T = e^{-((T - T_o) / T_o)^2}, \quad T_o \ge T \\
   f_A &= 1.3632\,(0.45\,N + 0.132) - 0.048, \quad f_I = N - 0.05, \quad L = -2 \ln(1 - f_I)

with relative humidity h, vapour pressure deficit D, NDVI N, air temperature T and the optimum of the plants
:math:`T_o` in degrees Celsius. Each part is at least 0; together they are at most :math:`\lambda E_p`, to which they
are reduced in proportion. Where :math:`f_I = 0` no plant transpires. The ground takes up the heat given, or a share of
:math:`R_s`.

MOD16 is in :mod:`musyq_lab.kernels._evaporation_mod16`.

References
----------
Priestley and Taylor 1972, doi:10.1175/1520-0493(1972)100<0081:OTAOSH>2.3.CO;2. Fisher, Tu and Baldocchi 2008,
doi:10.1016/j.rse.2007.06.025, in the form of the ECOSTRESS team's package PTJPL 1.9.0 (Apache-2.0), whose constants
these are: threshold and floor of the wetness, the optimum never below the air temperature, conversions of NDVI, slope
and saturation with 237.7 in the exponent. That package also holds the saturation pressure at 1 kPa or more, which is
wrong below 7 degrees Celsius and not done here. Norman, Kustas and Humes 1995, doi:10.1016/0168-1923(95)02265-Y, for
the share of 0.35 around noon (recalled). Allen et al. 1998, FAO Irrigation and Drainage Paper 56, equation 6.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._evaporation_mod16 import mod16, mod16_ground_heat
from musyq_lab.kernels._math import exp, log
from musyq_lab.kernels.weather import FREEZING, saturated_fao56, slope_fao56_of

__all__ = [
    "ALPHA",
    "mod16",
    "mod16_ground_heat",
    "optimum_temperature",
    "penman_monteith_reference",
    "priestley_taylor",
    "ptjpl",
    "ptjpl_parts",
]

ALPHA = 1.26
"""Coefficient of Priestley and Taylor (1972)."""

_PSYCHROMETER = 6.62e-4  # K-1, ventilated psychrometer, FAO-56 equation 10; PTJPL: 66.2 Pa K-1, that is at 100 kPa
_DRY = 1e-4  # least wetness, PTJPL
_MOIST_SOIL = 1000.0  # Pa, Fisher et al. 2008
_COLDEST = 0.1  # degrees Celsius, least optimum temperature, PTJPL
_EXTINCTION = 0.6 / 0.5  # of net radiation over that of PAR: R_s = R_n (1 - f_I)^1.2
_WATTS = 0.0864  # MJ m-2 d-1 of 1 W m-2


@inline
def positive(x: Any) -> Any:
    """Return the number, or 0 where it is negative; NaN stays NaN."""
    return select(x < 0.0, 0.0, x)


@inline
def share(x: Any) -> Any:
    """Return the number held between 0 and 1; NaN stays NaN."""
    return select(x > 1.0, 1.0, positive(x))


@inline
def magnus(warmth: Any) -> Any:
    """Exponential of the saturation pressure in the constants of PTJPL, from degrees Celsius."""
    return exp(17.27 * warmth / (237.7 + warmth))


@inline
def equilibrium(growth: Any, warmth: Any, pressure: Any) -> Any:
    """Equilibrium share of evaporation, from ``magnus``, degrees Celsius and Pa."""
    slope = 4098.0 * 610.8 * growth / ((237.3 + warmth) * (237.3 + warmth))
    return slope / (slope + _PSYCHROMETER * pressure)


@inline
def fpar_of(ndvi: Any) -> Any:
    """Share of light that green leaves absorb (f_A), from NDVI."""
    return share(1.3632 * (0.45 * ndvi + 0.132) - 0.048)


@inline
def limits(moisture: Any, growth: Any, wet_from: Any) -> Any:
    """Return wetness and the soil's limit, from relative humidity (0 to 1) and ``magnus``."""
    square = moisture * moisture
    wet = select((moisture < wet_from) | (square * square < _DRY), _DRY, square * square)
    deficit = 611.0 * growth * (1.0 - moisture)
    return wet, exp(log(moisture) * deficit / _MOIST_SOIL)


@inline
def canopy_limit(warmth: Any, ndvi: Any, highest: Any, optimum: Any, covered: Any) -> Any:
    """Return f_g f_T f_M; 0 without plants."""
    absorbed = fpar_of(ndvi)
    most = fpar_of(highest)
    best = select(optimum < warmth, warmth, optimum)
    best = select(best < _COLDEST, _COLDEST, best)
    off = (warmth - best) / best
    green = share(absorbed / select(covered <= 0.0, 1.0, covered))
    growing = green * share(absorbed / select(most <= 0.0, 1e-6, most)) * exp(-off * off)
    return select(covered <= 0.0, 0.0 * (absorbed + most + off * off), growing)


@inline
def parts(
    radiation: Any,
    ground: Any,
    temperature: Any,
    humidity: Any,
    ndvi: Any,
    highest: Any,
    optimum: Any,
    pressure: Any,
    alpha: Any,
    wet_from: Any,
    into_ground: Any,
) -> Any:
    """Return soil evaporation, transpiration, interception and the potential rate of PT-JPL (W m-2)."""
    warmth = temperature - FREEZING
    moisture = share(humidity)
    growth = magnus(warmth)
    rate = alpha * equilibrium(growth, warmth, pressure)
    wet, moist = limits(moisture, growth, wet_from)
    covered = share(share(ndvi) - 0.05)
    at_soil = radiation * exp(_EXTINCTION * log(1.0 - covered))
    heat = ground + into_ground * at_soil
    on_leaves = radiation - at_soil
    soil = positive((wet + moist * (1.0 - wet)) * rate * (at_soil - heat))
    canopy = positive(rate * (1.0 - wet) * on_leaves) * canopy_limit(warmth, ndvi, highest, optimum, covered)
    rain = positive(rate * wet * on_leaves)
    total = soil + canopy + rain
    potential = positive(rate * (radiation - heat))
    over = total > potential
    # Where one part is missing so are all.
    kept = select(over, potential, 1.0) / select(over, total, 1.0) + 0.0 * total
    return kept * soil, kept * canopy, kept * rain, potential + 0.0 * total


# net radiation and heat into the ground (W m-2), air temperature (K), relative humidity (1), NDVI, highest NDVI of the
# year, optimum temperature (degrees Celsius), pressure (Pa), alpha, humidity from which leaves are wet, share of the
# net radiation at the soil that goes into the ground beside what is given -> latent heat (W m-2)
@kernel("(),(),(),(),(),(),(),(),(),(),()->()")
def ptjpl(
    radiation: float,
    ground: float,
    temperature: float,
    humidity: float,
    ndvi: float,
    highest: float,
    optimum: float,
    pressure: float,
    alpha: float,
    wet_from: float,
    into_ground: float,
    out: Any,
) -> None:
    """Latent heat of PT-JPL.

    Parameters
    ----------
    radiation, ground : array_like
        Net radiation and heat flux into the ground (W m-2).
    temperature, humidity : array_like
        Air temperature (K) and relative humidity (1).
    ndvi, highest : array_like
        NDVI now and at its highest of the year.
    optimum : array_like
        Optimum temperature of the plants (degrees Celsius).
    pressure : array_like
        Surface pressure (Pa); 1e5 is that of PTJPL.
    alpha, wet_from, into_ground : array_like
        Coefficient of Priestley and Taylor, relative humidity from which leaves are wet, share of the net radiation at
        the soil that goes into the ground beside ``ground``.
    out : numpy.ndarray
        Latent heat (W m-2), of the broadcast shape.
    """
    soil, canopy, rain, _ = parts(
        radiation, ground, temperature, humidity, ndvi, highest, optimum, pressure, alpha, wet_from, into_ground
    )
    out[0] = soil + canopy + rain


# as ptjpl -> soil evaporation, transpiration, interception, potential rate (W m-2)
@kernel("(),(),(),(),(),(),(),(),(),(),()->(),(),(),()")
def ptjpl_parts(
    radiation: float,
    ground: float,
    temperature: float,
    humidity: float,
    ndvi: float,
    highest: float,
    optimum: float,
    pressure: float,
    alpha: float,
    wet_from: float,
    into_ground: float,
    soil: Any,
    canopy: Any,
    rain: Any,
    potential: Any,
) -> None:
    """Evaporation from the soil, transpiration, interception and potential rate of PT-JPL (W m-2).

    Parameters are those of :func:`ptjpl`; the first three results add up to its result.
    """
    soil[0], canopy[0], rain[0], potential[0] = parts(
        radiation, ground, temperature, humidity, ndvi, highest, optimum, pressure, alpha, wet_from, into_ground
    )


# net radiation and heat into the ground (W m-2), air temperature (K), pressure (Pa), alpha -> latent heat (W m-2)
@kernel("(),(),(),(),()->()")
def priestley_taylor(
    radiation: float, ground: float, temperature: float, pressure: float, alpha: float, out: Any
) -> None:
    """Latent heat of a wet surface after Priestley and Taylor, 0 where no energy is left.

    Parameters
    ----------
    radiation, ground : array_like
        Net radiation and heat flux into the ground (W m-2).
    temperature, pressure, alpha : array_like
        Air temperature (K), surface pressure (Pa), coefficient.
    out : numpy.ndarray
        Latent heat (W m-2), of the broadcast shape.
    """
    warmth = temperature - FREEZING
    out[0] = positive(alpha * equilibrium(magnus(warmth), warmth, pressure) * (radiation - ground))


# net radiation and heat into the ground (W m-2), lowest and highest air temperature (K), vapour pressure (Pa), wind at
# 2 m (m s-1), pressure (Pa) -> reference evapotranspiration (mm d-1)
@kernel("(),(),(),(),(),(),()->()")
def penman_monteith_reference(
    radiation: float,
    ground: float,
    lowest: float,
    highest: float,
    vapour: float,
    wind: float,
    pressure: float,
    out: Any,
) -> None:
    r"""Compute the reference evapotranspiration of FAO-56 (its equation 6), 0 where it would be negative.

    .. math:: E_0 = \frac{0.408\,\Delta (R_n - G) + \gamma \frac{900}{T + 273} u_2 (e_s - e_a)}
                         {\Delta + \gamma (1 + 0.34\,u_2)}

    with radiation in MJ m-2 d-1, pressures in kPa, :math:`\gamma = 0.665 \cdot 10^{-3} p`, T the mean of the extremes
    and :math:`e_s` the mean of their saturation pressures.

    Parameters
    ----------
    radiation, ground : array_like
        Mean net radiation and heat flux into the ground of the day (W m-2).
    lowest, highest : array_like
        Lowest and highest air temperature of the day (K).
    vapour, wind, pressure : array_like
        Mean vapour pressure (Pa), wind speed at 2 m (m s-1), surface pressure (Pa).
    out : numpy.ndarray
        Evapotranspiration of well-watered grass (mm d-1), of the broadcast shape.
    """
    cold = lowest - FREEZING
    warm = highest - FREEZING
    mean = 0.5 * (cold + warm)
    slope = slope_fao56_of(saturated_fao56(mean), mean)
    deficit = positive(0.5 * (saturated_fao56(cold) + saturated_fao56(warm)) - vapour)
    gamma = 6.65e-4 * pressure
    energy = 0.408 * _WATTS * slope * (radiation - ground)
    # 900 holds for kPa: 0.9 for Pa.
    drying = gamma * 0.9 / (mean + 273.0) * wind * deficit
    out[0] = positive((energy + drying) / (slope + gamma * (1.0 + 0.34 * wind)))


# net radiation (W m-2), air temperature (K), NDVI, vapour pressure deficit (Pa), each along time -> optimum (K)
@kernel("(t),(t),(t),(t)->()")
def optimum_temperature(radiation: Any, temperature: Any, ndvi: Any, deficit: Any, out: Any) -> None:
    r"""Air temperature when plants produced most: at the highest :math:`R_n f_A T / D` of the series.

    Fisher et al. (2008) define the optimum so, with temperature in degrees Celsius; samples at or below freezing and
    missing ones are left out, and the deficit counts as 100 Pa at least, so that fog is not the best weather (ours).

    Parameters
    ----------
    radiation, temperature, ndvi, deficit : array_like
        Net radiation (W m-2), air temperature (K), NDVI and vapour pressure deficit (Pa), time last.
    out : numpy.ndarray
        Temperature (K), NaN where nothing grew.
    """
    best = 0.0
    for t in range(temperature.shape[0]):
        warmth = temperature[t] - FREEZING
        dry = select(deficit[t] < 100.0, 100.0, deficit[t])
        worth = radiation[t] * fpar_of(ndvi[t]) * warmth / dry
        if warmth > 0.0 and radiation[t] > 0.0 and worth > best:
            best = worth
            out[0] = temperature[t]
