"""The analyses of the Change page: what each needs, makes of a series of maps, and is called in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.analysis.anomaly import anomaly, false_discovery
from musyq_lab.analysis.breaks import breaks
from musyq_lab.analysis.trend import trend
from musyq_lab.analysis.years import compare_periods, yearly_means
from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.products._registry import RETRIEVALS

MEASURES = {"difference": "absolute", "standard deviations": "standard", "relative": "relative"}
"""Words of the page for the kinds of :func:`musyq_lab.analysis.anomaly.anomaly`."""
ALIKE = 0.1
"""Share of false discoveries among trends and differences that are called significant on the map as a whole."""
LEVEL = 0.05
"""Chance below which one place is called significant."""
_LEAST_YEARS = 4
_SEASONAL = ("ndvi", "evi", "lai")
_DATES = ("time", "year")


@dataclass(frozen=True)
class Ask:
    """What is asked of a series of maps."""

    kind: str = "trend"
    """Key of :data:`KINDS`."""
    baseline: tuple[int, int] | None = None
    """First and last year that anomalies are compared with; all if None."""
    measure: str = "difference"
    """Key of :data:`MEASURES`."""
    before: tuple[int, int] | None = None
    """First period of two; the first half of the years if None."""
    after: tuple[int, int] | None = None
    """Second period; the second half if None."""
    model: str = "trend"
    """Pieces between breaks: ``trend`` or ``level``."""

    def options(self) -> dict[str, Any]:
        """Return those that the analysis uses and that are not so from the start, as keywords."""
        own, start = KINDS[self.kind].options, Ask()
        return {name: getattr(self, name) for name in own if getattr(self, name) != getattr(start, name)}


@dataclass(frozen=True)
class Subject:
    """A series of maps that can be analysed."""

    layer: xr.DataArray
    """Along ``dim`` and the axes of the map."""
    dim: str
    """Dimension of dates or of years; empty where there is none."""

    @property
    def dated(self) -> bool:
        """Whether the steps are dates."""
        return bool(self.dim) and np.issubdtype(self.layer[self.dim].dtype, np.datetime64)

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return int(self.layer.sizes[self.dim]) if self.dim else 1

    @property
    def years(self) -> list[int]:
        """Calendar years of the steps, none where they are neither dates nor years."""
        if self.dated:
            return [int(year) for year in np.unique(self.layer[self.dim].dt.year.values)]
        return [int(year) for year in self.layer[self.dim].values] if self.dim == "year" else []

    @property
    def by_year(self) -> bool:
        """Whether trends are those of yearly means."""
        return self.dated and len(self.years) >= _LEAST_YEARS

    def yearly(self) -> xr.DataArray:
        """Return yearly means, or the steps themselves where years are too few or the steps are no dates."""
        return yearly_means(self.layer, self.dim) if self.by_year else self.layer

    @property
    def yearly_dim(self) -> str:
        """Dimension of :meth:`yearly`."""
        return "year" if self.by_year else self.dim

    @property
    def halves(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The first and the second half of the years."""
        years = self.years
        middle = len(years) // 2
        return (years[0], years[middle - 1]), (years[middle], years[-1])


@dataclass(frozen=True)
class Kind:
    """One analysis."""

    title: str
    """Name in menus."""
    summary: str
    """What it says, in a sentence."""
    maps: Mapping[str, str]
    """Layer -> name in menus; the first is shown first."""
    make: Callable[[Subject, Ask], xr.Dataset]
    """Lazy result."""
    lacks: Callable[[Subject], str]
    """What a subject lacks for it, as a sentence; empty where nothing."""
    lines: Callable[[str, Subject, Ask], list[str]]
    """Lines of Python that make the result from ``layer``; takes name, subject and what is asked."""
    options: tuple[str, ...] = ()
    """Fields of :class:`Ask` that matter."""
    diverging: frozenset[str] = field(default_factory=frozenset)
    """Layers with colours about zero."""


def subject_of(layer: xr.DataArray, map_dims: tuple[str, str]) -> Subject:
    """Return a layer as a series of maps; what is no real number is read as one.

    Parameters
    ----------
    layer : DataArray
        Along the axes of the map and at most one further dimension.
    map_dims : tuple of str
        The axes of the map.
    """
    others = [str(d) for d in layer.dims if d not in map_dims]
    dim = next((name for name in _DATES if name in others), "")
    if dim and not _rises(layer[dim].values):
        layer = layer.sortby(dim)
    if dim and not _rises(layer[dim].values):
        raise InputError(f"The steps along {dim} are not different dates or years, so there is no series of them.")
    return Subject(layer, dim)


def _rises(labels: np.ndarray[Any, Any]) -> bool:
    if labels.dtype.kind not in "Miuf":
        return False
    return bool((labels[1:] > labels[:-1]).all())


def kind_of(name: str) -> Kind:
    """Return an analysis.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    if name not in KINDS:
        raise NotFoundError(f"There is no analysis {name!r}.{closest(name, KINDS)} There are {', '.join(KINDS)}.")
    return KINDS[name]


def _anomalies(subject: Subject, ask: Ask) -> xr.Dataset:
    if ask.measure not in MEASURES:
        raise InputError(f"measure={ask.measure!r} is none. Use one of {', '.join(MEASURES)}.")
    span = ask.baseline
    if subject.by_year or subject.dim == "year":
        found = anomaly(subject.yearly(), subject.yearly_dim, kind=MEASURES[ask.measure], baseline=span)  # type: ignore[arg-type]
    else:
        ends = None if span is None else (str(span[0]), str(span[1]))
        found = anomaly(subject.layer, subject.dim, kind=MEASURES[ask.measure], baseline=ends)  # type: ignore[arg-type]
    return xr.Dataset({"anomaly": found})


def _trends(subject: Subject, _ask: Ask) -> xr.Dataset:
    return trend(subject.yearly(), subject.yearly_dim)


def _breaks(subject: Subject, ask: Ask) -> xr.Dataset:
    return breaks(subject.layer, subject.dim, model=ask.model)  # type: ignore[arg-type]


def _strongest(found: xr.Dataset) -> xr.Dataset:
    """Return the largest step of each cell, its date, and the number of breaks."""
    at = abs(found["shift"]).fillna(-1.0).argmax("break")
    one = found[["shift", "date", "p_value"]].isel({"break": at}).drop_vars("break", errors="ignore")
    when, dated = one["date"], np.issubdtype(one["date"].dtype, np.datetime64)
    if dated:
        when = when.dt.year + (when.dt.dayofyear - 1) / 365.25
    return xr.Dataset(
        {
            "shift": one["shift"].assign_attrs(long_name="largest step at a break"),
            "date": when.assign_attrs(long_name="date of the largest step", units="year" if dated else "1"),
            "breaks": found["count"].astype(np.float32).assign_attrs(found["count"].attrs),
            "p_value": one["p_value"],
        }
    )


def season_input(subject: Subject) -> str:
    """Return which input of the phenology a layer is, empty for none."""
    name = str(subject.layer.name or "").lower()
    return next((key for key in _SEASONAL if key in (name, name.split("_")[0])), "")


def _seasons(subject: Subject, _ask: Ask) -> xr.Dataset:
    name = season_input(subject)
    layer = subject.layer.rename({subject.dim: "time"}) if subject.dim != "time" else subject.layer
    if "units" not in layer.attrs:
        layer = layer.assign_attrs(units="1")
    method = "threshold" if name == "ndvi" else f"threshold_{name}"
    names = ["start_of_season", "peak_of_season", "end_of_season", "length_of_season"]
    given: dict[str, Any] = {name: layer}
    made = RETRIEVALS["phenology"](**given, method=method, variables=names)
    return made[[n for n in made.data_vars if any(str(n).startswith(known) for known in names)]]


def _periods(subject: Subject, ask: Ask) -> xr.Dataset:
    before, after = ask.before or subject.halves[0], ask.after or subject.halves[1]
    return compare_periods(subject.layer, before, after, subject.dim)


def summed_up(kind: str, made: xr.Dataset) -> xr.Dataset:
    """Add what is known only of computed maps: which tests stay significant together, the largest of the breaks."""
    if kind == "breaks":
        return _strongest(made)
    if kind not in ("trend", "periods"):
        return made
    found = false_discovery(made["p_value"], ALIKE)
    return made.assign(significant=found.astype(np.float32).where(made["p_value"].notnull()))


def _no_time(subject: Subject) -> str:
    return "" if subject.dim else "It has no dates: a single map, or steps that are neither dates nor years."


def _lacks_steps(least: int, what: str) -> Callable[[Subject], str]:
    def lacks(subject: Subject) -> str:
        if missing := _no_time(subject):
            return missing
        if subject.steps < least:
            held = "one date only" if subject.steps == 1 else f"{subject.steps} dates"
            return f"It has {held}: {what} needs at least {least}."
        return ""

    return lacks


def _lacks_years(subject: Subject) -> str:
    if missing := _no_time(subject):
        return missing
    if len(subject.years) < 2:
        return "It covers one year only: before and after need two years or more."
    return ""


def _lacks_season(subject: Subject) -> str:
    if not subject.dated:
        return "It has no dates, which seasons need."
    if not season_input(subject):
        return f"Seasons are read off NDVI, EVI or leaf area (ndvi, evi, lai), not {subject.layer.name}."
    span = float(
        (subject.layer[subject.dim].values[-1] - subject.layer[subject.dim].values[0]) / np.timedelta64(1, "D")
    )
    if span < 330 or subject.steps < 12:
        return f"It covers {span:.0f} days in {subject.steps} dates: a season needs about a year and 12 dates or more."
    return ""


def _yearly_lines(subject: Subject) -> list[str]:
    if not subject.by_year:
        return []
    return ["from musyq_lab.analysis.years import yearly_means", f'layer = yearly_means(layer, "{subject.dim}")']


def _anomaly_lines(_name: str, subject: Subject, ask: Ask) -> list[str]:
    span = ask.baseline if ask.baseline is None or subject.yearly_dim == "year" else tuple(map(str, ask.baseline))
    call = f'anomaly(layer, "{subject.yearly_dim}", kind="{MEASURES[ask.measure]}", baseline={span!r})'
    return ["from musyq_lab.analysis.anomaly import anomaly", *_yearly_lines(subject), f"result = {call}"]


def _trend_lines(_name: str, subject: Subject, _ask: Ask) -> list[str]:
    head = ["from musyq_lab.analysis.trend import trend", *_yearly_lines(subject)]
    return [*head, f'result = trend(layer, "{subject.yearly_dim}")']


def _break_lines(_name: str, subject: Subject, ask: Ask) -> list[str]:
    return [
        "from musyq_lab.analysis.breaks import breaks",
        f'result = breaks(layer, "{subject.dim}", model="{ask.model}")',
    ]


def _season_lines(_name: str, subject: Subject, _ask: Ask) -> list[str]:
    name = season_input(subject)
    method = "threshold" if name == "ndvi" else f"threshold_{name}"
    return [f'result = ml.retrieve("phenology", {name}=layer, method="{method}")']


def _period_lines(_name: str, subject: Subject, ask: Ask) -> list[str]:
    before, after = ask.before or subject.halves[0], ask.after or subject.halves[1]
    return [
        "from musyq_lab.analysis.years import compare_periods",
        f'result = compare_periods(layer, {before}, {after}, "{subject.dim}")',
    ]


_DAYS = {
    "start_of_season": "Start of the season",
    "peak_of_season": "Peak of the season",
    "end_of_season": "End of the season",
    "length_of_season": "Length of the season",
}

KINDS: dict[str, Kind] = {
    "trend": Kind(
        "Trend",
        "Theil-Sen slope (of yearly means where there are enough years, else of the steps); Mann-Kendall test.",
        {"slope": "Slope", "p_value": "Chance without a trend", "tau": "Kendall's tau"},
        _trends,
        _lacks_steps(4, "a trend"),
        _trend_lines,
        diverging=frozenset({"slope", "tau"}),
    ),
    "anomaly": Kind(
        "Anomalies",
        "How far each year lies from the mean of the reference years.",
        {"anomaly": "Anomaly"},
        _anomalies,
        _lacks_steps(2, "an anomaly"),
        _anomaly_lines,
        ("baseline", "measure"),
        frozenset({"anomaly"}),
    ),
    "breaks": Kind(
        "Breaks",
        "Dates at which level or trend changes, after the season is taken off.",
        {"shift": "Largest step", "date": "Date of the largest step", "breaks": "Number of breaks"},
        _breaks,
        _lacks_steps(12, "a break"),
        _break_lines,
        ("model",),
        frozenset({"shift"}),
    ),
    "phenology": Kind(
        "Seasons",
        "Start, peak and end of the growing season of each year.",
        _DAYS,
        _seasons,
        _lacks_season,
        _season_lines,
    ),
    "periods": Kind(
        "Before and after",
        "Two periods side by side, and their difference.",
        {"difference": "Difference", "p_value": "Chance in one climate"},
        _periods,
        _lacks_years,
        _period_lines,
        ("before", "after"),
        frozenset({"difference"}),
    ),
}
"""Key -> analysis, in the order of the menu."""
