r"""Evapotranspiration of MOD16: Penman-Monteith for wet leaves, dry leaves and soil, by day or by night.

With the cover :math:`F` (FPAR), leaf area :math:`L`, vapour pressure deficit D, relative humidity h, wetness
:math:`w = h^4` for :math:`h \ge 0.7` and else 0, :math:`A_c = F R_n` and :math:`A_s = (1 - F)(R_n - G)`:

.. math::
   \lambda E_i &= w \frac{s A_c + \rho c_p F D / r_w}{s + p\,c_p r_v / (0.622\,\lambda\,r_w)}, \quad
      r_v = \frac{1}{g_v L w}, \quad r_w = \Big(g_h L w + \frac{1}{r_r}\Big)^{-1},
      \quad r_r = \frac{\rho c_p}{4 \sigma T^3} \\
   \lambda E_c &= (1 - w) \frac{s A_c^+ + \rho c_p F D / r_a}{s + \gamma (1 + r_c / r_a)}, \quad
      r_a = \Big(g_h + \frac{1}{r_r}\Big)^{-1}, \quad
      \frac{1}{r_c} = \frac{g_b (g_s + g_u)}{g_b + g_s + g_u}, \quad g_b = g_h L (1 - w) \\
   \lambda E_s &= \frac{s A_s + \rho c_p (1 - F) D / r_{as}}{s + \gamma\,r_t / r_{as}}
      \big(w + (1 - w)\,h^{D / \beta}\big), \quad r_{as} = \Big(\frac{1}{r_t} + \frac{1}{r_r}\Big)^{-1}

in Collection 7; Collection 6.1 takes the leaf's :math:`g_h` for :math:`g_b` and multiplies by :math:`L (1 - w)` after.
:math:`g_s = C\,m(T_{min})\,m(D)` by day and 0 by night, and :math:`r_t` runs from its least to its greatest
value with D; conductances and :math:`1/r_t` are scaled by :math:`c = (101300/p)\,(T/293.15)^{1.75}`.

References
----------
Mu, Zhao and Running 2011, doi:10.1016/j.rse.2011.02.019; Running et al., MOD16 User's Guide. Written from the equations
of the README of arthur-e/MOD16 1.2.0 (MIT), which has the form of Collection 7 and states that of Collection 6.1.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import exp, log
from musyq_lab.kernels.weather import (
    FREEZING,
    HEAT_CAPACITY,
    VAPOUR_RATIO,
    density_of,
    heat_of,
    saturated_fao56,
    slope_of,
)

CUTICLE = 1e-5
"""Conductance of the leaf's skin (m s-1), the same in all tables of MOD16."""
_STEFAN_BOLTZMANN = 5.67e-8  # W m-2 K-4, as in MOD16
_WET = 0.7  # relative humidity from which surfaces are wet


@inline
def ramp(x: Any, low: Any, high: Any) -> Any:
    """Rise from 0 at ``low`` to 1 at ``high``; NaN stays NaN."""
    rise = (x - low) / (high - low)
    return select(rise > 1.0, 1.0, select(rise < 0.0, 0.0, rise))


@inline
def penman_monteith(energy: Any, drying: Any, slope: Any, against: Any) -> Any:
    """Penman-Monteith equation with its four terms put together."""
    return (slope * energy + drying) / (slope + against)


# net radiation and heat into the ground (W m-2), air temperature (K), deficit (Pa), pressure (Pa), FPAR, leaf area,
# stomatal conductance before the limit of the deficit (m s-1), conductances of leaves to heat and to water (m s-1),
# deficits at which stomata begin and end to close (Pa), least and greatest resistance of the soil (s m-1), beta (Pa),
# 1 for the conductance of Collection 7, 0 for 6.1 -> transpiration, evaporation from the soil, from wet leaves (W m-2)
@kernel("(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),()->(),(),()")
def mod16(
    radiation: float,
    ground: float,
    temperature: float,
    deficit: float,
    pressure: float,
    cover: float,
    leaves: float,
    stomata: float,
    to_heat: float,
    to_water: float,
    opened: float,
    closed: float,
    least: float,
    greatest: float,
    beta: float,
    whole: float,
    transpiration: Any,
    soil: Any,
    wet_leaves: Any,
) -> None:
    """Transpiration, evaporation from the soil and from wet leaves, of the day or of the night.

    Parameters
    ----------
    radiation, ground : array_like
        Net radiation and heat flux into the ground (W m-2), means of the day or of the night.
    temperature, deficit, pressure : array_like
        Air temperature (K), vapour pressure deficit (Pa), surface pressure (Pa).
    cover, leaves : array_like
        FPAR and leaf area index.
    stomata : array_like
        Stomatal conductance as limited by temperature, before the limit by the deficit (m s-1); 0 for the night.
    to_heat, to_water : array_like
        Conductances of leaves to sensible heat and to evaporated water (m s-1).
    opened, closed : array_like
        Deficits at which stomata begin to close and are closed (Pa).
    least, greatest, beta : array_like
        Resistances of the soil in moist and in dry air (s m-1), and the deficit of the soil's limit (Pa).
    whole : array_like
        1 where the boundary layer counts for all leaves together (Collection 7), 0 where for each (6.1).
    transpiration, soil, wet_leaves : numpy.ndarray
        Three latent heat fluxes (W m-2), of the broadcast shape; negative where dew forms.
    """
    warmth = temperature - FREEZING
    saturation = saturated_fao56(warmth)
    humidity = (saturation - deficit) / saturation
    humidity = select(humidity < 0.0, 0.0, humidity)
    wet = select(humidity < _WET, 0.0, humidity * humidity * humidity * humidity)
    slope = slope_of(saturation, warmth)
    gamma = HEAT_CAPACITY * pressure / (VAPOUR_RATIO * heat_of(warmth))
    heat = HEAT_CAPACITY * density_of(warmth, pressure, humidity)
    radiating = 4.0 * _STEFAN_BOLTZMANN * temperature * temperature * temperature / heat
    thinner = 101300.0 / pressure * exp(1.75 * log(temperature / 293.15))
    shut = ramp(deficit, opened, closed)

    on_leaves = cover * radiation
    moist = leaves * wet
    leaving = to_heat * moist + radiating
    drying = heat * cover * deficit * leaving
    rain = wet * penman_monteith(on_leaves, drying, slope, gamma * leaving / (to_water * moist))
    wet_leaves[0] = select(moist <= 1e-7, 0.0 * rain, rain)

    inside = (stomata * (1.0 - shut) + CUTICLE) / thinner
    dry_leaves = leaves * (1.0 - wet)
    outside = to_heat * select(whole > 0.5, dry_leaves, 1.0)
    conductance = outside * inside / (outside + inside) * select(whole > 0.5, 1.0, dry_leaves)
    leaving = to_heat + radiating
    drying = heat * cover * deficit * leaving
    absorbed = select(on_leaves < 0.0, 0.0, on_leaves)
    flow = (1.0 - wet) * penman_monteith(absorbed, drying, slope, gamma * (1.0 + leaving / conductance))
    transpiration[0] = select(conductance <= 1e-7, 0.0 * flow, flow)

    resistance = (least + (greatest - least) * shut) / thinner
    leaving = 1.0 / resistance + radiating
    drying = heat * (1.0 - cover) * deficit * leaving
    bare = (1.0 - cover) * (radiation - ground)
    potential = penman_monteith(bare, drying, slope, gamma * resistance * leaving)
    soil[0] = potential * (wet + (1.0 - wet) * exp(log(humidity) * deficit / beta))


# net radiation by day and night (W m-2), air temperature by day, by night and of the year (K), temperature at which
# stomata are closed (degrees Celsius) -> heat into the ground by day and by night (W m-2)
@kernel("(),(),(),(),(),()->(),()")
def mod16_ground_heat(
    radiation_day: float,
    radiation_night: float,
    day: float,
    night: float,
    year: float,
    closed: float,
    by_day: Any,
    by_night: Any,
) -> None:
    r"""Heat flux into bare ground, by day and by night.

    :math:`G = 4.73\,T - 20.87` (T in degrees Celsius) where the year is warmer than the temperature that closes stomata
    and cooler than 25 degrees, and the day is 5 K warmer than the night; else 0. It is at most 0.39 of the net
    radiation, at most all of it by day, and the night keeps at least minus half of the day's.

    Parameters
    ----------
    radiation_day, radiation_night : array_like
        Net radiation by day and by night (W m-2).
    day, night, year : array_like
        Mean air temperature by day, by night and of the year (K).
    closed : array_like
        Lowest air temperature of the day at which stomata are closed (degrees Celsius).
    by_day, by_night : numpy.ndarray
        Heat flux into the ground (W m-2).
    """
    felt = (year - FREEZING >= closed) & (year - FREEZING < 25.0) & (day - night >= 5.0)
    nothing = 0.0 * (year + day + night + closed)
    warm = select(felt, 4.73 * (day - FREEZING) - 20.87, nothing)
    cold = select(felt, 4.73 * (night - FREEZING) - 20.87, nothing)
    warm = select(abs(warm) > 0.39 * abs(radiation_day), 0.39 * radiation_day, warm)
    cold = select(abs(cold) > 0.39 * abs(radiation_night), 0.39 * radiation_night, cold)
    lit = radiation_day > 0.0
    by_day[0] = select(lit & (radiation_day - warm < 0.0), radiation_day, warm)
    floor = radiation_night + 0.5 * radiation_day
    by_night[0] = select(lit & (radiation_night - cold < -0.5 * radiation_day), floor, cold)
