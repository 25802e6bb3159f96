r"""Carbon of the simulated years: MOD17 with plants of their own, and soil that breathes what it gets.

Leaf area is that of :mod:`musyq_lab.twin.canopy` times the greening and what wet months give,

.. math:: L = L_0 \exp\left(g\,(t - t_0) + 0.08\, z_w + 0.05\, z_T\, c\right)

with the rate g of the class, the anomalies z of moisture (a month before) and warmth, and c = 1 where the year is below
10 degC on average. Production and maintenance are those of :mod:`musyq_lab.twin.carbon`, day by day of the step; wood
is that of the largest leaf area of the year and growth that of its sum, as in MOD17. The largest efficiency of each
class differs from MOD17's table by a factor of the world's own. Sunny days are dry ones, so MOD17 on the mean weather
of a step gives more than the truth even without errors: 6 % on the globe, 15 % around Heihe.

Soil breathes in the mean climate what plants give it but for a small sink,

.. math:: R_h = (1 - s)\, \overline{NPP_0}\; f / \overline{f_0}, \qquad
          f = w \exp\left[308.56 \left(\frac{1}{56.02} - \frac{1}{T - 227.13}\right)\right]

(Lloyd & Taylor 1994, doi 10.2307/2389824; the balance of pools in steady state as in Potter et al. 1993, doi
10.1029/93GB02725), w = exp(0.1 z_w) the moisture; bars are means of a year of the mean climate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.twin import carbon
from musyq_lab.twin._kept import Kept
from musyq_lab.twin._synoptic import lattice
from musyq_lab.twin._years_weather import Anomalies, Field, Step
from musyq_lab.twin.cover import WATER
from musyq_lab.twin.random import stream
from musyq_lab.twin.world import World

GREENING = MappingProxyType({2: 0.2, 12: 2.0, 14: 2.0, 16: 0.0})
"""Greening of a class over that of the others: crops green most and the wet tropics least, as seen from 2000 to 2017
(Chen et al. 2019, doi 10.1038/s41893-019-0220-7); the numbers are chosen."""
SINK = 0.03
"""Share of net production that stays in the mean climate: about the land sink over global net production."""
_WET, _WARM, _SOIL = 0.08, 0.05, 0.10
_COLD = 283.15
_GROWTH = 0.2  # of what maintenance leaves, a quarter of net production (MOD17)
_SHORT_YEAR = 12  # steps that the mean climate's year is made of


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of a year."""

    start: datetime
    """First instant."""
    days: float
    """Length (d)."""

    @property
    def middle(self) -> datetime:
        """Instant half-way."""
        return self.start + timedelta(days=self.days / 2)


class Land:
    """Plants and soil of a world over years.

    Parameters
    ----------
    world
        Gives terrain, climate and leaves.
    origin
        Year from which greening counts, at its middle.
    greening
        Growth of leaf area (a-1).
    plants
        One standard deviation of the logarithm of the largest efficiency of a class about MOD17's.
    """

    def __init__(self, world: World, origin: int, greening: float, plants: float) -> None:
        self.world = world
        self.origin = origin
        static = world.static
        self.cover: NDArray[np.uint8] = static["land_cover"].values
        factor = np.ones(256, np.float32)
        factor[list(GREENING)] = list(GREENING.values())
        self.rate: Field = np.float32(greening) * factor[self.cover]
        numbers = stream(world.seed, "efficiency").standard_normal(256)
        self.factors: Field = np.exp(plants * numbers - plants**2 / 2).astype(np.float32)
        self._biome = _biome_maps(self.cover, self.factors)
        self._alive = np.isin(self.cover, list(carbon.BIOMES))
        self._water = self.cover == WATER
        self._cold = (static["temperature_mean"].values < _COLD).astype(np.float32)
        self._kept = Kept(2)

    def year(self, moments: Sequence[Moment], anomalies: Anomalies, green: float | None = None) -> dict[str, Field]:
        """Return leaves, weather and production of the steps of one calendar year, shape (step, y, x); NaN over water.

        Parameters
        ----------
        moments
            Steps.
        anomalies
            Of the months.
        green
            Years of greening, by default those since the origin.
        """
        rows = [self._step(moment, anomalies, green) for moment in moments]
        out = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        self._close(out, np.array([moment.days for moment in moments], np.float32)[:, np.newaxis, np.newaxis])
        for name, field in out.items():
            if name not in _WEATHER:
                field[:, self._water] = np.nan
        return out

    def _step(self, moment: Moment, anomalies: Anomalies, green: float | None) -> dict[str, Field]:
        step = Step(self.world.static, self.world.grid, moment.middle, anomalies)
        lai, fpar = self._leaves(moment, step, green)
        total: dict[str, Field] = {}
        for weight, day in step.days():
            light = fpar * day["downward_par"] * np.float32(0.0864)  # W m-2 to MJ m-2 d-1
            coldest, celsius = (day[name] - np.float32(273.15) for name in ("air_temperature_min", "air_temperature"))
            made = carbon.production(self._biome, light, coldest, day["vapour_pressure_deficit"])
            parts = {**day, "gpp": made, "soil": lloyd_taylor(day["air_temperature"])}
            parts |= dict(zip(("quick", "wood"), _maintenance(self._biome, celsius), strict=True))
            for name, field in parts.items():
                share = np.float32(weight) * field
                total[name] = total[name] + share if name in total else share
        total["gpp"] = np.where(self._alive, total["gpp"], np.float32(0))
        total["soil"] = total["soil"] * np.exp(np.float32(_SOIL) * step.moisture())
        total["quick"] = total["quick"] * lai
        return {**total, "lai": lai, "fpar": fpar, "precipitation": step.rain()}

    def _leaves(self, moment: Moment, step: Step, green: float | None) -> tuple[Field, Field]:
        canopy = self.world.canopy(moment.middle)
        since = (moment.middle - datetime(self.origin, 7, 2)).days / 365.25 if green is None else green
        grown = self.rate * np.float32(since) + np.float32(_WET) * step.moisture(30.0)
        grown += np.float32(_WARM) * step.warmth() * self._cold
        lai = np.minimum(canopy["lai"].values * np.exp(grown), np.float32(12.0))
        return lai, 1 - np.exp(-np.float32(carbon.EXTINCTION) * canopy["clumping_index"].values * lai)

    def _close(self, out: dict[str, Field], days: Field) -> None:
        """Add maintenance and net production, whose growth is that of the year, in place."""
        largest = out["lai"].max(axis=0)
        upkeep = np.where(self._alive, out.pop("quick") + out.pop("wood") * largest, 0)
        gross = (out["gpp"] * days).sum(axis=0)
        growth = _GROWTH * np.maximum(gross - (upkeep * days).sum(axis=0), 0)
        share = np.divide(growth, gross, out=np.zeros_like(gross), where=gross > 0)
        out["maintenance_respiration"] = upkeep.astype(np.float32)
        out["npp"] = (out["gpp"] * (1 - share) - upkeep).astype(np.float32)
        out["lai_maximum"] = np.broadcast_to(largest, out["lai"].shape).copy()

    # ---- the mean climate ----------------------------------------------------------------------------------------
    def mean_year(self, green: float = 0.0) -> dict[str, Field]:
        """Return annual sums in the mean climate, shape (y, x): ``gpp``, ``npp`` (g m-2), and the mean of ``soil``."""

        def make() -> dict[str, Field]:
            still = Anomalies(self.world.seed, lattice(self.world.grid), 0.0)
            length = 365.25 / _SHORT_YEAR
            starts = [datetime(self.origin, 1, 1) + timedelta(days=k * length) for k in range(_SHORT_YEAR)]
            made = self.year([Moment(start, length) for start in starts], still, green)
            return {name: made[name].mean(axis=0) * np.float32(365.25) for name in ("gpp", "npp", "soil")}

        made: dict[str, Field] = self._kept(green, make)
        return made

    def soil(self, year: dict[str, Field]) -> Field:
        """Return heterotrophic respiration (g m-2 d-1) of the steps of :meth:`year`, shape (step, y, x)."""
        mean = self.mean_year()
        given = (1 - SINK) * np.maximum(mean["npp"], 0)
        return np.asarray(given / mean["soil"] * year["soil"], np.float32)

    def trend(self, years: float) -> dict[str, Field]:
        """Return the growth of annual production (g m-2 a-2) that greening makes over some years in the mean climate.

        Parameters
        ----------
        years
            From the first to the last, at least 1.
        """
        span = max(years, 1.0)
        first, last = self.mean_year(), self.mean_year(span)
        return {name: (last[name] - first[name]) / np.float32(span) for name in ("gpp", "npp")}


_WEATHER = (
    *("air_temperature", "air_temperature_min", "air_temperature_day", "vapour_pressure_deficit"),
    *("downward_shortwave", "downward_par", "precipitation"),
)


def _biome_maps(cover: NDArray[np.uint8], factors: Field) -> carbon.Biome:
    """Return the parameters of every cell; those of the first class where there are no plants."""
    first = next(iter(carbon.BIOMES.values()))
    rows = [carbon.BIOMES.get(number, first) for number in range(256)]

    def field(pick: Callable[[carbon.Biome], carbon.Parameter]) -> Field:
        return np.array([pick(row) for row in rows], np.float32)[cover]

    def both(pick: Callable[[carbon.Biome], Sequence[carbon.Parameter]]) -> tuple[Field, Field]:
        return field(lambda row: pick(row)[0]), field(lambda row: pick(row)[1])

    return carbon.Biome(
        field(lambda row: row.efficiency) * factors[cover],
        both(lambda row: row.cold),
        both(lambda row: row.dry),
        field(lambda row: row.leaf_area),
        both(lambda row: row.mass),
        (*both(lambda row: row.respiration[:2]), field(lambda row: row.respiration[2])),
    )


def _maintenance(biome: carbon.Biome, celsius: Field) -> tuple[Field, Field]:
    """Return maintenance respiration (g C m-2 d-1) of leaves and roots, and of wood, for a leaf area of 1."""
    one = np.ones_like(celsius)
    herb = biome._replace(mass=(biome.mass[0], 0.0))
    whole, quick = (carbon.maintenance(kind, one, celsius).astype(np.float32) for kind in (biome, herb))
    return quick, whole - quick


def lloyd_taylor(temperature: Field) -> Field:
    """Return the respiration of soil over that at 10 degC (Lloyd & Taylor 1994, eq. 11), 0 below 230 K."""
    warm = np.maximum(temperature, np.float32(230.0))
    return np.asarray(np.exp(308.56 * (1 / 56.02 - 1 / (warm - 227.13))), np.float32)


def annual(field: xr.DataArray, days: xr.DataArray) -> xr.DataArray:
    """Return the sums of calendar years of a rate per day, dims (year, ...)."""
    summed: xr.DataArray = (field * days).groupby("time.year").sum("time", skipna=False)
    return summed.astype(np.float32)
