"""Years of carbon on the simulated Earth: fields as a user has them from products, and the truth beside them.

    years = carbon_years("globe", (2013, 2014, 2015))
    years.fields   # lai, fpar, downward_par ... with errors and <name>_uncertainty, dims (time, latitude, longitude)
    years.truth    # the same without errors, and gpp, maintenance_respiration, npp, heterotrophic_respiration, nep
                   # (g m-2 d-1 of carbon)
    years.annual   # those of the truth as sums of the years (g m-2 a-1), dims (year, latitude, longitude)
    years.trend    # what greening makes: lai (a-1, relative), gpp, npp (g m-2 a-2), dims (latitude, longitude)

Cover, climate and leaves are those of :func:`musyq_lab.twin.world.make_world`; the globe's are real maps. Weather of
the months is :mod:`musyq_lab.twin._years_weather`, carbon :mod:`musyq_lab.twin._years_carbon`, errors
:mod:`musyq_lab.twin._years_errors`. Sizes of anomalies and errors are chosen: this Earth is for checking methods
against a truth that is known, not for knowing the real one.

Everything is lazy (one dask block a year) and the same for the same arguments, whatever is asked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.registry import html_table
from musyq_lab.core.variables import QUANTITIES
from musyq_lab.twin import ancillary, truth
from musyq_lab.twin._kept import Kept
from musyq_lab.twin._synoptic import lattice
from musyq_lab.twin._years_carbon import Land, Moment, annual
from musyq_lab.twin._years_errors import ERRORS, Drawn
from musyq_lab.twin._years_weather import Anomalies, Field
from musyq_lab.twin.world import Members, World, make_world

StepName = Literal["month", "8day", "pentad"]

FLUXES = ("gpp", "maintenance_respiration", "npp", "heterotrophic_respiration", "nep")
"""What the truth has beside the fields (g m-2 d-1, carbon)."""
RESOLUTION = {"globe": 2.0, "local": 120.0}
"""Edge of a cell by default: deg, or m."""
_MOST_YEARS = 40


@dataclass(frozen=True)
class YearSettings:
    """What simulated years are made from."""

    place: str | tuple[float, float]
    """Preset, or longitude and latitude (deg)."""
    years: tuple[int, ...]
    """Calendar years, rising."""
    step: StepName
    """Length of a step."""
    resolution: float | None
    """Edge of a cell (m or deg), None for the default."""
    size: float | None
    """Edge of the square around a station (km), None for its own."""
    seed: int
    """Of the Earth."""
    greening: float
    """Growth of leaf area (a-1, relative)."""
    plants: float
    """Spread of the largest efficiencies about MOD17's (1)."""
    variability: float
    """Factor on anomalies of months and years."""
    errors: float
    """Factor on the errors of the fields."""
    error_seed: int
    """Of the errors."""
    members: Members
    """Set of canopies."""


@dataclass(frozen=True, eq=False)
class CarbonYears:
    """Simulated years; all Datasets are lazy."""

    settings: YearSettings
    """What they are made from."""
    fields: xr.Dataset
    """As a user has them, with ``<name>_uncertainty``: ``lai``, ``fpar`` (1), ``downward_shortwave``, ``downward_par``
    (W m-2), ``air_temperature``, ``air_temperature_min``, ``air_temperature_day`` (K), ``vapour_pressure_deficit``
    (Pa), ``precipitation`` (mm d-1), dims (time, rows, columns); ``land_cover`` (IGBP) and ``altitude`` (m), dims
    (rows, columns). Leaves are NaN over water. ``time`` is the first day of a step, ``days`` its length."""
    truth: xr.Dataset
    """The same without errors, ``lai_maximum`` of the year, and the fluxes of :data:`FLUXES` (g m-2 d-1); 0 on land
    without plants, NaN over water. ``efficiency_factor`` (1): the plants' largest efficiency over that of MOD17."""

    @cached_property
    def world(self) -> World:
        """The world they are of."""
        return _land(self.settings).world

    @property
    def annual(self) -> xr.Dataset:
        """True sums of the years (g m-2 a-1), dims (year, rows, columns)."""
        out = xr.Dataset({name: annual(self.truth[name], self.truth["days"]) for name in FLUXES})
        for name, layer in out.data_vars.items():
            layer.attrs = {"units": "g m-2 a-1", "long_name": f"true {_LONG[str(name)]} of the year"}
        return out

    @property
    def trend(self) -> xr.Dataset:
        """What greening makes in the mean climate: ``lai`` (a-1, relative), ``gpp``, ``npp`` (g m-2 a-2)."""
        return _trend(self.settings)

    def __repr__(self) -> str:
        """Say what it is in one line."""
        s, sizes = self.settings, dict(self.fields.sizes)
        return f"<CarbonYears of {s.place}, {s.years[0]} to {s.years[-1]}, {sizes}, seed {s.seed}>"

    def _repr_html_(self) -> str:
        """Show each field with its stated error, and the truth."""
        rows = [["layer", "units", "stated error"]]
        for name, error in ERRORS.items():
            size = error.sigma * self.settings.errors
            told = f"{100 * size:.3g} %" if error.relative else f"{size:.3g} {self.fields[name].attrs['units']}"
            rows.append([name, self.fields[name].attrs["units"], told])
        rows += [[name, "g m-2 d-1", "truth"] for name in FLUXES]
        s = self.settings
        return html_table(rows, f"Simulated carbon years: {s.place}, {s.years[0]} to {s.years[-1]}, seed {s.seed}")


def carbon_years(
    place: str | tuple[float, float] = "heihe",
    years: Sequence[int] = (2013, 2014, 2015),
    *,
    step: StepName = "month",
    resolution: float | None = None,
    size: float | None = None,
    seed: int = 0,
    greening: float = 0.005,
    plants: float = 0.08,
    variability: float = 1.0,
    errors: float = 1.0,
    error_seed: int | None = None,
    members: Members = "training",
) -> CarbonYears:
    """Make years of leaves, light, weather and carbon.

    Parameters
    ----------
    place
        ``"globe"``, another preset (:data:`musyq_lab.twin.place.PLACES`), or longitude and latitude (deg).
    years
        Calendar years, in any order, each once.
    step
        ``"month"``, ``"8day"`` (46 a year) or ``"pentad"`` (73 a year).
    resolution
        Edge of a cell, by default 2 deg on the globe, the place's own on a strip, and 120 m around a station.
    size
        Edge of the square (km) around a station, by default the place's own.
    seed
        Same seed, same Earth.
    greening
        Growth of leaf area (a-1, relative), counted from the middle of the first year; see
        :data:`musyq_lab.twin._years_carbon.GREENING` for the classes.
    plants
        How far the largest efficiencies of the classes are from MOD17's table: one standard deviation of the logarithm.
    variability
        Factor on the anomalies of months and years; 0 for the mean climate each year.
    errors
        Factor on the errors of the fields (:data:`musyq_lab.twin._years_errors.ERRORS`) and on the share of confused
        land cover; 0 for none.
    error_seed
        Draws other errors over the same Earth; by default the seed.
    members
        Which set of canopies it is built of.

    Returns
    -------
    CarbonYears
        With ``fields``, ``truth``, ``annual`` and ``trend``.

    Raises
    ------
    InputError
        If an argument makes no sense.
    NotFoundError
        If there is no such place.
    """
    chosen = _settings(
        place=place if isinstance(place, str) else (float(place[0]), float(place[1])),
        years=tuple(years),
        step=step,
        resolution=resolution,
        size=size,
        seed=seed,
        greening=greening,
        plants=plants,
        variability=variability,
        errors=errors,
        error_seed=seed if error_seed is None else error_seed,
        members=members,
    )
    land = _land(chosen)
    return CarbonYears(chosen, _fields(chosen, land), _truth(chosen, land))


def _settings(**given: Any) -> YearSettings:
    years = given["years"]
    whole = all(isinstance(y, int | np.integer) and not isinstance(y, bool) for y in years)
    if not years or not whole or len(set(years)) < len(years) or not all(1950 <= y <= 2100 for y in years):
        raise InputError(f"years={years!r}: expected whole years from 1950 to 2100, each once, such as (2013, 2014).")
    if len(years) > _MOST_YEARS:
        raise InputError(f"{len(years)} years: at most {_MOST_YEARS} are made at once.")
    if given["step"] not in get_args(StepName):
        raise InputError(f"step={given['step']!r} is none of {', '.join(get_args(StepName))}.")
    for name, low, high in (
        ("greening", -0.1, 0.1),
        ("plants", 0.0, 0.5),
        ("variability", 0.0, 3.0),
        ("errors", 0.0, 5.0),
    ):
        if not low <= given[name] <= high:
            raise InputError(f"{name}={given[name]!r}: expected {low:g} to {high:g}.")
    return YearSettings(**given | {"years": tuple(sorted(int(y) for y in years))})


# ---- made once -------------------------------------------------------------------------------------------------------
def _land(settings: YearSettings) -> Land:
    s = settings
    return _shared_land(
        (s.place, s.size, s.resolution, s.seed, s.members), s.years[0], float(s.greening), float(s.plants)
    )


@lru_cache(maxsize=4)
def _shared_land(world: tuple[Any, ...], origin: int, greening: float, plants: float) -> Land:
    place, size, resolution, seed, members = world
    if resolution is None:
        local = not isinstance(place, str) or make_world(place).place.bounds is None
        resolution = RESOLUTION["local"] if local else RESOLUTION.get(place)
    made = make_world(place, size=size, resolution=resolution, seed=seed, members=members)
    return Land(made, origin, greening, plants)


_TRUE, _SEEN = Kept(4), Kept(3)
"""Years made last, since each layer that is computed alone asks for its year anew."""


def _true_year(settings: YearSettings, year: int) -> dict[str, Field]:
    """Return the truth of a year, shape (step, y, x)."""

    def make() -> dict[str, Field]:
        land = _land(settings)
        anomalies = Anomalies(settings.seed, lattice(land.world.grid), settings.variability)
        made = land.year(list(moments(settings.step, year)), anomalies)
        made["heterotrophic_respiration"] = land.soil(made)
        made["nep"] = made["npp"] - made["heterotrophic_respiration"]
        del made["soil"]
        return made

    made: dict[str, Field] = _TRUE((settings, year), make)
    return made


def _seen_year(settings: YearSettings, year: int) -> dict[str, Field]:
    """Return the fields of a year with their errors, shape (step, y, x)."""

    def make() -> dict[str, Field]:
        land, true = _land(settings), _true_year(settings, year)
        drawn = Drawn(settings.error_seed, lattice(land.world.grid), land.cover)
        out: dict[str, Field] = {}
        for name in ERRORS:
            labels = [f"{moment.start:%Y-%m-%d}" for moment in moments(settings.step, year)]
            pairs = [drawn.observed(name, true[name][k], label, settings.errors) for k, label in enumerate(labels)]
            out[name], out[f"{name}_uncertainty"] = (np.stack(part) for part in zip(*pairs, strict=True))
        return out

    made: dict[str, Field] = _SEEN((settings, year), make)
    return made


def moments(step: StepName, year: int) -> Iterator[Moment]:
    """Yield the steps of a calendar year; the last of 8-day and five-day steps takes what is left of it."""
    first, end = datetime(year, 1, 1), datetime(year + 1, 1, 1)
    if step == "month":
        starts = [datetime(year, month, 1) for month in range(1, 13)]
    else:
        length, count = (8, 46) if step == "8day" else (5, 73)
        starts = [first + timedelta(days=length * k) for k in range(count)]
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        yield Moment(start, float((stop - start).days))


# ---- Datasets --------------------------------------------------------------------------------------------------------
_LONG = {
    "gpp": "gross primary production as mass of carbon",
    "maintenance_respiration": "carbon that plants respire to maintain themselves",
    "npp": "net primary production as mass of carbon",
    "heterotrophic_respiration": "carbon that soil organisms respire",
    "nep": "net ecosystem production as mass of carbon, positive for a sink",
}


def _attributes(name: str) -> dict[str, str]:
    if name in _LONG:
        return {"units": "g m-2 d-1", "long_name": f"true {_LONG[name]}"}
    known = QUANTITIES[name.removesuffix("_uncertainty")]
    if name != known.name:
        return {"units": known.units, "long_name": f"one standard uncertainty of {known.meaning}"}
    named = {"standard_name": known.standard_name} if known.standard_name else {}
    return {"units": known.units, "long_name": known.meaning, **named}


def _series(
    settings: YearSettings, land: Land, make: Callable[[YearSettings, int], dict[str, Field]], names: Sequence[str]
) -> dict[str, Any]:
    """Return lazy layers along time, one block a year."""
    import dask.array
    from dask.delayed import delayed

    blocks = {year: delayed(make, pure=True)(settings, year) for year in settings.years}
    counts = {year: len(list(moments(settings.step, year))) for year in settings.years}
    shape = land.world.grid.shape
    made = {}
    for name in names:
        parts = [
            dask.array.from_delayed(block[name], (counts[year], *shape), np.float32) for year, block in blocks.items()
        ]
        made[name] = (("time", "y", "x"), dask.array.concatenate(parts), _attributes(name))
    return made


def _placed(settings: YearSettings, land: Land, layers: dict[str, Any]) -> xr.Dataset:
    steps = [moment for year in settings.years for moment in moments(settings.step, year)]
    times = np.array([moment.start for moment in steps], "datetime64[ns]")
    length = ("time", np.array([moment.days for moment in steps]), {"units": "d", "long_name": "length of the step"})
    ds = xr.Dataset(layers, coords={"time": times, "days": length})
    return truth.georeferenced(land.world, ds)


def _fields(settings: YearSettings, land: Land) -> xr.Dataset:
    names = [name for key in ERRORS for name in (key, f"{key}_uncertainty")]
    layers = _series(settings, land, _seen_year, names)
    share = min(ancillary.CONFUSED * settings.errors, 0.5)
    layers["land_cover"] = _cover(ancillary.confused(land.cover, settings.error_seed, share))
    layers["altitude"] = ("y", "x"), land.world.static["elevation"].values, _attributes("altitude")
    return _placed(settings, land, layers)


def _truth(settings: YearSettings, land: Land) -> xr.Dataset:
    layers = _series(settings, land, _true_year, [*ERRORS, "lai_maximum", *FLUXES])
    layers["land_cover"] = _cover(land.cover)
    factor = {"units": "1", "long_name": "largest light-use efficiency over that of MOD17's table"}
    layers["efficiency_factor"] = ("y", "x"), land.factors[land.cover], factor
    return _placed(settings, land, layers)


def _cover(classes: NDArray[np.uint8]) -> tuple[tuple[str, str], NDArray[np.uint8], dict[str, Any]]:
    variable = ancillary.COVER.variable("land_cover")
    numbers, words = zip(*variable.classes, strict=True)
    meanings = " ".join(word.replace("-", "_").replace(" ", "_") for word in words)
    flags = {"flag_values": np.array(numbers, np.uint8), "flag_meanings": meanings}
    return ("y", "x"), classes, {"units": "1", "long_name": variable.long_name, **flags}


def _trend(settings: YearSettings) -> xr.Dataset:
    land = _land(settings)
    made = land.trend(settings.years[-1] - settings.years[0])
    water = {"lai": np.where(np.isnan(made["gpp"]), np.nan, land.rate).astype(np.float32)}
    units = {"lai": "a-1", "gpp": "g m-2 a-2", "npp": "g m-2 a-2"}
    words = {"lai": "true relative growth of leaf area"}
    layers = {
        name: (
            ("y", "x"),
            field,
            {"units": units[name], "long_name": words.get(name, f"growth of {name.upper()} by greening")},
        )
        for name, field in (water | made).items()
    }
    return truth.georeferenced(land.world, xr.Dataset(layers))
