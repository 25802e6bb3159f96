r"""Water of the root zone from rain and the evaporation that the air asks for: one bucket, day by day.

Evaporation is the lesser of demand and supply at each hour (Federer 1982, as in SPLASH: Davis et al. 2017). Demand is a
half sine of the N hours of light with the day's potential evaporation :math:`E_p` as its integral, supply is constant
over the day, :math:`S = S_{max} W / W_{max}` with :math:`S_{max} = 1.05` mm/h, so that with
:math:`x = \arcsin(S / D)`, :math:`D = \pi E_p / (2N)`

.. math:: E = E_p \quad (S \ge D), \qquad E = E_p (1 - \cos x) + S N (1 - 2x/\pi) \quad (S < D).

Water beyond the capacity :math:`W_{max}` runs off. No more evaporates than is stored and falls as rain.

References
----------
Davis et al. (2017), doi:10.5194/gmd-10-689-2017: supply rate and the rule of Federer (1982), as in pyrealm 2.0.0 (MIT);
the net radiation that shapes their day is replaced here by a half sine.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import asin, cos

__all__ = ["SUPPLY", "evaporated", "water_balance"]

SUPPLY = 1.05
"""Largest supply of water by the soil (mm h-1), as in SPLASH."""

_HALF_PI = 1.5707963267948966


@inline
def _held(stored: Any, capacity: Any) -> Any:
    low = select(stored < 0.0, 0.0 * stored, stored)
    return select(low > capacity, capacity, low)


@inline
def evaporated(stored: Any, capacity: Any, demand: Any, hours: Any) -> Any:
    """Evaporation of a day (mm) from stored water and capacity (mm), demand (mm) and hours of light."""
    if demand <= 0.0:
        return 0.0 * demand
    supply, peak = SUPPLY * stored / capacity, _HALF_PI * demand / hours
    if supply >= peak:
        return demand
    x = asin(supply / peak)
    return demand * (1.0 - cos(x)) + supply * hours * (1.0 - x / _HALF_PI)


@inline
def _spent(stored: Any, rain: Any, capacity: Any, demand: Any, hours: Any) -> Any:
    """Evaporation of a day (mm), no more than there is: the supply of a day empties a bucket of less than 25 mm."""
    wanted = evaporated(stored, capacity, demand, hours)
    return select(wanted > stored + rain, stored + rain, wanted)


@kernel("(n),(n),(n),(),(),()->(n),(n),(n),()")  # n days
def water_balance(
    rain: Any,  # n precipitation (mm d-1)
    demand: Any,  # n potential evaporation (mm d-1)
    hours: Any,  # n hours of light
    capacity: float,  # water that the root zone holds (mm)
    start: float,  # share of it that is filled on the first morning
    spin: float,  # days of the beginning that are run through before
    share: Any,  # n water in the evening over capacity
    evaporation: Any,  # n mm d-1
    runoff: Any,  # n mm d-1
    ratio: Any,  # evaporation over demand of all days
) -> None:
    """Run the bucket through a series of days; after a day without data, all days are NaN.

    Parameters
    ----------
    rain, demand, hours : array_like
        Daily precipitation and potential evaporation (mm d-1) and hours of light, time last.
    capacity, start : array_like
        Water that the root zone holds (mm), and the share of it that is filled on the first morning.
    spin : array_like
        As many days of the beginning are run through once before, to find the water of the first morning.
    share, evaporation, runoff : numpy.ndarray
        Share of the capacity that is filled in the evening, evaporation and runoff (mm d-1), time last.
    ratio : numpy.ndarray
        Actual over potential evaporation of all days.
    """
    stored = start * capacity
    for day in range(min(int(spin), len(rain))):
        stored = stored + rain[day] - _spent(stored, rain[day], capacity, demand[day], hours[day])
        stored = _held(stored, capacity)
    used, asked = 0.0 * stored, 0.0 * stored
    for day in range(len(rain)):
        evaporation[day] = _spent(stored, rain[day], capacity, demand[day], hours[day])
        stored = stored + rain[day] - evaporation[day]
        runoff[day] = select(stored < capacity, 0.0 * stored, stored - capacity)
        stored = _held(stored, capacity)
        share[day] = stored / capacity
        used += evaporation[day]
        asked += select(demand[day] < 0.0, 0.0 * demand[day], demand[day])
    ratio[0] = used / asked
